/* links: admin PkgConfig::curl */
/* Questions across runs, as they reach the plugin: filters, links between pages, wallets, trend,
 * comparison, retention, live progress. */
#include "admin_world.h"

#include "params.h"

static json_t *asked_args(void)
{
    static json_t *args;
    json_decref(args);
    args = json_loads(play.args, 0, NULL);
    return args;
}

static const char *asked_text(const char *name)
{
    const char *text = json_string_value(json_object_get(asked_args(), name));
    return text != NULL ? text : "(absent)";
}

#define A "0190b0a4-1c1d-7000-8000-00000000000a"
#define B "0190b0a4-1c1d-7000-8000-00000000000b"

/* ---- filters --------------------------------------------------------------------------- */

static void test_every_filter_reaches_the_question(void **state)
{
    static const struct {
        const char *query, *argument, *value;
    } rows[] = {
        {"triggered_by=Zo%C3%AB", "triggered_by", "Zoë"},
        {"min_price_change_pct_min=12.50", "min_price_change_pct_min", "12.5"},
        {"min_volume_usd_max=1000000000000", "min_volume_usd_max", "1000000000000"},
        {"min_volume_usd_max=1000000000000.00", "min_volume_usd_max", "1000000000000"},
        {"max_token_age_hours_min=1", "max_token_age_hours_min", "1"},
        {"early_window_minutes_max=1440", "early_window_minutes_max", "1440"},
        {"min_profit_pct_min=0", "min_profit_pct_min", "0"},
        {"max_tokens_min=20&max_tokens_max=20", "max_tokens_max", "20"},
        {"duration_min=0.001", "duration_min", "0.001"},
        {"duration_max=999999999.999", "duration_max", "999999999.999"},
        {"has_errors=false", "has_errors", "false"},
        {"wallet=7xK%2B", "wallet", "7xK+"},
    };
    static const char *const paths[] = {"/api/discovery/runs", "/api/discovery/stats",
                                        "/api/discovery/trend", "/api/discovery/runs.csv",
                                        "/api/discovery/wallets.ndjson"};
    (void)state;
    play.answer = "{\"runs\":[],\"wallets\":[],\"next_cursor\":null}";
    for (size_t p = 0; p < sizeof paths / sizeof paths[0]; p++)
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            char path[256];
            snprintf(path, sizeof path, "%s?%s", paths[p], rows[i].query);
            assert_int_equal(ask("GET", path, NULL), 200);
            assert_string_equal(asked_text(rows[i].argument), rows[i].value);
        }
}

static void test_every_wrong_filter_names_field_value_and_range(void **state)
{
    static const struct {
        const char *query, *field, *words;
    } rows[] = {
        {"max_tokens_min=0", "max_tokens_min", "'0' is not a whole number from 1 to 10000"},
        {"max_tokens_max=10001", "max_tokens_max", "'10001' is not a whole number from 1 to"},
        {"max_tokens_max=1.5", "max_tokens_max", "'1.5' is not a whole number"},
        {"min_profit_pct_min=1.234", "min_profit_pct_min",
         "'1.234' is not a number from 0 to 100000 with at most 2 decimals"},
        {"min_profit_pct_min=-1", "min_profit_pct_min", "'-1' is not a number from 0"},
        {"min_profit_pct_min=1e3", "min_profit_pct_min", "'1e3' is not a number"},
        {"min_profit_pct_min=", "min_profit_pct_min", "'' is not a number"},
        {"min_profit_pct_min=.5", "min_profit_pct_min", "'.5' is not a number"},
        {"min_profit_pct_min=5.", "min_profit_pct_min", "'5.' is not a number"},
        {"min_volume_usd_max=1000000000000.01", "min_volume_usd_max", "to 1000000000000 with"},
        {"min_volume_usd_max=99999999999999999999", "min_volume_usd_max", "is not a number"},
        {"min_profit_pct_min=10&min_profit_pct_max=9.99", "min_profit_pct_max",
         "9.99 is less than min_profit_pct_min 10"},
        {"duration_min=0.0001", "duration_min", "at most 3 decimals"},
        {"duration_min=2&duration_max=1", "duration_max", "1 is less than duration_min 2"},
        {"has_errors=yes", "has_errors", "'yes' is not one of true, false"},
        {"wallet=a+b", "wallet", "'a b' is not an address"},
        {"wallet=", "wallet", "'' is not an address"},
        {"wallet=123456789012345678901234567890123456789012345", "wallet", "of 1 to 44"},
        {"triggered_by=", "triggered_by", "'' is not a name of 1 to 100"},
        {"triggered_by=a%07", "triggered_by", "printable"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char path[256], field[64];
        snprintf(path, sizeof path, "/api/discovery/stats?%s", rows[i].query);
        assert_int_equal(ask("GET", path, NULL), 422);
        snprintf(field, sizeof field, "\"field\":\"%s\"", rows[i].field);
        then_answer_has(field);
        then_answer_has(rows[i].words);
    }
    assert_int_equal(play.questions, 0);
}

/* ---- links ------------------------------------------------------------------------------ */

static void test_pages_lead_to_each_other(void **state)
{
    (void)state;
    play.answer = "{\"runs\":[],\"total\":9,\"next_cursor\":\"17_ab\",\"has_more\":true}";
    assert_int_equal(ask("GET", "/api/discovery/runs?status=failed&triggered_by=a%26b", NULL), 200);
    then_header_is("Link: </api/discovery/runs?status=failed&triggered_by=a%26b&cursor=17_ab>; "
                   "rel=\"next\", </api/discovery/runs?status=failed&triggered_by=a%26b>; "
                   "rel=\"first\"\r\n");
    assert_int_equal(ask("GET", "/api/discovery/runs?cursor=9_a&page_size=5", NULL), 200);
    then_header_is("Link: </api/discovery/runs?page_size=5&cursor=17_ab>; rel=\"next\", "
                   "</api/discovery/runs?page_size=5>; rel=\"first\"\r\n");
    assert_int_equal(ask("GET", "/api/discovery/runs?page=3", NULL), 200);
    then_header_is("Link: </api/discovery/runs?page=4>; rel=\"next\", </api/discovery/runs>; "
                   "rel=\"first\", </api/discovery/runs?page=2>; rel=\"prev\"\r\n");
    play.answer = "{\"runs\":[],\"next_cursor\":null,\"has_more\":false}";
    assert_int_equal(ask("GET", "/api/discovery/runs?page=1", NULL), 200);
    then_header_is("Link: </api/discovery/runs>; rel=\"first\"\r\n");
    assert_int_equal(ask("GET", "/api/discovery/runs/" A "/wallets", NULL), 200);
    then_header_is("Link: </api/discovery/runs/" A "/wallets>; rel=\"first\"\r\n");
}

static void test_long_filters_have_long_links(void **state)
{
    (void)state;
    char path[2048] = "/api/discovery/runs?page=2&triggered_by=", link[2048];
    for (int i = 0; i < 100; i++)
        strcat(path, "%F0%9F%98%80");
    play.answer = "{\"runs\":[],\"next_cursor\":\"c\",\"has_more\":true}";
    assert_int_equal(ask("GET", path, NULL), 200);
    assert_int_equal(strlen(asked_text("triggered_by")), 400);
    snprintf(link, sizeof link, "%s&page=1>; rel=\"prev\"\r\n", strchr(path, '&') + 1);
    then_header_is(link);
}

/* ---- wallets, comparison, retention ------------------------------------------------------ */

static void test_a_wallet(void **state)
{
    (void)state;
    play.answer = "{\"wallet_address\":\"7x/K\",\"next_cursor\":\"c\",\"has_more\":true}";
    assert_int_equal(ask("GET", "/api/discovery/wallets/7x%2FK?page_size=7", NULL), 200);
    assert_string_equal(last.answer, play.answer);
    assert_string_equal(play.asked, "wallet");
    assert_string_equal(asked_text("address"), "7x/K");
    assert_int_equal(json_integer_value(json_object_get(asked_args(), "page_size")), 7);
    then_header_is("</api/discovery/wallets/7x%2FK?page_size=7&cursor=c>; rel=\"next\"");
    play.answer = "null";
    assert_int_equal(ask("GET", "/api/discovery/wallets/7x", NULL), 404);
    then_answer_has("Wallet not found");
    play.asked[0] = '\0';
    assert_int_equal(ask("GET", "/api/discovery/wallets/no%20address", NULL), 404);
    assert_int_equal(ask("GET", "/api/discovery/wallets/7x?page_size=1001", NULL), 422);
    assert_int_equal(ask("GET", "/api/discovery/wallets/7x?status=failed", NULL), 422);
    assert_string_equal(play.asked, "");
}

static void test_two_runs_are_compared(void **state)
{
    (void)state;
    play.answer = "{\"next_cursor\":null}";
    assert_int_equal(
        ask("GET", "/api/discovery/compare?a=" A "&b=0190B0A4-1C1D-7000-8000-00000000000B", NULL),
        200);
    assert_string_equal(play.asked, "compare");
    assert_string_equal(asked_text("a"), A);
    assert_string_equal(asked_text("b"), B);
    assert_string_equal(asked_text("side"), "(absent)");
    assert_int_equal(
        ask("GET", "/api/discovery/compare?a=" A "&b=" B "&side=only_b&cursor=x", NULL), 200);
    assert_string_equal(asked_text("side"), "only_b");
    assert_string_equal(asked_text("cursor"), "x");
    /* A cursor is whatever the plugin says: here an address. */
    play.answer = "{\"next_cursor\":\"a\\\"b\"}";
    assert_int_equal(ask("GET", "/api/discovery/compare?a=" A "&b=" B "&side=both", NULL), 200);
    then_header_is("&side=both&cursor=a%22b>; rel=\"next\"");
    play.answer = "null";
    assert_int_equal(ask("GET", "/api/discovery/compare?a=" A "&b=" B, NULL), 404);
    then_answer_has("Run not found");
    assert_int_equal(ask("GET", "/api/discovery/compare?a=" A, NULL), 422);
    then_answer_has("\"field\":\"b\",\"message\":\"required");
    assert_int_equal(ask("GET", "/api/discovery/compare?a=x&b=" B "&side=left", NULL), 422);
    then_answer_has("'x' is not the id of a run");
    then_answer_has("'left' is not one of only_a, only_b, both");
}

static void test_a_retention_is_tried(void **state)
{
    (void)state;
    assert_int_equal(ask("GET", "/api/discovery/retention?older_than_days=90", NULL), 200);
    assert_string_equal(play.asked, "retention");
    assert_int_equal(json_integer_value(json_object_get(asked_args(), "older_than_days")), 90);
    assert_null(json_object_get(asked_args(), "runs_per_schedule"));
    assert_int_equal(ask("GET", "/api/discovery/retention", NULL), 200); /* as configured */
    assert_null(json_object_get(asked_args(), "older_than_days"));
    assert_int_equal(ask("GET", "/api/discovery/retention?runs_per_schedule=0", NULL), 422);
}

/* ---- the trend -------------------------------------------------------------------------- */

static int commas(const char *text)
{
    int n = 0;
    for (; *text != '\0'; text++)
        n += *text == ',';
    return n;
}

static void test_a_trend_has_its_edges(void **state)
{
    (void)state;
    assert_int_equal(ask("GET", "/api/discovery/trend", NULL), 200);
    assert_string_equal(play.asked, "trend");
    assert_int_equal(commas(asked_text("edges")), 12);
    assert_int_equal(
        ask("GET", "/api/discovery/trend?period=day&count=400&timezone=Asia/Kolkata&status=failed",
            NULL),
        200);
    assert_int_equal(commas(asked_text("edges")), 400);
    assert_string_equal(asked_text("status"), "failed");
    assert_int_equal(strncmp(asked_text("edges") + 10, "T18:30:00.000000Z,", 18), 0);
    assert_non_null(strchr(asked_text("now"), 'Z'));

    assert_int_equal(ask("GET", "/api/discovery/trend?count=401", NULL), 422);
    then_answer_has("'401' is not a whole number from 1 to 400");
    assert_int_equal(ask("GET", "/api/discovery/trend?period=year", NULL), 422);
    then_answer_has("'year' is not one of day, week, month");
    assert_int_equal(ask("GET", "/api/discovery/trend?timezone=Mars", NULL), 422);
    assert_int_equal(ask("GET", "/api/discovery/trend?start_date=2026-06-30", NULL), 422);
    assert_int_equal(ask("GET", "/api/discovery/trend?status=x", NULL), 400);
}

/* ---- progress --------------------------------------------------------------------------- */

static void given_progress(int64_t done, int64_t total)
{
    play.has_view = true;
    id_parse(A, &play.view.id);
    play.view_request = (struct run_request){.slot_at_us = WT_NO_TIME};
    params_default(&play.view_request.params);
    play.view.request = &play.view_request;
    play.view.ended_us = WT_NO_TIME;
    play.view.has_progress = true;
    play.view.progress_done = done;
    play.view.progress_total = total;
}

static double progress(const char *name)
{
    assert_int_equal(ask("GET", "/api/discovery/runs/" A, NULL), 200);
    json_t *run = json_loads(last.answer, 0, NULL);
    const json_t *value = json_object_get(json_object_get(run, "progress"), name);
    assert_non_null(value);
    double number = json_is_null(value) ? -1 : json_number_value(value);
    json_decref(run);
    return number;
}

static void test_progress_has_a_rate_and_an_end(void **state)
{
    (void)state;
    given_progress(50, 200);
    assert_float_equal(progress("percent"), 25, 0);
    assert_float_equal(progress("rate"), -1, 0);
    assert_float_equal(progress("seconds_left"), -1, 0);

    uint64_t now = uv_hrtime() / 1000000;
    pace_note(&play.view.pace, now - 10000, 0);
    pace_note(&play.view.pace, now, 50);
    assert_float_equal(progress("rate"), 5, 0.1);
    assert_float_equal(progress("seconds_left"), 30, 1);
    play.view.progress_total = -1;
    assert_float_equal(progress("seconds_left"), -1, 0);
    play.view.progress_total = 40;
    assert_float_equal(progress("percent"), 100, 0);
    assert_float_equal(progress("seconds_left"), 0, 0);
}

/* ---- the description --------------------------------------------------------------------- */

static void test_every_parameter_is_described(void **state)
{
    (void)state;
    assert_int_equal(ask("GET", "/", NULL), 200);
    then_answer_has("\"name\":\"duration_max\"");
    then_answer_has("\"expected\":\"a number from 0 to 999999999.999 with at most 3 decimals\"");
    assert_int_equal(ask("GET", "/openapi.json", NULL), 200);
    then_answer_has("\"openapi\":\"3.1.0\"");
    then_answer_has("#/components/parameters/min_volume_usd_max");
    json_t *document = json_loads(last.answer, 0, NULL);
    assert_non_null(document);
    json_t *parameters = json_object_get(json_object_get(document, "components"), "parameters");
    for (int i = 0; i < WT_PARAM_COUNT; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s_min", params_table[i].name);
        assert_non_null(json_object_get(parameters, name));
    }
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define STORY(name) cmocka_unit_test_setup_teardown(name, world_start, world_stop)
        STORY(test_every_filter_reaches_the_question),
        STORY(test_every_wrong_filter_names_field_value_and_range),
        STORY(test_pages_lead_to_each_other),
        STORY(test_long_filters_have_long_links),
        STORY(test_a_wallet),
        STORY(test_two_runs_are_compared),
        STORY(test_a_retention_is_tried),
        STORY(test_a_trend_has_its_edges),
        STORY(test_progress_has_a_rate_and_an_end),
        STORY(test_every_parameter_is_described),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
