/* What is recorded, and how often: runs, totals, new wallets, fences, gaps, poison. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/plugin_driver.h"
#include "support/postgres.h"

static char config[1024];

static struct driver *given_recorder(struct postgres *pg)
{
    postgres_fresh_database(pg);
    snprintf(config, sizeof config, "{\"conninfo\": \"%s\"}", postgres_conninfo(pg));
    return driver_new(TEST_RECORDER);
}

static void test_a_run_is_recorded_with_its_totals(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *h = driver_live(d, config);

    wt_uuid run = driver_start_run(d);
    driver_token(d, run, "mint1");
    driver_token(d, run, "mint2");
    driver_wallet(d, run, "alice", "mint1", 1, 8712, "{\"profit_pct\": 50}");
    driver_wallet(d, run, "alice", "mint2", 1, WT_NO_SCORE, NULL);
    driver_wallet(d, run, "bob", "mint1", 0, WT_NO_SCORE, NULL);
    driver_error(d, run, "no tape for mint3");
    driver_end_run(d, run, WT_RUN_COMPLETED, NULL);
    driver_slot(d, "default", WT_SLOT_PAUSED);
    driver_await_acks(h);

    then_query(
        pg,
        "SELECT status, trigger_type, triggered_by, tokens_analyzed, new_wallets,"
        " updated_wallets, profiled_wallets, error_count, duration_seconds, errors->0->>'message'"
        " FROM walltrack.discovery_runs",
        "completed|manual|operator|2|1|1|1|1|2.500|no tape for mint3");
    then_query(pg,
               "SELECT min_price_change_pct, min_volume_usd, max_token_age_hours,"
               " early_window_minutes, min_profit_pct, max_tokens, profile_immediately, host, build"
               " FROM walltrack.discovery_runs",
               "100.00|50000.00|72|30|50.00|20|t|here|recorder test");
    then_query(pg,
               "SELECT string_agg(concat_ws(',', wallet_address, source_token, is_new,"
               " initial_score, profile), ' ' ORDER BY id) FROM walltrack.discovery_run_wallets",
               "alice,mint1,t,0.8712,{\"profit_pct\": 50} alice,mint2,t bob,mint1,f");
    then_query(pg, "SELECT schedule, outcome, reason FROM walltrack.discovery_slots",
               "default|paused|as told");
    then_query(pg, "SELECT seq FROM walltrack.recorder_cursor", "9");
    assert_true(driver_figure(h, "recorded_events", "wallet") == 3);
    driver_free(d);
}

static void test_new_is_decided_where_the_engine_did_not_say(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *h = driver_live(d, config);

    wt_uuid first = driver_start_run(d);
    driver_wallet(d, first, "alice", "mint1", -1, WT_NO_SCORE, NULL);
    driver_end_run(d, first, WT_RUN_COMPLETED, NULL);
    driver_await_acks(h);
    driver_feed(h, false);
    wt_uuid second = driver_start_run(d), third = driver_start_run(d);
    driver_wallet(d, second, "alice", "mint1", -1, WT_NO_SCORE, NULL); /* in the database      */
    driver_wallet(d, second, "bob", "mint1", -1, WT_NO_SCORE, NULL);
    driver_wallet(d, second, "bob", "mint2", -1, WT_NO_SCORE, NULL); /* one run, two tokens  */
    driver_wallet(d, third, "bob", "mint1", -1, WT_NO_SCORE, NULL);  /* in the same batch    */
    driver_wallet(d, third, "carol", "mint1", 0, WT_NO_SCORE, NULL); /* the engine said so   */
    driver_wallet(d, second, "carol", "mint1", -1, WT_NO_SCORE, NULL);
    driver_end_run(d, second, WT_RUN_COMPLETED, NULL);
    driver_end_run(d, third, WT_RUN_FAILED, "exit status 3");
    driver_feed(h, true);
    driver_await_acks(h);

    then_query(pg,
               "SELECT string_agg(wallet_address || ',' || is_new, ' ' ORDER BY id)"
               " FROM walltrack.discovery_run_wallets",
               "alice,true alice,false bob,true bob,true bob,false carol,false carol,false");
    then_query(pg,
               "SELECT string_agg(concat_ws(',', new_wallets, updated_wallets, status, reason), ' '"
               " ORDER BY id) FROM walltrack.discovery_runs",
               "1,0,completed 1,2,completed 0,2,failed,exit status 3");
    driver_free(d);
}

static void add_wallets(struct driver *d, wt_uuid run, int from, int to)
{
    char address[32];
    for (int i = from; i < to; i++) {
        snprintf(address, sizeof address, "wallet%d", i);
        driver_wallet(d, run, address, "mint1", 1, WT_NO_SCORE, NULL);
    }
}

static void test_a_poisoned_event_goes_to_the_quarantine_and_the_stream_goes_on(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *h = driver_live(d, config);
    driver_feed(h, false);

    wt_uuid run = driver_start_run(d);
    add_wallets(d, run, 0, 300);
    driver_wallet(d, run, "bad", "mint1", 1, WT_NO_SCORE, "{\"a\": \"\\u0000\"}"); /* event 302 */
    add_wallets(d, run, 300, 600);
    driver_wallet(d, run, "an address of far more than forty-four characters", "mint1", 1,
                  WT_NO_SCORE, NULL); /* event 603 */
    driver_set_time(d, INT64_MIN + 1);
    driver_error(d, run, "at a time that no calendar has"); /* event 604 */
    driver_set_time(d, 1782000100000000);
    driver_end_run(d, run, WT_RUN_COMPLETED, NULL);
    driver_feed(h, true);
    driver_await_acks(h);

    then_query(pg,
               "SELECT string_agg(concat_ws(',', seq, kind, version, convert_from(body, 'UTF8'),"
               " sqlstate), ' ' ORDER BY seq) FROM walltrack.recorder_quarantine",
               "302,3,1,body of 302,22P05 603,3,1,body of 603,22001 604,4,1,body of 604,22008");
    then_query(pg, "SELECT count(*), count(DISTINCT id) FROM walltrack.discovery_run_wallets",
               "600|600");
    then_query(pg, "SELECT status, new_wallets FROM walltrack.discovery_runs", "completed|600");
    assert_true(driver_figure(h, "quarantined_events", NULL) == 3);
    driver_free(d);
}

static void test_events_of_a_run_that_is_not_there_are_quarantined(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *h = driver_live(d, config);
    driver_feed(h, false);

    wt_uuid unknown = driver_uuid(d), run = driver_start_run(d);
    driver_token(d, unknown, "mint1");
    add_wallets(d, unknown, 0, 50);
    driver_end_run(d, unknown, WT_RUN_COMPLETED, NULL);
    driver_wallet(d, run, "alice", "mint1", 1, WT_NO_SCORE, NULL);
    driver_end_run(d, run, WT_RUN_COMPLETED, NULL);
    driver_end_run(d, run, WT_RUN_FAILED, "a second end changes nothing");
    driver_feed(h, true);
    driver_await_acks(h);

    then_query(pg,
               "SELECT count(*), string_agg(DISTINCT sqlstate, ',') FROM"
               " walltrack.recorder_quarantine",
               "53|23503");
    then_query(pg, "SELECT status, new_wallets, reason FROM walltrack.discovery_runs",
               "completed|1|");
    then_query(pg, "SELECT seq FROM walltrack.recorder_cursor", "56");
    driver_free(d);
}

static void test_a_backlog_is_recorded_once_in_bounded_batches(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    snprintf(config, sizeof config, "{\"conninfo\": \"%s\", \"batch_rows\": 500}",
             postgres_conninfo(pg));
    wt_host *h = driver_live(d, config);

    wt_uuid run = driver_start_run(d);
    add_wallets(d, run, 0, 30000);
    driver_end_run(d, run, WT_RUN_COMPLETED, NULL);
    driver_await_acks(h);

    then_query(pg, "SELECT new_wallets FROM walltrack.discovery_runs", "30000");
    assert_true(driver_figure(h, "batches", NULL) >= 15); /* none above four times batch_rows */
    assert_true(driver_figure(h, "acked_events", NULL) == 30002);
    driver_free(d);
}

static void test_a_schema_may_have_any_name(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    snprintf(config, sizeof config, "{\"conninfo\": \"%s\", \"schema\": \"O'Hara \\\"Ltd\\\"\"}",
             postgres_conninfo(pg));
    wt_host *h = driver_live(d, config);

    wt_uuid run = driver_start_run(d);
    driver_wallet(d, run, "alice", "mint1", -1, WT_NO_SCORE, NULL);
    driver_end_run(d, run, WT_RUN_COMPLETED, NULL);
    driver_await_acks(h);

    then_query(pg, "SELECT new_wallets FROM \"O'Hara \"\"Ltd\"\"\".discovery_runs", "1");
    assert_non_null(strstr(driver_ask(h, "stats", "{}", NULL), "\"total_runs\": 1"));
    driver_free(d);
}

static void test_a_passing_refusal_is_tried_again(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *h = driver_live(d, config);
    wt_uuid run = driver_start_run(d);
    driver_await_acks(h);
    postgres_query(pg, "CREATE SEQUENCE tries;"
                       "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                       " IF nextval('public.tries') <= 2 THEN RAISE SQLSTATE '40001'; END IF;"
                       " RETURN NEW; END $$;"
                       "CREATE TRIGGER refuse BEFORE INSERT ON walltrack.discovery_run_tokens"
                       " FOR EACH ROW EXECUTE FUNCTION public.refuse()");

    driver_token(d, run, "mint1");
    driver_await_acks(h);

    then_query(pg, "SELECT count(*) FROM walltrack.discovery_run_tokens", "1");
    assert_true(driver_figure(h, "retries", NULL) == 2);
    driver_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_run_is_recorded_with_its_totals),
        cmocka_unit_test(test_new_is_decided_where_the_engine_did_not_say),
        cmocka_unit_test(test_a_poisoned_event_goes_to_the_quarantine_and_the_stream_goes_on),
        cmocka_unit_test(test_events_of_a_run_that_is_not_there_are_quarantined),
        cmocka_unit_test(test_a_backlog_is_recorded_once_in_bounded_batches),
        cmocka_unit_test(test_a_schema_may_have_any_name),
        cmocka_unit_test(test_a_passing_refusal_is_tried_again),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
