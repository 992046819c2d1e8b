/* run.h: one run: its start, what its engine finds, its end.
 *
 * Promise: between the start event and the end event of a run stand all facts of it and nothing
 *          after; a pair of wallet and token is one discovery, however often the engine says it.
 * Thread:  loop thread only.
 * Knows:   engine, line, seen, journal.  Not: other runs.
 *
 *      starting ──▶ running ──▶ ending ──▶ ended
 *         │   (start durable)  (engine gone, end event queued)  (end durable)
 *         ├──────────────────────▲ cancelled before its engine started
 *         └──▶ ended (its start could not be made durable: there is no such run)
 */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include <uv.h>

#include "run/runs.h"

struct run;

/* What a run reports; each in a later turn than the call that caused it. */
struct run_events {
    void (*started)(void *arg, struct run *r, const struct error *err); /* durable, or not at all */
    void (*ended)(void *arg, struct run *r); /* the end is durable, or can never be */
};

/* What all runs share; outlives them. */
struct run_context {
    uv_loop_t *loop;
    struct journal *journal;
    const struct config *config;
    struct runs_stats *stats;
    const struct run_events *events;
    void *arg;
};

/* Appends the start event; -1 when the journal does not take it. */
int run_new(const struct run_context *context, const struct run_request *request, struct run **out,
            struct error *err);
void run_free(struct run *r); /* only when ended */

/* Asks the run to end as cancelled, for that reason (copied).  -1: EALREADY it is ending or asked.
 */
int run_cancel(struct run *r, const char *reason, struct error *err);

/* Borrowed; up to date at any time. */
const struct run_view *run_view(const struct run *r);

/* The end event of a run that a former life of this host left open. */
uint64_t run_append_orphan_end(struct journal *j, const struct journal_open_run *orphan);

#endif
