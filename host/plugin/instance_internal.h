/* instance_internal.h: what the instance's own files share, and nobody else sees.
 *
 * instance.c is the life, host_api.c what the plugin may call, hooks.c what the plugin is called
 * with while it lives.
 */
#ifndef PLUGIN_INSTANCE_INTERNAL_H
#define PLUGIN_INSTANCE_INTERNAL_H

#include "plugin/instance.h"
#include "plugin/ledger.h"

enum instance_state { OPENING, PREPARED, CLAIMING, LIVE, DRAINING, BROKEN, ABORTING, CLOSED, GONE };

/* What the plugin has reported and the owner has not yet been told. */
enum {
    SAID_PREPARED = 1,
    SAID_CLAIMED = 2,
    SAID_ACK = 4,
    SAID_RESUME = 8,
    SAID_FAIL = 16,
    SAID_CLOSED = 32
};

/* The plugin's wt_host is the instance itself. */
struct wt_host {
    enum instance_state state;
    uv_loop_t *loop;
    struct build *build;
    const struct instance_events *events;
    void *arg;
    struct ledger *ledger;
    char *who;  /* "recorder 0.1.0 (9c1e2b4d) #3" */
    void *self; /* the plugin's */
    int64_t claim_ms, drain_ms;
    unsigned said;
    uint64_t claimed, acked, delivered;
    uint64_t offered; /* to a hook; it may acknowledge before it returns */
    wt_status failure;
    char *failure_message;
    char *server;
    uv_idle_t turn;
    uv_timer_t deadline;
    unsigned handles;
    unsigned untimed; /* hook calls since one was timed */
    bool leaked;
    struct instance_figures figures;
};

struct instance {
    struct wt_host host; /* first and only: the two are one */
};

/* The functions that every plugin gets; host_api.c. */
extern const wt_host_api host_api;

/* Notes that something was said, for the owner to be told in the next turn; instance.c. */
void instance_say(wt_host *h, unsigned what);

/* Counts and takes back all that it has borrowed; instance.c. */
void instance_take_back(wt_host *h);

/* The first failure counts; instance.c. */
void instance_say_fail(wt_host *h, wt_status status, const char *message);

#endif
