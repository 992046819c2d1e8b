/* shown.h: values as people read them in a terminal.
 *
 * Promise: what is printed can be anything that an engine or a database said and still neither
 *          moves the cursor nor changes a colour: control characters become '?'.
 * Thread:  any; no state.
 */
#ifndef CTL_SHOWN_H
#define CTL_SHOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHOWN_SIZE = 64 };

/* "0.4s", "12s", "3m12s", "2h05m", "3d04h"; "" for less than nothing. */
const char *shown_duration(double seconds, char out[SHOWN_SIZE]);

/* "2026-06-30 14:30:00" in the local zone; the text itself when it is not a time. */
const char *shown_time(const char *rfc3339, char out[SHOWN_SIZE]);

/* "12,345". */
const char *shown_count(int64_t count, char out[SHOWN_SIZE]);

/* Columns that a text takes. */
size_t shown_width(const char *text);

/* Copies text for the terminal, cut to `columns` with "…" when it is wider.  Returns the columns
 * that it takes then. */
size_t shown_cut(const char *text, size_t columns, char *out, size_t room);

/* The name of the local zone for the API ("Europe/Berlin"), or NULL when it cannot be told. */
const char *shown_local_zone(char out[SHOWN_SIZE]);

#endif
