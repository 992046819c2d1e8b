#include "run/runs.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fault_point.h"
#include "ids.h"
#include "log.h"
#include "run/run.h"

enum { ENDED_REMEMBERED = 256 };

/* One run in the list, the newest first. */
struct entry {
    struct run *run;
    struct entry *next;
    run_started started; /* until it was called */
    void *arg;
    bool over;
};

struct runs {
    struct run_context context;
    struct runs_stats stats;
    struct entry *list;
    size_t running, ended;
    bool stopping;
    void (*stopped)(void *arg);
    void *stopped_arg;
    uv_idle_t turn; /* to report `stopped` from a turn of its own */
};

static struct entry *find_entry(const struct runs *r, const struct run *run)
{
    struct entry *e = r->list;
    while (e != NULL && e->run != run)
        e = e->next;
    return e;
}

/* Drops the oldest of the ended runs beyond those that are remembered. */
static void forget_oldest(struct runs *r)
{
    struct entry **oldest = NULL;
    if (r->ended <= ENDED_REMEMBERED)
        return;
    for (struct entry **at = &r->list; *at != NULL; at = &(*at)->next)
        if ((*at)->over)
            oldest = at;
    assert(oldest != NULL);
    struct entry *e = *oldest;
    *oldest = e->next;
    run_free(e->run);
    free(e);
    r->ended--;
}

static void on_turn(uv_idle_t *idle)
{
    struct runs *r = idle->data;
    uv_idle_stop(idle);
    r->stopped(r->stopped_arg);
}

static void report_stopped_if_so(struct runs *r)
{
    if (r->stopping && r->running == 0)
        uv_idle_start(&r->turn, on_turn);
}

static void on_started(void *arg, struct run *run, const struct error *err)
{
    struct runs *r = arg;
    struct entry *e = find_entry(r, run);
    e->started(e->arg, &run_view(run)->id, err);
}

static void on_ended(void *arg, struct run *run)
{
    struct runs *r = arg;
    find_entry(r, run)->over = true;
    r->running--;
    r->ended++;
    forget_oldest(r);
    report_stopped_if_so(r);
}

static const struct run_events events = {on_started, on_ended};

int runs_new(uv_loop_t *loop, struct journal *j, const struct config *config, struct runs **out,
             struct error *err)
{
    struct runs *r = calloc(1, sizeof *r);
    if (r == NULL)
        return error_set(err, ENOMEM, "out of memory");
    r->context = (struct run_context){.loop = loop,
                                      .journal = j,
                                      .config = config,
                                      .stats = &r->stats,
                                      .events = &events,
                                      .arg = r};
    uv_idle_init(loop, &r->turn);
    r->turn.data = r;
    *out = r;
    return 0;
}

void runs_configure(struct runs *r, const struct config *config)
{
    r->context.config = config;
}

void runs_close_orphans(struct runs *r)
{
    const struct journal_open_run *orphans;
    size_t n = journal_open_runs(r->context.journal, &orphans);
    for (size_t i = 0; i < n; i++)
        run_append_orphan_end(r->context.journal, &orphans[i]);
    FAULT_POINT("runs-orphans-closed");
    if (n > 0)
        log_line(LOG_WARNING, "runs", "%zu run%s of a former life closed as failed", n,
                 n == 1 ? "" : "s");
}

int runs_start(struct runs *r, const struct run_request *request, run_started started, void *arg,
               wt_uuid *id, struct error *err)
{
    if (r->stopping)
        return error_set(err, ESHUTDOWN, "walltrackd is stopping");
    if ((int64_t)r->running >= r->context.config->max_concurrent_runs)
        return error_set(err, EBUSY, "%zu runs are going, which is the limit (max_concurrent_runs)",
                         r->running);
    if (journal_is_full(r->context.journal))
        return error_set(
            err, ENOSPC,
            "the journal is full: no run can start until a plugin has stored some of it");
    struct entry *e = calloc(1, sizeof *e);
    if (e == NULL)
        return error_set(err, ENOMEM, "out of memory");
    if (run_new(&r->context, request, &e->run, err) != 0) {
        free(e);
        return -1;
    }
    e->started = started;
    e->arg = arg;
    e->next = r->list;
    r->list = e;
    r->running++;
    *id = run_view(e->run)->id;
    return 0;
}

static const struct entry *find_id(const struct runs *r, const wt_uuid *id)
{
    const struct entry *e = r->list;
    while (e != NULL && !id_equal(&run_view(e->run)->id, id))
        e = e->next;
    return e;
}

int runs_cancel(struct runs *r, const wt_uuid *id, const char *by, struct error *err)
{
    const struct entry *e = find_id(r, id);
    if (e == NULL)
        return error_set(err, ENOENT, "no such run is going");
    if (e->over)
        return error_set(err, EALREADY, "the run has ended");
    char reason[160];
    snprintf(reason, sizeof reason, "cancelled by %s", by);
    return run_cancel(e->run, reason, err);
}

const struct run_view *runs_find(const struct runs *r, const wt_uuid *id)
{
    const struct entry *e = find_id(r, id);
    return e != NULL ? run_view(e->run) : NULL;
}

size_t runs_running(const struct runs *r)
{
    return r->running;
}

bool runs_is_running(const struct runs *r, const char *schedule)
{
    for (const struct entry *e = r->list; e != NULL; e = e->next) {
        const char *name = run_view(e->run)->request->schedule;
        if (!e->over && name != NULL && strcmp(name, schedule) == 0)
            return true;
    }
    return false;
}

void runs_stop(struct runs *r, void (*stopped)(void *arg), void *arg)
{
    r->stopping = true;
    r->stopped = stopped;
    r->stopped_arg = arg;
    for (struct entry *e = r->list; e != NULL; e = e->next)
        if (!e->over)
            run_cancel(e->run, "walltrackd was stopped", NULL);
    report_stopped_if_so(r);
}

static void on_turn_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void runs_free(struct runs *r)
{
    if (r == NULL)
        return;
    while (r->list != NULL) {
        struct entry *next = r->list->next;
        run_free(r->list->run);
        free(r->list);
        r->list = next;
    }
    uv_close((uv_handle_t *)&r->turn, on_turn_closed);
}

void runs_stats(const struct runs *r, struct runs_stats *out)
{
    *out = r->stats;
}
