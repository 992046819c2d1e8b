/* plugin list, show, history, cancel: which build records, and how it came to. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/answers.h"
#include "ctl/arguments.h"
#include "ctl/filters.h"
#include "ctl/recording.h"
#include "ctl/swap_words.h"

enum { HISTORY_MAX = 1000 };

/* ---- list ----------------------------------------------------------------------------- */

static const struct table_column plugin_columns[] = {
    {.title = "NAME"},
    {.title = "STATE"},
    {.title = "BUILD", .flexible = true},
    {.title = "LAG", .right = true},
    {.title = "CURSOR", .right = true},
    {.title = "SINCE"},
    {.title = "DETAIL", .flexible = true},
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

static void print_swap_of(struct session *s, const char *label, const json_t *swap)
{
    char line[3 * SWAP_WORDS] = "", words[SWAP_WORDS];
    if (!json_is_object(swap))
        return;
    swap_title(swap, words);
    shown_add(line, sizeof line, "%s ", words);
    swap_outcome(swap, words);
    shown_add(line, sizeof line, "%s; ", words);
    if (swap_is_in_probation(swap))
        shown_add(line, sizeof line, "in probation; ");
    swap_change(swap, words);
    shown_add(line, sizeof line, "%s", words);
    print_paragraph(s, label, line, COLOUR_NONE);
}

/* What the table has no room for, and what most of the time there is nothing of. */
static void print_notes(struct session *s, const json_t *plugin)
{
    char label[PLUGIN_NAME_SIZE], line[256];
    const char *name = field_text(plugin, "name");
    const char *back = field_text(plugin, "rollback_to");
    snprintf(label, sizeof label, "%s:", name != NULL ? name : "?");
    print_swap_of(s, label, json_object_get(plugin, "swap"));
    print_swap_of(s, label, json_object_get(plugin, "queued"));
    if (back == NULL)
        return;
    snprintf(line, sizeof line, "rollback to %s possible", back);
    print_paragraph(s, label, line, COLOUR_NONE);
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
    enum status status = print_table(s, t, err);
    for (size_t i = 0; status == STATUS_OK && i < json_array_size(plugins); i++)
        print_notes(s, json_array_get(plugins, i));
    return status;
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

/* ---- one plugin ----------------------------------------------------------------------- */

/* "/api/plugins/NAME" and what follows, for the plugin that was named or is the only one. */
static enum status plugin_path(struct session *s, const char *way, const char *rest,
                               char name[PLUGIN_NAME_SIZE], char path[PATH_ROOM], struct error *err)
{
    enum status status = answer_plugin(s, s->arguments->words[0], way, name, err);
    snprintf(path, PATH_ROOM, "/api/plugins");
    if (status == STATUS_OK && client_add_part(path, PATH_ROOM - strlen(rest), name) == 0)
        shown_add(path, PATH_ROOM, "%s", rest);
    return status;
}

/* ---- show ----------------------------------------------------------------------------- */

/* Not cut: a checksum is there to be compared. */
static void print_whole_field(struct session *s, const char *name, const char *value)
{
    char label[SHOWN_SIZE];
    snprintf(label, sizeof label, "%-20.40s", name);
    print_paragraph(s, label, value != NULL && value[0] != '\0' ? value : "-", COLOUR_NONE);
}

/* Swaps are told of in lines of their own. */
static void print_plugin_field(struct session *s, const json_t *plugin, const char *key)
{
    char text[SHOWN_SIZE];
    const json_t *value = json_object_get(plugin, key);
    if (json_is_integer(value))
        print_whole_field(s, key, field_shown_count(plugin, key, text));
    else if (json_is_real(value))
        print_whole_field(s, key, shown_duration(json_number_value(value), text));
    else if (json_is_boolean(value))
        print_whole_field(s, key, json_is_true(value) ? "yes" : "no");
    else if (strcmp(key, "state_since") == 0)
        print_whole_field(s, key, field_shown_time(plugin, key, text));
    else if (json_is_string(value) || json_is_null(value))
        print_whole_field(s, key, json_string_value(value));
}

static void print_plugin(struct session *s, const json_t *plugin)
{
    const char *key;
    json_t *value;
    struct reply health;
    struct error ignored = {0};
    /* For the journal only, which an answer of 503 tells of as well. */
    client_call(s->client, "GET", "/health", NULL, &health, &ignored);
    print_recording(s, plugin, health.json);
    reply_free(&health);
    fputc('\n', s->out);
    json_object_foreach ((json_t *)plugin, key, value)
        if (strcmp(key, "swap") != 0 && strcmp(key, "queued") != 0)
            print_plugin_field(s, plugin, key);
}

enum status plugin_show_command(struct session *s, struct error *err)
{
    char name[PLUGIN_NAME_SIZE], path[PATH_ROOM];
    struct reply reply;
    enum status status = plugin_path(s, "plugin show NAME", "", name, path, err);
    if (status != STATUS_OK)
        return status;
    status = answer_get(s, path, &reply, err);
    if (status == STATUS_OK && !s->json)
        print_plugin(s, reply.json);
    reply_free(&reply);
    return status;
}

/* ---- history -------------------------------------------------------------------------- */

static const struct table_column history_columns[] = {
    {.title = "ID", .right = true},
    {.title = "WHEN"},
    {.title = "BY", .flexible = true},
    {.title = "KIND"},
    {.title = "VERDICT"},
    {.title = "STEP"},
    {.title = "LIVE IN", .right = true},
    {.title = "GAP", .right = true},
    {.title = "FROM → TO", .below = true},
    {.title = "REASON", .below = true},
};

static void add_swap(struct table *t, const json_t *swap)
{
    char text[SHOWN_SIZE], change[SWAP_WORDS];
    const char *verdict = field_text(swap, "verdict");
    const char *step = field_text(swap, "step");
    const char *reason = field_text(swap, "reason");
    bool ends = verdict != NULL;
    table_add(t, field_shown_count(swap, "id", text), COLOUR_NONE);
    table_add(t, field_shown_time(swap, "requested_at", text), COLOUR_NONE);
    table_add(t, field_text(swap, "requested_by"), COLOUR_NONE);
    table_add(t, field_text(swap, "kind"), COLOUR_NONE);
    table_add(t, verdict, status_colour(verdict));
    table_add(t, step != NULL || ends ? step : field_text(swap, "state"), COLOUR_NONE);
    table_add(t, shown_ms(field_number(swap, "live_after_ms"), text), COLOUR_NONE);
    table_add(t, shown_ms(field_number(swap, "feed_gap_ms"), text), COLOUR_NONE);
    swap_change(swap, change);
    table_add(t, change, COLOUR_NONE);
    table_add(t, reason != NULL || ends ? reason : field_text(swap, "detail"), COLOUR_NONE);
}

static int read_limit(const struct arguments *a, size_t *out, struct error *err)
{
    const char *text = arguments_option(a, "limit");
    char *end;
    *out = HISTORY_MAX;
    if (text == NULL)
        return 0;
    *out = strtoul(text, &end, 10);
    if (strspn(text, "0123456789") == 0 || *end != '\0' || *out < 1 || *out > HISTORY_MAX)
        return error_set(err, EINVAL, "--limit: '%.40s' is not a whole number from 1 to %d", text,
                         HISTORY_MAX);
    return 0;
}

/* The rows by their numbers: the host's order is that of their ends. */
static struct table *history_table(const json_t *swaps, size_t limit)
{
    struct table *t =
        table_new(history_columns, sizeof history_columns / sizeof history_columns[0]);
    json_t *left = json_copy((json_t *)swaps);
    for (size_t i = 0; i < limit && json_array_size(left) > 0; i++) {
        const json_t *latest = swap_latest(left);
        size_t at = 0;
        while (json_array_get(left, at) != latest)
            at++;
        add_swap(t, latest);
        json_array_remove(left, at);
    }
    json_decref(left);
    return t;
}

static enum status print_history(struct session *s, const json_t *answer, const char *name,
                                 size_t limit, struct error *err)
{
    const json_t *swaps = json_object_get(answer, "swaps");
    if (json_array_size(swaps) > 0)
        return print_table(s, history_table(swaps, limit), err);
    fprintf(s->out,
            "no swaps of %s yet; `walltrackctl plugin swap PATH --plugin %s` makes the first\n",
            name, name);
    return STATUS_OK;
}

enum status plugin_history_command(struct session *s, struct error *err)
{
    char name[PLUGIN_NAME_SIZE], path[PATH_ROOM];
    struct reply reply;
    size_t limit;
    if (read_limit(s->arguments, &limit, err) != 0)
        return STATUS_USAGE;
    enum status status = plugin_path(s, "plugin history NAME", "/swaps", name, path, err);
    if (status != STATUS_OK)
        return status;
    status = answer_get(s, path, &reply, err);
    if (status == STATUS_OK && !s->json)
        status = print_history(s, reply.json, name, limit, err);
    reply_free(&reply);
    return status;
}

/* ---- cancel --------------------------------------------------------------------------- */

enum status plugin_cancel_command(struct session *s, struct error *err)
{
    char name[PLUGIN_NAME_SIZE], path[PATH_ROOM], title[SWAP_WORDS], outcome[SWAP_WORDS];
    struct reply reply;
    enum status status = plugin_path(s, "plugin cancel NAME", "/cancel", name, path, err);
    if (status != STATUS_OK)
        return status;
    status = answer_post(s, path, NULL, &reply, err);
    if (status == STATUS_OK && !s->json) {
        swap_title(reply.json, title);
        swap_outcome(reply.json, outcome);
        fprintf(s->out, "%s ", title);
        shown_paragraph(s->out, outcome, s->width, strlen(title) + 1);
    }
    reply_free(&reply);
    return status;
}
