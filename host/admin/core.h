/* core.h: what the server, its connections and its requests share.
 *
 * server.c turns libmicrohttpd on the loop and ends it; connections.c accepts, counts and ends
 * connections; exchange.c follows requests through libmicrohttpd's callbacks; request.c is a
 * handler's view of one.  trigger.c keeps its table in the struct.
 */
#ifndef ADMIN_CORE_H
#define ADMIN_CORE_H

#include <microhttpd.h>

#include "admin/listener.h"
#include "admin/names.h"
#include "admin/request.h"
#include "admin/routes.h"
#include "admin/server.h"
#include "admin/stream.h"
#include "admin/target.h"
#include "admin/trigger.h"

enum { REQUEST_HEADERS_MAX = 4 };

/* All times in milliseconds, absolute ones by uv_now(). */
enum {
    CONNECTIONS_MAX = 256,
    CONNECTIONS_RESERVED = 8, /* of these, for root and the host's own user  */
    READ_MS = 10000,          /* for a request's header and body             */
    SEND_MS = 30000,          /* for its answer                              */
    IDLE_MS = 30000,          /* until the next one                          */
    TICK_MS = 1000,           /* how often deadlines are looked at           */
    DRAIN_MS = 1000,          /* for answers under way when the host stops   */
    HEADER_BYTES_MAX = 32 * 1024
};

struct connection {
    struct admin *admin;
    struct connection *next, **link; /* in admin->connections */
    int fd;
    uid_t uid;
    uint64_t deadline; /* 0: none, a request has its own */
    int unread;        /* bytes that the client had not read when the deadline was set, or -1 */
    bool busy;         /* a request is being read, handled or answered */
    bool served;       /* it has had one: to be silent now is no fault */
};

/* An answer that is made in pieces; `text` is NULL for all others. */
struct stream {
    const struct stream_source *source;
    void *arg;
    uint64_t later_ms; /* how long the source may take for a piece */
    GString *text;     /* the piece that is being sent             */
    size_t sent;       /* bytes of it                              */
    bool failed;
};

/* From its first line to libmicrohttpd's word that it is over. */
struct request {
    struct admin *admin;
    struct connection *connection;
    struct MHD_Connection *http;
    const struct route *route;
    const char *capture;
    char allow[128]; /* the methods of a path that does not take this one */
    struct target target;
    struct error refused; /* why the target could not be read; code 0: it could */
    bool begun;           /* its header has been looked at                      */
    char *body;
    size_t body_size, body_room, body_ignored;

    bool answered;
    struct MHD_Response *response; /* NULL although answered: there was no memory for it */
    unsigned status;
    struct {
        const char *name, *value;
    } header[REQUEST_HEADERS_MAX];
    bool takes_pieces; /* HTTP/1.1 or later */
    struct stream stream;
    void *kept; /* until the request is over */
    void (*free_kept)(void *kept);

    bool suspended;
    struct request *next, **link; /* in admin->waiting; link is NULL when it does not wait */
    uint64_t deadline;
    void (*give_up)(struct request *r, void *arg);
    void *arg;
    void (*named)(struct request *r, const char *name);
};

enum admin_state { ADMIN_SERVING, ADMIN_DRAINING, ADMIN_CLOSING };

struct admin {
    uv_loop_t *loop;
    struct admin_ports ports;
    enum admin_state state;
    uint64_t drain_until;
    struct listener *listener;
    struct MHD_Daemon *http;
    int epoll_fd; /* libmicrohttpd's */
    int spare_fd; /* given up for a moment when descriptors run out */
    uv_poll_t accept_poll, http_poll;
    uv_timer_t run_timer;  /* libmicrohttpd's own next time */
    uv_idle_t again;       /* it has something to do in the loop's next turn */
    uv_timer_t tick_timer; /* while there are connections   */
    int handles;           /* not closed yet                */
    struct connection *connections;
    struct request *waiting; /* suspended, each with its deadline */
    struct names *names;
    struct triggers *triggers;
    struct admin_stats stats;
    void (*closed)(void *arg);
    void *closed_arg;
};

/* ---- server.c ---- */

/* Has libmicrohttpd run in a later turn. */
void admin_kick(struct admin *a);

/* ---- connections.c ---- */

/* Somebody would be refused now. */
bool connections_are_full(const struct admin *a);
/* Takes all connections that wait, within the caps. */
void connections_accept(struct admin *a);
void connections_sweep(struct admin *a);    /* ends those past their deadline */
void connections_end_idle(struct admin *a); /* those without a request        */
void connection_set_deadline(struct connection *c, uint64_t ms);
/* The client has SEND_MS to read anything at all of what it has been sent. */
void connection_await_reader(struct connection *c);
void connection_notify(void *arg, struct MHD_Connection *http, void **context,
                       enum MHD_ConnectionNotificationCode code);

/* ---- request.c ---- */

/* Answers with what libmicrohttpd makes of it; takes `response`, NULL closes the connection. */
void request_respond(struct request *r, unsigned status, const char *type,
                     struct MHD_Response *response);
void request_resume(struct request *r);  /* harmless when it is not suspended */
void request_give_up(struct request *r); /* one that waits */
void requests_sweep(struct admin *a);    /* gives up those past their deadline; all when draining */
void requests_named(void *arg, uid_t uid);

/* ---- stream.c ---- */

void stream_free(struct stream *s);

/* ---- exchange.c ---- */

void *request_begin(void *arg, const char *uri, struct MHD_Connection *http);
enum MHD_Result request_step(void *arg, struct MHD_Connection *http, const char *url,
                             const char *method, const char *version, const char *data,
                             size_t *size, void **state);
void request_end(void *arg, struct MHD_Connection *http, void **state,
                 enum MHD_RequestTerminationCode code);

#endif
