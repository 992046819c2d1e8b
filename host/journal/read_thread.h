/* read_thread.h: the thread that reads the journal.
 *
 * Promise: requests are served in order; each comes back by read_thread_collect() after `wake`.
 * Thread:  all functions: loop thread.  `wake`: the reading thread; it may only wake the loop.
 * Knows:   store.  Not: the loop, who reads.
 */
#ifndef JOURNAL_READ_THREAD_H
#define JOURNAL_READ_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"
#include "journal/store.h"

struct read_thread;

/* Owned by the reader; the thread's from submit to collect. */
struct read_request {
    uint64_t first, head;
    struct journal_block *block; /* out */
    int status;                  /* out: 0, or -1 with err */
    struct error err;
    struct read_request *next;
};

/* Takes the store over, on success. */
int read_thread_start(struct store *s, void (*wake)(void *arg), void *arg, struct read_thread **out,
                      struct error *err);
void read_thread_submit(struct read_thread *t, struct read_request *r);
/* The oldest request that is done, or NULL. */
struct read_request *read_thread_collect(struct read_thread *t);
/* Serves what is queued, closes the store, ends the thread; then `wake`. */
void read_thread_stop(struct read_thread *t);
bool read_thread_ended(struct read_thread *t);
void read_thread_free(struct read_thread *t); /* waits for the end; NULL is fine */

#endif
