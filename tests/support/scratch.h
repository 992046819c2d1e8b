/* scratch.h: temporary directories that are gone when the test program is, however it ends.
 *
 * Promise: what scratch_new() made is removed at the latest when the program has ended, also
 *          after a crash, a SIGINT or a SIGKILL: a small process of its own waits for that.
 * Fails:   prints why and fails the running test.
 * Thread:  main thread only.
 */
#ifndef SUPPORT_SCRATCH_H
#define SUPPORT_SCRATCH_H

#include <stddef.h>

enum { SCRATCH_PATH_SIZE = 64 };

/* Makes an empty directory /tmp/walltrack-test-XXXXXX, mode 0711, and writes its path. */
void scratch_new(char path[SCRATCH_PATH_SIZE]);

/* Removes it with all that is in it, now. */
void scratch_remove(const char *path);

/* For a child made by fork(): its directories are its own and go when it ends. */
void scratch_forget(void);

/* Writes `text` to `dir`/`name` (mode 0644, or 0755 when it starts with "#!"). */
void scratch_write(const char *dir, const char *name, const char *text);

/* The whole file as text, malloc'd; NULL when it cannot be read. */
char *scratch_read(const char *path);

/* Prints the last `bytes` of a file to standard error, under a headline. */
void scratch_print_tail(const char *path, size_t bytes);

#endif
