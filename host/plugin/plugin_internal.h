/* plugin_internal.h: what the files of one configured plugin share, and nobody else sees.
 *
 * plugin.c is its life and what it begins with, swaps.c brings a build up to the cutover, trial.c
 * watches it from there until it has proved itself.
 */
#ifndef PLUGIN_PLUGIN_INTERNAL_H
#define PLUGIN_PLUGIN_INTERNAL_H

#include "plugin/choice.h"
#include "plugin/plugin.h"
#include "plugin/probe.h"
#include "plugin/succession.h"
#include "plugin/swap.h"
#include "plugin/verification.h"

enum { PROBED_MAX = 64 };

struct plugin {
    uv_loop_t *loop;
    struct journal *journal;
    char *name, *host_name, *state_dir, *plugin_dir;
    char *source; /* the file that the build in the seat was copied from */
    char *path;   /* as configured */
    char *config; /* as configured */
    int64_t verify_ms, probe_ms, open_ms, probation_ms;
    uint64_t *next_swap; /* of the host */
    void (*kept)(void *arg, struct builds_kept *out);
    void *kept_arg;
    struct choice *choice;
    struct chosen candidate_before; /* to be put back when the coming build is refused */
    bool tried_before;
    struct succession *succession;
    struct swap *queued; /* waits for its turn                        */
    struct swap *coming; /* from `verify` to `cutover`                */
    struct swap *seated; /* from `claim` to the end of its probation */
    struct verification *verification;
    struct probe *probe;
    struct saving *saving;    /* the candidate is being noted */
    char *stored;             /* the coming build's file in the store */
    char *probed[PROBED_MAX]; /* SHA-256 of builds that have passed the probe since the start */
    size_t n_probed;
    uv_timer_t retry;     /* the heir's next opening */
    uint64_t retry_ms;    /* its back-off */
    uv_timer_t probation; /* its end */
    unsigned handles;
    bool starting;                            /* the first choice is being noted */
    uint64_t verdicts[VERDICT_CANCELLED + 1]; /* how many of each */
    uint64_t gap_count, gap_us_sum, gap_us_max;
    void (*closed)(void *arg);
    void *closed_arg;
};

/* ---- plugin.c ---- */

/* Writes the choice to the journal; NULL `done` when nobody waits for it. */
int plugin_save(struct plugin *p, journal_done done, void *arg);

/* ---- swaps.c ---- */

extern const struct succession_events plugin_events;

/* Notes one that has ended, and frees it. */
void swaps_bury(struct plugin *p, struct swap *s);
/* Begins the one that waits, when it is its turn. */
void swaps_begin_next(struct plugin *p);
void swaps_close(struct plugin *p); /* cancels what is before its cutover */

/* ---- trial.c ---- */

void trial_begin(struct plugin *p, struct swap *s); /* it takes the seat, or is to at the start */
void trial_on_live(struct plugin *p, const struct succession_claim *claim);
void trial_on_acked(struct plugin *p, uint64_t seq);
void trial_on_failed(struct plugin *p, enum succession_stage stage, wt_status status,
                     const char *message);
void trial_on_time(uv_timer_t *timer);
void trial_close(struct plugin *p);

#endif
