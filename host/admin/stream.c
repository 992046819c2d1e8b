/* libmicrohttpd asks for bytes when it has sent those before.  Until there are some the connection
 * is suspended, as one that waits for its answer is; so the same deadlines and the same end hold.
 */
#include "admin/stream.h"

#include "admin/core.h"

/* A longer piece than usual leaves a long buffer, which is not kept. */
enum { BUFFER_KEPT = 8 * STREAM_PIECE };

static void empty(struct stream *s)
{
    if (s->text->allocated_len > BUFFER_KEPT) {
        g_string_free(s->text, TRUE);
        s->text = g_string_new(NULL);
    }
    g_string_truncate(s->text, 0);
    s->sent = 0;
}

static void on_too_late(struct request *r, void *arg)
{
    (void)arg;
    r->stream.failed = true;
    r->stream.source->give_up(r->stream.arg);
    stream_wake(r);
}

/* Lets the client wait; nothing more is begun when the host stops. */
static ssize_t wait_for_more(struct request *r)
{
    if (r->admin->state != ADMIN_SERVING) {
        r->stream.source->give_up(r->stream.arg);
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    connection_set_deadline(r->connection, 0);
    request_wait(r, r->stream.later_ms, on_too_late, r);
    r->suspended = true;
    MHD_suspend_connection(r->http);
    return 0;
}

/* Gives libmicrohttpd what is next; the usual deadline is for the client to take it. */
static ssize_t give(struct request *r, char *out, size_t room)
{
    struct stream *s = &r->stream;
    size_t left = s->text->len - s->sent;
    size_t n = left < room ? left : room;
    memcpy(out, s->text->str + s->sent, n);
    s->sent += n;
    connection_await_reader(r->connection);
    return (ssize_t)n;
}

static ssize_t on_wanted(void *arg, uint64_t position, char *out, size_t room)
{
    struct request *r = arg;
    struct stream *s = &r->stream;
    (void)position;
    if (s->sent < s->text->len)
        return give(r, out, room);
    empty(s);
    switch (s->failed ? STREAM_FAILED : s->source->fill(s->arg, s->text)) {
    case STREAM_MORE:
        return give(r, out, room);
    case STREAM_LATER:
        return wait_for_more(r);
    case STREAM_END:
        connection_await_reader(r->connection);
        return MHD_CONTENT_READER_END_OF_STREAM;
    case STREAM_FAILED:
        break;
    }
    return MHD_CONTENT_READER_END_WITH_ERROR;
}

void request_stream(struct request *r, const char *type, const struct stream_source *source,
                    void *arg, uint64_t later_ms)
{
    if (!r->takes_pieces) {
        request_problem(r, 505, "this answer needs HTTP/1.1");
        return;
    }
    r->stream = (struct stream){source, arg, later_ms, g_string_new(NULL), 0, false};
    request_respond(
        r, 200, type,
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_PIECE, on_wanted, r, NULL));
}

void stream_wake(struct request *r)
{
    request_stop_waiting(r);
    request_resume(r);
}

void stream_free(struct stream *s)
{
    if (s->text != NULL)
        g_string_free(s->text, TRUE);
    s->text = NULL;
}
