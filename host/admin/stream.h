/* stream.h: an answer of any length, made while the client reads it.
 *
 * Promise: nothing more is made than the client has room for; an answer that cannot be finished
 *          has no end either, so that the client sees that it is not whole.
 * Thread:  loop thread only.
 * Knows:   libmicrohttpd, request.  Not: what is answered.
 */
#ifndef ADMIN_STREAM_H
#define ADMIN_STREAM_H

#include <glib.h>

#include "admin/request.h"

enum stream_state {
    STREAM_MORE,  /* there is some; ask again when it has been sent */
    STREAM_LATER, /* nothing yet: stream_wake() will come           */
    STREAM_END,   /* that was all                                   */
    STREAM_FAILED /* there is more, and it cannot be had            */
};

/* About so many bytes are wanted at a time. */
enum { STREAM_PIECE = 8192 };

struct stream_source {
    /* Appends to `out`, which is empty; at least a byte for STREAM_MORE. */
    enum stream_state (*fill)(void *arg, GString *out);
    /* What was promised for later has taken too long, or nobody wants it any more. */
    void (*give_up)(void *arg);
};

/* Answers 200.  `source` and `arg` must live as long as the request: see request_keep().  A client
 * that cannot be told in pieces (HTTP/1.0) is answered 505. */
void request_stream(struct request *r, const char *type, const struct stream_source *source,
                    void *arg, uint64_t later_ms);

/* fill() is to be asked again; harmless when nobody waits. */
void stream_wake(struct request *r);

#endif
