#include <errno.h>
#include <string.h>

#include "ctl/answers.h"
#include "ctl/arguments.h"

/* ---- cancel --------------------------------------------------------------------------- */

enum status cancel_command(struct session *s, struct error *err)
{
    char id[37], path[128];
    struct reply reply;
    enum status status = answer_resolve(s, s->arguments->words[0], id, err);
    if (status != STATUS_OK)
        return status;
    snprintf(path, sizeof path, "/api/discovery/runs/%s/cancel", id);
    status = answer_post(s, path, NULL, &reply, err);
    if (status == STATUS_OK && !s->json)
        fprintf(s->out,
                "run %s is being cancelled; `walltrackctl show %s` says when it has ended\n", id,
                id);
    reply_free(&reply);
    return status;
}

/* ---- plugins -------------------------------------------------------------------------- */

static const struct table_column plugin_columns[] = {
    {"NAME", false, false},  {"STATE", false, false}, {"BUILD", false, true},  {"LAG", true, false},
    {"CURSOR", true, false}, {"SINCE", false, false}, {"DETAIL", false, true},
};

static void add_plugin(struct table *t, const json_t *plugin)
{
    char text[SHOWN_SIZE];
    bool live = json_is_true(json_object_get(plugin, "live"));
    table_add(t, field_text(plugin, "name"), COLOUR_NONE);
    table_add(t, field_text(plugin, "state"), live ? COLOUR_GREEN : COLOUR_YELLOW);
    table_add(t, field_text(plugin, "build"), COLOUR_NONE);
    table_add(t, field_shown_count(plugin, "lag", text), COLOUR_NONE);
    table_add(t, field_shown_count(plugin, "cursor", text), COLOUR_NONE);
    table_add(t, field_shown_time(plugin, "state_since", text), COLOUR_NONE);
    table_add(t, field_text(plugin, "detail"), COLOUR_NONE);
}

static enum status print_plugins(struct session *s, const json_t *answer, struct error *err)
{
    const json_t *plugins = json_object_get(answer, "plugins");
    if (json_array_size(plugins) == 0) {
        fputs("no plugin is configured, so nothing is recorded; name one under \"plugins\" in the "
              "configuration file\n",
              s->out);
        return STATUS_OK;
    }
    struct table *t = table_new(plugin_columns, sizeof plugin_columns / sizeof plugin_columns[0]);
    for (size_t i = 0; i < json_array_size(plugins); i++)
        add_plugin(t, json_array_get(plugins, i));
    int status = table_print(t, s->out, s->width, s->colours);
    table_free(t);
    if (status == 0)
        return STATUS_OK;
    error_set(err, ENOMEM, "out of memory");
    return STATUS_AWAY;
}

enum status plugins_command(struct session *s, struct error *err)
{
    struct reply reply;
    enum status status = answer_get(s, "/api/plugins", &reply, err);
    if (status == STATUS_OK && !s->json)
        status = print_plugins(s, reply.json, err);
    reply_free(&reply);
    return status;
}

/* ---- health --------------------------------------------------------------------------- */

/* The first question of all: is it recording, with which build, how far behind? */
static void print_plugins_at_a_glance(struct session *s, const json_t *plugins)
{
    for (size_t i = 0; i < json_array_size(plugins); i++) {
        char line[512], lag[SHOWN_SIZE];
        const json_t *plugin = json_array_get(plugins, i);
        bool live = json_is_true(json_object_get(plugin, "live"));
        const char *detail = field_text(plugin, "detail");
        field_shown_count(plugin, "lag", lag);
        snprintf(line, sizeof line, "%s, %s events behind%s%s", field_text(plugin, "state"), lag,
                 detail != NULL ? ": " : "", detail != NULL ? detail : "");
        print_field(s, field_text(plugin, "name"), line, live ? COLOUR_GREEN : COLOUR_YELLOW);
    }
}

static void print_health(struct session *s, const json_t *health)
{
    char text[SHOWN_SIZE];
    const char *status = field_text(health, "status");
    const json_t *reasons = json_object_get(health, "reasons");
    print_field(s, "status", status, status_colour(status));
    for (size_t i = 0; i < json_array_size(reasons); i++)
        print_field(s, i == 0 ? "because" : "", json_string_value(json_array_get(reasons, i)),
                    COLOUR_NONE);
    print_plugins_at_a_glance(s, json_object_get(health, "plugins"));
    print_field(s, "host", field_text(health, "host"), COLOUR_NONE);
    print_field(s, "version", field_text(health, "version"), COLOUR_NONE);
    print_field(s, "up", field_shown_duration(health, "uptime_seconds", text), COLOUR_NONE);
    print_field(s, "runs_running",
                field_shown_count(json_object_get(health, "runs"), "running", text), COLOUR_NONE);
    print_field(s, "journal_bytes",
                field_shown_count(json_object_get(health, "journal"), "bytes", text), COLOUR_NONE);
}

/* Answered with 503 it is still an answer, and printed. */
enum status health_command(struct session *s, struct error *err)
{
    struct reply reply;
    enum status status = answer_get(s, "/health", &reply, err);
    const json_t *reasons = json_object_get(reply.json, "reasons");
    if (json_is_array(reasons) && !s->json)
        print_health(s, reply.json);
    if (status == STATUS_AWAY && json_is_array(reasons)) {
        const char *first = json_string_value(json_array_get(reasons, 0));
        error_set(err, EAGAIN, "the host is not ready: %s",
                  first != NULL ? first : "it says not why");
    }
    reply_free(&reply);
    return status;
}
