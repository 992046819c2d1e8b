/* trial.h: a host under load that things are done to, and what came of it.
 *
 *     struct trial t;
 *     trial_begin(&t, &(struct trial_spec){.name = "server stopped at once", .pg = pg}, row);
 *     while (…) {
 *         trial_mark(&t);
 *         … the fault …
 *         trial_await_recovery(&t, process_now_ms());
 *     }
 *     trial_end(&t);      lets all end, and calls the judge
 *
 * Fails:   what must never happen to the ground itself ends the program; what the host does wrong
 *          is counted in the row.
 * Thread:  main thread only, beside the thread that starts runs.
 */
#ifndef FAULTS_TRIAL_H
#define FAULTS_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "faults.h"
#include "proxy.h"
#include "soak.h"
#include "soak_client.h"
#include "soak_load.h"
#include "support/postgres.h"
#include "support/world.h"

struct trial;

struct trial_spec {
    const char *name;
    struct postgres *pg;
    const char *config; /* laid over the usual one, or NULL           */
    const char *plugin; /* more of the recorder's configuration: ", \"batch_ms\": 1", or NULL */
    bool proxied;       /* there is a proxy between                   */
    bool gone;          /* the journal forgets: see the judge's --gone */
    bool excuse;        /* a run may fail for want of memory */
    uint64_t rate;      /* lines a second; 0: the usual               */
    void (*before_start)(struct trial *t, void *arg); /* the world is made, the host not started */
    void *arg;
    void (*after_end)(struct trial *t); /* the host has been stopped and judged */
};

struct cursor_mark {
    unsigned long long token, seq; /* of the instance that holds it, and how far it is */
};

struct trial {
    struct trial_spec spec;
    struct fault_row *row;
    struct world *w;
    struct proxy *proxy;
    struct client *client;
    struct soak soak;
    struct load *load;
    struct chance chance;
    PGconn *watch;           /* to the server itself, whenever it can be had */
    struct cursor_mark mark; /* when the fault began                         */
    const char *set[6];      /* of the host's environment                    */
    char point[128], broken[256];
    uint64_t lines, undecided;
};

void trial_begin(struct trial *t, const struct trial_spec *spec, struct fault_row *row);

/* Where the cursor stands, if the server can be asked; as noted by trial_mark() else. */
bool trial_look(struct trial *t, struct cursor_mark *out);
void trial_mark(struct trial *t);

/* Waits until an instance that has claimed since the mark has recorded something new; counts the
 * time since `end_ms`.  The fault counts as one more.  Returns false, and counts it, when that
 * takes longer than a quarter of a minute. */
bool trial_await_recovery(struct trial *t, long end_ms);
/* The same without a new instance: something new is recorded. */
bool trial_await_progress(struct trial *t, long end_ms);
/* Until the host says of the recorder something with these words in it; false when it does not. */
bool trial_await_detail(struct trial *t, const char *words, long ms);
/* Counts a fault that is followed by the next without a look. */
void trial_count(struct trial *t);
/* What the host must not do. */
void trial_blame(struct trial *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* SIGKILL, and a look whether an engine has outlived it. */
void trial_kill(struct trial *t);
/* With "name:count:action" for the host's fault points, or NULL; returns when it answers.  False:
 * it has ended before that, as a point may have it. */
bool trial_start(struct trial *t, const char *point);
/* Until the host ends by itself; false when it does not. */
bool trial_await_end(struct trial *t, int ms);

/* Ends the load, lets all that is going come to its end, stops the host and judges. */
void trial_end(struct trial *t);

#endif
