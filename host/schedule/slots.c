#include "schedule/slots.h"

/* The last slot that is not after t. */
static int64_t slot_before(int64_t t, int64_t every)
{
    int64_t rest = t % every;
    return t - (rest < 0 ? rest + every : rest);
}

void slots_plan(const struct slots_state *state, int64_t now_us, struct slots_plan *out)
{
    int64_t every = state->every_us;
    int64_t newest = slot_before(now_us, every);
    int64_t first = slot_before(state->last_us, every) + every;
    *out = (struct slots_plan){.missed_us = WT_NO_TIME,
                               .fire_us = WT_NO_TIME,
                               .dealt_us = state->last_us,
                               .wake_us = first};
    if (newest < first)
        return;

    out->late_us = now_us - newest;
    bool on_time = !state->was_down && out->late_us <= SLOTS_ON_TIME_US;
    if (state->enabled && (on_time || state->catch_up == CATCH_UP_LATEST))
        out->fire_us = newest;
    int64_t missed = (newest - first) / every + (out->fire_us == WT_NO_TIME ? 1 : 0);
    if (missed > SLOTS_RECORDED_MAX)
        out->earlier = missed - SLOTS_RECORDED_MAX;
    out->missed = (size_t)(missed - out->earlier);
    if (out->missed > 0)
        out->missed_us = first + out->earlier * every;
    out->dealt_us = newest;
    out->wake_us = newest + every;
}
