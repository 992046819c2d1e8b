/* plugin swap and plugin rollback: put another build in charge, and wait for the verdict.
 *
 * Without an option the host answers when it knows (202 after 30 s: not yet).  With --wait it is
 * asked again and again, and the steps are told as they pass. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/arguments.h"
#include "ctl/follow_swap.h"
#include "ctl/order.h"
#include "ctl/swap_words.h"
#include "ctl/waiting.h"

enum { VERDICT_SECONDS = 45 }; /* more than the host takes for an answer */

static int read_options(const struct arguments *a, struct order *o, struct error *err)
{
    o->follows = arguments_option(a, "wait") != NULL;
    o->leaves = arguments_option(a, "no-wait") != NULL;
    o->sees_probation = arguments_option(a, "probation") != NULL;
    if (o->follows && o->leaves)
        return error_set(err, EINVAL, "--wait and --no-wait exclude each other");
    if (o->sees_probation && !o->follows)
        return error_set(err, EINVAL, "--probation is of use only with --wait");
    return waiting_timeout(a, &o->timeout, err);
}

static enum status follow_answer(struct session *s, const struct order *o, const json_t *swap,
                                 struct error *err)
{
    char title[SWAP_WORDS];
    swap_title(swap, title);
    if (!s->json)
        fprintf(s->out, "%s of %s\n", title, o->plugin);
    fflush(s->out);
    return follow_order(s, o, field_count(swap, "id"), err);
}

/* `status` is what the request came to. */
static enum status say_answer(struct session *s, const struct order *o, const struct reply *reply,
                              enum status status, struct error *err)
{
    const json_t *swap = order_swap(reply);
    if (status == STATUS_OK && swap != NULL && o->follows)
        return follow_answer(s, o, swap, err);
    if (s->json)
        answer_print(s, reply);
    if (status == STATUS_INTERRUPTED)
        order_say_goes_on(o, "interrupted");
    else if (swap != NULL)
        status = order_say(s, o, swap, err);
    else if (status == STATUS_REFUSED)
        order_advise(s, o, reply, err);
    else if (status == STATUS_OK) {
        error_set(err, EPROTO, "the host's answer tells of no swap");
        status = STATUS_AWAY;
    }
    return status;
}

static enum status perform(struct session *s, const struct order *o, struct error *err)
{
    const struct call call = {.method = o->method,
                              .path = o->path,
                              .body = o->body,
                              .header = o->follows || o->leaves ? "Prefer: respond-async" : NULL,
                              .seconds = VERDICT_SECONDS,
                              .give_up = waiting_is_interrupted};
    struct reply reply;
    if (!o->leaves)
        waiting_catch_interrupts();
    enum status status = client_perform(s->client, &call, &reply, err);
    status = say_answer(s, o, &reply, status, err);
    reply_free(&reply);
    return status;
}

/* ---- swap ----------------------------------------------------------------------------- */

/* A name is looked up in plugin_dir by the host; a path is sent whole, its last part as it is: it
 * may be a link. */
static int whole_path(const char *written, char out[PATH_MAX], struct error *err)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(written, '/');
    size_t size = slash != NULL ? (size_t)(slash - written) + 1 : 0;
    if (written[0] == '\0' || strlen(written) >= sizeof folder ||
        (slash != NULL && slash[1] == '\0'))
        return error_set(err, EINVAL, "'%.200s' names no file", written);
    if (slash == NULL) {
        memcpy(out, written, strlen(written) + 1);
        return 0;
    }
    snprintf(folder, sizeof folder, "%.*s", (int)size, written);
    if (realpath(folder, out) == NULL || strlen(out) + strlen(slash) >= PATH_MAX)
        return error_set(err, errno, "cannot find %.200s: %s", folder, strerror(errno));
    if (strcmp(out, "/") == 0)
        out[0] = '\0';
    memcpy(out + strlen(out), slash, strlen(slash) + 1);
    return 0;
}

static json_t *swap_body(const struct arguments *a, const char *file, struct error *err)
{
    const char *sha256 = arguments_option(a, "sha256");
    json_t *body = json_object();
    int status = json_object_set_new(body, "path", json_string(file));
    if (arguments_option(a, "force") != NULL)
        json_object_set_new(body, "force", json_true());
    if (sha256 != NULL)
        status |= json_object_set_new(body, "sha256", json_string(sha256));
    if (status == 0)
        return body;
    error_set(err, EINVAL, "the path or --sha256 is not UTF-8");
    json_decref(body);
    return NULL;
}

enum status swap_command(struct session *s, struct error *err)
{
    const struct arguments *a = s->arguments;
    struct order o = {.method = "PUT", .path = "/api/plugins"};
    if (read_options(a, &o, err) != 0 || whole_path(a->words[0], o.file, err) != 0)
        return STATUS_USAGE;
    enum status status = answer_plugin(s, arguments_option(a, "plugin"),
                                       "plugin swap PATH --plugin NAME", o.plugin, err);
    if (status != STATUS_OK)
        return status;
    client_add_part(o.path, sizeof o.path, o.plugin);
    o.body = swap_body(a, o.file, err);
    if (o.body == NULL)
        return STATUS_USAGE;
    status = perform(s, &o, err);
    json_decref(o.body);
    return status;
}

/* ---- rollback ------------------------------------------------------------------------- */

enum status rollback_command(struct session *s, struct error *err)
{
    struct order o = {.method = "POST", .path = "/api/plugins"};
    if (read_options(s->arguments, &o, err) != 0)
        return STATUS_USAGE;
    enum status status =
        answer_plugin(s, s->arguments->words[0], "plugin rollback NAME", o.plugin, err);
    if (status != STATUS_OK)
        return status;
    client_add_part(o.path, sizeof o.path, o.plugin);
    shown_add(o.path, sizeof o.path, "/rollback");
    return perform(s, &o, err);
}
