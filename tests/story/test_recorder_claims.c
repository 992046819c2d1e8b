/* Taking a stream over: fences, gaps, other journals, migrations, settings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/plugin_driver.h"
#include "support/postgres.h"
#include "support/process.h"

static char config[1024];

static void configure(struct postgres *pg, const char *more)
{
    snprintf(config, sizeof config, "{\"conninfo\": \"%s\"%s}", postgres_conninfo(pg), more);
}

static struct driver *given_recorder(struct postgres *pg)
{
    postgres_fresh_database(pg);
    configure(pg, "");
    return driver_new(TEST_RECORDER);
}

/* The instance could not be opened or claimed, for that reason. */
static void then_refused(struct driver *d, wt_host *h, wt_status expected, const char *words)
{
    wt_status status;
    const char *message;
    if (!driver_failed(h, NULL, NULL))
        driver_claim(h);
    assert_true(driver_failed(h, &status, &message));
    if (status != expected || strstr(message, words) == NULL)
        fail_msg("failed with %d: %s", status, message);
    driver_close(h, WT_CLOSE_ABORT);
    driver_free(d);
}

static void given_recorded_run(struct driver *d)
{
    wt_host *h = driver_live(d, config);
    wt_uuid run = driver_start_run(d);
    driver_token(d, run, "mint1");
    driver_end_run(d, run, WT_RUN_COMPLETED, NULL);
    driver_await_acks(h);
    driver_close(h, WT_CLOSE_DRAIN);
}

static void test_open_writes_nothing_and_says_what_it_found(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);

    wt_host *h = driver_open(d, config);

    assert_false(driver_failed(h, NULL, NULL));
    assert_int_equal(driver_prepared(h)->schema_found, 0);
    assert_true(driver_prepared(h)->server_version >= 150000);
    assert_true(driver_prepared(h)->backend_pid > 0);
    then_query(pg, "SELECT to_regnamespace('walltrack') IS NULL", "t");
    driver_free(d);
}

static void test_a_probe_needs_no_server(void **state)
{
    struct driver *d = driver_new(TEST_RECORDER);
    (void)state;

    wt_host *h = driver_open_probe(d, "{\"conninfo\": \"host=/nowhere\"}");

    assert_false(driver_failed(h, NULL, NULL));
    assert_int_equal(driver_prepared(h)->server_version, 0);
    driver_free(d);
}

static void test_the_next_instance_goes_on_from_the_cursor(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    given_recorded_run(d);

    wt_host *h = driver_live(d, config);

    assert_int_equal(driver_cursor(h), 3);
    then_query(pg, "SELECT epoch FROM walltrack.recorder_cursor", "2");
    assert_int_equal(driver_prepared(h)->schema_found, 3);
    driver_free(d);
}

static void test_the_instance_before_is_fenced(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *first = driver_live(d, config);
    wt_uuid run = driver_start_run(d);
    driver_await_acks(first);
    driver_feed(first, false);

    wt_host *second = driver_live(d, config);
    driver_feed(second, false);
    for (int i = 0; i < 100; i++)
        driver_wallet(d, run, "alice", "mint1", 1, WT_NO_SCORE, NULL);
    driver_feed(first, true);
    driver_await_failure(first, WT_E_FENCED);
    assert_true(driver_figure(first, "fenced", NULL) == 1);
    driver_feed(second, true);
    driver_await_acks(second);

    then_query(pg, "SELECT count(*), count(DISTINCT id) FROM walltrack.discovery_run_wallets",
               "100|100");
    driver_free(d);
}

static void test_events_that_are_gone_leave_an_exact_gap(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    given_recorded_run(d); /* events 1 to 3 */
    wt_uuid lost = driver_start_run(d);
    driver_token(d, lost, "mint1");
    driver_trim(d, 6);
    wt_uuid run = driver_start_run(d); /* event 6 */

    wt_host *h = driver_live(d, config);
    driver_end_run(d, run, WT_RUN_COMPLETED, NULL);
    driver_await_acks(h);

    assert_int_equal(driver_cursor(h), 5);
    then_query(pg, "SELECT stream, first, last FROM walltrack.recorder_gaps", "default|4|5");
    then_query(pg, "SELECT count(*) FROM walltrack.discovery_runs", "2");
    assert_true(driver_figure(h, "gap_events", NULL) == 2);
    assert_true(driver_logged(h, "events 4..5 were gone"));
    driver_free(d);
}

static void test_another_journal_is_refused(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    given_recorded_run(d);
    driver_replace_journal(d);
    for (int i = 0; i < 5; i++) /* so that the cursor is within it */
        driver_start_run(d);

    then_refused(d, driver_open(d, config), WT_E_CONFIG, "belongs to another journal");
    then_query(pg, "SELECT seq, epoch FROM walltrack.recorder_cursor", "3|1");
}

static void test_a_journal_under_another_stream_name_is_refused(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    given_recorded_run(d);
    configure(pg, ", \"stream\": \"second\"");

    then_refused(d, driver_open(d, config), WT_E_CONFIG, "under another stream name");
}

static void test_a_cursor_beyond_the_journal_is_refused(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    given_recorded_run(d);
    postgres_query(pg, "UPDATE walltrack.recorder_cursor SET seq = 10");

    then_refused(d, driver_open(d, config), WT_E_CONFIG, "recorded up to event 10");
}

static void test_a_cursor_that_went_back_is_followed(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    given_recorded_run(d);
    postgres_query(pg, "UPDATE walltrack.recorder_cursor SET seq = 0;"
                       "DELETE FROM walltrack.discovery_runs");

    wt_host *h = driver_live(d, config);
    driver_await_acks(h);

    then_query(pg, "SELECT status, tokens_analyzed FROM walltrack.discovery_runs", "completed|1");
    driver_free(d);
}

static void test_a_held_row_is_taken_from_our_own_dead_backend(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *first = driver_live(d, config);
    wt_uuid run = driver_start_run(d);
    driver_await_acks(first);
    /* Its next batch stands still inside its transaction, like one whose host has vanished. */
    postgres_query(pg, "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                       " PERFORM pg_sleep(20); RETURN NEW; END $$;"
                       "CREATE TRIGGER wait BEFORE INSERT ON walltrack.discovery_run_tokens"
                       " FOR EACH ROW EXECUTE FUNCTION public.wait()");
    driver_token(d, run, "mint1");
    while (driver_figure(first, "in_flight_events", NULL) < 1)
        driver_turn(d);
    driver_feed(first, false);

    wt_host *second = driver_open(d, config);
    driver_claim(second);
    assert_true(driver_failed(second, NULL, NULL));
    assert_true(driver_logged(second, "ended it"));
    driver_await_failure(first, WT_E_AGAIN);
    postgres_query(pg, "DROP TRIGGER wait ON walltrack.discovery_run_tokens");
    wt_host *third = driver_live(d, config);
    driver_await_acks(third);

    then_query(pg, "SELECT count(*) FROM walltrack.discovery_run_tokens", "1");
    driver_free(d);
}

static void test_by_hand_means_that_nothing_is_migrated(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    configure(pg, ", \"migrate\": \"manual\"");

    then_refused(d, driver_open(d, config), WT_E_SCHEMA_OLD, "001_base");
    then_query(pg, "SELECT to_regnamespace('walltrack') IS NULL", "t");
}

static void migrate_by_hand(struct postgres *pg, const char *name)
{
    char file[256];
    snprintf(file, sizeof file, TEST_SOURCE_DIR "/migrations/%s.sql", name);
    const char *const argv[] = {process_postgres_program("psql"),
                                postgres_conninfo(pg),
                                "-X",
                                "-q",
                                "-1",
                                "-v",
                                "ON_ERROR_STOP=1",
                                "-v",
                                "schema=walltrack",
                                "-f",
                                file,
                                NULL};
    assert_int_equal(process_run(argv, &(struct process_options){0}), 0);
}

static void test_a_migration_by_hand_is_enough(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    configure(pg, ", \"migrate\": \"manual\"");
    migrate_by_hand(pg, "001_base");
    then_refused(d, driver_open(d, config), WT_E_SCHEMA_OLD, "002_run_builds");
    migrate_by_hand(pg, "002_run_builds");
    d = driver_new(TEST_RECORDER);
    then_refused(d, driver_open(d, config), WT_E_SCHEMA_OLD, "003_figures");
    migrate_by_hand(pg, "003_figures");

    d = driver_new(TEST_RECORDER);
    given_recorded_run(d);

    then_query(pg, "SELECT status FROM walltrack.discovery_runs", "completed");
    driver_free(d);
}

static void test_a_migration_that_was_changed_is_refused(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    given_recorded_run(d);
    postgres_query(pg, "UPDATE walltrack.schema_migrations SET checksum = '00'");

    then_refused(d, driver_open(d, config), WT_E_CONFIG, "001_base differs");
}

static void test_a_newer_schema_is_refused_unless_it_says_otherwise(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    given_recorded_run(d);
    postgres_query(pg, "INSERT INTO walltrack.schema_migrations (version, name, oldest_writer)"
                       " VALUES (900, 'wider', 1)");
    driver_close(driver_live(d, config), WT_CLOSE_DRAIN);
    postgres_query(pg, "UPDATE walltrack.schema_migrations SET oldest_writer = NULL"
                       " WHERE version = 900");

    then_refused(d, driver_open(d, config), WT_E_SCHEMA_NEW, "version 900");
}

static void test_wrong_settings_name_the_key(void **state)
{
    static const struct {
        const char *config, *words;
    } cases[] = {
        {"{\"colour\": 1}", "colour: unknown key"},
        {"{\"batch_rows\": 0}", "batch_rows: 0 is not a whole number in 1..20000"},
        {"{\"batch_ms\": \"soon\"}", "batch_ms: \"soon\""},
        {"{\"schema\": \"\"}", "schema: not a text of 1 to 63 bytes"},
        {"{\"migrate\": \"never\"}", "migrate: \"never\" is not"},
        {"{\"allow_unsafe_server\": 1}", "allow_unsafe_server: 1 is not true or false"},
        {"{\"conninfo\": \"colour=red\"}", "conninfo: invalid connection option"},
        {"[]", "config: not an object"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct driver *d = driver_new(TEST_RECORDER);
        then_refused(d, driver_open(d, cases[i].config), WT_E_CONFIG, cases[i].words);
    }
}

static void test_a_read_only_server_is_waited_for(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    postgres_query(pg, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET"
                       " default_transaction_read_only = on', current_database()); END $$");

    then_refused(d, driver_open(d, config), WT_E_AGAIN, "takes no writes");
}

static void test_a_server_that_may_lose_commits_is_refused(void **state)
{
    static const char *const settings[] = {"full_page_writes=off", NULL};
    (void)state;
    struct postgres *unsafe = postgres_new(&(struct postgres_options){.settings = settings});
    configure(unsafe, "");
    struct driver *d = driver_new(TEST_RECORDER);
    then_refused(d, driver_open(d, config), WT_E_UNSAFE_DB, "full_page_writes = off");

    configure(unsafe, ", \"allow_unsafe_server\": true");
    d = driver_new(TEST_RECORDER);
    driver_live(d, config);
    driver_free(d);
    postgres_free(unsafe);
}

static void test_every_parameter_fits_its_column(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *h = driver_live(d, config);
    wt_run_start start = {.trigger = WT_TRIGGER_API, .slot_at_us = WT_NO_TIME};
#define SET_MIN(SYMBOL, name, type, min, max, def, unit, text)                                     \
    start.params.value[WT_PARAM_##SYMBOL] = (min);
#define SET_MAX(SYMBOL, name, type, min, max, def, unit, text)                                     \
    start.params.value[WT_PARAM_##SYMBOL] = (max);
#define NAME(SYMBOL, name, type, min, max, def, unit, text) #name " || '|' || "
    WT_PARAMS(SET_MIN)
    driver_end_run(d, driver_start_run_with(d, &start), WT_RUN_COMPLETED, NULL);
    WT_PARAMS(SET_MAX)
    driver_end_run(d, driver_start_run_with(d, &start), WT_RUN_COMPLETED, NULL);
    driver_await_acks(h);

    then_query(pg, "SELECT " WT_PARAMS(NAME) "'' FROM walltrack.discovery_runs ORDER BY id",
               "0.00|0.00|1|1|0.00|1|\n100000.00|1000000000000.00|8760|1440|100000.00|10000|");
    driver_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_writes_nothing_and_says_what_it_found),
        cmocka_unit_test(test_a_probe_needs_no_server),
        cmocka_unit_test(test_the_next_instance_goes_on_from_the_cursor),
        cmocka_unit_test(test_the_instance_before_is_fenced),
        cmocka_unit_test(test_events_that_are_gone_leave_an_exact_gap),
        cmocka_unit_test(test_another_journal_is_refused),
        cmocka_unit_test(test_a_journal_under_another_stream_name_is_refused),
        cmocka_unit_test(test_a_cursor_beyond_the_journal_is_refused),
        cmocka_unit_test(test_a_cursor_that_went_back_is_followed),
        cmocka_unit_test(test_a_held_row_is_taken_from_our_own_dead_backend),
        cmocka_unit_test(test_by_hand_means_that_nothing_is_migrated),
        cmocka_unit_test(test_a_migration_by_hand_is_enough),
        cmocka_unit_test(test_a_migration_that_was_changed_is_refused),
        cmocka_unit_test(test_a_newer_schema_is_refused_unless_it_says_otherwise),
        cmocka_unit_test(test_wrong_settings_name_the_key),
        cmocka_unit_test(test_a_read_only_server_is_waited_for),
        cmocka_unit_test(test_a_server_that_may_lose_commits_is_refused),
        cmocka_unit_test(test_every_parameter_fits_its_column),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
