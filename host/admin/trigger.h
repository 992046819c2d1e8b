/* trigger.h: starting runs by request, once per Idempotency-Key.
 *
 * Promise: a request that comes again with the same key, user and body gets the first one's
 *          answer, also while the first is still being made durable; with another body it is
 *          refused.  Successes are kept for 24 hours, at most 1,000 of them (the oldest goes), in
 *          memory; a failure is forgotten, so that it can be tried again.
 * Thread:  loop thread only.
 */
#ifndef ADMIN_TRIGGER_H
#define ADMIN_TRIGGER_H

struct admin;
struct triggers;

struct triggers *triggers_new(struct admin *a);
/* Starts that are still being made durable end on their own.  NULL is fine. */
void triggers_free(struct triggers *t);

#endif
