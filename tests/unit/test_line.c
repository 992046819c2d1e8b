/* What an engine may say, and what it is told when it may not. */
/* links: run */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "run/line.h"

static char text[128 * 1024];

static int parse(const char *json, struct line *out, struct error *err)
{
    snprintf(text, sizeof text, "%s", json);
    return line_parse(text, strlen(text), out, err);
}

#define WALLET "\"event\":\"wallet\",\"wallet_address\":\"W1\",\"source_token\":\"T1\""
#define A44 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQR"

static const struct {
    const char *json;
    const char *error; /* the beginning of the message */
} refused[] = {
    {"", "not JSON"},
    {"nonsense", "not JSON"},
    {"{\"event\":\"wallet\"", "not JSON"},
    {"{" WALLET "} trailing", "not JSON"},
    {"{" WALLET ",\"event\":\"wallet\"}", "not JSON: duplicate object key"},
    {"{" WALLET ",\"profile\":{\"a\":1,\"a\":2}}", "not JSON: duplicate object key"},
    {"{\"event\":\"wallet\",\"wallet_address\":\"a\\u0000b\",\"source_token\":\"T\"}", "not JSON"},
    {"{\"event\":\"wallet\",\"wallet_address\":\"\xff\xfe\",\"source_token\":\"T\"}", "not JSON"},
    {"[]", "not a JSON object"},
    {"{}", "event: missing"},
    {"{\"event\":null}", "event: missing"},
    {"{\"event\":7}", "event: 7 is not a string"},
    {"{\"event\":\"walet\"}", "event: \"walet\" is not one of token, wallet, error, progress"},
    {"{\"event\":\"token\"}", "token: missing"},
    {"{\"event\":\"token\",\"token\":\"\"}", "token: empty"},
    {"{\"event\":\"token\",\"token\":\"a b\"}", "token: \"a b\" has a space"},
    {"{\"event\":\"token\",\"token\":\"T\",\"volume_usd\":\"1\"}",
     "volume_usd: \"1\" is not a number"},
    {"{\"event\":\"token\",\"token\":\"T\",\"volume_usd\":1e400}", "not JSON"},
    {"{\"event\":\"token\",\"token\":\"T\",\"symbol\":5}", "symbol: 5 is not a string"},
    {"{\"event\":\"wallet\",\"source_token\":\"T\"}", "wallet_address: missing"},
    {"{\"event\":\"wallet\",\"wallet_address\":\"W\"}", "source_token: missing"},
    {"{\"event\":\"wallet\",\"wallet_address\":\"\",\"source_token\":\"T\"}",
     "wallet_address: empty"},
    {"{\"event\":\"wallet\",\"wallet_address\":\"" A44 "x\",\"source_token\":\"T\"}",
     "wallet_address: \"" A44 "x\" has more than 44"},
    {"{\"event\":\"wallet\",\"wallet_address\":\"a\\tb\",\"source_token\":\"T\"}",
     "wallet_address: \"a\\tb\" has a space or an unprintable"},
    {"{\"event\":\"wallet\",\"wallet_address\":\"a\\u00a0b\",\"source_token\":\"T\"}",
     "wallet_address: "},
    {"{" WALLET ",\"initial_score\":1.00001}", "initial_score: 1.00001"},
    {"{" WALLET ",\"initial_score\":-0.1}", "initial_score: -0.1"},
    {"{" WALLET ",\"initial_score\":\"0.5\"}", "initial_score: \"0.5\" is not a number"},
    {"{" WALLET ",\"is_new\":1}", "is_new: 1 is not true or false"},
    {"{" WALLET ",\"profile\":[]}", "profile: [] is not an object"},
    {"{\"event\":\"error\"}", "message: missing"},
    {"{\"event\":\"error\",\"message\":5}", "message: 5 is not a string"},
    {"{\"event\":\"error\",\"message\":\"m\",\"token\":\"a b\"}", "token: "},
    {"{\"event\":\"progress\",\"done\":-1}", "done: -1 is not a count"},
    {"{\"event\":\"progress\",\"done\":1.5}", "done: 1.5 is not a count"},
};

static void test_bad_lines_are_refused_with_field_and_value(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct line l;
        struct error err = {0};
        if (parse(refused[i].json, &l, &err) == 0)
            fail_msg("accepted: %s", refused[i].json);
        if (strncmp(err.msg, refused[i].error, strlen(refused[i].error)) != 0)
            fail_msg("%s: said '%s', not '%s'", refused[i].json, err.msg, refused[i].error);
    }
}

static void test_a_profile_nested_too_deep_is_refused(void **state)
{
    (void)state;
    for (int depth = PROFILE_DEPTH_MAX; depth <= PROFILE_DEPTH_MAX + 1; depth++) {
        char json[1024];
        int n = snprintf(json, sizeof json, "{" WALLET ",\"profile\":");
        for (int i = 0; i < depth; i++)
            n += snprintf(json + n, sizeof json - (size_t)n, "{\"a\":");
        n += snprintf(json + n, sizeof json - (size_t)n, "1");
        memset(json + n, '}', (size_t)depth + 1);
        json[n + depth + 1] = '\0';
        struct line l;
        struct error err;
        assert_int_equal(parse(json, &l, &err), depth > PROFILE_DEPTH_MAX ? -1 : 0);
        if (depth <= PROFILE_DEPTH_MAX)
            line_release(&l);
    }
}

static void test_zero_null_and_absent_stay_apart(void **state)
{
    (void)state;
    struct line l;
    struct error err;
    assert_int_equal(
        parse("{" WALLET ",\"initial_score\":0,\"is_new\":false,\"profile\":{}}", &l, &err), 0);
    assert_int_equal(l.u.wallet.score_e4, 0);
    assert_int_equal(l.u.wallet.is_new, 0);
    assert_string_equal(l.u.wallet.profile, "{}");
    line_release(&l);

    assert_int_equal(
        parse("{" WALLET ",\"initial_score\":null,\"is_new\":null,\"profile\":null}", &l, &err), 0);
    assert_int_equal(l.u.wallet.score_e4, WT_NO_SCORE);
    assert_int_equal(l.u.wallet.is_new, -1);
    assert_null(l.u.wallet.profile);
    line_release(&l);

    assert_int_equal(parse("{\"event\":\"token\",\"token\":\"T\",\"volume_usd\":0}", &l, &err), 0);
    assert_true(l.u.token.volume_usd == 0);
    assert_true(isnan(l.u.token.price_change_pct));
    assert_null(l.u.token.symbol);
    line_release(&l);
}

static void test_a_long_message_is_cut_at_a_character(void **state)
{
    (void)state;
    char json[8192];
    int n = snprintf(json, sizeof json, "{\"event\":\"error\",\"message\":\"x");
    for (int i = 0; i < 1500; i++)
        n += snprintf(json + n, sizeof json - (size_t)n, "\xc3\xa9");
    snprintf(json + n, sizeof json - (size_t)n, "\"}");
    struct line l;
    struct error err;
    assert_int_equal(parse(json, &l, &err), 0);
    assert_int_equal(strlen(l.u.error.message), ERROR_MESSAGE_MAX - 1);
    line_release(&l);
}

static const struct {
    const char *json;
    bool plain; /* the scanner takes it */
} accepted[] = {
    {"{" WALLET "}", true},
    {"{ " WALLET " , \"initial_score\" : 0.8712 , \"is_new\" : true }", true},
    {"{" WALLET ",\"initial_score\":1,\"is_new\":false}", true},
    {"{" WALLET ",\"initial_score\":1.0}", true},
    {"{" WALLET ",\"initial_score\":0.00005}", false},
    {"{" WALLET ",\"initial_score\":5e-1}", false},
    {"{" WALLET ",\"initial_score\":0.8712,\"profile\":{\"profit_pct\":52.37,\"buys\":3,\"x\":"
     "\"y\",\"n\":null,"
     "\"t\":true,\"m\":-1.5}}",
     true},
    {"{" WALLET ",\"profile\":{\"a\":{\"b\":[1,2]}}}", false},
    {"{" WALLET ",\"profile\":{\"a\":\"\\u00e9\"}}", false},
    {"{" WALLET ",\"profile\":{\"a\":0.1,\"b\":123456789012345}}", true},
    {"{" WALLET ",\"profile\":{\"a\":1234567890123456}}", false},
    {"{" WALLET ",\"comment\":\"unknown keys are ignored\"}", false},
    {"{\"event\":\"wallet\",\"wallet_address\":\"" A44 "\",\"source_token\":\"T\"}", true},
    {"{\"event\":\"wallet\",\"wallet_address\":\"\xc3\xa9t\xc3\xa9\",\"source_token\":\"T\"}",
     false},
};

static bool same_text(const char *a, const char *b)
{
    return (a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0);
}

/* Profiles may differ in spelling, never in meaning. */
static bool same_json(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    json_t *x = json_loads(a, 0, NULL), *y = json_loads(b, 0, NULL);
    bool same = x != NULL && y != NULL && json_equal(x, y) != 0;
    json_decref(x);
    json_decref(y);
    return same;
}

static void test_scanner_and_library_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
        static char scanned[4096];
        char padded[4096]; /* a tab is JSON's white space and not the scanner's */
        struct line fast, slow;
        struct error err = {0};
        snprintf(scanned, sizeof scanned, "%s", accepted[i].json);
        bool plain = line_scan_wallet(scanned, strlen(scanned), &fast);
        if (plain != accepted[i].plain)
            fail_msg("%s: plain is %d", accepted[i].json, plain);
        if (!plain)
            assert_string_equal(scanned, accepted[i].json); /* untouched */
        snprintf(padded, sizeof padded, "\t%s", accepted[i].json);
        if (parse(padded, &slow, &err) != 0)
            fail_msg("%s: %s", accepted[i].json, err.msg);
        if (plain) {
            assert_true(same_text(fast.u.wallet.address, slow.u.wallet.address));
            assert_true(same_text(fast.u.wallet.source_token, slow.u.wallet.source_token));
            assert_int_equal(fast.u.wallet.score_e4, slow.u.wallet.score_e4);
            assert_int_equal(fast.u.wallet.is_new, slow.u.wallet.is_new);
            assert_true(same_json(fast.u.wallet.profile, slow.u.wallet.profile));
        }
        line_release(&slow);
    }
}

static void test_scores_are_rounded_to_four_places(void **state)
{
    static const struct {
        const char *number;
        int32_t score;
    } cases[] = {{"0", 0},       {"1", 10000},   {"0.5", 5000},      {"0.87125", 8713},
                 {"0.00004", 0}, {"0.00005", 1}, {"0.99999", 10000}, {"0.8712", 8712}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char json[256];
        struct line l;
        struct error err;
        snprintf(json, sizeof json, "{" WALLET ",\"initial_score\":%s}", cases[i].number);
        assert_int_equal(parse(json, &l, &err), 0);
        assert_int_equal(l.u.wallet.score_e4, cases[i].score);
        line_release(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_lines_are_refused_with_field_and_value),
        cmocka_unit_test(test_a_profile_nested_too_deep_is_refused),
        cmocka_unit_test(test_zero_null_and_absent_stay_apart),
        cmocka_unit_test(test_a_long_message_is_cut_at_a_character),
        cmocka_unit_test(test_scanner_and_library_agree),
        cmocka_unit_test(test_scores_are_rounded_to_four_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
