/* succession.h: one instance after the other, each fed from its own cursor.
 *
 * Promise: there is one way for an instance to come to record, whatever ended the one before it
 *          (an outage, a crash of the host, a swap, a roll back): a fresh instance is opened, the
 *          one before is out of the way, the fresh one claims, and is fed from the cursor that it
 *          read.  While it is not closed there is an instance, or one being opened, or a time set
 *          at which the next will be.
 * Thread:  loop thread only.
 * Knows:   instance, feed, questions, journal.  Not: why a build is chosen.
 *
 *      waiting ──▶ opening ──────────────────▶ claiming ──▶ live ──▶ closing ──▶ waiting
 *         ▲           │                         ▲   │        │         ▲         (back-off
 *         └───────────┴─▶ closing ◀─────────────┼───┴────────┼─────────┘          0.1 s … 30 s)
 *                                               │            ▼
 *      an heir, opened beside, is prepared: handing over: the one before drains, then aborts
 *
 *      at a stop: stopping ──▶ stopped
 */
#ifndef PLUGIN_SUCCESSION_H
#define PLUGIN_SUCCESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "error.h"
#include "journal/journal.h"
#include "plugin/build.h"
#include "plugin/instance.h"
#include "plugin/questions.h"
#include "plugin/resolver.h"

struct succession;

/* What an instance is made of. */
struct succession_choice {
    struct build *build;
    const char *config; /* JSON text */
};

struct succession_limits {
    int64_t open_ms, claim_ms, drain_ms;
    int64_t
        ack_ms; /* an instance that acknowledges nothing for so long, though events wait, fails */
};

/* How an instance took the stream over. */
struct succession_claim {
    uint64_t generation;
    uint64_t cursor, head; /* it goes on after `cursor`; the journal ended at `head` */
    int64_t gap_us;        /* nobody was fed for so long; -1: nobody was before      */
};

/* How far an instance had come when it failed. */
enum succession_stage { STAGE_OPENING, STAGE_CLAIMING, STAGE_LIVE };

/* To the owner, from a host-only stack.  All may be called back into. */
struct succession_events {
    void (*handing_over)(void *arg); /* the heir is prepared; feeding has stopped */
    void (*claiming)(void *arg);     /* the one before is gone; the heir has the seat */
    void (*live)(void *arg, const struct succession_claim *claim);
    void (*acked)(void *arg, uint64_t seq);
    void (*heir_failed)(void *arg, wt_status status, const char *message); /* it is being closed */
    /* The one in the seat failed.  succession_choose() in it decides what is opened next. */
    void (*failed)(void *arg, enum succession_stage stage, wt_status status, const char *message);
    void (*leaked)(void *arg, uint64_t generation);
};

struct succession_spec {
    const char *name, *host_name; /* copied */
    struct succession_choice choice;
    struct succession_limits limits;
};

/* Opens nothing before succession_start().  A reference to the build is taken. */
struct succession *succession_new(uv_loop_t *loop, struct journal *j, struct resolver *resolver,
                                  const struct succession_spec *spec,
                                  const struct succession_events *events, void *arg);
void succession_start(struct succession *s);

/* Lets the one in the seat store all that is durable (at most 5 s), drains it, frees s, then calls
 * `closed`. */
void succession_close(struct succession *s, void (*closed)(void *arg), void *arg);

/* From the next opening on, which is made at once when none is open. */
void succession_choose(struct succession *s, const struct succession_choice *choice);

void succession_set_limits(struct succession *s, const struct succession_limits *limits);

/* Opens an instance beside the one in the seat; there must be no heir.  Prepared, it takes the seat
 * by itself.  -1 when its open() refused at once. */
int succession_open_heir(struct succession *s, const struct succession_choice *choice,
                         struct error *err);
void succession_drop_heir(struct succession *s); /* NULL heir is fine */

/* ---- looks ---- */

const struct build *succession_build(const struct succession *s);
const char *succession_config(const struct succession *s);
bool succession_is_live(const struct succession *s);
uint64_t succession_generation(
    const struct succession *s);                           /* of the one in the seat, or the last */
const char *succession_detail(const struct succession *s); /* why nobody is live, or NULL */
struct questions *succession_questions(struct succession *s);

struct plugin_view;
void succession_view(const struct succession *s, struct plugin_view *out);
void succession_stats(const struct succession *s, struct metric_set *out);

#endif
