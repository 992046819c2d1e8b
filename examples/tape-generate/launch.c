#include "launch.h"

#include <string.h>

#define POOL_SOL 60.0
#define POOL_TOKENS 1000000000.0
#define HOUR_MS INT64_C(3600000)

#define INSIDER_TOKENS 300000000.0
#define LARGEST_SALE 0.05 /* of the pool's tokens */

enum { KNOTS = 6, RECENT = 6, INSIDERS = 6 };

struct launch_fate {
    uint32_t share;         /* of a hundred launches                             */
    uint32_t weight;        /* how busy                                          */
    double multiple[KNOTS]; /* price over the first one at 0, 20 … 100 % of life */
};

static const struct launch_fate fates[] = {
    {5, 600, {1, 3, 8, 15, 22, 25}},          /* to the moon       */
    {25, 300, {1, 2.5, 4, 6, 5, 4}},          /* a pump that holds */
    {10, 200, {1, 1.2, 1.5, 1.8, 2.1, 2.4}},  /* a slow climb      */
    {30, 100, {1, 4, 1.2, 0.5, 0.3, 0.2}},    /* pump and collapse */
    {15, 60, {1, 1.6, 0.3, 0.1, 0.08, 0.05}}, /* a rug             */
    {15, 80, {1, 1.1, 0.9, 1, 1.05, 1}},      /* nobody cares      */
};

/* Fates are dealt like cards, not diced, so that a tape of few launches has some of each. */
static const struct launch_fate *deal_fate(uint64_t seed, uint32_t number)
{
    struct chance cut = chance_new(seed, CHANCE_PURPOSE(DECK, 0));
    const struct launch_fate *fate = fates;
    for (uint64_t card = (chance_below(&cut, 100) + number * UINT64_C(61)) % 100;
         card >= fate->share; fate++)
        card -= fate->share;
    return fate;
}

void launch_init(struct launch *l, uint64_t seed, uint32_t number, uint32_t wallets)
{
    memset(l, 0, sizeof *l);
    l->number = number;
    l->wallets = wallets;
    l->chance = chance_new(seed, CHANCE_PURPOSE(LAUNCH, number));
    l->fate = deal_fate(seed, number);
    l->weight = l->fate->weight * (uint32_t)(3 + chance_below(&l->chance, 14)) / 10;
    l->life_ms = 4 * HOUR_MS + (int64_t)chance_below(&l->chance, 44 * HOUR_MS);
    l->pool_sol = POOL_SOL;
    l->pool_tokens = POOL_TOKENS;
    for (; l->holder_count < INSIDERS; l->holder_count++)
        l->holders[l->holder_count] =
            (struct launch_holder){(uint32_t)chance_below(&l->chance, wallets), INSIDER_TOKENS};
}

/* Trade k of n falls somewhere in the k-th of n parts of life; parts are short at first, when
 * everybody trades, and long in the end. */
void launch_schedule(struct launch *l)
{
    double at = ((double)l->done + chance_part(&l->chance)) / (double)l->rows;
    l->next_ms = l->start_ms + (int64_t)((0.04 * at + 0.96 * at * at) * (double)l->life_ms);
}

static double target_multiple(const struct launch *l)
{
    double at = (double)l->done / (double)l->rows * (KNOTS - 1);
    int knot = (int)at;
    const double *m = &l->fate->multiple[knot];
    return m[0] + (m[1] - m[0]) * (at - knot);
}

static bool wants_to_buy(struct launch *l)
{
    double target = target_multiple(l);
    double multiple = l->pool_sol / l->pool_tokens * (POOL_TOKENS / POOL_SOL);
    double odds = 0.5 + (target - multiple) / target;
    odds = odds < 0.15 ? 0.15 : odds > 0.85 ? 0.85 : odds;
    return chance_part(&l->chance) < odds;
}

/* One wallet in thirty is a sniper: it is at every launch, in the first minutes. */
static uint32_t draw_wallet(struct launch *l)
{
    uint32_t snipers = l->wallets / 30 + 1;
    bool early = l->done * 10 < l->rows;
    bool is_sniper = chance_below(&l->chance, 100) < (early ? 35 : 3);
    return (uint32_t)chance_below(&l->chance, is_sniper ? snipers : l->wallets);
}

/* The holder's place, which becomes the latest.  When all places are taken, somebody else
 * turns into one who never sells. */
static struct launch_holder *hold(struct launch *l, uint32_t wallet)
{
    struct launch_holder holder = {wallet, 0};
    uint32_t i = 0;
    while (i < l->holder_count && l->holders[i].wallet != wallet)
        i++;
    if (i < l->holder_count)
        holder = l->holders[i];
    else if (l->holder_count == LAUNCH_HOLDERS)
        i = (uint32_t)chance_below(&l->chance, LAUNCH_HOLDERS);
    else
        l->holder_count++;
    memmove(&l->holders[i], &l->holders[i + 1], (l->holder_count - i - 1) * sizeof holder);
    l->holders[l->holder_count - 1] = holder;
    return &l->holders[l->holder_count - 1];
}

static void release(struct launch *l, uint32_t i)
{
    l->holder_count--;
    memmove(&l->holders[i], &l->holders[i + 1], (l->holder_count - i) * sizeof l->holders[0]);
}

static void buy(struct launch *l, struct launch_trade *t)
{
    double part = chance_part(&l->chance);
    t->is_buy = true;
    t->wallet = draw_wallet(l);
    t->sol = 0.1 + 3 * part * part * part;
    t->tokens = l->pool_tokens * t->sol / (l->pool_sol + t->sol);
    l->pool_sol += t->sol;
    l->pool_tokens -= t->tokens;
    hold(l, t->wallet)->tokens += t->tokens;
}

/* Most who sell bought a moment ago; most sell all that they have. */
static void sell(struct launch *l, struct launch_trade *t)
{
    uint32_t among = l->holder_count;
    if (among > RECENT && chance_below(&l->chance, 10) < 6)
        among = RECENT;
    uint32_t i = l->holder_count - 1 - (uint32_t)chance_below(&l->chance, among);
    struct launch_holder *holder = &l->holders[i];
    bool all = chance_below(&l->chance, 10) < 7 ||
               holder->tokens * l->pool_sol < 0.02 * l->pool_tokens; /* not worth halving */
    t->wallet = holder->wallet;
    t->tokens = all ? holder->tokens : holder->tokens / 2;
    if (t->tokens > LARGEST_SALE * l->pool_tokens) {
        t->tokens = LARGEST_SALE * l->pool_tokens;
        all = false;
    }
    t->sol = l->pool_sol * t->tokens / (l->pool_tokens + t->tokens);
    l->pool_sol -= t->sol;
    l->pool_tokens += t->tokens;
    holder->tokens -= t->tokens;
    if (all)
        release(l, i);
}

struct launch_trade launch_next(struct launch *l)
{
    struct launch_trade t = {.time_ms = l->next_ms};
    bool buys = wants_to_buy(l);
    if (buys || l->holder_count == 0)
        buy(l, &t);
    else
        sell(l, &t);
    l->done++;
    launch_schedule(l);
    return t;
}
