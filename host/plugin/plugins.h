/* plugins.h: the configured plugins, each fed from the journal by a cursor of its own.
 *
 * Promise: every plugin gets every event, in order, at least once, from the event after the
 *          last one that it has made durable; a plugin that fails is opened again for
 *          ever, with back-off; its build can be replaced at any time; nothing here waits for a
 *          plugin.
 * Thread:  loop thread only.
 * Knows:   journal, the plugin contract.  Not: runs, HTTP, PostgreSQL.
 */
#ifndef PLUGIN_PLUGINS_H
#define PLUGIN_PLUGINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <uv.h>
#include <walltrack/plugin.h>

#include "config/config.h"
#include "error.h"
#include "journal/journal.h"
#include "metric.h"

struct plugins;

/* Loads every configured plugin and starts to open it.  A file that cannot be used is an error
 * here, unless an earlier build of the plugin has proved good; a database that is away is not. */
int plugins_new(uv_loop_t *loop, struct journal *j, const struct config *config,
                struct plugins **out, struct error *err);

/* Stops feeding, lets each plugin store what it took (at most its drain time), closes all,
 * frees p, then calls `closed`. */
void plugins_close(struct plugins *p, void (*closed)(void *arg), void *arg);

/* ---- questions ---- */

/* status WT_OK: body is the answer, JSON, borrowed for the call.  Otherwise message says why:
 * WT_E_AGAIN nobody can answer now (try again), WT_E_ARGUMENT, WT_E_UNSUPPORTED, WT_E_CANCELLED
 * past the deadline, WT_E_INTERNAL. */
typedef void (*plugins_answer)(void *arg, wt_status status, const char *message, const char *body,
                               size_t size);
struct plugins_question;

/* Asks the first plugin that answers questions.  `answer` runs exactly once, in a later turn,
 * unless plugins_cancel() comes first.  A question that an instance's end interrupts is asked
 * again of the next one until its deadline.  NULL, and no `answer`, when no plugin answers
 * questions or 256 are outstanding. */
struct plugins_question *plugins_ask(struct plugins *p, const char *name, const char *args,
                                     uint64_t timeout_ms, plugins_answer answer, void *arg);
void plugins_cancel(struct plugins_question *q);

/* ---- swaps ---- */

struct swap;
struct swap_listener; /* plugin/swap.h */

struct swap_order {
    const char *path;   /* a file name inside plugin_dir, or the absolute path of such a file */
    const char *sha256; /* what it must have, or NULL */
    const char *by;     /* who wants it, or NULL */
    bool force;         /* also when it is the build in force */
};

/* Orders plugin `name` to use another build.  `listener` (may be NULL) is told the first verdict,
 * possibly before this returns.  `*id` numbers the order in this host.
 * Errors: ENOENT no such plugin. */
int plugins_swap(struct plugins *p, const char *name, const struct swap_order *order,
                 struct swap_listener *listener, uint64_t *id, struct error *err);
/* … the build before the present one.  ENOENT also: there is none; then err->msg says so. */
int plugins_roll_back(struct plugins *p, const char *name, const char *by,
                      struct swap_listener *listener, uint64_t *id, struct error *err);
/* Cancels the order under way, or the one that waits.  EALREADY: there is none, or it is too late.
 */
int plugins_cancel_swap(struct plugins *p, const char *name, const char *by, uint64_t *id,
                        struct error *err);

/* All orders of plugin i, newest first, as the API shows them; NULL: no memory. */
json_t *plugins_swaps(const struct plugins *p, size_t i);

/* The configuration was read again.  Plugins that were added or removed wait for the next start,
 * and the log says so. */
void plugins_configure(struct plugins *p, const struct config *config);

/* ---- for the operator ---- */

struct plugin_view {
    const char *name;
    const char *path;   /* of the file as configured       */
    const char *source; /* of the file that the build was copied from, or NULL */
    const char *build;  /* "recorder 0.1.0 (9c1e2b…)"       */
    const char *version;
    const char *sha256; /* of the file, 64 hex digits      */
    const char *state;  /* "live", "opening", "waiting" …  */
    const char *detail; /* why it is not live, or NULL      */
    int64_t state_since_us;
    int64_t retry_in_ms; /* -1: no retry is set              */
    uint64_t generation;
    uint64_t cursor;    /* last acknowledged event          */
    uint64_t delivered; /* last event handed to its hooks   */
    uint64_t lag;       /* durable events not acknowledged  */
    bool live;
    uint64_t violations, leaks;
    uint64_t leaked;                    /* instances whose code had to stay loaded */
    size_t pinned;                      /* builds, of all plugins, that the loader did not unload */
    const char *good;                   /* label of the build that a start falls back to, or NULL */
    const char *rollback_to;            /* label of the nearest way back, or NULL */
    const struct swap *coming, *queued; /* under way or in probation; waiting; or NULL */
    const char *server;                 /* as it reported, or NULL          */
};
size_t plugins_count(const struct plugins *p);
const char *plugins_folder(const struct plugins *p); /* where builds are taken from */
bool plugins_find(const struct plugins *p, const char *name, size_t *i);
void plugins_view(const struct plugins *p, size_t i, struct plugin_view *out);

/* The plugin's own figures, summed over its instances, and the host's about it: events by hook,
 * time in hooks, instances, violations.  Appended to `out`. */
void plugins_stats(const struct plugins *p, size_t i, struct metric_set *out);

#endif
