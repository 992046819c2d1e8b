#include "run/run.h"

#include <assert.h>
#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "fault_point.h"
#include "ids.h"
#include "log.h"
#include "params.h"
#include "run/engine.h"
#include "run/line.h"
#include "run/seen.h"

enum { BAD_LINES_RECORDED = 1000 };

enum run_state { STARTING, RUNNING, ENDING, ENDED };

#define TO(state) (1u << (state))

static const struct {
    const char *name;
    unsigned next;
} states[] = {
    [STARTING] = {"starting", TO(RUNNING) | TO(ENDING) | TO(ENDED)},
    [RUNNING] = {"running", TO(ENDING)},
    [ENDING] = {"ending", TO(ENDED)},
    [ENDED] = {"ended", 0},
};

struct run {
    enum run_state state;
    const struct run_context *context;
    struct run_view view;
    struct run_request request; /* its texts are ours */
    char log_name[16];          /* "run 0199abcd", as it fits */
    struct engine *engine;      /* while running */
    struct seen *seen;
    struct journal_waiter waiter;
    uint64_t started_ns;
    uint64_t bad_lines;
    uint64_t errors_dropped;
    char *cancel_reason; /* set: to be cancelled */
    char *failure;       /* set: failed by the host's judgement, whatever the engine's exit */
    char *stage;
    char *reason;
};

static void enter_running(struct run *r);
static void enter_ending(struct run *r);

/* The only writer of r->state. */
static void run_move(struct run *r, enum run_state to)
{
    assert((states[r->state].next & TO(to)) != 0);
    log_line(LOG_DEBUG, r->log_name, "%s -> %s", states[r->state].name, states[to].name);
    r->state = to;
    switch (to) {
    case STARTING:
        break;
    case RUNNING:
        enter_running(r);
        break;
    case ENDING:
        enter_ending(r);
        break;
    case ENDED:
        journal_stop_waiting(r->context->journal, &r->waiter);
        seen_free(r->seen);
        r->seen = NULL;
        break;
    }
}

static int64_t now_us(void)
{
    return g_get_real_time();
}

const struct run_view *run_view(const struct run *r)
{
    return &r->view;
}

void run_free(struct run *r)
{
    if (r == NULL)
        return;
    g_free((char *)r->request.triggered_by);
    g_free((char *)r->request.schedule);
    g_free(r->cancel_reason);
    g_free(r->failure);
    g_free(r->stage);
    g_free(r->reason);
    seen_free(r->seen);
    free(r);
}

/* ---- the end ---- */

static void on_end_durable(void *arg, int status, const struct error *err)
{
    struct run *r = arg;
    if (status != 0)
        log_line(LOG_ERROR, r->log_name, "its end could not be recorded: %s", err->msg);
    FAULT_POINT("run-end-durable");
    run_move(r, ENDED);
    r->context->events->ended(r->context->arg, r);
}

static void count_end(struct runs_stats *stats, uint8_t status)
{
    if (status == WT_RUN_COMPLETED)
        stats->completed++;
    else if (status == WT_RUN_FAILED)
        stats->failed++;
    else
        stats->cancelled++;
}

static void enter_ending(struct run *r)
{
    static const char *const names[] = WT_RUN_STATUS_NAMES;
    struct event e;
    event_init(&e, WT_RUN_END, &r->view.id);
    r->view.duration_us = (int64_t)((uv_hrtime() - r->started_ns) / 1000);
    r->view.reason = r->reason;
    e.u.run_end.status = r->view.status;
    e.u.run_end.duration_us = r->view.duration_us;
    e.u.run_end.errors_dropped = r->errors_dropped;
    e.u.run_end.reason = r->reason;
    r->view.end_seq = journal_append(r->context->journal, &e, on_end_durable, r);
    r->view.ended_us = now_us();
    count_end(r->context->stats, r->view.status);
    log_line(r->view.status == WT_RUN_FAILED ? LOG_WARNING : LOG_INFO, r->log_name,
             "%s after %.3f s: %llu tokens, %llu discoveries, %llu errors%s%s",
             names[r->view.status], (double)r->view.duration_us / 1e6,
             (unsigned long long)r->view.tokens, (unsigned long long)r->view.wallets,
             (unsigned long long)r->view.errors, r->reason != NULL ? ": " : "",
             r->reason != NULL ? r->reason : "");
    if (r->view.end_seq == 0) { /* the journal is gone; the next start will close the run */
        run_move(r, ENDED);
        r->context->events->ended(r->context->arg, r);
    }
}

static char *describe_exit(const struct engine_result *result, const struct config *config)
{
    char *what;
    if (result->timed_out)
        what = g_strdup_printf("timed out after %lld s", (long long)config->engine.timeout_seconds);
    else if (result->signal != 0)
        what = g_strdup_printf("the engine was ended by signal %d (%s)", result->signal,
                               strsignal(result->signal));
    else
        what = g_strdup_printf("the engine exited with status %d", result->exit_status);
    if (result->last_words[0] == '\0')
        return what;
    char *whole = g_strconcat(what, ": ", result->last_words, NULL);
    g_free(what);
    return whole;
}

/* What an ended engine makes of its run. */
static void judge(struct run *r, const struct engine_result *result)
{
    bool clean = result->signal == 0 && result->exit_status == 0 && !result->timed_out;
    if (r->cancel_reason != NULL) {
        r->view.status = WT_RUN_CANCELLED;
        r->reason = g_strdup(r->cancel_reason);
    } else if (r->failure != NULL) {
        r->view.status = WT_RUN_FAILED;
        r->reason = g_strdup(r->failure);
    } else if (clean && !result->output_cut) {
        r->view.status = WT_RUN_COMPLETED;
    } else {
        r->view.status = WT_RUN_FAILED;
        r->reason = clean ? g_strdup("the engine exited but its output did not end: "
                                     "the rest was cut")
                          : describe_exit(result, r->context->config);
    }
}

/* ---- what the engine says ---- */

static bool append(struct run *r, struct event *e)
{
    if (journal_append(r->context->journal, e, NULL, NULL) != 0)
        return true;
    if (r->failure == NULL)
        r->failure = g_strdup("the journal takes no more events");
    engine_stop(r->engine);
    return false;
}

static void fail(struct run *r, char *why)
{
    if (r->failure == NULL)
        r->failure = why;
    else
        g_free(why);
    engine_stop(r->engine);
}

static void record_error(struct run *r, const wt_run_error *error)
{
    struct event e;
    event_init(&e, WT_RUN_ERROR, &r->view.id);
    e.u.run_error = *error;
    if (append(r, &e))
        r->view.errors++;
}

static void record_bad_line(struct run *r, uint64_t number, const char *why)
{
    r->context->stats->bad_lines++;
    if (++r->bad_lines > BAD_LINES_RECORDED) {
        r->errors_dropped++;
        r->view.errors++;
        return;
    }
    char message[640];
    snprintf(message, sizeof message, "line %llu: %s", (unsigned long long)number, why);
    wt_run_error error = {
        .struct_size = sizeof error,
        .line = number <= UINT32_MAX ? (uint32_t)number : 0,
        .message = message,
        .code = "bad_line",
    };
    record_error(r, &error);
}

/* Whether this is the first time; a run has room for so many, and no more. */
static bool is_first(struct run *r, const char *a, const char *b)
{
    if ((int64_t)seen_count(r->seen) >= r->context->config->engine.max_discoveries) {
        fail(r, g_strdup_printf("more than %lld discoveries: raise engine.max_discoveries if "
                                "this is meant",
                                (long long)r->context->config->engine.max_discoveries));
        return false;
    }
    switch (seen_add(r->seen, a, b)) {
    case SEEN_FIRST:
        return true;
    case SEEN_BEFORE:
        r->view.duplicates++;
        r->context->stats->duplicates++;
        return false;
    case SEEN_NO_MEMORY:
        fail(r, g_strdup("out of memory"));
        return false;
    }
    return false;
}

static void record_token(struct run *r, const wt_token *token)
{
    struct event e;
    if (!is_first(r, token->token, ""))
        return;
    event_init(&e, WT_TOKEN, &r->view.id);
    e.u.token = *token;
    if (append(r, &e))
        r->view.tokens++;
}

static void record_wallet(struct run *r, const wt_wallet *wallet)
{
    struct event e;
    if (!is_first(r, wallet->address, wallet->source_token))
        return;
    event_init(&e, WT_WALLET, &r->view.id);
    e.u.wallet = *wallet;
    if (append(r, &e)) {
        r->view.wallets++;
        r->context->stats->discoveries++;
    }
}

static void show_progress(struct run *r, const struct line *l)
{
    g_free(r->stage);
    r->stage = g_strdup(l->u.progress.stage);
    r->view.has_progress = true;
    r->view.progress_done = l->u.progress.done;
    r->view.progress_total = l->u.progress.total;
    r->view.progress_stage = r->stage;
    pace_note(&r->view.pace, uv_hrtime() / 1000000, l->u.progress.done);
}

static void on_line(void *arg, uint64_t number, char *text, size_t size, bool too_long)
{
    struct run *r = arg;
    struct line l;
    struct error err;
    if (r->failure != NULL)
        return;
    r->context->stats->lines++;
    if (too_long) {
        record_bad_line(r, number, "longer than 64 KiB");
        return;
    }
    if (size > 0 && text[size - 1] == '\r')
        size--;
    if (line_parse(text, size, &l, &err) != 0) {
        record_bad_line(r, number, err.msg);
        return;
    }
    switch (l.kind) {
    case LINE_TOKEN:
        record_token(r, &l.u.token);
        break;
    case LINE_WALLET:
        record_wallet(r, &l.u.wallet);
        break;
    case LINE_ERROR:
        record_error(r, &l.u.error);
        break;
    case LINE_PROGRESS:
        show_progress(r, &l);
        break;
    }
    line_release(&l);
}

static void on_room(void *arg)
{
    struct run *r = arg;
    if (r->engine != NULL)
        engine_resume(r->engine);
}

static void on_batch(void *arg)
{
    struct run *r = arg;
    if (r->engine != NULL && !journal_has_room(r->context->journal)) {
        r->context->stats->paused_reads++;
        engine_pause(r->engine);
        journal_wait_for_room(r->context->journal, &r->waiter);
    }
}

static void on_engine_ended(void *arg, const struct engine_result *result)
{
    struct run *r = arg;
    r->engine = NULL;
    FAULT_POINT("run-engine-ended");
    judge(r, result);
    run_move(r, ENDING);
}

static const struct engine_events engine_events = {on_line, on_batch, on_engine_ended};

/* ---- the start ---- */

static char *make_request(const struct run *r)
{
    static const char *const triggers[] = WT_TRIGGER_NAMES;
    char id[ID_TEXT_SIZE];
    wt_uuid_text(&r->view.id, id);
    json_t *params = params_json(&r->request.params);
    json_object_set_new(params, "profile_immediately",
                        json_boolean(r->request.profile_immediately));
    json_t *request =
        json_pack("{s:i, s:s, s:s, s:s?, s:s?, s:o}", "protocol", 1, "run_id", id, "trigger_type",
                  triggers[r->request.trigger], "triggered_by", r->request.triggered_by, "schedule",
                  r->request.schedule, "params", params);
    char *line = json_dumps(request, JSON_COMPACT | JSON_REAL_PRECISION(15));
    json_decref(request);
    return line;
}

static void enter_running(struct run *r)
{
    const struct config *config = r->context->config;
    struct error err = {.code = ENOMEM, .msg = "out of memory"};
    char *request = make_request(r);
    struct engine_spec spec = {
        .log_name = r->log_name,
        .command = config->engine.command,
        .environment = config->engine.environment,
        .request = request,
        .timeout_ms = config->engine.timeout_seconds * 1000,
        .grace_ms = config->engine.kill_grace_seconds * 1000,
        .limits = {config->engine.memory_bytes, config->engine.cpu_seconds,
                   config->engine.file_bytes, config->engine.open_files},
    };
    int status = request == NULL
                     ? -1
                     : engine_start(r->context->loop, &spec, &engine_events, r, &r->engine, &err);
    free(request);
    if (status == 0)
        return;
    r->view.status = WT_RUN_FAILED;
    r->reason = g_strdup(err.msg);
    run_move(r, ENDING);
}

static void on_start_durable(void *arg, int status, const struct error *err)
{
    struct run *r = arg;
    const struct run_context *context = r->context;
    context->events->started(context->arg, r, status == 0 ? NULL : err);
    if (status != 0) {
        r->view.status = WT_RUN_FAILED;
        r->view.reason = "its start could not be recorded";
        run_move(r, ENDED);
        context->events->ended(context->arg, r);
    } else if (r->cancel_reason != NULL) {
        r->view.status = WT_RUN_CANCELLED;
        r->reason = g_strdup(r->cancel_reason);
        run_move(r, ENDING);
    } else {
        context->stats->started++;
        FAULT_POINT("run-start-durable");
        run_move(r, RUNNING);
        FAULT_POINT("run-engine-started");
    }
}

static uint64_t append_start(struct run *r)
{
    struct event e;
    event_init(&e, WT_RUN_START, &r->view.id);
    e.head.id = r->view.id;
    e.u.run_start.trigger = r->request.trigger;
    e.u.run_start.profile_immediately = r->request.profile_immediately;
    e.u.run_start.triggered_by = r->request.triggered_by;
    e.u.run_start.schedule = r->request.schedule;
    e.u.run_start.slot_at_us = r->request.slot_at_us;
    e.u.run_start.host_name = r->context->config->host_name;
    e.u.run_start.params = r->request.params;
    uint64_t seq = journal_append(r->context->journal, &e, on_start_durable, r);
    r->view.started_us = e.head.time_us;
    return seq;
}

int run_new(const struct run_context *context, const struct run_request *request, struct run **out,
            struct error *err)
{
    struct run *r = calloc(1, sizeof *r);
    struct seen *seen = seen_new();
    if (r == NULL || seen == NULL) {
        free(r);
        seen_free(seen);
        return error_set(err, ENOMEM, "out of memory");
    }
    r->state = STARTING;
    r->context = context;
    r->seen = seen;
    r->request = *request;
    r->request.triggered_by = g_strdup(request->triggered_by);
    r->request.schedule = g_strdup(request->schedule);
    r->started_ns = uv_hrtime();
    r->waiter = (struct journal_waiter){.room = on_room, .arg = r};
    r->view = (struct run_view){
        .id = id_make(),
        .request = &r->request,
        .ended_us = WT_NO_TIME,
        .status = WT_RUN_RUNNING,
        .progress_total = -1,
    };
    char id[ID_TEXT_SIZE];
    wt_uuid_text(&r->view.id, id);
    /* The end of an id is random; its beginning is the same for all runs of a day. */
    snprintf(r->log_name, sizeof r->log_name, "run %s", id + 28);
    if (append_start(r) == 0) {
        run_free(r);
        return error_set(err, EIO, "the journal takes no more events");
    }
    *out = r;
    return 0;
}

int run_cancel(struct run *r, const char *reason, struct error *err)
{
    if (r->state >= ENDING || r->cancel_reason != NULL)
        return error_set(err, EALREADY, "the run is ending already");
    r->cancel_reason = g_strdup(reason);
    r->view.cancelling = true;
    if (r->state == RUNNING)
        engine_stop(r->engine);
    return 0;
}

uint64_t run_append_orphan_end(struct journal *j, const struct journal_open_run *orphan)
{
    struct event e;
    event_init(&e, WT_RUN_END, &orphan->run_id);
    e.u.run_end.status = WT_RUN_FAILED;
    e.u.run_end.duration_us = -1;
    e.u.run_end.reason =
        "walltrackd ended without warning (crash, kill or power cut) while this run "
        "was going; what it had found until then is recorded";
    return journal_append(j, &e, NULL, NULL);
}
