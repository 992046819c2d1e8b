/* Writing: a batch becomes one transaction.  Every event knows where its body would begin if all
 * bodies ever were laid end to end (`at`), so that the bytes between any two events are a
 * subtraction, and nothing has to be added up or kept in step. */
#include "journal/store_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "fault_point.h"

static int add_event(struct store *s, const struct record *r, const unsigned char *body,
                     uint64_t at, struct error *err)
{
    sqlite3_stmt *stmt = s->sql[SQL_ADD_EVENT];
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)r->seq);
    sqlite3_bind_int64(stmt, 2, (sqlite3_int64)at);
    sqlite3_bind_int(stmt, 3, r->kind);
    sqlite3_bind_int(stmt, 4, r->version);
    sqlite3_bind_int64(stmt, 5, r->time_us);
    sqlite3_bind_blob(stmt, 6, r->id.bytes, sizeof r->id.bytes, SQLITE_STATIC);
    sqlite3_bind_blob(stmt, 7, r->run_id.bytes, sizeof r->run_id.bytes, SQLITE_STATIC);
    sqlite3_bind_blob(stmt, 8, body, (int)r->size, SQLITE_STATIC);
    return store_run(s, SQL_ADD_EVENT, "write", err);
}

static int open_run(struct store *s, const struct record *r, struct error *err)
{
    sqlite3_stmt *stmt = s->sql[SQL_OPEN_RUN];
    FAULT_POINT("journal-run-start");
    sqlite3_bind_blob(stmt, 1, r->run_id.bytes, sizeof r->run_id.bytes, SQLITE_STATIC);
    sqlite3_bind_int64(stmt, 2, (sqlite3_int64)r->seq);
    sqlite3_bind_int64(stmt, 3, r->time_us);
    return store_run(s, SQL_OPEN_RUN, "write", err);
}

static int close_run(struct store *s, const struct record *r, struct error *err)
{
    sqlite3_bind_blob(s->sql[SQL_CLOSE_RUN], 1, r->run_id.bytes, sizeof r->run_id.bytes,
                      SQLITE_STATIC);
    return store_run(s, SQL_CLOSE_RUN, "write", err);
}

static int put_slot(struct store *s, const struct record *r, const unsigned char *body,
                    struct error *err)
{
    struct event e = {.head = {.kind = r->kind, .body_version = r->version}};
    if (!event_decode(&e, body, r->size))
        return error_set(err, EINVAL, "%s: event %" PRIu64 " is not a slot", s->path, r->seq);
    sqlite3_bind_text(s->sql[SQL_PUT_SLOT], 1, e.u.slot.schedule, -1, SQLITE_STATIC);
    sqlite3_bind_int64(s->sql[SQL_PUT_SLOT], 2, e.u.slot.due_us);
    return store_run(s, SQL_PUT_SLOT, "write", err);
}

static int put_setting(struct store *s, const struct record *r, const unsigned char *body,
                       struct error *err)
{
    const char *name = (const char *)body;
    size_t name_size = strlen(name) + 1;
    int which = name_size == r->size ? SQL_DROP_SETTING : SQL_PUT_SETTING;
    sqlite3_bind_text(s->sql[which], 1, name, -1, SQLITE_STATIC);
    if (which == SQL_PUT_SETTING)
        sqlite3_bind_text(s->sql[which], 2, name + name_size, -1, SQLITE_STATIC);
    return store_run(s, which, "write", err);
}

static int put_mark(struct store *s, const struct mark *m, struct error *err)
{
    sqlite3_bind_text(s->sql[SQL_PUT_MARK], 1, m->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(s->sql[SQL_PUT_MARK], 2, (sqlite3_int64)m->seq);
    return store_run(s, SQL_PUT_MARK, "write", err);
}

/* What an event means beyond itself. */
static int follow(struct store *s, const struct record *r, const unsigned char *body,
                  struct error *err)
{
    switch (r->kind) {
    case WT_RUN_START:
        return open_run(s, r, err);
    case WT_RUN_END:
        return close_run(s, r, err);
    case WT_SLOT:
        return put_slot(s, r, body, err);
    default:
        return 0;
    }
}

/* Writes the records; *head and *end move with each event. */
static int write_records(struct store *s, const struct batch *b, uint64_t *head, uint64_t *end,
                         struct error *err)
{
    for (size_t i = 0; i < b->n; i++) {
        const struct record *r = &b->records[i];
        const unsigned char *body = b->bytes + r->at;
        if (r->kind == RECORD_SETTING) {
            if (put_setting(s, r, body, err) != 0)
                return -1;
            continue;
        }
        if (r->seq != *head + 1)
            return error_set(err, EINVAL, "%s: event %" PRIu64 " after %" PRIu64, s->path, r->seq,
                             *head);
        if (add_event(s, r, body, *end, err) != 0 || follow(s, r, body, err) != 0)
            return -1;
        *head = r->seq;
        *end += r->size;
    }
    return 0;
}

static int write_batch(struct store *s, const struct batch *b, uint64_t *head, uint64_t *end,
                       struct error *err)
{
    if (store_run(s, SQL_BEGIN, "begin", err) != 0)
        return -1;
    FAULT_POINT("journal-begun");
    if (write_records(s, b, head, end, err) != 0)
        return -1;
    FAULT_POINT("journal-written");
    for (size_t i = 0; i < b->n_marks; i++)
        if (put_mark(s, &b->marks[i], err) != 0)
            return -1;
    if (b->events > 0) {
        sqlite3_bind_int64(s->sql[SQL_SET_HEAD], 1, (sqlite3_int64)*head);
        sqlite3_bind_int64(s->sql[SQL_SET_HEAD], 2, (sqlite3_int64)*end);
        if (store_run(s, SQL_SET_HEAD, "write", err) != 0)
            return -1;
    }
    FAULT_POINT("journal-commit");
    return store_run(s, SQL_COMMIT, "commit", err);
}

static int roll_back(struct store *s)
{
    store_run(s, SQL_ROLLBACK, "roll back", NULL);
    return -1;
}

int store_commit(struct store *s, const struct batch *b, struct error *err)
{
    uint64_t head = s->head, end = s->end;
    if (write_batch(s, b, &head, &end, err) != 0)
        return roll_back(s);
    if (s->oldest > s->head && head > s->head) /* it was empty */
        for (size_t i = b->n; i-- > 0;)
            if (b->records[i].kind != RECORD_SETTING)
                s->oldest_us = b->records[i].time_us;
    s->head = head;
    s->end = end;
    FAULT_POINT("journal-committed");
    return 0;
}
