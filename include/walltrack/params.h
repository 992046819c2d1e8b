/* walltrack/params.h: the six discovery parameters, defined once.
 *
 * The API, the command line, the line that starts an engine, the database's columns and
 * the API's description are made from this table or checked against it by a test.
 *
 * A value is kept as a whole number of steps: hundredths for DECIMAL parameters (so 12.5
 * is 1250 and nothing is ever rounded), units for INTEGER ones.  Ranges are inclusive
 * and are written in the same steps.
 */
#ifndef WALLTRACK_PARAMS_H
#define WALLTRACK_PARAMS_H

#include <stdint.h>

/* X(SYMBOL, name, TYPE, minimum, maximum, default, unit, meaning) */
#define WT_PARAMS(X)                                                                               \
    X(MIN_PRICE_CHANGE_PCT, min_price_change_pct, DECIMAL, 0, 10000000, 10000, "percent",          \
      "price change from first to last trade that a token needs")                                  \
    X(MIN_VOLUME_USD, min_volume_usd, DECIMAL, 0, 100000000000000, 5000000, "USD",                 \
      "traded volume that a token needs")                                                          \
    X(MAX_TOKEN_AGE_HOURS, max_token_age_hours, INTEGER, 1, 8760, 72, "hours",                     \
      "how much of a token's life is looked at, from its first trade")                             \
    X(EARLY_WINDOW_MINUTES, early_window_minutes, INTEGER, 1, 1440, 30, "minutes",                 \
      "a wallet is early when its first trade is a buy within this time")                          \
    X(MIN_PROFIT_PCT, min_profit_pct, DECIMAL, 0, 10000000, 5000, "percent",                       \
      "profit over cost that a wallet needs")                                                      \
    X(MAX_TOKENS, max_tokens, INTEGER, 1, 10000, 20, "tokens",                                     \
      "how many tokens a run analyses, largest volume first")

#define WT_PARAM_ENUM_(SYMBOL, name, type, min, max, def, unit, text) WT_PARAM_##SYMBOL,
enum { WT_PARAMS(WT_PARAM_ENUM_) WT_PARAM_COUNT };
#undef WT_PARAM_ENUM_

enum { WT_PARAM_DECIMAL = 0, WT_PARAM_INTEGER = 1 };

/* Steps to one unit of a DECIMAL parameter. */
enum { WT_PARAM_SCALE = 100 };

typedef struct wt_params {
    int64_t value[WT_PARAM_COUNT]; /* in steps, indexed by WT_PARAM_<SYMBOL> */
} wt_params;

#endif
