/* pg_target.h: where to connect, as libpq's list of keywords and values.
 *
 * Promise: host names are known one by one so that somebody can look them up without blocking;
 *          what the recorder insists on (UTF-8, its application name, keepalives) is in the list.
 * Thread:  any; no state beyond the struct.
 * Knows:   libpq's connection strings.  Not: the host's services, connections.
 *
 * Several hosts in one connection string, and several addresses of one host, are handed to libpq as
 * one list: it goes to the next one by its own rules.
 */
#ifndef RECORDER_PG_TARGET_H
#define RECORDER_PG_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include <libpq-fe.h>

enum { PG_TARGET_KEYS = 64 };

struct pg_target {
    PQconninfoOption *options;
    char application_name[64];
    char *hosts;       /* the list being looked up, cut at its commas; NULL: nothing to look up */
    size_t hosts_size; /* of the original list, with its NUL */
    size_t next;       /* where in hosts the next name starts */
    size_t place;      /* of that name in the list, from 0 */
    /* The answers so far, an entry an address, separated by commas: host, hostaddr, port. */
    char *names, *addresses, *ports;
    const char *keys[PG_TARGET_KEYS + 1];
    const char *values[PG_TARGET_KEYS + 1];
};

/* 0, or -1 when out of memory (settings have checked the string itself). */
int pg_target_parse(struct pg_target *t, const char *conninfo, const char *application_name);
void pg_target_free(struct pg_target *t); /* a zeroed one is fine */

/* The next host name that needs looking up, or NULL when there is none left. */
const char *pg_target_name(struct pg_target *t);
/* Its answer: one or several addresses, separated by commas.  -1 when out of memory. */
int pg_target_answer(struct pg_target *t, const char *addresses);

/* Fills keys and values; valid until pg_target_free(). */
void pg_target_finish(struct pg_target *t);

#endif
