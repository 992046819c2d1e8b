/* watchdog.h: sees the event loop stand still, and says what holds it.
 *
 *     trace_ms   one line names the plugin and the function that the loop is in, or the host, and
 *                its stack follows
 *     abort_ms   one line, and the process ends with SIGABRT: a host that hangs is worth less than
 *                one that starts again
 *
 * Promise: a turn of the loop that takes that long is seen, whichever callback it is in; a loop
 *          that waits for events or turns quickly never is.  An idle loop costs nothing: nobody
 *          wakes up.
 * How:     libuv runs the callbacks of descriptors from within its own wait, so that no handle of
 *          it can tell waiting from working.  watchdog_run() therefore waits for events itself, and
 *          lets libuv turn without waiting.  The thread looks at the loop ten times a trace_ms
 *          while there is work and sleeps while there is none; the first turn after a pause wakes
 *          it.
 * Time:    is counted in the thread's own looks, each for its length at most, so that a process
 *          that was stopped, or a machine that was suspended, is no stall.
 * Thread:  the loop's.  One watchdog a process: it uses SIGRTMIN.
 * Knows:   call, log.  Not: what runs on the loop.
 */
#ifndef WATCH_WATCHDOG_H
#define WATCH_WATCHDOG_H

#include <stdint.h>

#include <uv.h>

#include "error.h"

struct watchdog;

struct watchdog_limits {
    uint64_t trace_ms; /* 1..3600000 */
    uint64_t abort_ms; /* 0: never */
};

/* From here on: what the caller does before watchdog_run() counts as the loop's first turn, and
 * what it does after as part of the last. */
int watchdog_start(uv_loop_t *loop, const struct watchdog_limits *limits, struct watchdog **out,
                   struct error *err);

/* Instead of uv_run(loop, UV_RUN_DEFAULT): turns till nothing is left that could happen. */
void watchdog_run(struct watchdog *w);

/* Ends the thread and frees w; watchdog_run() need not have been called.  NULL is fine. */
void watchdog_stop(struct watchdog *w);

struct watchdog_stats {
    uint64_t stalls;          /* turns that took trace_ms or longer */
    uint64_t longest_ms;      /* the longest of them, as far as it has come */
    uint64_t turns;           /* of the loop */
    uint64_t longest_turn_us; /* the longest turn that has ended */
};
/* NULL: all are 0. */
struct watchdog_stats watchdog_stats(const struct watchdog *w);

#endif
