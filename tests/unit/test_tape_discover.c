/* Who is found: every bound, at it and just beyond it, on trades made in the test. */
/* links: engine_tape */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "discover.h"
#include "market.h"
#include "params.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

enum { BUY, SELL };

struct world {
    struct market market;
    wt_params params;
    struct discover_token *tokens;
    size_t count;
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    if (w == NULL)
        return -1;
    params_default(&w->params);
    market_init(&w->market, discover_max_age_us(&w->params));
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    market_free(&w->market);
    free(w->tokens);
    free(w);
    return 0;
}

static void given_param(struct world *w, int index, const char *value)
{
    struct error err;
    assert_int_equal(params_set_text(&w->params, index, value, &err), 0);
}

static void given_trade(struct world *w, const char *token, int64_t at_us, const char *wallet,
                        int side, double tokens, double usd)
{
    struct error err;
    const struct trade t = {.time_us = INT64_C(1782652485000000) + at_us,
                            .token = token,
                            .wallet = wallet,
                            .is_buy = side == BUY,
                            .token_amount = tokens,
                            .usd = usd};
    assert_int_equal(market_add(&w->market, &t, &err), 0);
}

static void when_discovered(struct world *w)
{
    struct error err;
    free(w->tokens);
    assert_int_equal(discover_tokens(&w->market, &w->params, &w->tokens, &w->count, &err), 0);
}

/* The names of the tokens, in order, with a space between. */
static void then_tokens(struct world *w, const char *expected)
{
    char names[256] = "";
    size_t used = 0;
    when_discovered(w);
    for (size_t i = 0; i < w->count; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? " " : "",
                                 market_token_name(&w->market, w->tokens[i].token));
    assert_string_equal(names, expected);
}

/* The wallets of one token, whatever the token itself is worth. */
static void then_wallets(struct world *w, uint32_t token, const char *expected)
{
    char names[256] = "";
    size_t used = 0;
    uint32_t next = w->market.tokens[token].first_position;
    for (; next != MARKET_NONE; next = w->market.positions[next].next) {
        const struct market_position *p = &w->market.positions[next];
        struct discover_wallet found;
        if (discover_wallet(p, &w->params, &found))
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used > 0 ? " " : "",
                                     market_wallet_name(&w->market, p->wallet));
    }
    assert_string_equal(names, expected);
}

/* A token whose price goes from 1 to `last` and whose volume is `volume`. */
static void given_token(struct world *w, const char *token, double last, double volume)
{
    given_trade(w, token, 0, "whale", BUY, volume / 2, volume / 2);
    given_trade(w, token, MINUTE, "whale", BUY, volume / 2 / last, volume / 2);
}

static void test_bounds_of_a_token_are_inclusive(void **state)
{
    struct world *w = *state;
    given_token(w, "at-both", 2, 50000);
    given_token(w, "price-short", 1.9999, 60000);
    given_token(w, "volume-short", 2, 49999.99);
    given_token(w, "above", 3, 70000);
    then_tokens(w, "above at-both");
}

static void test_a_price_from_1_to_1_2_has_risen_by_20_percent(void **state)
{
    struct world *w = *state;
    given_param(w, WT_PARAM_MIN_PRICE_CHANGE_PCT, "20");
    given_param(w, WT_PARAM_MIN_VOLUME_USD, "1");
    given_trade(w, "T", 0, "A", BUY, 1, 1);
    given_trade(w, "T", 1, "A", BUY, 1, 1.2);
    given_trade(w, "U", 0, "A", BUY, 1, 1);
    given_trade(w, "U", 1, "A", BUY, 1, 1.19999);
    then_tokens(w, "T");
}

static void test_ten_times_ten_cents_are_a_dollar(void **state)
{
    struct world *w = *state;
    given_param(w, WT_PARAM_MIN_PRICE_CHANGE_PCT, "0");
    given_param(w, WT_PARAM_MIN_VOLUME_USD, "1");
    for (int i = 0; i < 10; i++)
        given_trade(w, "T", i, "A", BUY, 1, 0.1);
    then_tokens(w, "T");
}

static void test_largest_volume_first_and_equal_ones_by_address(void **state)
{
    struct world *w = *state;
    given_token(w, "b", 2, 60000);
    given_token(w, "c", 2, 60000);
    given_token(w, "a", 2, 60000);
    given_token(w, "z", 2, 80000);
    then_tokens(w, "z a b c");
    given_param(w, WT_PARAM_MAX_TOKENS, "2");
    then_tokens(w, "z a");
}

static void test_an_empty_market_has_no_tokens(void **state)
{
    then_tokens(*state, "");
}

static void test_the_tape_of_a_token_ends_at_its_age(void **state)
{
    struct world *w = *state;
    given_param(w, WT_PARAM_MIN_VOLUME_USD, "0");
    given_trade(w, "T", 0, "A", BUY, 1, 1);
    given_trade(w, "T", 72 * HOUR, "A", SELL, 1, 2);
    given_trade(w, "T", 72 * HOUR + 1, "A", SELL, 1, 9);
    given_trade(w, "T", 72 * HOUR + 1, "B", BUY, 1, 9);
    when_discovered(w);
    assert_int_equal(w->count, 1);
    assert_true(w->tokens[0].price_change_pct == 100 && w->tokens[0].volume_usd == 3);
    assert_int_equal(w->market.wallet_names.count, 1);
    assert_int_equal(w->market.positions[0].sells, 1);
}

static void test_age_counts_from_the_first_row_of_each_token(void **state)
{
    struct world *w = *state;
    given_trade(w, "T", 0, "A", BUY, 1, 1);
    given_trade(w, "U", 100 * HOUR, "A", BUY, 1, 1);
    given_trade(w, "U", 101 * HOUR, "A", SELL, 1, 5);
    then_wallets(w, 0, "");
    then_wallets(w, 1, "A");
}

static void test_early_is_up_to_the_window_and_a_first_buy(void **state)
{
    struct world *w = *state;
    given_trade(w, "T", 0, "at-once", BUY, 1, 10);
    given_trade(w, "T", 5, "sold-first", SELL, 1, 10);
    given_trade(w, "T", 6, "sold-first", BUY, 1, 10);
    given_trade(w, "T", 30 * MINUTE, "just-in-time", BUY, 1, 10);
    given_trade(w, "T", 30 * MINUTE + 1, "too-late", BUY, 1, 10);
    given_trade(w, "T", 31 * MINUTE, "holder", BUY, 1, 10);
    const char *const sellers[] = {"too-late", "just-in-time", "sold-first", "at-once"};
    for (int i = 0; i < 4; i++)
        given_trade(w, "T", HOUR, sellers[i], SELL, 1, 100);
    then_wallets(w, 0, "at-once just-in-time");
}

static void test_profit_is_over_all_buys_and_its_bound_inclusive(void **state)
{
    struct world *w = *state;
    given_trade(w, "T", 0, "exact", BUY, 1, 0.1);
    given_trade(w, "T", 1, "exact", BUY, 1, 0.2);
    given_trade(w, "T", 2, "short", BUY, 1, 100);
    given_trade(w, "T", 3, "holder", BUY, 1, 1);
    given_trade(w, "T", 4, "bought-again", BUY, 1, 10);
    given_trade(w, "T", HOUR, "exact", SELL, 2, 0.45);
    given_trade(w, "T", HOUR, "short", SELL, 1, 149.99);
    given_trade(w, "T", HOUR, "bought-again", SELL, 1, 20);
    then_wallets(w, 0, "exact bought-again");
    given_trade(w, "T", 2 * HOUR, "bought-again", BUY, 1, 10);
    then_wallets(w, 0, "exact");
}

static void then_score(struct world *w, double cost, double proceeds, double score)
{
    const struct market_position p = {.first_is_buy = true,
                                      .first_us = 1500000,
                                      .sells = 1,
                                      .cost_usd = cost,
                                      .proceeds_usd = proceeds};
    struct discover_wallet found;
    assert_true(discover_wallet(&p, &w->params, &found));
    assert_float_equal(found.score, score, 1e-12);
    assert_float_equal(found.first_buy_seconds, 1.5, 1e-12);
}

static void test_the_score_grows_from_0_to_1_with_profit(void **state)
{
    struct world *w = *state;
    given_param(w, WT_PARAM_MIN_PROFIT_PCT, "0");
    then_score(w, 100, 100, 0);
    then_score(w, 100, 150, 0.3333);
    then_score(w, 100, 200, 0.5);
    then_score(w, 100, 1000, 0.9);
    then_score(w, 1e-30, 1e30, 1);
}

static void test_a_wallet_is_weighed_in_each_token_alone(void **state)
{
    struct world *w = *state;
    given_trade(w, "T", 0, "A", BUY, 1, 10);
    given_trade(w, "U", 0, "A", BUY, 1, 10);
    given_trade(w, "T", 1, "A", SELL, 1, 100);
    given_trade(w, "U", 1, "A", SELL, 1, 1);
    then_wallets(w, 0, "A");
    then_wallets(w, 1, "");
    assert_int_equal(w->market.wallet_names.count, 1);
}

/* Enough of everything to make each array and each table grow several times. */
static void test_many_tokens_and_wallets_are_kept_apart(void **state)
{
    enum { TOKENS = 70, WALLETS = 300 };
    struct world *w = *state;
    char token[16], wallet[16];
    for (int i = 0; i < WALLETS; i++)
        for (int t = 0; t < TOKENS; t++) {
            snprintf(token, sizeof token, "t%d", t);
            snprintf(wallet, sizeof wallet, "w%d", i);
            given_trade(w, token, i, wallet, BUY, 1, t + 1);
        }
    assert_int_equal(w->market.token_names.count, TOKENS);
    assert_int_equal(w->market.wallet_names.count, WALLETS);
    assert_int_equal(w->market.pairs.count, TOKENS * WALLETS);
    for (int t = 0; t < TOKENS; t++) {
        const struct market_token *m = &w->market.tokens[t];
        uint32_t next = m->first_position;
        assert_true(m->volume_usd == (double)WALLETS * (t + 1));
        for (int i = 0; i < WALLETS; i++, next = w->market.positions[next].next) {
            snprintf(wallet, sizeof wallet, "w%d", i);
            const struct market_position *p = &w->market.positions[next];
            assert_string_equal(market_wallet_name(&w->market, p->wallet), wallet);
            assert_true(p->cost_usd == t + 1 && p->buys == 1);
        }
        assert_true(next == MARKET_NONE);
    }
}

#define story(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        story(test_bounds_of_a_token_are_inclusive),
        story(test_a_price_from_1_to_1_2_has_risen_by_20_percent),
        story(test_ten_times_ten_cents_are_a_dollar),
        story(test_largest_volume_first_and_equal_ones_by_address),
        story(test_an_empty_market_has_no_tokens),
        story(test_the_tape_of_a_token_ends_at_its_age),
        story(test_age_counts_from_the_first_row_of_each_token),
        story(test_early_is_up_to_the_window_and_a_first_buy),
        story(test_profit_is_over_all_buys_and_its_bound_inclusive),
        story(test_the_score_grows_from_0_to_1_with_profit),
        story(test_a_wallet_is_weighed_in_each_token_alone),
        story(test_many_tokens_and_wallets_are_kept_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
