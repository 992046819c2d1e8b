/* call.h: who is being called, and how long it takes.
 *
 * Every call from the host into a plugin stands between call_begin() and call_end(), so that what
 * blocks the loop can be named: the plugin's label and the function.
 * Thread:  loop thread only; call_current() may be read from a signal handler.
 */
#ifndef PLUGIN_CALL_H
#define PLUGIN_CALL_H

#include <stdint.h>

struct call {
    const char *who;  /* "recorder 0.1.0 (9c1e2b4d) #3"; NULL: the host itself is running */
    const char *what; /* "on_wallet" */
    uint64_t since_ns;
};

void call_begin(const char *who, const char *what);

/* Logs a call over 5 ms with its name; returns how long it took, in nanoseconds. */
uint64_t call_end(void);

const struct call *call_current(void);

#endif
