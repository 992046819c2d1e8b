/* ledger.h: all that one plugin instance has borrowed from the host.
 *
 * Promise: whatever the instance holds (watches, timers, offloads, lookups) stands here, so that
 *          the host can say what is left, take it back by force, and know when the last callback
 * into the instance's code has run. Thread:  loop thread only. Knows:   libuv, resolver, call. Not:
 * instances, what the descriptors are.
 */
#ifndef PLUGIN_LEDGER_H
#define PLUGIN_LEDGER_H

#include <stdbool.h>
#include <stddef.h>

#include <uv.h>
#include <walltrack/plugin.h>

#include "plugin/resolver.h"

struct ledger;

/* `who` names the instance in the log (borrowed).  NULL: out of memory. */
struct ledger *ledger_new(uv_loop_t *loop, struct resolver *resolver, const char *who);

/* The services of plugin.h, on behalf of the instance. */
wt_watch *ledger_watch(struct ledger *l, int fd, uint32_t events, wt_io_callback call, void *user);
void ledger_rewatch(wt_watch *w, uint32_t events);
void ledger_unwatch(wt_watch *w);
wt_timer *ledger_timer(struct ledger *l, uint64_t ms, wt_callback call, void *user);
void ledger_untimer(wt_timer *t);
int ledger_offload(struct ledger *l, wt_callback work, wt_callback done, void *user);
int ledger_resolve(struct ledger *l, const char *name, wt_resolved call, void *user);

/* How many of each are open, as "2 watches, 1 timer"; returns the sum. */
size_t ledger_open(const struct ledger *l, char *text, size_t size);

/* Takes back all but running offloads, which nobody can stop.  No callback of what was taken back
 * runs any more. */
void ledger_revoke(struct ledger *l);

/* Revokes, waits for running offloads and closing handles, frees l, then calls `closed` from a
 * host-only stack. */
void ledger_close(struct ledger *l, void (*closed)(void *arg), void *arg);

#endif
