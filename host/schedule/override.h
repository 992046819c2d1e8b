/* override.h: what an API client has set of a schedule, over the configuration file.
 *
 * Kept as text, {"base": the file's entry, "set": {…}}, and in force only while the file's entry
 * is still that one: who edits the file has the last word.
 * Thread: any; no state.
 */
#ifndef SCHEDULE_OVERRIDE_H
#define SCHEDULE_OVERRIDE_H

#include "config/config.h"
#include "error.h"
#include "schedule/scheduler.h"

/* The text that adds `change` to `before` (NULL, or the text in force).  malloc'd; NULL when out of
 * memory. */
char *override_make(const char *before, const char *source, const struct schedule_change *change);

/* Reads a text into *out.  False when it belongs to another entry than `source` or is damaged:
 * then *out is empty and *why says so. */
bool override_read(const char *text, const char *source, struct schedule_change *out,
                   const char **why);

#endif
