/* The line that starts a run: what is taken, and what is said about the rest. */
/* links: engine_tape */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "params.h"
#include "request.h"

static int parse(const char *text, struct request *out, struct error *err)
{
    return request_parse(text, strlen(text), out, err);
}

static void test_a_full_request_is_taken(void **state)
{
    (void)state;
    struct request r;
    struct error err;
    assert_int_equal(
        parse("{\"protocol\":1,\"run_id\":\"x\",\"trigger_type\":\"manual\",\"schedule\":null,"
              "\"params\":{\"min_price_change_pct\":20.25,\"min_volume_usd\":1000,"
              "\"max_token_age_hours\":24,\"early_window_minutes\":10,\"min_profit_pct\":12.5,"
              "\"max_tokens\":5,\"profile_immediately\":false}}",
              &r, &err),
        0);
    static const int64_t expected[WT_PARAM_COUNT] = {2025, 100000, 24, 10, 1250, 5};
    assert_memory_equal(r.params.value, expected, sizeof expected);
    assert_false(r.profile);
}

static void test_what_is_not_named_has_its_default(void **state)
{
    (void)state;
    struct request r;
    struct error err;
    wt_params expected;
    params_default(&expected);
    assert_int_equal(parse("{\"protocol\":1,\"params\":{}}", &r, &err), 0);
    assert_memory_equal(&r.params, &expected, sizeof expected);
    assert_true(r.profile);
}

static const struct bad_case {
    const char *text;
    const char *why;
} bad_cases[] = {
    {"{", "request: "},
    {"[]", "request: an object is needed"},
    {"{\"protocol\":1,\"params\":{}} {}", "end of file expected"},
    {"{}", "protocol: is missing"},
    {"{\"protocol\":2,\"params\":{}}", "protocol: 2 is not 1"},
    {"{\"protocol\":\"1\",\"params\":{}}", "protocol: \"1\" is not 1"},
    {"{\"protocol\":1}", "params: an object is needed"},
    {"{\"protocol\":1,\"params\":[]}", "params: an object is needed"},
    {"{\"protocol\":1,\"params\":{\"max_tokens\":0}}", "max_tokens: 0 is outside 1..10000"},
    {"{\"protocol\":1,\"params\":{\"max_tokens\":\"5\"}}", "max_tokens: \"5\" is not a number"},
    {"{\"protocol\":1,\"params\":{\"min_profit_pct\":1.005}}", "more than two decimals"},
    {"{\"protocol\":1,\"params\":{\"speed\":9}}", "speed: there is no such parameter"},
    {"{\"protocol\":1,\"params\":{\"profile_immediately\":1}}", "neither true nor false"},
    {"{\"protocol\":1,\"protocol\":1,\"params\":{}}", "duplicate"},
};

static void test_a_bad_request_names_field_and_value_and_changes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_cases / sizeof *bad_cases; i++) {
        struct request r, before;
        struct error err;
        memset(&r, 0x5a, sizeof r);
        before = r;
        assert_int_equal(parse(bad_cases[i].text, &r, &err), -1);
        assert_memory_equal(&r, &before, sizeof r);
        if (strstr(err.msg, bad_cases[i].why) == NULL)
            fail_msg("%s: '%s' does not say '%s'", bad_cases[i].text, err.msg, bad_cases[i].why);
    }
}

static int read_text(const char *text, size_t size, struct error *err)
{
    struct request r;
    FILE *in = fmemopen((void *)(uintptr_t)text, size, "r");
    assert_non_null(in);
    int result = request_read(in, &r, err);
    fclose(in);
    return result;
}

static void test_only_the_first_line_is_read(void **state)
{
    (void)state;
    static const char text[] = "{\"protocol\":1,\"params\":{}}\nand more";
    static char endless[REQUEST_LIMIT + 1];
    struct error err;
    assert_int_equal(read_text(text, sizeof text - 1, &err), 0);
    assert_int_equal(read_text("\n", 1, &err), -1);
    assert_non_null(strstr(err.msg, "nothing on stdin"));
    memset(endless, ' ', sizeof endless);
    assert_int_equal(read_text(endless, sizeof endless, &err), -1);
    assert_non_null(strstr(err.msg, "longer than"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_full_request_is_taken),
        cmocka_unit_test(test_what_is_not_named_has_its_default),
        cmocka_unit_test(test_a_bad_request_names_field_and_value_and_changes_nothing),
        cmocka_unit_test(test_only_the_first_line_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
