/* trend: period by period, each against the one before. */
#include <string.h>

#include "ctl/answers.h"
#include "ctl/arguments.h"
#include "ctl/figures.h"
#include "ctl/filters.h"

static const struct table_column columns[] = {
    {.title = "FROM"},
    {.title = "RUNS", .right = true},
    {.title = "±", .right = true},
    {.title = "", .bar = true},
    {.title = "SUCCESS", .right = true},
    {.title = "±", .right = true},
    {.title = "NEW", .right = true},
    {.title = "±", .right = true},
    {.title = "A RUN", .right = true, .wide = true},
    {.title = "±", .right = true, .wide = true},
    {.title = "TOOK", .right = true},
    {.title = "±", .right = true},
    {.title = "MEDIAN", .right = true, .wide = true},
    {.title = "P90", .right = true, .wide = true},
    {.title = "ERRORS", .right = true, .wide = true},
};

/* Behind those that are compared, which have their change behind them. */
static const struct figure others[] = {
    {.key = "median_duration_seconds", .kind = FIGURE_DURATION},
    {.key = "p90_duration_seconds", .kind = FIGURE_DURATION},
    {.key = "total_errors"},
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Its day, or its month, in the zone of the periods; "*" if it is not over yet. */
static void add_start(struct table *t, const json_t *period, bool months)
{
    char text[SHOWN_SIZE], name[SHOWN_SIZE];
    bool partial = json_is_true(json_object_get(period, "partial"));
    field_shown_time(period, "start", text);
    snprintf(name, sizeof name, "%.*s%s", months ? 7 : 10, text, partial ? "*" : "");
    table_add(t, name, partial ? COLOUR_CYAN : COLOUR_NONE);
}

static void add_compared(struct table *t, const json_t *period, const struct figure *f)
{
    char text[SHOWN_SIZE];
    const json_t *change = json_object_get(period, "change");
    table_add(t, figure_shown(f, period, text), COLOUR_NONE);
    table_add(t, figure_shown_change(f, change, true, text), figure_colour(f, change));
}

/* `most` is how many runs the longest bar stands for. */
static void add_period(struct table *t, const json_t *period, double most, bool months)
{
    char text[SHOWN_SIZE];
    add_start(t, period, months);
    for (size_t i = 0; i < FIGURES_COMPARED; i++) {
        add_compared(t, period, &figures_compared[i]);
        if (i == 0)
            table_add_bar(t, most > 0 ? field_number(period, "total_runs") / most : 0);
    }
    for (size_t i = 0; i < COUNT(others); i++)
        table_add(t, figure_shown(&others[i], period, text), COLOUR_NONE);
}

static double most_runs(const json_t *periods)
{
    double most = 0;
    for (size_t i = 0; i < json_array_size(periods); i++) {
        double runs = field_number(json_array_get(periods, i), "total_runs");
        most = runs > most ? runs : most;
    }
    return most;
}

static enum status print_periods(struct session *s, const json_t *periods, struct error *err)
{
    const char *period = arguments_option(s->arguments, "period");
    bool months = period != NULL && strcmp(period, "month") == 0;
    const json_t *last = json_array_get(periods, json_array_size(periods) - 1);
    struct table *t = table_new(columns, COUNT(columns));
    for (size_t i = 0; i < json_array_size(periods); i++)
        add_period(t, json_array_get(periods, i), most_runs(periods), months);
    enum status status = print_table(s, t, err);
    if (status == STATUS_OK && json_is_true(json_object_get(last, "partial")))
        fputs("* still going: a part against the whole before it\n", s->out);
    return status;
}

enum status trend_command(struct session *s, struct error *err)
{
    char path[PATH_ROOM] = "/api/discovery/trend";
    struct reply reply;
    enum status status = filters_add(s->arguments, path, err);
    if (status != STATUS_OK)
        return status;
    status = answer_get(s, path, &reply, err);
    if (status == STATUS_OK && !s->json)
        status = print_periods(s, json_object_get(reply.json, "periods"), err);
    reply_free(&reply);
    return status;
}
