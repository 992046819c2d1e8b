/* names.h: the names of the users who connect.
 *
 * Promise: the loop never waits for a name service: names are looked up on a worker thread and
 *          remembered; whoever has none is "uid 1000".
 * Thread:  loop thread only.
 * Knows:   libuv.  Not: HTTP.
 */
#ifndef ADMIN_NAMES_H
#define ADMIN_NAMES_H

#include <sys/types.h>

#include <uv.h>

struct names;

/* `known` is called in a later turn when the name of `uid` has become known. */
struct names *names_new(uv_loop_t *loop, void (*known)(void *arg, uid_t uid), void *arg);
void names_free(struct names *n); /* look-ups under way end on their own; NULL is fine */

/* The name, borrowed; NULL while it is being looked up, which the first call begins. */
const char *names_find(struct names *n, uid_t uid);

#endif
