/* succession_internal.h: what succession.c and succession_figures.c share, and nobody else sees. */
#ifndef PLUGIN_SUCCESSION_INTERNAL_H
#define PLUGIN_SUCCESSION_INTERNAL_H

#include "plugin/feed.h"
#include "plugin/succession.h"

enum succession_state {
    WAITING,
    OPENING,
    HANDING_OVER,
    CLAIMING,
    LIVE,
    CLOSING,
    STOPPING,
    STOPPED
};

/* One instance, from open to gone. */
struct tenure {
    struct succession *of; /* NULL: abandoned at the end, its code still runs somewhere */
    struct tenure *next;   /* of all that are not gone */
    struct instance *instance;
    struct build *build;
    char *config;
    char *server;
    uint64_t generation;
    bool leaked;
};

struct succession {
    enum succession_state state;
    int64_t state_since_us;
    uint64_t live_since_ns;
    uv_loop_t *loop;
    struct journal *journal;
    struct resolver *resolver;
    struct questions *questions;
    struct feed *feed;
    const struct succession_events *events;
    void *arg;
    char *name, *host_name;
    struct succession_limits limits;
    struct build *build; /* what the next opening takes */
    char *config;
    struct tenure *seat; /* the one that records, comes to, or did last; or NULL */
    struct tenure *heir; /* opened beside it; or NULL */
    struct tenure *all;
    uint64_t generations;   /* opened */
    uint64_t generation;    /* of the seat, or the last in it */
    uint64_t acked;         /* last acknowledged event */
    uint64_t delivered;     /* last event handed over  */
    uint64_t flush_at;      /* the event after which what is taken is to be stored */
    uint64_t stop_at;       /* at a stop: the event whose ack ends the wait */
    uint64_t fed_until_ns;  /* when feeding stopped for a handing over, or 0 */
    uint64_t ack_waited_ns; /* since when an acknowledgement is waited for */
    uint64_t backoff_ms;    /* 0: at once */
    uv_timer_t timer;       /* waiting: the next try; at a stop: the end of patience */
    uv_timer_t stall;       /* live: when the acknowledgement has been waited for too long */
    bool awaiting_ack;      /* `stall` is set */
    unsigned handles;
    char *detail; /* why nobody is live */
    char *server;
    bool asked_to_stop;
    bool holding;           /* the journal, while claiming */
    struct metric_set past; /* figures of the instances that are closed */
    struct instance_figures past_figures;
    uint64_t failures[WT_E_ARGUMENT + 1];
    uint64_t leaked;
    void (*closed)(void *arg);
    void *closed_arg;
};

const char *succession_state_name(const struct succession *s);

/* Adds what one instance counted to what those before it did; succession_figures.c. */
void succession_add_figures(struct instance_figures *into, const struct instance_figures *from);

#endif
