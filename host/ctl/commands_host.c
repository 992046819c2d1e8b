#include <errno.h>

#include "ctl/answers.h"
#include "ctl/arguments.h"
#include "ctl/recording.h"

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

static void print_health(struct session *s, const json_t *health, bool glance)
{
    char text[SHOWN_SIZE];
    const char *status = field_text(health, "status");
    const json_t *reasons = json_object_get(health, "reasons");
    print_field(s, "status", status, status_colour(status));
    for (size_t i = 0; i < json_array_size(reasons); i++)
        print_field(s, i == 0 ? "because" : "", json_string_value(json_array_get(reasons, i)),
                    COLOUR_NONE);
    if (glance)
        print_plugins_at_a_glance(s, json_object_get(health, "plugins"));
    print_field(s, "host", field_text(health, "host"), COLOUR_NONE);
    print_field(s, "version", field_text(health, "version"), COLOUR_NONE);
    print_field(s, "up", field_shown_duration(health, "uptime_seconds", text), COLOUR_NONE);
    print_field(s, "runs_running",
                field_shown_count(json_object_get(health, "runs"), "running", text), COLOUR_NONE);
    print_field(s, "journal_bytes",
                field_shown_count(json_object_get(health, "journal"), "bytes", text), COLOUR_NONE);
}

/* Answered with 503 it is still an answer. */
static bool is_health(const struct reply *r)
{
    return json_is_array(json_object_get(r->json, "reasons"));
}

static void say_unready(const struct reply *r, struct error *err)
{
    const char *first = json_string_value(json_array_get(json_object_get(r->json, "reasons"), 0));
    error_set(err, EAGAIN, "the host is not ready: %s", first != NULL ? first : "it says not why");
}

enum status health_command(struct session *s, struct error *err)
{
    struct reply reply;
    enum status status = answer_get(s, "/health", &reply, err);
    if (is_health(&reply) && !s->json)
        print_health(s, reply.json, true);
    if (status == STATUS_AWAY && is_health(&reply))
        say_unready(&reply, err);
    reply_free(&reply);
    return status;
}

/* ---- status --------------------------------------------------------------------------- */

static void print_status(struct session *s, const json_t *health, const json_t *plugins)
{
    for (size_t i = 0; i < json_array_size(plugins); i++)
        print_recording(s, json_array_get(plugins, i), health);
    if (json_array_size(plugins) == 0)
        print_paragraph(s, "NOT RECORDING", "no plugin is configured", COLOUR_RED);
    fputc('\n', s->out);
    print_health(s, health, false);
}

enum status status_command(struct session *s, struct error *err)
{
    struct reply health = {0}, plugins;
    enum status status = client_call(s->client, "GET", "/api/plugins", NULL, &plugins, err);
    if (status == STATUS_OK)
        status = client_call(s->client, "GET", "/health", NULL, &health, err);
    if (is_health(&health) && s->json)
        fprintf(s->out, "{\"health\":%s,\"plugins\":%s}\n", health.text, plugins.text);
    else if (is_health(&health))
        print_status(s, health.json, json_object_get(plugins.json, "plugins"));
    if (status == STATUS_AWAY && is_health(&health))
        say_unready(&health, err);
    reply_free(&health);
    reply_free(&plugins);
    return status;
}
