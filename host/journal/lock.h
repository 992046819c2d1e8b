/* lock.h: one host, one state directory.
 *
 * Promise: while the lock is held no other host gets it; it ends with the process, however that
 *          ends.
 * Fails:   at once when another host holds it; after two seconds when the one that is named as its
 *          holder has ended, and a process that it was about to start still has it.
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
