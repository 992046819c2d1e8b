/* retention.h: removes old runs, as the settings say, while the instance records.
 *
 * Promise: a run is removed when it is older than retain_days, or when retain_runs newer ones of
 * its schedule are there (running ones count; runs without a schedule are a group of their own);
 * never while it is running.  Statistics go on counting it: they are kept by the trigger on
 * discovery_runs, which walltrack.removing = 'on' tells what the DELETE is. A run vanishes whole,
 * in one transaction: nobody ever sees it without its wallets, and a swap, a stop or a crash in the
 * middle of a sweep leaves each run as it was or not at all.  The next sweep, of whatever instance,
 * goes on with what is left. Bounds:  a transaction removes at most 100 runs which together have at
 * most 20,000 wallets, tokens and errors.  A run with more has a transaction of its own that
 * empties it 20,000 rows a statement, with rests between; it holds nothing that anybody else waits
 * for until its last statement.  After each step the sweep rests nine times as long as the step
 * took. What others hold is not waited for longer than a second. Others:  one sweep at a time goes
 * through a schema, whichever host's: the other gives way.  Hosts that share a schema but not their
 * rules remove what any of them says. Failure: ends the sweep, is logged and shown, and is tried
 * again after a minute, then two, four and so on up to the usual time.  It never ends the instance.
 * Thread:  loop only.
 * Knows:   pg_conn, sql.  Not: the writer, questions.
 */
#ifndef RECORDER_RETENTION_H
#define RECORDER_RETENTION_H

#include "instance.h"

struct retention;

/* Arms the first sweep, when there is a rule; the instance must hold the stream.  NULL: out of
 * memory. */
struct retention *retention_new(struct instance *instance);
/* Stops at once, in the middle of whatever it does; harmless twice.  `gone` runs when nothing is
 * left, perhaps inside this call. */
void retention_close(struct retention *r, void (*gone)(void *arg), void *arg);
void retention_free(struct retention *r); /* after gone; NULL is fine */

void retention_levels(const struct retention *r, struct levels *out);

#endif
