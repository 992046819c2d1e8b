#include "admin/target.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <jansson.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool is_utf8(const char *text)
{
    json_t *string = json_string(text); /* takes nothing else */
    bool ok = string != NULL;
    json_decref(string);
    return ok;
}

/* Decodes in place, which never needs more room.  In a query '+' means a space. */
static int decode(char *text, bool query, struct error *err)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        if (*from == '+' && query) {
            *to++ = ' ';
        } else if (*from != '%') {
            *to++ = *from;
        } else {
            int high = hex_digit(from[1]);
            int low = high < 0 ? -1 : hex_digit(from[2]);
            if (low < 0 || (high == 0 && low == 0))
                return error_set(err, EINVAL, "'%.60s' is not percent-encoded text", from);
            *to++ = (char)(high * 16 + low);
            from += 2;
        }
    }
    *to = '\0';
    if (!is_utf8(text))
        return error_set(err, EINVAL, "the request's target is not UTF-8");
    return 0;
}

static int parse_path(char *path, struct target *out, struct error *err)
{
    char *rest = path + 1;
    while (*rest != '\0') {
        if (out->segments == TARGET_SEGMENTS_MAX)
            return error_set(err, EMSGSIZE, "the path has more than %d parts", TARGET_SEGMENTS_MAX);
        char *segment = rest;
        rest = strchrnul(rest, '/');
        if (*rest == '/')
            *rest++ = '\0';
        if (decode(segment, false, err) != 0)
            return -1;
        out->segment[out->segments++] = segment;
    }
    return 0;
}

static int add_parameter(char *name, struct target *out, struct error *err)
{
    char *value = strchr(name, '=');
    if (value != NULL)
        *value++ = '\0';
    else
        value = name + strlen(name);
    if (decode(name, true, err) != 0 || decode(value, true, err) != 0)
        return -1;
    if (target_parameter(out, name) != NULL)
        return error_set(err, EINVAL, "%.60s: given twice", name);
    if (out->parameters == TARGET_PARAMETERS_MAX)
        return error_set(err, EMSGSIZE, "more than %d query parameters", TARGET_PARAMETERS_MAX);
    out->parameter[out->parameters].name = name;
    out->parameter[out->parameters++].value = value;
    return 0;
}

static int parse_query(char *query, struct target *out, struct error *err)
{
    while (*query != '\0') {
        char *name = query;
        query = strchrnul(query, '&');
        if (*query == '&')
            *query++ = '\0';
        if (*name != '\0' && add_parameter(name, out, err) != 0)
            return -1;
    }
    return 0;
}

int target_parse(const char *uri, struct target *out, struct error *err)
{
    size_t size = strlen(uri);
    out->segments = out->parameters = 0;
    if (size > TARGET_MAX)
        return error_set(err, EMSGSIZE, "the request's target has %zu bytes, at most %d are taken",
                         size, TARGET_MAX);
    if (uri[0] != '/')
        return error_set(err, EINVAL, "the request's target does not begin with '/'");
    memcpy(out->text, uri, size + 1);
    char *query = strchr(out->text, '?');
    if (query != NULL)
        *query++ = '\0';
    if (parse_path(out->text, out, err) != 0)
        return -1;
    return query == NULL ? 0 : parse_query(query, out, err);
}

const char *target_parameter(const struct target *t, const char *name)
{
    for (size_t i = 0; i < t->parameters; i++)
        if (strcmp(t->parameter[i].name, name) == 0)
            return t->parameter[i].value;
    return NULL;
}
