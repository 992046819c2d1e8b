/* One instance beside another and one after another: nobody waits for what is only prepared, and a
 * claim holds whatever the server does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "support/plugin_driver.h"
#include "support/postgres.h"
#include "support/process.h"

static char config[1024];

static struct driver *given_recorder(struct postgres *pg)
{
    postgres_fresh_database(pg);
    snprintf(config, sizeof config, "{\"conninfo\": \"%s\"}", postgres_conninfo(pg));
    return driver_new(TEST_RECORDER);
}

static void add_wallets(struct driver *d, wt_uuid run, int from, int to)
{
    char address[32];
    for (int i = from; i < to; i++) {
        snprintf(address, sizeof address, "wallet%d", i);
        driver_wallet(d, run, address, "mint1", 1, WT_NO_SCORE, NULL);
    }
}

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

/* Turns the loop until one of the recorder's backends waits for that. */
static void await_waiting(struct postgres *pg, struct driver *d, const char *event)
{
    char sql[256];
    long end_ms = process_now_ms() + 20000;
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM pg_stat_activity"
             " WHERE application_name LIKE 'walltrack recorder %%' AND wait_event = '%s'",
             event);
    while (strcmp(postgres_query(pg, sql), "1") != 0) {
        if (process_now_ms() > end_ms)
            fail_msg("no backend waits for %s", event);
        driver_turn_nowait(d);
    }
}

/* ---- beside ---- */

static const char transactions[] = "SELECT pg_snapshot_xmax(pg_current_snapshot())";

static void test_preparing_writes_nothing_and_locks_nothing(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    driver_close(driver_live(d, config), WT_CLOSE_DRAIN);
    char before[64], locks[256];
    snprintf(before, sizeof before, "%s", postgres_query(pg, transactions));

    wt_host *h = driver_open(d, config);

    then_query(pg, transactions, before);
    snprintf(locks, sizeof locks,
             "SELECT (SELECT count(*) FROM pg_locks WHERE pid = %d), state, backend_xid"
             " FROM pg_stat_activity WHERE pid = %d",
             driver_prepared(h)->backend_pid, driver_prepared(h)->backend_pid);
    then_query(pg, locks, "0|idle|");
    driver_free(d);
}

/* Everything that a live one locks while it records, held by somebody else for as long as it takes.
 */
static void test_preparing_waits_for_nothing_that_a_live_one_holds(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *h = driver_live(d, config);
    driver_await_acks(h);
    PGconn *live =
        given_held(pg, "UPDATE walltrack.recorder_cursor SET seq = seq;"
                       " LOCK TABLE walltrack.discovery_runs,"
                       " walltrack.discovery_run_wallets, walltrack.discovery_run_tokens,"
                       " walltrack.discovery_run_errors, walltrack.schema_migrations"
                       " IN ROW EXCLUSIVE MODE");

    wt_host *next = driver_open(d, config);

    assert_true(driver_is_prepared(next));
    PQfinish(live);
    driver_free(d);
}

static void test_a_live_one_goes_on_beside_a_prepared_one(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *h = driver_live(d, config);
    wt_uuid run = driver_start_run(d);
    driver_await_acks(h);

    wt_host *next = driver_open(d, config);
    add_wallets(d, run, 0, 2000);
    driver_await_acks(h);
    driver_close(next, WT_CLOSE_ABORT);
    driver_end_run(d, run, WT_RUN_COMPLETED, NULL);
    driver_await_acks(h);

    then_query(pg, "SELECT new_wallets FROM walltrack.discovery_runs", "2000");
    then_query(pg, "SELECT epoch FROM walltrack.recorder_cursor", "1");
    driver_free(d);
}

static void test_two_builds_record_side_by_side(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg), *e = driver_new(TEST_RECORDER_1);
    char other[1024];
    snprintf(other, sizeof other,
             "{\"conninfo\": \"%s\", \"schema\": \"other\", \"stream\": \"e\"}",
             postgres_conninfo(pg));
    wt_host *h = driver_live(d, config), *o = driver_live(e, other);
    wt_uuid run = driver_start_run(d), another = driver_start_run(e);
    for (int i = 0; i < 20; i++) {
        add_wallets(d, run, 100 * i, 100 * i + 100);
        add_wallets(e, another, 10 * i, 10 * i + 10);
        driver_turn_nowait(d);
        driver_turn_nowait(e);
    }
    driver_await_acks(h);
    driver_close(h, WT_CLOSE_DRAIN);
    driver_free(d);
    driver_await_acks(o);

    then_query(pg, "SELECT count(*) FROM walltrack.discovery_run_wallets", "2000");
    then_query(pg, "SELECT count(*) FROM other.discovery_run_wallets", "200");
    assert_true(driver_figure(o, "acked_events", NULL) == 201);
    driver_free(e);
}

/* ---- one after another ---- */

static void test_a_question_that_runs_does_not_delay_the_end(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *h = driver_live(d, config);
    driver_start_run(d);
    driver_await_acks(h);
    PGconn *holder = given_held(pg, "LOCK TABLE walltrack.discovery_runs");
    struct driver_question *q = driver_send_question(h, "stats", "{}");
    await_waiting(pg, d, "relation");

    long start_ms = process_now_ms();
    driver_send_close(h, WT_CLOSE_DRAIN);
    assert_true(driver_is_closed(h)); /* nothing was in flight: at once */
    driver_close(h, WT_CLOSE_DRAIN);

    assert_true(process_now_ms() - start_ms < 5000); /* its time limit is twice that */
    assert_int_equal(driver_question_end(q), WT_E_CANCELLED);
    PQfinish(holder);
    driver_free(d);
}

/* Nobody waits for the disk in the usual claim: a crash may take it back, and nothing else. */
static void test_a_claim_that_a_crash_takes_back_costs_nothing(void **state)
{
    static const char *const settings[] = {"autovacuum=off", "wal_writer_delay=10s", NULL};
    (void)state;
    struct postgres *pg = postgres_new(&(struct postgres_options){.settings = settings});
    struct driver *d = given_recorder(pg);
    wt_host *h = driver_live(d, config);
    wt_uuid run = driver_start_run(d);
    add_wallets(d, run, 0, 100);
    driver_await_acks(h);
    driver_close(h, WT_CLOSE_DRAIN);
    h = driver_live(d, config);
    then_query(pg, "SELECT epoch FROM walltrack.recorder_cursor", "2");

    postgres_restart(pg, POSTGRES_IMMEDIATE);

    driver_await_failure(h, WT_E_AGAIN);
    then_query(pg, "SELECT epoch FROM walltrack.recorder_cursor", "1"); /* it was lost */
    driver_close(h, WT_CLOSE_ABORT);
    h = driver_live(d, config);
    assert_int_equal(driver_cursor(h), 101);
    driver_end_run(d, run, WT_RUN_COMPLETED, NULL);
    driver_await_acks(h);
    then_query(pg, "SELECT new_wallets FROM walltrack.discovery_runs", "100");
    driver_free(d);
    postgres_free(pg);
}

static void set_standbys(struct postgres *pg, const char *names)
{
    char sql[128];
    snprintf(sql, sizeof sql, "ALTER SYSTEM SET synchronous_standby_names = '%s'", names);
    postgres_query(pg, sql);
    postgres_query(pg, "SELECT pg_reload_conf()");
    postgres_await(pg, "SHOW synchronous_standby_names", names, 5000);
}

/* The batch before may have been committed without its standby: this claim speaks for it. */
static void test_a_claim_waits_for_standbys_where_there_should_be_some(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    driver_close(driver_live(d, config), WT_CLOSE_DRAIN);
    set_standbys(pg, "nobody");

    wt_host *h = driver_open(d, config);
    driver_send_claim(h);
    await_waiting(pg, d, "SyncRep");
    assert_false(driver_is_claimed(h));
    set_standbys(pg, "");
    driver_await_claim(h);

    assert_true(driver_is_claimed(h));
    driver_free(d);
}

static void test_a_claim_with_a_warning_goes_the_long_way(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    driver_close(driver_live(d, config), WT_CLOSE_DRAIN);
    postgres_query(pg, "CREATE FUNCTION doubt() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                       " RAISE WARNING 'is that so?'; RETURN NULL; END $$;"
                       "CREATE TRIGGER doubt AFTER UPDATE ON walltrack.recorder_cursor"
                       " FOR EACH ROW EXECUTE FUNCTION public.doubt()");

    wt_host *h = driver_live(d, config);

    then_query(pg, "SELECT epoch FROM walltrack.recorder_cursor", "3"); /* taken twice */
    postgres_query(pg, "DROP TRIGGER doubt ON walltrack.recorder_cursor");
    driver_start_run(d);
    driver_await_acks(h);
    driver_free(d);
}

static void test_a_schema_that_became_too_new_meanwhile_is_noticed(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    driver_close(driver_live(d, config), WT_CLOSE_DRAIN);
    wt_host *h = driver_open(d, config);
    postgres_query(pg, "INSERT INTO walltrack.schema_migrations (version, name)"
                       " VALUES (900, 'narrower')");

    driver_claim(h);

    driver_await_failure(h, WT_E_SCHEMA_NEW);
    then_query(pg, "SELECT epoch FROM walltrack.recorder_cursor", "1");
    driver_free(d);
}

/* The batch in flight holds the cursor's row and comes to the runs' table later: a migration of
 * that table that did not wait for the row first would end in a deadlock. */
static void test_a_migration_waits_for_the_batch_before(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    driver_use(d, TEST_RECORDER_1, "old");
    wt_host *old = driver_live(d, config);
    wt_uuid run = driver_start_run(d);
    driver_await_acks(old);
    postgres_query(pg, "CREATE FUNCTION stand() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                       " PERFORM pg_advisory_xact_lock_shared(42); RETURN NEW; END $$;"
                       "CREATE TRIGGER stand BEFORE INSERT ON walltrack.discovery_run_wallets"
                       " FOR EACH ROW EXECUTE FUNCTION public.stand()");
    PGconn *gate = given_held(pg, "SELECT pg_advisory_xact_lock(42)");
    add_wallets(d, run, 0, 100);
    await_waiting(pg, d, "advisory");

    driver_use(d, TEST_RECORDER, "new");
    wt_host *next = driver_open(d, config);
    driver_close(old, WT_CLOSE_ABORT);
    driver_send_claim(next);
    await_waiting(pg, d, "transactionid");
    PQfinish(gate);
    driver_await_claim(next);

    const char *message;
    if (driver_failed(next, NULL, &message))
        fail_msg("%s", message);
    assert_int_equal(driver_cursor(next), 101);
    then_query(pg, "SELECT max(version) FROM walltrack.schema_migrations", "3");
    then_query(pg, "SELECT count(*) FROM walltrack.discovery_run_wallets", "100");
    driver_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_preparing_writes_nothing_and_locks_nothing),
        cmocka_unit_test(test_preparing_waits_for_nothing_that_a_live_one_holds),
        cmocka_unit_test(test_a_live_one_goes_on_beside_a_prepared_one),
        cmocka_unit_test(test_two_builds_record_side_by_side),
        cmocka_unit_test(test_a_question_that_runs_does_not_delay_the_end),
        cmocka_unit_test(test_a_claim_that_a_crash_takes_back_costs_nothing),
        cmocka_unit_test(test_a_claim_waits_for_standbys_where_there_should_be_some),
        cmocka_unit_test(test_a_claim_with_a_warning_goes_the_long_way),
        cmocka_unit_test(test_a_migration_waits_for_the_batch_before),
        cmocka_unit_test(test_a_schema_that_became_too_new_meanwhile_is_noticed),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
