#include "retention_args.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A whole number, or one as text; 0 when it is neither. */
static int64_t number_of(const json_t *value)
{
    const char *text = json_string_value(value);
    char *rest;
    if (text == NULL)
        return json_integer_value(value);
    int64_t number = strtoll(text, &rest, 10);
    return text[0] >= '0' && text[0] <= '9' && *rest == '\0' ? number : 0;
}

static bool is_absent(const json_t *value)
{
    return value == NULL || (json_is_string(value) && json_string_length(value) == 0);
}

static wt_status take_rule(json_t *args, const char *name, int64_t most, int64_t configured,
                           char why[WHY_SIZE])
{
    const json_t *value = json_object_get(args, name);
    int64_t number = is_absent(value) ? configured : number_of(value);
    json_t *rule = json_null();
    if (!is_absent(value) && !json_is_null(value) && (number < 1 || number > most)) {
        char *shown = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        snprintf(why, WHY_SIZE, "%s: %.80s is not a whole number in 1..%lld", name,
                 shown != NULL ? shown : "this", (long long)most);
        free(shown);
        return WT_E_ARGUMENT;
    }
    if (number > 0)
        rule = json_integer(number);
    return json_object_set_new(args, name, rule) == 0 ? WT_OK : WT_E_AGAIN;
}

wt_status retention_args(const char *args, const struct settings *s, char **out, char why[WHY_SIZE])
{
    json_error_t error;
    json_t *object = json_loads(args, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(object)) {
        snprintf(why, WHY_SIZE, "arguments: %s", object == NULL ? error.text : "not an object");
        json_decref(object);
        return WT_E_ARGUMENT;
    }
    snprintf(why, WHY_SIZE, "out of memory");
    wt_status status = take_rule(object, RETAIN_DAYS_KEY, RETAIN_DAYS_MOST, s->retain_days, why);
    if (status == WT_OK)
        status = take_rule(object, RETAIN_RUNS_KEY, RETAIN_RUNS_MOST, s->retain_runs, why);
    if (status == WT_OK && (*out = json_dumps(object, JSON_COMPACT)) == NULL)
        status = WT_E_AGAIN;
    json_decref(object);
    return status;
}
