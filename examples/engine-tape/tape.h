/* tape.h: a file of trades, read once from front to back.
 *
 * Promise: every row of the file is given exactly once, in order, and numbered as an editor
 *          numbers lines: the header is row 1.  Gzip or plain is found out from the content.
 *          Memory does not depend on the file.
 * Fails:   a file that cannot be opened, read or unpacked to its end is no tape; nothing of it
 *          should be used.
 * Thread:  one at a time; blocks.
 * Knows:   trade, error.  Not: what trades mean.
 */
#ifndef TAPE_H
#define TAPE_H

#include <stdint.h>

#include "error.h"
#include "trade.h"

/* Bytes of a row that are still read; a longer row is a bad one. */
enum { TAPE_ROW_LIMIT = 65536 };

struct tape;

/* Opens the file and reads its header row.  On success *out is yours until tape_close(); on
 * failure it is untouched.  `rules` is copied. */
int tape_open(const char *path, const struct trade_rules *rules, struct tape **out,
              struct error *err);

enum tape_result {
    TAPE_TRADE,   /* *trade is filled, its texts borrowed until the next call */
    TAPE_BAD_ROW, /* err says why, trade->token may be set; reading goes on   */
    TAPE_END,
    TAPE_BROKEN /* err says why; the file is no good */
};

/* The next row; empty lines and rows after the rules' `until` are passed over. */
enum tape_result tape_next(struct tape *t, struct trade *trade, struct error *err);

/* Of the last row given, 1 for the header. */
uint64_t tape_row(const struct tape *t);

void tape_close(struct tape *t); /* NULL is fine */

#endif
