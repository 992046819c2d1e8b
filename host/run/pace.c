#include "run/pace.h"

#include <string.h>

enum { APART_MS = 1000, KNOWN_AFTER_MS = 500 };

void pace_note(struct pace *p, uint64_t now_ms, int64_t done)
{
    unsigned last = p->count - 1;
    if (p->count > 0 && done < p->sample[last].done)
        p->count = 0;
    if (p->count > 1 && p->sample[last].at_ms - p->sample[last - 1].at_ms < APART_MS)
        p->count--; /* too near to the one before it: replaced */
    if (p->count == PACE_SAMPLES)
        memmove(&p->sample[0], &p->sample[1], --p->count * sizeof p->sample[0]);
    p->sample[p->count].at_ms = now_ms;
    p->sample[p->count].done = done;
    p->count++;
}

double pace_rate(const struct pace *p, uint64_t now_ms)
{
    if (p->count < 2)
        return -1;
    unsigned last = p->count - 1, from = 0;
    /* The latest one before the window, but never the newest: who speaks seldom has a pace, too. */
    while (from + 1 < last && now_ms - p->sample[from + 1].at_ms >= PACE_WINDOW_MS)
        from++;
    uint64_t ms = now_ms - p->sample[from].at_ms;
    if (ms < KNOWN_AFTER_MS)
        return -1;
    return (double)(p->sample[last].done - p->sample[from].done) * 1000 / (double)ms;
}
