#include "ctl/filters.h"

#include <errno.h>
#include <string.h>

#include <walltrack/params.h>

#include "ctl/answers.h"

#define CHOICE(name, value, help, parameter)                                                       \
    {                                                                                              \
        {name, value, help, parameter}, TAKES_CHOICE, NULL                                         \
    }
#define RANGE_ROWS(SYMBOL, name, type, min, max, def, unit, text)                                  \
    CHOICE(#name "_min", "N", unit, #name "_min"), CHOICE(#name "_max", "N", unit, #name "_max"),

const struct filter filter_options[] = {
    {{"from", "TIME", "from this day or time on (2026-06-30, 2026-06-30T12:00)", "start_date"},
     TAKES_RANGE,
     NULL},
    {{"to", "TIME", "up to this time, or to the end of this day", "end_date"}, TAKES_RANGE, NULL},
    {{"timezone", "ZONE", "of these times and days; default: the local one", "timezone"},
     TAKES_RANGE | TAKES_PERIODS,
     NULL},
    CHOICE("status", "STATUS", "running, completed, failed or cancelled", "status"),
    CHOICE("trigger", "TRIGGER", "manual, scheduled or api", "trigger_type"),
    CHOICE("schedule", "NAME", "those of a schedule", "schedule"),
    CHOICE("by", "NAME", "those that this user or program wanted", "triggered_by"),
    CHOICE("wallet", "ADDRESS", "those that found this wallet", "wallet"),
    {{"has-errors", NULL, "those with errors, whatever their status", "has_errors"},
     TAKES_CHOICE,
     "true"},
    {{"no-errors", NULL, "those without any", "has_errors"}, TAKES_CHOICE, "false"},
    CHOICE("duration-min", "SECONDS", "ended ones that took this long or longer", "duration_min"),
    CHOICE("duration-max", "SECONDS", "ended ones that took no longer", "duration_max"),
    WT_PARAMS(RANGE_ROWS) /* … */
};
const size_t filter_options_count = sizeof filter_options / sizeof filter_options[0];

bool filter_is_written(const char *option, const char *name)
{
    for (; *option != '\0' && *name != '\0'; option++, name++)
        if (*name == '_' || (*option == '_' ? '-' : *option) != *name)
            return false;
    return *option == *name;
}

const struct filter *filter_find(unsigned takes, const char *name)
{
    for (size_t i = 0; i < filter_options_count; i++)
        if ((filter_options[i].taken_with & takes) != 0 &&
            filter_is_written(filter_options[i].option.name, name))
            return &filter_options[i];
    return NULL;
}

/* ---- the query ------------------------------------------------------------------------ */

/* Which parameter is an option, and with which value?  NULL: it is none. */
static const char *parameter_of(const struct arguments *a, size_t i, const char **value)
{
    const char *name = a->options[i].name;
    const struct command_option *option = arguments_find_option(a->command, name);
    const struct filter *filter = filter_find(a->command->takes, name);
    *value = a->options[i].value;
    if (option != NULL)
        return option->parameter;
    if (filter == NULL)
        return NULL;
    if (filter->value != NULL)
        *value = filter->value;
    return filter->option.parameter;
}

/* Has one of the options before the ith said the same parameter? */
static enum status check_once(const struct arguments *a, size_t i, const char *parameter,
                              struct error *err)
{
    const char *value;
    for (size_t before = 0; before < i; before++) {
        const char *other = parameter_of(a, before, &value);
        if (other == NULL || strcmp(other, parameter) != 0)
            continue;
        error_set(err, EINVAL, "--%s and --%s exclude each other", a->options[before].name,
                  a->options[i].name);
        return STATUS_USAGE;
    }
    return STATUS_OK;
}

static enum status add_option(const struct arguments *a, size_t i, char *path, struct error *err)
{
    const char *value;
    const char *parameter = parameter_of(a, i, &value);
    if (parameter == NULL)
        return STATUS_OK;
    if (check_once(a, i, parameter, err) != STATUS_OK)
        return STATUS_USAGE;
    if (client_add_parameter(path, PATH_ROOM, parameter, value) == 0)
        return STATUS_OK;
    error_set(err, EINVAL, "--%s is too long", a->options[i].name);
    return STATUS_USAGE;
}

/* Days and times are the local zone's unless another is named. */
static enum status add_zone(const struct arguments *a, char *path, struct error *err)
{
    char zone[SHOWN_SIZE];
    const char *given = arguments_option(a, "timezone");
    bool dated = arguments_option(a, "from") != NULL || arguments_option(a, "to") != NULL ||
                 (a->command->takes & TAKES_PERIODS) != 0;
    if (given != NULL)
        shown_in_zone(given);
    if (given != NULL || !dated)
        return STATUS_OK;
    if (shown_local_zone(zone) == NULL) {
        shown_in_zone("UTC"); /* which the host takes, too */
        return STATUS_OK;
    }
    if (client_add_parameter(path, PATH_ROOM, "timezone", zone) == 0)
        return STATUS_OK;
    error_set(err, EINVAL, "the options are too long");
    return STATUS_USAGE;
}

enum status filters_add(const struct arguments *a, char *path, struct error *err)
{
    for (size_t i = 0; i < a->n_options; i++) {
        enum status status = add_option(a, i, path, err);
        if (status != STATUS_OK)
            return status;
    }
    return add_zone(a, path, err);
}
