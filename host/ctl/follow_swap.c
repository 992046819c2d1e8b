#include "ctl/follow_swap.h"

#include <inttypes.h>
#include <string.h>

#include "ctl/progress.h"
#include "ctl/swap_words.h"
#include "ctl/waiting.h"

enum { POLL_MS_MIN = 50, POLL_MS_MAX = 500 };

struct following {
    struct session *s;
    const struct order *order;
    char path[PATH_ROOM]; /* of the swap */
    size_t told;          /* so many steps have been told  */
    bool told_live;       /* and so has the verdict        */
    char waits_in[16];    /* the last state of which it was said what it waits for */
    double start;         /* of the waiting                */
    long pause_ms;        /* until the next look           */
};

static bool draws(const struct following *f)
{
    return f->s->terminal && !f->s->json;
}

static void undraw(const struct following *f)
{
    progress_clear(stderr, draws(f) ? f->s->width : 0);
}

/* What it does now: on a terminal a line that is drawn over and over, elsewhere a line for each
 * state that waits for something. */
static void tell_state(struct following *f, const json_t *swap)
{
    char outcome[SWAP_WORDS], line[SWAP_WORDS], time[SHOWN_SIZE];
    const char *state = field_text(swap, "state");
    const char *detail = field_text(swap, "detail");
    snprintf(outcome, sizeof outcome, "%s%s%s", state != NULL ? state : "?",
             detail != NULL ? ": " : "", detail != NULL ? detail : "");
    if (draws(f)) {
        shown_add(outcome, sizeof outcome, "  %s",
                  shown_duration(waiting_now_seconds() - f->start, time));
        shown_cut(outcome, f->s->width - 1, line, sizeof line);
        fprintf(stderr, "\r\033[K%s", line);
    } else if (!f->told_live && detail != NULL && state != NULL &&
               strcmp(f->waits_in, state) != 0) {
        shown_cut(outcome, sizeof outcome, line, sizeof line);
        fprintf(stderr, "%s\n", line);
        snprintf(f->waits_in, sizeof f->waits_in, "%s", state);
    }
}

static void tell_steps(struct following *f, const json_t *swap)
{
    const json_t *steps = json_object_get(swap, "steps");
    for (; f->told < json_array_size(steps); f->told++) {
        char name[SHOWN_SIZE], ms[SHOWN_SIZE];
        const json_t *step = json_array_get(steps, f->told);
        const char *said = field_text(step, "step");
        shown_cut(said != NULL ? said : "?", 8, name, sizeof name);
        fprintf(f->s->out, "%-8s  %8s\n", name, shown_ms(field_number(step, "ms"), ms));
    }
}

static bool is_live(const json_t *swap)
{
    const char *verdict = field_text(swap, "verdict");
    return verdict != NULL && strcmp(verdict, "LIVE") == 0;
}

static bool is_over(const struct following *f, const json_t *swap)
{
    bool passes = f->order->sees_probation && swap_is_in_probation(swap);
    return field_text(swap, "verdict") != NULL && !passes;
}

/* All that is new in it. */
static void tell(struct following *f, const json_t *swap)
{
    if (f->s->json)
        return;
    undraw(f);
    tell_steps(f, swap);
    if (is_live(swap) && !f->told_live) {
        order_say_live(f->s, swap);
        order_say_probation(f->s, f->order, swap);
        f->told_live = true;
    }
    fflush(f->s->out);
    if (!is_over(f, swap))
        tell_state(f, swap);
}

static enum status say_end(struct following *f, const struct reply *reply, struct error *err)
{
    if (f->s->json)
        answer_print(f->s, reply);
    undraw(f);
    if (!is_live(reply->json))
        return order_say_refused(f->s, f->order, reply->json, err);
    if (f->order->sees_probation && !f->s->json && !swap_was_needless(reply->json))
        fputs("the probation is over\n", f->s->out);
    return STATUS_OK;
}

/* Is there a reason to wait no longer? */
static enum status may_go_on(struct following *f)
{
    enum status status = STATUS_OK;
    if (waiting_is_interrupted())
        status = STATUS_INTERRUPTED;
    else if (waiting_now_seconds() - f->start >= f->order->timeout)
        status = STATUS_NOT_DONE;
    if (status == STATUS_OK)
        return status;
    undraw(f);
    order_say_goes_on(f->order, status == STATUS_INTERRUPTED ? "interrupted"
                                : f->told_live               ? "the probation has not ended in time"
                                                             : "it has no verdict in time");
    return status;
}

/* Looks once, and tells what is new. */
static enum status look(struct following *f, bool *over, struct error *err)
{
    const struct call call = {.method = "GET", .path = f->path, .give_up = waiting_is_interrupted};
    struct reply reply;
    enum status status = client_perform(f->s->client, &call, &reply, err);
    *over = status == STATUS_OK && is_over(f, reply.json);
    if (status == STATUS_OK)
        tell(f, reply.json);
    if (*over)
        status = say_end(f, &reply, err);
    reply_free(&reply);
    return status;
}

enum status follow_order(struct session *s, const struct order *o, int64_t id, struct error *err)
{
    struct following f = {
        .s = s, .order = o, .start = waiting_now_seconds(), .pause_ms = POLL_MS_MIN};
    bool over = false;
    snprintf(f.path, sizeof f.path, "/api/plugins");
    client_add_part(f.path, sizeof f.path, o->plugin);
    shown_add(f.path, sizeof f.path, "/swaps/%" PRId64, id);
    for (;;) {
        enum status status = look(&f, &over, err);
        if (over)
            return status;
        if (status != STATUS_OK && status != STATUS_INTERRUPTED) {
            undraw(&f);
            error_wrap(err, "swap %" PRId64, id);
            return status;
        }
        status = may_go_on(&f);
        if (status != STATUS_OK)
            return status;
        waiting_pause(f.pause_ms);
        f.pause_ms = f.pause_ms * 5 / 4 < POLL_MS_MAX ? f.pause_ms * 5 / 4 : POLL_MS_MAX;
    }
}
