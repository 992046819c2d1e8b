/* call.h: which call into a plugin is under way, and how long it takes.
 *
 * Promise: while a thread is inside a plugin's code, its mark says whose code that is and which
 *          function, so that a stall or a crash has a name.  Calls on the loop thread that may take
 *          long stand between call_begin() and call_end(), which also measure; those that are too
 *          short to be measured, and those on other threads, between call_enter() and call_leave().
 * Cost:    call_enter() and call_leave() are three plain stores together, less than a nanosecond.
 * Thread:  each has its own mark.  Only call_name() looks at another thread's, or runs in a signal
 *          handler.
 * Knows:   log.  Not: instances.
 */
#ifndef WATCH_CALL_H
#define WATCH_CALL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One thread's mark.  Both names are borrowed till the call ends. */
struct call {
    _Atomic(const char *) who;  /* "recorder 0.1.0 (9c1e2b4d) #3"; NULL: not inside a plugin */
    _Atomic(const char *) what; /* "on_wallet" */
};

extern _Thread_local struct call call_here;

/* Calls do not nest: a plugin is never re-entered. */
static inline void call_enter(const char *who, const char *what)
{
    atomic_store_explicit(&call_here.what, what, memory_order_relaxed);
    atomic_store_explicit(&call_here.who, who, memory_order_relaxed);
}

static inline void call_leave(void)
{
    atomic_store_explicit(&call_here.who, NULL, memory_order_relaxed);
}

/* Loop thread only: call_enter(), and the clock is read. */
void call_begin(const char *who, const char *what);

/* Logs a call over 5 ms with its name; returns how long it took, in nanoseconds. */
uint64_t call_end(void);

/* A call's names, copied; cut when longer, and always ended by a NUL. */
struct call_name {
    char who[160], what[32];
};

/* What `c`, a mark of this thread or of one that still runs, says now.  False: it is not inside a
 * plugin.  The names are read in a way that cannot fault, whatever has become of them: one that
 * cannot be read is "?".  Async-signal-safe. */
bool call_name(const struct call *c, struct call_name *out);

#endif
