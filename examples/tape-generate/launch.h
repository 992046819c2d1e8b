/* launch.h: the life of one invented token, trade by trade.
 *
 * A launch trades against a pool of constant product (SOL times tokens), so that buys raise
 * the price and sells lower it.  Wallets sell what they bought, but for a few insiders, who had
 * theirs before the first trade.  The launch's fate, from a table, is the price curve that buyers
 * and sellers follow together.
 *
 * Promise: trades come in the order of time and depend on nothing but seed, number, rows, start and
 * wallets.
 */
#ifndef LAUNCH_H
#define LAUNCH_H

#include <stdbool.h>
#include <stdint.h>

#include "chance.h"

#define LAUNCH_USD_PER_SOL 150.0

enum { LAUNCH_HOLDERS = 128 };

struct launch_fate;

struct launch_holder {
    uint32_t wallet;
    double tokens;
};

struct launch_trade {
    int64_t time_ms;
    uint32_t wallet;
    bool is_buy;
    double tokens;
    double sol;
};

struct launch {
    uint32_t number;
    uint32_t weight;  /* how busy it is, against the others  */
    uint64_t rows;    /* trades in all; set by the caller    */
    uint64_t done;    /* trades so far                       */
    int64_t start_ms; /* set by the caller                   */
    int64_t next_ms;  /* time of the next trade              */
    uint32_t wallets; /* how many there are                   */
    int64_t life_ms;
    struct chance chance;
    const struct launch_fate *fate;
    double pool_sol, pool_tokens;
    uint32_t holder_count;
    struct launch_holder holders[LAUNCH_HOLDERS]; /* latest buyer last */
};

/* Sets fate, weight and life; then the caller sets rows and start.  `wallets` is how many there are
 * in the whole tape. */
void launch_init(struct launch *l, uint64_t seed, uint32_t number, uint32_t wallets);

/* Sets next_ms, also of the first trade; call once before the first launch_next(). */
void launch_schedule(struct launch *l);

/* The next trade; only while done < rows.  Schedules the one after it. */
struct launch_trade launch_next(struct launch *l);

#endif
