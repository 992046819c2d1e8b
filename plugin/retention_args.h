/* retention_args.h: the arguments of the question "retention": what would be removed.
 *
 * Thread: any; no state.  Knows: jansson, settings.  Not: connections.
 */
#ifndef RECORDER_RETENTION_ARGS_H
#define RECORDER_RETENTION_ARGS_H

#include <walltrack/plugin.h>

#include "settings.h"

/* A copy of `args` (a JSON object) with the rules that it does not name as the settings have them;
 * one that is null is off.  WT_OK and *out is yours to free(), or WT_E_ARGUMENT or WT_E_AGAIN (out
 * of memory) with the reason in `why`. */
wt_status retention_args(const char *args, const struct settings *s, char **out,
                         char why[WHY_SIZE]);

#endif
