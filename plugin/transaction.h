/* transaction.h: the text and the COPY data of the transaction that stores a range of a batch.
 *
 * Promise: the cursor's update comes first, then one COPY a table, then, when nothing else is to
 *          follow, the commit.  No text is made of data: only numbers and ids of ours.
 * Thread:  loop only.
 * Knows:   batch, pg_conn's way of sending COPY data.  Not: answers, what to do about them.
 */
#ifndef RECORDER_TRANSACTION_H
#define RECORDER_TRANSACTION_H

#include "batch.h"
#include "instance.h"
#include "pg_conn.h"

/* Entries [from, to) of a batch. */
struct range {
    const struct batch *batch;
    size_t from, to;
    const struct rows *raw; /* their quarantine rows, when they go there; otherwise NULL */
};

/* The row that says how far this journal is recorded. */
struct cursor {
    char journal_id[37];
    uint64_t token, seq;
};

size_t range_ends(const struct range *r);   /* how many runs end in it */
size_t range_bytes(const struct range *r);  /* of COPY data            */
uint64_t range_last(const struct range *r); /* its last event          */

/* Yours to free(); NULL: out of memory.  `more` is a statement to run between the cursor's update
 * and the rows, or NULL.  *commits: COMMIT is at its end, as when rows are copied and no run ends.
 */
char *transaction_text(const struct range *r, const struct instance *i, const struct cursor *cursor,
                       const char *more, bool *commits);

/* A transaction that changes nothing but the age of the cursor, which stands at `seq`; without
 * its COMMIT.  Yours to free(); NULL: out of memory. */
char *transaction_touch(const struct instance *i, const struct cursor *cursor, uint64_t seq);

/* The parameter of sql/end_runs.sql; yours to free().  NULL: out of memory. */
char *transaction_ends(const struct range *r);

/* How far the COPY data of a range has been handed over. */
struct copy_feed {
    int table;
    size_t offset; /* in the table's rows */
    bool header, trailer;
};

void copy_feed_start(struct copy_feed *f, const struct range *r);
/* For pg_events.copy_more. */
void copy_feed_more(struct copy_feed *f, const struct range *r, struct pg_conn *conn);

#endif
