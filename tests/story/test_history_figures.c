/* Figures over random histories are what plain SQL over the raw rows says, whatever was asked for
 * and whatever was done to the rows. */
#include "history_rows.h"

#include <libpq-fe.h>

static char config[1024];

/* All runs there ever were but for those that somebody deleted: a removed one stays in `removed`.
 */
#define EVER "(SELECT * FROM " RUNS " UNION ALL SELECT * FROM removed)"

static wt_host *given_recorder(struct postgres *pg, struct driver **d)
{
    postgres_fresh_database(pg);
    snprintf(config, sizeof config, "{\"conninfo\": \"%s\"}", postgres_conninfo(pg));
    *d = driver_new(TEST_RECORDER);
    wt_host *h = driver_live(*d, config);
    postgres_query(pg, "CREATE TABLE removed (LIKE " RUNS ")");
    return h;
}

static void then_summary_is_right(struct postgres *pg, wt_host *h, const struct filter *f)
{
    char args[2048];
    json_t *right = plain_figures(pg, RUNS, f->where);
    snprintf(args, sizeof args, "{%s\"page\": 1}", f->args);
    json_t *runs = asked(h, "runs", args);
    then_same_figures(json_object_get(runs, "summary"), right, args);
    assert_true(json_equal(json_object_get(runs, "total"), json_object_get(right, "total_runs")));
    json_decref(runs);
    json_decref(right);
}

static void then_statistics_are_right(struct postgres *pg, wt_host *h, const struct filter *f)
{
    char args[2048], where[3072];
    json_t *right = plain_figures(pg, EVER, f->where);
    snprintf(args, sizeof args, "{%s\"now\": \"2026-06-20T11:22:33.444Z\"}", f->args);
    json_t *stats = asked(h, "stats", args);
    then_same_figures(stats, right, args);
    json_decref(right);
    if (strstr(f->where, "started_at") == NULL) {
        snprintf(where, sizeof where,
                 "%s AND started_at >= '2026-06-13T11:22:33.444Z'"
                 " AND started_at < '2026-06-20T11:22:33.444Z'",
                 f->where);
        right = plain_figures(pg, EVER, where);
        then_same_figures(json_object_get(json_object_get(stats, "trend"), "current"), right, args);
        json_decref(right);
    }
    json_decref(stats);
}

/* `count` periods of so much time in a zone, from 2026-06-22 back. */
static void then_trend_is_right(struct postgres *pg, wt_host *h, const struct filter *f,
                                const char *period, int count, const char *zone)
{
    char sql[1024], edges[8192], args[12288], where[4096];
    snprintf(sql, sizeof sql,
             "SELECT string_agg(to_char((timestamp '2026-06-22' - n * interval '1 %s') AT TIME ZONE"
             " '%s' AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), ',' ORDER BY n DESC)"
             " FROM generate_series(0, %d) n",
             period, zone, count);
    snprintf(edges, sizeof edges, "%s", postgres_query(pg, sql));
    snprintf(args, sizeof args, "{%s\"edges\": \"%s\", \"now\": \"2026-06-21T00:00:00Z\"}", f->args,
             edges);
    json_t *trend = asked(h, "trend", args), *value, *before = NULL;
    size_t i;
    assert_int_equal(json_array_size(json_object_get(trend, "periods")), count);
    json_array_foreach (json_object_get(trend, "periods"), i, value) {
        snprintf(where, sizeof where, "%s AND started_at >= '%s' AND started_at < '%s'", f->where,
                 json_string_value(json_object_get(value, "start")),
                 json_string_value(json_object_get(value, "end")));
        json_t *right = plain_figures(pg, EVER, where);
        json_object_del(right, "last_run_at");
        then_same_figures(value, right, where);
        double runs = json_number_value(json_object_get(right, "total_runs"));
        double last = json_number_value(json_object_get(before, "total_runs"));
        json_t *change = json_object_get(json_object_get(value, "change"), "runs");
        if (before == NULL || last == 0)
            assert_true(json_is_null(change));
        else
            assert_true(fabs(json_number_value(change) - (runs - last) / last) < 1e-9);
        bool partial = strcmp(json_string_value(json_object_get(value, "end")),
                              "2026-06-21T00:00:00.000000Z") > 0;
        assert_int_equal(json_is_true(json_object_get(value, "partial")), partial);
        json_decref(before);
        before = right;
    }
    json_decref(before);
    json_decref(trend);
}

static void then_figures_are_right(struct postgres *pg, wt_host *h, int filters)
{
    static const char *const zones[] = {"UTC", "Asia/Kolkata", "Europe/Berlin", "America/New_York",
                                        "Pacific/Auckland"};
    static const char *const periods[] = {"day", "week", "month"};
    for (int i = 0; i < filters; i++) {
        struct filter f = any_filter(true);
        then_summary_is_right(pg, h, &f);
        then_statistics_are_right(pg, h, &f);
        if (i % 10 == 0) {
            f = any_filter(false);
            then_trend_is_right(pg, h, &f, periods[any(3)], 1 + any(20), zones[any(5)]);
        }
    }
}

/* The tables of figures are what counting again makes of the rows. */
static void then_nothing_is_miscounted(struct postgres *pg)
{
    postgres_query(
        pg, "SET client_min_messages = warning; DROP TABLE IF EXISTS kept; CREATE TABLE kept AS"
            " SELECT * FROM walltrack.discovery_figures;"
            " SELECT walltrack.discovery_figures_recount()");
    then_query(pg,
               "SELECT count(*) FROM (SELECT * FROM kept EXCEPT ALL"
               " SELECT * FROM walltrack.discovery_figures) k WHERE runs <> 0 OR timed <> 0"
               " OR tokens <> 0 OR new_wallets <> 0 OR updated_wallets <> 0 OR errors <> 0"
               " OR seconds <> 0",
               "0");
    then_query(pg,
               "SELECT count(*) FROM (SELECT * FROM walltrack.discovery_figures"
               " EXCEPT ALL SELECT * FROM kept) k",
               "0");
    /* And so are the rows' own notes. */
    then_query(pg,
               "SELECT count(*) FROM " RUNS " r LEFT JOIN walltrack.discovery_kinds k ON k.id ="
               " r.kind WHERE (r.status, r.trigger_type, r.schedule, r.triggered_by, r.max_tokens,"
               " r.min_price_change_pct, r.error_count > 0) IS DISTINCT FROM (k.status,"
               " k.trigger_type, k.schedule, k.triggered_by, k.max_tokens, k.min_price_change_pct,"
               " k.has_errors)",
               "0");
    then_query(pg,
               "SELECT count(*) FROM " RUNS " WHERE status <> 'running' AND (error_count IS NULL"
               " OR (duration_seconds IS NULL) <> (duration_class IS NULL))",
               "0");
}

/* One of the things that may be done to rows, to a tenth of them. */
static const char *any_edit(void)
{
    static const struct {
        const char *before, *after;
    } edits[] = {
        {"UPDATE " RUNS " SET status = 'completed', duration_seconds = 42.5, error_count = NULL"
         " WHERE status = 'running' AND ",
         ""},
        {"UPDATE " RUNS " SET duration_seconds = duration_seconds * 1.5 WHERE ", ""},
        {"UPDATE " RUNS " SET duration_seconds = NULL WHERE status = 'failed' AND ", ""},
        {"UPDATE " RUNS " SET started_at = started_at - interval '40 days' WHERE ", ""},
        {"UPDATE " RUNS " SET error_count = 0, errors = '[]' WHERE ", ""},
        {"UPDATE " RUNS " SET new_wallets = new_wallets + 1, tokens_analyzed = NULL WHERE ", ""},
        {"UPDATE " RUNS " SET trigger_type = 'api', schedule = 'plan9', max_tokens = NULL WHERE ",
         ""},
        {"UPDATE " RUNS " SET trigger_type = 'api' WHERE ", ""},
        {"UPDATE " RUNS " SET triggered_by = 'user9' WHERE ", ""},
        {"UPDATE " RUNS " SET status = 'running' WHERE status = 'cancelled' AND ", ""},
        {"UPDATE " RUNS " SET builds = '{a,b}' WHERE ", ""},
        {"DELETE FROM " RUNS " WHERE ", ""},
        {"BEGIN; SET LOCAL walltrack.removing = 'on'; WITH gone AS (DELETE FROM " RUNS
         " WHERE status <> 'running' AND ",
         " RETURNING *) INSERT INTO removed SELECT * FROM gone; COMMIT"},
    };
    static char sql[512];
    int i = any(sizeof edits / sizeof edits[0]);
    snprintf(sql, sizeof sql, "%shashtext(id::text || '%d') %% 10 = 0%s", edits[i].before,
             any(1000000), edits[i].after);
    return sql;
}

/* ---- the stories ---- */

static void test_no_runs_and_one_run(void **state)
{
    struct postgres *pg = *state;
    struct driver *d;
    wt_host *h = given_recorder(pg, &d);
    then_figures_are_right(pg, h, 10);
    given_runs(pg, 1, 1);
    then_figures_are_right(pg, h, 10);
    postgres_query(pg, "DELETE FROM " RUNS);
    then_figures_are_right(pg, h, 10);
    then_nothing_is_miscounted(pg);
    driver_free(d);
}

static void test_any_filter_of_any_history(void **state)
{
    struct postgres *pg = *state;
    struct driver *d;
    wt_host *h = given_recorder(pg, &d);
    given_runs(pg, 1, 4000);
    then_figures_are_right(pg, h, 150);
    then_nothing_is_miscounted(pg);
    driver_free(d);
}

static void test_any_edit_and_removal_is_counted(void **state)
{
    struct postgres *pg = *state;
    struct driver *d;
    wt_host *h = given_recorder(pg, &d);
    for (int i = 0; i < 10; i++) {
        given_runs(pg, 1, 300);
        for (int edit = 0; edit < 4; edit++)
            postgres_query(pg, any_edit());
        then_figures_are_right(pg, h, 10);
    }
    then_nothing_is_miscounted(pg);
    postgres_query(pg, "TRUNCATE " RUNS " CASCADE");
    then_figures_are_right(pg, h, 10);
    then_nothing_is_miscounted(pg);
    driver_free(d);
}

/* More runs in one class of durations than are read at once. */
static void test_many_runs_of_nearly_the_same_duration(void **state)
{
    struct postgres *pg = *state;
    struct driver *d;
    wt_host *h = given_recorder(pg, &d);
    given_runs(pg, 1, 300);
    postgres_query(pg,
                   "INSERT INTO " RUNS " (id, started_at, status, trigger_type,"
                   " duration_seconds) SELECT gen_random_uuid(), '2026-06-10T00:00:00Z'::"
                   "timestamptz + n * interval '90 s', 'completed', 'api', 60 + n % 977 / 1000.0"
                   " FROM generate_series(1, 9000) n");
    then_figures_are_right(pg, h, 40);
    driver_free(d);
}

static void test_the_wallet_of_few_runs(void **state)
{
    struct postgres *pg = *state;
    struct driver *d;
    char args[2048], where[4096];
    wt_host *h = given_recorder(pg, &d);
    given_runs(pg, 1, 500);
    postgres_query(pg, "INSERT INTO walltrack.discovery_run_wallets (id, run_id, wallet_address,"
                       " source_token) SELECT gen_random_uuid(), id, 'w' || n, 'mint' || n FROM"
                       " (SELECT id, n FROM " RUNS ", generate_series(1, 3) n) x"
                       " WHERE hashtext(id::text || n) % (n * 7) = 0");
    for (int i = 0; i < 40; i++) {
        struct filter f = any_filter(true);
        int n = 1 + any(4); /* the fourth is unknown */
        snprintf(where, sizeof where,
                 "%s AND r.id IN (SELECT run_id FROM walltrack.discovery_run_wallets"
                 " WHERE wallet_address = 'w%d')",
                 f.where, n);
        json_t *right = plain_figures(pg, RUNS, where);
        snprintf(args, sizeof args, "{%s\"wallet\": \"w%d\"}", f.args, n);
        json_t *stats = asked(h, "stats", args), *runs = asked(h, "runs", args);
        then_same_figures(stats, right, args);
        then_same_figures(json_object_get(runs, "summary"), right, args);
        json_decref(right);
        json_decref(stats);
        json_decref(runs);
    }
    driver_free(d);
}

/* ---- several writers at once ---- */

enum { WRITERS = 4, ROUNDS = 60 };

/* Whether the statement was done; it may be that it stood in the way of another. */
static bool was_done(PGconn *conn)
{
    bool done = true;
    for (PGresult *r; (r = PQgetResult(conn)) != NULL; PQclear(r))
        if (PQresultStatus(r) == PGRES_FATAL_ERROR) {
            assert_string_equal(PQresultErrorField(r, PG_DIAG_SQLSTATE), "40P01");
            done = false;
        }
    if (!done)
        PQclear(PQexec(conn, "ROLLBACK"));
    return done;
}

static void test_several_writers_at_once(void **state)
{
    struct postgres *pg = *state;
    struct driver *d;
    PGconn *conns[WRITERS];
    char sql[4096];
    int done = 0;
    wt_host *h = given_recorder(pg, &d);
    given_runs(pg, 1, 500);
    for (int w = 0; w < WRITERS; w++)
        conns[w] = PQconnectdb(postgres_conninfo(pg));
    for (int i = 0; i < ROUNDS; i++) {
        for (int w = 0; w < WRITERS; w++) {
            snprintf(sql, sizeof sql, HISTORY_ROWS, 1, 20);
            if (!PQsendQuery(conns[w], any(3) == 0 ? sql : any_edit()))
                fail_msg("%s", PQerrorMessage(conns[w]));
        }
        for (int w = 0; w < WRITERS; w++)
            done += was_done(conns[w]);
    }
    for (int w = 0; w < WRITERS; w++)
        PQfinish(conns[w]);
    assert_true(done > ROUNDS);
    then_figures_are_right(pg, h, 10);
    then_nothing_is_miscounted(pg);
    driver_free(d);
}

static int start(void **state)
{
    history_seed();
    return postgres_group_setup(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_runs_and_one_run),
        cmocka_unit_test(test_any_filter_of_any_history),
        cmocka_unit_test(test_any_edit_and_removal_is_counted),
        cmocka_unit_test(test_many_runs_of_nearly_the_same_duration),
        cmocka_unit_test(test_the_wallet_of_few_runs),
        cmocka_unit_test(test_several_writers_at_once),
    };
    return cmocka_run_group_tests(tests, start, postgres_group_teardown);
}
