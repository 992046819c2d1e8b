/* server.h: the admin API, HTTP/1.1 on a unix socket.
 *
 * Promise: the socket is reachable only by those whom mode and group allow, from the first
 *          moment on; one host at a time owns it, and a stale one is replaced.  Every request
 *          is answered or ended by its deadline.  Slow, silent or many clients cost a
 *          bounded amount of memory and never keep root or the host's own user out.
 * Thread:  loop thread only; user names are looked up on a worker thread.
 * Knows:   runs, scheduler, plugins, journal, libmicrohttpd.  Not: who constructs it, SQL.
 *
 * What can be asked stands in one table, routes.c; `GET /` prints it.
 */
#ifndef ADMIN_SERVER_H
#define ADMIN_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "config/config.h"
#include "error.h"
#include "journal/journal.h"
#include "plugin/plugins.h"
#include "run/runs.h"
#include "schedule/scheduler.h"
#include "watch/watchdog.h"

struct admin;

/* What the API speaks about.  All of it is borrowed and must outlive `closed`. */
struct admin_ports {
    struct runs *runs;
    struct scheduler *scheduler;
    struct plugins *plugins;
    struct journal *journal;
    const struct watchdog *watchdog; /* NULL: there is none */
    const char *host_name;
    const char *version;
    int64_t started_us;          /* when the host started, microseconds since 1970 */
    bool (*stopping)(void *arg); /* is the host on its way down?  NULL: never */
    void *arg;
};

/* Binds config->admin.socket and listens.  `ports` is copied; `config` is read only in this
 * call: a changed socket takes effect when the host starts again.  Blocks for a moment (files
 * and the group's name), so it is called before the loop turns.
 * On failure *out is untouched and nothing is left behind; err->code is EADDRINUSE when
 * another host owns the socket, ENAMETOOLONG when its path is too long. */
int admin_new(uv_loop_t *loop, const struct config *config, const struct admin_ports *ports,
              struct admin **out, struct error *err);

/* Takes no new connection, answers what waits with 503, gives answers under way a second,
 * removes the socket, frees a, then calls `closed` in a later turn.  Call it before runs,
 * scheduler and plugins are closed.  A run that is just being started stays so: its
 * `started` is waited for by the API's own small record of it.  NULL is fine. */
void admin_close(struct admin *a, void (*closed)(void *arg), void *arg);

struct admin_stats {
    uint64_t connections;      /* accepted since the start               */
    uint64_t connections_open; /* now                                    */
    uint64_t refused;          /* connections over the cap               */
    uint64_t overdue;          /* connections and requests past a deadline */
    uint64_t exports_open;     /* now                                    */
    uint64_t answers[6];       /* by hundreds of the status: answers[2] is 2xx */
};
void admin_stats(const struct admin *a, struct admin_stats *out);

#endif
