#include "journal/batch.h"

#include <stdlib.h>
#include <string.h>

enum { SMALLEST_BYTES = 2 * EVENT_BODY_MAX, SMALLEST_RECORDS = 256 };
enum { KEPT_BYTES = 1024 * 1024, KEPT_RECORDS = 8192 };

/* Makes room for one more of `n` items of `size` bytes. */
static bool grow(void **items, size_t n, size_t *room, size_t size, size_t smallest)
{
    if (n < *room)
        return true;
    size_t wanted = *room == 0 ? smallest : *room * 2;
    void *grown = reallocarray(*items, wanted, size);
    if (grown == NULL)
        return false;
    *items = grown;
    *room = wanted;
    return true;
}

/* Makes room for a record and for a body of any size. */
static bool make_room(struct batch *b)
{
    if (!grow((void **)&b->records, b->n, &b->records_room, sizeof *b->records, SMALLEST_RECORDS))
        return false;
    return grow((void **)&b->bytes, b->used + EVENT_BODY_MAX, &b->bytes_room, 1, SMALLEST_BYTES);
}

static struct record *add_record(struct batch *b, size_t size, journal_done done, void *arg)
{
    struct record *r = &b->records[b->n++];
    r->size = (uint32_t)size;
    r->at = b->used;
    r->done = done;
    r->arg = arg;
    b->used += size;
    return r;
}

bool batch_add_event(struct batch *b, const struct event *e, journal_done done, void *arg)
{
    if (!make_room(b))
        return false;
    size_t size = event_encode(e, b->bytes + b->used, EVENT_BODY_MAX);
    if (size == 0)
        return false;
    struct record *r = add_record(b, size, done, arg);
    r->seq = e->head.seq;
    r->time_us = e->head.time_us;
    r->id = e->head.id;
    r->run_id = e->head.run_id;
    r->kind = e->head.kind;
    r->version = e->head.body_version;
    b->events++;
    return true;
}

bool batch_add_setting(struct batch *b, const char *name, const char *value, journal_done done,
                       void *arg)
{
    size_t name_size = strlen(name) + 1;
    size_t value_size = value != NULL ? strlen(value) + 1 : 0;
    if (value_size > EVENT_BODY_MAX || name_size > EVENT_BODY_MAX - value_size || !make_room(b))
        return false;
    memcpy(b->bytes + b->used, name, name_size);
    if (value != NULL)
        memcpy(b->bytes + b->used + name_size, value, value_size);
    struct record *r = add_record(b, name_size + value_size, done, arg);
    r->seq = 0;
    r->time_us = 0;
    r->id = (wt_uuid){0};
    r->run_id = (wt_uuid){0};
    r->kind = RECORD_SETTING;
    r->version = 0;
    return true;
}

void batch_drop_last(struct batch *b)
{
    b->used = b->records[--b->n].at;
}

bool batch_add_mark(struct batch *b, const char *name, uint64_t seq)
{
    if (!grow((void **)&b->marks, b->n_marks, &b->marks_room, sizeof *b->marks, 4))
        return false;
    b->marks[b->n_marks++] = (struct mark){name, seq};
    return true;
}

void batch_clear(struct batch *b)
{
    if (b->bytes_room > KEPT_BYTES) {
        free(b->bytes);
        b->bytes = NULL;
        b->bytes_room = 0;
    }
    if (b->records_room > KEPT_RECORDS) {
        free(b->records);
        b->records = NULL;
        b->records_room = 0;
    }
    b->n = b->used = b->n_marks = b->events = 0;
}

void batch_free(struct batch *b)
{
    free(b->records);
    free(b->bytes);
    free(b->marks);
    *b = (struct batch){0};
}
