/* thread.h: a thread that no signal is delivered to.
 *
 * Signals belong to the loop.  0, or -1 with err.
 */
#ifndef JOURNAL_THREAD_H
#define JOURNAL_THREAD_H

#include <uv.h>

#include "error.h"

int thread_start(uv_thread_t *thread, const char *name, void (*body)(void *arg), void *arg,
                 struct error *err);

#endif
