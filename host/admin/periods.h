/* periods.h: days, weeks and months of a time zone, one after the other.
 *
 * Thread: any; no state.
 */
#ifndef ADMIN_PERIODS_H
#define ADMIN_PERIODS_H

#include <stddef.h>
#include <stdint.h>

#include "schedule/zone.h"

enum period { PERIOD_DAY, PERIOD_WEEK, PERIOD_MONTH };

/* The edges of `count` periods, of which `now_us` is in the last: count + 1 instants, ascending.
 * A period begins with the first moment of its first day; weeks begin on Monday.  A day that a
 * zone left out is empty: its two edges are the same. */
void periods_edges(const struct zone *z, enum period period, int64_t now_us, int count,
                   int64_t *edges);

#endif
