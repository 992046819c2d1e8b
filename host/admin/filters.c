#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin/forms.h"
#include "admin/problem.h"
#include "schedule/zone.h"
#include "utc.h"

static const char *const status_names[] = WT_RUN_STATUS_NAMES;
static const char *const trigger_names[] = WT_TRIGGER_NAMES;

/* One filter that takes a name out of a list. */
static const struct named_filter {
    const char *parameter, *what;
    const char *const *names;
    size_t count;
} named_filters[] = {
    {"status", "status", status_names, sizeof status_names / sizeof status_names[0]},
    {"trigger_type", "trigger type", trigger_names, sizeof trigger_names / sizeof trigger_names[0]},
};

static void say_names(const struct named_filter *f, const char *value, struct error *err)
{
    if (err->code != 0)
        return; /* the first one has been named */
    char names[128];
    size_t used = 0;
    for (size_t i = 0; i < f->count; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "",
                                 f->names[i]);
    error_set(err, EINVAL, "Invalid %s '%.60s': one of %s", f->what, value, names);
}

static void read_names(const struct target *t, json_t *args, struct error *bad_name)
{
    for (size_t k = 0; k < sizeof named_filters / sizeof named_filters[0]; k++) {
        const struct named_filter *f = &named_filters[k];
        const char *value = target_parameter(t, f->parameter);
        if (value == NULL)
            continue;
        size_t i = 0;
        while (i < f->count && strcmp(f->names[i], value) != 0)
            i++;
        if (i == f->count)
            say_names(f, value, bad_name);
        else
            json_object_set_new(args, f->parameter, json_string(value));
    }
}

/* Reads one edge of the range; false when there is none, or a wrong one. */
static bool read_edge(const struct target *t, const struct zone *z, const char *parameter,
                      enum zone_edge edge, int64_t *out, json_t *errors)
{
    const char *text = target_parameter(t, parameter);
    struct error err;
    if (text == NULL)
        return false;
    if (zone_read(z, text, edge, out, &err) == 0)
        return true;
    problem_add(errors, parameter, "%s", err.msg);
    return false;
}

static void read_range(const struct target *t, json_t *args, json_t *errors)
{
    const char *name = target_parameter(t, "timezone");
    struct zone *zone;
    struct error err;
    if (zone_open(name != NULL ? name : "UTC", &zone, &err) != 0) {
        problem_add(errors, "timezone", "%s", err.msg);
        return;
    }
    int64_t start, end;
    char text[UTC_TEXT_SIZE];
    bool has_start = read_edge(t, zone, "start_date", ZONE_START, &start, errors);
    bool has_end = read_edge(t, zone, "end_date", ZONE_END, &end, errors);
    zone_close(zone);
    if (has_start)
        json_object_set_new(args, "start", json_string(utc_text(start, text)));
    if (has_end)
        json_object_set_new(args, "end", json_string(utc_text(end, text)));
    if (has_start && has_end && start >= end)
        problem_add(errors, "end_date", "%s is not after start_date %s",
                    target_parameter(t, "end_date"), target_parameter(t, "start_date"));
}

/* A whole number from 1 to max. */
static void read_count(const struct target *t, const char *parameter, int max, json_t *args,
                       json_t *errors)
{
    const char *text = target_parameter(t, parameter);
    if (text == NULL)
        return;
    int64_t value = 0;
    size_t digits = strspn(text, "0123456789");
    bool number = digits > 0 && digits <= 10 && text[digits] == '\0';
    for (size_t i = 0; number && i < digits; i++)
        value = value * 10 + (text[i] - '0');
    if (!number || value < 1 || value > max)
        problem_add(errors, parameter, "'%.60s' is not a whole number from 1 to %d", text, max);
    else
        json_object_set_new(args, parameter, json_integer(value));
}

static void read_pages(const struct target *t, const struct filter_rules *rules, json_t *args,
                       json_t *errors)
{
    json_object_set_new(args, "page_size", json_integer(rules->page_size_default));
    read_count(t, "page_size", rules->page_size_max, args, errors);

    const char *cursor = target_parameter(t, "cursor");
    if (cursor != NULL && (cursor[0] == '\0' || strlen(cursor) > 512))
        problem_add(errors, "cursor", "'%.60s' is not the next_cursor of an answer", cursor);
    else if (cursor != NULL)
        json_object_set_new(args, "cursor", json_string(cursor));
    if (!rules->numbered)
        return;
    if (cursor != NULL && target_parameter(t, "page") != NULL)
        problem_add(errors, "page", "page and cursor cannot be given together");
    if (cursor == NULL) {
        json_object_set_new(args, "page", json_integer(1));
        read_count(t, "page", 100000000, args, errors);
    }
}

static void read_schedule(const struct target *t, json_t *args, json_t *errors)
{
    const char *name = target_parameter(t, "schedule");
    if (name == NULL)
        return;
    size_t n = strlen(name);
    if (n < 1 || n > 64 || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") != n)
        problem_add(errors, "schedule",
                    "'%.70s' is not a name of 1 to 64 of a-z, 0-9, '.', '_', '-'", name);
    else
        json_object_set_new(args, "schedule", json_string(name));
}

bool filters_read(const struct target *t, const struct filter_rules *rules, json_t *args,
                  json_t *errors, struct error *bad_name)
{
    bad_name->code = 0;
    read_names(t, args, bad_name);
    read_range(t, args, errors);
    read_schedule(t, args, errors);
    if (rules->page_size_max > 0)
        read_pages(t, rules, args, errors);
    return bad_name->code == 0 && json_array_size(errors) == 0;
}
