/* The first schedule in the words of the API: {enabled, schedule_hours, next_run_at, last_run_at,
 * params, profile_immediately}. */
#include <errno.h>
#include <stdlib.h>

#include "admin/forms.h"
#include "admin/live.h"
#include "admin/request.h"
#include "admin/routes.h"
#include "params.h"

enum { PERSIST_MS = 10000 };

/* A change on its way to the disk; it outlives the request that gives up. */
struct change {
    struct request *request; /* NULL when it does not wait any more */
};

/* Answers 409 itself when there is none. */
static bool view_first(struct request *r, struct schedule_view *out)
{
    if (scheduler_view(request_ports(r)->scheduler, 0, out))
        return true;
    request_problem(r, 409, "no schedule is configured");
    return false;
}

static json_t *hours(int64_t seconds)
{
    return seconds % 3600 == 0 ? json_integer(seconds / 3600) : json_real((double)seconds / 3600);
}

void config_get(struct request *r)
{
    struct schedule_view v;
    if (!view_first(r, &v))
        return;
    request_answer_json(r, 200,
                        json_pack("{s:b, s:o, s:o, s:o, s:o, s:b}", "enabled", v.enabled,
                                  "schedule_hours", hours(v.every_seconds), "next_run_at",
                                  live_time(v.next_us), "last_run_at", live_time(v.last_us),
                                  "params", params_json(&v.params), "profile_immediately",
                                  v.profile_immediately));
}

static void on_persisted(void *arg, int status, const struct error *err)
{
    struct change *change = arg;
    struct request *r = change->request;
    free(change);
    if (r == NULL)
        return;
    request_stop_waiting(r);
    if (status == 0)
        config_get(r);
    else
        request_problem(r, 503, "%s", err != NULL ? err->msg : "the change could not be stored");
}

static void give_up(struct request *r, void *arg)
{
    struct change *change = arg;
    change->request = NULL;
    request_overdue(r);
}

static void apply(struct request *r, const struct schedule_change *wanted)
{
    struct error err;
    struct change *change = calloc(1, sizeof *change);
    if (change == NULL) {
        request_problem(r, 500, "out of memory");
        return;
    }
    change->request = r;
    if (scheduler_change(request_ports(r)->scheduler, 0, wanted, on_persisted, change, &err) != 0) {
        free(change);
        request_problem(r, err.code == ENOMEM ? 500 : 503, "%s", err.msg);
        return;
    }
    request_wait(r, PERSIST_MS, give_up, change);
}

void config_put(struct request *r)
{
    struct schedule_view now;
    struct schedule_change change;
    struct error err;
    json_t *body;
    size_t size;
    const char *bytes = request_body(r, &size);
    if (!view_first(r, &now))
        return;
    if (form_parse(bytes, size, &body, &err) != 0) {
        request_problem(r, err.code == EPROTO ? 422 : 400, "%s", err.msg);
        return;
    }
    json_t *errors = json_array();
    bool good = change_form_read(body, &now, &change, errors);
    json_decref(body);
    if (!good) {
        request_invalid(r, errors);
        return;
    }
    json_decref(errors);
    apply(r, &change);
}
