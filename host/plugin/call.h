/* call.h: how long a call into a plugin takes.
 *
 * Calls from the host into a plugin stand between call_begin() and call_end(), so that what blocks
 * the loop can be named: the plugin's label and the function.  Of the hooks one call in 16 does.
 * Thread:  loop thread only.
 */
#ifndef PLUGIN_CALL_H
#define PLUGIN_CALL_H

#include <stdint.h>

/* who: "recorder 0.1.0 (9c1e2b4d) #3"; what: "on_wallet".  Both are borrowed till call_end(). */
void call_begin(const char *who, const char *what);

/* Logs a call over 5 ms with its name; returns how long it took, in nanoseconds. */
uint64_t call_end(void);

#endif
