/* market.h: what a tape says about each token and each wallet in it.
 *
 * Promise: one pass; memory grows with the tokens and the wallets in each, not with the trades.
 *          A token's tape is its trades up to an age, counted from its first trade; later ones
 *          leave no trace.  Trades of a token count in the order in which they are added, which
 *          is what first and last mean.
 * Fails:   only when out of memory; the market is then good for freeing only.
 * Thread:  one at a time.
 * Knows:   trade, intern.  Not: which tokens and wallets are of interest.
 */
#ifndef MARKET_H
#define MARKET_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "intern.h"
#include "trade.h"

#define MARKET_NONE UINT32_MAX

/* A wallet's trades in one token's tape. */
struct market_position {
    uint32_t wallet;
    uint32_t next;     /* position in the same token, in the order of first trades */
    int64_t first_us;  /* first trade, since the token's first                     */
    bool first_is_buy; /* what that trade was                                      */
    uint32_t buys, sells;
    double cost_usd;     /* of all buys  */
    double proceeds_usd; /* of all sells */
};

struct market_token {
    int64_t first_us; /* time of the first trade */
    double first_price, last_price;
    double volume_usd;
    uint32_t symbol;                        /* number in symbols, or MARKET_NONE */
    uint32_t first_position, last_position; /* the list's ends                   */
};

/* Read it freely; only market.c writes. */
struct market {
    int64_t max_age_us;
    struct intern token_names; /* numbers of tokens[]                        */
    struct intern wallet_names;
    struct intern symbols;
    struct intern pairs; /* token and wallet; numbers of positions[]   */
    struct market_token *tokens;
    struct market_position *positions;
    uint32_t token_room, position_room;
};

/* `max_age_us` is at least 0; a trade of exactly that age counts. */
void market_init(struct market *m, int64_t max_age_us);
int market_add(struct market *m, const struct trade *trade, struct error *err);
void market_free(struct market *m);

/* Names, borrowed until the next market_add(). */
const char *market_token_name(const struct market *m, uint32_t token);
const char *market_wallet_name(const struct market *m, uint32_t wallet);
const char *market_symbol(const struct market *m, uint32_t token); /* or NULL */

#endif
