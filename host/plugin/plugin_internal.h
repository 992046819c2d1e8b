/* plugin_internal.h: what plugin.c and plugin_figures.c share, and nobody else sees. */
#ifndef PLUGIN_PLUGIN_INTERNAL_H
#define PLUGIN_PLUGIN_INTERNAL_H

#include "plugin/build.h"
#include "plugin/feed.h"
#include "plugin/instance.h"
#include "plugin/plugin.h"

enum plugin_state { WAITING, OPENING, CLAIMING, LIVE, CLOSING, STOPPING, STOPPED };

struct plugin {
    enum plugin_state state;
    int64_t state_since_us;
    uv_loop_t *loop;
    struct journal *journal;
    struct resolver *resolver;
    struct questions *questions;
    struct feed *feed;
    struct build *build;
    struct instance *instance; /* or NULL */
    char *name, *path, *config, *host_name;
    int64_t open_ms, claim_ms, drain_ms;
    uint64_t generation;
    uint64_t acked;     /* last acknowledged event */
    uint64_t delivered; /* last event handed over  */
    uint64_t stop_at;   /* at a stop: the event whose ack ends the wait */
    uint64_t backoff_ms;
    uv_timer_t timer; /* waiting: the next try; at a stop: the end of patience */
    char *detail;     /* why it is not live */
    char *server;
    bool asked_to_stop;
    bool holding;           /* the journal, while claiming */
    struct metric_set past; /* figures of the instances before this one */
    struct instance_figures past_figures;
    uint64_t failures[WT_E_ARGUMENT + 1];
    uint64_t leaked;
    void (*closed)(void *arg);
    void *closed_arg;
};

const char *plugin_state_name(const struct plugin *p);

/* Adds what one instance counted to what those before it did; plugin_figures.c. */
void plugin_add_figures(struct instance_figures *into, const struct instance_figures *from);

#endif
