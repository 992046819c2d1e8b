/* pace.h: how fast something that only says how far it is goes on.
 *
 * Thread: any; no state beyond the struct.  A zeroed one has been told nothing.
 */
#ifndef RUN_PACE_H
#define RUN_PACE_H

#include <stdint.h>

enum { PACE_WINDOW_MS = 10000, PACE_SAMPLES = 12 };

struct pace {
    struct {
        uint64_t at_ms;
        int64_t done;
    } sample[PACE_SAMPLES]; /* oldest first, a second apart at least; the last is the newest */
    unsigned count;
};

/* `done` is how far it is now.  Less than before: it has begun anew. */
void pace_note(struct pace *p, uint64_t now_ms, int64_t done);

/* Done in a second, over about the last ten of them; less when nothing has been heard for long.
 * Negative: it is not known yet. */
double pace_rate(const struct pace *p, uint64_t now_ms);

#endif
