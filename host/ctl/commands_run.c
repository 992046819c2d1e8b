/* run: start a run and, with --wait, follow it.  follow: the latter for any run. */
#include <errno.h>
#include <string.h>

#include "ctl/answers.h"
#include "ctl/arguments.h"
#include "ctl/follow_run.h"
#include "ctl/waiting.h"
#include "params.h"

/* ---- the request ---------------------------------------------------------------------- */

static int add_parameter(json_t *body, const char *name, const char *value, struct error *err)
{
    wt_params params;
    int index = arguments_parameter(name);
    params_default(&params);
    if (params_set_text(&params, index, value, err) != 0)
        return -1;
    return json_object_set_new(body, params_table[index].name,
                               params_value_json(index, params.value[index]));
}

static json_t *make_body(const struct arguments *a, struct error *err)
{
    json_t *body = json_object();
    const char *by = arguments_option(a, "by");
    for (size_t i = 0; i < a->n_options; i++)
        if (arguments_parameter(a->options[i].name) >= 0 &&
            add_parameter(body, a->options[i].name, a->options[i].value, err) != 0) {
            json_decref(body);
            return NULL;
        }
    if (arguments_option(a, "no-profile") != NULL)
        json_object_set_new(body, "profile_immediately", json_false());
    if (by != NULL && json_object_set_new(body, "triggered_by", json_string(by)) != 0) {
        error_set(err, EINVAL, "--by is not UTF-8");
        json_decref(body);
        return NULL;
    }
    return body;
}

/* ---- the command ---------------------------------------------------------------------- */

static enum status start(struct session *s, const json_t *body, char id[37], struct error *err)
{
    struct reply reply;
    enum status status = client_call(s->client, "POST", "/api/discovery/run", body, &reply, err);
    const char *given = field_text(reply.json, "run_id");
    if (s->json && (status != STATUS_OK || arguments_option(s->arguments, "wait") == NULL))
        answer_print(s, &reply);
    if (status == STATUS_OK && given != NULL && strlen(given) == 36) {
        memcpy(id, given, 37);
    } else if (status == STATUS_OK) {
        error_set(err, EPROTO, "the host's answer has no run_id");
        status = STATUS_AWAY;
    }
    reply_free(&reply);
    return status;
}

enum status run_command(struct session *s, struct error *err)
{
    const struct arguments *a = s->arguments;
    double timeout;
    char id[37];
    if (waiting_timeout(a, &timeout, err) != 0)
        return STATUS_USAGE;
    json_t *body = make_body(a, err);
    if (body == NULL)
        return STATUS_USAGE;
    bool wait = arguments_option(a, "wait") != NULL;
    if (wait)
        waiting_catch_interrupts();
    enum status status = start(s, body, id, err);
    json_decref(body);
    if (status != STATUS_OK)
        return status;
    if (!s->json)
        fprintf(s->out, "run %s started\n", id);
    fflush(s->out);
    return wait ? follow_run(s, id, timeout, err) : STATUS_OK;
}

enum status follow_command(struct session *s, struct error *err)
{
    double timeout;
    char id[37];
    if (waiting_timeout(s->arguments, &timeout, err) != 0)
        return STATUS_USAGE;
    enum status status = answer_resolve(s, s->arguments->words[0], id, err);
    if (status != STATUS_OK)
        return status;
    waiting_catch_interrupts();
    return follow_run(s, id, timeout, err);
}
