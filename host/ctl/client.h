/* client.h: asks the host through its admin socket.
 *
 * Promise: a call ends within its time; what went wrong is said in words for the operator, with
 *          what to do next, and as the exit status that the command should have.
 * Thread:  one; calls block.
 * Knows:   libcurl, jansson.  Not: what is asked.
 */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <jansson.h>

#include "error.h"

/* What walltrackctl exits with. */
enum status {
    STATUS_OK = 0,
    STATUS_RUN_FAILED = 1, /* run --wait: the run failed, was cancelled, or did not end in time */
    STATUS_USAGE = 2,
    STATUS_NOT_FOUND = 3,
    STATUS_REFUSED = 4,      /* by the host: a conflict, or something wrong in the request */
    STATUS_AWAY = 5,         /* the host or the database */
    STATUS_INTERRUPTED = 130 /* run --wait: by Ctrl-C; the run goes on */
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

/* The exit status and the words for an answer that is not 2xx. */
enum status reply_failure(const struct reply *r, struct error *err);

/* "name=value" for a query, percent-encoded and with '?' or '&' in front, appended to `path`. */
int client_add_parameter(char *path, size_t room, const char *name, const char *value);

#endif
