/* line.h: one line of an engine's output, checked.
 *
 * Promise: a line that is accepted fits its table; one that is not says why, naming the field
 *          and the value.  Nothing else is touched by a bad line.
 * Thread:  any; no state.
 * Knows:   jansson, the plugin contract.  Not: runs, the journal.
 *
 * A plain wallet line, which is nearly all of them, is read by a small scanner in place
 * (line_scan.c); whatever that does not understand goes through jansson, which decides.  A test
 * holds the two against each other.
 */
#ifndef RUN_LINE_H
#define RUN_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>
#include <walltrack/plugin.h>

#include "error.h"

enum line_kind { LINE_TOKEN, LINE_WALLET, LINE_ERROR, LINE_PROGRESS };

/* Bounds of what an engine may say; bytes where not said otherwise. */
enum {
    ADDRESS_CHARACTERS_MAX = 44,
    SYMBOL_CHARACTERS_MAX = 100,
    CODE_CHARACTERS_MAX = 64,
    STAGE_CHARACTERS_MAX = 100,
    ERROR_MESSAGE_MAX = 2000, /* longer ones are cut */
    PROFILE_DEPTH_MAX = 32
};

struct line {
    enum line_kind kind;
    union {
        wt_token token;
        wt_wallet wallet;
        wt_run_error error;
        struct {
            int64_t done;
            int64_t total;     /* -1: not said */
            const char *stage; /* or NULL      */
        } progress;
    } u;
    json_t *document; /* what the strings point into, besides the text itself */
    char *profile;
};

/* Reads text[0..size); text[size] must be writable, and the text belongs to the line until
 * line_release().  On failure there is nothing to release. */
int line_parse(char *text, size_t size, struct line *out, struct error *err);
void line_release(struct line *l);

/* The scanner alone: true and *out filled (nothing to release) when the line is a plain wallet
 * line, false and the text untouched when it is anything else. */
bool line_scan_wallet(char *text, size_t size, struct line *out);

#endif
