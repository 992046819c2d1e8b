#include "judge_journal.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "judge_report.h"

enum { APPLICATION = 0x57544a4c, FORMAT = 1, BUSY_MS = 10000 };

struct journal_file {
    sqlite3 *db;
    sqlite3_stmt *events;
    unsigned char id[16];
    uint64_t first, head, mark;
};

static sqlite3_stmt *prepare(struct journal_file *j, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(j->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        cannot_judge("the journal: %s: %s", sql, sqlite3_errmsg(j->db));
    return stmt;
}

static int64_t number(struct journal_file *j, const char *sql)
{
    sqlite3_stmt *stmt = prepare(j, sql);
    if (sqlite3_step(stmt) != SQLITE_ROW)
        cannot_judge("the journal: %s: %s", sql, sqlite3_errmsg(j->db));
    int64_t value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

static void read_position(struct journal_file *j)
{
    sqlite3_stmt *stmt = prepare(j, "SELECT id, head FROM journal");
    if (sqlite3_step(stmt) != SQLITE_ROW || sqlite3_column_bytes(stmt, 0) != sizeof j->id)
        cannot_judge("the journal has no identity");
    memcpy(j->id, sqlite3_column_blob(stmt, 0), sizeof j->id);
    j->head = (uint64_t)sqlite3_column_int64(stmt, 1);
    sqlite3_finalize(stmt);
}

struct journal_file *journal_file_open(const char *path)
{
    struct journal_file *j = calloc(1, sizeof *j);
    if (j == NULL)
        cannot_judge("out of memory");
    if (sqlite3_open_v2(path, &j->db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
        cannot_judge("%s: %s", path, sqlite3_errmsg(j->db));
    sqlite3_busy_timeout(j->db, BUSY_MS);
    if (number(j, "PRAGMA application_id") != APPLICATION ||
        number(j, "PRAGMA user_version") != FORMAT)
        cannot_judge("%s is not a journal of format %d", path, FORMAT);
    /* All is read from one moment. */
    if (sqlite3_exec(j->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
        cannot_judge("%s: %s", path, sqlite3_errmsg(j->db));
    read_position(j);
    j->first =
        (uint64_t)number(j, "SELECT coalesce((SELECT min(seq) FROM event), head + 1) FROM journal");
    j->mark = (uint64_t)number(j, "SELECT coalesce(max(mark), 0) FROM consumer");
    j->events =
        prepare(j, "SELECT seq, kind, version, time_us, id, run_id, body FROM event ORDER BY seq");
    return j;
}

void journal_file_close(struct journal_file *j)
{
    sqlite3_finalize(j->events);
    sqlite3_close(j->db);
    free(j);
}

const unsigned char *journal_file_id(const struct journal_file *j)
{
    return j->id;
}

uint64_t journal_file_first(const struct journal_file *j)
{
    return j->first;
}

uint64_t journal_file_head(const struct journal_file *j)
{
    return j->head;
}

uint64_t journal_file_mark(const struct journal_file *j)
{
    return j->mark;
}

void journal_file_rewind(struct journal_file *j)
{
    sqlite3_reset(j->events);
}

/* ---- bodies: little-endian numbers, texts as size with the NUL, then bytes ---- */

struct body {
    const unsigned char *at;
    size_t left;
    bool bad;
};

static uint64_t take_number(struct body *b, size_t size)
{
    uint64_t value = 0;
    if (size > b->left) {
        b->bad = true;
        return 0;
    }
    for (size_t i = size; i-- > 0;)
        value = value << 8 | b->at[i];
    b->at += size;
    b->left -= size;
    return value;
}

static double take_double(struct body *b)
{
    uint64_t bits = take_number(b, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static const char *take_text(struct body *b)
{
    size_t size = take_number(b, 4);
    const char *text = (const char *)b->at;
    if (size == 0)
        return NULL;
    if (size > b->left || text[size - 1] != '\0') {
        b->bad = true;
        return NULL;
    }
    b->at += size;
    b->left -= size;
    return text;
}

static void take_start(struct body *b, struct fact *f)
{
    (void)take_number(b, 2); /* trigger, profile_immediately */
    (void)take_text(b);      /* triggered_by                 */
    f->u.start.schedule = take_text(b);
    f->u.start.slot_us = (int64_t)take_number(b, 8);
    (void)take_text(b); /* host */
    for (int i = 0; i < 6; i++)
        (void)take_number(b, 8); /* parameters */
}

static void take_token(struct body *b, struct fact *f)
{
    f->u.token.token = take_text(b);
    f->u.token.symbol = take_text(b);
    f->u.token.change_pct = take_double(b);
    f->u.token.volume_usd = take_double(b);
}

static void take_wallet(struct body *b, struct fact *f)
{
    uint64_t is_new = take_number(b, 1);
    f->u.wallet.is_new = is_new == 0xff ? -1 : (int)is_new;
    f->u.wallet.score_e4 = (int32_t)take_number(b, 4);
    f->u.wallet.address = take_text(b);
    f->u.wallet.token = take_text(b);
    f->u.wallet.profile = take_text(b);
}

static void take_error(struct body *b, struct fact *f)
{
    f->u.error.line = (uint32_t)take_number(b, 4);
    f->u.error.message = take_text(b);
    f->u.error.token = take_text(b);
    f->u.error.code = take_text(b);
}

static void take_end(struct body *b, struct fact *f)
{
    f->u.end.status = (unsigned)take_number(b, 1);
    (void)take_number(b, 8); /* duration */
    f->u.end.errors_dropped = take_number(b, 8);
    f->u.end.reason = take_text(b);
}

static void take_slot(struct body *b, struct fact *f)
{
    f->u.slot.outcome = (unsigned)take_number(b, 1);
    f->u.slot.due_us = (int64_t)take_number(b, 8);
    f->u.slot.schedule = take_text(b);
    f->u.slot.reason = take_text(b);
}

static void decode(struct fact *f, const void *bytes, size_t size)
{
    static void (*const take[])(struct body *, struct fact *) = {
        [FACT_RUN_START] = take_start, [FACT_TOKEN] = take_token, [FACT_WALLET] = take_wallet,
        [FACT_ERROR] = take_error,     [FACT_RUN_END] = take_end, [FACT_SLOT] = take_slot,
    };
    struct body b = {.at = bytes, .left = size};
    take[f->kind](&b, f);
    if (b.bad || b.left != 0)
        cannot_judge("event %llu of kind %d cannot be read", (unsigned long long)f->seq,
                     (int)f->kind);
}

bool journal_file_next(struct journal_file *j, struct fact *out)
{
    int code = sqlite3_step(j->events);
    if (code == SQLITE_DONE)
        return false;
    if (code != SQLITE_ROW)
        cannot_judge("the journal: %s", sqlite3_errmsg(j->db));
    int kind = sqlite3_column_int(j->events, 1);
    int version = sqlite3_column_int(j->events, 2);
    *out = (struct fact){
        .seq = (uint64_t)sqlite3_column_int64(j->events, 0),
        .kind = (enum fact_kind)kind,
        .time_us = sqlite3_column_int64(j->events, 3),
    };
    if (kind < FACT_RUN_START || kind > FACT_SLOT || version != 1 ||
        sqlite3_column_bytes(j->events, 4) != sizeof out->id ||
        sqlite3_column_bytes(j->events, 5) != sizeof out->run)
        cannot_judge("event %llu: kind %d, version %d: not known here",
                     (unsigned long long)out->seq, kind, version);
    memcpy(out->id, sqlite3_column_blob(j->events, 4), sizeof out->id);
    memcpy(out->run, sqlite3_column_blob(j->events, 5), sizeof out->run);
    out->body = sqlite3_column_blob(j->events, 6);
    out->body_size = (size_t)sqlite3_column_bytes(j->events, 6);
    decode(out, out->body, out->body_size);
    return true;
}
