/* journal_internal.h: what the loop's side of the journal (journal.c, append.c, retain.c,
 * reading.c) shares, and nobody else sees. */
#ifndef JOURNAL_JOURNAL_INTERNAL_H
#define JOURNAL_JOURNAL_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "journal/batch.h"
#include "journal/journal.h"
#include "journal/notes.h"
#include "journal/read_thread.h"
#include "journal/writer.h"

enum journal_state {
    JOURNAL_OPEN,
    JOURNAL_FINISHING, /* close was asked for; what is pending goes to disk    */
    JOURNAL_ENDING,    /* the threads close their stores and end               */
    JOURNAL_CLOSING,   /* the handles are closing                              */
};

struct journal {
    uv_loop_t *loop;
    enum journal_state state;
    int lock;
    wt_uuid id;
    struct journal_limits limits;
    struct journal_open_run *open_runs;
    size_t n_open_runs;
    void (*closed)(void *arg);
    void *closed_arg;

    uv_async_t async; /* a thread has something for us               */
    uv_idle_t idle;   /* active: hand over at the end of this turn   */
    uv_timer_t linger, marks_timer, trim_timer;
    int handles;

    struct writer *writer;
    struct read_thread *reading;
    size_t reads; /* outstanding */

    /* Three batches change places: appends go to `filling`, the writer has `writing`, and
     * `reporting` is being reported to its owners; the last two may be NULL. */
    struct batch batches[3];
    struct batch *filling, *writing, *reporting;
    uint64_t handed_ns; /* when `writing` was handed over last  */
    bool busy;          /* the last commit was a large one      */
    bool marks_due;     /* marks go to disk though nothing else */
    uint64_t appended;
    struct writer_report report; /* the latest */
    bool crowded, full;          /* pending above, kept above: till below the lower marks */
    struct journal_waiter *waiters;
    struct journal_listener *listeners, *next_listener;

    struct notes settings, slots, consumers;
    int holds;
};

/* append.c */
void append_ready(uv_idle_t *idle);
void append_linger_over(uv_timer_t *timer);
void append_hand_over(struct journal *j); /* what is pending, if the writer is free */
void append_settle(struct journal *j, const struct writer_report *report);
bool append_is_settled(const struct journal *j);
void append_check_room(struct journal *j);
void append_serve_waiters(struct journal *j);

/* retain.c */
void retain_push_rules(struct journal *j);
bool retain_marks_changed(const struct journal *j);
void retain_take_marks(struct journal *j, struct batch *b);
void retain_marks_timer(uv_timer_t *timer);
void retain_trim_timer(uv_timer_t *timer);
void retain_schedule(struct journal *j, const struct writer_report *report);

/* reading.c */
void reading_settle(struct journal *j);

#endif
