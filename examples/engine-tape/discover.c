#include "discover.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_MINUTE (60 * US_PER_SECOND)
#define US_PER_HOUR (60 * US_PER_MINUTE)

static double parameter(const wt_params *params, int index)
{
    return (double)params->value[index] / WT_PARAM_SCALE;
}

/* From 1.0 to 1.2 is a change of 19.999999999999996 % in binary and of 20 % to anybody who
 * set 20 % as the bound. */
static bool reaches(double figure, double bound)
{
    return figure >= bound - 1e-9 * fmax(1, bound);
}

int64_t discover_max_age_us(const wt_params *params)
{
    return params->value[WT_PARAM_MAX_TOKEN_AGE_HOURS] * US_PER_HOUR;
}

static int compare_tokens(const void *left, const void *right, void *market)
{
    const struct discover_token *a = left, *b = right;
    if (a->volume_usd != b->volume_usd)
        return a->volume_usd > b->volume_usd ? -1 : 1;
    return strcmp(market_token_name(market, a->token), market_token_name(market, b->token));
}

static struct discover_token measure(const struct market *m, uint32_t number)
{
    const struct market_token *t = &m->tokens[number];
    return (struct discover_token){
        .token = number,
        .price_change_pct = (t->last_price / t->first_price - 1) * 100,
        .volume_usd = t->volume_usd,
    };
}

int discover_tokens(const struct market *m, const wt_params *params, struct discover_token **out,
                    size_t *count, struct error *err)
{
    double min_change = parameter(params, WT_PARAM_MIN_PRICE_CHANGE_PCT);
    double min_volume = parameter(params, WT_PARAM_MIN_VOLUME_USD);
    size_t limit = (size_t)params->value[WT_PARAM_MAX_TOKENS];
    size_t found = 0;
    struct discover_token *tokens = calloc((size_t)m->token_names.count + 1, sizeof *tokens);
    if (tokens == NULL)
        return error_set(err, ENOMEM, "out of memory");
    for (uint32_t i = 0; i < m->token_names.count; i++) {
        tokens[found] = measure(m, i);
        found += reaches(tokens[found].price_change_pct, min_change) &&
                 reaches(tokens[found].volume_usd, min_volume);
    }
    qsort_r(tokens, found, sizeof *tokens, compare_tokens, (void *)m);
    *out = tokens;
    *count = found < limit ? found : limit;
    return 0;
}

static double score_of(double profit_pct)
{
    double profit = fmax(0, profit_pct);
    return round(profit / (profit + 100) * 10000) / 10000;
}

bool discover_wallet(const struct market_position *p, const wt_params *params,
                     struct discover_wallet *out)
{
    int64_t window_us = params->value[WT_PARAM_EARLY_WINDOW_MINUTES] * US_PER_MINUTE;
    if (!p->first_is_buy || p->first_us > window_us || p->sells == 0)
        return false;
    double profit_pct = (p->proceeds_usd - p->cost_usd) / p->cost_usd * 100;
    if (!reaches(profit_pct, parameter(params, WT_PARAM_MIN_PROFIT_PCT)))
        return false;
    *out = (struct discover_wallet){
        .profit_pct = profit_pct,
        .score = score_of(profit_pct),
        .first_buy_seconds = (double)p->first_us / US_PER_SECOND,
    };
    return true;
}
