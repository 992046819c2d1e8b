#include "admin/parameters.h"

#include <string.h>

#include <walltrack/plugin.h>

/* Each ends in NULL. */
static const char *const status_names[4 + 1] = WT_RUN_STATUS_NAMES;
static const char *const trigger_names[3 + 1] = WT_TRIGGER_NAMES;
static const char *const truth_names[] = {"true", "false", NULL};
static const char *const period_names[] = {"day", "week", "month", NULL};
static const char *const side_names[] = {"only_a", "only_b", "both", NULL};

/* What discovery_runs.duration_seconds can hold, in milliseconds. */
#define DURATION_MAX_MS 999999999999

#define DECIMALS_DECIMAL 2
#define DECIMALS_INTEGER 0
#define PARAM_BOUND(id, end, words, type_, min_, max_, unit_, text_, below)                        \
    [id] = {.name = (end),                                                                         \
            .argument = (end),                                                                     \
            .kind = KIND_DECIMAL,                                                                  \
            .help = words text_,                                                                   \
            .unit = (unit_),                                                                       \
            .min = (min_),                                                                         \
            .max = (max_),                                                                         \
            .decimals = DECIMALS_##type_,                                                          \
            .not_below = (below)},
#define PARAM_ROWS(SYMBOL, name, type, min, max, def, unit, text)                                  \
    PARAM_BOUND(PARAMETER_##SYMBOL##_LEAST, #name "_min", "runs with at least this: ", type, min,  \
                max, unit, text, 0)                                                                \
    PARAM_BOUND(PARAMETER_##SYMBOL##_MOST, #name "_max", "runs with at most this: ", type, min,    \
                max, unit, text, PARAMETER_##SYMBOL##_LEAST)

static const struct parameter table[PARAMETERS] = {
    [PARAMETER_START_DATE] = {.name = "start_date",
                              .argument = "start",
                              .kind = KIND_TIME,
                              .help = "runs that started then or later"},
    [PARAMETER_END_DATE] = {.name = "end_date",
                            .argument = "end",
                            .kind = KIND_TIME,
                            .help = "runs that started before; a date means the end of that day",
                            .not_below = PARAMETER_START_DATE},
    [PARAMETER_TIMEZONE] = {.name = "timezone",
                            .kind = KIND_ZONE,
                            .help = "where dates, and times without an offset, are meant",
                            .def_name = "UTC"},
    [PARAMETER_STATUS] = {.name = "status",
                          .argument = "status",
                          .kind = KIND_NAME,
                          .help = "runs with this status",
                          .names = status_names,
                          .invalid = "Invalid status"},
    [PARAMETER_TRIGGER_TYPE] = {.name = "trigger_type",
                                .argument = "trigger_type",
                                .kind = KIND_NAME,
                                .help = "runs that were started this way",
                                .names = trigger_names,
                                .invalid = "Invalid trigger type"},
    [PARAMETER_SCHEDULE] = {.name = "schedule",
                            .argument = "schedule",
                            .kind = KIND_SCHEDULE,
                            .help = "runs of this schedule"},
    [PARAMETER_TRIGGERED_BY] = {.name = "triggered_by",
                                .argument = "triggered_by",
                                .kind = KIND_TEXT,
                                .help = "runs that this user or program started"},
    WT_PARAMS(PARAM_ROWS) /* … */
        [PARAMETER_DURATION_LEAST] = {.name = "duration_min",
                                      .argument = "duration_min",
                                      .kind = KIND_DECIMAL,
                                      .help = "finished runs that took at least this long",
                                      .unit = "seconds",
                                      .max = DURATION_MAX_MS,
                                      .decimals = 3},
    [PARAMETER_DURATION_MOST] = {.name = "duration_max",
                                 .argument = "duration_max",
                                 .kind = KIND_DECIMAL,
                                 .help = "finished runs that took at most this long",
                                 .unit = "seconds",
                                 .max = DURATION_MAX_MS,
                                 .decimals = 3,
                                 .not_below = PARAMETER_DURATION_LEAST},
    [PARAMETER_HAS_ERRORS] = {.name = "has_errors",
                              .argument = "has_errors",
                              .kind = KIND_NAME,
                              .help = "runs with an error, or without any",
                              .names = truth_names},
    [PARAMETER_WALLET] = {.name = "wallet",
                          .argument = "wallet",
                          .kind = KIND_ADDRESS,
                          .help = "runs that found this wallet"},
    [PARAMETER_PAGE] = {.name = "page",
                        .argument = "page",
                        .kind = KIND_WHOLE,
                        .help = "which page, by number; cursor is the better way",
                        .min = 1,
                        .max = 100000000,
                        .def = 1},
    [PARAMETER_PAGE_SIZE] = {.name = "page_size",
                             .argument = "page_size",
                             .kind = KIND_WHOLE,
                             .help = "runs on a page",
                             .min = 1,
                             .max = 100,
                             .def = 20},
    [PARAMETER_ITEMS_SIZE] = {.name = "page_size",
                              .argument = "page_size",
                              .kind = KIND_WHOLE,
                              .help = "items on a page",
                              .min = 1,
                              .max = 1000,
                              .def = 100,
                              .key = "page_size_items"},
    [PARAMETER_CURSOR] = {.name = "cursor",
                          .argument = "cursor",
                          .kind = KIND_CURSOR,
                          .help = "the next_cursor of the page before"},
    [PARAMETER_PERIOD] = {.name = "period",
                          .kind = KIND_NAME,
                          .help = "length of a period in the time zone; weeks begin on Monday",
                          .names = period_names,
                          .def_name = "week"},
    [PARAMETER_COUNT] = {.name = "count",
                         .kind = KIND_WHOLE,
                         .help = "how many periods; the last one is going on",
                         .min = 1,
                         .max = 400,
                         .def = 12},
    [PARAMETER_A] = {.name = "a",
                     .argument = "a",
                     .kind = KIND_ID,
                     .help = "the run to compare with",
                     .required = true},
    [PARAMETER_B] =
        {.name = "b", .argument = "b", .kind = KIND_ID, .help = "the other run", .required = true},
    [PARAMETER_SIDE] = {.name = "side",
                        .argument = "side",
                        .kind = KIND_NAME,
                        .help = "list the wallets of this side only, by pages",
                        .names = side_names},
    [PARAMETER_OLDER_THAN_DAYS] = {.name = "older_than_days",
                                   .argument = "older_than_days",
                                   .kind = KIND_WHOLE,
                                   .help = "runs that started longer ago",
                                   .unit = "days",
                                   .min = 1,
                                   .max = 36500},
    [PARAMETER_RUNS_PER_SCHEDULE] = {.name = "runs_per_schedule",
                                     .argument = "runs_per_schedule",
                                     .kind = KIND_WHOLE,
                                     .help = "all but this many of each schedule, the latest",
                                     .min = 1,
                                     .max = 100000000},
};

const struct parameter *parameter_at(enum parameter_id id)
{
    return &table[id];
}

bool parameter_find(parameter_set set, const char *name, enum parameter_id *out)
{
    for (enum parameter_id id = 0; id < PARAMETERS; id++)
        if ((set & PARAMETER_BIT(id)) != 0 && strcmp(table[id].name, name) == 0) {
            *out = id;
            return true;
        }
    return false;
}
