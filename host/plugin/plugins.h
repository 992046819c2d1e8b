/* plugins.h: the configured plugins, each fed from the journal by a cursor of its own.
 *
 * Promise: every plugin gets every event, in order, at least once, from the event after the
 *          last one that it has made durable; a plugin that fails is opened again for
 *          ever, with back-off; nothing here waits for a plugin.
 * Thread:  loop thread only.
 * Knows:   journal, the plugin contract.  Not: runs, HTTP, PostgreSQL.
 */
#ifndef PLUGIN_PLUGINS_H
#define PLUGIN_PLUGINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>
#include <walltrack/plugin.h>

#include "config/config.h"
#include "error.h"
#include "journal/journal.h"
#include "metric.h"

struct plugins;

/* Loads every configured plugin and starts to open it.  A file that cannot be loaded is an
 * error here; a database that is away is not. */
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

/* ---- for the operator ---- */

struct plugin_view {
    const char *name;
    const char *path;  /* of the file as configured       */
    const char *build; /* "recorder 0.1.0 (9c1e2b…)"       */
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
    const char *server; /* as it reported, or NULL          */
};
size_t plugins_count(const struct plugins *p);
void plugins_view(const struct plugins *p, size_t i, struct plugin_view *out);

/* The plugin's own figures, summed over its instances, and the host's about it: events by hook,
 * time in hooks, instances, violations.  Appended to `out`. */
void plugins_stats(const struct plugins *p, size_t i, struct metric_set *out);

#endif
