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
#include <stdio.h>

enum { SHOWN_SIZE = 64 };

/* "0.4s", "12s", "3m12s", "2h05m", "3d04h"; "" for less than nothing. */
const char *shown_duration(double seconds, char out[SHOWN_SIZE]);

/* The same for a short time in milliseconds: "0.4 ms", "21 ms", "12s"; and without its unit. */
const char *shown_ms(double ms, char out[SHOWN_SIZE]);
const char *shown_bare_ms(double ms, char out[SHOWN_SIZE]);

/* "2026-06-30 14:30:00" in the local zone; the text itself when it is not a time. */
const char *shown_time(const char *rfc3339, char out[SHOWN_SIZE]);

/* "12,345". */
const char *shown_count(int64_t count, char out[SHOWN_SIZE]);

/* "512 B", "1.5 MiB", "4 GiB". */
const char *shown_bytes(int64_t bytes, char out[SHOWN_SIZE]);

/* Appends to the text in `out`; what has no room is left out. */
void shown_add(char *out, size_t room, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Columns that a text takes. */
size_t shown_width(const char *text);

/* Copies text for the terminal, cut to `columns` with "…" when it is wider.  Returns the columns
 * that it takes then. */
size_t shown_cut(const char *text, size_t columns, char *out, size_t room);

/* Prints a text and a newline, broken at spaces into lines of `columns` (0: one line), all but the
 * first behind `indent` spaces.  A longer word stays whole. */
void shown_paragraph(FILE *out, const char *text, size_t columns, size_t indent);

/* The name of the local zone for the API ("Europe/Berlin"), or NULL when it cannot be told. */
const char *shown_local_zone(char out[SHOWN_SIZE]);

/* From now on shown_time() shows that zone: a name, or an offset as the API takes it. */
void shown_in_zone(const char *zone);

#endif
