/* Happy path: begin() an entry, write its row, finish() it.  Failure: any allocation; finish() then
 * cuts everything back to where begin() found it. */
#include "batch.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

const char *const table_columns[TABLE_COUNT] = {
    [TABLE_RUNS] = "discovery_runs (id, started_at, created_at, status, trigger_type, triggered_by,"
                   " min_price_change_pct, min_volume_usd, max_token_age_hours,"
                   " early_window_minutes, min_profit_pct, max_tokens, profile_immediately,"
                   " schedule, slot_at, host, build, builds)",
    [TABLE_TOKENS] = "discovery_run_tokens (id, run_id, created_at, token, symbol,"
                     " price_change_pct, volume_usd)",
    [TABLE_WALLETS] = "discovery_run_wallets (id, run_id, is_new, wallet_address, source_token,"
                      " initial_score, created_at, profile)",
    [TABLE_ERRORS] = "discovery_run_errors (id, run_id, created_at, message, token, code, line)",
    [TABLE_SLOTS] = "discovery_slots (id, created_at, schedule, due, outcome, reason, run_id)",
};
const char quarantine_columns[] = "recorder_quarantine (stream, seq, kind, version, run_id,"
                                  " accepted_us, body, sqlstate, message)";

/* Of a wallet's row: the count of fields, id and run_id stand before is_new, and the address after
 * it; each field begins with its size. */
enum {
    IS_NEW_AT = 2 + 20 + 20 + 4,
    ADDRESS_SIZE_AT = IS_NEW_AT + 1,
    ADDRESS_AT = ADDRESS_SIZE_AT + 4
};

static const char *const trigger_names[] = WT_TRIGGER_NAMES;
static const char *const outcome_names[] = WT_SLOT_OUTCOME_NAMES;

/* An unknown number is written as one that the table's check refuses, not as some other word. */
#define WORD(names, i) ((i) < sizeof(names) / sizeof((names)[0]) ? (names)[i] : "unknown")

void batch_free(struct batch *b)
{
    free(b->entries);
    free(b->ends);
    for (int t = 0; t < TABLE_COUNT; t++)
        rows_free(&b->rows[t]);
    rows_free(&b->bodies);
    *b = (struct batch){0};
}

void batch_clear(struct batch *b)
{
    b->count = 0;
    b->end_count = 0;
    b->undecided = 0;
    for (int t = 0; t < TABLE_COUNT; t++)
        rows_cut(&b->rows[t], 0);
    rows_cut(&b->bodies, 0);
}

size_t batch_bytes(const struct batch *b)
{
    size_t bytes = b->bodies.size;
    for (int t = 0; t < TABLE_COUNT; t++)
        bytes += b->rows[t].size;
    return bytes;
}

size_t batch_room(const struct batch *b)
{
    size_t bytes = b->bodies.room + b->room * sizeof *b->entries;
    for (int t = 0; t < TABLE_COUNT; t++)
        bytes += b->rows[t].room;
    return bytes;
}

static bool make_room(void **array, size_t *room, size_t count, size_t size)
{
    if (count < *room)
        return true;
    size_t more = *room > 0 ? *room * 2 : 64;
    void *longer = reallocarray(*array, more, size);
    if (longer == NULL)
        return false;
    *array = longer;
    *room = more;
    return true;
}

/* The next entry, not yet counted. */
static struct entry *begin(struct batch *b, const wt_event *e, enum table table)
{
    if (!make_room((void **)&b->entries, &b->room, b->count, sizeof *b->entries))
        return NULL;
    struct entry *entry = &b->entries[b->count];
    *entry = (struct entry){
        .seq = e->seq,
        .time_us = e->time_us,
        .run_id = e->run_id,
        .kind = e->kind,
        .version = e->body_version,
        .table = (uint16_t)table,
        .row = table == TABLE_NONE ? 0 : b->rows[table].size,
        .body = b->bodies.size,
        .body_size = e->body != NULL ? e->body_size : 0,
    };
    return entry;
}

static void add_bytes(struct rows *r, const void *bytes, size_t size)
{
    copy_bytes(r, bytes, size);
}

static bool finish(struct batch *b, const wt_event *e)
{
    struct entry *entry = &b->entries[b->count];
    struct rows *rows = entry->table == TABLE_NONE ? NULL : &b->rows[entry->table];
    if (entry->body_size > 0)
        add_bytes(&b->bodies, e->body, entry->body_size);
    if (b->bodies.failed || (rows != NULL && rows->failed)) {
        rows_cut(&b->bodies, entry->body);
        if (rows != NULL)
            rows_cut(rows, entry->row);
        return false;
    }
    b->count++;
    return true;
}

bool batch_run_start(struct batch *b, const wt_event *e, const wt_run_start *start,
                     const char *build)
{
    struct rows *r = &b->rows[TABLE_RUNS];
    if (begin(b, e, TABLE_RUNS) == NULL)
        return false;
    copy_row(r, 18);
    copy_uuid(r, &e->run_id);
    copy_time(r, e->time_us);
    copy_time(r, e->time_us);
    copy_text(r, "running");
    copy_text(r, WORD(trigger_names, start->trigger));
    copy_text(r, start->triggered_by);
#define COPY_DECIMAL(value) copy_numeric(r, value, 2)
#define COPY_INTEGER(value) copy_int4(r, (int32_t)(value))
#define COPY_PARAM(SYMBOL, name, type, min, max, def, unit, text)                                  \
    COPY_##type(start->params.value[WT_PARAM_##SYMBOL]);
    WT_PARAMS(COPY_PARAM)
#undef COPY_PARAM
#undef COPY_INTEGER
#undef COPY_DECIMAL
    copy_bool(r, start->profile_immediately != 0);
    copy_text(r, start->schedule);
    copy_time(r, start->slot_at_us);
    copy_text(r, start->host_name);
    copy_text(r, build);
    copy_texts(r, &build, 1);
    return finish(b, e);
}

bool batch_token(struct batch *b, const wt_event *e, const wt_token *token)
{
    struct rows *r = &b->rows[TABLE_TOKENS];
    if (begin(b, e, TABLE_TOKENS) == NULL)
        return false;
    copy_row(r, 7);
    copy_uuid(r, &e->id);
    copy_uuid(r, &e->run_id);
    copy_time(r, e->time_us);
    copy_text(r, token->token);
    copy_text(r, token->symbol);
    copy_double(r, token->price_change_pct);
    copy_double(r, token->volume_usd);
    return finish(b, e);
}

bool batch_wallet(struct batch *b, const wt_event *e, const wt_wallet *wallet)
{
    struct rows *r = &b->rows[TABLE_WALLETS];
    struct entry *entry = begin(b, e, TABLE_WALLETS);
    if (entry == NULL)
        return false;
    entry->undecided = wallet->is_new < 0;
    copy_row(r, 8);
    copy_uuid(r, &e->id);
    copy_uuid(r, &e->run_id);
    copy_bool(r, wallet->is_new != 0);
    copy_text(r, wallet->address);
    copy_text(r, wallet->source_token);
    if (wallet->score_e4 == WT_NO_SCORE)
        copy_null(r);
    else
        copy_numeric(r, wallet->score_e4, 4);
    copy_time(r, e->time_us);
    copy_json(r, wallet->profile, wallet->profile_size);
    if (!finish(b, e))
        return false;
    b->undecided += wallet->is_new < 0;
    return true;
}

bool batch_run_error(struct batch *b, const wt_event *e, const wt_run_error *error)
{
    struct rows *r = &b->rows[TABLE_ERRORS];
    if (begin(b, e, TABLE_ERRORS) == NULL)
        return false;
    copy_row(r, 7);
    copy_uuid(r, &e->id);
    copy_uuid(r, &e->run_id);
    copy_time(r, e->time_us);
    copy_text(r, error->message);
    copy_text(r, error->token);
    copy_text(r, error->code);
    if (error->line == 0)
        copy_null(r);
    else
        copy_int8(r, error->line);
    return finish(b, e);
}

bool batch_run_end(struct batch *b, const wt_event *e, const wt_run_end *end)
{
    if (begin(b, e, TABLE_NONE) == NULL ||
        !make_room((void **)&b->ends, &b->end_room, b->end_count, sizeof *b->ends))
        return false;
    size_t reason = NO_TEXT, mark = b->bodies.size;
    if (end->reason != NULL) {
        reason = mark + 4; /* behind the size that add_bytes() writes */
        add_bytes(&b->bodies, end->reason, strlen(end->reason) + 1);
        b->entries[b->count].body = b->bodies.size;
    }
    if (!finish(b, e)) {
        rows_cut(&b->bodies, mark);
        return false;
    }
    b->ends[b->end_count++] = (struct ended){
        .entry = b->count - 1,
        .reason = reason,
        .duration_us = end->duration_us,
        .errors_dropped = end->errors_dropped,
        .status = end->status,
    };
    return true;
}

bool batch_slot(struct batch *b, const wt_event *e, const wt_slot *slot)
{
    static const wt_uuid none;
    struct rows *r = &b->rows[TABLE_SLOTS];
    if (begin(b, e, TABLE_SLOTS) == NULL)
        return false;
    copy_row(r, 7);
    copy_uuid(r, &e->id);
    copy_time(r, e->time_us);
    copy_text(r, slot->schedule);
    copy_time(r, slot->due_us);
    copy_text(r, WORD(outcome_names, slot->outcome));
    copy_text(r, slot->reason);
    if (memcmp(&e->run_id, &none, sizeof none) == 0)
        copy_null(r);
    else
        copy_uuid(r, &e->run_id);
    return finish(b, e);
}

/* Where the rows of the first entry at or after `from` start. */
static size_t row_start(const struct batch *b, enum table table, size_t from)
{
    for (size_t i = from; i < b->count; i++)
        if (b->entries[i].table == table)
            return b->entries[i].row;
    return b->rows[table].size;
}

const unsigned char *batch_rows(const struct batch *b, enum table table, size_t from, size_t to,
                                size_t *size)
{
    size_t start = row_start(b, table, from);
    *size = row_start(b, table, to) - start;
    return b->rows[table].data != NULL ? b->rows[table].data + start : NULL;
}

size_t batch_first_end(const struct batch *b, size_t from)
{
    size_t i = 0;
    while (i < b->end_count && b->ends[i].entry < from)
        i++;
    return i;
}

static unsigned char *row(const struct batch *b, size_t entry)
{
    return b->rows[TABLE_WALLETS].data + b->entries[entry].row;
}

const char *batch_address(const struct batch *b, size_t entry, size_t *size)
{
    uint32_t bytes;
    memcpy(&bytes, row(b, entry) + ADDRESS_SIZE_AT, sizeof bytes);
    *size = be32toh(bytes);
    return (const char *)row(b, entry) + ADDRESS_AT;
}

void batch_set_new(struct batch *b, size_t entry, bool is_new)
{
    row(b, entry)[IS_NEW_AT] = is_new;
}

void batch_quarantine_row(const struct batch *b, size_t entry, const char *stream,
                          const char *sqlstate, const char *message, struct rows *out)
{
    const struct entry *e = &b->entries[entry];
    copy_row(out, 9);
    copy_text(out, stream);
    copy_int8(out, (int64_t)e->seq);
    copy_int4(out, e->kind);
    copy_int4(out, e->version);
    copy_uuid(out, &e->run_id);
    copy_int8(out, e->time_us); /* not as a time: it may be what is wrong with the event */
    if (e->body_size > 0)       /* behind the size that add_bytes() wrote */
        copy_bytes(out, b->bodies.data + e->body + 4, e->body_size);
    else
        copy_bytes(out, NULL, 0);
    copy_text(out, sqlstate);
    copy_text(out, message);
}
