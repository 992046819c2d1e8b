/* writer.h: events in, durable rows and a moved cursor out.
 *
 * Promise: events are gathered into batches that are worth a transaction, and stored in order.
 * Bounds:  one batch in flight and one gathering, each at most 20,000 events and 8 MiB of rows.
 * Thread:  loop only.
 * Knows:   sender, batch.  Not: transactions, schema, questions.
 */
#ifndef RECORDER_WRITER_H
#define RECORDER_WRITER_H

#include "batch.h"
#include "instance.h"
#include "pg_conn.h"

struct writer;

/* Takes over an idle connection whose instance holds the stream up to `cursor`; events up to
 * claimed->head have waited long enough for it.  `ended` runs
 * once, when the writer can go no further (status not WT_OK) or has drained (WT_OK); it must close
 * the connection and may not free the writer.  NULL when out of memory. */
struct writer *writer_new(struct instance *instance, struct pg_conn *conn,
                          const wt_claim_args *claimed, uint64_t cursor, stage_done ended,
                          void *arg);
/* Stops at once; before pg_conn_close().  NULL is fine. */
void writer_free(struct writer *w);

/* The batch to put the next event into, or NULL: WT_ENOUGH, and resume() follows. */
struct batch *writer_room(struct writer *w);
/* The event is in (or was not, for want of memory).  Returns the hook's answer. */
wt_answer writer_taken(struct writer *w, const wt_event *e, bool kept);

void writer_flush(struct writer *w);
/* No event comes any more: the transaction in flight is finished, what is not in one is dropped (it
 * comes again), then `ended`, perhaps inside this call. */
void writer_drain(struct writer *w);

void writer_levels(const struct writer *w, struct levels *out);

#endif
