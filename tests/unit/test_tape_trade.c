/* Rows of a tape: columns by name, quotes, and what makes a row a bad one. */
/* links: engine_tape */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "trade.h"

#define HEADER "time,token,wallet,side,token_amount,usd_amount"
#define TIME "2026-06-28T13:14:45.250Z"
#define A11 "aaaaaaaaaaa"
#define A44 A11 A11 A11 A11

static const struct trade_rules no_rules = {.until_us = INT64_MAX};

static char line[4096]; /* what was cut up last; trades point into it */

static int columns_of(const char *header, const struct trade_rules *rules,
                      struct trade_columns *out, struct error *err)
{
    snprintf(line, sizeof line, "%s", header);
    return trade_columns(line, strlen(line), rules, out, err);
}

static enum trade_result read_under(const char *header, const char *row,
                                    const struct trade_rules *rules, struct trade *out,
                                    struct error *err)
{
    struct trade_columns columns;
    assert_int_equal(columns_of(header, rules, &columns, err), 0);
    snprintf(line, sizeof line, "%s", row);
    return trade_read(line, strlen(line), &columns, rules, out, err);
}

static void then_refused(const char *header, const char *row, const struct trade_rules *rules,
                         const char *why)
{
    struct trade trade;
    struct error err = {0};
    assert_int_equal(read_under(header, row, rules, &trade, &err), TRADE_BAD);
    if (strstr(err.msg, why) == NULL)
        fail_msg("%s: '%s' does not say '%s'", row, err.msg, why);
}

static void test_a_row_is_read_by_the_names_of_its_columns(void **state)
{
    (void)state;
    struct trade t;
    struct error err;
    assert_int_equal(read_under("tx,usd_amount,side,wallet,symbol,token,token_amount,time",
                                "x,12.5,sell,W,SYM,T,1e3," TIME, &no_rules, &t, &err),
                     TRADE_READ);
    assert_int_equal(t.time_us, INT64_C(1782652485250000));
    assert_string_equal(t.token, "T");
    assert_string_equal(t.wallet, "W");
    assert_string_equal(t.symbol, "SYM");
    assert_false(t.is_buy);
    assert_true(t.token_amount == 1000 && t.usd == 12.5);
}

static void test_quotes_are_taken_off(void **state)
{
    (void)state;
    struct trade t;
    struct error err;
    assert_int_equal(read_under("\"time\","
                                "\"a \"\"note\"\", or two\",token,wallet,side,"
                                "token_amount,usd_amount,symbol",
                                "\"" TIME
                                "\",\"x,y\",\"T\",W,\"buy\",\"2\",\"3\",\"say \"\"A,B\"\"\"",
                                &no_rules, &t, &err),
                     TRADE_READ);
    assert_string_equal(t.token, "T");
    assert_string_equal(t.symbol, "say \"A,B\"");
    assert_true(t.is_buy);
    assert_true(t.token_amount == 2 && t.usd == 3);
    then_refused(HEADER, TIME ",\"T,W,buy,1,1", &no_rules, "a quote is not closed");
    then_refused(HEADER, TIME ",\"T\"x,W,buy,1,1", &no_rules, "a quote is not closed");
}

static void test_missing_columns_are_all_named(void **state)
{
    (void)state;
    const struct trade_rules rate = {.usd_per_native = 150, .until_us = INT64_MAX};
    struct trade_columns columns = {.count = 77};
    struct error err;
    assert_int_equal(columns_of("time,wallet,side,price", &no_rules, &columns, &err), -1);
    assert_string_equal(err.msg, "columns are missing: token token_amount usd_amount");
    assert_int_equal(columns_of(HEADER, &rate, &columns, &err), -1);
    assert_string_equal(err.msg, "columns are missing: native_amount");
    assert_int_equal(columns_of(HEADER ",wallet", &no_rules, &columns, &err), -1);
    assert_string_equal(err.msg, "column 'wallet' is there twice");
    assert_int_equal(columns.count, 77);
}

static const struct bad_case {
    const char *row;
    const char *why;
} bad_cases[] = {
    {"", "has 1 fields where the header has 6"},
    {TIME ",T,W,buy,1", "has 5 fields where the header has 6"},
    {TIME ",T,W,buy,1,1,1", "has 7 fields where the header has 6"},
    {"yesterday,T,W,buy,1,1", "time 'yesterday' is not RFC 3339"},
    {",T,W,buy,1,1", "time '' is not RFC 3339"},
    {TIME ",,W,buy,1,1", "token '' is not 1 to 44"},
    {TIME ",a b,W,buy,1,1", "token 'a b' is not"},
    {TIME "," A44 "a,W,buy,1,1", "token '" A44 "...' is not"},
    {TIME ",T,\x01\xff,buy,1,1", "wallet '?"
                                 "?' is not"},
    {TIME ",T,,buy,1,1", "wallet '' is not"},
    {TIME ",T,W,Buy,1,1", "side 'Buy' is neither"},
    {TIME ",T,W,,1,1", "side '' is neither"},
    {TIME ",T,W,buy,,1", "token_amount '' is not a number"},
    {TIME ",T,W,buy,0,1", "token_amount 0 is outside"},
    {TIME ",T,W,buy,-1,1", "token_amount -1 is outside"},
    {TIME ",T,W,buy,nan,1", "token_amount 'nan' is not a number"},
    {TIME ",T,W,buy,0x10,1", "token_amount '0x10' is not a number"},
    {TIME ",T,W,buy, 1,1", "token_amount ' 1' is not a number"},
    {TIME ",T,W,buy,1e,1", "token_amount '1e' is not a number"},
    {TIME ",T,W,buy,1,inf", "usd_amount 'inf' is not a number"},
    {TIME ",T,W,buy,1,1e999", "usd_amount 1e999 is outside"},
    {TIME ",T,W,buy,1,0.0", "usd_amount 0.0 is outside"},
    {TIME ",T,W,buy,1,-0.5", "usd_amount -0.5 is outside"},
    {TIME ",T,W,buy,1,1e-31", "usd_amount 1e-31 is outside"},
    {TIME ",T,W,buy,1,", "usd_amount is empty, and no rate"},
};

static void test_a_bad_row_says_which_field_and_what_it_holds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_cases / sizeof *bad_cases; i++)
        then_refused(HEADER, bad_cases[i].row, &no_rules, bad_cases[i].why);
}

static void test_a_bad_row_names_its_token_if_it_can(void **state)
{
    (void)state;
    struct trade t;
    struct error err;
    assert_int_equal(read_under(HEADER, TIME ",T,W,buy,0,1", &no_rules, &t, &err), TRADE_BAD);
    assert_string_equal(t.token, "T");
    assert_int_equal(read_under(HEADER, "?,T,W,buy,1,1", &no_rules, &t, &err), TRADE_BAD);
    assert_null(t.token);
}

static void test_a_nul_byte_and_too_many_fields_are_bad(void **state)
{
    (void)state;
    struct trade_columns columns;
    struct trade t;
    struct error err;
    char row[] = TIME ",T,W,buy,1,1\0,2";
    char commas[TRADE_FIELDS_LIMIT + 1];
    memset(commas, ',', sizeof commas);
    commas[TRADE_FIELDS_LIMIT] = '\0';
    assert_int_equal(columns_of(HEADER, &no_rules, &columns, &err), 0);
    assert_int_equal(trade_read(row, sizeof row - 1, &columns, &no_rules, &t, &err), TRADE_BAD);
    assert_string_equal(err.msg, "holds a NUL byte");
    then_refused(HEADER, commas, &no_rules, "has more than 64 fields");
}

static void test_addresses_of_44_characters_and_limits_of_amounts_fit(void **state)
{
    (void)state;
    struct trade t;
    struct error err;
    assert_int_equal(
        read_under(HEADER, TIME "," A44 "," A44 ",buy,1e-30,1e30", &no_rules, &t, &err),
        TRADE_READ);
}

static void test_a_rate_prices_only_rows_without_usd(void **state)
{
    (void)state;
    const struct trade_rules rate = {.usd_per_native = 150, .until_us = INT64_MAX};
    const char header[] = HEADER ",native_amount";
    struct trade t;
    struct error err;
    assert_int_equal(read_under(header, TIME ",T,W,buy,1,,2", &rate, &t, &err), TRADE_READ);
    assert_true(t.usd == 300);
    assert_int_equal(read_under(header, TIME ",T,W,buy,1,7,2", &rate, &t, &err), TRADE_READ);
    assert_true(t.usd == 7);
    then_refused(header, TIME ",T,W,buy,1,,", &rate, "native_amount '' is not a number");
    then_refused(header, TIME ",T,W,buy,1,,1e29", &rate, "native_amount 1e29 is outside");
}

static void test_rows_after_until_are_passed_over_even_bad_ones(void **state)
{
    (void)state;
    const struct trade_rules until = {.until_us = INT64_C(1782652485250000)};
    struct trade t;
    struct error err;
    assert_int_equal(read_under(HEADER, TIME ",T,W,buy,1,1", &until, &t, &err), TRADE_READ);
    assert_int_equal(
        read_under(HEADER, "2026-06-28T13:14:45.250001Z,T,W,buy,1,1", &until, &t, &err),
        TRADE_LATER);
    assert_int_equal(read_under(HEADER, "2026-06-29T00:00:00Z,T,W,?,?,?", &until, &t, &err),
                     TRADE_LATER);
}

static void then_symbol(const char *symbol, bool is_fit)
{
    char row[256];
    struct trade t;
    struct error err;
    snprintf(row, sizeof row, TIME ",T,W,buy,1,1,%s", symbol);
    assert_int_equal(read_under(HEADER ",symbol", row, &no_rules, &t, &err), TRADE_READ);
    if ((t.symbol != NULL) != is_fit || (is_fit && strcmp(t.symbol, symbol) != 0))
        fail_msg("'%s' became '%s'", symbol, t.symbol != NULL ? t.symbol : "nothing");
}

static void test_an_unfit_symbol_does_not_cost_the_trade(void **state)
{
    static const char *const fit[] = {"A",  " ~",           "\xc2\xa0",         "M\xc3\x96N",
                                      A44,  "\xe0\xa0\x80", "\xed\x9f\xbf",     "\xee\x80\x80",
                                      "$1", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
    static const char *const unfit[] = {"",
                                        "a\tb",
                                        "\x7f",
                                        "\xff",
                                        "\x80",
                                        "\xc3",
                                        "\xc0\x80",
                                        "\xc1\xbf",
                                        "\xc2\x80",
                                        "\xe0\x9f\xbf",
                                        "\xe2\x82",
                                        "\xed\xa0\x80",
                                        "\xed\xbf\xbf",
                                        "\xf0\x8f\xbf\xbf",
                                        "\xf4\x90\x80\x80",
                                        A44 A44};
    (void)state;
    for (size_t i = 0; i < sizeof fit / sizeof *fit; i++)
        then_symbol(fit[i], true);
    for (size_t i = 0; i < sizeof unfit / sizeof *unfit; i++)
        then_symbol(unfit[i], false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_row_is_read_by_the_names_of_its_columns),
        cmocka_unit_test(test_quotes_are_taken_off),
        cmocka_unit_test(test_missing_columns_are_all_named),
        cmocka_unit_test(test_a_bad_row_says_which_field_and_what_it_holds),
        cmocka_unit_test(test_a_bad_row_names_its_token_if_it_can),
        cmocka_unit_test(test_a_nul_byte_and_too_many_fields_are_bad),
        cmocka_unit_test(test_addresses_of_44_characters_and_limits_of_amounts_fit),
        cmocka_unit_test(test_a_rate_prices_only_rows_without_usd),
        cmocka_unit_test(test_rows_after_until_are_passed_over_even_bad_ones),
        cmocka_unit_test(test_an_unfit_symbol_does_not_cost_the_trade),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
