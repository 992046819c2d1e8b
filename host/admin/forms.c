#include "admin/forms.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/printable.h"
#include "admin/problem.h"
#include "params.h"

/* ---- JSON ----------------------------------------------------------------------------- */

/* Brackets that are open at once, at most; strings are stepped over. */
static int nesting(const char *bytes, size_t size)
{
    int depth = 0, deepest = 0;
    bool quoted = false;
    for (size_t i = 0; i < size; i++) {
        char c = bytes[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            depth++;
            deepest = depth > deepest ? depth : deepest;
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return deepest;
}

int form_parse(const char *bytes, size_t size, json_t **out, struct error *err)
{
    json_error_t why;
    json_t *body;
    if (size == 0) {
        body = json_object();
    } else {
        if (nesting(bytes, size) > BODY_DEPTH_MAX)
            return error_set(err, EINVAL, "the body is nested more than %d deep", BODY_DEPTH_MAX);
        body = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &why);
        if (body == NULL)
            return error_set(err, EINVAL, "the body is not JSON: line %d, column %d: %s", why.line,
                             why.column, why.text);
    }
    if (!json_is_object(body)) {
        json_decref(body);
        return error_set(err, EPROTO, "the body is not a JSON object");
    }
    *out = body;
    return 0;
}

/* A value as a client wrote it, short enough for a message. */
static const char *shown(const json_t *value, char out[80])
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    snprintf(out, 80, "%.70s%s", text != NULL ? text : "this",
             text != NULL && strlen(text) > 70 ? "…" : "");
    free(text);
    return out;
}

static void read_bool(const char *key, const json_t *value, bool *out, json_t *errors)
{
    char text[80];
    if (json_is_boolean(value))
        *out = json_is_true(value);
    else
        problem_add(errors, key, "%s is not true or false", shown(value, text));
}

static void read_param(int index, const json_t *value, wt_params *out, json_t *errors)
{
    struct error err;
    if (params_set_json(out, index, value, &err) != 0)
        problem_add_error(errors, params_table[index].name, &err);
}

/* ---- POST /api/discovery/run ---------------------------------------------------------- */

static void read_triggered_by(const json_t *value, struct run_form *out, json_t *errors)
{
    char text[80];
    const char *name = json_string_value(value);
    int length = name != NULL ? printable_length(name) : 0;
    if (length < 1 || length > 100) {
        problem_add(errors, "triggered_by", "%s is not a name of 1 to 100 printable characters",
                    shown(value, text));
        return;
    }
    memcpy(out->triggered_by, name, strlen(name));
}

static void read_trigger_type(const json_t *value, struct run_form *out, json_t *errors)
{
    char text[80];
    const char *name = json_string_value(value);
    if (name != NULL && strcmp(name, "manual") == 0) {
        out->trigger = WT_TRIGGER_MANUAL;
    } else if (name != NULL && strcmp(name, "api") == 0) {
        out->trigger = WT_TRIGGER_API;
    } else {
        problem_add(errors, "trigger_type", "%s is not manual or api", shown(value, text));
        return;
    }
    out->has_trigger = true;
}

bool run_form_read(const json_t *body, struct run_form *out, json_t *errors)
{
    memset(out, 0, sizeof *out);
    params_default(&out->params);
    out->profile_immediately = true;

    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)body, key, value) {
        int index = params_find(key);
        if (index >= 0)
            read_param(index, value, &out->params, errors);
        else if (strcmp(key, "profile_immediately") == 0)
            read_bool(key, value, &out->profile_immediately, errors);
        else if (strcmp(key, "triggered_by") == 0)
            read_triggered_by(value, out, errors);
        else if (strcmp(key, "trigger_type") == 0)
            read_trigger_type(value, out, errors);
        else
            problem_add(errors, key, "there is no such field");
    }
    return json_array_size(errors) == 0;
}

/* ---- PUT /api/discovery/config -------------------------------------------------------- */

/* Hours as a client writes them, in whole seconds: 0.5, 6, 0.000277… (one second). */
static void read_hours(const json_t *value, struct schedule_change *out, json_t *errors)
{
    char text[80];
    double seconds = json_is_number(value) ? json_number_value(value) * 3600 : -1;
    if (!(seconds >= 0.999 && seconds <= 8784.0 * 3600)) {
        problem_add(errors, "schedule_hours", "%s is not a number of hours from 1 second to 8784",
                    shown(value, text));
        return;
    }
    if (fabs(seconds - nearbyint(seconds)) > 0.001) {
        problem_add(errors, "schedule_hours", "%s is not a whole number of seconds",
                    shown(value, text));
        return;
    }
    out->every_seconds = (int64_t)nearbyint(seconds);
    out->has_every = true;
}

static void read_params(const json_t *value, struct schedule_change *out, json_t *errors)
{
    char text[80];
    if (!json_is_object(value)) {
        problem_add(errors, "params", "%s is not an object", shown(value, text));
        return;
    }
    const char *key;
    json_t *item;
    json_object_foreach ((json_t *)value, key, item) {
        int index = params_find(key);
        if (index >= 0)
            read_param(index, item, &out->params, errors);
        else
            problem_add(errors, key, "there is no such parameter");
    }
    out->has_params = true;
}

bool change_form_read(const json_t *body, const struct schedule_view *now,
                      struct schedule_change *out, json_t *errors)
{
    *out = (struct schedule_change){.params = now->params};

    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)body, key, value) {
        if (strcmp(key, "enabled") == 0) {
            out->has_enabled = true;
            read_bool(key, value, &out->enabled, errors);
        } else if (strcmp(key, "profile_immediately") == 0) {
            out->has_profile = true;
            read_bool(key, value, &out->profile_immediately, errors);
        } else if (strcmp(key, "schedule_hours") == 0) {
            read_hours(value, out, errors);
        } else if (strcmp(key, "params") == 0) {
            read_params(value, out, errors);
        } else {
            problem_add(errors, key, "there is no such field");
        }
    }
    return json_array_size(errors) == 0;
}
