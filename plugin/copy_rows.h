/* copy_rows.h: rows in the form of COPY … (FORMAT BINARY).
 *
 * Promise: the bytes are those that PostgreSQL's receive functions expect.  Running out of memory
 *          is noted in `failed`; what follows then does nothing.
 * Thread:  any; no state beyond the struct.
 * Knows:   the wire format.  Not: tables, events, libpq.
 */
#ifndef RECORDER_COPY_ROWS_H
#define RECORDER_COPY_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <walltrack/plugin.h>

/* A growing run of bytes.  Zeroed is empty. */
struct rows {
    unsigned char *data;
    size_t size, room;
    bool failed;
};

void rows_free(struct rows *r);             /* back to zeroed */
void rows_cut(struct rows *r, size_t size); /* back to an earlier size; clears `failed` */

/* What stands before the first row and after the last of a COPY. */
extern const unsigned char copy_header[19];
extern const unsigned char copy_trailer[2];

void copy_row(struct rows *r, int fields); /* starts a row */
void copy_null(struct rows *r);
void copy_uuid(struct rows *r, const wt_uuid *id);
void copy_text(struct rows *r, const char *text); /* NULL is null */
void copy_bytes(struct rows *r, const void *bytes, size_t size);
void copy_json(struct rows *r, const char *text, size_t size); /* of jsonb; NULL is null */
void copy_bool(struct rows *r, bool value);
void copy_int4(struct rows *r, int32_t value);
void copy_int8(struct rows *r, int64_t value);
void copy_double(struct rows *r, double value); /* NaN is null */
/* Microseconds since 1970; WT_NO_TIME is null.  A time that PostgreSQL cannot hold becomes one
 * that it refuses: INT64_MAX would silently be "infinity". */
void copy_time(struct rows *r, int64_t us);
/* A NUMERIC of value / 10^scale; scale is 0 to 4. */
void copy_numeric(struct rows *r, int64_t value, int scale);

/* A text[] of one or more. */
void copy_texts(struct rows *r, const char *const *texts, size_t n);

/* An array of `n` elements of that type, as a binary parameter: its head, then copy_text() or
 * copy_uuid() for each.  No nulls in it. */
void copy_array(struct rows *r, uint32_t element_type, size_t n);
enum { COPY_TEXT_TYPE = 25, COPY_UUID_TYPE = 2950 };

#endif
