/* The six parameters: ranges, decimals, words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "params.h"

static const struct {
    int index;
    const char *text;
    int64_t steps;
    const char *message; /* NULL: accepted */
} cases[] = {
    {WT_PARAM_MIN_PRICE_CHANGE_PCT, "100", 10000, NULL},
    {WT_PARAM_MIN_PRICE_CHANGE_PCT, "12.5", 1250, NULL},
    {WT_PARAM_MIN_PRICE_CHANGE_PCT, "0.01", 1, NULL},
    {WT_PARAM_MIN_PRICE_CHANGE_PCT, "99999.99", 9999999, NULL},
    {WT_PARAM_MIN_PRICE_CHANGE_PCT, "100000", 10000000, NULL},
    {WT_PARAM_MIN_PRICE_CHANGE_PCT, "0", 0, NULL},
    {WT_PARAM_MIN_VOLUME_USD, "1e12", INT64_C(100000000000000), NULL},
    {WT_PARAM_MIN_VOLUME_USD, "999999999999.99", INT64_C(99999999999999), NULL},
    {WT_PARAM_MAX_TOKENS, "10000", 10000, NULL},
    {WT_PARAM_MAX_TOKENS, "20.0", 20, NULL},
    {WT_PARAM_MIN_PRICE_CHANGE_PCT, "100000.01", 0,
     "min_price_change_pct: 100000.01 is outside 0..100000"},
    {WT_PARAM_MIN_PRICE_CHANGE_PCT, "-0.01", 0, "min_price_change_pct: -0.01 is outside 0..100000"},
    {WT_PARAM_MIN_PROFIT_PCT, "0.001", 0, "min_profit_pct: 0.001 has more than two decimals"},
    {WT_PARAM_MIN_VOLUME_USD, "1e300", 0, "min_volume_usd: 1e+300 is outside 0..1000000000000"},
    {WT_PARAM_MAX_TOKENS, "0", 0, "max_tokens: 0 is outside 1..10000"},
    {WT_PARAM_MAX_TOKENS, "1.5", 0, "max_tokens: 1.5 is not a whole number"},
    {WT_PARAM_MAX_TOKEN_AGE_HOURS, "8761", 0, "max_token_age_hours: 8761 is outside 1..8760"},
};

static void test_values_as_json(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wt_params p = {{-1, -1, -1, -1, -1, -1}};
        struct error err = {0};
        json_t *value = json_loads(cases[i].text, JSON_DECODE_ANY, NULL);
        assert_non_null(value);
        int status = params_set_json(&p, cases[i].index, value, &err);
        json_decref(value);
        assert_int_equal(status, cases[i].message != NULL ? -1 : 0);
        assert_string_equal(err.msg, cases[i].message != NULL ? cases[i].message : "");
        assert_int_equal(p.value[cases[i].index], cases[i].message != NULL ? -1 : cases[i].steps);
    }
}

static void test_values_as_text(void **state)
{
    (void)state;
    static const char *const bad[] = {"",    " 1",  "1 ", "abc", "0x10",
                                      "nan", "inf", "1e", "1,5", "--1"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wt_params p = {{-1, -1, -1, -1, -1, -1}};
        int status = params_set_text(&p, cases[i].index, cases[i].text, NULL);
        assert_int_equal(status, cases[i].message != NULL ? -1 : 0);
        assert_int_equal(p.value[cases[i].index], cases[i].message != NULL ? -1 : cases[i].steps);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wt_params p = {{0}};
        struct error err;
        if (params_set_text(&p, WT_PARAM_MAX_TOKENS, bad[i], &err) == 0)
            fail_msg("accepted: '%s'", bad[i]);
        assert_non_null(strstr(err.msg, "is not a number"));
    }
}

static void test_other_json_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"\"20\"", "true", "null", "[]", "{}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wt_params p = {{0}};
        struct error err;
        json_t *value = json_loads(bad[i], JSON_DECODE_ANY, NULL);
        assert_int_equal(params_set_json(&p, WT_PARAM_MAX_TOKENS, value, &err), -1);
        assert_non_null(strstr(err.msg, bad[i]));
        json_decref(value);
    }
}

static void test_values_print_as_they_were_written(void **state)
{
    (void)state;
    char text[PARAM_TEXT_SIZE];
    assert_string_equal(params_text(WT_PARAM_MIN_PROFIT_PCT, 0, text), "0");
    assert_string_equal(params_text(WT_PARAM_MIN_PROFIT_PCT, 1, text), "0.01");
    assert_string_equal(params_text(WT_PARAM_MIN_PROFIT_PCT, 1250, text), "12.5");
    assert_string_equal(params_text(WT_PARAM_MIN_PROFIT_PCT, 10000, text), "100");
    assert_string_equal(params_text(WT_PARAM_MAX_TOKENS, 100, text), "100");
}

static void test_json_of_all_comes_back(void **state)
{
    (void)state;
    wt_params p, back = {{0}};
    params_default(&p);
    p.value[WT_PARAM_MIN_VOLUME_USD] = INT64_C(99999999999999);
    p.value[WT_PARAM_MIN_PROFIT_PCT] = 1;
    json_t *object = params_json(&p);
    char *text = json_dumps(object, JSON_REAL_PRECISION(15));
    assert_non_null(strstr(text, "999999999999.99"));
    assert_non_null(strstr(text, "\"min_profit_pct\": 0.01"));
    for (int i = 0; i < WT_PARAM_COUNT; i++)
        assert_int_equal(
            params_set_json(&back, i, json_object_get(object, params_table[i].name), NULL), 0);
    assert_memory_equal(&back, &p, sizeof p);
    assert_int_equal(params_find("max_tokens"), WT_PARAM_MAX_TOKENS);
    assert_int_equal(params_find("max_token"), -1);
    free(text);
    json_decref(object);
}

static void test_defaults_are_within_their_ranges(void **state)
{
    (void)state;
    for (int i = 0; i < WT_PARAM_COUNT; i++)
        assert_in_range(params_table[i].def, params_table[i].min, params_table[i].max);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_as_json),
        cmocka_unit_test(test_values_as_text),
        cmocka_unit_test(test_other_json_is_refused),
        cmocka_unit_test(test_values_print_as_they_were_written),
        cmocka_unit_test(test_json_of_all_comes_back),
        cmocka_unit_test(test_defaults_are_within_their_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
