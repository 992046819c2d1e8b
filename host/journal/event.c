/* A table for each kind of event says which fields its body holds, in order; encoding,
 * decoding and the check of ranges all walk that table.  What decoding would refuse,
 * encoding refuses too, so that nothing unreadable gets into a journal. */
#include "journal/event.h"

#include <endian.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "ids.h"

enum field_type { U8, I8, U32, I32, I64, F64, TEXT, TEXT_OR_NULL };

struct field {
    enum field_type type;
    size_t offset;    /* in the member of the union  */
    int64_t min, max; /* of whole numbers, inclusive */
};

enum { FIELDS_MAX = 12 };

struct format {
    const char *name;
    uint32_t struct_size;
    int n;
    struct field fields[FIELDS_MAX];
};

#define ANY64 INT64_MIN, INT64_MAX
#define NUMBER(kind, field, type, ...)                                                             \
    {                                                                                              \
        type, offsetof(kind, field), __VA_ARGS__                                                   \
    }
#define STRING(kind, field, type)                                                                  \
    {                                                                                              \
        type, offsetof(kind, field), 0, 0                                                          \
    }
#define PARAM(i) NUMBER(wt_run_start, params.value[i], I64, ANY64)

_Static_assert(WT_PARAM_COUNT == 6, "the body of a run's start has six parameters");

static const struct format formats[] = {
    [WT_RUN_START] = {"run_start",
                      sizeof(wt_run_start),
                      12,
                      {NUMBER(wt_run_start, trigger, U8, WT_TRIGGER_MANUAL, WT_TRIGGER_API),
                       NUMBER(wt_run_start, profile_immediately, U8, 0, 1),
                       STRING(wt_run_start, triggered_by, TEXT_OR_NULL),
                       STRING(wt_run_start, schedule, TEXT_OR_NULL),
                       NUMBER(wt_run_start, slot_at_us, I64, ANY64),
                       STRING(wt_run_start, host_name, TEXT), PARAM(0), PARAM(1), PARAM(2),
                       PARAM(3), PARAM(4), PARAM(5)}},
    [WT_TOKEN] = {"token",
                  sizeof(wt_token),
                  4,
                  {STRING(wt_token, token, TEXT), STRING(wt_token, symbol, TEXT_OR_NULL),
                   NUMBER(wt_token, price_change_pct, F64, 0, 0),
                   NUMBER(wt_token, volume_usd, F64, 0, 0)}},
    [WT_WALLET] = {"wallet",
                   sizeof(wt_wallet),
                   5,
                   {NUMBER(wt_wallet, is_new, I8, -1, 1),
                    NUMBER(wt_wallet, score_e4, I32, WT_NO_SCORE, 10000),
                    STRING(wt_wallet, address, TEXT), STRING(wt_wallet, source_token, TEXT),
                    STRING(wt_wallet, profile, TEXT_OR_NULL)}},
    [WT_RUN_ERROR] = {"run_error",
                      sizeof(wt_run_error),
                      4,
                      {NUMBER(wt_run_error, line, U32, 0, UINT32_MAX),
                       STRING(wt_run_error, message, TEXT),
                       STRING(wt_run_error, token, TEXT_OR_NULL),
                       STRING(wt_run_error, code, TEXT_OR_NULL)}},
    [WT_RUN_END] = {"run_end",
                    sizeof(wt_run_end),
                    4,
                    {NUMBER(wt_run_end, status, U8, WT_RUN_COMPLETED, WT_RUN_CANCELLED),
                     NUMBER(wt_run_end, duration_us, I64, -1, INT64_MAX),
                     NUMBER(wt_run_end, errors_dropped, I64, 0, INT64_MAX),
                     STRING(wt_run_end, reason, TEXT_OR_NULL)}},
    [WT_SLOT] = {"slot",
                 sizeof(wt_slot),
                 4,
                 {NUMBER(wt_slot, outcome, U8, WT_SLOT_FIRED, WT_SLOT_REFUSED),
                  NUMBER(wt_slot, due_us, I64, ANY64), STRING(wt_slot, schedule, TEXT),
                  STRING(wt_slot, reason, TEXT_OR_NULL)}},
};

static const struct format *format_of(int kind)
{
    if (kind < WT_RUN_START || kind > WT_SLOT)
        return NULL;
    return &formats[kind];
}

const char *event_kind_name(int kind)
{
    const struct format *format = format_of(kind);
    return format != NULL ? format->name : "unknown";
}

void event_init(struct event *e, int kind, const wt_uuid *run_id)
{
    memset(e, 0, sizeof *e);
    e->head.struct_size = sizeof e->head;
    e->head.kind = (uint16_t)kind;
    e->head.body_version = EVENT_BODY_VERSION;
    e->head.time_us = WT_NO_TIME;
    if (run_id != NULL)
        e->head.run_id = *run_id;
    e->head.id = kind == WT_RUN_START ? e->head.run_id : id_make();
    const struct format *format = format_of(kind);
    if (format != NULL)
        memcpy(&e->u, &format->struct_size, sizeof format->struct_size);
    switch (kind) {
    case WT_RUN_START:
        e->u.run_start.slot_at_us = WT_NO_TIME;
        break;
    case WT_TOKEN:
        e->u.token.price_change_pct = (double)NAN;
        e->u.token.volume_usd = (double)NAN;
        break;
    case WT_WALLET:
        e->u.wallet.is_new = -1;
        e->u.wallet.score_e4 = WT_NO_SCORE;
        break;
    case WT_RUN_END:
        e->u.run_end.duration_us = -1;
        break;
    default:
        break;
    }
}

/* ---- writing ---- */

struct output {
    unsigned char *at, *end;
};

/* Each returns false when there is no room. */
static bool put_bytes(struct output *out, const void *bytes, size_t size)
{
    if (size > (size_t)(out->end - out->at))
        return false;
    memcpy(out->at, bytes, size);
    out->at += size;
    return true;
}

static bool put_32(struct output *out, uint32_t value)
{
    value = htole32(value);
    return put_bytes(out, &value, sizeof value);
}

static bool put_64(struct output *out, uint64_t value)
{
    value = htole64(value);
    return put_bytes(out, &value, sizeof value);
}

static bool put_text(struct output *out, const char *text, bool may_be_null)
{
    if (text == NULL)
        return may_be_null && put_32(out, 0);
    size_t size = strlen(text) + 1;
    return size <= EVENT_BODY_MAX && put_32(out, (uint32_t)size) && put_bytes(out, text, size);
}

static bool in_range(const struct field *f, int64_t value)
{
    return value >= f->min && value <= f->max;
}

static bool put_field(struct output *out, const struct field *f, const void *member)
{
    union {
        uint8_t u8;
        int8_t i8;
        uint32_t u32;
        int32_t i32;
        int64_t i64;
        uint64_t bits;
        const char *text;
    } v;
    memcpy(&v, member, f->type <= I8 ? 1 : f->type <= I32 ? 4 : 8);
    switch (f->type) {
    case U8:
        return in_range(f, v.u8) && put_bytes(out, &v.u8, 1);
    case I8:
        return in_range(f, v.i8) && put_bytes(out, &v.i8, 1);
    case U32:
        return in_range(f, v.u32) && put_32(out, v.u32);
    case I32:
        return in_range(f, v.i32) && put_32(out, (uint32_t)v.i32);
    case I64:
        return in_range(f, v.i64) && put_64(out, (uint64_t)v.i64);
    case F64:
        return put_64(out, v.bits);
    case TEXT:
        return put_text(out, v.text, false);
    case TEXT_OR_NULL:
        return put_text(out, v.text, true);
    }
    return false;
}

size_t event_encode(const struct event *e, unsigned char *out, size_t room)
{
    const struct format *format = format_of(e->head.kind);
    if (format == NULL || e->head.body_version != EVENT_BODY_VERSION)
        return 0;
    struct output output = {out, out + (room < EVENT_BODY_MAX ? room : EVENT_BODY_MAX)};
    for (int i = 0; i < format->n; i++) {
        const struct field *f = &format->fields[i];
        if (!put_field(&output, f, (const char *)&e->u + f->offset))
            return 0;
    }
    return (size_t)(output.at - out);
}

/* ---- reading ---- */

struct input {
    const unsigned char *at, *end;
};

/* Each returns false when the bytes end too early or are not such a value. */
static bool get_bytes(struct input *in, void *out, size_t size)
{
    if (size > (size_t)(in->end - in->at))
        return false;
    memcpy(out, in->at, size);
    in->at += size;
    return true;
}

static bool get_text(struct input *in, const char **out, bool may_be_null)
{
    uint32_t size;
    if (!get_bytes(in, &size, sizeof size))
        return false;
    size = le32toh(size);
    if (size == 0) {
        *out = NULL;
        return may_be_null;
    }
    if (size > (size_t)(in->end - in->at) || memchr(in->at, '\0', size) != in->at + size - 1)
        return false;
    *out = (const char *)in->at;
    in->at += size;
    return true;
}

static bool get_field(struct input *in, const struct field *f, void *member)
{
    union {
        uint8_t u8;
        int8_t i8;
        uint32_t u32;
        uint64_t u64;
        const char *text;
    } v;
    int64_t number;
    size_t size = f->type <= I8 ? 1 : f->type <= I32 ? 4 : 8;
    if (f->type >= TEXT) {
        if (!get_text(in, &v.text, f->type == TEXT_OR_NULL))
            return false;
        memcpy(member, &v.text, sizeof(const char *));
        return true;
    }
    if (!get_bytes(in, &v, size))
        return false;
    if (size == 4)
        v.u32 = le32toh(v.u32);
    else if (size == 8)
        v.u64 = le64toh(v.u64);
    number = f->type == U8    ? v.u8
             : f->type == I8  ? v.i8
             : f->type == U32 ? v.u32
             : f->type == I32 ? (int32_t)v.u32
                              : (int64_t)v.u64;
    memcpy(member, &v, size);
    return f->type == F64 || in_range(f, number);
}

bool event_decode(struct event *e, const void *body, size_t size)
{
    const struct format *format = format_of(e->head.kind);
    if (format == NULL || e->head.body_version != EVENT_BODY_VERSION || size > EVENT_BODY_MAX)
        return false;
    memset(&e->u, 0, sizeof e->u);
    memcpy(&e->u, &format->struct_size, sizeof format->struct_size);
    struct input input = {body, (const unsigned char *)body + size};
    for (int i = 0; i < format->n; i++) {
        const struct field *f = &format->fields[i];
        if (!get_field(&input, f, (char *)&e->u + f->offset))
            return false;
    }
    if (e->head.kind == WT_WALLET && e->u.wallet.profile != NULL)
        e->u.wallet.profile_size = (uint32_t)strlen(e->u.wallet.profile);
    e->head.struct_size = sizeof e->head;
    e->head.body = body;
    e->head.body_size = (uint32_t)size;
    return input.at == input.end;
}
