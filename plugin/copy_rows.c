/* Every field is a size (-1 for null) and its bytes, big-endian. */
#include "copy_rows.h"

#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const unsigned char copy_header[19] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0";
const unsigned char copy_trailer[2] = {0xff, 0xff};

/* From 1970-01-01 to 2000-01-01, where PostgreSQL's clock starts. */
#define EPOCH_SHIFT_US 946684800000000LL

void rows_free(struct rows *r)
{
    free(r->data);
    *r = (struct rows){0};
}

void rows_cut(struct rows *r, size_t size)
{
    r->size = size;
    r->failed = false;
}

static bool grow(struct rows *r, size_t more)
{
    size_t room = r->room > 0 ? r->room : 4096;
    while (room - r->size < more)
        room *= 2;
    unsigned char *data = r->failed ? NULL : realloc(r->data, room);
    if (data == NULL) {
        r->failed = true;
        return false;
    }
    r->data = data;
    r->room = room;
    return true;
}

/* Where `size` more bytes go, or NULL. */
static inline unsigned char *take(struct rows *r, size_t size)
{
    if (r->room - r->size < size && !grow(r, size))
        return NULL;
    unsigned char *p = r->data + r->size;
    r->size += size;
    return p;
}

static inline void put16(unsigned char *p, uint16_t value)
{
    value = htobe16(value);
    memcpy(p, &value, sizeof value);
}

static inline void put32(unsigned char *p, uint32_t value)
{
    value = htobe32(value);
    memcpy(p, &value, sizeof value);
}

static inline void put64(unsigned char *p, uint64_t value)
{
    value = htobe64(value);
    memcpy(p, &value, sizeof value);
}

/* A field of that size: its size is written, its bytes are the caller's. */
static inline unsigned char *field(struct rows *r, size_t size)
{
    unsigned char *p = take(r, 4 + size);
    if (p == NULL)
        return NULL;
    put32(p, (uint32_t)size);
    return p + 4;
}

void copy_row(struct rows *r, int fields)
{
    unsigned char *p = take(r, 2);
    if (p != NULL)
        put16(p, (uint16_t)fields);
}

void copy_null(struct rows *r)
{
    unsigned char *p = take(r, 4);
    if (p != NULL)
        put32(p, UINT32_MAX);
}

void copy_bytes(struct rows *r, const void *bytes, size_t size)
{
    unsigned char *p = field(r, size);
    if (p != NULL && size > 0)
        memcpy(p, bytes, size);
}

void copy_uuid(struct rows *r, const wt_uuid *id)
{
    copy_bytes(r, id->bytes, sizeof id->bytes);
}

void copy_text(struct rows *r, const char *text)
{
    if (text == NULL)
        copy_null(r);
    else
        copy_bytes(r, text, strlen(text));
}

void copy_json(struct rows *r, const char *text, size_t size)
{
    unsigned char *p;
    if (text == NULL) {
        copy_null(r);
    } else if ((p = field(r, 1 + size)) != NULL) {
        *p = 1; /* the version of jsonb's wire format */
        memcpy(p + 1, text, size);
    }
}

void copy_bool(struct rows *r, bool value)
{
    unsigned char *p = field(r, 1);
    if (p != NULL)
        *p = value;
}

void copy_int4(struct rows *r, int32_t value)
{
    unsigned char *p = field(r, 4);
    if (p != NULL)
        put32(p, (uint32_t)value);
}

void copy_int8(struct rows *r, int64_t value)
{
    unsigned char *p = field(r, 8);
    if (p != NULL)
        put64(p, (uint64_t)value);
}

void copy_double(struct rows *r, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (isnan(value))
        copy_null(r);
    else
        copy_int8(r, (int64_t)bits);
}

void copy_time(struct rows *r, int64_t us)
{
    int64_t shifted;
    if (us == WT_NO_TIME) {
        copy_null(r);
        return;
    }
    if (__builtin_sub_overflow(us, EPOCH_SHIFT_US, &shifted) || shifted == INT64_MIN)
        shifted = INT64_MIN + 1;
    if (shifted == INT64_MAX)
        shifted = INT64_MAX - 1;
    copy_int8(r, shifted);
}

/* PostgreSQL's digits are in base 10,000; with a scale of at most 4 there is one after the point.
 */
void copy_numeric(struct rows *r, int64_t value, int scale)
{
    enum { BASE = 10000, MAX_DIGITS = 6 };
    static const uint64_t power[] = {1, 10, 100, 1000, 10000};
    uint64_t absolute = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint64_t whole = absolute / power[scale];
    uint16_t digits[MAX_DIGITS + 1]; /* most significant first, filled from the end */
    int first = MAX_DIGITS, last = MAX_DIGITS + 1, weight = -1;
    digits[MAX_DIGITS] = (uint16_t)(absolute % power[scale] * power[4 - scale]);
    for (; whole > 0; whole /= BASE, weight++)
        digits[--first] = (uint16_t)(whole % BASE);
    while (last > first && digits[last - 1] == 0)
        last--;
    while (first < last && digits[first] == 0)
        first++, weight--;
    int n = last - first;
    unsigned char *p = field(r, 8 + 2 * (size_t)n);
    if (p == NULL)
        return;
    put16(p, (uint16_t)n);
    put16(p + 2, (uint16_t)(n > 0 ? weight : 0));
    put16(p + 4, value < 0 ? 0x4000 : 0);
    put16(p + 6, (uint16_t)scale);
    for (int i = 0; i < n; i++)
        put16(p + 8 + 2 * i, digits[first + i]);
}

enum { ARRAY_HEAD = 20 };

void copy_array(struct rows *r, uint32_t element_type, size_t n)
{
    unsigned char *p = take(r, ARRAY_HEAD);
    if (p == NULL)
        return;
    put32(p, 1);     /* dimensions */
    put32(p + 4, 0); /* no nulls   */
    put32(p + 8, element_type);
    put32(p + 12, (uint32_t)n);
    put32(p + 16, 1); /* first index */
}

void copy_texts(struct rows *r, const char *const *texts, size_t n)
{
    size_t size = ARRAY_HEAD;
    for (size_t i = 0; i < n; i++)
        size += 4 + strlen(texts[i]);
    unsigned char *p = take(r, 4);
    if (p == NULL)
        return;
    put32(p, (uint32_t)size);
    copy_array(r, COPY_TEXT_TYPE, n);
    for (size_t i = 0; i < n; i++)
        copy_text(r, texts[i]);
}
