/* discover.h: which tokens pumped, and who bought them early and sold them well.
 *
 * Promise: pure: the same market and parameters give the same findings.  All bounds are
 *          inclusive, and a figure that misses its bound only because amounts are decimal on
 *          the tape and binary here is taken to be on it.
 * Thread:  any; no state.
 * Knows:   market, params.  Not: JSON, files.
 */
#ifndef DISCOVER_H
#define DISCOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <walltrack/params.h>

#include "error.h"
#include "market.h"

struct discover_token {
    uint32_t token; /* number in the market */
    double price_change_pct;
    double volume_usd;
};

struct discover_wallet {
    double profit_pct;
    double score; /* 0 to 1, four decimals */
    double first_buy_seconds;
};

/* How much of each token's life the parameters want, for market_init(). */
int64_t discover_max_age_us(const wt_params *params);

/* The tokens to analyse, largest volume first, equal ones by address; at most `max_tokens`.
 * On success *out (of *count entries, never NULL) is yours to free(). */
int discover_tokens(const struct market *m, const wt_params *params, struct discover_token **out,
                    size_t *count, struct error *err);

/* Is the wallet of this position one to find?  Fills *out only if so. */
bool discover_wallet(const struct market_position *p, const wt_params *params,
                     struct discover_wallet *out);

#endif
