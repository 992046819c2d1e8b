/* Old runs are removed, whole and as the rules say, while everything else goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "support/plugin_driver.h"
#include "support/postgres.h"
#include "support/process.h"
#include "support/world.h"

static char config[1024];

/* Beginning of the object "retention" of who does not want to wait. */
#define AT_ONCE "\"delay_seconds\": 0, "

/* `rules` are the members of the object "retention", or NULL: none. */
static const char *configure(struct postgres *pg, const char *stream, const char *rules)
{
    snprintf(config, sizeof config, "{\"conninfo\": \"%s\", \"stream\": \"%s\"%s%s%s}",
             postgres_conninfo(pg), stream, rules != NULL ? ", \"retention\": {" : "",
             rules != NULL ? rules : "", rules != NULL ? "}" : "");
    return config;
}

/* An empty schema, and beside it a journal of what each transaction deletes. */
static struct driver *given_schema(struct postgres *pg)
{
    postgres_fresh_database(pg);
    struct driver *d = driver_new(TEST_RECORDER);
    driver_close(driver_live(d, configure(pg, "default", NULL)), WT_CLOSE_DRAIN);
    postgres_query(
        pg, "CREATE TABLE deleted (xid bigint, what text, n bigint);"
            "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " INSERT INTO public.deleted SELECT txid_current(), TG_TABLE_NAME, count(*) FROM gone;"
            " RETURN NULL; END $$;"
            "CREATE TRIGGER note AFTER DELETE ON walltrack.discovery_runs"
            " REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.note();"
            "CREATE TRIGGER note AFTER DELETE ON walltrack.discovery_run_wallets"
            " REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.note()");
    return d;
}

/* A run of that age, with so many wallets, half as many tokens and as many errors. */
static void add_run(struct postgres *pg, const char *schedule, const char *age, const char *status,
                    int wallets)
{
    char sql[2048];
    snprintf(
        sql, sizeof sql,
        "WITH run AS ("
        " INSERT INTO walltrack.discovery_runs (id, started_at, status, trigger_type, schedule,"
        " tokens_analyzed, new_wallets, updated_wallets, error_count, duration_seconds)"
        " VALUES (gen_random_uuid(), now() - interval '%s', '%s', 'scheduled', %s,"
        " %d, %d, 0, %d, 12.5) RETURNING id),"
        "w AS (INSERT INTO walltrack.discovery_run_wallets (id, run_id, wallet_address,"
        " source_token) SELECT gen_random_uuid(), run.id, 'w' || i, 'mint' FROM run,"
        " generate_series(1, %d) i),"
        "t AS (INSERT INTO walltrack.discovery_run_tokens (id, run_id, token)"
        " SELECT gen_random_uuid(), run.id, 't' || i FROM run, generate_series(1, %d) i)"
        "INSERT INTO walltrack.discovery_run_errors (id, run_id, message)"
        " SELECT gen_random_uuid(), run.id, 'no' FROM run, generate_series(1, %d) i",
        age, status, schedule, wallets / 2, wallets, wallets / 2, wallets, wallets / 2,
        wallets / 2);
    postgres_query(pg, sql);
}

/* So many runs of all kinds, with equal times among them, and a copy of it all. */
static void given_history(struct postgres *pg, int runs)
{
    char sql[2048];
    snprintf(
        sql, sizeof sql,
        "SELECT setseed(0.5);"
        "INSERT INTO walltrack.discovery_runs (id, started_at, status, trigger_type, schedule,"
        " max_tokens, tokens_analyzed, new_wallets, updated_wallets, error_count,"
        " duration_seconds)"
        " SELECT gen_random_uuid(), date_trunc('hour', now()) - i / 3 * interval '5 hours',"
        " (ARRAY['completed', 'completed', 'failed', 'cancelled', 'running'])"
        "[1 + floor(random() * 4.2)], 'scheduled',"
        " (ARRAY['nightly', 'hourly', '', NULL])[1 + floor(random() * 4)],"
        " (random() * 3)::int, (random() * 20)::int, (random() * 9)::int, (random() * 9)::int,"
        " floor(random() * 2), (random() * 900)::numeric(9, 3)"
        " FROM generate_series(1, %d) i;"
        "INSERT INTO walltrack.discovery_run_wallets (id, run_id, wallet_address, source_token)"
        " SELECT gen_random_uuid(), id, 'w' || i, 'mint' FROM walltrack.discovery_runs,"
        " generate_series(1, tokens_analyzed) i;"
        "INSERT INTO walltrack.discovery_run_tokens (id, run_id, token)"
        " SELECT gen_random_uuid(), id, 't' || i FROM walltrack.discovery_runs,"
        " generate_series(1, new_wallets) i;"
        "INSERT INTO walltrack.discovery_run_errors (id, run_id, message)"
        " SELECT gen_random_uuid(), id, 'no' FROM walltrack.discovery_runs,"
        " generate_series(1, error_count) i",
        runs);
    postgres_query(pg, sql);
    postgres_query(pg, "UPDATE walltrack.discovery_runs SET duration_seconds = NULL,"
                       " error_count = NULL WHERE status = 'running';"
                       "CREATE TABLE kept AS SELECT * FROM walltrack.discovery_runs;"
                       "CREATE TABLE kept_wallets AS SELECT * FROM walltrack.discovery_run_wallets;"
                       "ANALYZE");
}

/* Turns the loop until so many sweeps of the instance have ended. */
static void await_sweeps(wt_host *h, struct driver *d, int n)
{
    long end_ms = process_now_ms() + 60000;
    while (driver_figure(h, "retention_sweeps", NULL) < n) {
        if (process_now_ms() > end_ms)
            fail_msg("no sweep has ended");
        driver_turn(d);
    }
}

static wt_host *when_swept(struct driver *d, struct postgres *pg, const char *rules)
{
    wt_host *h = driver_live(d, configure(pg, "default", rules));
    await_sweeps(h, d, 1);
    assert_true(driver_figure(h, "retention_sweeps_failed", NULL) == 0);
    return h;
}

static const char runs_left[] =
    "SELECT string_agg(coalesce(schedule, '-') || ' ' || status, ',' ORDER BY started_at DESC)"
    " FROM walltrack.discovery_runs";

/* What is left is nothing else than what plain SQL over the copy says. */
static void then_left(struct postgres *pg, const char *kept)
{
    char sql[1024];
    snprintf(sql, sizeof sql,
             "WITH ranked AS (SELECT *, row_number() OVER (PARTITION BY schedule"
             " ORDER BY started_at DESC, id DESC) AS place FROM kept),"
             "expected AS (SELECT id FROM ranked WHERE status = 'running' OR (%s)),"
             "found AS (SELECT id FROM walltrack.discovery_runs)"
             "SELECT (SELECT count(*) FROM (TABLE expected EXCEPT TABLE found) x),"
             " (SELECT count(*) FROM (TABLE found EXCEPT TABLE expected) x),"
             " (SELECT count(*) FROM (SELECT w.id FROM kept_wallets w JOIN expected e"
             "  ON e.id = w.run_id EXCEPT SELECT id FROM walltrack.discovery_run_wallets) x)",
             kept);
    then_query(pg, sql, "0|0|0");
}

/* ---- the rules ---- */

static void test_runs_beyond_the_age_go(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_schema(pg);
    add_run(pg, "'a'", "29 days 23:50", "completed", 4);
    add_run(pg, "'b'", "720:00:01", "completed", 4);
    add_run(pg, "NULL", "31 days", "failed", 4);
    add_run(pg, "'d'", "32 days", "running", 4);
    add_run(pg, "'e'", "3000 days", "cancelled", 4);

    wt_host *h = when_swept(d, pg, AT_ONCE "\"older_than_days\": 30");

    then_query(pg, runs_left, "a completed,d running");
    then_query(pg,
               "SELECT (SELECT count(*) FROM walltrack.discovery_run_wallets),"
               " (SELECT count(*) FROM walltrack.discovery_run_tokens),"
               " (SELECT count(*) FROM walltrack.discovery_run_errors)",
               "8|4|4");
    assert_true(driver_figure(h, "retention_removed_runs", NULL) == 3);
    assert_true(driver_figure(h, "retention_removed_wallets", NULL) == 12);
    assert_true(driver_figure(h, "retention_last_sweep_end", NULL) > 1e9);
    assert_true(driver_logged(h, "removed 3 runs with 12 wallets"));
    driver_free(d);
}

static void test_only_the_newest_of_each_schedule_stay(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_schema(pg);
    for (int i = 0; i < 3; i++) {
        add_run(pg, "'a'", "5 days", "completed", 0); /* three at once: the ids decide */
        add_run(pg, "NULL", i == 0 ? "1 day" : i == 1 ? "2 days" : "3 days", "failed", 2);
    }
    postgres_query(pg, "UPDATE walltrack.discovery_runs"
                       " SET started_at = date_trunc('hour', now()) - interval '5 days'"
                       " WHERE schedule = 'a'");
    add_run(pg, "'a'", "4 days", "running", 0); /* takes one of the places */
    add_run(pg, "'b'", "900 days", "completed", 2);
    add_run(pg, "'c'", "6 days", "running", 2);
    add_run(pg, "'c'", "7 days", "running", 2); /* running ones stay beyond them */
    add_run(pg, "'c'", "8 days", "running", 2);
    postgres_query(pg, "CREATE TABLE kept AS SELECT * FROM walltrack.discovery_runs;"
                       "CREATE TABLE kept_wallets AS TABLE walltrack.discovery_run_wallets");

    when_swept(d, pg, AT_ONCE "\"runs_per_schedule\": 2");

    then_left(pg, "place <= 2");
    then_query(pg, "SELECT schedule, count(*) FROM walltrack.discovery_runs GROUP BY 1 ORDER BY 1",
               "a|2\nb|1\nc|3\n|2");
    driver_free(d);
}

static void test_nothing_goes_without_a_rule(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_schema(pg);
    add_run(pg, "'a'", "30000 days", "completed", 4);

    wt_host *h = driver_live(d, configure(pg, "default", AT_ONCE "\"every_minutes\": 1"));
    driver_end_run(d, driver_start_run(d), WT_RUN_COMPLETED, NULL);
    driver_await_acks(h);

    then_query(pg, "SELECT count(*) FROM walltrack.discovery_runs", "2");
    assert_true(driver_figure(h, "retention_sweeps", NULL) == 0);
    driver_free(d);
}

/* ---- a large history ---- */

/* All figures, as they are kept. */
static const char figures_kept[] =
    "SELECT sum(runs), sum(completed), sum(failed), sum(cancelled), sum(with_errors), sum(partial),"
    " sum(tokens), sum(new_wallets), sum(updated_wallets), sum(errors), sum(timed), sum(seconds)"
    " FROM walltrack.discovery_figures WHERE span = 'year' AND parent = -1 AND kind = 0";

/* The same, from the rows of the copy. */
static const char figures_copied[] =
    "SELECT count(*), count(*) FILTER (WHERE status = 'completed'),"
    " count(*) FILTER (WHERE status = 'failed'), count(*) FILTER (WHERE status = 'cancelled'),"
    " count(*) FILTER (WHERE error_count > 0),"
    " count(*) FILTER (WHERE error_count > 0 AND status = 'completed'),"
    " sum(tokens_analyzed), sum(new_wallets), sum(updated_wallets), sum(error_count),"
    " count(duration_seconds), sum(duration_seconds) FROM kept WHERE status <> 'running'";

static void then_copied_figures(struct postgres *pg)
{
    char expected[512];
    snprintf(expected, sizeof expected, "%s", postgres_query(pg, figures_copied));
    then_query(pg, figures_kept, expected);
}

static char *asked(wt_host *h, const char *name, const char *args)
{
    return strdup(driver_ask(h, name, args, NULL));
}

/* The answer to "retention", as its counts, from the copy and what is left of it. */
static void then_foreseen(struct postgres *pg, const char *answer)
{
    char sql[2048];
    snprintf(sql, sizeof sql,
             "WITH gone AS (SELECT * FROM kept WHERE id NOT IN"
             " (SELECT id FROM walltrack.discovery_runs))"
             "SELECT (a->>'runs')::int = count(*), (a->>'wallets')::int = sum(tokens_analyzed),"
             " (a->>'tokens')::int = sum(new_wallets), (a->>'errors')::int = sum(error_count),"
             " (a->>'oldest')::timestamptz = min(started_at),"
             " (a->>'newest')::timestamptz = max(started_at), count(*) > 500"
             " FROM gone, (SELECT '%s'::json AS a) x GROUP BY x.a::text, a->>'runs', a->>'wallets',"
             " a->>'tokens', a->>'errors', a->>'oldest', a->>'newest'",
             answer);
    then_query(pg, sql, "t|t|t|t|t|t|t");
}

static void test_both_rules_at_once_and_statistics_stay(void **state)
{
    static const char now[] = "{\"now\": \"2040-01-01T00:00:00Z\"}";
    struct postgres *pg = *state;
    struct driver *d = given_schema(pg);
    given_history(pg, 1500);
    wt_host *before = driver_live(d, configure(pg, "default", NULL));
    char *stats = asked(before, "stats", now);
    char *foreseen =
        asked(before, "retention", "{\"older_than_days\": 250, \"runs_per_schedule\": 200}");
    driver_close(before, WT_CLOSE_DRAIN);
    then_copied_figures(pg);

    wt_host *h = when_swept(d, pg, AT_ONCE "\"older_than_days\": 250, \"runs_per_schedule\": 200");

    then_left(pg, "place <= 200 AND started_at >= now() - interval '6000 hours'");
    then_copied_figures(pg);
    then_foreseen(pg, foreseen);
    char *later = asked(h, "stats", now);
    assert_string_equal(later, stats);
    then_query(
        pg, "SELECT max(n) FILTER (WHERE what = 'discovery_runs') BETWEEN 90 AND 100 FROM deleted",
        "t");
    free(stats);
    free(foreseen);
    free(later);
    driver_free(d);
}

/* ---- what would be removed ---- */

static void test_a_dry_run_takes_what_is_not_said_from_the_configuration(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_schema(pg);
    postgres_query(pg, "INSERT INTO walltrack.discovery_runs (id, started_at, status, trigger_type)"
                       " VALUES (gen_random_uuid(), '2026-01-31T00:00:00Z', 'completed', 'api'),"
                       " (gen_random_uuid(), '2026-01-30T23:59:59.999999Z', 'completed', 'api'),"
                       " (gen_random_uuid(), '2026-01-02T00:00:00Z', 'completed', 'api'),"
                       " (gen_random_uuid(), '2026-01-01T00:00:00Z', 'running', 'api')");
    wt_host *h = driver_live(d, configure(pg, "default", "\"older_than_days\": 30"));

    /* Exactly 30 days is not older. */
    assert_string_equal(driver_ask(h, "retention", "{\"now\": \"2026-03-02T00:00:00Z\"}", NULL),
                        "{\"runs\" : 2, \"wallets\" : 0, \"tokens\" : 0, \"errors\" : 0,"
                        " \"oldest\" : \"2026-01-02T00:00:00.000000Z\","
                        " \"newest\" : \"2026-01-30T23:59:59.999999Z\","
                        " \"older_than_days\" : 30, \"runs_per_schedule\" : null}");
    assert_string_equal(driver_ask(h, "retention",
                                   "{\"now\": \"2026-03-02T00:00:00Z\","
                                   " \"older_than_days\": null, \"runs_per_schedule\": \"2\"}",
                                   NULL),
                        "{\"runs\" : 1, \"wallets\" : 0, \"tokens\" : 0, \"errors\" : 0,"
                        " \"oldest\" : \"2026-01-02T00:00:00.000000Z\","
                        " \"newest\" : \"2026-01-02T00:00:00.000000Z\","
                        " \"older_than_days\" : null, \"runs_per_schedule\" : 2}");
    assert_string_equal(
        driver_ask(h, "retention", "{\"now\": \"2026-01-05T00:00:00Z\", \"older_than_days\": 9}",
                   NULL),
        "{\"runs\" : 0, \"wallets\" : 0, \"tokens\" : 0, \"errors\" : 0, \"oldest\" : null,"
        " \"newest\" : null, \"older_than_days\" : 9, \"runs_per_schedule\" : null}");
    then_query(pg, "SELECT count(*) FROM walltrack.discovery_runs", "4");
    driver_free(d);
}

static void test_wrong_rules_are_named(void **state)
{
    static const struct {
        const char *args, *words;
    } questions[] = {
        {"{\"older_than_days\": 0}", "older_than_days: 0 is not a whole number in 1..36500"},
        {"{\"older_than_days\": \"36501\"}", "older_than_days: \"36501\" is not"},
        {"{\"older_than_days\": \"3 days\"}", "older_than_days: \"3 days\" is not"},
        {"{\"older_than_days\": 2.5}", "older_than_days: 2.5 is not"},
        {"{\"runs_per_schedule\": 1000000001}",
         "runs_per_schedule: 1000000001 is not a whole number in 1..1000000000"},
        {"{\"runs_per_schedule\": -1}", "runs_per_schedule: -1 is not"},
        {"[]", "not an object"},
    };
    static const struct {
        const char *config, *words;
    } settings[] = {
        {"{\"retention\": 30}", "retention: not an object"},
        {"{\"retention\": {\"days\": 30}}", "retention.days: unknown key"},
        {"{\"retention.older_than_days\": 30}", "retention.older_than_days: unknown key"},
        {"{\"older_than_days\": 30}", "older_than_days: unknown key"},
        {"{\"retention\": {\"older_than_days\": 0}}",
         "retention.older_than_days: 0 is not a whole number in 1..36500"},
        {"{\"retention\": {\"runs_per_schedule\": 1000000001}}",
         "retention.runs_per_schedule: 1000000001 is not a whole number in 1..1000000000"},
        {"{\"retention\": {\"every_minutes\": \"5\"}}", "retention.every_minutes: \"5\" is not"},
        {"{\"retention\": {\"delay_seconds\": -1}}", "retention.delay_seconds: -1 is not"},
    };
    struct postgres *pg = *state;
    struct driver *d = given_schema(pg);
    wt_host *h = driver_live(d, configure(pg, "default", NULL));
    wt_status status;
    const char *words;
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        assert_non_null(
            strstr(driver_ask(h, "retention", questions[i].args, &status), questions[i].words));
        assert_int_equal(status, WT_E_ARGUMENT);
    }
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        wt_host *refused = driver_open(d, settings[i].config);
        assert_true(driver_failed(refused, &status, &words));
        assert_int_equal(status, WT_E_CONFIG);
        assert_non_null(strstr(words, settings[i].words));
        driver_close(refused, WT_CLOSE_ABORT);
    }
    driver_free(d);
}

/* ---- small steps ---- */

static void test_a_step_is_small_and_a_large_run_goes_at_once(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_schema(pg);
    for (int i = 0; i < 5; i++)
        add_run(pg, "'a'", "50 days", "completed", 9000);
    add_run(pg, "'a'", "40 days", "completed", 45000);
    for (int i = 0; i < 3; i++)
        add_run(pg, "NULL", "30 days", "completed", 5000);

    when_swept(d, pg, AT_ONCE "\"older_than_days\": 10");

    /* 9,000 wallets come with 9,000 tokens and errors: one such run a transaction. */
    then_query(pg,
               "SELECT max(n) FILTER (WHERE what = 'discovery_run_wallets'),"
               " count(DISTINCT xid), sum(n) FILTER (WHERE what = 'discovery_run_wallets')"
               " FROM deleted WHERE n > 0",
               "20000|8|105000");
    then_query(pg,
               "SELECT string_agg(w.n::text, ' ' ORDER BY w.n) FROM deleted r JOIN deleted w"
               " ON w.xid = r.xid AND w.what = 'discovery_run_wallets' AND w.n > 0"
               " WHERE r.what = 'discovery_runs' AND w.n <> 9000",
               "5000 5000 10000 20000 20000");
    driver_free(d);
}

/* Turns until one of the recorder's backends that sweep is so. */
static void await_sweeper(struct postgres *pg, struct driver *d, const char *what)
{
    char sql[256];
    long end_ms = process_now_ms() + 20000;
    snprintf(sql, sizeof sql,
             "SELECT count(*) > 0 FROM pg_stat_activity"
             " WHERE application_name LIKE 'walltrack recorder retention%%' AND %s",
             what);
    while (strcmp(postgres_query(pg, sql), "t") != 0) {
        if (process_now_ms() > end_ms)
            fail_msg("no sweeper is %s", what);
        driver_turn_nowait(d);
    }
}

/* Every run has all that it found, and the figures are those of the rows. */
static void then_whole(struct postgres *pg)
{
    then_query(pg,
               "SELECT count(*) FROM walltrack.discovery_runs r WHERE tokens_analyzed <>"
               " (SELECT count(*) FROM walltrack.discovery_run_wallets w WHERE w.run_id = r.id)",
               "0");
    then_copied_figures(pg);
}

static const char gone[] = "SELECT count(*) FROM pg_stat_activity"
                           " WHERE application_name LIKE 'walltrack recorder retention%'";

/* A connection that keeps a transaction open in which `sql` has been done. */
static PGconn *given_held(struct postgres *pg, const char *sql)
{
    char text[512];
    PGconn *conn = PQconnectdb(postgres_conninfo(pg));
    snprintf(text, sizeof text, "BEGIN; %s", sql);
    PGresult *r = PQexec(conn, text);
    if (PQresultStatus(r) == PGRES_FATAL_ERROR)
        fail_msg("%s", PQerrorMessage(conn));
    PQclear(r);
    return conn;
}

static void test_a_swap_leaves_a_run_whole(void **state)
{
    static const char later[] = "\"delay_seconds\": 3600, \"older_than_days\": 10";
    struct postgres *pg = *state;
    struct driver *d = given_schema(pg);
    add_run(pg, "'a'", "900 days", "completed", 45000);
    postgres_query(pg, "UPDATE walltrack.discovery_runs SET tokens_analyzed = 45000;"
                       "CREATE TABLE kept AS TABLE walltrack.discovery_runs");
    wt_host *old = driver_live(d, configure(pg, "default", AT_ONCE "\"older_than_days\": 10"));
    await_sweeper(pg, d,
                  "state = 'idle in transaction'"
                  " AND query LIKE '%DELETE%discovery_run_wallets%'");
    then_whole(pg); /* what it has emptied so far is its own affair */

    wt_host *new = driver_open(d, configure(pg, "default", later));
    PGconn *other = given_held(pg, "SELECT FROM walltrack.recorder_cursor FOR UPDATE");
    driver_start_run(d);
    while (driver_figure(old, "in_flight_events", NULL) < 1)
        driver_turn(d);
    driver_send_close(old, WT_CLOSE_DRAIN);
    postgres_await(pg, gone, "0", 10000); /* though it has a batch to finish */
    assert_false(driver_is_closed(old));
    PQfinish(other);
    driver_close(old, WT_CLOSE_DRAIN);
    driver_claim(new);
    assert_true(driver_is_claimed(new));

    then_query(pg, "SELECT count(*) FROM walltrack.discovery_run_wallets", "45000");
    then_query(pg, "SELECT count(*) FROM walltrack.discovery_removed_runs", "0");
    then_whole(pg);
    driver_close(new, WT_CLOSE_DRAIN);
    when_swept(d, pg, AT_ONCE "\"older_than_days\": 10");
    then_query(pg, "SELECT count(*) FROM walltrack.discovery_run_wallets", "0");
    driver_free(d);
}

static void test_an_end_at_any_moment_leaves_runs_whole(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_schema(pg);
    given_history(pg, 2500);
    const char *rules = AT_ONCE "\"older_than_days\": 20, \"runs_per_schedule\": 100";
    for (int turns = 1; turns < 40; turns += 3) {
        wt_host *h = driver_live(d, configure(pg, "default", rules));
        for (int i = 0; i < turns; i++)
            driver_turn(d);
        driver_close(h, turns % 2 == 0 ? WT_CLOSE_DRAIN : WT_CLOSE_ABORT);
        then_whole(pg);
    }
    when_swept(d, pg, rules);
    then_left(pg, "place <= 100 AND started_at >= now() - interval '480 hours'");
    then_whole(pg);
    driver_free(d);
}

/* ---- others ---- */

static void test_two_hosts_share_the_work_and_do_not_fight(void **state)
{
    static const char rules[] = AT_ONCE "\"runs_per_schedule\": 50";
    struct postgres *pg = *state;
    struct driver *d = given_schema(pg), *other = driver_new(TEST_RECORDER);
    given_history(pg, 2500);
    driver_replace_journal(other);
    wt_host *a = driver_live(d, configure(pg, "default", rules));
    wt_host *b = driver_live(other, configure(pg, "second", rules));
    while (driver_figure(a, "retention_sweeps", NULL) + driver_figure(b, "retention_sweeps", NULL) <
           2) {
        driver_turn_nowait(d);
        driver_turn_nowait(other);
    }
    char expected[32];
    then_left(pg, "place <= 50");
    then_copied_figures(pg);
    snprintf(expected, sizeof expected, "%.0f",
             driver_figure(a, "retention_removed_runs", NULL) +
                 driver_figure(b, "retention_removed_runs", NULL));
    then_query(pg, "SELECT count(*) FROM walltrack.discovery_removed_runs", expected);
    assert_true(driver_figure(a, "retention_sweeps_failed", NULL) == 0);
    assert_true(driver_figure(b, "retention_sweeps_failed", NULL) == 0);
    driver_free(other);
    driver_free(d);
}

static void test_a_sweep_gives_way_to_another(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_schema(pg);
    add_run(pg, "'a'", "900 days", "completed", 4);
    PGconn *other =
        given_held(pg, "SELECT pg_advisory_xact_lock(1463898961, hashtext('walltrack'))");

    wt_host *h = when_swept(d, pg, AT_ONCE "\"older_than_days\": 10");

    assert_true(driver_figure(h, "retention_removed_runs", NULL) == 0);
    then_query(pg, "SELECT count(*) FROM walltrack.discovery_run_wallets", "4");
    PQfinish(other);
    driver_free(d);
}

static void test_a_run_that_somebody_holds_is_passed_over(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_schema(pg);
    given_history(pg, 400);
    postgres_query(pg, "DELETE FROM kept WHERE status = 'running'");
    PGconn *other = given_held(pg, "SELECT FROM walltrack.discovery_runs WHERE status <> 'running'"
                                   " ORDER BY started_at, id LIMIT 150 FOR UPDATE");

    wt_host *h = when_swept(d, pg, AT_ONCE "\"older_than_days\": 1");

    then_query(pg,
               "SELECT count(*) FROM walltrack.discovery_runs WHERE status <> 'running'"
               " AND started_at < now() - interval '1 day'",
               "150");
    assert_true(driver_figure(h, "retention_removed_runs", NULL) > 150);
    PQfinish(other);
    driver_free(d);
}

static void test_a_locked_table_ends_the_sweep_and_nothing_else(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_schema(pg);
    add_run(pg, "'a'", "900 days", "completed", 4);
    PGconn *other = given_held(pg, "LOCK TABLE walltrack.discovery_run_tokens IN SHARE MODE");

    wt_host *h = driver_live(d, configure(pg, "default", AT_ONCE "\"older_than_days\": 10"));
    await_sweeps(h, d, 1);
    driver_end_run(d, driver_start_run(d), WT_RUN_COMPLETED, NULL);
    driver_await_acks(h);

    assert_true(driver_figure(h, "retention_sweeps_failed", NULL) == 1);
    assert_true(driver_logged(h, "canceling statement due to lock timeout"));
    assert_false(driver_failed(h, NULL, NULL));
    then_query(pg,
               "SELECT (SELECT count(*) FROM walltrack.discovery_runs),"
               " (SELECT count(*) FROM walltrack.discovery_run_wallets)",
               "2|4");
    PQfinish(other);
    driver_free(d);
}

static void test_a_sweeper_that_is_ended_ends_nobody_else(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_schema(pg);
    add_run(pg, "'a'", "900 days", "completed", 45000);
    wt_host *h = driver_live(d, configure(pg, "default", AT_ONCE "\"older_than_days\": 10"));
    await_sweeper(pg, d, "state = 'idle in transaction'");

    postgres_query(pg, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                       " WHERE application_name LIKE 'walltrack recorder retention%'");
    await_sweeps(h, d, 1);
    driver_end_run(d, driver_start_run(d), WT_RUN_COMPLETED, NULL);
    driver_await_acks(h);

    assert_true(driver_figure(h, "retention_sweeps_failed", NULL) == 1);
    assert_true(driver_logged(h, "retention: "));
    then_query(pg, "SELECT count(*) FROM walltrack.discovery_run_wallets", "45000");
    driver_free(d);
}

/* ---- beside the writer ---- */

static void record_one(void *arg)
{
    struct driver *d = arg;
    char address[32];
    if (driver_head(d) > 4000)
        return;
    wt_uuid run = driver_start_run(d);
    for (int i = 0; i < 20; i++) {
        snprintf(address, sizeof address, "w%d", i);
        driver_wallet(d, run, address, "mint", -1, WT_NO_SCORE, NULL);
    }
    driver_end_run(d, run, WT_RUN_COMPLETED, NULL);
}

static void test_runs_are_recorded_while_others_are_removed(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_schema(pg);
    given_history(pg, 2500);
    driver_set_time(d, (int64_t)time(NULL) * 1000000);
    driver_every(d, 2, record_one, d);
    wt_host *h = when_swept(d, pg, AT_ONCE "\"older_than_days\": 20");
    driver_await_acks(h);

    postgres_query(pg, "INSERT INTO kept SELECT * FROM walltrack.discovery_runs r WHERE NOT EXISTS"
                       " (SELECT FROM kept k WHERE k.id = r.id);"
                       "INSERT INTO kept_wallets SELECT * FROM walltrack.discovery_run_wallets r"
                       " WHERE NOT EXISTS (SELECT FROM kept_wallets k WHERE k.id = r.id)");
    then_query(pg, "SELECT count(*) > 20 FROM walltrack.discovery_runs WHERE build IS NOT NULL",
               "t");
    then_left(pg, "started_at >= now() - interval '480 hours'");
    then_copied_figures(pg);
    driver_free(d);
}

/* ---- what the operator sees ---- */

static void test_the_operator_sees_what_would_go_and_what_went(void **state)
{
    static const char stats[] = "/api/plugins/recorder/stats";
    struct postgres *pg = *state;
    driver_free(given_schema(pg));
    add_run(pg, "'a'", "40 days", "completed", 4);
    add_run(pg, "'a'", "20 days", "completed", 4);
    char patch[2048];
    snprintf(patch, sizeof patch,
             "{\"plugins\": [{\"name\": \"recorder\", \"path\": \"recorder.so\","
             " \"config\": %s}]}",
             configure(pg, "host", AT_ONCE "\"older_than_days\": 30"));
    struct world *w = world_new(&(struct world_options){.pg = pg, .config = patch});
    world_start(w);

    await_get(w, stats, "/stats/retention_removed_runs", "1");
    await_get(w, stats, "/stats/retention_sweeps", "1");
    then_get(w, stats, "/stats/retention_removed_wallets", "4");
    then_get(w, stats, "/stats/retention_error", "");
    then_get(w, stats, "/stats/retention", "waiting");
    then_status(w, "/metrics", 200);
    assert_non_null(strstr(world_text(w), "retention_removed_runs_total"));
    then_get(w, "/api/discovery/retention?older_than_days=10", "/runs", "1");
    then_get(w, "/api/discovery/runs", "/total", "1");
    then_get(w, "/api/discovery/stats", "/total_runs", "2");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_beyond_the_age_go),
        cmocka_unit_test(test_only_the_newest_of_each_schedule_stay),
        cmocka_unit_test(test_nothing_goes_without_a_rule),
        cmocka_unit_test(test_both_rules_at_once_and_statistics_stay),
        cmocka_unit_test(test_a_dry_run_takes_what_is_not_said_from_the_configuration),
        cmocka_unit_test(test_wrong_rules_are_named),
        cmocka_unit_test(test_a_step_is_small_and_a_large_run_goes_at_once),
        cmocka_unit_test(test_a_swap_leaves_a_run_whole),
        cmocka_unit_test(test_an_end_at_any_moment_leaves_runs_whole),
        cmocka_unit_test(test_two_hosts_share_the_work_and_do_not_fight),
        cmocka_unit_test(test_a_sweep_gives_way_to_another),
        cmocka_unit_test(test_a_run_that_somebody_holds_is_passed_over),
        cmocka_unit_test(test_a_locked_table_ends_the_sweep_and_nothing_else),
        cmocka_unit_test(test_a_sweeper_that_is_ended_ends_nobody_else),
        cmocka_unit_test(test_runs_are_recorded_while_others_are_removed),
        cmocka_unit_test(test_the_operator_sees_what_would_go_and_what_went),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
