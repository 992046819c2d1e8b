/* links: recorder_parts */
/* A row of fields of any kind and value, encoded for COPY and taken apart again by a reader that
 * knows the wire format only: nothing more, nothing less, the same values. */
#include <endian.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "copy_rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(what)                                                                                 \
    do {                                                                                           \
        if (!(what))                                                                               \
            abort();                                                                               \
    } while (0)

/* Seconds from 1970 to 2000, where PostgreSQL's time begins. */
static const int64_t epoch_us = INT64_C(946684800) * 1000000;

/* ---- the input, as values ---- */

struct input {
    const uint8_t *at;
    size_t left;
};

static uint64_t number(struct input *in, size_t bytes)
{
    uint64_t value = 0;
    while (bytes-- > 0 && in->left > 0) {
        value = value << 8 | *in->at++;
        in->left--;
    }
    return value;
}

/* A text without NUL, borrowed until the next. */
static const char *text(struct input *in)
{
    static char words[300];
    size_t size = (size_t)number(in, 1);
    size = size < in->left ? size : in->left;
    memcpy(words, in->at, size);
    words[size] = '\0';
    in->at += size;
    in->left -= size;
    return words;
}

/* ---- the other side ---- */

struct wire {
    const unsigned char *at, *end;
};

static uint64_t get(struct wire *w, size_t bytes)
{
    uint64_t value = 0;
    MUST((size_t)(w->end - w->at) >= bytes);
    while (bytes-- > 0)
        value = value << 8 | *w->at++;
    return value;
}

/* The field's size; -1: null. */
static int32_t field_size(struct wire *w)
{
    return (int32_t)(uint32_t)get(w, 4);
}

static void expect_bytes(struct wire *w, const void *bytes, size_t size)
{
    MUST((size_t)field_size(w) == size);
    MUST((size_t)(w->end - w->at) >= size && memcmp(w->at, bytes, size) == 0);
    w->at += size;
}

/* Digits in base 10,000, the first of them worth 10,000 ^ weight. */
static void expect_numeric(struct wire *w, int64_t value, int scale)
{
    int32_t size = field_size(w);
    int n = (int)get(w, 2), weight = (int16_t)(uint16_t)get(w, 2);
    bool negative = get(w, 2) == 0x4000;
    MUST(size == 8 + 2 * n && (int)get(w, 2) == scale);
    unsigned __int128 sum = 0; /* in ten-thousandths */
    for (int i = 0; i < n; i++, weight--) {
        unsigned __int128 digit = get(w, 2);
        MUST(digit < 10000 && weight >= -1);
        for (int k = -1; k < weight; k++)
            digit *= 10000;
        sum += digit;
    }
    unsigned __int128 expected = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    for (int i = scale; i < 4; i++)
        expected *= 10;
    MUST(sum == expected && negative == (value < 0));
}

/* ---- one field each: written, and read as it must be ---- */

static void a_null(struct input *in, struct rows *r, struct wire *w)
{
    (void)in;
    if (w == NULL)
        copy_null(r);
    else
        MUST(field_size(w) == -1);
}

static void an_id(struct input *in, struct rows *r, struct wire *w)
{
    wt_uuid id;
    for (size_t i = 0; i < sizeof id.bytes; i++)
        id.bytes[i] = (uint8_t)number(in, 1);
    if (w == NULL)
        copy_uuid(r, &id);
    else
        expect_bytes(w, id.bytes, sizeof id.bytes);
}

static void a_text(struct input *in, struct rows *r, struct wire *w)
{
    const char *words = text(in);
    if (w == NULL)
        copy_text(r, words);
    else
        expect_bytes(w, words, strlen(words));
}

static void a_json(struct input *in, struct rows *r, struct wire *w)
{
    const char *words = text(in);
    if (w == NULL) {
        copy_json(r, words, strlen(words));
        return;
    }
    MUST((size_t)field_size(w) == strlen(words) + 1 && get(w, 1) == 1);
    MUST(memcmp(w->at, words, strlen(words)) == 0);
    w->at += strlen(words);
}

static void a_bool(struct input *in, struct rows *r, struct wire *w)
{
    bool value = number(in, 1) % 2 == 1;
    if (w == NULL)
        copy_bool(r, value);
    else
        MUST(field_size(w) == 1 && get(w, 1) == value);
}

static void an_int4(struct input *in, struct rows *r, struct wire *w)
{
    int32_t value = (int32_t)(uint32_t)number(in, 4);
    if (w == NULL)
        copy_int4(r, value);
    else
        MUST(field_size(w) == 4 && (int32_t)(uint32_t)get(w, 4) == value);
}

static void an_int8(struct input *in, struct rows *r, struct wire *w)
{
    int64_t value = (int64_t)number(in, 8);
    if (w == NULL)
        copy_int8(r, value);
    else
        MUST(field_size(w) == 8 && (int64_t)get(w, 8) == value);
}

static void a_double(struct input *in, struct rows *r, struct wire *w)
{
    uint64_t bits = number(in, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    if (w == NULL)
        copy_double(r, value);
    else if (isnan(value))
        MUST(field_size(w) == -1);
    else
        MUST(field_size(w) == 8 && get(w, 8) == bits);
}

/* Neither end of the range may become an infinity. */
static void a_time(struct input *in, struct rows *r, struct wire *w)
{
    int64_t us = (int64_t)number(in, 8);
    if (w == NULL) {
        copy_time(r, us);
        return;
    }
    if (us == WT_NO_TIME) {
        MUST(field_size(w) == -1);
        return;
    }
    MUST(field_size(w) == 8);
    int64_t got = (int64_t)get(w, 8);
    MUST(got != INT64_MIN && got != INT64_MAX);
    if (us > INT64_MIN + epoch_us && us < INT64_MAX)
        MUST(got == us - epoch_us);
}

static void a_numeric(struct input *in, struct rows *r, struct wire *w)
{
    int scale = (int)(number(in, 1) % 5);
    int64_t value = (int64_t)number(in, 8);
    if (w == NULL)
        copy_numeric(r, value, scale);
    else
        expect_numeric(w, value, scale);
}

static void some_texts(struct input *in, struct rows *r, struct wire *w)
{
    char first[300];
    strcpy(first, text(in));
    const char *const texts[] = {first, text(in)};
    if (w == NULL) {
        copy_texts(r, texts, 2);
        return;
    }
    MUST((size_t)field_size(w) == 20 + 8 + strlen(first) + strlen(texts[1]));
    MUST(get(w, 4) == 1 && get(w, 4) == 0 && get(w, 4) == COPY_TEXT_TYPE);
    MUST(get(w, 4) == 2 && get(w, 4) == 1);
    expect_bytes(w, texts[0], strlen(texts[0]));
    expect_bytes(w, texts[1], strlen(texts[1]));
}

typedef void field_kind(struct input *in, struct rows *r, struct wire *w);

static field_kind *const kinds[] = {a_null,  an_id,    a_text, a_json,    a_bool,    an_int4,
                                    an_int8, a_double, a_time, a_numeric, some_texts};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rows r = {0};
    struct input in = {data, size};
    int fields = 0;
    copy_row(&r, 0x0102);
    for (; in.left > 0; fields++)
        kinds[number(&in, 1) % KINDS](&in, &r, NULL);
    MUST(!r.failed);

    struct wire w = {r.data, r.data + r.size};
    in = (struct input){data, size};
    MUST(get(&w, 2) == 0x0102);
    while (fields-- > 0)
        kinds[number(&in, 1) % KINDS](&in, &r, &w);
    MUST(w.at == w.end);
    rows_free(&r);
    return 0;
}
