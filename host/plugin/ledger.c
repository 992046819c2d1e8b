#include "plugin/ledger.h"

#include <stdio.h>
#include <stdlib.h>

#include "watch/call.h"

/* What every entry begins with: its place in the ledger's list. */
struct entry {
    struct ledger *ledger;
    struct entry *next, **link;
};

struct wt_watch {
    struct entry entry;
    uv_poll_t poll;
    uint32_t interest;
    wt_io_callback call;
    void *user;
};

struct wt_timer {
    struct entry entry;
    uv_timer_t timer;
    wt_callback call;
    void *user;
};

struct offload {
    struct ledger *ledger;
    uv_work_t work;
    wt_callback run, done;
    void *user;
};

struct resolve {
    struct entry entry;
    struct lookup *lookup;
    wt_resolved call;
    void *user;
};

struct ledger {
    uv_loop_t *loop;
    struct resolver *resolver;
    const char *who;
    struct entry *watches, *timers, *resolves;
    size_t n_watches, n_timers, n_resolves, n_offloads;
    bool revoked;   /* no callback runs any more */
    size_t closing; /* handles between uv_close() and its callback */
    void (*closed)(void *arg);
    void *closed_arg;
    uv_idle_t turn; /* lets `closed` run from a stack of its own */
};

static void enter(struct ledger *l, struct entry *e, struct entry **list, size_t *count)
{
    e->ledger = l;
    e->next = *list;
    e->link = list;
    if (*list != NULL)
        (*list)->link = &e->next;
    *list = e;
    (*count)++;
}

static void leave(struct entry *e, size_t *count)
{
    *e->link = e->next;
    if (e->next != NULL)
        e->next->link = e->link;
    (*count)--;
}

/* ---- the end ---- */

static void on_ledger_closed(uv_handle_t *handle)
{
    struct ledger *l = handle->data;
    void (*closed)(void *) = l->closed;
    void *arg = l->closed_arg;
    free(l);
    closed(arg);
}

static void on_turn(uv_idle_t *idle)
{
    uv_idle_stop(idle);
    uv_close((uv_handle_t *)idle, on_ledger_closed);
}

static void end_if_empty(struct ledger *l)
{
    if (l->closed != NULL && l->n_offloads == 0 && l->closing == 0)
        uv_idle_start(&l->turn, on_turn);
}

struct ledger *ledger_new(uv_loop_t *loop, struct resolver *resolver, const char *who)
{
    struct ledger *l = calloc(1, sizeof *l);
    if (l == NULL)
        return NULL;
    l->loop = loop;
    l->resolver = resolver;
    l->who = who;
    uv_idle_init(loop, &l->turn);
    l->turn.data = l;
    return l;
}

void ledger_revoke(struct ledger *l)
{
    l->revoked = true;
    while (l->watches != NULL)
        ledger_unwatch((wt_watch *)l->watches);
    while (l->timers != NULL)
        ledger_untimer((wt_timer *)l->timers);
    struct entry *next = l->resolves;
    l->resolves = NULL;
    l->n_resolves = 0;
    while (next != NULL) {
        struct resolve *r = (struct resolve *)next;
        next = next->next;
        resolver_cancel(r->lookup);
        free(r);
    }
}

void ledger_close(struct ledger *l, void (*closed)(void *arg), void *arg)
{
    ledger_revoke(l);
    l->closed = closed;
    l->closed_arg = arg;
    end_if_empty(l);
}

size_t ledger_open(const struct ledger *l, char *text, size_t size)
{
    const struct {
        size_t count;
        const char *one, *several;
    } all[] = {{l->n_watches, "watch", "watches"},
               {l->n_timers, "timer", "timers"},
               {l->n_offloads, "offload", "offloads"},
               {l->n_resolves, "lookup", "lookups"}};
    size_t sum = 0, used = 0;
    if (size > 0)
        text[0] = '\0';
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (all[i].count > 0 && used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%zu %s", sum > 0 ? ", " : "",
                                     all[i].count, all[i].count == 1 ? all[i].one : all[i].several);
        sum += all[i].count;
    }
    return sum;
}

/* ---- watches ---- */

static void on_poll(uv_poll_t *poll, int status, int events)
{
    wt_watch *w = poll->data;
    uint32_t seen = 0;
    if (status < 0) {
        seen |= WT_IO_ERROR;
        ledger_rewatch(w, w->interest); /* libuv has stopped it, and there may be more to read */
    }
    if ((events & UV_READABLE) != 0)
        seen |= WT_IO_READ;
    if ((events & UV_WRITABLE) != 0)
        seen |= WT_IO_WRITE;
    call_begin(w->entry.ledger->who, "a watch");
    w->call(w->user, seen);
    call_end();
}

static void on_watch_closed(uv_handle_t *handle)
{
    wt_watch *w = handle->data;
    struct ledger *l = w->entry.ledger;
    free(w);
    l->closing--;
    end_if_empty(l);
}

void ledger_rewatch(wt_watch *w, uint32_t events)
{
    int wanted = ((events & WT_IO_READ) != 0 ? UV_READABLE : 0) |
                 ((events & WT_IO_WRITE) != 0 ? UV_WRITABLE : 0);
    w->interest = events;
    if (wanted == 0)
        uv_poll_stop(&w->poll);
    else
        uv_poll_start(&w->poll, wanted, on_poll);
}

wt_watch *ledger_watch(struct ledger *l, int fd, uint32_t events, wt_io_callback call, void *user)
{
    wt_watch *w = calloc(1, sizeof *w);
    if (w == NULL || uv_poll_init(l->loop, &w->poll, fd) != 0) {
        free(w);
        return NULL;
    }
    w->poll.data = w;
    w->call = call;
    w->user = user;
    enter(l, &w->entry, &l->watches, &l->n_watches);
    ledger_rewatch(w, events);
    return w;
}

void ledger_unwatch(wt_watch *w)
{
    if (w == NULL)
        return;
    struct ledger *l = w->entry.ledger;
    leave(&w->entry, &l->n_watches);
    l->closing++;
    uv_close((uv_handle_t *)&w->poll, on_watch_closed);
}

/* ---- timers ---- */

static void on_timer_closed(uv_handle_t *handle)
{
    wt_timer *t = handle->data;
    struct ledger *l = t->entry.ledger;
    free(t);
    l->closing--;
    end_if_empty(l);
}

static void on_timer(uv_timer_t *timer)
{
    wt_timer *t = timer->data;
    struct ledger *l = t->entry.ledger;
    wt_callback call = t->call;
    void *user = t->user;
    ledger_untimer(t); /* it is gone when its callback runs */
    call_begin(l->who, "a timer");
    call(user);
    call_end();
}

wt_timer *ledger_timer(struct ledger *l, uint64_t ms, wt_callback call, void *user)
{
    wt_timer *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    uv_timer_init(l->loop, &t->timer);
    t->timer.data = t;
    t->call = call;
    t->user = user;
    enter(l, &t->entry, &l->timers, &l->n_timers);
    uv_timer_start(&t->timer, on_timer, ms, 0);
    return t;
}

void ledger_untimer(wt_timer *t)
{
    if (t == NULL)
        return;
    struct ledger *l = t->entry.ledger;
    leave(&t->entry, &l->n_timers);
    l->closing++;
    uv_close((uv_handle_t *)&t->timer, on_timer_closed);
}

/* ---- work off the loop ---- */

static void on_work(uv_work_t *work)
{
    struct offload *o = work->data;
    call_enter(o->ledger->who, "an offload");
    o->run(o->user);
    call_leave();
}

static void on_work_done(uv_work_t *work, int status)
{
    struct offload *o = work->data;
    struct ledger *l = o->ledger;
    (void)status; /* never cancelled */
    l->n_offloads--;
    if (!l->revoked) {
        call_begin(l->who, "an offload's end");
        o->done(o->user);
        call_end();
    }
    free(o);
    end_if_empty(l);
}

int ledger_offload(struct ledger *l, wt_callback work, wt_callback done, void *user)
{
    struct offload *o = calloc(1, sizeof *o);
    if (o == NULL)
        return -1;
    *o = (struct offload){.ledger = l, .run = work, .done = done, .user = user};
    o->work.data = o;
    if (uv_queue_work(l->loop, &o->work, on_work, on_work_done) != 0) {
        free(o);
        return -1;
    }
    l->n_offloads++;
    return 0;
}

static void on_resolved(void *arg, const char *address, const char *error)
{
    struct resolve *r = arg;
    struct ledger *l = r->entry.ledger;
    wt_resolved call = r->call;
    void *user = r->user;
    leave(&r->entry, &l->n_resolves);
    free(r);
    call_begin(l->who, "a lookup's end");
    call(user, address, error);
    call_end();
}

int ledger_resolve(struct ledger *l, const char *name, wt_resolved call, void *user)
{
    struct resolve *r = calloc(1, sizeof *r);
    if (r == NULL)
        return -1;
    r->lookup = resolver_start(l->resolver, name, on_resolved, r);
    if (r->lookup == NULL) {
        free(r);
        return -1;
    }
    r->call = call;
    r->user = user;
    enter(l, &r->entry, &l->resolves, &l->n_resolves);
    return 0;
}
