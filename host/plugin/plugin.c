#include "plugin/plugin_internal.h"

#include <assert.h>
#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "ids.h"
#include "log.h"

enum {
    BACKOFF_FIRST_MS = 100,
    BACKOFF_MOST_MS = 30000,
    CATCH_UP_MS = 5000 /* at a stop: for what is durable and not yet acknowledged */
};

#define TO(state) (1u << (state))

static const struct {
    const char *name;
    unsigned next;
} states[] = {
    [WAITING] = {"waiting", TO(OPENING) | TO(STOPPED)},
    [OPENING] = {"opening", TO(WAITING) | TO(CLAIMING) | TO(CLOSING) | TO(STOPPING)},
    [CLAIMING] = {"claiming", TO(LIVE) | TO(CLOSING) | TO(STOPPING)},
    [LIVE] = {"live", TO(CLOSING) | TO(STOPPING)},
    [CLOSING] = {"closing", TO(WAITING) | TO(STOPPED)},
    [STOPPING] = {"stopping", TO(STOPPED)},
    [STOPPED] = {"stopped", 0},
};

static void on_timer(uv_timer_t *timer);
static void free_when_closed(struct plugin *p);

static void hold(struct plugin *p, bool wanted)
{
    if (p->holding == wanted)
        return;
    p->holding = wanted;
    if (wanted)
        journal_hold(p->journal);
    else
        journal_release(p->journal);
}

static void set_detail(struct plugin *p, const char *why)
{
    char *copy = g_strdup(why); /* `why` may be the old detail */
    g_free(p->detail);
    p->detail = copy;
}

/* The only writer of p->state. */
static void move(struct plugin *p, enum plugin_state to)
{
    assert((states[p->state].next & TO(to)) != 0);
    log_line(LOG_DEBUG, p->name, "%s -> %s", states[p->state].name, states[to].name);
    p->state = to;
    p->state_since_us = g_get_real_time();
    uv_timer_stop(&p->timer);
    hold(p, to == CLAIMING);
    switch (to) {
    case WAITING:
        uv_timer_start(&p->timer, on_timer,
                       p->backoff_ms / 2 + g_random_int() % (p->backoff_ms / 2 + 1), 0);
        p->backoff_ms = p->backoff_ms * 2 < BACKOFF_MOST_MS ? p->backoff_ms * 2 : BACKOFF_MOST_MS;
        break;
    case CLOSING:
    case STOPPING:
        feed_stop(p->feed);
        questions_leave(p->questions, p->instance, p->detail);
        break;
    case STOPPED:
        free_when_closed(p);
        break;
    case OPENING:
    case CLAIMING:
    case LIVE:
        break;
    }
}

/* ---- opening ---- */

static const struct instance_events instance_events;

static void open_instance(struct plugin *p)
{
    struct error err;
    struct instance_spec spec = {
        .build = p->build,
        .name = p->name,
        .config = p->config,
        .host_name = p->host_name,
        .generation = ++p->generation,
        .open_ms = p->open_ms,
        .claim_ms = p->claim_ms,
        .drain_ms = p->drain_ms,
    };
    move(p, OPENING);
    if (instance_open(p->loop, p->resolver, &spec, &instance_events, p, &p->instance, &err) == 0)
        return;
    log_line(LOG_ERROR, p->name, "%s", err.msg);
    set_detail(p, err.msg);
    questions_leave(p->questions, NULL, p->detail);
    move(p, WAITING);
}

static void on_prepared(void *arg, const char *server)
{
    struct plugin *p = arg;
    struct journal_stats s;
    g_free(p->server);
    p->server = g_strdup(server);
    questions_use(p->questions, p->instance);
    move(p, CLAIMING); /* first: from here on nothing is trimmed */
    journal_stats(p->journal, &s);
    wt_claim_args args = {
        .struct_size = sizeof args,
        .journal_id = *journal_id(p->journal),
        .oldest = s.oldest,
        .head = s.head,
    };
    instance_claim(p->instance, &args);
}

/* Where to go on, or -1 when there is no going on from such a cursor. */
static int check_cursor(const struct plugin *p, uint64_t *cursor, struct error *err)
{
    struct journal_stats s;
    journal_stats(p->journal, &s);
    if (*cursor == WT_CURSOR_OF_HOST)
        *cursor = p->acked + 1 < s.oldest ? s.oldest - 1 : p->acked;
    if (*cursor > s.head)
        return error_set(err, EINVAL, "its cursor %llu is ahead of the journal's last event %llu",
                         (unsigned long long)*cursor, (unsigned long long)s.head);
    if (*cursor + 1 < s.oldest)
        return error_set(err, EINVAL, "its cursor %llu is before the journal's first event %llu",
                         (unsigned long long)*cursor, (unsigned long long)s.oldest);
    return 0;
}

static void give_up_instance(struct plugin *p, const char *why)
{
    set_detail(p, why);
    move(p, CLOSING);
    instance_close(p->instance, WT_CLOSE_ABORT);
}

static void on_claimed(void *arg, uint64_t cursor)
{
    struct plugin *p = arg;
    struct error err;
    if (check_cursor(p, &cursor, &err) != 0) {
        log_line(LOG_ERROR, p->name, "%s", err.msg);
        p->failures[WT_E_INTERNAL]++;
        give_up_instance(p, err.msg);
        return;
    }
    move(p, LIVE);
    log_line(LOG_INFO, p->name, "live: %s, instance %llu, from event %llu%s%s", p->build->label,
             (unsigned long long)p->generation, (unsigned long long)cursor + 1,
             p->server != NULL ? ", at " : "", p->server != NULL ? p->server : "");
    set_detail(p, NULL);
    p->acked = p->delivered = cursor;
    journal_ack(p->journal, p->name, cursor);
    instance_start_at(p->instance, cursor);
    feed_start(p->feed, cursor + 1);
}

/* ---- living ---- */

static bool on_offer(void *arg, const struct event *e)
{
    struct plugin *p = arg;
    if (!instance_offer(p->instance, e))
        return false;
    p->delivered = e->head.seq;
    return true;
}

static void on_resumed(void *arg)
{
    struct plugin *p = arg;
    feed_resume(p->feed);
}

static void start_to_drain(struct plugin *p)
{
    move(p, STOPPING);
    instance_close(p->instance, WT_CLOSE_DRAIN);
}

static void on_acked(void *arg, uint64_t seq)
{
    struct plugin *p = arg;
    p->acked = seq;
    p->backoff_ms = BACKOFF_FIRST_MS;
    journal_ack(p->journal, p->name, seq);
    if (p->asked_to_stop && p->state == LIVE && seq >= p->stop_at)
        start_to_drain(p);
}

static wt_status on_reply(void *arg, wt_query *q, const void *bytes, size_t size)
{
    struct plugin *p = arg;
    return questions_reply(p->questions, p->instance, q, bytes, size);
}

static void on_reply_end(void *arg, wt_query *q, wt_status status, const char *message)
{
    struct plugin *p = arg;
    questions_reply_end(p->questions, p->instance, q, status, message);
}

static void on_feed_failed(void *arg, const char *why)
{
    struct plugin *p = arg;
    log_line(LOG_ERROR, p->name, "the journal cannot be read: %s", why);
    give_up_instance(p, why);
}

/* ---- failing ---- */

static void on_failed(void *arg, wt_status status, const char *message)
{
    struct plugin *p = arg;
    if (status < 0 || status > WT_E_ARGUMENT)
        status = WT_E_INTERNAL;
    p->failures[status]++;
    /* An outage is reported when it begins, not at each try. */
    bool known = p->detail != NULL && strcmp(p->detail, message) == 0;
    log_line(known                  ? LOG_DEBUG
             : status == WT_E_AGAIN ? LOG_WARNING
                                    : LOG_ERROR,
             p->name, "%s", message);
    if (status == WT_E_CONFIG || status == WT_E_SCHEMA_NEW || status == WT_E_SCHEMA_OLD)
        p->backoff_ms = BACKOFF_MOST_MS; /* waiting for a person, not for a server */
    give_up_instance(p, message);
}

/* Its last word: what it counted joins the figures of the past. */
static void on_closed(void *arg, struct metric_set *figures)
{
    struct plugin *p = arg;
    metric_set_add(&p->past, figures);
}

static void on_gone(void *arg, const struct instance_figures *figures, bool leaked)
{
    struct plugin *p = arg;
    plugin_add_figures(&p->past_figures, figures);
    p->leaked += leaked;
    p->instance = NULL;
    move(p, p->asked_to_stop ? STOPPED : WAITING);
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
    struct plugin *p = timer->data;
    if (p->state == WAITING)
        open_instance(p);
    else if (p->state == LIVE && p->asked_to_stop)
        start_to_drain(p);
}

/* ---- beginning and end ---- */

int plugin_new(uv_loop_t *loop, struct journal *j, struct resolver *resolver,
               const struct plugin_spec *spec, struct plugin **out, struct error *err)
{
    struct plugin *p = calloc(1, sizeof *p);
    struct build *build = NULL;
    char *path = g_build_filename(spec->plugin_dir, spec->config->path, NULL);
    if (p == NULL || build_load(path, &build, err) != 0) {
        g_free(path);
        free(p);
        return -1;
    }
    *p = (struct plugin){
        .state = WAITING,
        .loop = loop,
        .journal = j,
        .resolver = resolver,
        .build = build,
        .path = path,
        .name = g_strdup(spec->config->name),
        .config = g_strdup(spec->config->config),
        .host_name = g_strdup(spec->host_name),
        .open_ms = spec->config->open_seconds * 1000,
        .claim_ms = spec->config->claim_seconds * 1000,
        .drain_ms = spec->config->drain_ms,
        .backoff_ms = BACKOFF_FIRST_MS,
        .acked = journal_consumer(j, spec->config->name),
        .state_since_us = g_get_real_time(),
    };
    struct feed_receiver receiver = {on_offer, on_feed_failed, p};
    p->questions = questions_new(loop);
    p->feed = feed_new(loop, j, &receiver);
    if (p->questions == NULL || p->feed == NULL)
        abort(); /* at the start, before anything could be lost */
    uv_timer_init(loop, &p->timer);
    p->timer.data = p;
    uv_timer_start(&p->timer, on_timer, 0, 0);
    *out = p;
    return 0;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct plugin *p = handle->data;
    void (*closed)(void *) = p->closed;
    void *arg = p->closed_arg;
    questions_close(p->questions);
    build_release(p->build);
    metric_set_free(&p->past);
    g_free(p->name);
    g_free(p->path);
    g_free(p->config);
    g_free(p->host_name);
    g_free(p->detail);
    g_free(p->server);
    free(p);
    closed(arg);
}

static void on_feed_closed(void *arg)
{
    struct plugin *p = arg;
    uv_close((uv_handle_t *)&p->timer, on_timer_closed);
}

static void free_when_closed(struct plugin *p)
{
    feed_close(p->feed, on_feed_closed, p);
}

void plugin_close(struct plugin *p, void (*closed)(void *arg), void *arg)
{
    struct journal_stats s;
    p->closed = closed;
    p->closed_arg = arg;
    p->asked_to_stop = true;
    journal_stats(p->journal, &s);
    p->stop_at = s.head;
    switch (p->state) {
    case WAITING:
        move(p, STOPPED);
        break;
    case LIVE:
        if (p->acked >= p->stop_at)
            start_to_drain(p);
        else
            uv_timer_start(&p->timer, on_timer, CATCH_UP_MS, 0);
        break;
    case OPENING:
    case CLAIMING:
        move(p, STOPPING);
        instance_close(p->instance, WT_CLOSE_ABORT);
        break;
    case CLOSING:
    case STOPPING:
    case STOPPED:
        break;
    }
}

struct questions *plugin_questions(struct plugin *p)
{
    return p->build->api->query != NULL ? p->questions : NULL;
}

const char *plugin_state_name(const struct plugin *p)
{
    return states[p->state].name;
}
