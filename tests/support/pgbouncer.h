/* pgbouncer.h: a PgBouncer in transaction mode before a private PostgreSQL.
 *
 * Promise: each transaction may run on another of a few server connections, as operators with
 *          a pooler have it; nothing of it is left when the test program has ended.
 * Fails:   prints why and the end of its log, and fails the running test.
 * Thread:  main thread only.
 */
#ifndef SUPPORT_PGBOUNCER_H
#define SUPPORT_PGBOUNCER_H

#include <stdbool.h>

#include "support/postgres.h"

struct pgbouncer;

/* Is the program installed?  A test without it may be skipped. */
bool pgbouncer_exists(void);

/* Starts one before `pg` with `pool_size` server connections a database; returns when it
 * accepts connections.  Free it before `pg`. */
struct pgbouncer *pgbouncer_new(struct postgres *pg, int pool_size);
void pgbouncer_free(struct pgbouncer *b); /* NULL is fine */

/* How to reach the current database of `pg` through it; borrowed until the next call. */
const char *pgbouncer_conninfo(struct pgbouncer *b);

#endif
