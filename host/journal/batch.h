/* batch.h: what one commit of the journal writes.
 *
 * Bodies lie one after the other in one growing piece of memory, records point into it by
 * offset; nothing is allocated for a single event.  A batch that was large gives its memory
 * back when it is emptied.
 * Thread: whoever holds the batch; it changes hands whole.
 */
#ifndef JOURNAL_BATCH_H
#define JOURNAL_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "journal/journal.h"

/* Beside the kinds of events (1 …): a setting, its body is "name\0value\0", or "name\0" alone
 * when it is to be removed. */
enum { RECORD_SETTING = 0 };

struct record {
    uint64_t seq; /* 0 for a setting */
    int64_t time_us;
    wt_uuid id, run_id;
    uint16_t kind, version;
    uint32_t size; /* of the body             */
    size_t at;     /* where it is in `bytes`  */
    journal_done done;
    void *arg;
};

/* How far a consumer has acknowledged.  `name` is borrowed from the journal. */
struct mark {
    const char *name;
    uint64_t seq;
};

struct batch {
    struct record *records;
    size_t n, records_room;
    unsigned char *bytes;
    size_t used, bytes_room;
    struct mark *marks;
    size_t n_marks, marks_room;
    size_t events; /* records that are no settings */
};

/* Each returns false, with the batch as it was, when there is no memory or, for an event,
 * when it cannot be encoded. */
bool batch_add_event(struct batch *b, const struct event *e, journal_done done, void *arg);
bool batch_add_setting(struct batch *b, const char *name, const char *value, journal_done done,
                       void *arg);
void batch_drop_last(struct batch *b); /* takes back the setting that was added last */
bool batch_add_mark(struct batch *b, const char *name, uint64_t seq);

static inline bool batch_is_empty(const struct batch *b)
{
    return b->n == 0 && b->n_marks == 0;
}

void batch_clear(struct batch *b);
void batch_free(struct batch *b);

#endif
