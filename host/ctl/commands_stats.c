#include "ctl/answers.h"
#include "ctl/figures.h"
#include "ctl/filters.h"

/* ---- totals ---- */

static const struct figure totals[] = {
    {.name = "total_runs", .key = "total_runs"},
    {.name = "successful_runs", .key = "successful_runs"},
    {.name = "failed_runs", .key = "failed_runs"},
    {.name = "cancelled_runs", .key = "cancelled_runs"},
    {.name = "running_runs", .key = "running_runs"},
    {.name = "success_rate", .key = "success_rate", .kind = FIGURE_RATE},
    {.name = "runs_with_errors", .key = "runs_with_errors"},
    {.name = "partial_runs", .key = "partial_runs"},
    {.name = "wallets_discovered", .key = "total_wallets_discovered"},
    {.name = "wallets_updated", .key = "total_wallets_updated"},
    {.name = "wallets_per_run", .key = "avg_wallets_per_run", .kind = FIGURE_DECIMAL},
    {.name = "tokens_analyzed", .key = "total_tokens_analyzed"},
    {.name = "errors", .key = "total_errors"},
    {.name = "average_duration", .key = "avg_duration_seconds", .kind = FIGURE_DURATION},
    {.name = "median_duration", .key = "median_duration_seconds", .kind = FIGURE_DURATION},
    {.name = "p90_duration", .key = "p90_duration_seconds", .kind = FIGURE_DURATION},
    {.name = "p99_duration", .key = "p99_duration_seconds", .kind = FIGURE_DURATION},
};

static void print_totals(struct session *s, const json_t *stats)
{
    char text[SHOWN_SIZE];
    for (size_t i = 0; i < sizeof totals / sizeof totals[0]; i++)
        print_field(s, totals[i].name, figure_shown(&totals[i], stats, text), COLOUR_NONE);
    print_field(s, "last_run_at", field_shown_time(stats, "last_run_at", text), COLOUR_NONE);
}

/* ---- week over week ---- */

static const struct table_column trend_columns[] = {
    {.title = ""},
    {.title = "LAST 7 DAYS", .right = true},
    {.title = "7 DAYS BEFORE", .right = true},
    {.title = "CHANGE", .right = true},
};

static enum status print_trend(struct session *s, const json_t *trend, struct error *err)
{
    struct table *t = table_new(trend_columns, sizeof trend_columns / sizeof trend_columns[0]);
    const json_t *change = json_object_get(trend, "change");
    char text[SHOWN_SIZE];
    for (size_t i = 0; i < FIGURES_COMPARED; i++) {
        const struct figure *f = &figures_compared[i];
        table_add(t, f->name, COLOUR_NONE);
        table_add(t, figure_shown(f, json_object_get(trend, "current"), text), COLOUR_NONE);
        table_add(t, figure_shown(f, json_object_get(trend, "previous"), text), COLOUR_NONE);
        table_add(t, figure_shown_change(f, change, false, text), figure_colour(f, change));
    }
    fputc('\n', s->out);
    return print_table(s, t, err);
}

enum status stats_command(struct session *s, struct error *err)
{
    char path[PATH_ROOM] = "/api/discovery/stats";
    struct reply reply;
    enum status status = filters_add(s->arguments, path, err);
    if (status != STATUS_OK)
        return status;
    status = answer_get(s, path, &reply, err);
    if (status == STATUS_OK && !s->json) {
        print_totals(s, reply.json);
        status = print_trend(s, json_object_get(reply.json, "trend"), err);
    }
    reply_free(&reply);
    return status;
}
