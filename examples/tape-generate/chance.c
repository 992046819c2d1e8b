#include "chance.h"

#include <stdio.h>
#include <string.h>

static uint64_t scramble(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

struct chance chance_new(uint64_t seed, uint64_t purpose)
{
    return (struct chance){scramble(scramble(seed + 1) + purpose)};
}

uint64_t chance_bits(struct chance *c)
{
    c->state += 0x9e3779b97f4a7c15u;
    return scramble(c->state);
}

uint64_t chance_below(struct chance *c, uint64_t below)
{
    return (chance_bits(c) >> 32) * below >> 32;
}

double chance_part(struct chance *c)
{
    return (double)(chance_bits(c) >> 11) / 9007199254740992.0; /* 53 bits / 2^53 */
}

const char *chance_address(struct chance *c, const char *ending, char out[CHANCE_ADDRESS_SIZE])
{
    static const char digits[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    size_t length = 43 + (size_t)chance_below(c, 2);
    for (size_t i = 0; i < length; i++)
        out[i] = digits[chance_below(c, sizeof digits - 1)];
    snprintf(out + length - strlen(ending), strlen(ending) + 1, "%s", ending);
    return out;
}
