/* Nothing is lost and nothing is there twice, whatever happens to connections and servers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "support/pgbouncer.h"
#include "support/plugin_driver.h"
#include "support/postgres.h"
#include "support/process.h"

static char config[1024];

static void configure(const char *conninfo, const char *more)
{
    snprintf(config, sizeof config, "{\"conninfo\": \"%s\"%s}", conninfo, more);
}

static struct driver *given_recorder(struct postgres *pg)
{
    postgres_fresh_database(pg);
    configure(postgres_conninfo(pg), "");
    return driver_new(TEST_RECORDER);
}

static void add_wallets(struct driver *d, wt_uuid run, int from, int to)
{
    char address[32];
    for (int i = from; i < to; i++) {
        snprintf(address, sizeof address, "wallet%d", i);
        driver_wallet(d, run, address, "mint1", -1, 5000, "{\"buys\": 3}");
    }
}

/* A fresh instance, tried again while the server is away or the stream is held. */
static wt_host *next_instance(struct driver *d)
{
    for (int tries = 0; tries < 200; tries++) {
        wt_status status;
        const char *message;
        wt_host *h = driver_open(d, config);
        if (!driver_failed(h, NULL, NULL))
            driver_claim(h);
        if (!driver_failed(h, &status, &message)) {
            driver_feed(h, true);
            return h;
        }
        if (status != WT_E_AGAIN)
            fail_msg("failed with %d: %s", status, message);
        driver_close(h, WT_CLOSE_ABORT);
        driver_turn(d);
    }
    fail_msg("no instance came up");
    return NULL;
}

static void then_all_is_there_once(struct postgres *pg, const char *wallets)
{
    then_query(pg, "SELECT count(*) FROM walltrack.discovery_run_wallets", wallets);
    then_query(pg, "SELECT count(DISTINCT id) FROM walltrack.discovery_run_wallets", wallets);
    then_query(pg, "SELECT new_wallets FROM walltrack.discovery_runs", wallets);
}

static void test_instances_that_are_cut_off_in_mid_batch_lose_nothing(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_uuid run = driver_start_run(d);
    add_wallets(d, run, 0, 20000);
    driver_end_run(d, run, WT_RUN_COMPLETED, NULL);
    configure(postgres_conninfo(pg), ", \"batch_rows\": 100");

    wt_host *h = next_instance(d);
    for (int round = 1; driver_acked(h) < driver_head(d) && round < 60; round++) {
        for (int turns = 0; turns < 3 * round && driver_acked(h) < driver_head(d); turns++)
            driver_turn(d);
        if (driver_failed(h, NULL, NULL))
            fail_msg("failed");
        driver_close(h, WT_CLOSE_ABORT);
        h = next_instance(d);
    }
    driver_await_acks(h);

    then_all_is_there_once(pg, "20000");
    then_query(pg, "SELECT epoch > 5 FROM walltrack.recorder_cursor", "t");
    driver_free(d);
}

static void test_draining_drops_what_was_only_gathered(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    configure(postgres_conninfo(pg), ", \"batch_ms\": 10000");
    wt_host *h = driver_live(d, config);
    wt_uuid run = driver_start_run(d);
    driver_await_acks(h);
    add_wallets(d, run, 0, 10);
    while (driver_delivered(h) < driver_head(d))
        driver_turn(d);
    assert_int_equal(driver_acked(h), 1);

    driver_close(h, WT_CLOSE_DRAIN);

    then_query(pg, "SELECT seq FROM walltrack.recorder_cursor", "1");
    long start_ms = process_now_ms();
    h = driver_live(d, config);
    driver_await_acks(h);
    assert_true(process_now_ms() - start_ms < 8000); /* it did not wait for more than was there */
    driver_end_run(d, run, WT_RUN_COMPLETED, NULL);
    driver_await_acks(h);
    then_all_is_there_once(pg, "10");
    driver_free(d);
}

static void test_draining_finishes_the_transaction_in_flight(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    configure(postgres_conninfo(pg), ", \"batch_rows\": 100, \"batch_ms\": 10000");
    wt_host *h = driver_live(d, config);
    wt_uuid run = driver_start_run(d);
    driver_await_acks(h);
    PGconn *gate = PQconnectdb(postgres_conninfo(pg));
    PQclear(PQexec(gate, "SELECT pg_advisory_lock(42)"));
    postgres_query(pg, "CREATE FUNCTION stand() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                       " PERFORM pg_advisory_xact_lock_shared(42); RETURN NEW; END $$;"
                       "CREATE TRIGGER stand BEFORE INSERT ON walltrack.discovery_run_wallets"
                       " FOR EACH ROW EXECUTE FUNCTION public.stand()");
    add_wallets(d, run, 0, 110);
    while (strcmp(postgres_query(pg, "SELECT count(*) FROM pg_stat_activity"
                                     " WHERE wait_event = 'advisory'"),
                  "1") != 0)
        driver_turn_nowait(d);
    assert_true(driver_figure(h, "in_flight_events", NULL) == 100);
    assert_true(driver_figure(h, "gathering_events", NULL) == 10);

    driver_send_close(h, WT_CLOSE_DRAIN);
    driver_turn(d);
    assert_false(driver_is_closed(h));
    PQfinish(gate);
    driver_close(h, WT_CLOSE_DRAIN);

    then_query(pg, "SELECT count(*) FROM walltrack.discovery_run_wallets", "100");
    then_query(pg, "SELECT seq FROM walltrack.recorder_cursor", "101");
    driver_free(d);
}

/* A batch that is refused again and again waits between its tries: nobody else waits for it. */
static void test_draining_does_not_wait_for_another_try(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *h = driver_live(d, config);
    wt_uuid run = driver_start_run(d);
    driver_await_acks(h);
    postgres_query(pg, "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                       " RAISE SQLSTATE '40001'; END $$;"
                       "CREATE TRIGGER refuse BEFORE INSERT ON walltrack.discovery_run_wallets"
                       " FOR EACH ROW EXECUTE FUNCTION public.refuse()");
    add_wallets(d, run, 0, 10);
    while (driver_figure(h, "retries", NULL) < 2)
        driver_turn(d);

    driver_send_close(h, WT_CLOSE_DRAIN);
    assert_true(driver_is_closed(h));
    driver_close(h, WT_CLOSE_DRAIN);

    then_query(pg, "SELECT count(*) FROM walltrack.discovery_run_wallets", "0");
    driver_free(d);
}

static void test_a_crash_of_the_server_is_survived(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *h = driver_live(d, config);
    wt_uuid run = driver_start_run(d);
    add_wallets(d, run, 0, 10000);
    while (driver_figure(h, "in_flight_events", NULL) < 1000)
        driver_turn(d);

    postgres_stop(pg, POSTGRES_IMMEDIATE);
    driver_await_failure(h, WT_E_AGAIN);
    driver_close(h, WT_CLOSE_ABORT);
    h = driver_open(d, config);
    assert_true(driver_failed(h, NULL, NULL)); /* the server is away */
    driver_close(h, WT_CLOSE_ABORT);
    postgres_start(pg);
    h = next_instance(d);
    driver_end_run(d, run, WT_RUN_COMPLETED, NULL);
    driver_await_acks(h);

    then_all_is_there_once(pg, "10000");
    driver_free(d);
}

static void test_an_idle_instance_notices_that_the_server_has_gone(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *h = driver_live(d, config);

    postgres_restart(pg, POSTGRES_FAST);

    driver_await_failure(h, WT_E_AGAIN);
    driver_free(d);
}

static void given_warning(struct postgres *pg, const char *event)
{
    char sql[512];
    snprintf(sql, sizeof sql,
             "CREATE FUNCTION doubt() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
             " RAISE WARNING 'not on the standby'; RETURN NULL; END $$;"
             "CREATE CONSTRAINT TRIGGER doubt AFTER %s DEFERRABLE INITIALLY DEFERRED"
             " FOR EACH ROW EXECUTE FUNCTION public.doubt()",
             event);
    postgres_query(pg, sql);
}

static void test_a_commit_with_a_warning_is_not_acknowledged(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *h = driver_live(d, config);
    wt_uuid run = driver_start_run(d);
    driver_await_acks(h);
    given_warning(pg, "UPDATE ON walltrack.recorder_cursor");

    add_wallets(d, run, 0, 1);
    driver_await_failure(h, WT_E_AGAIN);

    assert_int_equal(driver_acked(h), 1);
    postgres_query(pg, "DROP TRIGGER doubt ON walltrack.recorder_cursor");
    driver_close(h, WT_CLOSE_ABORT);
    h = next_instance(d);
    assert_int_equal(driver_cursor(h), 2); /* the cursor tells: it was committed */
    driver_free(d);
}

static void test_a_warning_of_a_trigger_stops_nobody(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *h = driver_live(d, config);
    wt_uuid run = driver_start_run(d);
    driver_await_acks(h);
    given_warning(pg, "INSERT ON walltrack.discovery_run_wallets");

    add_wallets(d, run, 0, 10);
    driver_await_acks(h);

    then_query(pg, "SELECT count(*) FROM walltrack.discovery_run_wallets", "10");
    driver_free(d);
}

static void test_a_commit_that_fails_is_not_acknowledged(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *h = driver_live(d, config);
    wt_uuid run = driver_start_run(d);
    driver_await_acks(h);
    postgres_query(pg, "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                       " RAISE SQLSTATE '53100'; END $$;"
                       "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON"
                       " walltrack.discovery_run_wallets DEFERRABLE INITIALLY DEFERRED"
                       " FOR EACH ROW EXECUTE FUNCTION public.refuse()");

    add_wallets(d, run, 0, 1);
    driver_await_failure(h, WT_E_AGAIN);

    assert_int_equal(driver_acked(h), 1);
    then_query(pg, "SELECT seq FROM walltrack.recorder_cursor", "1");
    driver_free(d);
}

static void test_a_commit_past_its_deadline_is_not_acknowledged(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    configure(postgres_conninfo(pg), ", \"commit_seconds\": 1");
    wt_host *h = driver_live(d, config);
    wt_uuid run = driver_start_run(d);
    driver_await_acks(h);
    postgres_query(pg, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    postgres_query(pg, "SELECT pg_reload_conf()");
    postgres_await(pg, "SHOW synchronous_standby_names", "nobody", 5000);

    add_wallets(d, run, 0, 5);
    driver_await_failure(h, WT_E_AGAIN);
    assert_int_equal(driver_acked(h), 1);
    driver_close(h, WT_CLOSE_ABORT);

    postgres_query(pg, "ALTER SYSTEM RESET synchronous_standby_names");
    postgres_query(pg, "SELECT pg_reload_conf()");
    h = next_instance(d);
    driver_end_run(d, run, WT_RUN_COMPLETED, NULL);
    driver_await_acks(h);
    then_all_is_there_once(pg, "5");
    driver_free(d);
}

static void test_questions_break_and_come_back_without_the_writer(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *h = driver_live(d, config);
    wt_status status;
    driver_ask(h, "stats", "{}", NULL);

    postgres_query(pg, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                       " WHERE application_name LIKE 'walltrack recorder reader%'");
    postgres_await(pg,
                   "SELECT count(*) FROM pg_stat_activity"
                   " WHERE application_name LIKE 'walltrack recorder reader%'",
                   "0", 5000);
    do /* until the back-off is over */
        driver_ask(h, "stats", "{}", &status);
    while (status == WT_E_AGAIN && (driver_turn(d), true));

    assert_int_equal(status, WT_OK);
    assert_false(driver_failed(h, NULL, NULL));
    driver_free(d);
}

static void test_all_of_it_works_through_a_transaction_pooler(void **state)
{
    struct postgres *pg = *state;
    if (!pgbouncer_exists())
        skip();
    struct driver *d = given_recorder(pg);
    struct pgbouncer *b = pgbouncer_new(pg, 2);
    configure(pgbouncer_conninfo(b), "");
    wt_host *h = driver_live(d, config);
    wt_uuid run = driver_start_run(d);
    add_wallets(d, run, 0, 8000);
    driver_await_acks(h);
    driver_close(h, WT_CLOSE_ABORT);

    h = next_instance(d);
    driver_end_run(d, run, WT_RUN_COMPLETED, NULL);
    driver_await_acks(h);

    then_all_is_there_once(pg, "8000");
    assert_non_null(strstr(driver_ask(h, "stats", "{}", NULL), "\"successful_runs\": 1"));
    driver_free(d);
    pgbouncer_free(b);
}

static void test_a_host_name_is_looked_up_by_the_host(void **state)
{
    (void)state;
    struct postgres *tcp = postgres_new(&(struct postgres_options){.tcp = true});
    struct driver *d = driver_new(TEST_RECORDER);
    char conninfo[512];
    snprintf(conninfo, sizeof conninfo, "%s", postgres_tcp_conninfo(tcp));
    char *at = strstr(conninfo, "127.0.0.1");
    assert_non_null(at);
    memcpy(at, "localhost", 9); /* as long as the address */
    configure(conninfo, "");

    wt_host *h = driver_live(d, config);
    driver_start_run(d);
    driver_await_acks(h);
    driver_close(h, WT_CLOSE_DRAIN);
    configure("host=no.such.name.invalid", "");
    h = driver_open(d, config);

    const char *message;
    assert_true(driver_failed(h, NULL, &message));
    assert_non_null(strstr(message, "cannot look up \"no.such.name.invalid\""));
    driver_free(d);
    postgres_free(tcp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_instances_that_are_cut_off_in_mid_batch_lose_nothing),
        cmocka_unit_test(test_draining_drops_what_was_only_gathered),
        cmocka_unit_test(test_draining_finishes_the_transaction_in_flight),
        cmocka_unit_test(test_draining_does_not_wait_for_another_try),
        cmocka_unit_test(test_a_crash_of_the_server_is_survived),
        cmocka_unit_test(test_an_idle_instance_notices_that_the_server_has_gone),
        cmocka_unit_test(test_a_commit_with_a_warning_is_not_acknowledged),
        cmocka_unit_test(test_a_warning_of_a_trigger_stops_nobody),
        cmocka_unit_test(test_a_commit_that_fails_is_not_acknowledged),
        cmocka_unit_test(test_a_commit_past_its_deadline_is_not_acknowledged),
        cmocka_unit_test(test_questions_break_and_come_back_without_the_writer),
        cmocka_unit_test(test_all_of_it_works_through_a_transaction_pooler),
        cmocka_unit_test(test_a_host_name_is_looked_up_by_the_host),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
