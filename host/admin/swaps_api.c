/* Orders to change a plugin's build, and what became of them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "admin/forms.h"
#include "admin/live.h"
#include "admin/problem.h"
#include "admin/request.h"
#include "admin/routes.h"
#include "plugin/swap.h"

enum { VERDICT_MS = 30000 }; /* how long an order's verdict is waited for */

/* A request that waits for a verdict. */
struct wait {
    struct swap_listener listener;
    struct request *request;
    uint64_t id;
    bool waiting; /* request_wait() has been called */
};

/* ---- answers ---- */

/* Refused, rolled back, superseded, cancelled: as a problem, with the order. */
static void answer_problem(struct request *r, const struct swap *s)
{
    bool conflict = s->verdict == VERDICT_SUPERSEDED || s->verdict == VERDICT_CANCELLED;
    unsigned status = conflict ? 409 : 422;
    char *sentence = swap_sentence(s);
    json_t *swap = swap_json(s);
    json_t *body = json_pack("{s:i, s:s, s:o, s:s, s:O, s:O, s:o}", "status", (int)status, "title",
                             problem_title(status), "detail", live_text(sentence), "verdict",
                             swap_verdict_name(s->verdict), "step", json_object_get(swap, "step"),
                             "reason", json_object_get(swap, "reason"), "swap", swap);
    free(sentence);
    request_answer(r, status, PROBLEM_TYPE, body != NULL ? json_dumps(body, JSON_COMPACT) : NULL);
    json_decref(body);
}

static void answer_verdict(struct request *r, const struct swap *s)
{
    if (s->verdict == VERDICT_LIVE)
        request_answer_json(r, 200, swap_json(s));
    else
        answer_problem(r, s);
}

/* The order of that number, as JSON (a new reference), or NULL. */
static json_t *find_order(const struct plugins *plugins, size_t i, uint64_t id)
{
    json_t *all = plugins_swaps(plugins, i), *found = NULL, *one;
    size_t k;
    json_array_foreach (all, k, one)
        if ((uint64_t)json_integer_value(json_object_get(one, "id")) == id)
            found = json_incref(one);
    json_decref(all);
    return found;
}

static json_t *find_anywhere(const struct plugins *plugins, uint64_t id)
{
    json_t *found = NULL;
    for (size_t i = 0; i < plugins_count(plugins) && found == NULL; i++)
        found = find_order(plugins, i, id);
    return found;
}

static void answer_accepted(struct request *r, uint64_t id)
{
    request_answer_json(r, 202, find_anywhere(request_ports(r)->plugins, id));
}

/* ---- orders ---- */

static void on_answered(void *arg, const struct swap *s)
{
    struct wait *w = arg;
    struct request *r = w->request;
    if (w->waiting)
        request_stop_waiting(r);
    free(w);
    answer_verdict(r, s);
}

static void give_up(struct request *r, void *arg)
{
    struct wait *w = arg;
    uint64_t id = w->id;
    swap_stop_listening(&w->listener);
    free(w);
    answer_accepted(r, id);
}

static bool wants_no_wait(const struct request *r)
{
    const char *prefer = request_header(r, "Prefer");
    return prefer != NULL && strstr(prefer, "respond-async") != NULL;
}

/* Orders, by `path` or (NULL) back, and answers with the verdict. */
static void order(struct request *r, const struct swap_order *o)
{
    struct plugins *plugins = request_ports(r)->plugins;
    const char *name = request_capture(r);
    struct error err;
    uint64_t id;
    bool async = wants_no_wait(r);
    struct wait *w = async ? NULL : calloc(1, sizeof *w);
    if (w == NULL && !async) {
        request_problem(r, 500, "out of memory");
        return;
    }
    if (w != NULL)
        *w = (struct wait){.listener = {.answered = on_answered, .arg = w}, .request = r};
    struct swap_listener *listener = w != NULL ? &w->listener : NULL;
    int status = o->path != NULL ? plugins_swap(plugins, name, o, listener, &id, &err)
                                 : plugins_roll_back(plugins, name, o->by, listener, &id, &err);
    if (status != 0) {
        free(w);
        request_problem(r, 409, "%s", err.msg);
    } else if (async) {
        answer_accepted(r, id);
    } else {
        w->id = id;
        w->waiting = true;
        request_wait(r, VERDICT_MS, give_up, w);
    }
}

/* Reads the body of a PUT; false when it has answered. */
static bool read_order(struct request *r, json_t *body, struct swap_order *out)
{
    json_t *errors = json_array();
    const char *key;
    json_t *value;
    json_object_foreach (body, key, value) {
        if (strcmp(key, "path") == 0 && json_is_string(value) && json_string_length(value) > 0 &&
            json_string_length(value) < 4096)
            out->path = json_string_value(value);
        else if (strcmp(key, "path") == 0)
            problem_add(errors, key, "the name of a file in the plugin folder is expected");
        else if (strcmp(key, "sha256") == 0 && json_string_length(value) == BUILD_SHA256_SIZE - 1)
            out->sha256 = json_string_value(value);
        else if (strcmp(key, "sha256") == 0)
            problem_add(errors, key, "64 hexadecimal digits are expected");
        else if (strcmp(key, "force") == 0 && json_is_boolean(value))
            out->force = json_is_true(value);
        else if (strcmp(key, "force") == 0)
            problem_add(errors, key, "true or false is expected");
        else
            problem_add(errors, key, "unknown; known are path, sha256, force");
    }
    if (json_object_get(body, "path") == NULL)
        problem_add(errors, "path", "required: the name of a file in the plugin folder");
    if (json_array_size(errors) > 0) {
        request_invalid(r, errors);
        return false;
    }
    json_decref(errors);
    return true;
}

static void put_named(struct request *r, const char *by)
{
    size_t size;
    const char *bytes = request_body(r, &size);
    struct swap_order o = {.by = by};
    struct error err;
    json_t *body;
    if (form_parse(bytes, size, &body, &err) != 0) {
        request_problem(r, err.code == EPROTO ? 422 : 400, "%s", err.msg);
        return;
    }
    if (read_order(r, body, &o))
        order(r, &o);
    json_decref(body);
}

static void roll_back_named(struct request *r, const char *by)
{
    order(r, &(struct swap_order){.by = by});
}

static void cancel_named(struct request *r, const char *by)
{
    struct error err;
    uint64_t id;
    if (plugins_cancel_swap(request_ports(r)->plugins, request_capture(r), by, &id, &err) != 0)
        request_problem(r, 409, "%s", err.msg);
    else
        request_answer_json(r, 200, find_anywhere(request_ports(r)->plugins, id));
}

/* The plugin in the path must be one; then `next` gets the caller's name. */
static void with_plugin(struct request *r, void (*next)(struct request *r, const char *by))
{
    size_t i;
    if (plugins_find(request_ports(r)->plugins, request_capture(r), &i))
        request_with_name(r, next);
    else
        request_problem(r, 404, "Plugin not found");
}

void plugin_put(struct request *r)
{
    with_plugin(r, put_named);
}

void plugin_rollback_post(struct request *r)
{
    with_plugin(r, roll_back_named);
}

void plugin_cancel_post(struct request *r)
{
    with_plugin(r, cancel_named);
}

/* ---- looks ---- */

void plugin_swaps_get(struct request *r)
{
    const struct plugins *plugins = request_ports(r)->plugins;
    size_t i;
    if (plugins_find(plugins, request_capture(r), &i))
        request_answer_json(r, 200, json_pack("{s:o}", "swaps", plugins_swaps(plugins, i)));
    else
        request_problem(r, 404, "Plugin not found");
}

void swap_get(struct request *r)
{
    const char *text = request_capture(r);
    char *end;
    unsigned long long id = strtoull(text, &end, 10);
    json_t *found =
        *end == '\0' && end != text ? find_anywhere(request_ports(r)->plugins, id) : NULL;
    if (found != NULL)
        request_answer_json(r, 200, found);
    else
        request_problem(r, 404, "Swap not found");
}
