/* soak_server.h: two threads that deal with the server directly.
 *
 * One commits a row of its own every few milliseconds and times it: what a commit costs on this
 * server, beside the recorder.  The other ends the recorder's backend when it is told to, some
 * moments later: in the middle of whatever that is doing then.
 */
#ifndef SOAK_SERVER_H
#define SOAK_SERVER_H

#include "soak.h"
#include "soak_figures.h"

struct server_threads;

struct server_threads *server_threads_start(struct soak *s);

/* Soon, and at most once for each call. */
void server_end_backend(struct server_threads *t);

/* After s->stop.  The times of commits are the caller's; how many backends were ended. */
unsigned long server_threads_join(struct server_threads *t, struct figures *commit_ms);

#endif
