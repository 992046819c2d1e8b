/* stack.h: the stack of a thread that does not answer, as text.
 *
 * Promise: the thread is interrupted by a signal (SIGRTMIN), writes its own stack, and goes on;
 *          a system call that it waits in is restarted where the kernel can.  Nobody waits longer
 *          than is said here.
 * Fails:   a thread that waits in the kernel without taking signals, as for a disk, gives nothing.
 */
#ifndef WATCH_STACK_H
#define WATCH_STACK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "error.h"

/* Makes ready: takes the signal, and loads what unwinding needs while nothing is wrong yet.  Once,
 * till stack_close(). */
int stack_open(struct error *err);

/* No stack_of() may be under way.  The signal stays taken: a late one must not end the process. */
void stack_close(void);

/* One line a frame, innermost first, as "recorder.so(+0x1c5)[0x7f…]"; what does not fit in `size`
 * is left out.  False: no answer within `ms`; `text` is what came.  Any thread but `thread`. */
bool stack_of(pthread_t thread, unsigned ms, char *text, size_t size);

#endif
