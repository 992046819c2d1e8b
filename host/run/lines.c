#include "run/lines.h"

#include <string.h>

char *lines_room(struct lines *l, size_t *room)
{
    *room = sizeof l->buffer - 1 - l->used;
    return l->buffer + l->used;
}

static void deliver_line(struct lines *l, char *text, size_t size, lines_deliver deliver, void *arg)
{
    l->number++;
    if (size > LINE_SIZE_MAX)
        deliver(arg, l->number, text, LINE_SIZE_MAX, true);
    else
        deliver(arg, l->number, text, size, false);
}

void lines_take(struct lines *l, size_t added, lines_deliver deliver, void *arg)
{
    char *start = l->buffer;
    char *end = l->buffer + l->used + added;
    char *search = l->buffer + l->used; /* what was left before holds no newline */
    char *newline;

    while ((newline = memchr(search, '\n', (size_t)(end - search))) != NULL) {
        if (l->skipping)
            l->skipping = false;
        else
            deliver_line(l, start, (size_t)(newline - start), deliver, arg);
        start = search = newline + 1;
    }

    l->used = (size_t)(end - start);
    if (l->skipping) {
        l->used = 0;
    } else if (l->used > LINE_SIZE_MAX) {
        deliver_line(l, start, l->used, deliver, arg);
        l->skipping = true;
        l->used = 0;
    } else if (start != l->buffer) {
        memmove(l->buffer, start, l->used);
    }
}

void lines_finish(struct lines *l, lines_deliver deliver, void *arg)
{
    if (l->used > 0 && !l->skipping)
        deliver_line(l, l->buffer, l->used, deliver, arg);
    l->used = 0;
    l->skipping = false;
}
