/* options.h: the command line.
 *
 * Promise: help and parser are made from one table.
 * Knows:   instant, trade.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "error.h"
#include "trade.h"

struct options {
    const char *tape; /* points into argv */
    struct trade_rules rules;
    int delay_ms; /* between tokens */
    bool help;    /* only help is wanted; the rest may be unset */
};

/* On failure *out is untouched and err names the option and its value. */
int options_read(int argc, char **argv, struct options *out, struct error *err);

void options_help(FILE *out);

#endif
