/* parameters.h: every query parameter, once.
 *
 * Reading a query, the words of its errors, `GET /` and /openapi.json are all made from this
 * table; which question argument a parameter becomes stands in it, too.
 * Thread: any; no state.
 */
#ifndef ADMIN_PARAMETERS_H
#define ADMIN_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <walltrack/params.h>

#include "error.h"

/* Each discovery parameter has two filters; WT_PARAM_… gives the order. */
#define PARAMETER_BOUNDS_(SYMBOL, name, type, min, max, def, unit, text)                           \
    PARAMETER_##SYMBOL##_LEAST, PARAMETER_##SYMBOL##_MOST,
enum parameter_id {
    PARAMETER_START_DATE,
    PARAMETER_END_DATE,
    PARAMETER_TIMEZONE,
    PARAMETER_STATUS,
    PARAMETER_TRIGGER_TYPE,
    PARAMETER_SCHEDULE,
    PARAMETER_TRIGGERED_BY,
    WT_PARAMS(PARAMETER_BOUNDS_) /* … */
    PARAMETER_DURATION_LEAST,
    PARAMETER_DURATION_MOST,
    PARAMETER_HAS_ERRORS,
    PARAMETER_WALLET,
    PARAMETER_PAGE,
    PARAMETER_PAGE_SIZE,
    PARAMETER_ITEMS_SIZE, /* also page_size, where a page has smaller things than runs */
    PARAMETER_CURSOR,
    PARAMETER_PERIOD,
    PARAMETER_COUNT,
    PARAMETER_A,
    PARAMETER_B,
    PARAMETER_SIDE,
    PARAMETER_OLDER_THAN_DAYS,
    PARAMETER_RUNS_PER_SCHEDULE,
    PARAMETERS
};
#undef PARAMETER_BOUNDS_

/* Sets of them, as a request takes them. */
typedef uint64_t parameter_set;
#define PARAMETER_BIT(id) ((parameter_set)1 << (id))
#define PARAMETER_RANGE_                                                                           \
    (PARAMETER_BIT(PARAMETER_START_DATE) | PARAMETER_BIT(PARAMETER_END_DATE) |                     \
     PARAMETER_BIT(PARAMETER_TIMEZONE))
/* All that choose runs; PARAMETER_WALLET is the last of them. */
#define PARAMETERS_FILTER (PARAMETER_BIT(PARAMETER_WALLET + 1) - 1)
#define PARAMETERS_ITEMS (PARAMETER_BIT(PARAMETER_ITEMS_SIZE) | PARAMETER_BIT(PARAMETER_CURSOR))
#define PARAMETERS_RUNS                                                                            \
    (PARAMETERS_FILTER | PARAMETER_BIT(PARAMETER_PAGE) | PARAMETER_BIT(PARAMETER_PAGE_SIZE) |      \
     PARAMETER_BIT(PARAMETER_CURSOR))
#define PARAMETERS_TREND                                                                           \
    ((PARAMETERS_FILTER & ~PARAMETER_RANGE_) | PARAMETER_BIT(PARAMETER_TIMEZONE) |                 \
     PARAMETER_BIT(PARAMETER_PERIOD) | PARAMETER_BIT(PARAMETER_COUNT))
#define PARAMETERS_COMPARE                                                                         \
    (PARAMETERS_ITEMS | PARAMETER_BIT(PARAMETER_A) | PARAMETER_BIT(PARAMETER_B) |                  \
     PARAMETER_BIT(PARAMETER_SIDE))
#define PARAMETERS_RETENTION                                                                       \
    (PARAMETER_BIT(PARAMETER_OLDER_THAN_DAYS) | PARAMETER_BIT(PARAMETER_RUNS_PER_SCHEDULE))

enum parameter_kind {
    KIND_TIME, /* read in the zone that PARAMETER_TIMEZONE names */
    KIND_ZONE,
    KIND_NAME,     /* one of `names`                  */
    KIND_WHOLE,    /* becomes a JSON integer          */
    KIND_DECIMAL,  /* becomes text, a plain decimal   */
    KIND_SCHEDULE, /* and the rest stay as they are   */
    KIND_TEXT,
    KIND_ADDRESS,
    KIND_ID,
    KIND_CURSOR
};

struct parameter {
    const char *name;
    const char *argument; /* of the question; NULL: the host needs it itself */
    const char *help;
    const char *unit;         /* or NULL                                           */
    int64_t min, max;         /* whole numbers; decimals in steps of 10^-decimals  */
    int64_t def;              /* of a whole number; 0: none                        */
    const char *const *names; /* of KIND_NAME, and NULL at the end                 */
    const char *def_name;     /* the default of a name or zone, or NULL            */
    const char *invalid;      /* a wrong name is a 400 with these words, not a 422 */
    const char *key;          /* in /openapi.json, when it is not the name         */
    enum parameter_kind kind;
    enum parameter_id not_below; /* of the same kind, when it is not 0 */
    int decimals;
    bool required;
};

const struct parameter *parameter_at(enum parameter_id id);

/* The parameter of a set that has this name; false when none has. */
bool parameter_find(parameter_set set, const char *name, enum parameter_id *out);

/* Characters of texts, at most. */
enum {
    PARAMETER_SCHEDULE_MAX = 64,
    PARAMETER_TEXT_MAX = 100,
    PARAMETER_ADDRESS_MAX = 44,
    PARAMETER_CURSOR_MAX = 512
};

enum { PARAMETER_TEXT_SIZE = 320 };

/* What is expected, to follow "… is not ": "a whole number from 1 to 100". */
const char *parameter_expected(const struct parameter *p, char out[PARAMETER_TEXT_SIZE]);

/* Reads a value; not for KIND_TIME and KIND_ZONE.  On success *out is yours; else err has the
 * words, which show the value and what is expected. */
int parameter_read(const struct parameter *p, const char *text, json_t **out, struct error *err);

/* The number behind a whole number or a decimal, in the row's steps; false when it is none. */
bool parameter_number(const struct parameter *p, const char *text, int64_t *out);

/* Steps as a plain decimal: "12.5". */
const char *parameter_decimal(const struct parameter *p, int64_t steps, char out[32]);

/* The JSON schema of a value; NULL: out of memory.  In parameter_schema.c. */
json_t *parameter_schema(const struct parameter *p);

#endif
