/* journal_world.h: a loop and a journal in a folder of their own, for tests of the journal.
 *
 * given_* prepare, when_* act, then_* check.  Everything that is waited for is waited for by
 * turning the loop, at most ten seconds.
 */
#ifndef JOURNAL_WORLD_H
#define JOURNAL_WORLD_H

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ids.h"
#include "journal/journal.h"
#include "log.h"

struct world {
    char dir[64];
    uv_loop_t loop;
    struct journal *journal;
    struct journal_limits limits;
    bool closed;
    int done;   /* callbacks that ran with 0 … */
    int failed; /* … and with something else */
    int last_status;
    char last_error[512];
    uint64_t expected_done; /* its argument, when callbacks are checked for order */
};

static inline int world_start(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    log_setup(LOG_ERROR, LOG_TEXT);
    snprintf(w->dir, sizeof w->dir, "%s", "/tmp/walltrack-journal.XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    w->limits = (struct journal_limits){3600, 1 << 28, INT64_C(1) << 32};
    assert_int_equal(uv_loop_init(&w->loop), 0);
    *state = w;
    return 0;
}

static inline void on_world_closed(void *arg)
{
    ((struct world *)arg)->closed = true;
}

static inline void on_world_deadline(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

/* Turns the loop till `until` says so. */
static inline void await(struct world *w, bool (*until)(struct world *), const char *what)
{
    bool late = false;
    uv_timer_t deadline;
    uv_timer_init(&w->loop, &deadline);
    deadline.data = &late;
    uv_timer_start(&deadline, on_world_deadline, 10000, 0);
    while (!until(w) && !late)
        uv_run(&w->loop, UV_RUN_ONCE);
    bool there = until(w);
    uv_close((uv_handle_t *)&deadline, NULL);
    uv_run(&w->loop, UV_RUN_NOWAIT);
    if (!there)
        fail_msg("waited ten seconds for: %s", what);
}

static inline void given_journal(struct world *w)
{
    struct error err;
    if (journal_open(&w->loop, w->dir, &w->limits, &w->journal, &err) != 0)
        fail_msg("%s", err.msg);
}

static inline bool world_is_closed(struct world *w)
{
    return w->closed;
}

static inline void when_closed(struct world *w)
{
    w->closed = false;
    journal_close(w->journal, on_world_closed, w);
    w->journal = NULL;
    await(w, world_is_closed, "the journal to close");
}

static inline void when_reopened(struct world *w)
{
    when_closed(w);
    given_journal(w);
}

static inline void remove_folder(const char *dir)
{
    static const char *const names[] = {"journal.db", "journal.db-wal", "journal.db-shm", "lock"};
    char path[512];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
}

static inline int world_stop(void **state)
{
    struct world *w = *state;
    if (w->journal != NULL)
        when_closed(w);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&w->loop), 0);
    remove_folder(w->dir);
    free(w);
    return 0;
}

/* ---- events ---- */

static inline void on_world_done(void *arg, int status, const struct error *err)
{
    struct world *w = arg;
    w->last_status = status;
    if (err != NULL)
        snprintf(w->last_error, sizeof w->last_error, "%s", err->msg);
    if (status == 0)
        w->done++;
    else
        w->failed++;
}

static inline bool world_is_settled(struct world *w)
{
    struct journal_stats stats;
    journal_stats(w->journal, &stats);
    return stats.failed || stats.head == stats.appended;
}

static inline void when_durable(struct world *w)
{
    await(w, world_is_settled, "everything to be durable");
}

/* A wallet with a profile of about `size` bytes. */
static inline uint64_t append_wallet(struct world *w, const wt_uuid *run, size_t size)
{
    static char profile[70000];
    struct event e;
    event_init(&e, WT_WALLET, run);
    e.u.wallet.address = "7xKXtg2CW87d97TXJSDpbD5jBkheTqA83TZRuJosgAsU";
    e.u.wallet.source_token = "token";
    e.u.wallet.score_e4 = (int32_t)(size % 10000);
    assert_true(size < sizeof profile);
    memset(profile, 'x', size);
    profile[size] = '\0';
    e.u.wallet.profile = profile;
    return journal_append(w->journal, &e, on_world_done, w);
}

static inline uint64_t append_start(struct world *w, const wt_uuid *run)
{
    struct event e;
    event_init(&e, WT_RUN_START, run);
    e.u.run_start.host_name = "host";
    return journal_append(w->journal, &e, on_world_done, w);
}

static inline uint64_t append_end(struct world *w, const wt_uuid *run)
{
    struct event e;
    event_init(&e, WT_RUN_END, run);
    e.u.run_end.status = WT_RUN_COMPLETED;
    return journal_append(w->journal, &e, on_world_done, w);
}

static inline uint64_t append_slot(struct world *w, const char *schedule, int64_t due_us)
{
    struct event e;
    event_init(&e, WT_SLOT, NULL);
    e.u.slot.schedule = schedule;
    e.u.slot.due_us = due_us;
    e.u.slot.outcome = WT_SLOT_PAUSED;
    return journal_append(w->journal, &e, on_world_done, w);
}

/* ---- reading ---- */

struct answer {
    struct journal_block *block;
    bool here, failed;
    char error[512];
};

static inline void on_world_block(void *arg, struct journal_block *block, const struct error *err)
{
    struct answer *a = arg;
    a->block = block;
    a->here = true;
    a->failed = err != NULL;
    if (err != NULL)
        snprintf(a->error, sizeof a->error, "%s", err->msg);
}

/* The caller frees the block. */
static inline struct answer when_read(struct world *w, uint64_t first)
{
    struct answer a = {0};
    struct journal_reader *r = journal_reader_new(w->journal);
    assert_non_null(r);
    journal_reader_read(r, first, on_world_block, &a);
    while (!a.here)
        uv_run(&w->loop, UV_RUN_ONCE);
    journal_reader_free(r);
    return a;
}

static inline struct journal_stats stats_of(struct world *w)
{
    struct journal_stats stats;
    journal_stats(w->journal, &stats);
    return stats;
}

#endif
