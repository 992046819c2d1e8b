/* What was recorded is asked of the plugin; what is going on is known here. */
#include <errno.h>
#include <string.h>

#include "admin/live.h"
#include "admin/pages.h"
#include "admin/question.h"
#include "admin/routes.h"
#include "ids.h"

/* The run in the path; answers 404 itself when it is not even an id. */
static bool read_id(struct request *r, wt_uuid *id)
{
    if (id_parse(request_capture(r), id))
        return true;
    request_problem(r, 404, "Run not found");
    return false;
}

static const struct run_view *find_live(const struct request *r)
{
    wt_uuid id;
    return id_parse(request_capture(r), &id) ? runs_find(request_ports(r)->runs, &id) : NULL;
}

static bool is_null(const char *body, size_t size)
{
    return size == 4 && memcmp(body, "null", 4) == 0;
}

static void add_id(json_t *args, const struct request *r)
{
    wt_uuid id;
    char text[ID_TEXT_SIZE];
    id_parse(request_capture(r), &id); /* in the usual case of letters */
    wt_uuid_text(&id, text);
    json_object_set_new(args, "run_id", json_string(text));
}

static json_t *id_args(const struct request *r)
{
    json_t *args = json_object();
    add_id(args, r);
    return args;
}

/* ---- lists and statistics ------------------------------------------------------------- */

void discovery_runs_get(struct request *r)
{
    static const struct question_answers answers = {page_answer, NULL};
    json_t *args = question_args(r);
    if (args != NULL)
        question_ask(r, "runs", args, &answers);
}

void discovery_stats_get(struct request *r)
{
    json_t *args = question_args(r);
    if (args != NULL)
        question_ask(r, "stats", args, NULL);
}

/* ---- one run -------------------------------------------------------------------------- */

static void answer_live(struct request *r, const struct run_view *v)
{
    request_answer_json(r, 200, live_run(v, request_ports(r)->host_name));
}

static void on_run(struct request *r, const char *body, size_t size)
{
    const struct run_view *v = find_live(r);
    if (is_null(body, size) && v == NULL)
        request_problem(r, 404, "Run not found");
    else if (is_null(body, size))
        answer_live(r, v);
    else
        request_answer_copy(r, 200, "application/json", body, size);
}

static void on_no_run(struct request *r, wt_status status, const char *message)
{
    const struct run_view *v = find_live(r);
    if (v != NULL)
        answer_live(r, v);
    else
        question_failed(r, status, message);
}

void discovery_run_get(struct request *r)
{
    static const struct question_answers answers = {on_run, on_no_run};
    wt_uuid id;
    if (!read_id(r, &id))
        return;
    /* Whoever follows a run asks often, and counting its rows is dear: while it goes on here, what
     * is known here is the answer. */
    const struct run_view *v = find_live(r);
    if (v != NULL && v->status == WT_RUN_RUNNING)
        answer_live(r, v);
    else
        question_ask(r, "run", id_args(r), &answers);
}

/* ---- what a run found ----------------------------------------------------------------- */

/* A run that is not recorded yet has nothing recorded. */
static void answer_items(struct request *r, const char *body, size_t size, const char *key)
{
    if (!is_null(body, size))
        page_answer(r, body, size);
    else if (find_live(r) == NULL)
        request_problem(r, 404, "Run not found");
    else
        request_answer_json(r, 200,
                            json_pack("{s:[], s:n, s:b}", key, "next_cursor", "has_more", 0));
}

static void on_wallets(struct request *r, const char *body, size_t size)
{
    answer_items(r, body, size, "wallets");
}

static void on_tokens(struct request *r, const char *body, size_t size)
{
    answer_items(r, body, size, "tokens");
}

static void on_errors(struct request *r, const char *body, size_t size)
{
    answer_items(r, body, size, "errors");
}

static void ask_items(struct request *r, const char *question,
                      const struct question_answers *answers)
{
    wt_uuid id;
    if (!read_id(r, &id))
        return;
    json_t *args = question_args(r);
    if (args == NULL)
        return;
    add_id(args, r);
    question_ask(r, question, args, answers);
}

void discovery_wallets_get(struct request *r)
{
    static const struct question_answers answers = {on_wallets, NULL};
    ask_items(r, "run_wallets", &answers);
}

void discovery_tokens_get(struct request *r)
{
    static const struct question_answers answers = {on_tokens, NULL};
    ask_items(r, "run_tokens", &answers);
}

void discovery_errors_get(struct request *r)
{
    static const struct question_answers answers = {on_errors, NULL};
    ask_items(r, "run_errors", &answers);
}

/* ---- cancelling ----------------------------------------------------------------------- */

static void on_ended_run(struct request *r, const char *body, size_t size)
{
    if (is_null(body, size))
        request_problem(r, 404, "Run not found");
    else
        request_problem(r, 409, "the run does not run here: it has ended, or is another host's");
}

static void cancel(struct request *r, const char *user)
{
    static const struct question_answers answers = {on_ended_run, NULL};
    struct error err;
    wt_uuid id;
    char text[37];
    if (!read_id(r, &id))
        return;
    wt_uuid_text(&id, text);
    if (runs_cancel(request_ports(r)->runs, &id, user, &err) == 0)
        request_answer_json(r, 202,
                            json_pack("{s:s, s:s}", "run_id", text, "status", "cancelling"));
    else if (err.code == EALREADY)
        request_problem(r, 409, "the run has ended");
    else if (err.code == ENOENT)
        question_ask(r, "run", id_args(r), &answers);
    else
        request_problem(r, 500, "%s", err.msg);
}

void discovery_cancel_post(struct request *r)
{
    request_with_name(r, cancel);
}
