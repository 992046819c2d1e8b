/* utc.h: instants as the API and the log of swaps write them.
 *
 * Thread: any; no state.
 */
#ifndef UTC_H
#define UTC_H

#include <stdint.h>

enum { UTC_TEXT_SIZE = 40 };

/* RFC 3339 in UTC with microseconds: "2026-06-30T12:30:00.500000Z"; instant_us counts from
 * 1970-01-01 UTC.  Returns `out`. */
const char *utc_text(int64_t instant_us, char out[UTC_TEXT_SIZE]);

#endif
