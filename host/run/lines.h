/* lines.h: a stream of bytes, cut into lines.
 *
 * Promise: every line is delivered once, whole, with its number; a line over 64 KiB is reported
 *          once as too long and skipped to its newline; memory is one fixed buffer.
 * Thread:  any; no I/O.
 */
#ifndef RUN_LINES_H
#define RUN_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LINE_SIZE_MAX = 64 * 1024 }; /* without the newline */

struct lines {
    /* Twice the longest line: what is left of one read always leaves room for another. */
    char buffer[2 * LINE_SIZE_MAX + 1];
    size_t used;
    uint64_t number; /* of the last line delivered, from 1 */
    bool skipping;   /* inside a line that was reported as too long */
};

/* `text` is the receiver's to change during the call; text[size] is writable. */
typedef void (*lines_deliver)(void *arg, uint64_t number, char *text, size_t size, bool too_long);

/* Where the next bytes go: at least LINE_SIZE_MAX of room. */
char *lines_room(struct lines *l, size_t *room);

/* Takes `added` bytes written at lines_room() and delivers the lines that they complete. */
void lines_take(struct lines *l, size_t added, lines_deliver deliver, void *arg);

/* The stream has ended: what is left, if anything, is a line too. */
void lines_finish(struct lines *l, lines_deliver deliver, void *arg);

#endif
