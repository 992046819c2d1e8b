/* chance.h: numbers that look random and are the same for the same seed, on any machine.
 *
 * Only whole numbers and exact floating-point steps: no library function whose last digit
 * might differ from one machine to the next.
 */
#ifndef CHANCE_H
#define CHANCE_H

#include <stdint.h>

struct chance {
    uint64_t state;
};

/* What a stream is for, and for which launch or wallet. */
enum { CHANCE_LAUNCH, CHANCE_WALLET, CHANCE_TOKEN, CHANCE_START, CHANCE_DECK };
#define CHANCE_PURPOSE(what, number) ((uint64_t)(number) << 8 | CHANCE_##what)

/* A stream of its own for each seed and purpose. */
struct chance chance_new(uint64_t seed, uint64_t purpose);

uint64_t chance_bits(struct chance *c);

/* 0 <= result < below; below is at least 1 and at most 2^32. */
uint64_t chance_below(struct chance *c, uint64_t below);

/* 0 <= result < 1 */
double chance_part(struct chance *c);

enum { CHANCE_ADDRESS_SIZE = 45 };

/* 43 or 44 base-58 characters that end with `ending`, at most 8 long. */
const char *chance_address(struct chance *c, const char *ending, char out[CHANCE_ADDRESS_SIZE]);

#endif
