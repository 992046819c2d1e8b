/* Reading: a block is one piece of memory.  The events grow from its front, the bodies from its
 * back, and it is full when they meet. */
#include "journal/store_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 256 * 1024 };

struct block_memory {
    struct journal_block block; /* first: what the receiver sees */
    size_t bodies;              /* where the bodies begin        */
    _Alignas(struct event) unsigned char bytes[BLOCK_BYTES];
};

_Static_assert(EVENT_BODY_MAX + sizeof(struct event) <= BLOCK_BYTES, "one event always fits");

static struct block_memory *block_new(void)
{
    struct block_memory *m = malloc(sizeof *m);
    if (m == NULL)
        return NULL;
    m->block = (struct journal_block){.events = (struct event *)(void *)m->bytes};
    m->bodies = BLOCK_BYTES;
    return m;
}

void journal_block_free(struct journal_block *b)
{
    free(b);
}

static bool copy_id(sqlite3_stmt *stmt, int column, wt_uuid *out)
{
    const void *bytes = sqlite3_column_blob(stmt, column);
    if (bytes == NULL || sqlite3_column_bytes(stmt, column) != sizeof out->bytes)
        return false;
    memcpy(out->bytes, bytes, sizeof out->bytes);
    return true;
}

enum take { TAKEN, NO_ROOM, BAD };

/* Moves the current row into the block. */
static enum take take_row(sqlite3_stmt *stmt, struct block_memory *m)
{
    const void *body = sqlite3_column_blob(stmt, 6);
    size_t size = (size_t)sqlite3_column_bytes(stmt, 6);
    size_t front = (m->block.count + 1) * sizeof(struct event);
    uint64_t seq = (uint64_t)sqlite3_column_int64(stmt, 0);
    if (m->block.count == 0)
        m->block.first = seq;
    if (body == NULL || size > EVENT_BODY_MAX)
        return BAD;
    if (front + size > m->bodies)
        return NO_ROOM;
    struct event *e = &m->block.events[m->block.count];
    e->head = (wt_event){
        .seq = seq,
        .kind = (uint16_t)sqlite3_column_int(stmt, 1),
        .body_version = (uint16_t)sqlite3_column_int(stmt, 2),
        .time_us = sqlite3_column_int64(stmt, 3),
    };
    if (seq != m->block.first + m->block.count || !copy_id(stmt, 4, &e->head.id) ||
        !copy_id(stmt, 5, &e->head.run_id))
        return BAD;
    unsigned char *copy = m->bytes + m->bodies - size;
    memcpy(copy, body, size);
    if (!event_decode(e, copy, size))
        return BAD;
    m->bodies -= size;
    m->block.count++;
    return TAKEN;
}

static int fill(struct store *s, struct block_memory *m, struct error *err)
{
    sqlite3_stmt *stmt = s->sql[SQL_READ];
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        enum take took = take_row(stmt, m);
        if (took == TAKEN)
            continue;
        if (took == NO_ROOM || m->block.count > 0)
            return 0; /* a bad one is reported when it is the first */
        return error_set(err, EILSEQ, "%s: event %" PRIu64 " cannot be read: it is damaged",
                         s->path, m->block.first);
    }
    return code == SQLITE_DONE ? 0 : store_error(s, "read", err);
}

int store_read(struct store *s, uint64_t first, uint64_t head, struct journal_block **out,
               struct error *err)
{
    *out = NULL;
    if (first > head)
        return 0;
    struct block_memory *m = block_new();
    if (m == NULL)
        return error_set(err, ENOMEM, "out of memory");
    sqlite3_bind_int64(s->sql[SQL_READ], 1, (sqlite3_int64)first);
    sqlite3_bind_int64(s->sql[SQL_READ], 2, (sqlite3_int64)head);
    int status = fill(s, m, err);
    sqlite3_reset(s->sql[SQL_READ]);
    if (status != 0 || m->block.count == 0)
        free(m);
    else
        *out = &m->block;
    return status;
}
