/* The loop and the thread meet in one small struct under one mutex, which neither holds while it
 * does anything.  A batch goes in as `job` and comes out in the report. */
#include "journal/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "journal/thread.h"
#include "log.h"

enum { TRIM_STEPS_MAX = 8, TRIM_RETRY_US = 10 * 1000 * 1000 };
enum { DISK_FULL_RETRY_MS = 200 };

struct writer {
    uv_thread_t thread;
    uv_mutex_t mutex;
    uv_cond_t changed;
    void (*wake)(void *arg);
    void *arg;
    struct store *store; /* the thread's alone */
    bool trim_failed;    /* the thread's alone: said once, tried again when asked to */

    /* Under the mutex. */
    struct batch *job;
    struct trim_rules rules;
    bool held, trim, stop;
    bool hurried; /* a full disk is not waited for any more */
    struct writer_report report;
};

static uint64_t now_us(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* A disk that is full will have room again, and the file is as it was before: the batch can wait
 * for that.  Any other error is final: what a failed sync has left behind nobody knows. */
static bool await_disk(struct writer *w, const struct error *err)
{
    uv_mutex_lock(&w->mutex);
    bool again = (err->code == ENOSPC || err->code == EDQUOT) && !w->hurried && !w->stop;
    if (again) {
        if (!w->report.disk_full)
            w->wake(w->arg);
        w->report.disk_full = true;
        w->report.failure = *err;
        uv_cond_timedwait(&w->changed, &w->mutex, DISK_FULL_RETRY_MS * UINT64_C(1000000));
    }
    uv_mutex_unlock(&w->mutex);
    return again;
}

/* Returns the time that the writing took, or -1. */
static int64_t write_batch(struct writer *w, const struct batch *b, struct error *err)
{
    for (;;) {
        uint64_t begin = now_us(CLOCK_MONOTONIC);
        if (store_commit(w->store, b, err) == 0)
            return (int64_t)(now_us(CLOCK_MONOTONIC) - begin);
        if (!await_disk(w, err))
            return -1;
    }
}

/* Between lock and unlock; the lock is given up while the batch is written. */
static void commit_job(struct writer *w)
{
    struct batch *b = w->job;
    bool failed = w->report.failed;
    struct error err = {0};
    uv_mutex_unlock(&w->mutex);

    int64_t written_us = failed ? -1 : write_batch(w, b, &err);

    uv_mutex_lock(&w->mutex);
    w->job = NULL;
    w->report.batch = b;
    w->report.disk_full = false;
    if (written_us >= 0) {
        uint64_t took = (uint64_t)written_us;
        store_figures(w->store, &w->report.figures);
        w->report.commits++;
        w->report.commit_us_sum += took;
        if (took > w->report.commit_us_max)
            w->report.commit_us_max = took;
    } else if (!failed) {
        w->report.failed = true;
        w->report.failure = err;
    }
    w->wake(w->arg);
}

static void note_trim_failure(struct writer *w, const struct error *err)
{
    if (!w->trim_failed)
        log_line(LOG_WARNING, "journal", "cannot remove old events: %s", err->msg);
    w->trim_failed = true;
}

/* One step, the lock given up meanwhile; false when there is no more to do now. */
static bool trim_step(struct writer *w, bool lazy)
{
    struct trim_rules rules = w->rules;
    struct trim_result result;
    struct error err;
    if (w->held || w->report.failed || (lazy && w->trim_failed))
        return false;
    uv_mutex_unlock(&w->mutex);

    int64_t now = (int64_t)now_us(CLOCK_REALTIME);
    int status = store_trim(w->store, &rules, now, lazy, &result, &err);
    if (status != 0) {
        note_trim_failure(w, &err);
        result.next_us = now + TRIM_RETRY_US;
    } else if (!lazy) {
        w->trim_failed = false;
    }

    uv_mutex_lock(&w->mutex);
    store_figures(w->store, &w->report.figures);
    w->report.trimmed += result.removed;
    w->report.next_trim_us = result.next_us;
    w->report.trim_looked = true;
    return status == 0 && result.removed == TRIM_STEP_EVENTS;
}

/* After a commit: as many steps as keep pace with what was written, so that a steady stream does
 * not outgrow its retention, and no more, so that the next commit does not wait. */
static void trim_lazily(struct writer *w, size_t written)
{
    size_t steps = 1 + written / (TRIM_STEP_EVENTS / 2);
    uint64_t before = w->report.trimmed;
    if (steps > TRIM_STEPS_MAX)
        steps = TRIM_STEPS_MAX;
    while (steps-- > 0 && trim_step(w, true))
        ;
    if (w->report.trimmed != before || w->job == NULL)
        w->wake(w->arg);
}

/* When nobody waits: one step of what was asked for, or of giving space back. */
static void trim_when_asked(struct writer *w)
{
    if (trim_step(w, false)) {
        w->wake(w->arg);
        return;
    }
    bool may_shrink = !w->held && !w->report.failed && !w->trim_failed;
    uv_mutex_unlock(&w->mutex);
    struct error err;
    int shrunk = may_shrink ? store_shrink(w->store, &err) : 0;
    if (shrunk < 0)
        note_trim_failure(w, &err);
    uv_mutex_lock(&w->mutex);
    if (shrunk <= 0)
        w->trim = false;
    w->wake(w->arg);
}

static void writer_main(void *arg)
{
    struct writer *w = arg;
    uv_mutex_lock(&w->mutex);
    for (;;) {
        if (w->job != NULL) {
            size_t written = w->job->events;
            commit_job(w);
            trim_lazily(w, written);
        } else if (w->stop) {
            break;
        } else if (w->trim) {
            trim_when_asked(w);
        } else {
            uv_cond_wait(&w->changed, &w->mutex);
        }
    }
    uv_mutex_unlock(&w->mutex);
    store_close(w->store);
    uv_mutex_lock(&w->mutex);
    w->store = NULL;
    w->report.ended = true;
    w->wake(w->arg);
    uv_mutex_unlock(&w->mutex);
}

int writer_start(struct store *s, void (*wake)(void *arg), void *arg, struct writer **out,
                 struct error *err)
{
    struct writer *w = calloc(1, sizeof *w);
    if (w == NULL)
        return error_set(err, ENOMEM, "out of memory");
    w->store = s;
    w->wake = wake;
    w->arg = arg;
    w->held = true; /* until the first rules */
    w->report.next_trim_us = WT_NO_TIME;
    store_figures(s, &w->report.figures);
    int code = uv_mutex_init(&w->mutex);
    if (code == 0 && (code = uv_cond_init(&w->changed)) != 0)
        uv_mutex_destroy(&w->mutex);
    if (code != 0) {
        free(w);
        return error_set(err, -code, "start a thread: %s", uv_strerror(code));
    }
    if (thread_start(&w->thread, "journal-write", writer_main, w, err) != 0) {
        uv_cond_destroy(&w->changed);
        uv_mutex_destroy(&w->mutex);
        free(w);
        return -1;
    }
    *out = w;
    return 0;
}

void writer_commit(struct writer *w, struct batch *b)
{
    uv_mutex_lock(&w->mutex);
    w->job = b;
    uv_cond_signal(&w->changed);
    uv_mutex_unlock(&w->mutex);
}

void writer_set_rules(struct writer *w, const struct trim_rules *rules, bool held)
{
    uv_mutex_lock(&w->mutex);
    w->rules = *rules;
    w->held = held;
    uv_mutex_unlock(&w->mutex);
}

void writer_trim(struct writer *w)
{
    uv_mutex_lock(&w->mutex);
    w->trim = true;
    uv_cond_signal(&w->changed);
    uv_mutex_unlock(&w->mutex);
}

void writer_collect(struct writer *w, struct writer_report *out)
{
    uv_mutex_lock(&w->mutex);
    *out = w->report;
    w->report.batch = NULL;
    w->report.trim_looked = false;
    uv_mutex_unlock(&w->mutex);
}

void writer_hurry(struct writer *w)
{
    uv_mutex_lock(&w->mutex);
    w->hurried = true;
    uv_cond_signal(&w->changed);
    uv_mutex_unlock(&w->mutex);
}

void writer_stop(struct writer *w)
{
    uv_mutex_lock(&w->mutex);
    w->stop = true;
    uv_cond_signal(&w->changed);
    uv_mutex_unlock(&w->mutex);
}

void writer_free(struct writer *w)
{
    if (w == NULL)
        return;
    writer_stop(w);
    uv_thread_join(&w->thread);
    uv_cond_destroy(&w->changed);
    uv_mutex_destroy(&w->mutex);
    free(w);
}
