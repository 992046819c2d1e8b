/* request.h: one request, from its first line to its answer, as a handler sees it.
 *
 * Promise: a request is answered exactly once: by its handler, by whoever it waits for, or by its
 *          deadline.  After request_answer…() a handler does not touch it again.
 * Thread:  loop thread only.
 * Knows:   libmicrohttpd.  Not: what is asked.
 */
#ifndef ADMIN_REQUEST_H
#define ADMIN_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/types.h>

#include <jansson.h>

#include "admin/server.h"
#include "admin/target.h"

struct request;
struct route;

/* ---- what was asked; all borrowed ---- */

const struct admin_ports *request_ports(const struct request *r);
struct admin *request_admin(const struct request *r);
const struct route *request_route(const struct request *r);
const struct target *request_target(const struct request *r);
const char *request_capture(const struct request *r); /* the path's {id} or {name}, or NULL */
const char *request_body(const struct request *r, size_t *size);
const char *request_header(const struct request *r, const char *name);
uid_t request_uid(const struct request *r); /* of the peer, as it was when it connected */

/* ---- answering ---- */

/* `text` is malloc'd and taken; NULL (out of memory) answers 500. */
void request_answer(struct request *r, unsigned status, const char *type, char *text);
void request_answer_copy(struct request *r, unsigned status, const char *type, const char *text,
                         size_t size);
/* Takes `value`; NULL (out of memory) answers 500. */
void request_answer_json(struct request *r, unsigned status, json_t *value);
void request_problem(struct request *r, unsigned status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* 422 with all fields; takes `errors`. */
void request_invalid(struct request *r, json_t *errors);

/* A header of the answer, set before it is given.  At most four; both texts must live until
 * then. */
void request_set_header(struct request *r, const char *name, const char *value);

/* `what` belongs to the request from now on; `free` is called when that is over, whatever became of
 * it.  One for a request. */
void request_keep(struct request *r, void *what, void (*free)(void *what));

/* ---- answering later ---- */

/* The handler returns without an answer; somebody will give it.  After `ms`, or when the host
 * stops, `give_up` is called instead: it undoes what was begun, so that no answer comes later,
 * and answers (request_overdue() has the usual words).  `arg` tells what is waited for. */
void request_wait(struct request *r, uint64_t ms, void (*give_up)(struct request *r, void *arg),
                  void *arg);
void request_stop_waiting(struct request *r);
void request_overdue(struct request *r); /* 504, or 503 when the host stops */

/* The first request that waits with this `arg`, or NULL. */
struct request *request_waiting_for(struct admin *a, const void *arg);

/* Calls `next` with the peer's user name, at once or later; a name service that is slow costs a
 * second at most, then it is "uid 1000". */
void request_with_name(struct request *r, void (*next)(struct request *r, const char *name));

#endif
