/* instance.h: one life of a plugin build, from open to destroyed.
 *
 * Promise: the plugin is called in the order that the contract lays down, never from inside a call
 * of its own, and every step has a deadline.  An instance that breaks a rule or a deadline is
 *          reported as failed, once; whatever it holds is taken back before its code may go.
 * Thread:  loop thread only.
 * Knows:   build, ledger, the plugin contract.  Not: the journal, who replaces it when it fails.
 *
 *      opening ──▶ prepared ──▶ claiming ──▶ live ──▶ draining ──┐
 *         │            │            │          │          ▼       ▼
 *         └────────────┴────────────┴──────────┴──▶ broken ──▶ aborting ──▶ closed ──▶ gone
 *
 *      broken: it called fail(), or a deadline passed; its owner has been told and must close it.
 */
#ifndef PLUGIN_INSTANCE_H
#define PLUGIN_INSTANCE_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>
#include <walltrack/plugin.h>

#include "error.h"
#include "journal/event.h"
#include "metric.h"
#include "plugin/build.h"
#include "plugin/resolver.h"

struct instance;

/* What the host counted about it. */
struct instance_figures {
    uint64_t events[WT_SLOT + 1]; /* taken, by kind                       */
    uint64_t enough;              /* times that it had enough             */
    uint64_t violations;          /* calls against the contract           */
    uint64_t leaks;               /* things taken back by force           */
    const char *rule;             /* the one broken last, or NULL; static */
    char left[96];                /* what was taken back, "2 timers"      */
    uint64_t hook_calls_timed;    /* every 16th call is timed             */
    uint64_t hook_ns_sum;         /* of those                             */
    uint64_t hook_ns_max;         /* of all looks, in one call            */
    uint64_t hook_buckets[8];     /* ≤ 100, 200, 300, 500, 1000, 10000, 1000000 ns, above */
};

/* Reports to the owner, from a host-only stack in a later turn than their cause. */
struct instance_events {
    void (*prepared)(void *arg, const char *server);
    void (*claimed)(void *arg, uint64_t cursor);
    void (*acked)(void *arg, uint64_t seq);
    void (*resumed)(void *arg);
    void (*failed)(void *arg, wt_status status, const char *message); /* close it now */
    /* Bytes of an answer, and its end: from inside the plugin's call, so call nothing of it. */
    wt_status (*reply)(void *arg, wt_query *q, const void *bytes, size_t size);
    void (*reply_end)(void *arg, wt_query *q, wt_status status, const char *message);
    /* It holds nothing any more; its own figures, for the last time.  leaked: it never said so, and
     * its code stays loaded. */
    void (*closed)(void *arg, struct metric_set *figures, bool leaked);
    void (*gone)(void *arg, const struct instance_figures *figures); /* the last */
};

struct instance_spec {
    struct build *build; /* a reference is taken */
    const char *name;    /* plugins[].name */
    const char *config;  /* JSON text      */
    const char *host_name;
    uint64_t generation;
    int64_t open_ms, claim_ms, drain_ms;
    uint32_t mode; /* WT_OPEN_LIVE or WT_OPEN_PROBE */
};

/* -1 when the plugin's open() refused at once or there is no memory; nothing is left then.
 * `spec` is copied as far as it is needed; `events` must stay. */
int instance_open(uv_loop_t *loop, struct resolver *resolver, const struct instance_spec *spec,
                  const struct instance_events *events, void *arg, struct instance **out,
                  struct error *err);

void instance_claim(struct instance *i, const wt_claim_args *args); /* when prepared */

/* In claimed(): what the first event follows. */
void instance_start_at(struct instance *i, uint64_t cursor);

/* When live: one event to its hook.  False: it has enough for now. */
bool instance_offer(struct instance *i, const struct event *e);

/* When live: a hint to store what it has taken. */
void instance_flush(struct instance *i);

/* Drains (as long as drain_ms) or aborts; harmless in any state and twice. */
void instance_close(struct instance *i, uint32_t mode);

bool instance_can_answer(
    const struct instance *i); /* prepared, claiming or live, and has query() */
void instance_query(struct instance *i, wt_query *q, const wt_query_args *args);
void instance_query_cancel(struct instance *i, wt_query *q);

/* The plugin's own figures; nothing once it is closed. */
void instance_stats(struct instance *i, struct metric_set *out);

const struct instance_figures *instance_figures(const struct instance *i);

#endif
