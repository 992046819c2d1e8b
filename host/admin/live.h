/* live.h: a run as this host sees it, in the API's words.
 *
 * For a run that the recorder does not have yet, and for what it never records.
 * Thread: loop thread only.
 */
#ifndef ADMIN_LIVE_H
#define ADMIN_LIVE_H

#include <jansson.h>

#include "run/runs.h"

/* The fields of a recorded run; what only the recorder knows is null.  NULL: out of memory. */
json_t *live_run(const struct run_view *v, const char *host_name);

/* A time as the API gives it, or null for WT_NO_TIME. */
json_t *live_time(int64_t us);

/* A string, or null for NULL and for what is not UTF-8. */
json_t *live_text(const char *text);

#endif
