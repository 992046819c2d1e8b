/* stderr_tail.h: what an engine says on standard error.
 *
 * Lines go to the host's log under the run's name, at most 100 a second (the rest is counted), and
 * the last 4 KiB are kept for the run's record. Thread: loop thread only.
 */
#ifndef RUN_STDERR_TAIL_H
#define RUN_STDERR_TAIL_H

#include <stddef.h>
#include <stdint.h>

enum { STDERR_TAIL_SIZE = 4096, STDERR_LINE_SIZE = 1024, STDERR_LINES_A_SECOND = 100 };

struct stderr_tail {
    char ring[STDERR_TAIL_SIZE];
    size_t total; /* bytes ever put; the ring holds the last of them */
    char line[STDERR_LINE_SIZE];
    size_t line_used;
    int64_t second;
    unsigned in_second, suppressed;
};

void stderr_tail_add(struct stderr_tail *t, const char *log_name, const char *data, size_t size);
void stderr_tail_finish(struct stderr_tail *t, const char *log_name); /* logs an unfinished line */

/* The kept bytes as valid UTF-8 text without control characters but newlines; g_free() it. */
char *stderr_tail_text(const struct stderr_tail *t);

#endif
