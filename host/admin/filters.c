#include "admin/filters.h"

#include <string.h>

#include "admin/problem.h"
#include "utc.h"

static const char *given(const struct target *t, parameter_set set, enum parameter_id id)
{
    return (set & PARAMETER_BIT(id)) != 0 ? target_parameter(t, parameter_at(id)->name) : NULL;
}

int filters_zone(const struct target *t, struct zone **out, struct error *err)
{
    return zone_open(filters_name(t, PARAMETER_TIMEZONE), out, err);
}

int filters_count(const struct target *t, enum parameter_id id)
{
    const struct parameter *p = parameter_at(id);
    const char *text = target_parameter(t, p->name);
    int64_t value;
    return (int)(text != NULL && parameter_number(p, text, &value) ? value : p->def);
}

const char *filters_name(const struct target *t, enum parameter_id id)
{
    const struct parameter *p = parameter_at(id);
    const char *text = target_parameter(t, p->name);
    return text != NULL ? text : p->def_name;
}

/* ---- times ---------------------------------------------------------------------------- */

/* Reads one edge of the range; false when there is none, or a wrong one. */
static bool read_edge(const struct target *t, const struct zone *z, enum parameter_id id,
                      enum zone_edge edge, int64_t *out, json_t *errors)
{
    const char *name = parameter_at(id)->name;
    const char *text = target_parameter(t, name);
    struct error err;
    if (text == NULL)
        return false;
    if (zone_read(z, text, edge, out, &err) == 0)
        return true;
    problem_add(errors, name, "%s", err.msg);
    return false;
}

static void read_range(const struct target *t, const struct zone *z, json_t *args, json_t *errors)
{
    int64_t start, end;
    char text[UTC_TEXT_SIZE];
    bool has_start = read_edge(t, z, PARAMETER_START_DATE, ZONE_START, &start, errors);
    bool has_end = read_edge(t, z, PARAMETER_END_DATE, ZONE_END, &end, errors);
    if (has_start)
        json_object_set_new(args, "start", json_string(utc_text(start, text)));
    if (has_end)
        json_object_set_new(args, "end", json_string(utc_text(end, text)));
    if (has_start && has_end && start >= end)
        problem_add(errors, "end_date", "%s is not after start_date %s",
                    target_parameter(t, "end_date"), target_parameter(t, "start_date"));
}

static void read_times(const struct target *t, parameter_set set, json_t *args, json_t *errors)
{
    struct zone *zone;
    struct error err;
    if ((set & PARAMETER_BIT(PARAMETER_TIMEZONE)) == 0)
        return;
    if (filters_zone(t, &zone, &err) != 0) {
        problem_add(errors, parameter_at(PARAMETER_TIMEZONE)->name, "%s", err.msg);
        return;
    }
    if ((set & PARAMETER_BIT(PARAMETER_START_DATE)) != 0)
        read_range(t, zone, args, errors);
    zone_close(zone);
}

/* ---- all else ------------------------------------------------------------------------- */

static bool is_time(const struct parameter *p)
{
    return p->kind == KIND_TIME || p->kind == KIND_ZONE;
}

static void read_one(const struct target *t, const struct parameter *p, json_t *args,
                     json_t *errors, struct error *bad_name)
{
    const char *text = target_parameter(t, p->name);
    struct error err;
    json_t *value;
    if (text == NULL && p->required)
        problem_add(errors, p->name, "required: %s", p->help);
    if (text == NULL)
        return;
    if (parameter_read(p, text, &value, &err) != 0) {
        if (p->invalid == NULL)
            problem_add(errors, p->name, "%s", err.msg);
        else if (bad_name->code == 0)
            *bad_name = err; /* the first one is named */
    } else if (p->argument != NULL) {
        json_object_set_new(args, p->argument, value);
    } else {
        json_decref(value);
    }
}

/* The upper bound of two that are both right must not be below the lower one. */
static void check_order(const struct target *t, const struct parameter *high, json_t *errors)
{
    const struct parameter *low = parameter_at(high->not_below);
    const char *low_text = target_parameter(t, low->name);
    const char *high_text = target_parameter(t, high->name);
    int64_t least, most;
    if (low_text == NULL || high_text == NULL || !parameter_number(low, low_text, &least) ||
        !parameter_number(high, high_text, &most) || most >= least)
        return;
    problem_add(errors, high->name, "%s is less than %s %s", high_text, low->name, low_text);
}

static void set_default(json_t *args, parameter_set set, enum parameter_id id)
{
    const struct parameter *p = parameter_at(id);
    if ((set & PARAMETER_BIT(id)) != 0)
        json_object_set_new(args, p->argument, json_integer(p->def));
}

bool filters_read(const struct target *t, parameter_set set, json_t *args, json_t *errors,
                  struct error *bad_name)
{
    bad_name->code = 0;
    const char *cursor = given(t, set, PARAMETER_CURSOR);
    set_default(args, set, PARAMETER_PAGE_SIZE);
    set_default(args, set, PARAMETER_ITEMS_SIZE);
    if (cursor == NULL)
        set_default(args, set, PARAMETER_PAGE);
    read_times(t, set, args, errors);
    for (enum parameter_id id = 0; id < PARAMETERS; id++) {
        const struct parameter *p = parameter_at(id);
        if ((set & PARAMETER_BIT(id)) == 0 || is_time(p))
            continue;
        read_one(t, p, args, errors, bad_name);
        if (p->not_below != 0)
            check_order(t, p, errors);
    }
    if (cursor != NULL && given(t, set, PARAMETER_PAGE) != NULL)
        problem_add(errors, "page", "page and cursor cannot be given together");
    return bad_name->code == 0 && json_array_size(errors) == 0;
}
