/* journal.h: the numbered events, on local disk.
 *
 * Promise: events get the numbers 1, 2, 3 … in the order of journal_append().  When `done`
 *          has run with 0 the event survives a power cut.  Events are read back in order,
 *          only durable ones, the same bytes each time.  Nothing is removed before every
 *          consumer has acknowledged it and the retention rules allow it.
 * Fails:   while the disk is full nothing is written and nothing lost: appends wait, the journal
 *          counts as full, and goes on when there is room.  Any other write error is final: later
 *          appends get it too, reading goes on.
 * Thread:  loop thread only; SQLite runs on two threads of the journal's own, one that
 *          writes and syncs (group commit, at most 20 ms behind) and one that reads.
 * Knows:   event, SQLite.  Not: engines, plugins, HTTP.
 *
 * The file is state_dir/journal.db (SQLite, WAL, synchronous=FULL), held under an exclusive
 * lock on state_dir/lock so that a second host is refused.  Beside the events it keeps,
 * in the same transactions: the journal's id, the runs that have started and not ended, the
 * last slot of each schedule, small named values (settings), and what each consumer has
 * acknowledged.
 */
#ifndef JOURNAL_JOURNAL_H
#define JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>
#include <walltrack/plugin.h>

#include "error.h"
#include "journal/event.h"

struct journal;

struct journal_limits {
    int64_t retain_seconds; /* acknowledged events are kept this long … */
    int64_t retain_bytes;   /* … or until they are more than this, at most max_bytes / 2 */
    int64_t max_bytes;      /* at this size (of bodies) the journal is full */
};

/* Opens or makes `dir`/journal.db; blocks (called at start, before the loop turns).  `dir` is
 * copied.  On failure *out is untouched. */
int journal_open(uv_loop_t *loop, const char *dir, const struct journal_limits *limits,
                 struct journal **out, struct error *err);

/* New limits, from now on. */
void journal_set_limits(struct journal *j, const struct journal_limits *limits);

/* Commits what is pending, ends the threads, frees j, then calls `closed`.  NULL is fine: `closed`
 * is called at once.  From here on nothing is appended any more. */
void journal_close(struct journal *j, void (*closed)(void *arg), void *arg);

/* A full disk is not waited for any more: it is as any other write error.  At a stop, which must
 * not wait for it. */
void journal_hurry(struct journal *j);

const wt_uuid *journal_id(const struct journal *j);

/* ---- writing ---- */

/* 0, or an errno value; `err` names the cause and may be kept only during the call. */
typedef void (*journal_done)(void *arg, int status, const struct error *err);

/* Numbers the event (writes e->head.seq and .time_us), encodes and queues it.  `done` runs
 * exactly once, in a later turn, in the order of the appends; NULL is fine.  Returns the number, 0
 * when the event cannot be taken (a write failed for good, out of memory, or event_encode()
 * refuses it, which is logged; `done` then never runs). */
uint64_t journal_append(struct journal *j, struct event *e, journal_done done, void *arg);

/* Too much is waiting for the disk (4 MiB), or the journal is full: stop reading engines.
 * `room` is called once, in a later turn, when there is room again (less than 2 MiB waiting, and a
 * little below max_bytes).  A journal that has failed has room: who appends hears of it. */
struct journal_waiter {
    void (*room)(void *arg);
    void *arg;
    struct journal_waiter *next; /* the journal's */
    bool waiting;                /* the journal's */
};
bool journal_has_room(const struct journal *j);
bool journal_is_full(const struct journal *j); /* at max_bytes, or the disk is: refuse new runs */
void journal_wait_for_room(struct journal *j, struct journal_waiter *w);
void journal_stop_waiting(struct journal *j, struct journal_waiter *w);

/* ---- reading ---- */

/* Durable events `first` and on, without a hole, as many as fit in 256 KiB, at least one.  `first`
 * is later than what was asked for when that has been removed. */
struct journal_block {
    uint64_t first;
    size_t count;
    struct event *events; /* decoded; strings point into the block */
};
void journal_block_free(struct journal_block *b);

/* Asynchronous: exactly one `done`, in a later turn.  The block is the receiver's; NULL with err
 * when reading failed (an event that is damaged is named), NULL without err when no event >= first
 * is durable yet.
 * One read at a time per reader; close() with one outstanding still ends with its `done`. */
struct journal_reader;
typedef void (*journal_read_done)(void *arg, struct journal_block *block, const struct error *err);
struct journal_reader *journal_reader_new(struct journal *j);
void journal_reader_read(struct journal_reader *r, uint64_t first, journal_read_done done,
                         void *arg);
void journal_reader_free(struct journal_reader *r); /* not with a read outstanding */

/* Called in a later turn whenever the durable head has moved; any number of listeners. */
struct journal_listener {
    void (*moved)(void *arg, uint64_t head);
    void *arg;
    struct journal_listener *next; /* the journal's */
};
void journal_listen(struct journal *j, struct journal_listener *l);
void journal_unlisten(struct journal *j, struct journal_listener *l);

/* ---- consumers ---- */

/* Until all consumers have acknowledged an event it is not removed.  A consumer is a plugin's
 * name; its mark survives a restart.  journal_consumer() adds it (mark 0, or as stored) and
 * returns the mark.  Consumers not added since the start do not hold events back. */
uint64_t journal_consumer(struct journal *j, const char *name);
/* Sets the mark, also backwards; on disk with the next commit or a second later. */
void journal_ack(struct journal *j, const char *name, uint64_t seq);
/* While held, nothing is removed at all (a claim is under way); a step that has begun still ends.
 * Counts. */
void journal_hold(struct journal *j);
void journal_release(struct journal *j);

/* ---- what the host remembers ---- */

/* A run that has a start and no end in the journal; listed at open, in order of their start. */
struct journal_open_run {
    wt_uuid run_id;
    int64_t started_us;
};
size_t journal_open_runs(const struct journal *j, const struct journal_open_run **out);

/* The last slot that was recorded for a schedule, WT_NO_TIME if none; appended slots count at once.
 */
int64_t journal_last_slot(const struct journal *j, const char *schedule);

/* Small texts by name ("config.override").  get: borrowed until the next put, NULL if absent.
 * put: value NULL removes; what get gives at once, durable when `done` has run.  -1 without a
 * `done` when it cannot be taken, as journal_append(). */
const char *journal_setting(const struct journal *j, const char *name);
int journal_put_setting(struct journal *j, const char *name, const char *value, journal_done done,
                        void *arg);

/* ---- figures ---- */

struct journal_stats {
    uint64_t oldest;   /* first event that can be read; head + 1 if none     */
    uint64_t head;     /* last durable event                                 */
    uint64_t appended; /* last numbered event                                */
    uint64_t bytes;    /* of bodies kept                                     */
    uint64_t max_bytes;
    uint64_t pending_bytes; /* numbered, not yet durable                          */
    uint64_t commits;       /* since the start                                    */
    uint64_t trimmed;       /* events removed since the start                     */
    uint64_t commit_us_max; /* slowest commit since the start                     */
    uint64_t commit_us_sum;
    bool failed; /* a write failed for good                            */
    char failure[256];
};
void journal_stats(const struct journal *j, struct journal_stats *out);

#endif
