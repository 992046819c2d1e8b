#include "admin/question.h"

#include <stdlib.h>
#include <sys/time.h>

#include "admin/filters.h"
#include "admin/live.h"
#include "admin/routes.h"

struct question {
    struct request *request;
    struct plugins_question *asked;
    struct question_answers answers;
};

json_t *question_args(struct request *r)
{
    struct error bad_name;
    struct timeval now;
    json_t *args = json_object();
    json_t *errors = json_array();
    bool good = filters_read(request_target(r), request_route(r)->query, args, errors, &bad_name);
    if (good) {
        gettimeofday(&now, NULL);
        json_object_set_new(args, "now", live_time((int64_t)now.tv_sec * 1000000 + now.tv_usec));
        json_decref(errors);
        return args;
    }
    json_decref(args);
    if (bad_name.code == 0) {
        request_invalid(r, errors);
        return NULL;
    }
    json_decref(errors);
    request_problem(r, 400, "%s", bad_name.msg);
    return NULL;
}

void question_failed(struct request *r, wt_status status, const char *message)
{
    static const struct {
        wt_status status;
        unsigned http;
        const char *words;
    } rows[] = {
        {WT_E_AGAIN, 503, "the history cannot be read now"},
        {WT_E_ARGUMENT, 422, "the request was refused"},
        {WT_E_CANCELLED, 504, "no answer came in time"},
        {WT_E_UNSUPPORTED, 501, "the loaded plugin cannot answer this"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].status == status) {
            request_problem(r, rows[i].http, "%s", message != NULL ? message : rows[i].words);
            return;
        }
    request_problem(r, 500, "%s", message != NULL ? message : "the plugin failed");
}

static void fail(struct request *r, const struct question_answers *answers, wt_status status,
                 const char *message)
{
    if (answers->bad != NULL)
        answers->bad(r, status, message);
    else
        question_failed(r, status, message);
}

static void on_answer(void *arg, wt_status status, const char *message, const char *body,
                      size_t size)
{
    struct question *q = arg;
    struct request *r = q->request;
    struct question_answers answers = q->answers;
    free(q);
    request_stop_waiting(r);
    if (status == WT_OK && answers.good != NULL)
        answers.good(r, body, size);
    else if (status == WT_OK)
        request_answer_copy(r, 200, "application/json", body, size);
    else
        fail(r, &answers, status, message);
}

static void give_up(struct request *r, void *arg)
{
    struct question *q = arg;
    plugins_cancel(q->asked);
    free(q);
    request_overdue(r);
}

void question_ask(struct request *r, const char *name, json_t *args,
                  const struct question_answers *answers)
{
    char *text = args != NULL ? json_dumps(args, JSON_COMPACT) : NULL;
    struct question *q = calloc(1, sizeof *q);
    json_decref(args);
    if (text == NULL || q == NULL) {
        free(text);
        free(q);
        request_problem(r, 500, "out of memory");
        return;
    }
    q->request = r;
    if (answers != NULL)
        q->answers = *answers;
    q->asked = plugins_ask(request_ports(r)->plugins, name, text, QUESTION_MS, on_answer, q);
    free(text);
    if (q->asked == NULL) {
        struct question_answers none = q->answers;
        free(q);
        if (plugins_count(request_ports(r)->plugins) == 0)
            fail(r, &none, WT_E_UNSUPPORTED, "no plugin is configured, so there is no history");
        else
            fail(r, &none, WT_E_AGAIN, "no plugin can be asked now");
        return;
    }
    request_wait(r, QUESTION_MS + QUESTION_MARGIN_MS, give_up, q);
}
