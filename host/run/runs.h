/* runs.h: all runs of this host: starting, following and ending them.
 *
 * Promise: a run that was reported as started is in the journal and gets exactly one end
 *          there: completed, failed or cancelled, whatever happens to engine or host.
 * Thread:  loop thread only.
 * Knows:   journal, engine.  Not: schedules, HTTP, plugins.
 */
#ifndef RUN_RUNS_H
#define RUN_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>
#include <walltrack/plugin.h>

#include "config/config.h"
#include "error.h"
#include "journal/journal.h"
#include "run/pace.h"

struct runs;

/* Who wants a run, and how.  Copied. */
struct run_request {
    uint8_t trigger;          /* WT_TRIGGER_…                           */
    const char *triggered_by; /* at most 100 characters, or NULL        */
    const char *schedule;     /* or NULL                                */
    int64_t slot_at_us;       /* or WT_NO_TIME                          */
    wt_params params;
    bool profile_immediately;
};

/* A run that is going, or one of the last that ended (at most 256 are remembered). */
struct run_view {
    wt_uuid id;
    const struct run_request *request;
    int64_t started_us;
    int64_t ended_us;   /* WT_NO_TIME while running       */
    uint8_t status;     /* WT_RUN_…                       */
    const char *reason; /* why failed or cancelled, or NULL */
    uint64_t end_seq;   /* number of its end event, 0 while running */
    int64_t duration_us;
    uint64_t tokens, wallets, errors; /* accepted from the engine so far */
    uint64_t duplicates;              /* discoveries that it repeated    */
    bool has_progress;
    int64_t progress_done, progress_total; /* total < 0: not said */
    const char *progress_stage;            /* or NULL             */
    struct pace pace;                      /* of progress_done; pace_rate() tells it */
    bool cancelling;
};

/* `config` must live until runs_configure() or runs_free(). */
int runs_new(uv_loop_t *loop, struct journal *j, const struct config *config, struct runs **out,
             struct error *err);
void runs_configure(struct runs *r, const struct config *config);

/* Writes the end of every run that the journal has as started and not ended; call once, before
 * any start. */
void runs_close_orphans(struct runs *r);

/* Accepts a run: *id is set at once, and `started` runs exactly once in a later turn, when
 * the start is durable (err NULL) or could not be made so.  Returns -1 without a `started`
 * when it is refused: EBUSY the limit of concurrent runs, ENOSPC the journal is full,
 * ESHUTDOWN the host is stopping, EIO the journal failed, ENOMEM. */
typedef void (*run_started)(void *arg, const wt_uuid *id, const struct error *err);
int runs_start(struct runs *r, const struct run_request *request, run_started started, void *arg,
               wt_uuid *id, struct error *err);

/* Asks a run to end; it is cancelled once its engine is gone.  -1: ENOENT no such live run,
 * EALREADY it has ended.  `by` goes into the reason. */
int runs_cancel(struct runs *r, const wt_uuid *id, const char *by, struct error *err);

/* Borrowed, valid in this turn; NULL when unknown. */
const struct run_view *runs_find(const struct runs *r, const wt_uuid *id);
size_t runs_running(const struct runs *r);
bool runs_is_running(const struct runs *r, const char *schedule); /* any run of a schedule */

/* Takes no new runs, cancels the running ones (reason: "walltrackd was stopped"), and calls
 * `stopped` when every end is durable. */
void runs_stop(struct runs *r, void (*stopped)(void *arg), void *arg);
/* After `stopped`.  Handles may still be closing: turn the loop once more before freeing it. */
void runs_free(struct runs *r);

struct runs_stats {
    uint64_t started, completed, failed, cancelled; /* since the start of the host */
    uint64_t lines, bad_lines, discoveries, duplicates;
    uint64_t paused_reads; /* how often an engine was not read for want of room */
};
void runs_stats(const struct runs *r, struct runs_stats *out);

#endif
