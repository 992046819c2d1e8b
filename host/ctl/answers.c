#include "ctl/answers.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum { SHORT_ID = 13 };

void answer_print(struct session *s, const struct reply *r)
{
    if (r->text != NULL)
        fprintf(s->out, "%s\n", r->text);
}

enum status answer_get(struct session *s, const char *path, struct reply *out, struct error *err)
{
    enum status status = client_call(s->client, "GET", path, NULL, out, err);
    if (s->json)
        answer_print(s, out);
    return status;
}

enum status answer_post(struct session *s, const char *path, const json_t *body, struct reply *out,
                        struct error *err)
{
    enum status status = client_call(s->client, "POST", path, body, out, err);
    if (s->json)
        answer_print(s, out);
    return status;
}

/* "there are 2 plugins, recorder and log; …" */
static enum status ask_which(const json_t *plugins, const char *way, struct error *err)
{
    char list[256] = "";
    size_t count = json_array_size(plugins);
    if (count == 0) {
        error_set(err, ENOENT,
                  "no plugin is configured\n"
                  "name one under \"plugins\" in the configuration file");
        return STATUS_NOT_FOUND;
    }
    for (size_t i = 0; i < count; i++)
        shown_add(list, sizeof list, "%s%s",
                  i == 0          ? ""
                  : i + 1 < count ? ", "
                                  : " and ",
                  field_text(json_array_get(plugins, i), "name"));
    error_set(err, EINVAL, "there are %zu plugins, %s\nsay which: `walltrackctl %s`", count, list,
              way);
    return STATUS_USAGE;
}

enum status answer_plugin(struct session *s, const char *written, const char *way,
                          char name[PLUGIN_NAME_SIZE], struct error *err)
{
    struct reply reply;
    if (written != NULL) {
        snprintf(name, PLUGIN_NAME_SIZE, "%s", written);
        return STATUS_OK;
    }
    enum status status = client_call(s->client, "GET", "/api/plugins", NULL, &reply, err);
    const json_t *plugins = json_object_get(reply.json, "plugins");
    const char *only = field_text(json_array_get(plugins, 0), "name");
    if (status == STATUS_OK && json_array_size(plugins) == 1 && only != NULL)
        snprintf(name, PLUGIN_NAME_SIZE, "%s", only);
    else if (status == STATUS_OK)
        status = ask_which(plugins, way, err);
    reply_free(&reply);
    return status;
}

/* ---- fields --------------------------------------------------------------------------- */

const char *field_text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

int64_t field_count(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? json_integer_value(value) : -1;
}

double field_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : -1;
}

double field_age(const json_t *object, const char *key)
{
    struct tm utc = {0};
    struct timespec now;
    const char *text = field_text(object, key);
    if (text == NULL || strptime(text, "%Y-%m-%dT%H:%M:%S", &utc) == NULL)
        return -1;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)(now.tv_sec - timegm(&utc)) + (double)now.tv_nsec / 1e9;
}

const char *field_short_id(const json_t *object, const char *key, char out[SHOWN_SIZE])
{
    const char *id = field_text(object, key);
    snprintf(out, SHOWN_SIZE, "%.*s", SHORT_ID, id != NULL ? id : "");
    return out;
}

const char *field_shown_score(const json_t *object, const char *key, char out[SHOWN_SIZE])
{
    double score = field_number(object, key);
    out[0] = '\0';
    if (score >= 0)
        snprintf(out, SHOWN_SIZE, "%.4f", score);
    return out;
}

const char *field_shown_count(const json_t *object, const char *key, char out[SHOWN_SIZE])
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? shown_count(json_integer_value(value), out) : "";
}

const char *field_shown_time(const json_t *object, const char *key, char out[SHOWN_SIZE])
{
    const char *text = field_text(object, key);
    return text != NULL && text[0] != '\0' ? shown_time(text, out) : "";
}

const char *field_shown_duration(const json_t *object, const char *key, char out[SHOWN_SIZE])
{
    return shown_duration(field_number(object, key), out);
}

enum colour status_colour(const char *status)
{
    static const struct {
        const char *status;
        enum colour colour;
    } rows[] = {
        {"running", COLOUR_CYAN},     {"completed", COLOUR_GREEN}, {"failed", COLOUR_RED},
        {"cancelled", COLOUR_YELLOW}, {"ok", COLOUR_GREEN},        {"degraded", COLOUR_YELLOW},
        {"unready", COLOUR_RED},      {"live", COLOUR_GREEN},      {"LIVE", COLOUR_GREEN},
        {"REFUSED", COLOUR_RED},      {"ROLLED BACK", COLOUR_RED}, {"SUPERSEDED", COLOUR_YELLOW},
        {"CANCELLED", COLOUR_YELLOW},
    };
    for (size_t i = 0; status != NULL && i < sizeof rows / sizeof rows[0]; i++)
        if (strcmp(rows[i].status, status) == 0)
            return rows[i].colour;
    return COLOUR_NONE;
}

void print_field(struct session *s, const char *name, const char *value, enum colour colour)
{
    char shown[1024];
    bool coloured = s->colours && colour != COLOUR_NONE;
    size_t columns = s->width > 30 ? s->width - 22 : sizeof shown;
    shown_cut(value != NULL && value[0] != '\0' ? value : "-", columns, shown, sizeof shown);
    fprintf(s->out, "%-20s  %s%s%s\n", name, colour_code(colour, coloured), shown,
            colour_code(COLOUR_NONE, coloured));
}

void print_paragraph(struct session *s, const char *label, const char *text, enum colour colour)
{
    bool coloured = s->colours && colour != COLOUR_NONE;
    size_t width = shown_width(label);
    size_t gap = width > 0 && label[strlen(label) - 1] == ':' ? 1 : 2;
    fprintf(s->out, "%s%s%s%*s", colour_code(colour, coloured), label,
            colour_code(COLOUR_NONE, coloured), (int)gap, "");
    shown_paragraph(s->out, text, s->width, width + gap);
}

enum status print_table(struct session *s, struct table *t, struct error *err)
{
    int status = table_print(t, s->out, s->width, s->colours);
    table_free(t);
    if (status == 0)
        return STATUS_OK;
    error_set(err, ENOMEM, "out of memory");
    return STATUS_AWAY;
}
