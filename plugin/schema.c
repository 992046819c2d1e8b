#include "schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t schema_version(const struct sql_file *migration)
{
    return (uint32_t)strtoul(migration->name, NULL, 10);
}

uint32_t schema_latest(void)
{
    return schema_version(&sql_migrations[sql_migration_count - 1]);
}

/* The row of that version, or -1. */
static int row_of(const PGresult *applied, uint32_t version)
{
    int rows = applied != NULL ? PQntuples(applied) : 0;
    for (int row = 0; row < rows; row++)
        if (strtoul(PQgetvalue(applied, row, 0), NULL, 10) == version)
            return row;
    return -1;
}

static wt_status compare_one(const PGresult *applied, const struct sql_file *migration, int row,
                             char why[WHY_SIZE])
{
    if (PQgetisnull(applied, row, 2) || strcmp(PQgetvalue(applied, row, 2), migration->sha256) == 0)
        return WT_OK;
    snprintf(why, WHY_SIZE,
             "migration %s differs from the one that was applied to this database"
             " (checksum %.12s, applied %.12s): use the build that made the schema",
             migration->name, migration->sha256, PQgetvalue(applied, row, 2));
    return WT_E_CONFIG;
}

static wt_status check_newer(const PGresult *applied, struct schema_state *out, char why[WHY_SIZE])
{
    int rows = applied != NULL ? PQntuples(applied) : 0;
    uint32_t latest = schema_latest();
    for (int row = 0; row < rows; row++) {
        uint32_t version = (uint32_t)strtoul(PQgetvalue(applied, row, 0), NULL, 10);
        uint32_t oldest = (uint32_t)strtoul(PQgetvalue(applied, row, 1), NULL, 10);
        out->found = version;
        if (version > latest && oldest > latest) {
            snprintf(why, WHY_SIZE, "the database's schema is version %u, this build knows %u",
                     version, latest);
            return WT_E_SCHEMA_NEW;
        }
    }
    return WT_OK;
}

wt_status schema_compare(const PGresult *applied, struct schema_state *out, char why[WHY_SIZE])
{
    *out = (struct schema_state){0};
    wt_status status = check_newer(applied, out, why);
    for (size_t i = 0; i < sql_migration_count && status == WT_OK; i++) {
        int row = row_of(applied, schema_version(&sql_migrations[i]));
        if (row >= 0)
            status = compare_one(applied, &sql_migrations[i], row, why);
        else if (out->missing++ == 0)
            out->next = i;
    }
    return status;
}
