/* sender.h: one batch at a time into the database.
 *
 * Promise: a batch is one transaction, which moves the cursor from the event before it to its last
 *          one, only if nobody else has moved it.  An event is acknowledged when the server has
 *          confirmed that commit without a warning and before the deadline.  Events that a
 *          table refuses go raw into the quarantine in the same way, the rest of their batch
 *          around them.  Anything doubtful ends the sender: the cursor knows.
 * Thread:  loop only.
 * Knows:   pg_conn, transaction, undecided, reaction.  Not: how batches are gathered.
 */
#ifndef RECORDER_SENDER_H
#define RECORDER_SENDER_H

#include "batch.h"
#include "instance.h"
#include "pg_conn.h"

struct sender;

/* finished: the batch is durable and acknowledged.  ended: the sender can go no further; the owner
 * closes the connection then, and frees the sender in a later turn. */
struct sender_events {
    void (*finished)(void *arg);
    stage_done ended;
};

/* Takes over an idle connection whose instance holds the stream up to `cursor`.  NULL when out of
 * memory. */
struct sender *sender_new(struct instance *instance, struct pg_conn *conn,
                          const wt_claim_args *claimed, uint64_t cursor,
                          const struct sender_events *events, void *arg);
/* Stops at once; before pg_conn_close().  NULL is fine. */
void sender_free(struct sender *s);

bool sender_is_idle(const struct sender *s);
/* Takes the events of `b`, at least one, and leaves it empty; only while idle. */
void sender_send(struct sender *s, struct batch *b);
/* Finishes the transaction that is under way and begins no other; then ended(WT_OK), perhaps inside
 * this call. */
void sender_drain(struct sender *s);
/* Gives back the memory that it holds beyond `keep` bytes; only while idle. */
void sender_release(struct sender *s, size_t keep);

size_t sender_in_flight(const struct sender *s); /* events                    */
uint64_t sender_cursor(const struct sender *s);  /* the last committed event  */
const char *sender_state(const struct sender *s);

#endif
