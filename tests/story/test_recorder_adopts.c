/* A database that the program before has filled goes on being used, without losing a row. */
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

static const char predecessor[] =
    "CREATE TABLE discovery_runs (id UUID PRIMARY KEY DEFAULT gen_random_uuid(),"
    " started_at TIMESTAMPTZ NOT NULL, completed_at TIMESTAMPTZ,"
    " status VARCHAR(20) NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'completed',"
    " 'failed')), trigger_type VARCHAR(20) NOT NULL, triggered_by VARCHAR(100),"
    " min_price_change_pct DECIMAL(5,2), min_volume_usd DECIMAL(15,2), max_token_age_hours BIGINT,"
    " early_window_minutes INTEGER, min_profit_pct DECIMAL(5,2), max_tokens INTEGER,"
    " tokens_analyzed INTEGER DEFAULT 0, new_wallets INTEGER DEFAULT 0,"
    " updated_wallets INTEGER DEFAULT 0, profiled_wallets INTEGER DEFAULT 0,"
    " duration_seconds DOUBLE PRECISION, errors JSONB DEFAULT '[]',"
    " created_at TIMESTAMPTZ DEFAULT NOW());"
    "CREATE TABLE discovery_run_wallets (id UUID PRIMARY KEY DEFAULT gen_random_uuid(),"
    " run_id UUID NOT NULL REFERENCES discovery_runs (id), wallet_address VARCHAR(44) NOT NULL,"
    " source_token VARCHAR(44) NOT NULL, is_new BOOLEAN DEFAULT TRUE, initial_score DECIMAL(5,4),"
    " created_at TIMESTAMPTZ DEFAULT NOW());"
    "CREATE INDEX idx_wallets ON discovery_run_wallets (wallet_address);"
    "INSERT INTO discovery_runs (id, started_at, status, trigger_type, min_price_change_pct,"
    " duration_seconds, new_wallets, errors) VALUES"
    " ('00000000-0000-4000-8000-000000000001', '2025-01-02 03:04:05Z', 'completed', 'scheduled',"
    " 999.99, 12.5, 3, '[\"timeout\"]'),"
    " ('00000000-0000-4000-8000-000000000002', '2025-01-03 03:04:05Z', 'odd', 'cron', 1, NULL, 0,"
    " '[]');"
    "INSERT INTO discovery_run_wallets (run_id, wallet_address, source_token)"
    " SELECT '00000000-0000-4000-8000-000000000001', 'old' || n, 'mint0'"
    " FROM generate_series(1, 3) n";

static struct driver *given_database_of_the_predecessor(struct postgres *pg)
{
    char sql[4096];
    postgres_fresh_database(pg);
    /* Its check would refuse the odd row: that one is older than the check. */
    snprintf(sql, sizeof sql, "%s", predecessor);
    char *check = strstr(sql, " CHECK (status IN ('running', 'completed', 'failed'))");
    memset(check, ' ', strlen(" CHECK (status IN ('running', 'completed', 'failed'))"));
    postgres_query(pg, sql);
    postgres_query(pg, "ALTER TABLE discovery_runs ADD CHECK (status IN ('running', 'completed',"
                       " 'failed')) NOT VALID");
    snprintf(config, sizeof config, "{\"conninfo\": \"%s\", \"schema\": \"public\"}",
             postgres_conninfo(pg));
    return driver_new(TEST_RECORDER);
}

static void test_rows_stay_and_new_ones_fit(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_database_of_the_predecessor(pg);
    wt_host *h = driver_live(d, config);

    wt_run_start start = {.trigger = WT_TRIGGER_MANUAL, .slot_at_us = WT_NO_TIME};
    start.params.value[WT_PARAM_MIN_PRICE_CHANGE_PCT] = 10000000; /* 100,000 % */
    start.params.value[WT_PARAM_MAX_TOKEN_AGE_HOURS] = 8760;
    wt_uuid run = driver_start_run_with(d, &start);
    driver_wallet(d, run, "old2", "mint1", -1, 10000, "{}");
    driver_wallet(d, run, "fresh", "mint1", -1, 10000, "{}");
    driver_end_run(d, run, WT_RUN_CANCELLED, "by the operator");
    driver_await_acks(h);

    then_query(pg, "SELECT count(*) FROM recorder_quarantine", "0");
    then_query(pg,
               "SELECT string_agg(concat_ws(',', status, trigger_type, min_price_change_pct,"
               " max_token_age_hours, new_wallets, updated_wallets), ' ' ORDER BY started_at)"
               " FROM discovery_runs",
               "completed,scheduled,999.99,3,0 odd,cron,1.00,0,0"
               " cancelled,manual,100000.00,8760,1,1");
    then_query(pg, "SELECT count(*) FROM discovery_run_wallets", "5");
    then_query(pg, "SELECT count(*) FROM pg_indexes WHERE indexdef LIKE '%wallet_address%'", "1");
    driver_free(d);
}

static void test_old_runs_can_be_asked_for_and_deleted(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_database_of_the_predecessor(pg);
    wt_host *h = driver_live(d, config);

    const char *run =
        driver_ask(h, "run", "{\"run_id\": \"00000000-0000-4000-8000-000000000001\"}", NULL);
    assert_non_null(strstr(run, "\"message\" : \"timeout\""));
    assert_non_null(strstr(run, "\"error_count\" : 1"));
    assert_non_null(strstr(run, "\"duration_seconds\" : 12.5"));
    assert_non_null(strstr(run, "\"builds\" : []"));
    postgres_query(pg, "DELETE FROM discovery_runs WHERE status = 'completed'");

    then_query(pg, "SELECT count(*) FROM discovery_run_wallets", "0");
    driver_free(d);
}

static void test_migrating_twice_changes_nothing(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_database_of_the_predecessor(pg);
    static const char columns[] =
        "SELECT md5(string_agg(concat_ws(' ', table_name, column_name, data_type,"
        " numeric_precision, numeric_scale), ',' ORDER BY table_name, column_name))"
        " FROM information_schema.columns WHERE table_schema = 'public'";
    char before[64];
    driver_close(driver_live(d, config), WT_CLOSE_DRAIN);
    snprintf(before, sizeof before, "%s", postgres_query(pg, columns));
    postgres_query(pg, "DELETE FROM schema_migrations");

    driver_live(d, config);

    then_query(pg, columns, before);
    then_query(pg, "SELECT version, name, length(checksum), build FROM schema_migrations",
               "1|base|64|recorder test\n2|run_builds|64|recorder test\n"
               "3|figures|64|recorder test");
    driver_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_stay_and_new_ones_fit),
        cmocka_unit_test(test_old_runs_can_be_asked_for_and_deleted),
        cmocka_unit_test(test_migrating_twice_changes_nothing),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
