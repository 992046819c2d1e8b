/* follow_run.h: a run, shown until it has ended.
 *
 * Thread: one; blocks.
 */
#ifndef CTL_FOLLOW_RUN_H
#define CTL_FOLLOW_RUN_H

#include <jansson.h>

#include "ctl/commands.h"
#include "ctl/progress.h"

/* STATUS_OK when it has completed.  Ctrl-C and the end of `timeout` seconds end the following only:
 * the run goes on.  waiting_catch_interrupts() must have been called. */
enum status follow_run(struct session *s, const char *id, double timeout, struct error *err);

/* How far a run is, as the API says it; the stage is borrowed from `run`. */
struct progress follow_progress(const json_t *run);

#endif
