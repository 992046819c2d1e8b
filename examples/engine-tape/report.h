/* report.h: the lines that an engine prints, protocol 1.
 *
 * Promise: each call prints at most one line of valid JSON, whole lines only reach the pipe
 *          through report_flush() or when the buffer is full.
 *          Nothing is allocated: lines cannot come out mangled for want of memory.
 * Fails:   printing never does; report_flush() tells what went wrong since the start.
 * Thread:  one at a time; blocks while the pipe is full.
 * Knows:   discover, market.
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "discover.h"
#include "error.h"
#include "market.h"

/* Bad rows that are told one by one; the rest is only counted. */
enum { REPORT_BAD_ROWS_LIMIT = 1000 };

/* Begin with `out` set and zeros. */
struct report {
    FILE *out;
    uint64_t bad_rows;
    uint64_t last_bad_row;
};

/* `why` has no control characters, as trade.h promises; `token` may be NULL. */
void report_bad_row(struct report *r, uint64_t row, const char *token, const char *why);

/* After the last row: one error for the bad rows that were not told, if any. */
void report_more_bad_rows(struct report *r);

void report_token(struct report *r, const struct market *m, const struct discover_token *token);

/* `profile`: is the wallet's profile to be printed? */
void report_wallet(struct report *r, const struct market *m, uint32_t token,
                   const struct market_position *p, const struct discover_wallet *wallet,
                   bool profile);

void report_progress(struct report *r, size_t done, size_t total);

int report_flush(struct report *r, struct error *err);

#endif
