/* slots.h: which due times of a schedule have passed, and what is to become of each.
 *
 * Slots are the whole multiples of the interval since 1970-01-01 UTC.  Pure: the state and the
 * time of day go in, a decision comes out.
 * Promise: going by the decisions, every slot after `last_us` is dealt with exactly once, however
 *          the clock is moved; a clock that was set back finds nothing due until it has passed
 *          the last slot again.
 */
#ifndef SCHEDULE_SLOTS_H
#define SCHEDULE_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

enum {
    SLOTS_RECORDED_MAX = 100,            /* missed ones that get an event of their own */
    SLOTS_ON_TIME_US = 60 * 1000 * 1000, /* no later than this is on time              */
};

struct slots_state {
    int64_t every_us;
    bool enabled;
    enum schedule_catch_up catch_up;
    int64_t last_us; /* all slots up to here have been dealt with           */
    bool was_down;   /* what is due now passed while the host was not running */
};

struct slots_plan {
    size_t missed;     /* so many slots from `missed_us` on are recorded as not fired … */
    int64_t missed_us; /* … the first of them                                          */
    int64_t earlier;   /* and so many before it, which are only counted                 */
    int64_t fire_us;   /* the slot to fire, WT_NO_TIME if none; always the newest       */
    int64_t late_us;   /* how late that is                                              */
    int64_t dealt_us;  /* last_us from now on                                           */
    int64_t wake_us;   /* the next slot                                                 */
};

void slots_plan(const struct slots_state *state, int64_t now_us, struct slots_plan *out);

#endif
