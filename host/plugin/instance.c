#include "plugin/instance_internal.h"

#include <assert.h>
#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "ids.h"
#include "log.h"
#include "watch/call.h"

enum { ABORT_MS = 1000 };

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
static void move(wt_host *h, enum instance_state to)
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
    h->events->gone(h->arg, &h->figures);
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

/* So that no callback follows its last word. */
void instance_take_back(wt_host *h)
{
    size_t n = ledger_open(h->ledger, h->figures.left, sizeof h->figures.left);
    if (n > 0) {
        h->figures.leaks += n;
        log_line(LOG_WARNING, "plugin", "%s: took back what it left: %s", h->who, h->figures.left);
    }
    ledger_revoke(h->ledger);
}

static void enter_closed(wt_host *h)
{
    struct metric_set figures = {0};
    if (h->leaked)
        instance_take_back(h);
    instance_stats(instance_of(h), &figures);
    h->events->closed(h->arg, &figures, h->leaked);
    metric_set_free(&figures);
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

void instance_say(wt_host *h, unsigned what)
{
    h->said |= what;
    uv_idle_start(&h->turn, on_turn);
}

void instance_say_fail(wt_host *h, wt_status status, const char *message)
{
    if ((h->said & SAID_FAIL) != 0)
        return; /* the first reason counts */
    h->failure = status;
    h->failure_message = g_strdup(message != NULL ? message : "no reason given");
    instance_say(h, SAID_FAIL);
}

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
    h->said &= SAID_FAIL | SAID_CLOSED; /* stay: the first failure is the only one */
    uv_idle_stop(idle);
    tell(h, said);
}

/* ---- what the owner wants ---- */

static int call_open(wt_host *h, const struct instance_spec *spec, struct error *err)
{
    wt_uuid random = id_random();
    wt_open_args args = {
        .struct_size = sizeof args,
        .mode = spec->mode,
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

void instance_flush(struct instance *i)
{
    wt_host *h = &i->host;
    if (h->build->api->flush == NULL || h->state != LIVE)
        return;
    call_begin(h->who, "flush");
    h->build->api->flush(h->self);
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
