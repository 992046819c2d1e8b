/* verification.h: build_store.h on a worker thread, with a deadline.
 *
 * Thread: loop thread only; the disk is read and written on a worker thread.
 */
#ifndef PLUGIN_VERIFICATION_H
#define PLUGIN_VERIFICATION_H

#include <stdint.h>

#include <uv.h>

#include "plugin/build_store.h"

struct verification;

/* stored: borrowed for the call, or NULL with the reason in err. */
typedef void (*verification_done)(void *arg, const struct stored_build *stored,
                                  const struct error *err);

/* Takes order->path into the store, and sweeps it of copies that are not kept and older than ten
 * minutes; without a path finds the earlier copy of order->sha256.  `done` runs exactly once, in a
 * later turn, after timeout_ms at the latest, unless cancelled.  `order` and `kept` are copied.
 * NULL: out of memory. */
struct verification *verification_start(uv_loop_t *loop, const struct build_order *order,
                                        const struct builds_kept *kept, uint64_t timeout_ms,
                                        verification_done done, void *arg);
void verification_cancel(struct verification *v); /* its disk access ends by itself */

#endif
