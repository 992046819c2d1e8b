/* filters.h: the query of a request, read whole into the arguments of a question.
 *
 * Thread: any; no state.
 */
#ifndef ADMIN_FILTERS_H
#define ADMIN_FILTERS_H

#include <stdbool.h>

#include <jansson.h>

#include "admin/parameters.h"
#include "admin/target.h"
#include "error.h"
#include "schedule/zone.h"

/* Adds what the target has of that set to `args`, under the arguments' names and with the defaults
 * of page and page_size; times become RFC 3339 in UTC.  False when something is wrong: `errors`,
 * an empty array, then lists all of it, and `bad_name` has the words for a name that is answered
 * with 400 instead (code 0: there is none). */
bool filters_read(const struct target *t, parameter_set set, json_t *args, json_t *errors,
                  struct error *bad_name);

/* The zone that the target names, or UTC.  -1: there is no such zone. */
int filters_zone(const struct target *t, struct zone **out, struct error *err);

/* The whole number that the target has, or its default. */
int filters_count(const struct target *t, enum parameter_id id);

/* The name that the target has, or its default. */
const char *filters_name(const struct target *t, enum parameter_id id);

#endif
