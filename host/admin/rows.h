/* rows.h: items of a list as lines of CSV (RFC 4180) or of JSON.
 *
 * Promise: a CSV cell never becomes a formula: a text that begins with = + - @, a tab or a carriage
 *          return gets an apostrophe in front.  Numbers stay as they were written; what is null is
 *          empty; lists and objects are JSON in a cell.
 * Thread:  any; no state.
 */
#ifndef ADMIN_ROWS_H
#define ADMIN_ROWS_H

#include <glib.h>

#include "admin/slice.h"

enum { ROWS_COLUMNS_MAX = 32 };

struct column {
    const char *name;   /* in the header row, and the member's of the item */
    const char *inside; /* the object that the member is in, or NULL       */
};

/* Each appends a whole line. */
void rows_header(GString *out, const struct column *columns, size_t count);
void rows_csv(GString *out, const struct column *columns, size_t count, struct slice item);
void rows_json(GString *out, struct slice item);

#endif
