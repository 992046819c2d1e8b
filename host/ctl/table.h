/* table.h: rows and columns for people.
 *
 * Promise: columns are aligned by what characters take on the screen, numbers to the right;
 *          a line is no wider than the terminal: what may be left out is, what may stand below goes
 *          below, whole; then the flexible columns give way, with "…".
 * Thread:  any, one at a time.
 * Knows:   shown.  Not: where the values come from.
 */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { TABLE_COLUMNS_MAX = 16 };

enum colour { COLOUR_NONE, COLOUR_RED, COLOUR_GREEN, COLOUR_YELLOW, COLOUR_CYAN, COLOUR_BOLD };

struct table_column {
    const char *title;
    bool right;    /* aligned to the right: a number */
    bool flexible; /* cut when the line is too wide  */
    bool below;    /* of the last columns: each on lines of its own when the line is too wide */
    bool bar;      /* on a terminal, in what room there is: see table_add_bar() */
    bool wide;     /* left out of a line that is too wide */
};

struct table;

/* `columns` is borrowed until table_free(). */
struct table *table_new(const struct table_column *columns, size_t count);
void table_free(struct table *t); /* NULL is fine */

/* The next cell, from left to right; the text is copied, NULL is "-".  Out of memory is remembered
 * and said by table_print(). */
void table_add(struct table *t, const char *text, enum colour colour);

/* The same for a cell of a bar column: from 0 to 1, the whole column. */
void table_add_bar(struct table *t, double fraction);

/* width 0: as wide as it is.  Returns 0, or -1 when something is missing. */
int table_print(const struct table *t, FILE *out, size_t width, bool colours);

/* Starts or, with COLOUR_NONE, ends a colour; nothing without `colours`. */
const char *colour_code(enum colour colour, bool colours);

#endif
