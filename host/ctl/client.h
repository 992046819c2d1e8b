/* client.h: asks the host through its admin socket.
 *
 * Promise: a call ends within its time; what went wrong is said in words for the operator, with
 *          what to do next, and as the exit status that the command should have.
 * Thread:  one; calls block.
 * Knows:   libcurl, jansson.  Not: what is asked.
 */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <stdbool.h>

#include <jansson.h>

#include "error.h"

/* What walltrackctl exits with. */
enum status {
    STATUS_OK = 0,
    STATUS_NOT_DONE = 1, /* the run failed or was cancelled; what was waited for has not ended */
    STATUS_USAGE = 2,
    STATUS_NOT_FOUND = 3,
    STATUS_REFUSED = 4, /* by the host: a conflict, something wrong in the request, a verdict */
    STATUS_AWAY = 5,    /* the host or the database */
    STATUS_INTERRUPTED = 130 /* by Ctrl-C; what was waited for goes on */
};

struct client;

/* `socket` NULL: $WALLTRACK_SOCKET, else $XDG_RUNTIME_DIR/walltrack/admin.sock if it exists, else
 * /run/walltrack/admin.sock. */
struct client *client_new(const char *socket);
void client_free(struct client *c); /* NULL is fine */

/* One answer; reply_free() it, also after a failure. */
struct reply {
    long status;  /* of HTTP; 0: there was none */
    char *text;   /* the body, ending in NUL    */
    json_t *json; /* the same, or NULL          */
};
void reply_free(struct reply *r);

/* `body` may be NULL.  Returns STATUS_OK for a 2xx, else the exit status with `err` set. */
enum status client_call(struct client *c, const char *method, const char *path, const json_t *body,
                        struct reply *out, struct error *err);

/* The same with more said. */
struct call {
    const char *method, *path;
    const json_t *body; /* or NULL */
    const char *header; /* one more, "Prefer: respond-async", or NULL */
    long seconds;       /* the longest that it may take; 0: as usual, 30 */
    /* Gets the body of a 2xx piece by piece instead of `out`; false ends the call.  Such a call may
     * take any time, but no more than 60 seconds without a byte. */
    bool (*sink)(void *arg, const char *data, size_t size);
    void *sink_arg;
    bool (*give_up)(void); /* asked at least once a second and after each signal, or NULL */
};

/* STATUS_INTERRUPTED, without `err`, when give_up said so; STATUS_AWAY, also without, when the sink
 * did. */
enum status client_perform(struct client *c, const struct call *call, struct reply *out,
                           struct error *err);

/* "name=value" for a query, percent-encoded and with '?' or '&' in front, appended to `path`. */
int client_add_parameter(char *path, size_t room, const char *name, const char *value);

/* "/part", percent-encoded, appended to `path`. */
int client_add_part(char *path, size_t room, const char *part);

#endif
