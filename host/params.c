#include "params.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARAM_ROW(SYMBOL, name, type, min, max, def, unit, meaning)                                \
    [WT_PARAM_##SYMBOL] = {#name, WT_PARAM_##type, min, max, def, unit, meaning},

const struct param params_table[WT_PARAM_COUNT] = {WT_PARAMS(PARAM_ROW)};

void params_default(wt_params *out)
{
    for (int i = 0; i < WT_PARAM_COUNT; i++)
        out->value[i] = params_table[i].def;
}

int params_find(const char *name)
{
    for (int i = 0; i < WT_PARAM_COUNT; i++)
        if (strcmp(params_table[i].name, name) == 0)
            return i;
    return -1;
}

const char *params_text(int index, int64_t value, char out[PARAM_TEXT_SIZE])
{
    if (params_table[index].type == WT_PARAM_INTEGER) {
        snprintf(out, PARAM_TEXT_SIZE, "%" PRId64, value);
        return out;
    }
    int n = snprintf(out, PARAM_TEXT_SIZE, "%" PRId64 ".%02" PRId64, value / WT_PARAM_SCALE,
                     value % WT_PARAM_SCALE);
    while (out[n - 1] == '0')
        out[--n] = '\0';
    if (out[n - 1] == '.')
        out[--n] = '\0';
    return out;
}

static int set_steps(wt_params *p, int index, int64_t steps, const char *shown, struct error *err)
{
    const struct param *row = &params_table[index];
    if (steps < row->min || steps > row->max) {
        char low[PARAM_TEXT_SIZE], high[PARAM_TEXT_SIZE];
        return error_set(err, ERANGE, "%s: %s is outside %s..%s", row->name, shown,
                         params_text(index, row->min, low), params_text(index, row->max, high));
    }
    p->value[index] = steps;
    return 0;
}

/* A number as written by an operator, in steps.  A decimal with at most two places and the
 * quotient of its hundredths by 100 are the same double, which is how more are noticed. */
static int set_number(wt_params *p, int index, double number, const char *shown, struct error *err)
{
    const struct param *row = &params_table[index];
    double scale = row->type == WT_PARAM_DECIMAL ? WT_PARAM_SCALE : 1;
    if (!isfinite(number))
        return error_set(err, EINVAL, "%s: %s is not a number", row->name, shown);
    if (fabs(number) > 1e13) /* beyond every range: say so before it overflows */
        return set_steps(p, index, number < 0 ? INT64_MIN : INT64_MAX, shown, err);
    double steps = nearbyint(number * scale);
    if (steps / scale != number)
        return error_set(err, EINVAL,
                         row->type == WT_PARAM_DECIMAL ? "%s: %s has more than two decimals"
                                                       : "%s: %s is not a whole number",
                         row->name, shown);
    return set_steps(p, index, (int64_t)steps, shown, err);
}

int params_set_json(wt_params *p, int index, const json_t *value, struct error *err)
{
    const char *name = params_table[index].name;
    if (!json_is_number(value)) {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        error_set(err, EINVAL, "%s: %.60s is not a number", name, text != NULL ? text : "this");
        free(text);
        return -1;
    }
    char shown[PARAM_TEXT_SIZE];
    if (json_is_integer(value))
        snprintf(shown, sizeof shown, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else
        snprintf(shown, sizeof shown, "%.15g", json_real_value(value));
    return set_number(p, index, json_number_value(value), shown, err);
}

int params_set_text(wt_params *p, int index, const char *text, struct error *err)
{
    char *end;
    if (text[0] == '\0' || strspn(text, "+-.0123456789eE") != strlen(text))
        return error_set(err, EINVAL, "%s: '%s' is not a number", params_table[index].name, text);
    double number = strtod(text, &end);
    if (*end != '\0')
        return error_set(err, EINVAL, "%s: '%s' is not a number", params_table[index].name, text);
    return set_number(p, index, number, text, err);
}

json_t *params_value_json(int index, int64_t value)
{
    if (params_table[index].type == WT_PARAM_INTEGER || value % WT_PARAM_SCALE == 0)
        return json_integer(params_table[index].type == WT_PARAM_INTEGER ? value
                                                                         : value / WT_PARAM_SCALE);
    return json_real((double)value / WT_PARAM_SCALE);
}

json_t *params_json(const wt_params *p)
{
    json_t *object = json_object();
    for (int i = 0; object != NULL && i < WT_PARAM_COUNT; i++)
        if (json_object_set_new(object, params_table[i].name, params_value_json(i, p->value[i])) !=
            0) {
            json_decref(object);
            object = NULL;
        }
    return object;
}
