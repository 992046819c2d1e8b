/* resolver.h: host names to addresses, off the loop.
 *
 * Each lookup has a thread of its own, at most 8 at a time: a name server that does not answer
 * must not hold up anything else (libuv's pool would).
 * Thread: loop thread only.
 */
#ifndef PLUGIN_RESOLVER_H
#define PLUGIN_RESOLVER_H

#include <uv.h>

struct resolver;
struct lookup;

/* addresses: numeric, separated by commas, at most 16 in the order of the system; or NULL with the
 * reason in error. */
typedef void (*lookup_done)(void *arg, const char *addresses, const char *error);

struct resolver *resolver_new(uv_loop_t *loop); /* NULL: out of memory or descriptors */

/* Lookups still under way are abandoned: their `done` never runs. */
void resolver_close(struct resolver *r);

/* `done` runs once, in a later turn, unless cancelled.  NULL when too many are under way. */
struct lookup *resolver_start(struct resolver *r, const char *name, lookup_done done, void *arg);
void resolver_cancel(struct lookup *l);

#endif
