/* generate.h: writes a whole tape.
 *
 * Promise: the rows are sorted by time, exactly as many as asked for, at least one for each
 *          token; the same options give the same bytes.
 * Fails:   when the output cannot be written; what is there is then not a whole tape.
 * Thread:  one at a time; blocks.
 */
#ifndef GENERATE_H
#define GENERATE_H

#include <stdint.h>

#include "error.h"

struct generate_options {
    uint64_t seed;
    uint64_t tokens; /* 1 to GENERATE_TOKENS_LIMIT             */
    uint64_t rows;   /* at least one a token, at most the limit */
    int64_t start_us;
    const char *output; /* gzip if it ends with .gz; NULL: plain, to stdout */
};

enum { GENERATE_TOKENS_LIMIT = 100000, GENERATE_ROWS_LIMIT = 1000000000 };

/* 0 or -1. */
int generate(const struct generate_options *o, struct error *err);

#endif
