/* batch.h: events that were taken and are not yet durable, encoded as rows.
 *
 * Promise: an event is taken whole or not at all.  Rows of any range of the batch are one piece of
 *          memory per table, so that a batch can be sent in halves.  The journal's own bytes stay
 *          beside the rows for the quarantine.
 * Thread:  loop only.
 * Knows:   the plugin contract, row encoding, the columns.  Not: connections, transactions.
 */
#ifndef RECORDER_BATCH_H
#define RECORDER_BATCH_H

#include <walltrack/plugin.h>

#include "copy_rows.h"

/* In the order in which they are written: a run before what refers to it. */
enum table {
    TABLE_RUNS,
    TABLE_TOKENS,
    TABLE_WALLETS,
    TABLE_ERRORS,
    TABLE_SLOTS,
    TABLE_COUNT,
    TABLE_NONE = TABLE_COUNT /* a run's end is no row */
};

/* "table (column, …)" of each, in the order of the row's fields. */
extern const char *const table_columns[TABLE_COUNT];
extern const char quarantine_columns[];

struct entry {
    uint64_t seq;
    int64_t time_us;
    wt_uuid run_id;
    uint16_t kind, version;
    uint16_t table;
    bool undecided; /* a wallet whose is_new is for the recorder to find out */
    size_t row;     /* where its row starts, in its table's rows             */
    size_t body;    /* where the journal's bytes start, in bodies            */
    uint32_t body_size;
};

/* The end of a run: written by a statement of its own. */
struct ended {
    size_t entry;
    size_t reason; /* in bodies; NO_TEXT for none */
    int64_t duration_us;
    uint64_t errors_dropped;
    uint8_t status;
};
#define NO_TEXT SIZE_MAX

struct batch {
    struct entry *entries;
    size_t count, room;
    struct ended *ends;
    size_t end_count, end_room;
    struct rows rows[TABLE_COUNT];
    struct rows bodies;
    size_t undecided; /* how many entries are */
};

void batch_free(struct batch *b);          /* back to zeroed */
void batch_clear(struct batch *b);         /* empty, memory kept */
size_t batch_bytes(const struct batch *b); /* of rows and bodies            */
size_t batch_room(const struct batch *b);  /* memory held, filled or not    */

/* Each takes one event.  False when memory is out; then nothing was kept. */
bool batch_run_start(struct batch *b, const wt_event *e, const wt_run_start *start,
                     const char *build);
bool batch_token(struct batch *b, const wt_event *e, const wt_token *token);
bool batch_wallet(struct batch *b, const wt_event *e, const wt_wallet *wallet);
bool batch_run_error(struct batch *b, const wt_event *e, const wt_run_error *error);
bool batch_run_end(struct batch *b, const wt_event *e, const wt_run_end *end);
bool batch_slot(struct batch *b, const wt_event *e, const wt_slot *slot);

/* The rows of entries [from, to) for one table: *size bytes, borrowed; 0 when there are none. */
const unsigned char *batch_rows(const struct batch *b, enum table table, size_t from, size_t to,
                                size_t *size);
/* The first of the ends that belongs to entry `from` or a later one. */
size_t batch_first_end(const struct batch *b, size_t from);

/* Of a wallet's row. */
const char *batch_address(const struct batch *b, size_t entry, size_t *size);
void batch_set_new(struct batch *b, size_t entry, bool is_new);

/* Appends the row of the quarantine table for one entry. */
void batch_quarantine_row(const struct batch *b, size_t entry, const char *stream,
                          const char *sqlstate, const char *message, struct rows *out);

#endif
