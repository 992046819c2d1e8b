/* swap.h: one request to change a plugin's build: how far it is, and how it ended.
 *
 * Promise: the state only moves as the table in swap.c says; the time of every step is kept; a
 *          verdict, once given, changes only from LIVE to ROLLED BACK, within the probation.
 * Thread:  loop thread only; no I/O.
 * Knows:   nothing of how a step is done: swaps.h does them.
 *
 *      queued ─▶ verify ─▶ probe ─▶ load ─▶ prepare ─▶ cutover ─▶ claim ─▶ catch_up ─▶ probation
 *        └─────────┴─────────┴────────┴────────┴──────────┴─────────┴─────────┴────────▶ ended
 */
#ifndef PLUGIN_SWAP_H
#define PLUGIN_SWAP_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "plugin/build.h"

enum swap_kind {
    SWAP_ORDERED,  /* by the API */
    SWAP_ROLLBACK, /* by the API, to the build before */
    SWAP_RELOAD,   /* the configuration was read again */
    SWAP_START     /* the host started with a build that has yet to prove itself */
};

enum swap_state {
    SWAP_QUEUED,
    SWAP_VERIFY,
    SWAP_PROBE,
    SWAP_LOAD,
    SWAP_PREPARE,
    SWAP_CUTOVER,
    SWAP_CLAIM,
    SWAP_CATCH_UP,
    SWAP_PROBATION,
    SWAP_ENDED
};

enum swap_verdict {
    VERDICT_NONE,
    VERDICT_LIVE,
    VERDICT_REFUSED,
    VERDICT_ROLLED_BACK,
    VERDICT_SUPERSEDED,
    VERDICT_CANCELLED
};

struct swap;

/* Told once, in a call from the loop, when the verdict is given; the first one only. */
struct swap_listener {
    void (*answered)(void *arg, const struct swap *s);
    void *arg;
    struct swap_listener *next; /* the swap's */
    struct swap *swap;          /* the swap's; NULL when it listens to none */
};

struct swap {
    uint64_t id;
    enum swap_kind kind;
    enum swap_state state;
    enum swap_verdict verdict;
    bool force;
    char *plugin;
    char *by;     /* who wants it, or NULL */
    char *path;   /* as ordered, or NULL */
    char *wanted; /* the SHA-256 that it must have, or NULL */
    char *config; /* of the plugin, for the new build; JSON text */
    char *from;   /* label of the build that is to be replaced, or NULL */
    char *to;     /* label of the new one, or NULL as long as it is not known */
    char sha256[BUILD_SHA256_SIZE];
    struct build *build;  /* a reference, from `load` on */
    struct build *before; /* a reference to what it replaced, from `cutover` on, or NULL */
    char *config_before, *path_before;
    enum swap_state ended_in; /* the step, when it was not LIVE */
    char *reason, *detail;
    uint64_t generation;
    int64_t requested_us, ended_us; /* ended_us 0: not yet */
    uint64_t requested_ns, step_since_ns;
    int64_t step_us[SWAP_ENDED]; /* -1: not passed */
    int64_t feed_gap_us;         /* -1: there was none */
    int64_t live_after_us;       /* -1: it was never live */
    int64_t replayed;            /* -1: it never claimed */
    unsigned breaks;             /* times that the new build broke and was opened again */
    int64_t until_us;            /* the end of its probation, or 0 */
    uint64_t acked_from;         /* the cursor that it began with */
    uint64_t catch_up_to;        /* the event that it has to acknowledge to be live */
    struct swap_listener *listeners;
};

struct swap *swap_new(uint64_t id, enum swap_kind kind, const char *plugin); /* NULL: no memory */
void swap_free(struct swap *s); /* NULL is fine; it has no listeners any more */

/* Replaces one of its texts; `to` may be NULL. */
void swap_set(char **text, const char *to);

/* The only writer of s->state but swap_end(). */
void swap_move(struct swap *s, enum swap_state to);

/* It is live and caught up: tells the listeners; the probation begins. */
void swap_live(struct swap *s);

/* Ends it.  A verdict of LIVE given before stays unless `verdict` is ROLLED BACK; `reason` may be
 * NULL.  Tells listeners that have not been told. */
void swap_end(struct swap *s, enum swap_verdict verdict, const char *reason);

void swap_listen(struct swap *s, struct swap_listener *l);
void swap_stop_listening(struct swap_listener *l); /* harmless when it listens to none */

const char *swap_state_name(enum swap_state state);
const char *swap_verdict_name(enum swap_verdict verdict); /* NULL for none */
json_t *swap_json(const struct swap *s);                  /* as the API shows it; NULL: no memory */

/* "swap 41 REFUSED verify: truncated: …" */
char *swap_sentence(const struct swap *s); /* g_free() it */

#endif
