/* scheduler.h: starts runs when they are due, and records every due time.
 *
 * Promise: every slot of every schedule leaves exactly one slot event: fired, or why not.
 *          Slots of `every` are whole multiples of the interval since 1970-01-01 UTC, so they do
 *          not drift and a restart does not move them.  An idle host sleeps until the next one.
 * Thread:  loop thread only.
 * Knows:   runs, journal, config.  Not: HTTP, plugins.
 */
#ifndef SCHEDULE_SCHEDULER_H
#define SCHEDULE_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "config/config.h"
#include "error.h"
#include "journal/journal.h"
#include "run/runs.h"

struct scheduler;

/* A schedule as it is in force: the file's, or what the API has set over it since. */
struct schedule_view {
    const char *name;
    bool enabled;
    int64_t every_seconds;
    enum schedule_overlap overlap;
    enum schedule_catch_up catch_up;
    wt_params params;
    bool profile_immediately;
    int64_t next_us; /* WT_NO_TIME when not enabled   */
    int64_t last_us; /* last slot that fired, WT_NO_TIME if none */
};

/* `config` must live until scheduler_configure() or scheduler_free().  Slots that fell due while
 * the host was down are dealt with in the first turn, by each schedule's catch_up. */
int scheduler_new(uv_loop_t *loop, struct journal *j, struct runs *runs,
                  const struct config *config, struct scheduler **out, struct error *err);
void scheduler_configure(struct scheduler *s, const struct config *config);

/* Fires nothing any more; frees s and calls `closed` in a later turn. */
void scheduler_close(struct scheduler *s, void (*closed)(void *arg), void *arg);

bool scheduler_view(const struct scheduler *s, size_t i, struct schedule_view *out);

/* The interval of a schedule, in seconds. */
enum { SCHEDULE_EVERY_MIN = 1, SCHEDULE_EVERY_MAX = 366 * 24 * 60 * 60 };

/* What an API client may change of a schedule. */
struct schedule_change {
    bool has_enabled, enabled;
    bool has_every, has_params, has_profile;
    int64_t every_seconds; /* 1 s to 366 days */
    wt_params params;
    bool profile_immediately;
};

/* Persisted in the journal's settings, then in force, then `done` runs (in a later turn).  The
 * change holds across restarts until the schedule's entry in the configuration file itself is
 * edited. */
int scheduler_change(struct scheduler *s, size_t i, const struct schedule_change *change,
                     journal_done done, void *arg, struct error *err);

#endif
