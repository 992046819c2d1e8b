/* problem.h: what was wrong with a request, as application/problem+json (RFC 9457).
 *
 *     {"status": 422, "title": "Unprocessable Content", "detail": "max_tokens: 0 is outside …",
 *      "errors": [{"field": "max_tokens", "message": "0 is outside 1..10000"}]}
 *
 * Thread: any; no state.
 */
#ifndef ADMIN_PROBLEM_H
#define ADMIN_PROBLEM_H

#include <jansson.h>

#include "error.h"

#define PROBLEM_TYPE "application/problem+json"

/* The words for a status ("Not Found"). */
const char *problem_title(unsigned status);

/* Adds {field, message} to an array. */
void problem_add(json_t *errors, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same from an error whose message begins with "field: ", as params and config write them. */
void problem_add_error(json_t *errors, const char *field, const struct error *err);

/* The body; `errors` (borrowed, may be NULL) are listed when there are any.  Malloc'd, or NULL when
 * out of memory. */
char *problem_text(unsigned status, const char *detail, json_t *errors);

#endif
