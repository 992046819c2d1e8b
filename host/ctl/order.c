#include "ctl/order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/swap_words.h"

enum { ADVICE_SIZE = 256 };

const json_t *order_swap(const struct reply *r)
{
    const json_t *inner = json_object_get(r->json, "swap");
    if (json_is_object(inner)) /* of a problem */
        return inner;
    return json_is_integer(json_object_get(r->json, "id")) ? r->json : NULL;
}

/* Copies the host's plugin_dir when the file was sent by a path that leads elsewhere. */
static bool is_elsewhere(struct session *s, const struct order *o, char plugin_dir[PATH_MAX])
{
    struct reply reply;
    struct error ignored = {0};
    char whole[PATH_MAX];
    const char *slash = strrchr(o->file, '/');
    if (slash == NULL)
        return false;
    client_call(s->client, "GET", "/api/plugins", NULL, &reply, &ignored);
    const char *given = field_text(reply.json, "plugin_dir");
    snprintf(plugin_dir, PATH_MAX, "%s", given != NULL ? given : "");
    reply_free(&reply);
    if (realpath(plugin_dir, whole) == NULL)
        return false;
    size_t size = (size_t)(slash - o->file);
    return strlen(whole) != size || strncmp(whole, o->file, size) != 0;
}

/* What to do about a refusal; `swap` NULL: the request itself was refused. */
static void add_advice(struct session *s, const struct order *o, const json_t *swap,
                       char out[ADVICE_SIZE])
{
    char plugin_dir[PATH_MAX];
    const char *verdict = field_text(swap, "verdict");
    const char *from = field_text(swap, "from");
    bool took_over = verdict != NULL && strcmp(verdict, "ROLLED BACK") == 0;
    bool refused = verdict != NULL && strcmp(verdict, "REFUSED") == 0;
    if (refused && is_elsewhere(s, o, plugin_dir) &&
        snprintf(out, ADVICE_SIZE, "`install -m 755 %s %s/` puts it there", o->file, plugin_dir) <
            ADVICE_SIZE)
        return;
    if (swap == NULL)
        snprintf(out, ADVICE_SIZE, "`walltrackctl help plugin swap` shows what can be given");
    else if (verdict != NULL && strcmp(verdict, "SUPERSEDED") == 0)
        snprintf(out, ADVICE_SIZE, "`walltrackctl plugin show %s` shows what is under way",
                 o->plugin);
    else
        snprintf(out, ADVICE_SIZE, "%.100s %s; `walltrackctl plugin show %s` says how it is",
                 from != NULL ? from : "the build before",
                 took_over ? "is in charge again" : "stays in charge", o->plugin);
}

enum status order_say_refused(struct session *s, const struct order *o, const json_t *swap,
                              struct error *err)
{
    char title[SWAP_WORDS], outcome[SWAP_WORDS], advice[ADVICE_SIZE] = "";
    swap_title(swap, title);
    swap_outcome(swap, outcome);
    add_advice(s, o, swap, advice);
    error_set(err, ECANCELED, "%s %.*s\n%s", title, (int)(480 - strlen(title) - strlen(advice)),
              outcome, advice);
    return STATUS_REFUSED;
}

void order_advise(struct session *s, const struct order *o, const struct reply *r,
                  struct error *err)
{
    char advice[ADVICE_SIZE] = "";
    const char *detail = field_text(r->json, "detail");
    char *end = strchr(err->msg, '\n');
    if (r->status != 422 || detail == NULL || end == NULL)
        return;
    add_advice(s, o, NULL, advice);
    snprintf(end, sizeof err->msg - (size_t)(end - err->msg), "\n%s", advice);
}

static void how_to_look(const struct order *o, char out[SWAP_WORDS])
{
    snprintf(
        out, SWAP_WORDS,
        "`walltrackctl plugin show %s` shows how it goes, `walltrackctl plugin cancel %s` ends "
        "it before the new build takes over",
        o->plugin, o->plugin);
}

static enum status say_under_way(struct session *s, const struct order *o, const json_t *swap)
{
    char title[SWAP_WORDS], outcome[SWAP_WORDS];
    swap_title(swap, title);
    swap_outcome(swap, outcome);
    shown_add(title, sizeof title, " is under way:");
    print_paragraph(s, title, outcome, COLOUR_NONE);
    how_to_look(o, outcome);
    shown_paragraph(s->out, outcome, s->width, 0);
    return o->leaves ? STATUS_OK : STATUS_NOT_DONE;
}

void order_say_probation(struct session *s, const struct order *o, const json_t *swap)
{
    char line[SWAP_WORDS] = "in probation";
    const char *detail = field_text(swap, "detail");
    const char *from = field_text(swap, "from");
    if (!swap_is_in_probation(swap))
        return;
    if (detail != NULL)
        shown_add(line, sizeof line, ": %s", detail);
    if (from != NULL && o->file[0] != '\0')
        shown_add(line, sizeof line, "; `walltrackctl plugin rollback %s` goes back to %s",
                  o->plugin, from);
    shown_paragraph(s->out, line, s->width, 0);
}

void order_say_live(struct session *s, const json_t *swap)
{
    char outcome[SWAP_WORDS];
    swap_outcome(swap, outcome);
    const char *rest = outcome + strlen("LIVE");
    fprintf(s->out, "%sLIVE%s%s", colour_code(COLOUR_GREEN, s->colours),
            colour_code(COLOUR_NONE, s->colours), rest[0] == ' ' ? " " : "");
    shown_paragraph(s->out, rest, 0, 0);
    if (swap_was_needless(swap))
        fputs("nothing was done; --force opens it afresh\n", s->out);
}

enum status order_say(struct session *s, const struct order *o, const json_t *swap,
                      struct error *err)
{
    char title[SWAP_WORDS];
    const char *verdict = field_text(swap, "verdict");
    if (verdict != NULL && strcmp(verdict, "LIVE") != 0)
        return order_say_refused(s, o, swap, err);
    if (s->json)
        return verdict != NULL || o->leaves ? STATUS_OK : STATUS_NOT_DONE;
    if (verdict == NULL)
        return say_under_way(s, o, swap);
    swap_title(swap, title);
    fprintf(s->out, "%s ", title);
    order_say_live(s, swap);
    order_say_probation(s, o, swap);
    return STATUS_OK;
}

void order_say_goes_on(const struct order *o, const char *why)
{
    char words[SWAP_WORDS];
    how_to_look(o, words);
    fprintf(stderr, "\n%s; the swap goes on\n%s\n", why, words);
}
