#include "admin/request.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "admin/core.h"
#include "admin/forms.h"
#include "admin/problem.h"
#include "admin/routes.h"

/* How long a name service may keep a request. */
enum { NAME_MS = 1000 };

/* More than this of a body that is too large is not even read to its end. */
enum { BODY_IGNORED_MAX = 1024 * 1024 };

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
    } header[2];

    bool suspended;
    struct request *next, **link; /* in admin->waiting; link is NULL when it does not wait */
    uint64_t deadline;
    void (*give_up)(struct request *r, void *arg);
    void *arg;
    void (*named)(struct request *r, const char *name);
};

/* ---- what was asked ------------------------------------------------------------------- */

struct admin *request_admin(const struct request *r)
{
    return r->admin;
}

const struct admin_ports *request_ports(const struct request *r)
{
    return &r->admin->ports;
}

const struct target *request_target(const struct request *r)
{
    return &r->target;
}

const char *request_capture(const struct request *r)
{
    return r->capture;
}

const char *request_body(const struct request *r, size_t *size)
{
    *size = r->body_size;
    return r->body;
}

const char *request_header(const struct request *r, const char *name)
{
    return MHD_lookup_connection_value(r->http, MHD_HEADER_KIND, name);
}

uid_t request_uid(const struct request *r)
{
    return r->connection->uid;
}

/* ---- answering ------------------------------------------------------------------------ */

static void set_headers(struct request *r, const char *type)
{
    MHD_add_response_header(r->response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(r->response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(r->response, "X-Content-Type-Options", "nosniff");
    if (r->admin->state != ADMIN_SERVING)
        MHD_add_response_header(r->response, MHD_HTTP_HEADER_CONNECTION, "close");
    for (size_t i = 0; i < 2 && r->header[i].name != NULL; i++)
        MHD_add_response_header(r->response, r->header[i].name, r->header[i].value);
}

/* Takes `text`.  When libmicrohttpd has no memory for an answer the connection is closed. */
static void respond(struct request *r, unsigned status, const char *type, char *text, size_t size)
{
    request_stop_waiting(r);
    if (r->answered) {
        free(text);
        return;
    }
    r->answered = true;
    r->response = MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_FREE);
    if (r->response == NULL)
        free(text);
    else
        set_headers(r, type);
    r->status = status;
    r->admin->stats.answers[status / 100 < 6 ? status / 100 : 0]++;
    if (r->suspended) {
        r->suspended = false;
        MHD_resume_connection(r->http);
        admin_kick(r->admin);
    }
}

void request_answer(struct request *r, unsigned status, const char *type, char *text)
{
    if (text == NULL) {
        text = strdup("{\"status\":500,\"title\":\"Internal Server Error\","
                      "\"detail\":\"out of memory\"}");
        status = 500;
        type = PROBLEM_TYPE;
    }
    respond(r, status, type, text, text != NULL ? strlen(text) : 0);
}

void request_answer_copy(struct request *r, unsigned status, const char *type, const char *text,
                         size_t size)
{
    char *copy = malloc(size + 1);
    if (copy == NULL) {
        request_answer(r, 500, type, NULL);
        return;
    }
    memcpy(copy, text, size);
    respond(r, status, type, copy, size);
}

void request_answer_json(struct request *r, unsigned status, json_t *value)
{
    char *text = value == NULL ? NULL : json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(15));
    json_decref(value);
    request_answer(r, status, "application/json", text);
}

void request_problem(struct request *r, unsigned status, const char *format, ...)
{
    char detail[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    if (status == 503)
        request_set_header(r, MHD_HTTP_HEADER_RETRY_AFTER, "5");
    request_answer(r, status, PROBLEM_TYPE, problem_text(status, detail, NULL));
}

void request_invalid(struct request *r, json_t *errors)
{
    const json_t *first = json_array_get(errors, 0);
    const char *field = json_string_value(json_object_get(first, "field"));
    const char *message = json_string_value(json_object_get(first, "message"));
    char detail[1024];
    size_t more = json_array_size(errors) - 1;
    snprintf(detail, sizeof detail, "%s: %s", field != NULL ? field : "request",
             message != NULL ? message : "is wrong");
    if (json_array_size(errors) > 1)
        snprintf(detail, sizeof detail, "%s: %s (and %zu more)", field != NULL ? field : "request",
                 message != NULL ? message : "is wrong", more);
    request_answer(r, 422, PROBLEM_TYPE, problem_text(422, detail, errors));
    json_decref(errors);
}

void request_set_header(struct request *r, const char *name, const char *value)
{
    size_t i = r->header[0].name == NULL || strcmp(r->header[0].name, name) == 0 ? 0 : 1;
    r->header[i].name = name;
    r->header[i].value = value;
}

/* ---- answering later ------------------------------------------------------------------ */

void request_wait(struct request *r, uint64_t ms, void (*give_up)(struct request *r, void *arg),
                  void *arg)
{
    request_stop_waiting(r);
    r->deadline = uv_now(r->admin->loop) + ms;
    r->give_up = give_up;
    r->arg = arg;
    r->link = &r->admin->waiting;
    r->next = r->admin->waiting;
    if (r->next != NULL)
        r->next->link = &r->next;
    r->admin->waiting = r;
}

void request_stop_waiting(struct request *r)
{
    if (r->link == NULL)
        return;
    *r->link = r->next;
    if (r->next != NULL)
        r->next->link = r->link;
    r->link = NULL;
}

void request_overdue(struct request *r)
{
    if (r->admin->state != ADMIN_SERVING)
        request_problem(r, 503, "walltrackd is stopping");
    else
        request_problem(r, 504, "no answer came in time");
}

struct request *request_waiting_for(struct admin *a, const void *arg)
{
    struct request *r = a->waiting;
    while (r != NULL && r->arg != arg)
        r = r->next;
    return r;
}

static void give_up(struct request *r)
{
    request_stop_waiting(r);
    r->give_up(r, r->arg);
}

void requests_sweep(struct admin *a)
{
    uint64_t now = uv_now(a->loop);
    struct request *r = a->waiting;
    while (r != NULL) {
        if (a->state == ADMIN_SERVING && now < r->deadline) {
            r = r->next;
            continue;
        }
        a->stats.overdue += a->state == ADMIN_SERVING;
        give_up(r);
        r = a->waiting; /* giving up may have answered others, or begun another wait */
    }
}

static void go_on_with(struct request *r, const char *name)
{
    void (*next)(struct request *, const char *) = r->named;
    r->named = NULL;
    request_stop_waiting(r);
    next(r, name);
}

static void give_up_name(struct request *r, void *arg)
{
    char name[32];
    (void)arg;
    if (r->admin->state != ADMIN_SERVING) {
        request_overdue(r);
        return;
    }
    snprintf(name, sizeof name, "uid %ld", (long)request_uid(r));
    go_on_with(r, name);
}

void request_with_name(struct request *r, void (*next)(struct request *r, const char *name))
{
    const char *name = names_find(r->admin->names, request_uid(r));
    if (name != NULL) {
        next(r, name);
        return;
    }
    r->named = next;
    request_wait(r, NAME_MS, give_up_name, r->admin->names);
}

void requests_named(void *arg, uid_t uid)
{
    struct admin *a = arg;
    struct request *r = a->waiting;
    while (r != NULL) {
        if (r->named == NULL || request_uid(r) != uid) {
            r = r->next;
            continue;
        }
        go_on_with(r, names_find(a->names, uid));
        r = a->waiting;
    }
}

/* ---- through libmicrohttpd's callbacks ------------------------------------------------ */

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

/* Only JSON may come in.  No body and no type is fine: a request that needs none. */
static bool body_is_welcome(struct request *r, const char *method)
{
    const char *type = request_header(r, MHD_HTTP_HEADER_CONTENT_TYPE);
    const char *length = request_header(r, MHD_HTTP_HEADER_CONTENT_LENGTH);
    bool chunked = request_header(r, MHD_HTTP_HEADER_TRANSFER_ENCODING) != NULL;
    unsigned long long size = length != NULL ? strtoull(length, NULL, 10) : 0;
    bool takes_body = strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0;
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

static enum MHD_Result take_body(struct request *r, const char *data, size_t *size)
{
    size_t n = *size;
    *size = 0;
    if (r->body_ignored > 0 || n > BODY_MAX - r->body_size) {
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

static enum MHD_Result send_answer(struct request *r)
{
    if (r->response == NULL)
        return MHD_NO;
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
    (void)arg, (void)http, (void)url, (void)version;
    if (r == NULL)
        return MHD_NO;
    if (!r->begun) {
        r->begun = true;
        return admit(r, method) ? MHD_YES : send_answer(r);
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
        give_up(r);
    if (r->response != NULL)
        MHD_destroy_response(r->response);
    r->connection->busy = false;
    connection_set_deadline(r->connection, IDLE_MS);
    free(r->body);
    free(r);
}
