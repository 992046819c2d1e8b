/* postgres.h: a private PostgreSQL server for a program of tests.
 *
 * Promise: a real server with real durability (fsync on) in a temporary directory, reached by
 *          a unix socket; nothing of it is left when the test program has ended, however it
 *          ends.  As root it runs as the user postgres.
 * Fails:   prints why and the end of the server's log, and fails the running test.
 * Thread:  main thread only.  Everything blocks.
 *
 *     int main(void)
 *     {
 *         const struct CMUnitTest tests[] = { … };
 *         return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
 *     }
 *
 * and in each test, with `struct postgres *pg = *state;`
 *
 *     postgres_fresh_database(pg);
 *     … postgres_conninfo(pg) …
 *     then_query(pg, "SELECT count(*) FROM walltrack.discovery_runs", "1");
 */
#ifndef SUPPORT_POSTGRES_H
#define SUPPORT_POSTGRES_H

#include <stdbool.h>
#include <sys/types.h>

struct postgres;

struct postgres_options {
    bool no_fsync;               /* faster, where durability is not what is tested       */
    bool tcp;                    /* also listen on a free port of 127.0.0.1              */
    const char *const *settings; /* "name=value" of postgresql.conf, NULL at the end      */
};

enum postgres_stop_mode { POSTGRES_FAST, POSTGRES_IMMEDIATE };

/* initdb and start; `options` may be NULL.  The current database is "postgres". */
struct postgres *postgres_new(const struct postgres_options *options);
void postgres_free(struct postgres *pg); /* stops it and removes its directory; NULL is fine */

/* Returns when it accepts connections. */
void postgres_start(struct postgres *pg);
/* FAST ends all sessions and writes a checkpoint; IMMEDIATE is a crash.  Returns when it is gone.
 */
void postgres_stop(struct postgres *pg, enum postgres_stop_mode mode);
void postgres_restart(struct postgres *pg, enum postgres_stop_mode mode);
bool postgres_is_running(const struct postgres *pg);

/* A new, empty database (t_1, t_2 …) that becomes the current one; the one before is dropped with
 * its sessions.  Returns its name, borrowed until the next one. */
const char *postgres_fresh_database(struct postgres *pg);

/* How to connect to the current database: "host=… port=… user=postgres dbname=…"; borrowed
 * until the next call with the same server. */
const char *postgres_conninfo(struct postgres *pg);
const char *postgres_tcp_conninfo(struct postgres *pg);

/* The directory of its socket; also a place for files of the test. */
const char *postgres_directory(const struct postgres *pg);
int postgres_port(const struct postgres *pg);  /* of the socket, and of TCP */
pid_t postgres_pid(const struct postgres *pg); /* of the postmaster, -1 when stopped */

/* Runs one or several statements in the current database on a connection of its own.  The
 * result of the last one as psql -At prints it: fields by '|', rows by newlines, NULL as nothing;
 * the command tag when there are no columns.  Borrowed until the next query of the same server.
 * A failing statement fails the test. */
const char *postgres_query(struct postgres *pg, const char *sql);

/* The same, but returns the message of the server ("ERROR:  …") when it fails. */
const char *postgres_try(struct postgres *pg, const char *sql);

/* Runs the query every 10 ms until it gives `expected`; fails the test after `ms`. */
#define postgres_await(pg, sql, expected, ms)                                                      \
    postgres_await_at((pg), (sql), (expected), (ms), __FILE__, __LINE__)
void postgres_await_at(struct postgres *pg, const char *sql, const char *expected, int ms,
                       const char *file, int line);

/* Fails the test, and shows the server's log, unless the query gives `expected`. */
#define then_query(pg, sql, expected) then_query_at((pg), (sql), (expected), __FILE__, __LINE__)
void then_query_at(struct postgres *pg, const char *sql, const char *expected, const char *file,
                   int line);

void postgres_print_log(const struct postgres *pg);

/* A server for a whole group of tests, as cmocka calls them; *state is the struct postgres. */
int postgres_group_setup(void **state);
int postgres_group_teardown(void **state);

#endif
