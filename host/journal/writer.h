/* writer.h: the thread that commits, and between commits trims.
 *
 * Promise: batches are committed one at a time; each is handed back by writer_collect(), with its
 *          status, after `wake` was called.  A commit that finds the disk full is tried again till
 *          there is room; any other that fails is final.
 * Thread:  all functions: loop thread.  `wake`: the writer's thread; it may only wake the loop.
 * Knows:   store.  Not: the loop, callbacks of events.
 */
#ifndef JOURNAL_WRITER_H
#define JOURNAL_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "journal/batch.h"
#include "journal/store.h"

struct writer;

/* Takes the store over, on success. */
int writer_start(struct store *s, void (*wake)(void *arg), void *arg, struct writer **out,
                 struct error *err);

/* Not before the batch before it was collected.  The batch is the writer's till then. */
void writer_commit(struct writer *w, struct batch *b);

/* From the next trimming step on; `held` forbids all of them. */
void writer_set_rules(struct writer *w, const struct trim_rules *rules, bool held);

/* Remove now all that the rules allow, in steps. */
void writer_trim(struct writer *w);

struct writer_report {
    struct batch *batch; /* done with since the last report, or NULL      */
    bool failed;         /* for good; then `failure` says why             */
    bool disk_full;      /* the batch waits for room; `failure` says where        */
    struct error failure;
    struct store_figures figures;
    uint64_t commits, commit_us_max, commit_us_sum, trimmed; /* since the start */
    int64_t next_trim_us; /* as struct trim_result; meaningful once `trim_looked` */
    bool trim_looked;     /* since the last report                                */
    bool ended;
};
void writer_collect(struct writer *w, struct writer_report *out);

/* From now on a disk that is full is not waited for. */
void writer_hurry(struct writer *w);

/* Closes the store and ends the thread; `wake`, and a report that says `ended`. */
void writer_stop(struct writer *w);
/* After `ended` (or at once, then it waits).  NULL is fine. */
void writer_free(struct writer *w);

#endif
