#include "admin/trigger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "admin/core.h"
#include "admin/forms.h"
#include "admin/routes.h"

enum {
    KEYS_MAX = 1000,
    KEY_LENGTH_MAX = 200,
    KEEP_MS = 24 * 3600 * 1000,
    DURABLE_MS = 10000 /* for a start to reach the disk */
};

/* One start of a run, from its acceptance until it is durable, or, with a key, longer. */
struct start {
    struct triggers *owner; /* NULL when the API was closed meanwhile */
    struct start *next;     /* newest first                           */
    char *key;              /* NULL: not to be remembered             */
    uid_t uid;
    struct run_form form;
    wt_uuid run_id;
    bool durable;
    uint64_t since; /* by uv_now() */
};

struct triggers {
    struct admin *admin;
    struct start *starts;
    size_t count;
};

/* ---- the starts ----------------------------------------------------------------------- */

static void start_free(struct start *s)
{
    if (s == NULL)
        return;
    free(s->key);
    free(s);
}

static void forget(struct triggers *t, struct start *s)
{
    struct start **link = &t->starts;
    while (*link != s)
        link = &(*link)->next;
    *link = s->next;
    t->count--;
    start_free(s);
}

/* Drops what is too old; with the table full, also the oldest that is durable. */
static void make_room(struct triggers *t)
{
    uint64_t now = uv_now(t->admin->loop);
    struct start *oldest = NULL;
    struct start *next;
    for (struct start *s = t->starts; s != NULL; s = next) {
        next = s->next;
        if (s->durable && now - s->since >= KEEP_MS)
            forget(t, s);
        else if (s->durable)
            oldest = s;
    }
    if (t->count >= KEYS_MAX && oldest != NULL)
        forget(t, oldest);
}

static struct start *find(struct triggers *t, const char *key, uid_t uid)
{
    uint64_t now = uv_now(t->admin->loop);
    for (struct start *s = t->starts; s != NULL; s = s->next)
        if (s->key != NULL && s->uid == uid && strcmp(s->key, key) == 0 &&
            !(s->durable && now - s->since >= KEEP_MS))
            return s;
    return NULL;
}

struct triggers *triggers_new(struct admin *a)
{
    struct triggers *t = calloc(1, sizeof *t);
    if (t != NULL)
        t->admin = a;
    return t;
}

void triggers_free(struct triggers *t)
{
    struct start *next;
    if (t == NULL)
        return;
    for (struct start *s = t->starts; s != NULL; s = next) {
        next = s->next;
        s->owner = NULL;
        if (s->durable)
            start_free(s);
    }
    free(t);
}

/* ---- answering ------------------------------------------------------------------------ */

static void answer_started(struct request *r, const wt_uuid *id)
{
    char text[37];
    wt_uuid_text(id, text);
    request_answer_json(r, 200,
                        json_pack("{s:s, s:s, s:s}", "run_id", text, "status", "started", "message",
                                  "Discovery run started"));
}

static void answer_refused(struct request *r, const struct error *err)
{
    request_problem(r, err->code == EBUSY ? 409 : err->code == ENOMEM ? 500 : 503, "%s", err->msg);
}

static void give_up(struct request *r, void *arg)
{
    const struct start *s = arg;
    char text[37];
    wt_uuid_text(&s->run_id, text);
    request_problem(r, 503, "run %s is accepted and still waits for the disk", text);
}

static void on_started(void *arg, const wt_uuid *id, const struct error *err)
{
    struct start *s = arg;
    struct triggers *t = s->owner;
    if (t == NULL) {
        start_free(s);
        return;
    }
    struct request *r;
    while ((r = request_waiting_for(t->admin, s)) != NULL) {
        if (err == NULL)
            answer_started(r, id);
        else
            answer_refused(r, err);
    }
    s->durable = true;
    if (err != NULL || s->key == NULL)
        forget(t, s);
}

/* ---- POST /api/discovery/run ---------------------------------------------------------- */

static void start_run(struct request *r, const struct run_form *form, const char *key,
                      const char *user)
{
    struct triggers *t = request_admin(r)->triggers;
    struct error err;
    make_room(t);
    struct start *s = calloc(1, sizeof *s);
    if (s == NULL || (key != NULL && (s->key = strdup(key)) == NULL)) {
        start_free(s);
        request_problem(r, 500, "out of memory");
        return;
    }
    s->owner = t;
    s->uid = request_uid(r);
    s->form = *form;
    s->since = uv_now(t->admin->loop);
    const struct run_request wanted = {
        .trigger = form->has_trigger ? form->trigger : (uint8_t)WT_TRIGGER_MANUAL,
        .triggered_by = form->triggered_by[0] != '\0' ? form->triggered_by : user,
        .slot_at_us = WT_NO_TIME,
        .params = form->params,
        .profile_immediately = form->profile_immediately,
    };
    if (runs_start(request_ports(r)->runs, &wanted, on_started, s, &s->run_id, &err) != 0) {
        start_free(s);
        answer_refused(r, &err);
        return;
    }
    s->next = t->starts;
    t->starts = s;
    t->count++;
    request_wait(r, DURABLE_MS, give_up, s);
}

static bool is_key(const char *key)
{
    size_t n = strlen(key);
    for (size_t i = 0; i < n; i++)
        if (key[i] < 0x21 || key[i] > 0x7e)
            return false;
    return n >= 1 && n <= KEY_LENGTH_MAX;
}

static void repeat(struct request *r, struct start *s, const struct run_form *form)
{
    if (memcmp(&s->form, form, sizeof *form) != 0)
        request_problem(r, 422, "Idempotency-Key: '%s' was used before with another body", s->key);
    else if (s->durable)
        answer_started(r, &s->run_id);
    else
        request_wait(r, DURABLE_MS, give_up, s);
}

static void post(struct request *r, const char *user)
{
    size_t size;
    const char *bytes = request_body(r, &size);
    const char *key = request_header(r, "Idempotency-Key");
    struct error err;
    struct run_form form;
    json_t *body;
    if (key != NULL && !is_key(key)) {
        request_problem(r, 422, "Idempotency-Key: it must have 1 to %d visible ASCII characters",
                        KEY_LENGTH_MAX);
        return;
    }
    if (form_parse(bytes, size, &body, &err) != 0) {
        request_problem(r, err.code == EPROTO ? 422 : 400, "%s", err.msg);
        return;
    }
    json_t *errors = json_array();
    bool good = run_form_read(body, &form, errors);
    json_decref(body);
    if (!good) {
        request_invalid(r, errors);
        return;
    }
    json_decref(errors);
    struct start *before =
        key != NULL ? find(request_admin(r)->triggers, key, request_uid(r)) : NULL;
    if (before != NULL)
        repeat(r, before, &form);
    else
        start_run(r, &form, key, user);
}

void trigger_post(struct request *r)
{
    request_with_name(r, post);
}
