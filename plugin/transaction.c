#include "transaction.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { SLICE = 64 * 1024 }; /* of COPY data, at a time */

/* ---- the range ---- */

size_t range_ends(const struct range *r)
{
    if (r->raw != NULL)
        return 0;
    return batch_first_end(r->batch, r->to) - batch_first_end(r->batch, r->from);
}

size_t range_bytes(const struct range *r)
{
    size_t bytes = r->raw != NULL ? r->raw->size : 0, size;
    for (int table = 0; table < TABLE_COUNT && r->raw == NULL; table++) {
        batch_rows(r->batch, (enum table)table, r->from, r->to, &size);
        bytes += size;
    }
    return bytes;
}

uint64_t range_last(const struct range *r)
{
    return r->batch->entries[r->to - 1].seq;
}

static bool has_rows(const struct range *r, int table)
{
    size_t size;
    batch_rows(r->batch, (enum table)table, r->from, r->to, &size);
    return size > 0;
}

/* The first table at or after `table` that has rows in the range. */
static int next_table(const struct range *r, int table)
{
    while (table < TABLE_COUNT && !has_rows(r, table))
        table++;
    return table;
}

/* ---- its text ---- */

static void add_begin(FILE *out, const struct instance *i, const struct cursor *cursor,
                      uint64_t from, uint64_t to)
{
    int64_t seconds = i->settings.commit_seconds;
    fprintf(out,
            "BEGIN; SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = '5s';"
            " SET LOCAL statement_timeout = '%" PRId64 "s';"
            " SET LOCAL idle_in_transaction_session_timeout = '%" PRId64 "s';"
            " UPDATE %s.recorder_cursor SET seq = %" PRIu64 " WHERE journal_id = '%s'"
            " AND token = %" PRIu64 " AND seq = %" PRIu64,
            seconds, seconds, i->schema, to, cursor->journal_id, cursor->token, from);
}

static void add_copy(FILE *out, const char *schema, const char *columns)
{
    fprintf(out, "; COPY %s.%s FROM STDIN (FORMAT BINARY)", schema, columns);
}

static void add_copies(FILE *out, const struct range *r, const char *schema)
{
    if (r->raw != NULL)
        add_copy(out, schema, quarantine_columns);
    for (int table = 0; table < TABLE_COUNT && r->raw == NULL; table++)
        if (has_rows(r, table))
            add_copy(out, schema, table_columns[table]);
}

/* What was written, or NULL. */
static char *end_text(FILE *out, char **text)
{
    if (fclose(out) == 0)
        return *text;
    free(*text);
    return NULL;
}

char *transaction_text(const struct range *r, const struct instance *i, const struct cursor *cursor,
                       const char *more, bool *commits)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    bool copies = r->raw != NULL || next_table(r, 0) < TABLE_COUNT;
    *commits = copies && range_ends(r) == 0;
    add_begin(out, i, cursor, cursor->seq, range_last(r));
    if (more != NULL)
        fprintf(out, "; %s", more);
    add_copies(out, r, i->schema);
    if (*commits)
        fputs("; COMMIT", out);
    return end_text(out, &text);
}

char *transaction_touch(const struct instance *i, const struct cursor *cursor, uint64_t seq)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL)
        return NULL;
    add_begin(out, i, cursor, seq, seq);
    return end_text(out, &text);
}

/* ---- runs that end ---- */

static json_t *end_json(const struct batch *b, const struct ended *e)
{
    static const char *const names[] = WT_RUN_STATUS_NAMES;
    const struct entry *entry = &b->entries[e->entry];
    const char *reason = e->reason == NO_TEXT ? NULL : (const char *)b->bodies.data + e->reason;
    char run[37];
    wt_uuid_text(&entry->run_id, run);
    return json_pack("{s:s, s:s, s:I, s:o, s:I, s:o}", "run_id", run, "status",
                     e->status < sizeof names / sizeof names[0] ? names[e->status] : "unknown",
                     "at_us", (json_int_t)entry->time_us, "duration_us",
                     e->duration_us < 0 ? json_null() : json_integer(e->duration_us), "dropped",
                     (json_int_t)e->errors_dropped, "reason",
                     reason == NULL ? json_null() : json_string(reason));
}

char *transaction_ends(const struct range *r)
{
    json_t *list = json_array();
    size_t first = batch_first_end(r->batch, r->from), n = range_ends(r);
    bool ok = list != NULL;
    for (size_t i = first; ok && i < first + n; i++)
        ok = json_array_append_new(list, end_json(r->batch, &r->batch->ends[i])) == 0;
    char *text = ok ? json_dumps(list, JSON_COMPACT) : NULL;
    json_decref(list);
    return text;
}

/* ---- COPY ---- */

void copy_feed_start(struct copy_feed *f, const struct range *r)
{
    *f = (struct copy_feed){.table = next_table(r, 0)};
}

static const unsigned char *source(const struct copy_feed *f, const struct range *r, size_t *size)
{
    if (r->raw == NULL)
        return batch_rows(r->batch, (enum table)f->table, r->from, r->to, size);
    *size = r->raw->size;
    return r->raw->data;
}

void copy_feed_more(struct copy_feed *f, const struct range *r, struct pg_conn *conn)
{
    size_t size;
    const unsigned char *rows = source(f, r, &size);
    if (!f->header) {
        f->header = true;
        pg_conn_put(conn, copy_header, sizeof copy_header);
    } else if (f->offset < size) {
        size_t slice = size - f->offset < SLICE ? size - f->offset : SLICE;
        f->offset += slice;
        pg_conn_put(conn, rows + f->offset - slice, slice);
    } else if (!f->trailer) {
        f->trailer = true;
        pg_conn_put(conn, copy_trailer, sizeof copy_trailer);
    } else {
        *f = (struct copy_feed){.table = r->raw != NULL ? f->table : next_table(r, f->table + 1)};
        pg_conn_put_end(conn);
    }
}
