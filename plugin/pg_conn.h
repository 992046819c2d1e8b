/* pg_conn.h: one connection to PostgreSQL that never blocks the loop.
 *
 * Promise: the only place that waits on libpq.  Every wait has a deadline.  One command at a time;
 *          its results arrive one by one, then `idle`.  What goes wrong with the connection is
 *          reported once, through `broken`, in a later turn than the call that caused it.
 *          Nothing is ever sent twice and nothing reconnects.
 * Thread:  loop only.
 * Knows:   the host's watch, timer and resolve services, libpq.  Not: SQL, batches, questions.
 */
#ifndef RECORDER_PG_CONN_H
#define RECORDER_PG_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "instance.h"

struct pg_conn;

/* Who gets the events.  All are required but copy_more (only who sends a COPY needs it).
 *   ready      connected and logged in.
 *   result     One result of the command, borrowed.  Errors of the server come here too.
 *   copy_more  The server takes COPY data and there is room: call pg_conn_put() or
 *              pg_conn_put_end() once.
 *   idle       The command is over; the next one may be sent.
 *   broken     Connection lost, deadline passed or out of memory: only pg_conn_close() is left. */
struct pg_events {
    void (*ready)(void *user);
    void (*result)(void *user, const PGresult *result);
    void (*copy_more)(void *user);
    void (*idle)(void *user);
    void (*broken)(void *user, const char *why);
};

/* Starts to connect as the settings say.  `role` (such as "writer") ends up in
 * application_name.  NULL when out of memory; otherwise yours until pg_conn_close(). */
struct pg_conn *pg_conn_open(const struct instance *instance, const char *role,
                             const struct pg_events *events, void *user);

/* Hands the connection to another owner.  Only while no command runs. */
void pg_conn_own(struct pg_conn *c, const struct pg_events *events, void *user);

/* A command, with its deadline in milliseconds.  `sql` may hold several statements. */
void pg_conn_query(struct pg_conn *c, const char *sql, uint64_t ms);

/* Parameters of one statement.  sizes and formats may be NULL (text), types too (inferred). */
struct pg_params {
    int n;
    const char *const *values; /* NULL is null */
    const int *sizes;
    const int *formats; /* 1: binary */
    const Oid *types;
    int result_format; /* 1: binary */
};
void pg_conn_query_params(struct pg_conn *c, const char *sql, const struct pg_params *params,
                          uint64_t ms);

/* From copy_more only. */
void pg_conn_put(struct pg_conn *c, const void *bytes, size_t size);
void pg_conn_put_end(struct pg_conn *c);

/* How many warnings came since the command was sent: libpq hands them over before a result that
 * stands before them, so that no finer distinction is possible. */
unsigned pg_conn_warnings(const struct pg_conn *c);
bool pg_conn_in_transaction(const struct pg_conn *c);
bool pg_conn_good(const struct pg_conn *c);

/* Where it is connected, without secrets. */
void pg_conn_place(const struct pg_conn *c, char *out, size_t size);
/* `name` as an identifier, `text` as a literal, quoted; yours to free().  NULL: out of memory. */
char *pg_conn_identifier(struct pg_conn *c, const char *name);
char *pg_conn_literal(struct pg_conn *c, const char *text);

/* Drops the connection at once; no event follows.  `gone` runs when nothing of it is left, at the
 * latest when a name look-up has ended; it may run inside this call.  It may be NULL. */
void pg_conn_close(struct pg_conn *c, void (*gone)(void *arg), void *arg);

#endif
