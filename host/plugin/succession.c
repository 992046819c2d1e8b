/* Happy path: waiting, opening, claiming, live; an heir: opened beside, prepared, handing over,
 * claiming, live.  From claiming on there is no difference.
 *
 * Failure modes: whatever goes wrong with the one in the seat, it is closed by force and the next
 * opened after a while; what goes wrong with an heir is told to the owner and touches nobody else,
 * unless the one before has already been asked to go: then its like is opened again at once.
 */
#include "plugin/succession_internal.h"

#include <assert.h>
#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "fault_point.h"
#include "log.h"
#include "plugin/plugins.h"

enum {
    BACKOFF_FIRST_MS = 100,
    BACKOFF_MOST_MS = 30000,
    STEADY_MS = 30000, /* who was live for so long starts its failures afresh */
    CATCH_UP_MS = 5000 /* at a stop: for what is durable and not yet acknowledged */
};

#define TO(state) (1u << (state))

static const struct {
    const char *name;
    unsigned next;
} states[] = {
    [WAITING] = {"waiting", TO(OPENING) | TO(HANDING_OVER) | TO(STOPPING)},
    [OPENING] = {"opening",
                 TO(WAITING) | TO(CLAIMING) | TO(HANDING_OVER) | TO(CLOSING) | TO(STOPPING)},
    [HANDING_OVER] = {"handing over", TO(CLAIMING) | TO(WAITING) | TO(STOPPING)},
    [CLAIMING] = {"claiming", TO(LIVE) | TO(HANDING_OVER) | TO(CLOSING) | TO(STOPPING)},
    [LIVE] = {"live", TO(HANDING_OVER) | TO(CLOSING) | TO(STOPPING)},
    [CLOSING] = {"closing", TO(WAITING) | TO(HANDING_OVER) | TO(STOPPING)},
    [STOPPING] = {"stopping", TO(STOPPED)},
    [STOPPED] = {"stopped", 0},
};

static void on_timer(uv_timer_t *timer);
static void free_when_closed(struct succession *s);

static void hold(struct succession *s, bool wanted)
{
    if (s->holding == wanted)
        return;
    s->holding = wanted;
    if (wanted)
        journal_hold(s->journal);
    else
        journal_release(s->journal);
}

static void set_text(char **text, const char *to)
{
    char *copy = g_strdup(to); /* `to` may be the old text */
    g_free(*text);
    *text = copy;
}

static void stop_feeding(struct succession *s)
{
    feed_stop(s->feed);
    uv_timer_stop(&s->stall);
    s->awaiting_ack = false;
    if (s->seat != NULL)
        questions_leave(s->questions, s->seat->instance, s->detail);
}

static void enter_waiting(struct succession *s)
{
    uint64_t half = s->backoff_ms / 2;
    uv_timer_start(&s->timer, on_timer, half + g_random_int() % (half + 1), 0);
    s->backoff_ms = s->backoff_ms * 2 < BACKOFF_MOST_MS ? s->backoff_ms * 2 : BACKOFF_MOST_MS;
    if (s->backoff_ms == 0)
        s->backoff_ms = BACKOFF_FIRST_MS;
}

/* The only writer of s->state. */
static void move(struct succession *s, enum succession_state to)
{
    assert((states[s->state].next & TO(to)) != 0);
    log_line(LOG_DEBUG, s->name, "%s -> %s", states[s->state].name, states[to].name);
    if (s->state == LIVE && uv_hrtime() - s->live_since_ns > STEADY_MS * 1000000ULL)
        s->backoff_ms = BACKOFF_FIRST_MS;
    s->state = to;
    s->state_since_us = g_get_real_time();
    uv_timer_stop(&s->timer);
    hold(s, to == CLAIMING);
    switch (to) {
    case WAITING:
        enter_waiting(s);
        break;
    case HANDING_OVER:
    case CLOSING:
    case STOPPING:
        stop_feeding(s);
        break;
    case LIVE:
        s->live_since_ns = uv_hrtime();
        break;
    case STOPPED:
        free_when_closed(s);
        break;
    case OPENING:
    case CLAIMING:
        break;
    }
}

/* ---- tenures ---- */

static const struct instance_events instance_events;

static void free_tenure(struct tenure *t)
{
    build_release(t->build);
    g_free(t->config);
    g_free(t->server);
    free(t);
}

static struct tenure *begin_tenure(struct succession *s, struct build *build, const char *config,
                                   struct error *err)
{
    struct tenure *t = calloc(1, sizeof *t);
    if (t == NULL) {
        error_set(err, ENOMEM, "out of memory");
        return NULL;
    }
    *t = (struct tenure){
        .of = s,
        .build = build_retain(build),
        .config = g_strdup(config),
        .generation = ++s->generations,
    };
    struct instance_spec spec = {
        .build = build,
        .name = s->name,
        .config = t->config,
        .host_name = s->host_name,
        .generation = t->generation,
        .open_ms = s->limits.open_ms,
        .claim_ms = s->limits.claim_ms,
        .drain_ms = s->limits.drain_ms,
    };
    if (instance_open(s->loop, s->resolver, &spec, &instance_events, t, &t->instance, err) != 0) {
        free_tenure(t);
        return NULL;
    }
    t->next = s->all;
    s->all = t;
    return t;
}

static void end_tenure(struct tenure *t)
{
    struct tenure **at = &t->of->all;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    free_tenure(t);
}

/* ---- opening ---- */

static void open_instance(struct succession *s)
{
    struct error err;
    move(s, OPENING);
    s->seat = begin_tenure(s, s->build, s->config, &err);
    if (s->seat != NULL) {
        s->generation = s->seat->generation;
        return;
    }
    log_line(LOG_ERROR, s->name, "%s", err.msg);
    set_text(&s->detail, err.msg);
    questions_leave(s->questions, NULL, s->detail);
    s->events->failed(s->arg, STAGE_OPENING, WT_E_INTERNAL, err.msg);
    if (s->state == OPENING)
        move(s, WAITING);
}

static void claim(struct succession *s)
{
    struct journal_stats j;
    move(s, CLAIMING); /* first: from here on nothing is trimmed */
    journal_stats(s->journal, &j);
    wt_claim_args args = {
        .struct_size = sizeof args,
        .journal_id = *journal_id(s->journal),
        .oldest = j.oldest,
        .head = j.head,
    };
    set_text(&s->server, s->seat->server);
    instance_claim(s->seat->instance, &args);
    FAULT_POINT("claim-sent");
}

/* ---- handing over ---- */

static void take_seat(struct succession *s)
{
    struct tenure *t = s->heir;
    s->heir = NULL;
    s->seat = t;
    s->generation = t->generation;
    build_retain(t->build);
    build_release(s->build);
    s->build = t->build;
    set_text(&s->config, t->config);
    FAULT_POINT("swap-seat-taken");
    s->events->claiming(s->arg);
    if (s->state == HANDING_OVER)
        claim(s);
}

static void hand_over(struct succession *s)
{
    enum succession_state was = s->state;
    s->fed_until_ns = was == LIVE ? uv_hrtime() : 0;
    move(s, HANDING_OVER);
    questions_use(s->questions, s->heir->instance);
    FAULT_POINT("swap-handing-over");
    s->events->handing_over(s->arg);
    if (s->state != HANDING_OVER)
        return;
    if (s->seat == NULL)
        take_seat(s);
    else
        instance_close(s->seat->instance, was == LIVE ? WT_CLOSE_DRAIN : WT_CLOSE_ABORT);
}

static void on_prepared(void *arg, const char *server)
{
    struct tenure *t = arg;
    struct succession *s = t->of;
    set_text(&t->server, server);
    if (t == s->heir) {
        hand_over(s);
    } else if (t == s->seat) {
        questions_use(s->questions, t->instance);
        claim(s);
    }
}

/* ---- claiming ---- */

/* Where to go on, or -1 when there is no going on from such a cursor. */
static int check_cursor(const struct succession *s, const struct journal_stats *j, uint64_t *cursor,
                        struct error *err)
{
    if (*cursor == WT_CURSOR_OF_HOST)
        *cursor = s->acked + 1 < j->oldest ? j->oldest - 1 : s->acked;
    if (*cursor > j->head)
        return error_set(err, EINVAL, "its cursor %llu is ahead of the journal's last event %llu",
                         (unsigned long long)*cursor, (unsigned long long)j->head);
    if (*cursor + 1 < j->oldest)
        return error_set(err, EINVAL, "its cursor %llu is before the journal's first event %llu",
                         (unsigned long long)*cursor, (unsigned long long)j->oldest);
    return 0;
}

static void give_up(struct succession *s, wt_status status, const char *why)
{
    static const enum succession_stage stages[] = {
        [OPENING] = STAGE_OPENING, [CLAIMING] = STAGE_CLAIMING, [LIVE] = STAGE_LIVE};
    enum succession_stage stage = stages[s->state];
    struct instance *instance = s->seat->instance;
    set_text(&s->detail, why);
    move(s, CLOSING);
    s->events->failed(s->arg, stage, status, s->detail);
    instance_close(instance, WT_CLOSE_ABORT);
}

static void on_claimed(void *arg, uint64_t cursor)
{
    struct tenure *t = arg;
    struct succession *s = t->of;
    struct journal_stats j;
    struct error err;
    if (t != s->seat || s->state != CLAIMING)
        return;
    FAULT_POINT("claim-heard");
    journal_stats(s->journal, &j);
    if (check_cursor(s, &j, &cursor, &err) != 0) {
        log_line(LOG_ERROR, s->name, "%s", err.msg);
        s->failures[WT_E_INTERNAL]++;
        give_up(s, WT_E_INTERNAL, err.msg);
        return;
    }
    struct succession_claim claim = {
        .generation = t->generation,
        .cursor = cursor,
        .head = j.head,
        .gap_us = s->fed_until_ns != 0 ? (int64_t)((uv_hrtime() - s->fed_until_ns) / 1000) : -1,
    };
    move(s, LIVE);
    log_line(LOG_INFO, s->name, "live: %s, instance %llu, from event %llu%s%s", t->build->label,
             (unsigned long long)t->generation, (unsigned long long)cursor + 1,
             t->server != NULL ? ", at " : "", t->server != NULL ? t->server : "");
    set_text(&s->detail, NULL);
    s->fed_until_ns = 0;
    s->acked = s->delivered = cursor;
    s->flush_at = claim.head; /* it is to be seen soon that it can store */
    journal_ack(s->journal, s->name, cursor);
    instance_start_at(t->instance, cursor);
    feed_start(s->feed, cursor + 1);
    s->events->live(s->arg, &claim);
}

/* ---- living ---- */

static void on_stalled(uv_timer_t *timer);

static void await_ack(struct succession *s)
{
    s->awaiting_ack = true;
    s->ack_waited_ns = uv_hrtime();
    uv_timer_start(&s->stall, on_stalled, (uint64_t)s->limits.ack_ms, 0);
}

/* The timer is not set anew at each acknowledgement: it looks when it fires. */
static void on_stalled(uv_timer_t *timer)
{
    struct succession *s = timer->data;
    struct journal_stats j;
    char why[128];
    journal_stats(s->journal, &j);
    s->awaiting_ack = false;
    if (s->state != LIVE || s->acked >= j.head)
        return;
    uint64_t waited_ms = (uv_hrtime() - s->ack_waited_ns) / 1000000;
    if (waited_ms < (uint64_t)s->limits.ack_ms) {
        s->awaiting_ack = true;
        uv_timer_start(&s->stall, on_stalled, (uint64_t)s->limits.ack_ms - waited_ms, 0);
        return;
    }
    g_snprintf(why, sizeof why, "no acknowledgement for %.1f s, though event %llu waits for one",
               (double)waited_ms / 1e3, (unsigned long long)s->acked + 1);
    log_line(LOG_ERROR, s->name, "%s", why);
    s->failures[WT_E_INTERNAL]++;
    give_up(s, WT_E_INTERNAL, why);
}

static bool on_offer(void *arg, const struct event *e)
{
    struct succession *s = arg;
    if (!s->awaiting_ack)
        await_ack(s);
    if (!instance_offer(s->seat->instance, e))
        return false;
    s->delivered = e->head.seq;
    if (s->delivered == s->flush_at)
        instance_flush(s->seat->instance);
    return true;
}

static void on_resumed(void *arg)
{
    struct tenure *t = arg;
    if (t == t->of->seat && t->of->state == LIVE)
        feed_resume(t->of->feed);
}

static void start_to_drain(struct succession *s)
{
    move(s, STOPPING);
    instance_close(s->seat->instance, WT_CLOSE_DRAIN);
    FAULT_POINT("stop-draining");
}

static void on_acked(void *arg, uint64_t seq)
{
    struct tenure *t = arg;
    struct succession *s = t->of;
    if (t != s->seat)
        return;
    s->acked = seq;
    s->backoff_ms = BACKOFF_FIRST_MS;
    s->ack_waited_ns = uv_hrtime();
    FAULT_POINT("ack-heard");
    journal_ack(s->journal, s->name, seq);
    s->events->acked(s->arg, seq);
    if (s->asked_to_stop && s->state == LIVE && seq >= s->stop_at)
        start_to_drain(s);
}

static wt_status on_reply(void *arg, wt_query *q, const void *bytes, size_t size)
{
    struct tenure *t = arg;
    if (t->of == NULL)
        return WT_E_CANCELLED;
    return questions_reply(t->of->questions, t->instance, q, bytes, size);
}

static void on_reply_end(void *arg, wt_query *q, wt_status status, const char *message)
{
    struct tenure *t = arg;
    if (t->of != NULL)
        questions_reply_end(t->of->questions, t->instance, q, status, message);
}

static void on_feed_failed(void *arg, const char *why)
{
    struct succession *s = arg;
    log_line(LOG_ERROR, s->name, "the journal cannot be read: %s", why);
    give_up(s, WT_E_AGAIN, why);
}

/* ---- failing ---- */

static void log_failure(struct succession *s, wt_status status, const char *message)
{
    /* An outage is reported when it begins, not at each try. */
    bool known = s->detail != NULL && strcmp(s->detail, message) == 0;
    log_line(known                  ? LOG_DEBUG
             : status == WT_E_AGAIN ? LOG_WARNING
                                    : LOG_ERROR,
             s->name, "%s", message);
}

static void drop(struct succession *s, struct tenure *heir)
{
    s->heir = NULL;
    questions_leave(s->questions, heir->instance, s->detail);
    instance_close(heir->instance, WT_CLOSE_ABORT);
}

static void on_failed(void *arg, wt_status status, const char *message)
{
    struct tenure *t = arg;
    struct succession *s = t->of;
    if (status < 0 || status > WT_E_ARGUMENT)
        status = WT_E_INTERNAL;
    s->failures[status]++;
    if (t == s->heir) {
        drop(s, t);
        s->events->heir_failed(s->arg, status, message);
    } else if (t == s->seat && (s->state == OPENING || s->state == CLAIMING || s->state == LIVE)) {
        log_failure(s, status, message);
        if (status == WT_E_CONFIG || status == WT_E_SCHEMA_NEW || status == WT_E_SCHEMA_OLD)
            s->backoff_ms = BACKOFF_MOST_MS; /* waiting for a person, not for a server */
        give_up(s, status, message);
    } else {
        instance_close(t->instance, WT_CLOSE_ABORT);
    }
}

/* Only instances whose code still runs somewhere are left, or none. */
static void stop_if_empty(struct succession *s)
{
    if (s->state != STOPPING)
        return;
    for (struct tenure *t = s->all; t != NULL; t = t->next)
        if (!t->leaked)
            return;
    for (struct tenure *t = s->all; t != NULL; t = t->next)
        t->of = NULL;
    move(s, STOPPED);
}

/* Its code has let go of everything; what it counted joins the figures of the past. */
static void on_closed(void *arg, struct metric_set *figures, bool leaked)
{
    struct tenure *t = arg;
    struct succession *s = t->of;
    metric_set_add(&s->past, figures);
    t->leaked = leaked;
    s->leaked += leaked;
    if (leaked)
        s->events->leaked(s->arg, t->generation);
    if (leaked)
        stop_if_empty(s);
    if (t != s->seat)
        return;
    s->seat = NULL;
    if (s->state == HANDING_OVER && s->heir != NULL) {
        take_seat(s);
    } else if (s->state == HANDING_OVER) {
        s->backoff_ms = 0;
        move(s, WAITING);
    } else if (s->state == CLOSING) {
        move(s, s->asked_to_stop ? STOPPING : WAITING);
    }
}

static void on_gone(void *arg, const struct instance_figures *figures)
{
    struct tenure *t = arg;
    struct succession *s = t->of;
    if (s == NULL) {
        free_tenure(t);
        return;
    }
    succession_add_figures(&s->past_figures, figures);
    end_tenure(t);
    stop_if_empty(s);
}

static const struct instance_events instance_events = {
    .prepared = on_prepared,
    .claimed = on_claimed,
    .acked = on_acked,
    .resumed = on_resumed,
    .failed = on_failed,
    .reply = on_reply,
    .reply_end = on_reply_end,
    .closed = on_closed,
    .gone = on_gone,
};

static void on_timer(uv_timer_t *timer)
{
    struct succession *s = timer->data;
    if (s->state == WAITING)
        open_instance(s);
    else if (s->state == LIVE && s->asked_to_stop)
        start_to_drain(s);
}

/* ---- what the owner wants ---- */

void succession_choose(struct succession *s, const struct succession_choice *choice)
{
    build_retain(choice->build);
    build_release(s->build);
    s->build = choice->build;
    set_text(&s->config, choice->config);
    s->backoff_ms = 0;
    if (s->state == WAITING && !s->asked_to_stop)
        uv_timer_start(&s->timer, on_timer, 0, 0);
}

void succession_set_limits(struct succession *s, const struct succession_limits *limits)
{
    s->limits = *limits;
}

int succession_open_heir(struct succession *s, const struct succession_choice *choice,
                         struct error *err)
{
    assert(s->heir == NULL);
    s->heir = begin_tenure(s, choice->build, choice->config, err);
    return s->heir != NULL ? 0 : -1;
}

void succession_drop_heir(struct succession *s)
{
    if (s->heir != NULL)
        drop(s, s->heir);
}

/* ---- beginning and end ---- */

struct succession *succession_new(uv_loop_t *loop, struct journal *j, struct resolver *resolver,
                                  const struct succession_spec *spec,
                                  const struct succession_events *events, void *arg)
{
    struct succession *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    *s = (struct succession){
        .state = WAITING,
        .loop = loop,
        .journal = j,
        .resolver = resolver,
        .events = events,
        .arg = arg,
        .name = g_strdup(spec->name),
        .host_name = g_strdup(spec->host_name),
        .limits = spec->limits,
        .build = build_retain(spec->choice.build),
        .config = g_strdup(spec->choice.config),
        .backoff_ms = BACKOFF_FIRST_MS,
        .acked = journal_consumer(j, spec->name),
        .state_since_us = g_get_real_time(),
    };
    struct feed_receiver receiver = {on_offer, on_feed_failed, s};
    s->questions = questions_new(loop);
    s->feed = feed_new(loop, j, &receiver);
    if (s->questions == NULL || s->feed == NULL)
        abort(); /* at the start, before anything could be lost */
    uv_timer_init(loop, &s->timer);
    uv_timer_init(loop, &s->stall);
    s->timer.data = s->stall.data = s;
    s->handles = 2;
    return s;
}

void succession_start(struct succession *s)
{
    if (s->state == WAITING && !s->asked_to_stop)
        uv_timer_start(&s->timer, on_timer, 0, 0);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct succession *s = handle->data;
    if (--s->handles > 0)
        return;
    void (*closed)(void *) = s->closed;
    void *arg = s->closed_arg;
    questions_close(s->questions);
    build_release(s->build);
    metric_set_free(&s->past);
    g_free(s->name);
    g_free(s->config);
    g_free(s->host_name);
    g_free(s->detail);
    g_free(s->server);
    free(s);
    closed(arg);
}

static void on_feed_closed(void *arg)
{
    struct succession *s = arg;
    uv_close((uv_handle_t *)&s->timer, on_handle_closed);
    uv_close((uv_handle_t *)&s->stall, on_handle_closed);
}

static void free_when_closed(struct succession *s)
{
    feed_close(s->feed, on_feed_closed, s);
}

void succession_close(struct succession *s, void (*closed)(void *arg), void *arg)
{
    struct journal_stats j;
    s->closed = closed;
    s->closed_arg = arg;
    s->asked_to_stop = true;
    succession_drop_heir(s);
    journal_stats(s->journal, &j);
    s->stop_at = j.head;
    if (s->state == LIVE && s->acked < s->stop_at) {
        uv_timer_start(&s->timer, on_timer, CATCH_UP_MS, 0);
        return;
    }
    if (s->state == LIVE) {
        start_to_drain(s);
        return;
    }
    move(s, STOPPING);
    if (s->seat != NULL)
        instance_close(s->seat->instance, WT_CLOSE_ABORT);
    stop_if_empty(s);
}

/* ---- looks ---- */

const struct build *succession_build(const struct succession *s)
{
    return s->build;
}

const char *succession_config(const struct succession *s)
{
    return s->config;
}

bool succession_is_live(const struct succession *s)
{
    return s->state == LIVE;
}

uint64_t succession_generation(const struct succession *s)
{
    return s->generation;
}

const char *succession_detail(const struct succession *s)
{
    return s->detail;
}

struct questions *succession_questions(struct succession *s)
{
    return s->build->api->query != NULL ? s->questions : NULL;
}

const char *succession_state_name(const struct succession *s)
{
    return states[s->state].name;
}
