#include <string.h>

#include "ctl/answers.h"
#include "ctl/arguments.h"
#include "ctl/filters.h"

static void print_rate(struct session *s, const char *name, const json_t *object, const char *key)
{
    char text[SHOWN_SIZE] = "";
    double rate = field_number(object, key);
    if (rate >= 0)
        snprintf(text, sizeof text, "%.1f %%", rate * 100);
    print_field(s, name, text, COLOUR_NONE);
}

/* ---- week over week ---- */

static const struct table_column trend_columns[] = {
    {.title = ""},
    {.title = "LAST 7 DAYS", .right = true},
    {.title = "7 DAYS BEFORE", .right = true},
    {.title = "CHANGE", .right = true},
};

enum how { AS_COUNT, AS_DECIMAL, AS_RATE, AS_DURATION };

static const struct {
    const char *name;   /* of the row            */
    const char *key;    /* in current, previous  */
    const char *change; /* in change             */
    enum how how;
} trend_rows[] = {
    {"runs", "total_runs", "runs", AS_COUNT},
    {"success rate", "success_rate", "success_rate", AS_RATE},
    {"new wallets", "total_wallets_discovered", "wallets_discovered", AS_COUNT},
    {"wallets a run", "avg_wallets_per_run", "avg_wallets_per_run", AS_DECIMAL},
    {"average duration", "avg_duration_seconds", "avg_duration_seconds", AS_DURATION},
};

static const char *shown_as(enum how how, const json_t *object, const char *key,
                            char text[SHOWN_SIZE])
{
    double value = field_number(object, key);
    if (how == AS_COUNT)
        return field_shown_count(object, key, text);
    if (how == AS_DURATION)
        return field_shown_duration(object, key, text);
    if (value < 0)
        return NULL;
    snprintf(text, SHOWN_SIZE, how == AS_RATE ? "%.1f %%" : "%.1f",
             how == AS_RATE ? value * 100 : value);
    return text;
}

static void add_change(struct table *t, const json_t *change, const char *key, bool better_up)
{
    char text[SHOWN_SIZE];
    const json_t *value = json_object_get(change, key);
    if (!json_is_number(value)) {
        table_add(t, NULL, COLOUR_NONE);
        return;
    }
    double percent = json_number_value(value) * 100;
    snprintf(text, sizeof text, "%+.1f %%", percent);
    bool better = better_up ? percent > 0 : percent < 0;
    table_add(t, text, percent == 0 ? COLOUR_NONE : better ? COLOUR_GREEN : COLOUR_YELLOW);
}

static enum status print_trend(struct session *s, const json_t *trend, struct error *err)
{
    struct table *t = table_new(trend_columns, sizeof trend_columns / sizeof trend_columns[0]);
    const json_t *weeks[] = {json_object_get(trend, "current"), json_object_get(trend, "previous")};
    for (size_t i = 0; i < sizeof trend_rows / sizeof trend_rows[0]; i++) {
        table_add(t, trend_rows[i].name, COLOUR_NONE);
        for (size_t week = 0; week < 2; week++) {
            char text[SHOWN_SIZE] = "";
            bool rate_of_none =
                trend_rows[i].how == AS_RATE && field_number(weeks[week], "total_runs") == 0;
            table_add(t,
                      rate_of_none
                          ? NULL
                          : shown_as(trend_rows[i].how, weeks[week], trend_rows[i].key, text),
                      COLOUR_NONE);
        }
        add_change(t, json_object_get(trend, "change"), trend_rows[i].change,
                   trend_rows[i].how != AS_DURATION);
    }
    fputc('\n', s->out);
    return print_table(s, t, err);
}

/* ---- the whole ---- */

static void print_stats(struct session *s, const json_t *stats)
{
    static const char *const counts[] = {
        "total_runs",   "successful_runs",          "failed_runs",          "cancelled_runs",
        "running_runs", "total_wallets_discovered", "total_wallets_updated"};
    char text[SHOWN_SIZE];
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        print_field(s, strncmp(counts[i], "total_w", 7) == 0 ? counts[i] + 6 : counts[i],
                    field_shown_count(stats, counts[i], text), COLOUR_NONE);
    print_rate(s, "success_rate", stats, "success_rate");
    double wallets = field_number(stats, "avg_wallets_per_run");
    snprintf(text, sizeof text, "%.1f", wallets);
    print_field(s, "wallets_per_run", wallets >= 0 ? text : "", COLOUR_NONE);
    print_field(s, "average_duration", field_shown_duration(stats, "avg_duration_seconds", text),
                COLOUR_NONE);
    print_field(s, "last_run_at", field_shown_time(stats, "last_run_at", text), COLOUR_NONE);
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
        print_stats(s, reply.json);
        status = print_trend(s, json_object_get(reply.json, "trend"), err);
    }
    reply_free(&reply);
    return status;
}
