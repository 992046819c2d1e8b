/* Questions about a small history that is known by heart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "support/plugin_driver.h"
#include "support/postgres.h"
#include "support/process.h"

enum { DAYS = 24 * 3600 };
static const int64_t now_s = 1782000000; /* 2026-06-21 00:00:00 UTC */
static char config[1024];

static struct driver *given_recorder(struct postgres *pg)
{
    postgres_fresh_database(pg);
    snprintf(config, sizeof config, "{\"conninfo\": \"%s\"}", postgres_conninfo(pg));
    return driver_new(TEST_RECORDER);
}

static json_t *ask(wt_host *h, const char *name, const char *args)
{
    json_error_t error;
    const char *text = driver_ask(h, name, args, NULL);
    json_t *answer = json_loads(text, JSON_DECODE_ANY, &error);
    if (answer == NULL)
        fail_msg("%s: %s in %s", name, error.text, text);
    return answer;
}

/* The member at a path such as "runs.0.params.max_tokens", as compact JSON text. */
static const char *member(const json_t *value, const char *path)
{
    static char text[512];
    char step[64];
    for (const char *p = path; value != NULL && *p != '\0'; p += *p == '.') {
        size_t n = strcspn(p, ".");
        snprintf(step, sizeof step, "%.*s", (int)n, p);
        value = json_is_array(value) ? json_array_get(value, (size_t)strtoul(step, NULL, 10))
                                     : json_object_get(value, step);
        p += n;
    }
    char *dumped = value != NULL ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    snprintf(text, sizeof text, "%s", dumped != NULL ? dumped : "missing");
    free(dumped);
    return text;
}

#define then_member(answer, path, expected) assert_string_equal(member(answer, path), expected)

static wt_uuid run_days_ago(struct driver *d, int days, int status, int wallets)
{
    char address[32];
    driver_set_time(d, (now_s - (int64_t)days * DAYS) * 1000000);
    wt_uuid run = driver_start_run(d);
    for (int i = 0; i < wallets; i++) {
        snprintf(address, sizeof address, "wallet%d", i);
        driver_wallet(d, run, address, "mint1", i > 0, i == 0 ? 8712 : WT_NO_SCORE, NULL);
    }
    if (status != WT_RUN_RUNNING)
        driver_end_run(d, run, status, status == WT_RUN_FAILED ? "exit status 1" : NULL);
    return run;
}

/* Newest first: running (1 day old), completed (2), failed (3), completed (9), cancelled (40). */
static wt_host *given_history(struct driver *d)
{
    wt_host *h = driver_live(d, config);
    run_days_ago(d, 40, WT_RUN_CANCELLED, 0);
    run_days_ago(d, 9, WT_RUN_COMPLETED, 2);
    run_days_ago(d, 3, WT_RUN_FAILED, 1);
    run_days_ago(d, 2, WT_RUN_COMPLETED, 5);
    run_days_ago(d, 1, WT_RUN_RUNNING, 3);
    driver_await_acks(h);
    return h;
}

static void test_an_empty_database_has_answers(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *h = driver_live(d, config);

    json_t *stats = ask(h, "stats", "{\"now\": \"2026-06-21T00:00:00Z\"}");
    then_member(stats, "total_runs", "0");
    then_member(stats, "success_rate", "0");
    then_member(stats, "total_wallets_discovered", "0");
    then_member(stats, "avg_wallets_per_run", "null");
    then_member(stats, "last_run_at", "null");
    then_member(stats, "trend.change.runs", "null");
    json_t *runs = ask(h, "runs", "{\"page_size\": 20, \"page\": 1}");
    then_member(runs, "runs", "[]");
    then_member(runs, "total", "0");
    then_member(runs, "has_more", "false");
    then_member(runs, "next_cursor", "null");
    json_t *run = ask(h, "run", "{\"run_id\": \"00000000-0000-4000-8000-000000000001\"}");
    assert_true(json_is_null(run));
    json_t *wallets =
        ask(h, "run_wallets", "{\"run_id\": \"00000000-0000-4000-8000-000000000001\"}");
    assert_true(json_is_null(wallets));

    json_decref(stats);
    json_decref(runs);
    json_decref(run);
    json_decref(wallets);
    driver_free(d);
}

static void test_statistics_cover_all_runs_of_a_range(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *h = given_history(d);

    json_t *all = ask(h, "stats", "{\"now\": \"2026-06-21T00:00:00Z\"}");
    then_member(all, "total_runs", "5");
    then_member(all, "successful_runs", "2");
    then_member(all, "failed_runs", "1");
    then_member(all, "cancelled_runs", "1");
    then_member(all, "running_runs", "1");
    then_member(all, "success_rate", "0.5");
    then_member(all, "total_wallets_discovered", "5"); /* of the ended: 1 + 0 + 4 */
    then_member(all, "total_wallets_updated", "3");
    then_member(all, "avg_wallets_per_run", "2");
    then_member(all, "avg_duration_seconds", "2.5");
    then_member(all, "last_run_at", "\"2026-06-20T00:00:00.001000Z\"");
    then_member(all, "trend.period", "\"week\"");
    then_member(all, "trend.current.start", "\"2026-06-14T00:00:00.000000Z\"");
    then_member(all, "trend.current.total_runs", "3");
    then_member(all, "trend.previous.total_runs", "1");
    then_member(all, "trend.change.runs", "2");
    then_member(all, "trend.change.success_rate", "-0.5");
    then_member(all, "trend.change.wallets_discovered", "3");
    json_t *range = ask(h, "stats",
                        "{\"start\": \"2026-06-12T00:00:00.001Z\","
                        " \"end\": \"2026-06-19T00:00:00.001Z\"}");
    then_member(range, "total_runs", "2"); /* half-open: the run at its end is not in it */
    then_member(range, "success_rate", "0.5");

    json_decref(all);
    json_decref(range);
    driver_free(d);
}

static void test_pages_by_number_and_by_cursor_show_the_same(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *h = given_history(d);
    char args[256], id[64];

    json_t *first = ask(h, "runs", "{\"page_size\": 2, \"page\": 1}");
    then_member(first, "total", "5");
    then_member(first, "page", "1");
    then_member(first, "has_more", "true");
    then_member(first, "runs.0.status", "\"running\"");
    then_member(first, "runs.0.new_wallets", "2"); /* so far */
    then_member(first, "runs.0.updated_wallets", "1");
    then_member(first, "runs.0.profiled_wallets", "1");
    then_member(first, "runs.0.completed_at", "null");
    then_member(first, "runs.1.status", "\"completed\"");
    then_member(first, "runs.1.params.max_tokens", "20");
    then_member(first, "summary.total_runs", "5");
    json_t *second = ask(h, "runs", "{\"page_size\": 2, \"page\": 2}");
    snprintf(id, sizeof id, "%s", member(second, "runs.0.id"));
    snprintf(args, sizeof args, "{\"page_size\": 2, \"cursor\": %s}", member(first, "next_cursor"));
    json_t *by_cursor = ask(h, "runs", args);
    then_member(by_cursor, "runs.0.id", id);
    then_member(by_cursor, "page", "null");
    snprintf(args, sizeof args, "{\"page_size\": 2, \"cursor\": %s}",
             member(by_cursor, "next_cursor"));
    json_t *last = ask(h, "runs", args);
    then_member(last, "runs.0.status", "\"cancelled\"");
    then_member(last, "runs.1", "missing");
    then_member(last, "has_more", "false");
    json_t *failed = ask(h, "runs", "{\"status\": \"failed\", \"trigger_type\": \"manual\"}");
    then_member(failed, "total", "1");
    then_member(failed, "runs.0.reason", "\"exit status 1\"");

    json_decref(first);
    json_decref(second);
    json_decref(by_cursor);
    json_decref(last);
    json_decref(failed);
    driver_free(d);
}

static void test_a_run_and_what_belongs_to_it(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *h = driver_live(d, config);
    wt_uuid run = driver_start_run(d);
    char id[37], args[256];
    wt_uuid_text(&run, id);
    driver_token(d, run, "mint1");
    driver_wallet(d, run, "alice", "mint1", 1, 0, "{\"buys\": 3}");
    driver_wallet(d, run, "bob", "mint1", 1, WT_NO_SCORE, NULL);
    driver_wallet(d, run, "carol", "mint1", 1, WT_NO_SCORE, NULL);
    for (int i = 0; i < 120; i++)
        driver_error(d, run, "again");
    driver_end_run(d, run, WT_RUN_COMPLETED, NULL);
    driver_await_acks(h);

    snprintf(args, sizeof args, "{\"run_id\": \"%s\"}", id);
    json_t *one = ask(h, "run", args);
    then_member(one, "error_count", "120");
    assert_int_equal(json_array_size(json_object_get(one, "errors")), 100);
    then_member(one, "errors.0.line", "7");
    then_member(one, "errors.0.created_at", "\"2026-06-21T00:00:00.006000Z\"");
    then_member(one, "started_at", "\"2026-06-21T00:00:00.001000Z\"");
    then_member(one, "schedule", "null");
    json_t *tokens = ask(h, "run_tokens", args);
    then_member(tokens, "tokens.0.price_change_pct", "123.5");
    then_member(tokens, "tokens.0.volume_usd", "null");
    json_t *errors = ask(h, "run_errors", args);
    then_member(errors, "has_more", "true");
    snprintf(args, sizeof args, "{\"run_id\": \"%s\", \"page_size\": 2}", id);
    json_t *wallets = ask(h, "run_wallets", args);
    then_member(wallets, "wallets.0.wallet_address", "\"alice\"");
    then_member(wallets, "wallets.0.profile.buys", "3");
    then_member(wallets, "wallets.1.initial_score", "null");
    snprintf(args, sizeof args, "{\"run_id\": \"%s\", \"page_size\": 2, \"cursor\": %s}", id,
             member(wallets, "next_cursor"));
    json_t *rest = ask(h, "run_wallets", args);
    then_member(rest, "wallets.0.wallet_address", "\"carol\"");
    then_member(rest, "has_more", "false");
    then_member(rest, "next_cursor", "null");

    json_decref(one);
    json_decref(tokens);
    json_decref(errors);
    json_decref(wallets);
    json_decref(rest);
    driver_free(d);
}

static void test_wrong_questions_are_refused_by_name(void **state)
{
    static const struct {
        const char *name, *args, *words;
        wt_status status;
    } cases[] = {
        {"weather", "{}", "does not know the question", WT_E_UNSUPPORTED},
        {"end_runs", "{}", "does not know the question", WT_E_UNSUPPORTED},
        {"runs", "{\"cursor\": \"17_nothing\"}", "cursor: ", WT_E_ARGUMENT},
        {"runs", "{\"page_size\": 101}", "page_size: \"101\"", WT_E_ARGUMENT},
        {"runs", "{\"page\": 0}", "page: \"0\"", WT_E_ARGUMENT},
        {"runs", "{\"start\": \"soon\"}", "arguments: ", WT_E_ARGUMENT},
        {"run", "{\"run_id\": \"1\"}", "run_id: \"1\"", WT_E_ARGUMENT},
        {"run", "{}", "run_id: ", WT_E_ARGUMENT},
        {"run_wallets", "{\"run_id\": 1.5}", "run_id: ", WT_E_ARGUMENT},
        {"stats", "[]", "not an object", WT_E_ARGUMENT},
    };
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *h = driver_live(d, config);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        wt_status status;
        const char *text = driver_ask(h, cases[i].name, cases[i].args, &status);
        if (status != cases[i].status || strstr(text, cases[i].words) == NULL)
            fail_msg("%s %s: %d %s", cases[i].name, cases[i].args, status, text);
    }
    driver_free(d);
}

static void test_questions_queue_up_to_a_bound_and_can_be_cancelled(void **state)
{
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    wt_host *h = driver_live(d, config);
    int counts[12];

    driver_ask_many(h, "stats", "{}", 70, -1, counts);
    assert_int_equal(counts[WT_OK], 64);
    assert_int_equal(counts[WT_E_AGAIN], 6);
    driver_ask_many(h, "stats", "{}", 5, 0, counts); /* the one that runs */
    assert_int_equal(counts[WT_OK], 4);
    assert_int_equal(counts[WT_E_CANCELLED], 1);
    driver_ask_many(h, "stats", "{}", 5, 3, counts); /* one that waits */
    assert_int_equal(counts[WT_OK], 4);
    assert_int_equal(counts[WT_E_CANCELLED], 1);
    assert_true(driver_figure(h, "questions", NULL) == 80);
    assert_true(driver_figure(h, "questions_failed", NULL) == 8);
    driver_free(d);
}

/* Gives every parameter that a file may have to psql. */
static void run_in_psql(struct postgres *pg, const char *name)
{
    static const char *const variables[] = {"schema=walltrack",
                                            "run_id=01900000-0000-7000-8000-000000000002",
                                            "a=01900000-0000-7000-8000-000000000002",
                                            "b=01900000-0000-7000-8000-000000000002",
                                            "address=wallet1",
                                            "edges=2026-06-01T00:00:00Z,2026-06-08T00:00:00Z",
                                            "side=",
                                            "start=",
                                            "end=",
                                            "status=",
                                            "trigger_type=",
                                            "schedule=",
                                            "triggered_by=",
                                            "has_errors=",
                                            "wallet=",
                                            "min_price_change_pct_min=",
                                            "min_price_change_pct_max=",
                                            "min_volume_usd_min=",
                                            "min_volume_usd_max=",
                                            "max_token_age_hours_min=",
                                            "max_token_age_hours_max=",
                                            "early_window_minutes_min=",
                                            "early_window_minutes_max=",
                                            "min_profit_pct_min=",
                                            "min_profit_pct_max=",
                                            "max_tokens_min=",
                                            "max_tokens_max=",
                                            "duration_min=",
                                            "duration_max=",
                                            "page_size=20",
                                            "page=",
                                            "cursor=",
                                            "now="};
    enum { VARIABLES = sizeof variables / sizeof variables[0] };
    const char *argv[2 * VARIABLES + 12];
    char file[256];
    size_t n = 0;
    snprintf(file, sizeof file, TEST_SOURCE_DIR "/plugin/sql/%s.sql", name);
    argv[n++] = process_postgres_program("psql");
    argv[n++] = postgres_conninfo(pg);
    argv[n++] = "-Xqo";
    argv[n++] = "/dev/null";
    argv[n++] = "-vON_ERROR_STOP=1";
    for (size_t i = 0; i < VARIABLES; i++) {
        argv[n++] = "-v";
        argv[n++] = variables[i];
    }
    argv[n++] = "-f";
    argv[n++] = file;
    argv[n] = NULL;
    if (process_run(argv, &(struct process_options){0}) != 0)
        fail_msg("psql -f %s", file);
}

static void test_every_question_runs_in_psql(void **state)
{
    static const char *const names[] = {"runs",   "runs_only",    "stats",      "trend",
                                        "run",    "run_wallets",  "run_tokens", "run_errors",
                                        "wallet", "wallets_only", "compare"};
    struct postgres *pg = *state;
    struct driver *d = given_recorder(pg);
    given_history(d);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        run_in_psql(pg, names[i]);
    driver_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_empty_database_has_answers),
        cmocka_unit_test(test_statistics_cover_all_runs_of_a_range),
        cmocka_unit_test(test_pages_by_number_and_by_cursor_show_the_same),
        cmocka_unit_test(test_a_run_and_what_belongs_to_it),
        cmocka_unit_test(test_wrong_questions_are_refused_by_name),
        cmocka_unit_test(test_every_question_runs_in_psql),
        cmocka_unit_test(test_questions_queue_up_to_a_bound_and_can_be_cancelled),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
