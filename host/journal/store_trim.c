/* Trimming takes events off the front.  Which go is decided from the front too: the first one
 * that has to stay ends the step. */
#include "journal/store_internal.h"

#include "fault_point.h"

enum { SLACK_BYTES = 512 * 1024, SLACK_US = 2 * 1000 * 1000 };
enum { SHRINK_PAGES_MIN = 1024 };

/* Where the event after `seq` begins. */
static int end_of(struct store *s, uint64_t seq, uint64_t *out, struct error *err)
{
    sqlite3_stmt *stmt = s->sql[SQL_AT];
    *out = s->end;
    if (seq >= s->head)
        return 0;
    seq++;
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)seq);
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW)
        *out = (uint64_t)sqlite3_column_int64(stmt, 0);
    int status = code == SQLITE_ROW ? 0 : store_error(s, "trim", err);
    sqlite3_reset(stmt);
    return status;
}

/* The first event that stays, and where the kept bodies begin then. */
struct cut {
    uint64_t seq, at;
    int64_t time_us;
};

struct bounds {
    uint64_t upto;         /* nothing after this goes         */
    uint64_t bytes_before; /* what begins before this goes    */
    int64_t older_than_us; /* what is no younger than this goes */
};

static bool may_go(const struct bounds *b, uint64_t seq, uint64_t at, int64_t time_us)
{
    return seq <= b->upto && (at < b->bytes_before || time_us <= b->older_than_us);
}

static int find_cut(struct store *s, const struct bounds *b, struct cut *cut, struct error *err)
{
    sqlite3_stmt *stmt = s->sql[SQL_WALK];
    *cut = (struct cut){s->head + 1, s->end, WT_NO_TIME};
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)s->oldest);
    sqlite3_bind_int(stmt, 2, TRIM_STEP_EVENTS + 1);
    int code;
    size_t seen = 0;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct cut row = {(uint64_t)sqlite3_column_int64(stmt, 0),
                          (uint64_t)sqlite3_column_int64(stmt, 1), sqlite3_column_int64(stmt, 2)};
        if (seen++ == TRIM_STEP_EVENTS || !may_go(b, row.seq, row.at, row.time_us)) {
            *cut = row;
            break;
        }
    }
    int status = code == SQLITE_ROW || code == SQLITE_DONE ? 0 : store_error(s, "trim", err);
    sqlite3_reset(stmt);
    return status;
}

static int remove_before(struct store *s, const struct cut *cut, struct error *err)
{
    FAULT_POINT("journal-trim");
    sqlite3_bind_int64(s->sql[SQL_TRIM], 1, (sqlite3_int64)cut->seq);
    if (store_run(s, SQL_TRIM, "trim", err) != 0) /* its own transaction */
        return -1;
    FAULT_POINT("journal-trimmed");
    s->oldest = cut->seq;
    s->begin = cut->at;
    s->oldest_us = cut->time_us;
    return 0;
}

/* Saturating, since limits and clocks may be anything. */
static int64_t add_us(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? (b < 0 ? INT64_MIN : INT64_MAX) : sum;
}

int store_trim(struct store *s, const struct trim_rules *rules, int64_t now_us, bool lazy,
               struct trim_result *out, struct error *err)
{
    *out = (struct trim_result){0, WT_NO_TIME};
    if (s->oldest > s->head || rules->upto < s->oldest)
        return 0;
    uint64_t acked_end;
    if (end_of(s, rules->upto, &acked_end, err) != 0)
        return -1;
    uint64_t keep = (uint64_t)rules->retain_bytes;
    struct bounds b = {rules->upto, acked_end > keep ? acked_end - keep : 0,
                       add_us(now_us, -rules->retain_us)};
    bool worth = s->begin + SLACK_BYTES < b.bytes_before ||
                 add_us(s->oldest_us, SLACK_US) <= b.older_than_us;
    if (worth || (!lazy && may_go(&b, s->oldest, s->begin, s->oldest_us))) {
        struct cut cut;
        if (find_cut(s, &b, &cut, err) != 0)
            return -1;
        uint64_t before = s->oldest;
        if (cut.seq > before && remove_before(s, &cut, err) != 0)
            return -1;
        out->removed = (size_t)(s->oldest - before);
    }
    if (s->oldest <= s->head && s->oldest <= rules->upto)
        out->next_us = add_us(s->oldest_us, rules->retain_us);
    return 0;
}

static int64_t pragma(struct store *s, const char *sql)
{
    sqlite3_stmt *stmt;
    int64_t value = 0;
    if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        value = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return value;
}

int store_shrink(struct store *s, struct error *err)
{
    int64_t empty = pragma(s, "PRAGMA freelist_count");
    /* Pages that will soon be used again are not worth the copying. */
    if (empty < SHRINK_PAGES_MIN || empty < pragma(s, "PRAGMA page_count") / 2)
        return 0;
    if (sqlite3_exec(s->db, "PRAGMA incremental_vacuum(128)", NULL, NULL, NULL) != SQLITE_OK)
        return store_error(s, "shrink", err);
    return 1;
}
