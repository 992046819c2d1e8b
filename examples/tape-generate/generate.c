/* All launches are kept in a heap by the time of their next trade, so rows come out sorted and
 * memory grows with the tokens only.
 */
#include "generate.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "chance.h"
#include "launch.h"

/* ---- the queue: the launch with the earliest trade first --------------------------------- */

static bool is_before(const struct launch *a, const struct launch *b)
{
    return a->next_ms != b->next_ms ? a->next_ms < b->next_ms : a->number < b->number;
}

static void sift_down(struct launch **heap, size_t count, size_t at)
{
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++)
            if (is_before(heap[child], heap[least]))
                least = child;
        if (least == at)
            return;
        struct launch *swapped = heap[at];
        heap[at] = heap[least];
        heap[least] = swapped;
        at = least;
    }
}

/* ---- the launches ------------------------------------------------------------------------ */

/* A launch every two hours or, when there are many, all within a fortnight. */
static void set_start(struct launch *l, const struct generate_options *o)
{
    int64_t gap_ms = 2 * INT64_C(3600000);
    int64_t fortnight_ms = 14 * 24 * INT64_C(3600000);
    if ((int64_t)o->tokens * gap_ms > fortnight_ms)
        gap_ms = fortnight_ms / (int64_t)o->tokens;
    struct chance chance = chance_new(o->seed, CHANCE_PURPOSE(START, l->number));
    l->start_ms = o->start_us / 1000 + l->number * gap_ms;
    if (l->number > 0)
        l->start_ms += (int64_t)chance_below(&chance, (uint64_t)gap_ms);
}

/* One row each, the rest by weight; exact, because it is cut by whole numbers. */
static void share_rows(struct launch *launches, const struct generate_options *o)
{
    uint64_t weight = 0, total = 0, given = 0;
    for (uint64_t i = 0; i < o->tokens; i++)
        total += launches[i].weight;
    for (uint64_t i = 0; i < o->tokens; i++) {
        weight += launches[i].weight;
        uint64_t upto = (o->rows - o->tokens) * weight / total;
        launches[i].rows = 1 + upto - given;
        given = upto;
    }
}

static void prepare(struct launch *launches, struct launch **heap, const struct generate_options *o)
{
    for (uint64_t i = 0; i < o->tokens; i++) {
        launch_init(&launches[i], o->seed, (uint32_t)i, (uint32_t)(o->rows / 25) + 50);
        set_start(&launches[i], o);
        heap[i] = &launches[i];
    }
    share_rows(launches, o);
    for (uint64_t i = 0; i < o->tokens; i++)
        launch_schedule(&launches[i]);
    for (size_t i = o->tokens / 2 + 1; i-- > 0;)
        sift_down(heap, o->tokens, i);
}

/* ---- writing ----------------------------------------------------------------------------- */

static const char *time_text(int64_t ms, char out[48])
{
    time_t seconds = ms / 1000;
    struct tm tm;
    char whole[32] = "";
    if (gmtime_r(&seconds, &tm) != NULL)
        strftime(whole, sizeof whole, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out, 48, "%s.%03dZ", whole, (int)(ms % 1000));
    return out;
}

static bool write_row(gzFile file, const struct generate_options *o, uint32_t token,
                      const struct launch_trade *t)
{
    char time[48], mint[CHANCE_ADDRESS_SIZE], wallet[CHANCE_ADDRESS_SIZE], row[512];
    struct chance for_mint = chance_new(o->seed, CHANCE_PURPOSE(TOKEN, token));
    struct chance for_wallet = chance_new(o->seed, CHANCE_PURPOSE(WALLET, t->wallet));
    int n = snprintf(row, sizeof row, "%s,solana,%s,%s,%s,%.6f,%.6f,generated,%.9f,SOL,\n",
                     time_text(t->time_ms, time), chance_address(&for_mint, "pump", mint),
                     chance_address(&for_wallet, "", wallet), t->is_buy ? "buy" : "sell", t->tokens,
                     t->sol * LAUNCH_USD_PER_SOL, t->sol);
    return gzwrite(file, row, (unsigned)n) == n;
}

static bool write_rows(gzFile file, const struct generate_options *o, struct launch **heap)
{
    static const char header[] = "time,chain,token,wallet,side,token_amount,usd_amount,usd_source,"
                                 "native_amount,native_unit,tx\n";
    size_t count = o->tokens;
    if (gzputs(file, header) < 0)
        return false;
    while (count > 0) {
        struct launch *l = heap[0];
        struct launch_trade trade = launch_next(l);
        if (!write_row(file, o, l->number, &trade))
            return false;
        if (l->done == l->rows)
            heap[0] = heap[--count];
        sift_down(heap, count, 0);
    }
    return true;
}

static gzFile open_output(const struct generate_options *o)
{
    if (o->output == NULL)
        return gzdopen(dup(STDOUT_FILENO), "wT");
    size_t length = strlen(o->output);
    bool packed = length > 3 && strcmp(o->output + length - 3, ".gz") == 0;
    return gzopen(o->output, packed ? "wbe" : "wTe");
}

int generate(const struct generate_options *o, struct error *err)
{
    struct launch *launches = calloc(o->tokens, sizeof *launches);
    struct launch **heap = calloc(o->tokens, sizeof(struct launch *));
    gzFile file = launches != NULL && heap != NULL ? open_output(o) : NULL;
    bool good = file != NULL;
    if (good) {
        prepare(launches, heap, o);
        good = write_rows(file, o, heap);
        good = gzclose(file) == Z_OK && good;
    }
    if (!good)
        error_set(err, errno, "%s: %s", o->output != NULL ? o->output : "stdout", strerror(errno));
    free(launches);
    free(heap);
    return good ? 0 : -1;
}
