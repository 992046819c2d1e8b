/* links: admin */
/* What clients send, read without a host: targets, bodies, filters, problems. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "admin/filters.h"
#include "admin/forms.h"
#include "admin/periods.h"
#include "admin/problem.h"
#include "admin/target.h"
#include "params.h"

static struct target target;
static struct error problem;

/* ---- targets --------------------------------------------------------------------------- */

static void test_targets_are_taken_apart(void **state)
{
    (void)state;
    assert_int_equal(target_parse("/api/a%2Fb/%C3%A9?x=1+2%2B3&y&z=", &target, &problem), 0);
    assert_int_equal(target.segments, 3);
    assert_string_equal(target.segment[1], "a/b");
    assert_string_equal(target.segment[2], "é");
    assert_string_equal(target_parameter(&target, "x"), "1 2+3");
    assert_string_equal(target_parameter(&target, "y"), "");
    assert_string_equal(target_parameter(&target, "z"), "");
    assert_null(target_parameter(&target, "w"));
    assert_int_equal(target_parse("/", &target, &problem), 0);
    assert_int_equal(target.segments, 0);
    assert_int_equal(target_parse("/a/?", &target, &problem), 0);
    assert_int_equal(target.segments, 1);
}

static void test_wrong_targets_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *uri;
        int code;
    } rows[] = {
        {"", EINVAL},
        {"*", EINVAL},
        {"http://a/", EINVAL},
        {"/%", EINVAL},
        {"/%4", EINVAL},
        {"/%zz", EINVAL},
        {"/a%00b", EINVAL},
        {"/%ff", EINVAL},
        {"/?a=%C3", EINVAL},
        {"/?a=1&a=2", EINVAL},
        {"/?%61=1&a=2", EINVAL},
        {"/1/2/3/4/5/6/7/8/9", EMSGSIZE},
        {"/?a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q&r&s&t&u&v&w&x&y&z&A&B&C&D&E&F&G", EMSGSIZE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(target_parse(rows[i].uri, &target, &problem), -1);
        assert_int_equal(problem.code, rows[i].code);
    }
    char uri[TARGET_MAX + 2];
    memset(uri, 'a', sizeof uri - 1);
    uri[0] = '/';
    uri[sizeof uri - 1] = '\0';
    assert_int_equal(target_parse(uri, &target, &problem), -1);
    assert_int_equal(problem.code, EMSGSIZE);
    uri[TARGET_MAX] = '\0';
    assert_int_equal(target_parse(uri, &target, &problem), 0);
}

/* ---- bodies ---------------------------------------------------------------------------- */

static int parse(const char *text)
{
    json_t *body;
    if (form_parse(text, strlen(text), &body, &problem) != 0)
        return problem.code;
    json_decref(body);
    return 0;
}

static void test_bodies_are_json_objects(void **state)
{
    (void)state;
    assert_int_equal(parse(""), 0);
    assert_int_equal(parse(" {} "), 0);
    assert_int_equal(parse("[]"), EPROTO);
    assert_int_equal(parse("null"), EINVAL); /* not an object or array: not taken as a whole */
    assert_int_equal(parse("{\"a\":1,\"a\":1}"), EINVAL);
    assert_int_equal(parse("{\"a\":\"\\u0000\"}"), EINVAL);
    assert_int_equal(parse("{\"a\":1e400}"), EINVAL);
    assert_int_equal(parse("{\"a\":9223372036854775808}"), EINVAL);
    assert_int_equal(parse("{\"a\":\"\xff\"}"), EINVAL);
    assert_int_equal(parse("{} x"), EINVAL);
}

static void test_depth_is_limited_and_strings_do_not_count(void **state)
{
    (void)state;
    char open[BODY_DEPTH_MAX + 1], shut[BODY_DEPTH_MAX + 1], text[256];
    memset(open, '[', sizeof open);
    memset(shut, ']', sizeof shut);
    snprintf(text, sizeof text, "{\"a\":%.*s%.*s}", BODY_DEPTH_MAX - 1, open, BODY_DEPTH_MAX - 1,
             shut);
    assert_int_equal(parse(text), 0);
    snprintf(text, sizeof text, "{\"a\":%.*s%.*s}", BODY_DEPTH_MAX, open, BODY_DEPTH_MAX, shut);
    assert_int_equal(parse(text), EINVAL);
    assert_non_null(strstr(problem.msg, "nested"));
    snprintf(text, sizeof text, "{\"a\":%.*s%.*s,\"b\":[]}", BODY_DEPTH_MAX, open, BODY_DEPTH_MAX,
             shut);
    assert_int_equal(parse(text), EINVAL);
    assert_int_equal(parse("{\"a\":\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"}"),
                     0);
}

static struct run_form form;
static json_t *errors;

static bool reads(const char *text)
{
    json_t *body;
    json_decref(errors);
    errors = json_array();
    assert_int_equal(form_parse(text, strlen(text), &body, &problem), 0);
    bool good = run_form_read(body, &form, errors);
    json_decref(body);
    return good;
}

static int drop_errors(void **state)
{
    (void)state;
    json_decref(errors);
    errors = NULL;
    return 0;
}

static void test_an_empty_run_request_has_the_defaults(void **state)
{
    (void)state;
    assert_true(reads("{}"));
    for (int i = 0; i < WT_PARAM_COUNT; i++)
        assert_int_equal(form.params.value[i], params_table[i].def);
    assert_true(form.profile_immediately);
    assert_false(form.has_trigger);
    assert_string_equal(form.triggered_by, "");
}

static void test_equal_requests_are_equal_in_memory(void **state)
{
    (void)state;
    struct run_form first;
    assert_true(reads("{\"max_tokens\":3,\"triggered_by\":\"abc\"}"));
    first = form;
    assert_true(reads("{\"triggered_by\":\"a long name\"}"));
    assert_true(reads("{\"triggered_by\":\"abc\", \"max_tokens\":3.0}"));
    assert_memory_equal(&first, &form, sizeof form);
}

static void test_every_parameter_is_checked(void **state)
{
    (void)state;
    for (int i = 0; i < WT_PARAM_COUNT; i++) {
        char text[128], low[PARAM_TEXT_SIZE], high[PARAM_TEXT_SIZE];
        snprintf(text, sizeof text, "{\"%s\":%s}", params_table[i].name,
                 params_text(i, params_table[i].max, high));
        assert_true(reads(text));
        assert_int_equal(form.params.value[i], params_table[i].max);
        snprintf(text, sizeof text, "{\"%s\":%s}", params_table[i].name,
                 params_text(i, params_table[i].min, low));
        assert_true(reads(text));
        snprintf(text, sizeof text, "{\"%s\":-1}", params_table[i].name);
        assert_false(reads(text));
        snprintf(text, sizeof text, "{\"%s\":\"20\"}", params_table[i].name);
        assert_false(reads(text));
        snprintf(text, sizeof text, "{\"%s\":1.001}", params_table[i].name);
        assert_false(reads(text));
        assert_int_equal(json_array_size(errors), 1);
        assert_string_equal(json_string_value(json_object_get(json_array_get(errors, 0), "field")),
                            params_table[i].name);
    }
}

static void test_names_are_printable_and_short(void **state)
{
    (void)state;
    char text[512];
    assert_false(reads("{\"triggered_by\":\"\"}"));
    assert_false(reads("{\"triggered_by\":\"a\\u0007\"}"));
    assert_false(reads("{\"triggered_by\":\"a\\u0085\"}"));
    assert_false(reads("{\"triggered_by\":7}"));
    char name[401] = "";
    for (size_t i = 0; i < 400; i += 4)
        memcpy(name + i, "😀", 5);
    snprintf(text, sizeof text, "{\"triggered_by\":\"%s\"}", name);
    assert_true(reads(text));
    assert_string_equal(form.triggered_by, name);
    snprintf(text, sizeof text, "{\"triggered_by\":\"%sx\"}", name);
    assert_false(reads(text));
}

static struct schedule_change change;

static bool changes(const char *text)
{
    struct schedule_view now = {.every_seconds = 60};
    json_t *body;
    json_decref(errors);
    errors = json_array();
    params_default(&now.params);
    assert_int_equal(form_parse(text, strlen(text), &body, &problem), 0);
    bool good = change_form_read(body, &now, &change, errors);
    json_decref(body);
    return good;
}

static void test_hours_are_whole_seconds(void **state)
{
    (void)state;
    static const struct {
        const char *hours;
        int64_t seconds; /* 0: refused */
    } rows[] = {{"6", 21600},       {"0.5", 1800},  {"0.1", 360}, {"0.0002777777777778", 1},
                {"8784", 31622400}, {"8784.01", 0}, {"0", 0},     {"-1", 0},
                {"0.0001", 0},      {"0.00041", 0}, {"\"6\"", 0}, {"null", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "{\"schedule_hours\":%s}", rows[i].hours);
        assert_int_equal(changes(text), rows[i].seconds != 0);
        assert_int_equal(change.every_seconds, rows[i].seconds);
    }
}

static void test_a_change_keeps_what_it_does_not_name(void **state)
{
    (void)state;
    assert_true(changes("{\"params\":{\"max_tokens\":3}}"));
    assert_true(change.has_params && !change.has_every && !change.has_enabled);
    assert_int_equal(change.params.value[WT_PARAM_MAX_TOKENS], 3);
    assert_int_equal(change.params.value[WT_PARAM_MIN_PROFIT_PCT], 5000);
    assert_false(changes("{\"params\":[],\"next_run_at\":1}"));
    assert_int_equal(json_array_size(errors), 2);
}

/* ---- filters --------------------------------------------------------------------------- */

static json_t *args;

static bool filters(const char *query, parameter_set set)
{
    char uri[512];
    json_decref(errors);
    json_decref(args);
    errors = json_array();
    args = json_object();
    snprintf(uri, sizeof uri, "/x?%s", query);
    assert_int_equal(target_parse(uri, &target, &problem), 0);
    return filters_read(&target, set, args, errors, &problem);
}

static int drop_args(void **state)
{
    json_decref(args);
    args = NULL;
    return drop_errors(state);
}

static void then_args_are(const char *expected)
{
    char *text = json_dumps(args, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, expected);
    free(text);
}

static void test_filters_have_defaults(void **state)
{
    (void)state;
    assert_true(filters("", PARAMETERS_RUNS));
    then_args_are("{\"page\":1,\"page_size\":20}");
    assert_true(filters("", PARAMETERS_FILTER));
    then_args_are("{}");
    assert_true(filters("cursor=abc&page_size=100", PARAMETERS_RUNS));
    then_args_are("{\"cursor\":\"abc\",\"page_size\":100}");
}

static void test_ranges_are_half_open(void **state)
{
    (void)state;
    assert_true(filters("end_date=2026-06-30", PARAMETERS_FILTER));
    then_args_are("{\"end\":\"2026-07-01T00:00:00.000000Z\"}");
    assert_true(filters("start_date=2026-06-30&end_date=2026-06-30&timezone=America/New_York",
                        PARAMETERS_FILTER));
    then_args_are("{\"end\":\"2026-07-01T04:00:00.000000Z\","
                  "\"start\":\"2026-06-30T04:00:00.000000Z\"}");
    assert_false(
        filters("start_date=2026-06-30T00:00Z&end_date=2026-06-30T00:00Z", PARAMETERS_FILTER));
}

static void test_each_wrong_filter_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *query, *field;
    } rows[] = {{"page=0", "page"},
                {"page=1.5", "page"},
                {"page=", "page"},
                {"page=99999999999", "page"},
                {"page_size=101", "page_size"},
                {"page_size=-1", "page_size"},
                {"cursor=", "cursor"},
                {"cursor=a&page=1", "page"},
                {"start_date=yesterday", "start_date"},
                {"end_date=2026-02-30", "end_date"},
                {"timezone=Mars", "timezone"},
                {"schedule=Not+A+Name", "schedule"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_false(filters(rows[i].query, PARAMETERS_RUNS));
        assert_int_equal(json_array_size(errors), 1);
        assert_string_equal(json_string_value(json_object_get(json_array_get(errors, 0), "field")),
                            rows[i].field);
    }
    assert_false(filters("trigger_type=x", PARAMETERS_RUNS));
    assert_string_equal(problem.msg, "Invalid trigger type 'x': one of manual, scheduled, api");
}

/* ---- problems -------------------------------------------------------------------------- */

static void test_a_problem_lists_its_fields(void **state)
{
    (void)state;
    struct error err = {.msg = "max_tokens: 0 is outside 1..10000"};
    json_t *list = json_array();
    problem_add_error(list, "max_tokens", &err);
    problem_add(list, "x", "cut \xc3"); /* half a character */
    char *text = problem_text(422, "two are wrong", list);
    assert_string_equal(text, "{\"status\":422,\"title\":\"Unprocessable Content\","
                              "\"detail\":\"two are wrong\",\"errors\":["
                              "{\"field\":\"max_tokens\",\"message\":\"0 is outside 1..10000\"},"
                              "{\"field\":\"x\",\"message\":\"cut \"}]}");
    free(text);
    json_decref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets_are_taken_apart),
        cmocka_unit_test(test_wrong_targets_are_refused),
        cmocka_unit_test(test_bodies_are_json_objects),
        cmocka_unit_test(test_depth_is_limited_and_strings_do_not_count),
        cmocka_unit_test_teardown(test_an_empty_run_request_has_the_defaults, drop_errors),
        cmocka_unit_test_teardown(test_equal_requests_are_equal_in_memory, drop_errors),
        cmocka_unit_test_teardown(test_every_parameter_is_checked, drop_errors),
        cmocka_unit_test_teardown(test_names_are_printable_and_short, drop_errors),
        cmocka_unit_test_teardown(test_hours_are_whole_seconds, drop_errors),
        cmocka_unit_test_teardown(test_a_change_keeps_what_it_does_not_name, drop_errors),
        cmocka_unit_test_teardown(test_filters_have_defaults, drop_args),
        cmocka_unit_test_teardown(test_ranges_are_half_open, drop_args),
        cmocka_unit_test_teardown(test_each_wrong_filter_is_named, drop_args),
        cmocka_unit_test(test_a_problem_lists_its_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
