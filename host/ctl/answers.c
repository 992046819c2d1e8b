#include "ctl/answers.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "ids.h"

enum { PREFIX_DIGITS_MIN = 4, LATEST = 100 };

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

/* ---- ids ------------------------------------------------------------------------------ */

static bool is_prefix(const char *text)
{
    size_t n = strlen(text);
    size_t digits = 0;
    for (size_t i = 0; i < n; i++)
        digits += isxdigit((unsigned char)text[i]) != 0;
    return n < 36 && digits >= PREFIX_DIGITS_MIN && strspn(text, "0123456789abcdefABCDEF-") == n;
}

/* Copies the one id that begins so; says how many do. */
static size_t match(const json_t *runs, const char *prefix, char id[37])
{
    size_t matches = 0;
    for (size_t i = 0; i < json_array_size(runs); i++) {
        const char *candidate = field_text(json_array_get(runs, i), "id");
        if (candidate == NULL || strlen(candidate) != 36 ||
            strncasecmp(candidate, prefix, strlen(prefix)) != 0)
            continue;
        memcpy(id, candidate, 37);
        matches++;
    }
    return matches;
}

enum status answer_resolve(struct session *s, const char *written, char id[37], struct error *err)
{
    struct reply reply;
    wt_uuid whole;
    if (id_parse(written, &whole)) {
        wt_uuid_text(&whole, id);
        return STATUS_OK;
    }
    if (!is_prefix(written)) {
        error_set(err, EINVAL,
                  "'%.60s' is not a run's id, nor at least %d digits of its beginning\n"
                  "`walltrackctl runs` lists the runs",
                  written, PREFIX_DIGITS_MIN);
        return STATUS_USAGE;
    }
    enum status status =
        client_call(s->client, "GET", "/api/discovery/runs?page_size=100", NULL, &reply, err);
    size_t matches =
        status == STATUS_OK ? match(json_object_get(reply.json, "runs"), written, id) : 0;
    reply_free(&reply);
    if (status != STATUS_OK || matches == 1)
        return status;
    if (matches == 0) {
        error_set(err, ENOENT,
                  "none of the latest %d runs begins with %s\n"
                  "`walltrackctl runs` lists the runs",
                  LATEST, written);
        return STATUS_NOT_FOUND;
    }
    error_set(err, EINVAL, "%zu of the latest %d runs begin with %s\ngive more digits of the id",
              matches, LATEST, written);
    return STATUS_USAGE;
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
        {"unready", COLOUR_RED},      {"live", COLOUR_GREEN},
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

enum status print_table(struct session *s, struct table *t, struct error *err)
{
    int status = table_print(t, s->out, s->width, s->colours);
    table_free(t);
    if (status == 0)
        return STATUS_OK;
    error_set(err, ENOMEM, "out of memory");
    return STATUS_AWAY;
}
