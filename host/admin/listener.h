/* listener.h: a private listening unix socket at a path, owned by one process.
 *
 * Promise: nobody whom mode and group keep out can connect, at no moment; a lock file beside
 *          the socket decides who owns it, so that a stale one is replaced and a second owner
 *          refused; it is removed at the end only if it is still ours.
 * Thread:  any, one at a time; all calls are short.
 * Knows:   files.  Not: HTTP, the loop.
 */
#ifndef ADMIN_LISTENER_H
#define ADMIN_LISTENER_H

#include <sys/types.h>

#include "error.h"

struct listener;

/* Makes the socket's directory (0750, not its parents) when it is missing.  `group` may be NULL.
 * EADDRINUSE: another process owns the socket; ENAMETOOLONG: the path is too long. */
int listener_open(const char *path, mode_t mode, const char *group, struct listener **out,
                  struct error *err);
void listener_close(struct listener *l); /* NULL is fine */

/* Non-blocking, close-on-exec, listening. */
int listener_fd(const struct listener *l);

#endif
