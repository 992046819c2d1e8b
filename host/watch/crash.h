/* crash.h: a last line in the log when the host crashes.
 *
 * Promise: a fault (SIGSEGV, SIGBUS, SIGILL, SIGFPE) or an abort() writes one line that says where:
 *          the plugin's build, generation and function that the thread was in, and the module and
 *          offset of the instruction.  Then the signal takes its usual way: exit status and core
 *          are those of a program that handles nothing.
 * Limits:  under AddressSanitizer faults are left to its own report, and only abort() is told of.
 *          A thread that blocks these signals crashes without the line; one that has run out of
 *          stack does so as well, but for the one that called crash_watch().
 * Knows:   call, log.  Not: builds; their owner says where they are.
 */
#ifndef WATCH_CRASH_H
#define WATCH_CRASH_H

#include <stdint.h>

/* Once, from the loop thread.  The libraries that are loaded by now are known by their names. */
void crash_watch(void);

/* Code from `base` to before `end` is that of `label` ("recorder 0.1.0 (9c1e2b4d)", copied, cut at
 * 95 bytes).  When 128 modules are known already the build stays unnamed.  Loop thread only. */
void crash_note_build(const char *label, uintptr_t base, uintptr_t end);

/* Before it is unmapped.  A base that was never noted is fine.  Loop thread only. */
void crash_forget_build(uintptr_t base);

#endif
