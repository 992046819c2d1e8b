/* store.h: the journal's file, one call at a time.
 *
 * Promise: store_commit() writes all of a batch or nothing, and what it wrote survives a power
 *          cut once it has returned 0.  Every call blocks.
 * Fails:   after a failed commit the file is as it was before; whether to go on is the
 *          caller's to decide.
 * Thread:  any, one at a time for each store; a store for reading is a connection of its own.
 * Knows:   batch, event, SQLite.  Not: threads, the loop.
 */
#ifndef JOURNAL_STORE_H
#define JOURNAL_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "journal/batch.h"
#include "journal/journal.h"

struct store;

/* Opens the journal's file for writing, or makes it (mode 0600).  A file that is not a journal or
 * was written by a newer version is refused and left as it is.  *out is untouched on failure. */
int store_open(const char *path, struct store **out, struct error *err);
/* A second connection, for store_read() only; after store_open(). */
int store_open_reader(const char *path, struct store **out, struct error *err);
void store_close(struct store *s); /* NULL is fine */

struct store_figures {
    uint64_t oldest; /* first event kept, head + 1 if none */
    uint64_t head;   /* last event                         */
    uint64_t bytes;  /* of bodies kept                     */
};
void store_figures(const struct store *s, struct store_figures *out);
const wt_uuid *store_journal_id(const struct store *s);

/* ---- what is remembered ---- */

/* One row of a kind: a setting (name, text), a schedule's last slot or a consumer's mark (name,
 * number), a run that is open (run, number: when it started), in the order of their start. */
struct store_note {
    const char *name;
    const char *text;
    int64_t number;
    wt_uuid run;
};
enum store_notes { NOTES_SETTINGS, NOTES_SLOTS, NOTES_MARKS, NOTES_OPEN_RUNS };

/* Calls `visit` for each; its false ends the walk, with ENOMEM. */
int store_notes(struct store *s, enum store_notes which,
                bool (*visit)(void *arg, const struct store_note *), void *arg, struct error *err);

/* ---- writing ---- */

/* Events must follow on the head without a hole. */
int store_commit(struct store *s, const struct batch *b, struct error *err);

/* What may be removed: events up to `upto`, when they are older than `retain_us` or when the
 * bytes up to `upto` are more than `retain_bytes`. */
struct trim_rules {
    uint64_t upto;
    int64_t retain_us, retain_bytes;
};

enum { TRIM_STEP_EVENTS = 2000 };

struct trim_result {
    size_t removed;
    int64_t next_us; /* when the next event becomes too old; WT_NO_TIME: when `upto` moves */
};

/* Removes at most TRIM_STEP_EVENTS, in a transaction.  With `lazy` it does nothing before a
 * worthwhile amount can go. */
int store_trim(struct store *s, const struct trim_rules *rules, int64_t now_us, bool lazy,
               struct trim_result *out, struct error *err);

/* Gives a little of what trimming has left empty back to the file system, if it is much: 1 when
 * it did, 0 when there was nothing to do. */
int store_shrink(struct store *s, struct error *err);

/* ---- reading ---- */

/* Events `first` to at most `head`; as journal_reader_read().  0 with *out NULL: none. */
int store_read(struct store *s, uint64_t first, uint64_t head, struct journal_block **out,
               struct error *err);

#endif
