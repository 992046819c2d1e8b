/* A request on its way through libmicrohttpd: it calls for the header, for each piece of the body,
 * at the end, and again when a suspended connection is resumed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "admin/core.h"
#include "admin/forms.h"
#include "admin/problem.h"
#include "admin/routes.h"
#include "log.h"

/* More than this of a body that is too large is not even read to its end. */
enum { BODY_IGNORED_MAX = 1024 * 1024 };

void *request_begin(void *arg, const char *uri, struct MHD_Connection *http)
{
    struct admin *a = arg;
    struct request *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    r->admin = a;
    r->http = http;
    target_parse(uri, &r->target, &r->refused);
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(http, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    r->connection = info != NULL ? info->socket_context : NULL;
    if (r->connection == NULL) {
        free(r);
        return NULL;
    }
    r->connection->busy = true;
    connection_set_deadline(r->connection, READ_MS);
    return r;
}

static bool is_json_type(const char *type)
{
    static const char json[] = "application/json";
    size_t n = sizeof json - 1;
    return strncasecmp(type, json, n) == 0 && (type[n] == '\0' || strchr("; \t", type[n]) != NULL);
}

static enum MHD_Result count_header(void *arg, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    int *lengths = arg;
    (void)kind, (void)value;
    *lengths += strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0 ||
                strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0;
    return MHD_YES;
}

/* A body whose end is told twice is a trick: somebody in between may have seen another end. */
static bool has_one_length(const struct request *r)
{
    int lengths = 0;
    MHD_get_connection_values(r->http, MHD_HEADER_KIND, count_header, &lengths);
    return lengths <= 1;
}

/* Only JSON may come in.  No body and no type is fine: a request that needs none. */
static bool body_is_welcome(struct request *r, const char *method)
{
    const char *type = request_header(r, MHD_HTTP_HEADER_CONTENT_TYPE);
    const char *length = request_header(r, MHD_HTTP_HEADER_CONTENT_LENGTH);
    bool chunked = request_header(r, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL;
    unsigned long long size = length != NULL ? strtoull(length, NULL, 10) : 0;
    bool takes_body = strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0;
    if (!has_one_length(r)) {
        request_problem(r, 400, "the body's length is told twice");
        return false;
    }
    if (size > BODY_MAX) {
        request_problem(r, 413, "the body has %s bytes, at most %d are taken", length, BODY_MAX);
        return false;
    }
    if (takes_body && (type != NULL ? !is_json_type(type) : chunked || size > 0)) {
        request_problem(r, 415, "Content-Type: '%.60s' is not application/json",
                        type != NULL ? type : "");
        return false;
    }
    return true;
}

/* Everything that can be said before the body is read.  True when the handler may run. */
static bool admit(struct request *r, const char *method)
{
    if (r->refused.code != 0) {
        request_problem(r, r->refused.code == EMSGSIZE ? 414 : 400, "%s", r->refused.msg);
        return false;
    }
    r->route = route_find(method, &r->target, &r->capture, r->allow);
    if (r->route == NULL && r->allow[0] == '\0') {
        request_problem(r, 404, "there is no such path; GET / lists what there is");
        return false;
    }
    if (r->route == NULL) {
        request_set_header(r, MHD_HTTP_HEADER_ALLOW, r->allow);
        request_problem(r, 405, "%.16s is not possible here, only %s", method, r->allow);
        return false;
    }
    const char *unknown = route_unknown_parameter(r->route, &r->target);
    if (unknown != NULL) {
        json_t *errors = json_array();
        problem_add(errors, unknown, "there is no such query parameter here");
        request_invalid(r, errors);
        return false;
    }
    return body_is_welcome(r, method);
}

/* A client that is still sending would take an early answer and the end of the connection for a
 * fault: what is refused is read first, unless that would never end.  One that asks before it sends
 * (Expect: 100-continue) is told at once. */
static bool too_long_to_ignore(const struct request *r)
{
    const char *length = request_header(r, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return request_header(r, MHD_HTTP_HEADER_EXPECT) != NULL ||
           (length != NULL && strtoull(length, NULL, 10) > BODY_IGNORED_MAX);
}

static enum MHD_Result take_body(struct request *r, const char *data, size_t *size)
{
    size_t n = *size;
    *size = 0;
    if (r->answered || r->body_ignored > 0 || n > BODY_MAX - r->body_size) {
        r->body_ignored += n;
        return r->body_ignored > BODY_IGNORED_MAX ? MHD_NO : MHD_YES;
    }
    if (r->body_size + n > r->body_room) {
        size_t room = r->body_size + n < 1024 ? 1024 : (r->body_size + n) * 2;
        char *body = realloc(r->body, room);
        if (body == NULL)
            return MHD_NO;
        r->body = body;
        r->body_room = room;
    }
    memcpy(r->body + r->body_size, data, n);
    r->body_size += n;
    return MHD_YES;
}

/* Who has changed what, or tried to. */
static void note_change(const struct request *r)
{
    char uid[32];
    if (r->route == NULL || strcmp(r->route->method, MHD_HTTP_METHOD_GET) == 0)
        return;
    const char *name = names_find(r->admin->names, r->connection->uid);
    snprintf(uid, sizeof uid, "uid %ld", (long)r->connection->uid);
    log_line(LOG_INFO, "admin", "%s %s%s%s by %s: %u", r->route->method, r->route->path,
             r->capture != NULL ? " of " : "", r->capture != NULL ? r->capture : "",
             name != NULL ? name : uid, r->status);
}

static enum MHD_Result send_answer(struct request *r)
{
    if (r->response == NULL)
        return MHD_NO;
    note_change(r);
    connection_set_deadline(r->connection, SEND_MS);
    return MHD_queue_response(r->http, r->status, r->response);
}

/* The whole request is here. */
static enum MHD_Result handle(struct request *r)
{
    connection_set_deadline(r->connection, 0);
    if (r->body_ignored > 0)
        request_problem(r, 413, "the body has more than %d bytes", BODY_MAX);
    else if (r->admin->state != ADMIN_SERVING)
        request_overdue(r);
    else
        r->route->handle(r);
    if (r->link == NULL)
        return send_answer(r);
    r->suspended = true;
    MHD_suspend_connection(r->http);
    return MHD_YES;
}

/* Called for the header, for each piece of the body, at its end, and when resumed. */
enum MHD_Result request_step(void *arg, struct MHD_Connection *http, const char *url,
                             const char *method, const char *version, const char *data,
                             size_t *size, void **state)
{
    struct request *r = *state;
    (void)arg, (void)http, (void)url;
    if (r == NULL)
        return MHD_NO;
    if (!r->begun) {
        r->begun = true;
        r->takes_pieces = strcmp(version, MHD_HTTP_VERSION_1_1) == 0;
        return admit(r, method) || !too_long_to_ignore(r) ? MHD_YES : send_answer(r);
    }
    if (*size > 0)
        return take_body(r, data, size);
    return r->answered ? send_answer(r) : handle(r);
}

void request_end(void *arg, struct MHD_Connection *http, void **state,
                 enum MHD_RequestTerminationCode code)
{
    struct request *r = *state;
    (void)arg, (void)http, (void)code;
    *state = NULL;
    if (r == NULL)
        return;
    r->suspended = false;
    while (r->link != NULL)
        request_give_up(r);
    if (r->response != NULL)
        MHD_destroy_response(r->response);
    r->connection->busy = false;
    r->connection->served = true;
    connection_set_deadline(r->connection, IDLE_MS);
    if (r->kept != NULL)
        r->free_kept(r->kept);
    stream_free(&r->stream);
    free(r->body);
    free(r);
}
