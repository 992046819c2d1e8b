/* params.h: reading, checking and writing the six discovery parameters.
 *
 * The table itself is include/walltrack/params.h; values are kept in its steps.
 * Errors name the field and the value: "max_tokens: 0 is outside 1..10000".
 */
#ifndef PARAMS_H
#define PARAMS_H

#include <stddef.h>

#include <jansson.h>

#include <walltrack/params.h>

#include "error.h"

struct param {
    const char *name;
    int type; /* WT_PARAM_DECIMAL or WT_PARAM_INTEGER */
    int64_t min, max, def;
    const char *unit;
    const char *meaning;
};

extern const struct param params_table[WT_PARAM_COUNT];

void params_default(wt_params *out);

/* The index of a name, or -1. */
int params_find(const char *name);

/* Sets one value.  On failure `p` is untouched.  Returns 0 or -1. */
int params_set_json(wt_params *p, int index, const json_t *value, struct error *err);
int params_set_text(wt_params *p, int index, const char *text, struct error *err);

enum { PARAM_TEXT_SIZE = 32 };

/* Writes a value as a plain decimal without needless zeros ("100", "12.5"). */
const char *params_text(int index, int64_t value, char out[PARAM_TEXT_SIZE]);

/* A JSON number that prints as params_text() does (with JSON_REAL_PRECISION(15)). */
json_t *params_value_json(int index, int64_t value);

/* All six as a new JSON object, or NULL when out of memory. */
json_t *params_json(const wt_params *p);

#endif
