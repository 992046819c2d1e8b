#include "admin/live.h"

#include "params.h"
#include "utc.h"

static const char *const status_names[] = WT_RUN_STATUS_NAMES;
static const char *const trigger_names[] = WT_TRIGGER_NAMES;

json_t *live_time(int64_t us)
{
    char text[UTC_TEXT_SIZE];
    return us == WT_NO_TIME ? json_null() : json_string(utc_text(us, text));
}

json_t *live_text(const char *text)
{
    json_t *string = text != NULL ? json_string(text) : NULL;
    return string != NULL ? string : json_null();
}

/* A figure, or null for one that is not known. */
static json_t *known_real(double value)
{
    return value >= 0 ? json_real(value) : json_null();
}

/* Seconds until an engine that goes on like this is done; less than 0: unknown. */
static double seconds_left(const struct run_view *v, double rate)
{
    int64_t left = v->progress_total - v->progress_done;
    if (v->progress_total <= 0 || (left > 0 && rate <= 0))
        return -1;
    return left > 0 ? (double)left / rate : 0;
}

/* {done, total, stage, percent, rate, seconds_left, wallets}, or null when the engine has said
 * nothing. */
static json_t *progress(const struct run_view *v)
{
    if (!v->has_progress)
        return json_null();
    bool known = v->progress_total > 0;
    double percent = known ? 100.0 * (double)v->progress_done / (double)v->progress_total : -1;
    double rate = pace_rate(&v->pace, uv_hrtime() / 1000000);
    if (percent > 100)
        percent = 100;
    return json_pack(
        "{s:I, s:o, s:o, s:o, s:o, s:o, s:I}", "done", (json_int_t)v->progress_done, "total",
        v->progress_total >= 0 ? json_integer(v->progress_total) : json_null(), "stage",
        live_text(v->progress_stage), "percent", known_real(percent), "rate", known_real(rate),
        "seconds_left", known_real(seconds_left(v, rate)), "wallets", (json_int_t)v->wallets);
}

/* Who wanted the run, and how. */
static void add_request(json_t *run, const struct run_request *request)
{
    json_object_set_new(run, "trigger_type", json_string(trigger_names[request->trigger]));
    json_object_set_new(run, "triggered_by", live_text(request->triggered_by));
    json_object_set_new(run, "params", params_json(&request->params));
    json_object_set_new(run, "profile_immediately", json_boolean(request->profile_immediately));
    json_object_set_new(run, "schedule", live_text(request->schedule));
    json_object_set_new(run, "slot_at", live_time(request->slot_at_us));
}

json_t *live_run(const struct run_view *v, const char *host_name)
{
    char id[37];
    bool running = v->status == WT_RUN_RUNNING;
    wt_uuid_text(&v->id, id);
    json_t *run = json_pack(
        "{s:s, s:o, s:o, s:s, s:I, s:n, s:n, s:n, s:o, s:[], s:I, s:o, s:n, s:[], s:o}", "id", id,
        "started_at", live_time(v->started_us), "completed_at", live_time(v->ended_us), "status",
        status_names[v->status], "tokens_analyzed", (json_int_t)v->tokens, "new_wallets",
        "updated_wallets", "profiled_wallets", "duration_seconds",
        running ? json_null() : json_real((double)v->duration_us / 1e6), "errors", "error_count",
        (json_int_t)v->errors, "host", live_text(host_name), "build", "builds", "reason",
        live_text(v->reason));
    if (run == NULL)
        return NULL;
    add_request(run, v->request);
    if (running)
        json_object_set_new(run, "progress", progress(v));
    return run;
}
