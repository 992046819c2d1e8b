/* lock.h: one host, one state directory.
 *
 * Promise: while the lock is held no other host gets it; it ends with the process, however that
 *          ends.
 * Thread:  any; blocks.
 */
#ifndef JOURNAL_LOCK_H
#define JOURNAL_LOCK_H

#include "error.h"

/* Makes `dir` (mode 0700) and what leads to it if missing, and takes `dir`/lock, which holds the
 * holder's process number.  Returns a descriptor that is the lock, or -1. */
int lock_take(const char *dir, struct error *err);
void lock_drop(int lock); /* -1 is fine */

#endif
