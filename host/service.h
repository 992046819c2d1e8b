/* service.h: what the service manager is told, when there is one.
 *
 * Promise: READY when the host serves, RELOADING and READY around a new configuration, STOPPING on
 *          its way down, and a sign of life from the event loop twice as often as the manager's
 *          watchdog asks for.  Without NOTIFY_SOCKET in the environment nothing happens.
 * Thread:  loop thread only.
 * Source:  sd_notify(3), sd_watchdog_enabled(3).
 */
#ifndef SERVICE_H
#define SERVICE_H

#include <uv.h>

/* A handle of `loop` that does not keep it alive.  NULL: out of memory. */
struct service *service_new(uv_loop_t *loop);

/* `status` is shown by the manager: one line. */
void service_ready(struct service *s, const char *status);
void service_reloading(struct service *s);
void service_stopping(struct service *s);

/* NULL is fine.  The loop has to turn once more for it to be freed. */
void service_close(struct service *s);

#endif
