/* follow_swap.h: a swap, told step by step until its verdict.
 *
 *     verify      1.2 ms
 *     probe       7.0 ms
 *     …
 *     LIVE in 21 ms: feed gap 3.3 ms, replayed 33 events
 *     in probation; `walltrackctl plugin rollback recorder` goes back to recorder 0.1.0 (9c1e2b4d)
 *
 * Thread: one; blocks.
 */
#ifndef CTL_FOLLOW_SWAP_H
#define CTL_FOLLOW_SWAP_H

#include "ctl/order.h"

/* Until the verdict, with sees_probation until the end of the probation; until Ctrl-C or the
 * order's timeout.  waiting_catch_interrupts() must have been called. */
enum status follow_order(struct session *s, const struct order *o, int64_t id, struct error *err);

#endif
