/* history_fill.h: a long history for benchmarks: two years until now, in ten usual kinds of runs
 * and some rare ones.
 *
 * The first two migrations are applied before it is there and the others after, as where the
 * program before has filled a database; each step is timed on standard output.
 */
#ifndef BENCH_HISTORY_FILL_H
#define BENCH_HISTORY_FILL_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <libpq-fe.h>

#include "sql.h"
#include "support/failure.h"
#include "support/postgres.h"

#define SCHEMA "walltrack"
#define KINDS                                                                                      \
    "(VALUES (0, 'scheduled', 'default', NULL, 100, 20), (1, 'scheduled', 'nightly', NULL, 200,"   \
    " 50), (2, 'scheduled', 'hourly', NULL, 100, 20), (3, 'manual', NULL, 'alice', 100, 20),"      \
    " (4, 'manual', NULL, 'bob', 150, 20), (5, 'api', NULL, 'dashboard', 100, 20),"                \
    " (6, 'api', NULL, 'client', 100, 100), (7, 'scheduled', 'weekly', NULL, 50, 200),"            \
    " (8, 'manual', NULL, 'carol', 500, 10), (9, 'manual', NULL, NULL, 100, 20),"                  \
    " (10, 'manual', NULL, 'rare', 1000, 1)) AS k (kind, trigger_type, schedule, triggered_by,"    \
    " price, tokens)"

static const char fill_runs[] =
    "INSERT INTO " SCHEMA ".discovery_runs (id, started_at, created_at, completed_at, status,"
    " trigger_type, triggered_by, schedule, min_price_change_pct, min_volume_usd,"
    " max_token_age_hours, early_window_minutes, min_profit_pct, max_tokens, tokens_analyzed,"
    " new_wallets, updated_wallets, profiled_wallets, duration_seconds, error_count)"
    " SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'"
    " || substr(md5(i::text), 1, 19))::uuid, at, at,"
    " CASE WHEN status <> 'running' THEN at + seconds * interval '1 s' END, status, trigger_type,"
    " triggered_by, schedule, price, 50000, 72, 30, 50, tokens, tokens, 3 + i %% 5, i %% 7, 2,"
    " CASE WHEN status <> 'running' THEN seconds END,"
    " CASE WHEN status <> 'running' THEN CASE WHEN i %% 20 = 0 THEN 1 + i %% 3 ELSE 0 END END"
    " FROM (SELECT i, date_trunc('milliseconds', now() - (%1$d - i) * (interval '730 days'"
    " / %1$d)) AS at,"
    " CASE WHEN i %% 1000 = 17 AND i > %1$d * 0.9 THEN 'running' WHEN i %% 33 = 5 THEN 'failed'"
    " WHEN i %% 97 = 3 THEN 'cancelled' ELSE 'completed' END AS status,"
    " exp(4.5 + 0.9 * sqrt(-2 * ln((hashint8(i)::bigint + 2147483649) / 4294967297.0))"
    " * cos(6.283185 * (hashint8(i + 77777777)::bigint + 2147483649) / 4294967297.0))"
    "::numeric(12, 3) AS seconds,"
    " CASE WHEN i %% 10007 = 1 THEN 10 ELSE (ARRAY[0, 0, 0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 4, 5, 6, 7,"
    " 8, 9, 0])[1 + (hashint8(i * 3) & 15) + i %% 3] END AS kind FROM generate_series(1, %1$d) i) g"
    " JOIN " KINDS " USING (kind) ORDER BY i";

/* The same number for each run, one and a third for each wallet. */
static const char fill_wallets[] =
    "INSERT INTO " SCHEMA ".discovery_run_wallets (id, run_id, wallet_address, source_token,"
    " is_new, initial_score, created_at)"
    " SELECT (left(r.id::text, 18) || '-9' || lpad(to_hex(n), 3, '0') || right(r.id::text, "
    "13))::uuid,"
    " r.id, 'W' || lpad((hashint8(r.place * %1$d + n)::bigint + 2147483648)::text, 10, '0')"
    " || lpad(((r.place * %1$d + n) * 3 / 4 %% 1000000)::text, 33, 'x'),"
    " 'T' || lpad((n %% 20)::text, 43, 'x'), n %% 5 > 0, 0.5, r.started_at"
    " FROM (SELECT id, started_at, row_number() OVER (ORDER BY id) AS place"
    " FROM " SCHEMA ".discovery_runs) r, generate_series(1, %1$d) n ORDER BY 1";

static inline double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline void run(PGconn *conn, const char *sql)
{
    PGresult *r = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(r);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        cannot_go_on("%s", PQerrorMessage(conn));
    PQclear(r);
}

static inline void timed(PGconn *conn, const char *what, const char *sql)
{
    double start = seconds();
    run(conn, sql);
    printf("%-40s %7.1f s\n", what, seconds() - start);
    fflush(stdout);
}

static inline void migrate(PGconn *conn, size_t first, size_t last)
{
    for (size_t i = first; i < last; i++) {
        char *sql = sql_prepare(sql_migrations[i].text, SCHEMA);
        if (sql == NULL)
            cannot_go_on("out of memory");
        run(conn, "BEGIN");
        timed(conn, sql_migrations[i].name, sql);
        run(conn, "COMMIT");
        free(sql);
    }
}

static inline void fill(struct postgres *pg, int runs, int wallets)
{
    char sql[4096];
    PGconn *conn = PQconnectdb(postgres_conninfo(pg));
    run(conn, "SET client_min_messages = warning; SET work_mem = '256MB';"
              " SET maintenance_work_mem = '1GB'; SET max_parallel_maintenance_workers = 0;"
              " SET session_replication_role = replica");
    migrate(conn, 0, 2);
    snprintf(sql, sizeof sql, fill_runs, runs);
    timed(conn, "runs", sql);
    snprintf(sql, sizeof sql, fill_wallets, wallets / runs);
    run(conn, "DROP INDEX " SCHEMA ".discovery_run_wallets_wallet_address_idx");
    timed(conn, "wallets", sql);
    timed(conn, "index of wallets",
          "CREATE INDEX ON " SCHEMA ".discovery_run_wallets USING hash (wallet_address)");
    migrate(conn, 2, sql_migration_count);
    timed(conn, "vacuum", "VACUUM ANALYZE");
    PQfinish(conn);
}

#endif
