/* waiting.h: what the commands that wait have in common.
 *
 * What they wait for belongs to the host: when the waiting ends, by Ctrl-C, by --timeout or because
 * the host went away, it goes on.
 *
 * Thread: one.
 */
#ifndef CTL_WAITING_H
#define CTL_WAITING_H

#include <stdbool.h>

#include "error.h"

struct arguments;

/* From now on Ctrl-C, SIGTERM and SIGHUP only make waiting_is_interrupted() true. */
void waiting_catch_interrupts(void);
bool waiting_is_interrupted(void);

/* Of a steady clock. */
double waiting_now_seconds(void);

/* Returns early when a signal comes. */
void waiting_pause(long milliseconds);

/* --timeout in seconds, without one INFINITY; it must be a number, and goes with --wait only if the
 * command has that. */
int waiting_timeout(const struct arguments *a, double *out, struct error *err);

#endif
