/* instant.h: a moment as written in a tape or on the command line.
 *
 * Promise: RFC 3339 in the years 0001 to 9999 becomes microseconds since 1970-01-01 UTC,
 *          exactly; digits beyond the microsecond are cut.
 * Thread:  any; no state.
 */
#ifndef INSTANT_H
#define INSTANT_H

#include <stdbool.h>
#include <stdint.h>

/* "2026-06-28T13:14:45.250Z", "2026-06-28 15:14:45+02:00".  A leap second (:60) is the first of
 * the next minute.  False when the text is anything else; *us is then untouched. */
bool instant_parse(const char *text, int64_t *us);

#endif
