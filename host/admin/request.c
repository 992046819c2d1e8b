#include "admin/request.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/core.h"
#include "admin/problem.h"

/* How long a name service may keep a request. */
enum { NAME_MS = 1000 };

/* ---- what was asked ------------------------------------------------------------------- */

struct admin *request_admin(const struct request *r)
{
    return r->admin;
}

const struct admin_ports *request_ports(const struct request *r)
{
    return &r->admin->ports;
}

const struct route *request_route(const struct request *r)
{
    return r->route;
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
    for (size_t i = 0; i < REQUEST_HEADERS_MAX && r->header[i].name != NULL; i++)
        MHD_add_response_header(r->response, r->header[i].name, r->header[i].value);
}

void request_resume(struct request *r)
{
    if (!r->suspended)
        return;
    r->suspended = false;
    MHD_resume_connection(r->http);
    admin_kick(r->admin);
}

/* When libmicrohttpd has no memory for an answer the connection is closed. */
void request_respond(struct request *r, unsigned status, const char *type,
                     struct MHD_Response *response)
{
    request_stop_waiting(r);
    if (r->answered) {
        if (response != NULL)
            MHD_destroy_response(response);
        return;
    }
    r->answered = true;
    r->response = response;
    r->status = status;
    if (response != NULL)
        set_headers(r, type);
    r->admin->stats.answers[status / 100 < 6 ? status / 100 : 0]++;
    request_resume(r);
}

/* Takes `text`. */
static void respond(struct request *r, unsigned status, const char *type, char *text, size_t size)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_FREE);
    if (response == NULL)
        free(text);
    request_respond(r, status, type, response);
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
    size_t i = 0;
    while (i < REQUEST_HEADERS_MAX && r->header[i].name != NULL &&
           strcmp(r->header[i].name, name) != 0)
        i++;
    assert(i < REQUEST_HEADERS_MAX);
    r->header[i].name = name;
    r->header[i].value = value;
}

void request_keep(struct request *r, void *what, void (*free_what)(void *what))
{
    assert(r->kept == NULL);
    r->kept = what;
    r->free_kept = free_what;
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

void request_give_up(struct request *r)
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
        request_give_up(r);
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
