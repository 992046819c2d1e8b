/* schema.h: which migrations a database has, and which it lacks.
 *
 * Promise: a pure comparison of what the database's schema_migrations says with what this build
 *          carries.  Migrations only add, so an older build goes on with a newer schema as long as
 *          that schema says so (oldest_writer).
 * Thread:  any; no state.
 * Knows:   the embedded migrations, libpq's results.  Not: connections.
 */
#ifndef RECORDER_SCHEMA_H
#define RECORDER_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>
#include <walltrack/plugin.h>

#include "settings.h"
#include "sql.h"

struct schema_state {
    uint32_t found; /* highest version in the database, 0: none     */
    size_t missing; /* how many of this build's are not applied yet */
    size_t next;    /* index in sql_migrations of the first missing */
};

/* `applied` is the answer to sql/schema_applied.sql; it may be NULL: a database without our schema.
 * WT_OK, WT_E_SCHEMA_NEW, or WT_E_CONFIG for a migration that was changed after it was applied;
 * then `why` says which. */
wt_status schema_compare(const PGresult *applied, struct schema_state *out, char why[WHY_SIZE]);

/* The highest version that this build knows. */
uint32_t schema_latest(void);

/* The number in front of the migration's name. */
uint32_t schema_version(const struct sql_file *migration);

#endif
