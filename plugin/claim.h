/* claim.h: taking a stream over, in one transaction.
 *
 * Promise: afterwards the schema is up to date, the cursor row carries our token, and nobody who
 * held the stream before can commit another batch: their update of the row finds another token.
 *          Waiting for the row's lock waits out a transaction of the holder before.
 *          Events that the journal has dropped before they were recorded leave an exact gap row.
 *          The usual claim is one message and one answer: events wait for it.
 * Thread:  loop only.
 * Knows:   pg_conn, schema.  Not: events, batches.
 */
#ifndef RECORDER_CLAIM_H
#define RECORDER_CLAIM_H

#include "instance.h"
#include "pg_conn.h"
#include "schema.h"

struct claim {
    struct instance *instance;
    struct pg_conn *conn;
    stage_done done;
    void *arg;
    char journal_id[37];
    uint64_t oldest, head;
    int step;
    bool has_schema;
    struct schema_state schema;
    size_t migration;
    bool locked_out; /* the row's lock did not come in time */
    bool committed;
    bool found; /* the cursor row */
    bool taken; /* by the usual claim */
    wt_status status;
    char why[WHY_SIZE];
    uint64_t cursor; /* the result */
    uint64_t gap_first;
};

/* The connection must be idle; it is idle again when done() says WT_OK, and only to be closed
 * otherwise.  `c` must live that long.  `complete`: no migration was missing when the instance
 * opened. */
void claim_start(struct claim *c, struct instance *instance, struct pg_conn *conn, bool complete,
                 const wt_claim_args *args, stage_done done, void *arg);

#endif
