/* zone.h: points in time as people write them, in a time zone.
 *
 * Promise: every local time means exactly one instant.  One that a clock change skips is the
 *          first moment after the gap; one that happens twice is the first of the two.
 * Thread:  any; a zone is not changed once it is open.
 * Knows:   GLib's zone rules.  Not: schedules, HTTP.
 *
 * Instants are microseconds since 1970-01-01 UTC; years run from 1900 to 2999.
 */
#ifndef SCHEDULE_ZONE_H
#define SCHEDULE_ZONE_H

#include <stdint.h>

#include "error.h"

struct zone;

/* A name of the zone database ("Europe/Berlin"), "UTC", or an offset ("+02:00").  Reads a small
 * file when the zone is not in memory.  On success *out is yours until zone_close(). */
int zone_open(const char *name, struct zone **out, struct error *err);
void zone_close(struct zone *z); /* NULL is fine */

/* The instant of a local time, given as the microseconds that it would be if the zone were UTC. */
int64_t zone_instant(const struct zone *z, int64_t local_us);

/* The local time at an instant, written the same way. */
int64_t zone_local(const struct zone *z, int64_t instant_us);

/* What a local time is the beginning or the end of: a day counts whole. */
enum zone_edge { ZONE_START, ZONE_END };

/* Reads one of
 *     2026-06-30T12:30:00.5Z  2026-06-30T12:30:00+02:00   an instant
 *     2026-06-30T12:30:00     2026-06-30 12:30            a local time in the zone
 *     2026-06-30                                          a day in the zone: as ZONE_START its
 *                                                         first moment, as ZONE_END the next
 *                                                         day's, for a half-open range
 * More than six decimals are cut.  The error names the text; *out is then untouched. */
int zone_read(const struct zone *z, const char *text, enum zone_edge edge, int64_t *out,
              struct error *err);

#endif
