#include "plugin/instance.h"

#include <assert.h>
#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "ids.h"
#include "log.h"
#include "plugin/call.h"
#include "plugin/ledger.h"

enum { ABORT_MS = 1000, TIMED_CALLS = 16 };

enum state { OPENING, PREPARED, CLAIMING, LIVE, DRAINING, BROKEN, ABORTING, CLOSED, GONE };

#define TO(state) (1u << (state))

static const struct {
    const char *name;
    unsigned next;
} states[] = {
    [OPENING] = {"opening", TO(PREPARED) | TO(BROKEN) | TO(ABORTING)},
    [PREPARED] = {"prepared", TO(CLAIMING) | TO(BROKEN) | TO(ABORTING)},
    [CLAIMING] = {"claiming", TO(LIVE) | TO(BROKEN) | TO(ABORTING)},
    [LIVE] = {"live", TO(DRAINING) | TO(BROKEN) | TO(ABORTING)},
    [DRAINING] = {"draining", TO(BROKEN) | TO(ABORTING) | TO(CLOSED)},
    [BROKEN] = {"broken", TO(ABORTING)},
    [ABORTING] = {"aborting", TO(CLOSED)},
    [CLOSED] = {"closed", TO(GONE)},
    [GONE] = {"gone", 0},
};

/* What the plugin has reported and the owner has not yet been told. */
enum {
    SAID_PREPARED = 1,
    SAID_CLAIMED = 2,
    SAID_ACK = 4,
    SAID_RESUME = 8,
    SAID_FAIL = 16,
    SAID_CLOSED = 32
};

/* The plugin's wt_host is the instance itself. */
struct wt_host {
    enum state state;
    uv_loop_t *loop;
    struct build *build;
    const struct instance_events *events;
    void *arg;
    struct ledger *ledger;
    char *who;  /* "recorder 0.1.0 (9c1e2b4d) #3" */
    void *self; /* the plugin's */
    int64_t claim_ms, drain_ms;
    unsigned said;
    uint64_t claimed, acked, delivered;
    uint64_t offered; /* to a hook; it may acknowledge before it returns */
    wt_status failure;
    char *failure_message;
    char *server;
    uv_idle_t turn;
    uv_timer_t deadline;
    unsigned handles;
    unsigned untimed; /* hook calls since one was timed */
    bool leaked;
    struct instance_figures figures;
};

struct instance {
    struct wt_host host; /* first and only: the two are one */
};

static struct instance *instance_of(wt_host *h)
{
    return (struct instance *)h;
}

static void on_turn(uv_idle_t *idle);
static void on_deadline(uv_timer_t *timer);
static void enter_closed(wt_host *h);

static void set_deadline(wt_host *h, int64_t ms)
{
    uv_timer_start(&h->deadline, on_deadline, (uint64_t)ms, 0);
}

/* The only writer of h->state. */
static void move(wt_host *h, enum state to)
{
    assert((states[h->state].next & TO(to)) != 0);
    log_line(LOG_DEBUG, "plugin", "%s: %s -> %s", h->who, states[h->state].name, states[to].name);
    h->state = to;
    uv_timer_stop(&h->deadline);
    switch (to) {
    case CLAIMING:
        set_deadline(h, h->claim_ms);
        break;
    case DRAINING:
        set_deadline(h, h->drain_ms);
        break;
    case ABORTING:
        set_deadline(h, ABORT_MS);
        break;
    case CLOSED:
        enter_closed(h);
        break;
    case OPENING:
    case PREPARED:
    case LIVE:
    case BROKEN:
    case GONE:
        break;
    }
}

/* ---- the end ---- */

static void on_handle_closed(uv_handle_t *handle)
{
    wt_host *h = handle->data;
    if (--h->handles > 0)
        return;
    h->events->gone(h->arg, &h->figures, h->leaked);
    if (!h->leaked) /* a leaked build stays mapped: somebody may still run in it */
        build_release(h->build);
    g_free(h->who);
    g_free(h->failure_message);
    g_free(h->server);
    free(instance_of(h));
}

static void close_handles(wt_host *h)
{
    uv_close((uv_handle_t *)&h->turn, on_handle_closed);
    uv_close((uv_handle_t *)&h->deadline, on_handle_closed);
}

/* The last callback into the plugin has run; nothing of it is on the stack. */
static void on_ledger_closed(void *arg)
{
    wt_host *h = arg;
    if (!h->leaked) {
        call_begin(h->who, "destroy");
        h->build->api->destroy(h->self);
        call_end();
    }
    move(h, GONE);
    close_handles(h);
}

static void enter_closed(wt_host *h)
{
    struct metric_set figures = {0};
    instance_stats(instance_of(h), &figures);
    h->events->closed(h->arg, &figures);
    metric_set_free(&figures);

    char open[128];
    size_t n = ledger_open(h->ledger, open, sizeof open);
    if (n > 0) {
        h->figures.leaks += n;
        log_line(LOG_WARNING, "plugin", "%s: took back what it left: %s", h->who, open);
    }
    ledger_close(h->ledger, on_ledger_closed, h);
}

static void report_failure(wt_host *h, wt_status status, const char *message)
{
    move(h, BROKEN);
    h->events->failed(h->arg, status, message);
}

static void on_deadline(uv_timer_t *timer)
{
    wt_host *h = timer->data;
    switch (h->state) {
    case OPENING:
        report_failure(h, WT_E_AGAIN, "open: not prepared in time");
        break;
    case CLAIMING:
        report_failure(h, WT_E_AGAIN, "claim: not claimed in time");
        break;
    case DRAINING:
        instance_close(instance_of(h), WT_CLOSE_ABORT);
        break;
    case ABORTING:
        log_line(LOG_ERROR, "plugin", "%s: not closed in %d ms; its code stays loaded", h->who,
                 ABORT_MS);
        h->leaked = true;
        move(h, CLOSED);
        break;
    default:
        break;
    }
}

/* ---- what the plugin says ---- */

static void say(wt_host *h, unsigned what)
{
    h->said |= what;
    uv_idle_start(&h->turn, on_turn);
}

static void violate(wt_host *h, const char *rule)
{
    h->figures.violations++;
    log_line(LOG_ERROR, "plugin", "%s broke the contract: %s", h->who, rule);
}

static void say_fail(wt_host *h, wt_status status, const char *message)
{
    if ((h->said & SAID_FAIL) != 0)
        return; /* the first reason counts */
    h->failure = status;
    h->failure_message = g_strdup(message != NULL ? message : "no reason given");
    say(h, SAID_FAIL);
}

static void api_prepared(wt_host *h, const wt_prepared *p)
{
    if (h->state != OPENING || (h->said & SAID_PREPARED) != 0) {
        violate(h, "prepared() without an open() under way");
        return;
    }
    if (p != NULL && WT_HAS(p, server) && p->server != NULL)
        h->server = g_strdup(p->server);
    say(h, SAID_PREPARED);
}

static void api_claimed(wt_host *h, uint64_t cursor)
{
    if (h->state != CLAIMING || (h->said & SAID_CLAIMED) != 0) {
        violate(h, "claimed() without a claim() under way");
        return;
    }
    h->claimed = cursor;
    say(h, SAID_CLAIMED);
}

static void api_ack(wt_host *h, uint64_t seq)
{
    if (seq > h->offered) {
        violate(h, "ack() of an event that was not delivered");
        say_fail(h, WT_E_INTERNAL, "it acknowledged an event that was not delivered");
        return;
    }
    if (seq <= h->acked)
        return;
    h->acked = seq;
    say(h, SAID_ACK);
}

static void api_resume(wt_host *h)
{
    say(h, SAID_RESUME);
}

static void api_fail(wt_host *h, wt_status status, const char *message)
{
    say_fail(h, status, message);
}

static void api_closed(wt_host *h)
{
    if (h->state != DRAINING && h->state != ABORTING) {
        violate(h, "closed() without close()");
        say_fail(h, WT_E_INTERNAL, "it closed itself");
        return;
    }
    say(h, SAID_CLOSED);
}

static wt_watch *api_watch(wt_host *h, int fd, uint32_t events, wt_io_callback call, void *user)
{
    return ledger_watch(h->ledger, fd, events, call, user);
}

static void api_rewatch(wt_host *h, wt_watch *w, uint32_t events)
{
    (void)h;
    ledger_rewatch(w, events);
}

static void api_unwatch(wt_host *h, wt_watch *w)
{
    (void)h;
    ledger_unwatch(w);
}

static wt_timer *api_timer(wt_host *h, uint64_t ms, wt_callback call, void *user)
{
    return ledger_timer(h->ledger, ms, call, user);
}

static void api_untimer(wt_host *h, wt_timer *t)
{
    (void)h;
    ledger_untimer(t);
}

static int api_offload(wt_host *h, wt_callback work, wt_callback done, void *user)
{
    return ledger_offload(h->ledger, work, done, user);
}

static int api_resolve(wt_host *h, const char *name, wt_resolved call, void *user)
{
    return ledger_resolve(h->ledger, name, call, user);
}

static uint64_t api_now_ns(void)
{
    return uv_hrtime();
}

static void api_log(wt_host *h, int level, const char *message)
{
    enum log_level known =
        level < WT_LOG_ERROR || level > WT_LOG_DEBUG ? LOG_INFO : (enum log_level)level;
    log_line(known, h->who, "%s", message);
}

static wt_status api_reply(wt_host *h, wt_query *q, const void *bytes, size_t size)
{
    return h->events->reply(h->arg, q, bytes, size);
}

static void api_reply_end(wt_host *h, wt_query *q, wt_status status, const char *message)
{
    h->events->reply_end(h->arg, q, status, message);
}

static const void *api_get_extension(wt_host *h, const char *id)
{
    (void)h;
    (void)id;
    return NULL; /* none exists yet */
}

static const wt_host_api host_api = {
    .struct_size = sizeof host_api,
    .abi_major = WT_ABI_MAJOR,
    .abi_minor = WT_ABI_MINOR,
    .prepared = api_prepared,
    .claimed = api_claimed,
    .ack = api_ack,
    .resume = api_resume,
    .fail = api_fail,
    .closed = api_closed,
    .watch = api_watch,
    .rewatch = api_rewatch,
    .unwatch = api_unwatch,
    .timer = api_timer,
    .untimer = api_untimer,
    .offload = api_offload,
    .resolve = api_resolve,
    .now_ns = api_now_ns,
    .log = api_log,
    .reply = api_reply,
    .reply_end = api_reply_end,
    .get_extension = api_get_extension,
};

/* Tells the owner what was said, one thing after the other in the order of a life. */
static void tell(wt_host *h, unsigned said)
{
    if ((said & SAID_PREPARED) != 0 && h->state == OPENING) {
        move(h, PREPARED);
        h->events->prepared(h->arg, h->server);
    }
    if ((said & SAID_CLAIMED) != 0 && h->state == CLAIMING) {
        move(h, LIVE);
        h->events->claimed(h->arg, h->claimed);
    }
    if ((said & SAID_ACK) != 0)
        h->events->acked(h->arg, h->acked);
    if ((said & SAID_RESUME) != 0 && h->state == LIVE)
        h->events->resumed(h->arg);
    if ((said & SAID_CLOSED) != 0 && (h->state == DRAINING || h->state == ABORTING)) {
        move(h, CLOSED);
    } else if ((said & SAID_FAIL) != 0) {
        if (h->state == DRAINING)
            instance_close(instance_of(h), WT_CLOSE_ABORT);
        else if (h->state < BROKEN)
            report_failure(h, h->failure, h->failure_message);
    }
}

static void on_turn(uv_idle_t *idle)
{
    wt_host *h = idle->data;
    unsigned said = h->said;
    h->said &= SAID_FAIL; /* stays: the first failure is the only one */
    uv_idle_stop(idle);
    tell(h, said);
}

/* ---- what the owner wants ---- */

static int call_open(wt_host *h, const struct instance_spec *spec, struct error *err)
{
    wt_uuid random = id_random();
    wt_open_args args = {
        .struct_size = sizeof args,
        .mode = WT_OPEN_LIVE,
        .config = spec->config,
        .name = spec->name,
        .build = spec->build->label,
        .host_name = spec->host_name,
        .generation = spec->generation,
        .deadline_ns = uv_hrtime() + (uint64_t)spec->open_ms * 1000000,
    };
    memcpy(&args.token, random.bytes + 8, sizeof args.token);
    args.token &= INT64_MAX; /* the fence is a bigint */
    call_begin(h->who, "open");
    wt_status status = h->build->api->open(&host_api, h, &args, &h->self);
    call_end();
    if (status == WT_OK)
        return 0;
    return error_set(err, EIO, "open() refused: %s",
                     h->failure_message != NULL ? h->failure_message : "no reason given");
}

static void on_stillborn_closed(uv_handle_t *handle)
{
    wt_host *h = handle->data;
    if (--h->handles > 0)
        return;
    build_release(h->build);
    g_free(h->who);
    g_free(h->failure_message);
    g_free(h->server);
    free(instance_of(h));
}

static void on_stillborn_ledger_closed(void *arg)
{
    wt_host *h = arg;
    uv_close((uv_handle_t *)&h->turn, on_stillborn_closed);
    uv_close((uv_handle_t *)&h->deadline, on_stillborn_closed);
}

int instance_open(uv_loop_t *loop, struct resolver *resolver, const struct instance_spec *spec,
                  const struct instance_events *events, void *arg, struct instance **out,
                  struct error *err)
{
    struct instance *i = calloc(1, sizeof *i);
    if (i == NULL)
        return error_set(err, ENOMEM, "out of memory");
    wt_host *h = &i->host;
    h->who = g_strdup_printf("%s #%llu", spec->build->label, (unsigned long long)spec->generation);
    h->ledger = ledger_new(loop, resolver, h->who);
    if (h->ledger == NULL) {
        g_free(h->who);
        free(i);
        return error_set(err, ENOMEM, "out of memory");
    }
    h->state = OPENING;
    h->loop = loop;
    h->build = build_retain(spec->build);
    h->events = events;
    h->arg = arg;
    h->claim_ms = spec->claim_ms;
    h->drain_ms = spec->drain_ms;
    uv_idle_init(loop, &h->turn);
    uv_timer_init(loop, &h->deadline);
    h->turn.data = h->deadline.data = h;
    h->handles = 2;
    set_deadline(h, spec->open_ms);
    if (call_open(h, spec, err) != 0) {
        uv_idle_stop(&h->turn);
        uv_timer_stop(&h->deadline);
        ledger_close(h->ledger, on_stillborn_ledger_closed, h);
        return -1;
    }
    *out = i;
    return 0;
}

void instance_claim(struct instance *i, const wt_claim_args *args)
{
    wt_host *h = &i->host;
    move(h, CLAIMING);
    call_begin(h->who, "claim");
    h->build->api->claim(h->self, args);
    call_end();
}

void instance_close(struct instance *i, uint32_t mode)
{
    wt_host *h = &i->host;
    if (h->state >= ABORTING || (h->state == DRAINING && mode == WT_CLOSE_DRAIN))
        return;
    if (mode == WT_CLOSE_DRAIN && h->state != LIVE)
        mode = WT_CLOSE_ABORT; /* nothing was taken yet, or nothing can be saved */
    move(h, mode == WT_CLOSE_DRAIN ? DRAINING : ABORTING);
    call_begin(h->who, "close");
    h->build->api->close(h->self, mode);
    call_end();
}

/* ---- events ---- */

static const char *const hook_names[] = {
    [WT_RUN_START] = "on_run_start", [WT_TOKEN] = "on_token",     [WT_WALLET] = "on_wallet",
    [WT_RUN_ERROR] = "on_run_error", [WT_RUN_END] = "on_run_end", [WT_SLOT] = "on_slot",
};

#define CALL_HOOK(hook, body) (api->hook == NULL ? WT_TAKEN : api->hook(h->self, &e->head, body))

static wt_answer call_hook(wt_host *h, const struct event *e)
{
    const wt_plugin *api = h->build->api;
    switch (e->head.kind) {
    case WT_RUN_START:
        return CALL_HOOK(on_run_start, &e->u.run_start);
    case WT_TOKEN:
        return CALL_HOOK(on_token, &e->u.token);
    case WT_WALLET:
        return CALL_HOOK(on_wallet, &e->u.wallet);
    case WT_RUN_ERROR:
        return CALL_HOOK(on_run_error, &e->u.run_error);
    case WT_RUN_END:
        return CALL_HOOK(on_run_end, &e->u.run_end);
    case WT_SLOT:
        return CALL_HOOK(on_slot, &e->u.slot);
    default:
        return WT_TAKEN;
    }
}

static void count_time(struct instance_figures *f, uint64_t ns)
{
    static const uint64_t bounds[] = {100, 200, 300, 500, 1000, 10000, 1000000};
    size_t b = 0;
    while (b < sizeof bounds / sizeof bounds[0] && ns > bounds[b])
        b++;
    f->hook_buckets[b]++;
    f->hook_calls_timed++;
    f->hook_ns_sum += ns;
    if (ns > f->hook_ns_max)
        f->hook_ns_max = ns;
}

void instance_start_at(struct instance *i, uint64_t cursor)
{
    i->host.offered = i->host.delivered = i->host.acked = cursor;
}

bool instance_offer(struct instance *i, const struct event *e)
{
    wt_host *h = &i->host;
    wt_answer answer;
    h->offered = e->head.seq;
    /* Reading the clock twice costs as much as a hook: one call in 16 stands for all. */
    if (++h->untimed == TIMED_CALLS) {
        h->untimed = 0;
        call_begin(h->who, hook_names[e->head.kind]);
        answer = call_hook(h, e);
        count_time(&h->figures, call_end());
    } else {
        answer = call_hook(h, e);
    }
    if (answer != WT_TAKEN) {
        h->figures.enough++;
        return false;
    }
    h->delivered = e->head.seq;
    h->figures.events[e->head.kind]++;
    return true;
}

/* ---- questions and figures ---- */

bool instance_can_answer(const struct instance *i)
{
    const wt_host *h = &i->host;
    return h->build->api->query != NULL && h->state >= PREPARED && h->state <= LIVE &&
           (h->said & SAID_FAIL) == 0;
}

void instance_query(struct instance *i, wt_query *q, const wt_query_args *args)
{
    wt_host *h = &i->host;
    call_begin(h->who, "query");
    h->build->api->query(h->self, q, args);
    call_end();
}

void instance_query_cancel(struct instance *i, wt_query *q)
{
    wt_host *h = &i->host;
    if (h->build->api->query_cancel == NULL)
        return;
    call_begin(h->who, "query_cancel");
    h->build->api->query_cancel(h->self, q);
    call_end();
}

void instance_query_resume(struct instance *i, wt_query *q)
{
    wt_host *h = &i->host;
    if (h->build->api->query_resume == NULL)
        return;
    call_begin(h->who, "query_resume");
    h->build->api->query_resume(h->self, q);
    call_end();
}

void instance_stats(struct instance *i, struct metric_set *out)
{
    wt_host *h = &i->host;
    if (h->build->api->stats == NULL || h->state == GONE || h->leaked)
        return;
    wt_stats_sink sink = metric_sink(out);
    call_begin(h->who, "stats");
    h->build->api->stats(h->self, &sink);
    call_end();
}

const char *instance_state(const struct instance *i)
{
    return states[i->host.state].name;
}

uint64_t instance_delivered(const struct instance *i)
{
    return i->host.delivered;
}

const struct instance_figures *instance_figures(const struct instance *i)
{
    return &i->host.figures;
}
