#include <time.h>

#include "soak.h"

struct chance chance_of(uint64_t seed, unsigned thread)
{
    return (struct chance){(seed + 1) * 0x9e3779b97f4a7c15u ^ (thread + 1) * 0xd1342543de82ef95u};
}

unsigned chance_below(struct chance *c, unsigned limit)
{
    c->state ^= c->state << 13;
    c->state ^= c->state >> 7;
    c->state ^= c->state << 17;
    return (unsigned)((c->state >> 16) % limit);
}

bool chance_percent(struct chance *c, uint64_t percent)
{
    return chance_below(c, 100) < percent;
}

double soak_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void soak_pause_ms(double ms)
{
    if (ms <= 0)
        return;
    const struct timespec pause = {.tv_sec = (time_t)(ms / 1e3),
                                   .tv_nsec = (long)(ms * 1e6) % 1000000000};
    (void)nanosleep(&pause, NULL);
}
