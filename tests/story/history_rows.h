/* history_rows.h: random histories for stories about questions, and the same answers by plain SQL.
 *
 * Random is repeatable: history_seed() prints its seed and takes it from SEED.
 */
#ifndef STORY_HISTORY_ROWS_H
#define STORY_HISTORY_ROWS_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "support/plugin_driver.h"
#include "support/postgres.h"

#define RUNS "walltrack.discovery_runs"

/* A run for each i of generate_series(%d, %d): three years until 2026-06-21, denser at the end,
 * with ties, all statuses, few and many kinds, nulls, and rows without an error count as the
 * program before wrote them. */
#define HISTORY_ROWS                                                                               \
    "INSERT INTO " RUNS " (id, started_at, status, trigger_type, triggered_by, schedule,"          \
    " min_price_change_pct, min_volume_usd, max_token_age_hours, early_window_minutes,"            \
    " min_profit_pct, max_tokens, tokens_analyzed, new_wallets, updated_wallets,"                  \
    " duration_seconds, error_count, errors)"                                                      \
    " SELECT md5(random()::text)::uuid,"                                                           \
    " CASE WHEN i %% 5 = 0 THEN date_trunc('hour', t) ELSE date_trunc('milliseconds', t) END,"     \
    " s, (ARRAY['manual', 'scheduled', 'api'])[1 + floor(random() * 3)::int],"                     \
    " CASE WHEN random() < 0.5 THEN 'user' || floor(random() * 3) END,"                            \
    " CASE WHEN random() < 0.5 THEN 'plan' || floor(random() * 3) END,"                            \
    " (ARRAY[NULL, 0, 100, 250.5])[1 + floor(random() * 4)::int], 50000,"                          \
    " CASE WHEN random() < 0.9 THEN 72 END, 30, 50, (ARRAY[NULL, 20, 50])[1 +"                     \
    " floor(random() * 3)::int],"                                                                  \
    " CASE WHEN random() < 0.9 THEN floor(random() * 20) END,"                                     \
    " CASE WHEN random() < 0.9 THEN floor(random() * 30) END, floor(random() * 9),"                \
    " CASE WHEN s <> 'running' AND random() < 0.95 THEN CASE WHEN random() < 0.3"                  \
    " THEN (ARRAY[0, 0.001, 0.012, 1, 60, 60, 300, 3600])[1 + floor(random() * 8)::int]"           \
    " ELSE exp(random() * 9)::numeric(12, 3) END END,"                                             \
    " CASE WHEN s <> 'running' AND random() < 0.9 THEN floor(greatest(random() * 8 - 6, 0)) END,"  \
    " CASE WHEN random() < 0.1 THEN '[\"old\", \"older\"]'::jsonb WHEN random() < 0.1 THEN NULL"   \
    " ELSE '[]' END"                                                                               \
    " FROM (SELECT i, '2026-06-21T00:00:00Z'::timestamptz"                                         \
    " - random() ^ 3 * interval '1100 days' AS t,"                                                 \
    " (ARRAY['completed', 'completed', 'completed', 'failed', 'cancelled',"                        \
    " 'running'])[1 + floor(random() * 5.1)::int] AS s FROM generate_series(%d, %d) i) g"

#define FINISHED "FILTER (WHERE status <> 'running')"

/* The figures of "%s", which names a table or is a query in brackets, under the condition "%s". */
#define PLAIN_FIGURES                                                                              \
    "SELECT row_to_json(x) FROM (SELECT count(*) AS total_runs,"                                   \
    " count(*) FILTER (WHERE status = 'completed') AS successful_runs,"                            \
    " count(*) FILTER (WHERE status = 'failed') AS failed_runs,"                                   \
    " count(*) FILTER (WHERE status = 'cancelled') AS cancelled_runs,"                             \
    " count(*) FILTER (WHERE status = 'running') AS running_runs,"                                 \
    " coalesce(avg((status = 'completed')::int) " FINISHED ", 0)::float8 AS success_rate,"         \
    " coalesce(sum(new_wallets), 0) AS total_wallets_discovered,"                                  \
    " coalesce(sum(updated_wallets), 0) AS total_wallets_updated,"                                 \
    " avg(coalesce(new_wallets, 0) + coalesce(updated_wallets, 0)) " FINISHED                      \
    "::float8 AS avg_wallets_per_run, avg(duration_seconds) " FINISHED                             \
    "::float8 AS avg_duration_seconds,"                                                            \
    " count(*) FILTER (WHERE error_count > 0) AS runs_with_errors,"                                \
    " count(*) FILTER (WHERE error_count > 0 AND status = 'completed') AS partial_runs,"           \
    " coalesce(sum(tokens_analyzed), 0) AS total_tokens_analyzed,"                                 \
    " coalesce(sum(error_count), 0) AS total_errors,"                                              \
    " percentile_cont(0.5) WITHIN GROUP (ORDER BY duration_seconds) " FINISHED                     \
    " AS median_duration_seconds,"                                                                 \
    " percentile_cont(0.9) WITHIN GROUP (ORDER BY duration_seconds) " FINISHED                     \
    " AS p90_duration_seconds,"                                                                    \
    " percentile_cont(0.99) WITHIN GROUP (ORDER BY duration_seconds) " FINISHED                    \
    " AS p99_duration_seconds,"                                                                    \
    " to_char(max(started_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"            \
    " AS last_run_at FROM %s r WHERE %s) x"

static inline void history_seed(void)
{
    const char *given = getenv("SEED");
    unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : 20260621;
    printf("SEED=%u\n", seed);
    srand(seed);
}

/* 0 .. n - 1 */
static inline int any(int n)
{
    return rand() % n;
}

static inline void given_runs(struct postgres *pg, int first, int last)
{
    char sql[4096];
    int n = snprintf(sql, sizeof sql, "SELECT setseed(%f); ", any(1000) / 1000.0);
    snprintf(sql + n, sizeof sql - (size_t)n, HISTORY_ROWS, first, last);
    postgres_query(pg, sql);
}

/* ---- filters: as arguments and as a condition ---- */

struct filter {
    char args[1024];  /* members, each with a comma behind it */
    char where[2048]; /* of discovery_runs r                   */
};

__attribute__((format(printf, 2, 3))) static inline void add_args(struct filter *f,
                                                                  const char *format, ...)
{
    size_t used = strlen(f->args);
    va_list list;
    va_start(list, format);
    vsnprintf(f->args + used, sizeof f->args - used, format, list);
    va_end(list);
}

__attribute__((format(printf, 2, 3))) static inline void add_where(struct filter *f,
                                                                   const char *format, ...)
{
    size_t used = strlen(f->where);
    va_list list;
    va_start(list, format);
    vsnprintf(f->where + used, sizeof f->where - used, format, list);
    va_end(list);
}

static inline void add_word(struct filter *f, const char *name, const char *value)
{
    add_args(f, "\"%s\": \"%s\", ", name, value);
    add_where(f, " AND r.%s = '%s'", name, value);
}

static inline void add_limit(struct filter *f, const char *name, const char *column,
                             const char *value)
{
    bool least = strcmp(name + strlen(name) - 4, "_min") == 0;
    add_args(f, "\"%s\": \"%s\", ", name, value);
    add_where(f, " AND r.%s %s %s", column, least ? ">=" : "<=", value);
}

static inline void add_range(struct filter *f)
{
    static const char *const edges[] = {
        "2024-01-01T00:00:00Z",        "2025-03-30T01:00:00Z",     "2025-12-31T18:30:00Z",
        "2026-02-11T13:14:15.926535Z", "2026-06-01T00:00:00Z",     "2026-06-08T00:00:00Z",
        "2026-06-19T11:59:59.999999Z", "2026-06-19T12:00:00Z",     "2026-06-20T12:00:00.000001Z",
        "2026-06-20T23:00:00Z",        "2026-06-20T23:30:00.123Z", "2026-06-21T00:00:00Z"};
    enum { EDGES = sizeof edges / sizeof edges[0] };
    int first = any(EDGES), last = any(EDGES);
    if (first < last || last == 0) {
        add_args(f, "\"start\": \"%s\", ", edges[first]);
        add_where(f, " AND r.started_at >= '%s'", edges[first]);
    }
    if (last > first) {
        add_args(f, "\"end\": \"%s\", ", edges[last]);
        add_where(f, " AND r.started_at < '%s'", edges[last]);
    }
}

static inline void add_durations(struct filter *f)
{
    static const char *const limits[] = {"0",  "0.001", "0.0125", "1",   "7.3",  "9.999",
                                         "60", "61.5",  "99.999", "300", "3600", "100000"};
    enum { LIMITS = sizeof limits / sizeof limits[0] };
    if (any(3) > 0)
        add_limit(f, "duration_min", "duration_seconds", limits[any(LIMITS)]);
    if (any(3) > 0)
        add_limit(f, "duration_max", "duration_seconds", limits[any(LIMITS)]);
    if (strstr(f->where, "duration") != NULL)
        add_where(f, " AND r.status <> 'running'");
}

static inline struct filter any_filter(bool with_range)
{
    static const char *const statuses[] = {"completed", "failed", "cancelled", "running"};
    static const char *const triggers[] = {"manual", "scheduled", "api"};
    static const char *const prices[] = {"0", "0.01", "100", "250.5", "300"};
    char name[16];
    struct filter f = {.where = "true"};
    if (with_range && any(3) > 0)
        add_range(&f);
    if (any(4) == 0)
        add_word(&f, "status", statuses[any(4)]);
    if (any(4) == 0)
        add_word(&f, "trigger_type", triggers[any(3)]);
    snprintf(name, sizeof name, "plan%d", any(4));
    if (any(6) == 0)
        add_word(&f, "schedule", name);
    snprintf(name, sizeof name, "user%d", any(4));
    if (any(6) == 0)
        add_word(&f, "triggered_by", name);
    if (any(6) == 0)
        add_limit(&f, "min_price_change_pct_min", "min_price_change_pct", prices[any(5)]);
    if (any(6) == 0)
        add_limit(&f, "min_price_change_pct_max", "min_price_change_pct", prices[any(5)]);
    if (any(8) == 0)
        add_limit(&f, "max_tokens_max", "max_tokens", "20");
    if (any(3) == 0)
        add_durations(&f);
    if (any(6) == 0) {
        bool errors = any(2) == 0;
        add_args(&f, "\"has_errors\": \"%s\", ", errors ? "true" : "false");
        add_where(&f, " AND r.error_count %s 0", errors ? ">" : "=");
    }
    return f;
}

/* ---- comparing ---- */

static inline json_t *parsed(const char *what, const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, JSON_DECODE_ANY, &error);
    if (value == NULL)
        fail_msg("%s: %s in %s", what, error.text, text);
    return value;
}

static inline json_t *asked(wt_host *h, const char *name, const char *args)
{
    wt_status status;
    const char *text = driver_ask(h, name, args, &status);
    if (status != WT_OK)
        fail_msg("%s %s: %d %s", name, args, (int)status, text);
    return parsed(name, text);
}

static inline bool same_value(const json_t *a, const json_t *b)
{
    if (!json_is_number(a) || !json_is_number(b))
        return json_equal(a, b);
    double x = json_number_value(a), y = json_number_value(b);
    return fabs(x - y) <= 1e-9 * fmax(1, fmax(fabs(x), fabs(y)));
}

/* Each member of `right` is in `told`. */
static inline void then_same_figures(const json_t *told, const json_t *right, const char *about)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)right, key, value) {
        const json_t *found = json_object_get(told, key);
        if (found != NULL && same_value(found, value))
            continue;
        char *is = found != NULL ? json_dumps(found, JSON_ENCODE_ANY) : NULL;
        char *should = json_dumps(value, JSON_ENCODE_ANY);
        fail_msg("%s: %s is %s, by plain SQL %s", about, key, is != NULL ? is : "missing", should);
    }
}

static inline json_t *plain_figures(struct postgres *pg, const char *from, const char *where)
{
    char sql[8192];
    snprintf(sql, sizeof sql, PLAIN_FIGURES, from, where);
    return parsed(where, postgres_query(pg, sql));
}

#endif
