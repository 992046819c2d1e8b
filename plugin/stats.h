/* stats.h: what an instance counts, and how it is reported.
 *
 * Promise: counting costs an addition; reporting allocates and waits for nothing.  Counters count
 *          since open(); the host sums over instances.
 * Thread:  loop only.
 * Knows:   the plugin contract.  Not: who counts.
 */
#ifndef RECORDER_STATS_H
#define RECORDER_STATS_H

#include <stddef.h>
#include <stdint.h>

#include <walltrack/plugin.h>

#include "reaction.h"

enum { KIND_COUNT = WT_SLOT + 1, TIME_BOUNDS = 12, ROW_BOUNDS = 9 };

struct figures {
    uint64_t taken[KIND_COUNT];    /* events taken, by kind                         */
    uint64_t recorded[KIND_COUNT]; /* of those, durable (in their table)            */
    uint64_t acked;
    uint64_t batches, bytes;
    uint64_t errors[REACTION_COUNT]; /* refusals by the server, by what was done    */
    uint64_t retries, quarantined, gaps, gap_events, fenced;
    uint64_t questions, questions_failed;
    uint64_t sweeps, sweeps_failed, removed_runs, removed_wallets; /* of the retention */
    uint64_t commit_count[TIME_BOUNDS + 1], batch_count[ROW_BOUNDS + 1];
    double commit_sum, batch_sum;
};

/* How the last sweep of the retention ended. */
struct sweep_end {
    double at;       /* seconds since 1970; 0: there was none */
    double seconds;  /* that it took                          */
    const char *why; /* it failed, or ""                      */
};

/* What is not counted but is now. */
struct levels {
    size_t gathering, in_flight; /* events      */
    size_t questions;            /* unanswered  */
    uint64_t cursor;
    const char *connection, *state;
    const char *retention;
    struct sweep_end sweep;
};

void figures_batch(struct figures *f, size_t events, size_t bytes, double seconds);
void figures_report(const struct figures *f, const struct levels *l, const wt_stats_sink *sink);

#endif
