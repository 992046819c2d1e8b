/* Runs carry the builds that recorded them, and builds of two schemas take turns. */
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

static const char builds_of_runs[] =
    "SELECT build, array_to_string(builds, ',') FROM walltrack.discovery_runs ORDER BY id";

static struct driver *given_recorder(struct postgres *pg)
{
    postgres_fresh_database(pg);
    snprintf(config, sizeof config, "{\"conninfo\": \"%s\"}", postgres_conninfo(pg));
    return driver_new(TEST_RECORDER);
}

/* A fresh instance of a build with that label, in the place of `old`, which may be NULL. */
static wt_host *swap(struct driver *d, wt_host *old, const char *path, const char *label)
{
    driver_use(d, path, label);
    wt_host *h = driver_open(d, config);
    if (old != NULL)
        driver_close(old, WT_CLOSE_DRAIN);
    driver_claim(h);
    const char *message;
    if (driver_failed(h, NULL, &message))
        fail_msg("%s", message);
    driver_feed(h, true);
    return h;
}

static void when_found(struct driver *d, wt_host *h, wt_uuid run, const char *wallet)
{
    driver_wallet(d, run, wallet, "mint1", 1, WT_NO_SCORE, NULL);
    driver_await_acks(h);
}

static void then_answered(wt_host *h, wt_uuid run, const char *builds)
{
    char id[37], args[64];
    wt_uuid_text(&run, id);
    snprintf(args, sizeof args, "{\"run_id\": \"%s\"}", id);
    if (strstr(driver_ask(h, "run", args, NULL), builds) == NULL)
        fail_msg("no %s in %s", builds, driver_ask(h, "run", args, NULL));
    if (strstr(driver_ask(h, "runs", "{}", NULL), builds) == NULL)
        fail_msg("no %s in %s", builds, driver_ask(h, "runs", "{}", NULL));
}

static void test_a_run_names_every_build_that_recorded_some_of_it(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *h = swap(d, NULL, TEST_RECORDER, "one's");
    wt_uuid whole = driver_start_run(d), both = driver_start_run(d), last = driver_start_run(d);
    driver_end_run(d, whole, WT_RUN_COMPLETED, NULL);
    when_found(d, h, both, "alice");

    h = swap(d, h, TEST_RECORDER, "two");
    when_found(d, h, both, "bob");
    when_found(d, h, both, "carol");
    h = swap(d, h, TEST_RECORDER, "three"); /* records no event of any run */
    driver_slot(d, "default", WT_SLOT_PAUSED);
    driver_await_acks(h);
    h = swap(d, h, TEST_RECORDER, "four");
    when_found(d, h, both, "dave");
    h = swap(d, h, TEST_RECORDER, "four"); /* opened again */
    driver_end_run(d, last, WT_RUN_COMPLETED, NULL);
    driver_end_run(d, both, WT_RUN_COMPLETED, NULL);
    driver_await_acks(h);

    then_query(pg, builds_of_runs, "one's|one's\none's|one's,two,four\none's|one's,four");
    then_query(pg, "SELECT sum(new_wallets) FROM walltrack.discovery_runs", "4");
    then_answered(h, whole, "\"builds\" : [\"one's\"]");
    then_answered(h, both, "\"builds\" : [\"one's\",\"two\",\"four\"]");
    driver_free(d);
}

static void test_a_batch_that_is_refused_and_halved_names_its_build_once(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *h = swap(d, NULL, TEST_RECORDER, "one");
    wt_uuid run = driver_start_run(d);
    when_found(d, h, run, "alice");

    h = swap(d, h, TEST_RECORDER, "two");
    driver_feed(h, false);
    for (int i = 0; i < 40; i++)
        driver_wallet(d, run,
                      i % 20 == 0 ? "an address of far more than forty-four characters" : "bob",
                      "mint1", 1, WT_NO_SCORE, NULL);
    driver_feed(h, true);
    driver_await_acks(h);

    then_query(pg, builds_of_runs, "one|one,two");
    then_query(pg, "SELECT count(*) FROM walltrack.recorder_quarantine", "2");
    driver_free(d);
}

static void test_runs_of_another_stream_do_not_get_the_build(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *h = swap(d, NULL, TEST_RECORDER, "one");
    wt_uuid run = driver_start_run(d);
    driver_await_acks(h);

    struct driver *other = driver_new(TEST_RECORDER);
    for (int i = 0; i < 1000; i++) /* so that its journal has another id, and its runs too */
        driver_uuid(other);
    driver_replace_journal(other);
    char second[1024];
    snprintf(second, sizeof second, "{\"conninfo\": \"%s\", \"stream\": \"second\"}",
             postgres_conninfo(pg));
    wt_host *o = driver_live(other, second);
    driver_end_run(other, driver_start_run(other), WT_RUN_COMPLETED, NULL);
    driver_await_acks(o);
    driver_end_run(d, run, WT_RUN_COMPLETED, NULL);
    driver_await_acks(h);

    then_query(pg, builds_of_runs, "one|one\nrecorder test|recorder test");
    driver_free(other);
    driver_free(d);
}

static void test_many_swaps_in_a_run_do_not_make_an_endless_list(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *h = swap(d, NULL, TEST_RECORDER, "one");
    wt_uuid run = driver_start_run(d);
    driver_await_acks(h);

    for (int i = 0; i < 70; i++) {
        h = swap(d, h, TEST_RECORDER, i % 2 == 0 ? "two" : "one");
        when_found(d, h, run, "alice");
    }
    h = swap(d, h, TEST_RECORDER, "three");
    when_found(d, h, run, "alice");

    then_query(pg,
               "SELECT cardinality(builds), builds[1:3], builds[65] FROM walltrack.discovery_runs",
               "65|{one,two,one}|three");
    driver_free(d);
}

static void test_a_build_of_the_schema_before_takes_over_and_gives_back(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *h = swap(d, NULL, TEST_RECORDER_1, "old");
    wt_uuid run = driver_start_run(d);
    when_found(d, h, run, "alice");
    then_query(pg, "SELECT max(version) FROM walltrack.schema_migrations", "1");
    then_query(pg,
               "SELECT count(*) FROM information_schema.columns WHERE table_name ="
               " 'discovery_runs' AND column_name = 'builds'",
               "0");

    h = swap(d, h, TEST_RECORDER, "new");
    assert_int_equal(driver_prepared(h)->schema_found, 1);
    when_found(d, h, run, "bob");
    then_query(pg, builds_of_runs, "old|old,new");
    h = swap(d, h, TEST_RECORDER_1, "old"); /* rolled back */
    assert_int_equal(driver_prepared(h)->schema_found, 3);
    wt_uuid second = driver_start_run(d);
    when_found(d, h, run, "carol");
    h = swap(d, h, TEST_RECORDER, "newer");
    when_found(d, h, run, "dave");
    driver_end_run(d, run, WT_RUN_COMPLETED, NULL);
    driver_await_acks(h);

    then_query(pg, builds_of_runs, "old|old,new,newer\nold|");
    then_answered(h, second, "\"builds\" : [\"old\"]");
    then_query(pg, "SELECT new_wallets FROM walltrack.discovery_runs WHERE status = 'completed'",
               "4");
    then_query(pg,
               "SELECT string_agg(concat_ws(',', version, oldest_writer, build), ' ' ORDER BY"
               " version) FROM walltrack.schema_migrations",
               "1,1,old 2,1,new 3,1,new");
    then_query(pg, "SELECT epoch, seq FROM walltrack.recorder_cursor", "4|7");
    driver_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_run_names_every_build_that_recorded_some_of_it),
        cmocka_unit_test(test_a_batch_that_is_refused_and_halved_names_its_build_once),
        cmocka_unit_test(test_runs_of_another_stream_do_not_get_the_build),
        cmocka_unit_test(test_many_swaps_in_a_run_do_not_make_an_endless_list),
        cmocka_unit_test(test_a_build_of_the_schema_before_takes_over_and_gives_back),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
