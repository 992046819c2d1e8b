/* Happy path: open takes the lock, opens the file twice and starts the threads; each wakes the
 * loop by one async handle, whose callback deals with all that has happened.  Close commits what is
 * pending, ends the threads, closes the handles, frees, and tells. */
#include "journal/journal_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/lock.h"
#include "log.h"

enum { FIRST_TRIM_MS = 1000 };

#define TO(state) (1u << (state))

static const struct {
    const char *name;
    unsigned next;
} states[] = {
    [JOURNAL_OPEN] = {"open", TO(JOURNAL_FINISHING)},
    [JOURNAL_FINISHING] = {"finishing", TO(JOURNAL_ENDING)},
    [JOURNAL_ENDING] = {"ending", TO(JOURNAL_CLOSING)},
    [JOURNAL_CLOSING] = {"closing", 0},
};

static void release(struct journal *j)
{
    writer_free(j->writer);
    read_thread_free(j->reading);
    for (size_t i = 0; i < sizeof j->batches / sizeof *j->batches; i++)
        batch_free(&j->batches[i]);
    notes_free(&j->settings);
    notes_free(&j->slots);
    notes_free(&j->consumers);
    free(j->open_runs);
    lock_drop(j->lock);
    free(j);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct journal *j = handle->data;
    if (--j->handles > 0)
        return;
    void (*closed)(void *arg) = j->closed;
    void *arg = j->closed_arg;
    release(j);
    closed(arg); /* last: it may drop the loop */
}

static void close_handles(struct journal *j)
{
    uv_close((uv_handle_t *)&j->async, on_handle_closed);
    uv_close((uv_handle_t *)&j->idle, on_handle_closed);
    uv_close((uv_handle_t *)&j->linger, on_handle_closed);
    uv_close((uv_handle_t *)&j->marks_timer, on_handle_closed);
    uv_close((uv_handle_t *)&j->trim_timer, on_handle_closed);
}

/* The only writer of j->state. */
static void journal_move(struct journal *j, enum journal_state to)
{
    assert(states[j->state].next & TO(to));
    log_line(LOG_DEBUG, "journal", "%s, was %s", states[to].name, states[j->state].name);
    j->state = to;
    switch (to) {
    case JOURNAL_FINISHING:
        uv_timer_stop(&j->marks_timer);
        uv_timer_stop(&j->trim_timer);
        journal_hurry(j);
        uv_async_send(&j->async);
        break;
    case JOURNAL_ENDING:
        read_thread_stop(j->reading);
        writer_stop(j->writer);
        break;
    case JOURNAL_CLOSING:
        close_handles(j);
        break;
    case JOURNAL_OPEN:
        break;
    }
}

/* What has to be done before the next state has been done? */
static void go_on_closing(struct journal *j)
{
    if (j->state == JOURNAL_FINISHING) {
        j->marks_due = true;
        append_hand_over(j);
        if (append_is_settled(j) && j->reads == 0)
            journal_move(j, JOURNAL_ENDING);
    } else if (j->state == JOURNAL_ENDING && j->report.ended && read_thread_ended(j->reading)) {
        journal_move(j, JOURNAL_CLOSING);
    }
}

static void on_wake(uv_async_t *async)
{
    struct journal *j = async->data;
    struct writer_report report;
    writer_collect(j->writer, &report);
    append_settle(j, &report);
    retain_schedule(j, &report);
    reading_settle(j);
    append_serve_waiters(j);
    go_on_closing(j);
}

static void wake(void *arg)
{
    struct journal *j = arg;
    uv_async_send(&j->async);
}

/* ---- opening ---- */

static bool add_open_run(void *arg, const struct store_note *note)
{
    struct journal *j = arg;
    struct journal_open_run *runs =
        reallocarray(j->open_runs, j->n_open_runs + 1, sizeof *j->open_runs);
    if (runs == NULL)
        return false;
    runs[j->n_open_runs++] = (struct journal_open_run){note->run, note->number};
    j->open_runs = runs;
    return true;
}

static int load(struct journal *j, struct store *s, struct error *err)
{
    struct store_figures figures;
    store_figures(s, &figures);
    j->id = *store_journal_id(s);
    j->appended = figures.head;
    j->report.figures = figures;
    if (notes_load(&j->settings, s, NOTES_SETTINGS, err) != 0 ||
        notes_load(&j->slots, s, NOTES_SLOTS, err) != 0 ||
        notes_load(&j->consumers, s, NOTES_MARKS, err) != 0)
        return -1;
    return store_notes(s, NOTES_OPEN_RUNS, add_open_run, j, err);
}

static void add_handle(struct journal *j, void *handle)
{
    ((uv_handle_t *)handle)->data = j;
    j->handles++;
}

/* Only the async can fail; the rest is never undone on its own. */
static int make_handles(struct journal *j, struct error *err)
{
    int code = uv_async_init(j->loop, &j->async, on_wake);
    if (code != 0)
        return error_set(err, -code, "watch the journal: %s", uv_strerror(code));
    uv_idle_init(j->loop, &j->idle);
    uv_timer_init(j->loop, &j->linger);
    uv_timer_init(j->loop, &j->marks_timer);
    uv_timer_init(j->loop, &j->trim_timer);
    uv_unref((uv_handle_t *)&j->marks_timer);
    uv_unref((uv_handle_t *)&j->trim_timer);
    add_handle(j, &j->async);
    add_handle(j, &j->idle);
    add_handle(j, &j->linger);
    add_handle(j, &j->marks_timer);
    add_handle(j, &j->trim_timer);
    return 0;
}

/* Both connections, the second only once the first has made the file. */
static int open_stores(const char *dir, struct store **writing, struct store **reading,
                       struct error *err)
{
    char *path;
    if (asprintf(&path, "%s/journal.db", dir) < 0)
        return error_set(err, ENOMEM, "out of memory");
    int status = store_open(path, writing, err);
    if (status == 0)
        status = store_open_reader(path, reading, err);
    free(path);
    return status;
}

static void nobody(void *arg)
{
    (void)arg;
}

int journal_open(uv_loop_t *loop, const char *dir, const struct journal_limits *limits,
                 struct journal **out, struct error *err)
{
    struct store *writing = NULL, *reading = NULL;
    struct journal *j = calloc(1, sizeof *j);
    if (j == NULL)
        return error_set(err, ENOMEM, "out of memory");
    j->loop = loop;
    j->limits = *limits;
    j->filling = &j->batches[0];
    j->closed = nobody;
    j->lock = lock_take(dir, err);
    if (j->lock < 0 || open_stores(dir, &writing, &reading, err) != 0 ||
        load(j, writing, err) != 0 || make_handles(j, err) != 0)
        goto fail;
    if (writer_start(writing, wake, j, &j->writer, err) != 0)
        goto fail;
    writing = NULL;
    if (read_thread_start(reading, wake, j, &j->reading, err) != 0)
        goto fail;
    retain_push_rules(j);
    append_check_room(j);
    uv_timer_start(&j->trim_timer, retain_trim_timer, FIRST_TRIM_MS, 0);
    *out = j;
    return 0;
fail:
    writer_free(j->writer); /* while the loop can still be woken */
    j->writer = NULL;
    store_close(reading);
    store_close(writing);
    if (j->handles > 0)
        close_handles(j); /* j goes with the last of them, when the loop turns */
    else
        release(j);
    return error_wrap(err, "journal");
}

void journal_close(struct journal *j, void (*closed)(void *arg), void *arg)
{
    if (j == NULL) {
        closed(arg);
        return;
    }
    j->closed = closed;
    j->closed_arg = arg;
    journal_move(j, JOURNAL_FINISHING);
}

void journal_hurry(struct journal *j)
{
    writer_hurry(j->writer);
}

const wt_uuid *journal_id(const struct journal *j)
{
    return &j->id;
}

size_t journal_open_runs(const struct journal *j, const struct journal_open_run **out)
{
    *out = j->open_runs;
    return j->n_open_runs;
}

void journal_stats(const struct journal *j, struct journal_stats *out)
{
    const struct writer_report *r = &j->report;
    *out = (struct journal_stats){
        .oldest = r->figures.oldest,
        .head = r->figures.head,
        .appended = j->appended,
        .bytes = r->figures.bytes,
        .max_bytes = (uint64_t)j->limits.max_bytes,
        .pending_bytes = j->filling->used + (j->writing != NULL ? j->writing->used : 0),
        .commits = r->commits,
        .trimmed = r->trimmed,
        .commit_us_max = r->commit_us_max,
        .commit_us_sum = r->commit_us_sum,
        .failed = r->failed,
    };
    snprintf(out->failure, sizeof out->failure, "%.255s", r->failure.msg);
}
