#include <string.h>

#include "ctl/answers.h"
#include "ctl/arguments.h"
#include "ctl/figures.h"
#include "ctl/filters.h"
#include "ctl/follow_run.h"
#include "ctl/more.h"

/* ---- runs ----------------------------------------------------------------------------- */

static const struct table_column run_columns[] = {
    {.title = "ID"},
    {.title = "STARTED"},
    {.title = "STATUS"},
    {.title = "TRIGGER"},
    {.title = "BY", .flexible = true},
    {.title = "TOKENS", .right = true},
    {.title = "NEW", .right = true},
    {.title = "UPDATED", .right = true},
    {.title = "ERRORS", .right = true},
    {.title = "TOOK", .right = true},
};

static void add_run(struct table *t, const json_t *run)
{
    char text[SHOWN_SIZE];
    const char *status = field_text(run, "status");
    const char *schedule = field_text(run, "schedule");
    table_add(t, field_short_id(run, "id", text), COLOUR_NONE);
    table_add(t, field_shown_time(run, "started_at", text), COLOUR_NONE);
    table_add(t, status, status_colour(status));
    table_add(t, field_text(run, "trigger_type"), COLOUR_NONE);
    table_add(t, schedule != NULL ? schedule : field_text(run, "triggered_by"), COLOUR_NONE);
    table_add(t, field_shown_count(run, "tokens_analyzed", text), COLOUR_NONE);
    table_add(t, field_shown_count(run, "new_wallets", text), COLOUR_NONE);
    table_add(t, field_shown_count(run, "updated_wallets", text), COLOUR_NONE);
    table_add(t, field_shown_count(run, "error_count", text),
              field_count(run, "error_count") > 0 ? COLOUR_RED : COLOUR_NONE);
    table_add(t, field_shown_duration(run, "duration_seconds", text), COLOUR_NONE);
}

/* "completed 5, failed 2, success 71.4%, new wallets 40, updated 12, median 3m12s": of all pages.
 */
static void say_summary(struct session *s, const json_t *summary)
{
    static const struct figure rows[] = {
        {.name = "completed", .key = "successful_runs"},
        {.name = "failed", .key = "failed_runs"},
        {.name = "cancelled", .key = "cancelled_runs"},
        {.name = "running", .key = "running_runs"},
        {.name = "success", .key = "success_rate", .kind = FIGURE_RATE},
        {.name = "new wallets", .key = "total_wallets_discovered"},
        {.name = "updated", .key = "total_wallets_updated"},
        {.name = "median", .key = "median_duration_seconds", .kind = FIGURE_DURATION},
    };
    char line[512] = "", text[SHOWN_SIZE];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (figure_shown(&rows[i], summary, text)[0] != '\0' && strcmp(text, "0") != 0)
            shown_add(line, sizeof line, "%s%s %s", line[0] != '\0' ? ", " : "", rows[i].name,
                      text);
    if (line[0] != '\0')
        print_paragraph(s, "in all:", line, COLOUR_NONE);
}

static enum status print_runs(struct session *s, const json_t *answer, struct error *err)
{
    const json_t *runs = json_object_get(answer, "runs");
    char total[SHOWN_SIZE];
    if (json_array_size(runs) == 0) {
        fputs(s->arguments->n_options > 0
                  ? "no run matches; leave an option out to see more\n"
                  : "there are no runs yet; `walltrackctl run --wait` starts the first\n",
              s->out);
        return STATUS_OK;
    }
    struct table *t = table_new(run_columns, sizeof run_columns / sizeof run_columns[0]);
    for (size_t i = 0; i < json_array_size(runs); i++)
        add_run(t, json_array_get(runs, i));
    enum status status = print_table(s, t, err);
    fprintf(s->out, "%zu of %s runs\n", json_array_size(runs),
            field_shown_count(answer, "total", total));
    say_summary(s, json_object_get(answer, "summary"));
    more_say(s, answer, "runs", NULL);
    return status;
}

enum status runs_command(struct session *s, struct error *err)
{
    char path[PATH_ROOM] = "/api/discovery/runs";
    struct reply reply;
    enum status status = filters_add(s->arguments, path, err);
    if (status != STATUS_OK)
        return status;
    status = answer_get(s, path, &reply, err);
    if (status == STATUS_OK && !s->json)
        status = print_runs(s, reply.json, err);
    reply_free(&reply);
    return status;
}

/* ---- show ----------------------------------------------------------------------------- */

static void print_params(struct session *s, const json_t *params)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)params, key, value) {
        char text[SHOWN_SIZE];
        snprintf(text, sizeof text, "%.15g", json_number_value(value));
        print_field(s, key, text, COLOUR_NONE);
    }
}

static void print_errors(struct session *s, const json_t *errors)
{
    for (size_t i = 0; i < json_array_size(errors); i++)
        print_field(s, i == 0 ? "errors" : "", field_text(json_array_get(errors, i), "message"),
                    COLOUR_RED);
}

static void print_progress(struct session *s, const json_t *run)
{
    char line[256];
    struct progress p = follow_progress(run);
    if (!json_is_object(json_object_get(run, "progress")))
        return;
    progress_line(&p, s->width > 22 ? s->width - 22 : 100, line, sizeof line);
    print_field(s, "progress", line, COLOUR_NONE);
}

static void print_run(struct session *s, const json_t *run)
{
    static const char *const texts[] = {"reason", "trigger_type", "triggered_by", "schedule"};
    static const char *const times[] = {"started_at", "completed_at", "slot_at"};
    static const char *const counts[] = {"tokens_analyzed", "new_wallets", "updated_wallets",
                                         "profiled_wallets", "error_count"};
    static const char *const origins[] = {"host", "build"};
    char text[SHOWN_SIZE];
    const char *status = field_text(run, "status");
    print_field(s, "id", field_text(run, "id"), COLOUR_BOLD);
    print_field(s, "status", status, status_colour(status));
    print_progress(s, run);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (field_text(run, texts[i]) != NULL)
            print_field(s, texts[i], field_text(run, texts[i]), COLOUR_NONE);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        if (field_text(run, times[i]) != NULL)
            print_field(s, times[i], field_shown_time(run, times[i], text), COLOUR_NONE);
    print_field(s, "duration", field_shown_duration(run, "duration_seconds", text), COLOUR_NONE);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        print_field(s, counts[i], field_shown_count(run, counts[i], text), COLOUR_NONE);
    print_params(s, json_object_get(run, "params"));
    for (size_t i = 0; i < sizeof origins / sizeof origins[0]; i++)
        if (field_text(run, origins[i]) != NULL)
            print_field(s, origins[i], field_text(run, origins[i]), COLOUR_NONE);
    print_errors(s, json_object_get(run, "errors"));
}

enum status show_command(struct session *s, struct error *err)
{
    char id[37], path[PATH_ROOM];
    struct reply reply;
    enum status status = answer_resolve(s, s->arguments->words[0], id, err);
    if (status != STATUS_OK)
        return status;
    snprintf(path, sizeof path, "/api/discovery/runs/%s", id);
    status = answer_get(s, path, &reply, err);
    if (status == STATUS_OK && !s->json)
        print_run(s, reply.json);
    reply_free(&reply);
    return status;
}

/* ---- wallets -------------------------------------------------------------------------- */

static const struct table_column wallet_columns[] = {
    {.title = "WALLET", .flexible = true},
    {.title = "TOKEN", .flexible = true},
    {.title = "NEW"},
    {.title = "SCORE", .right = true},
    {.title = "FOUND"},
};

static void add_wallet(struct table *t, const json_t *wallet)
{
    char text[SHOWN_SIZE];
    const json_t *fresh = json_object_get(wallet, "is_new");
    table_add(t, field_text(wallet, "wallet_address"), COLOUR_NONE);
    table_add(t, field_text(wallet, "source_token"), COLOUR_NONE);
    table_add(t, json_is_true(fresh) ? "yes" : json_is_false(fresh) ? "no" : "", COLOUR_NONE);
    table_add(t, field_shown_score(wallet, "initial_score", text), COLOUR_NONE);
    table_add(t, field_shown_time(wallet, "created_at", text), COLOUR_NONE);
}

static enum status print_wallets(struct session *s, const json_t *answer, const char *id,
                                 struct error *err)
{
    const json_t *wallets = json_object_get(answer, "wallets");
    if (json_array_size(wallets) == 0) {
        fprintf(s->out, "no wallets; `walltrackctl show %s` says how the run went\n", id);
        return STATUS_OK;
    }
    struct table *t = table_new(wallet_columns, sizeof wallet_columns / sizeof wallet_columns[0]);
    for (size_t i = 0; i < json_array_size(wallets); i++)
        add_wallet(t, json_array_get(wallets, i));
    enum status status = print_table(s, t, err);
    more_say(s, answer, "wallets", id);
    return status;
}

enum status wallets_command(struct session *s, struct error *err)
{
    char id[37], path[PATH_ROOM];
    struct reply reply;
    enum status status = answer_resolve(s, s->arguments->words[0], id, err);
    if (status != STATUS_OK)
        return status;
    snprintf(path, sizeof path, "/api/discovery/runs/%s/wallets", id);
    status = filters_add(s->arguments, path, err);
    if (status != STATUS_OK)
        return status;
    status = answer_get(s, path, &reply, err);
    if (status == STATUS_OK && !s->json)
        status = print_wallets(s, reply.json, id, err);
    reply_free(&reply);
    return status;
}
