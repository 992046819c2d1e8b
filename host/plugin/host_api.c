/* What a plugin may call.  Nothing here calls back into it: what a call causes is noted and happens
 * in a later turn. */
#include <glib.h>

#include "log.h"
#include "plugin/instance_internal.h"

static void violate(wt_host *h, const char *rule)
{
    h->figures.violations++;
    h->figures.rule = rule;
    log_line(LOG_ERROR, "plugin", "%s broke the contract: %s", h->who, rule);
}

/* It has said that it is closed, which was to be the last word. */
static bool is_over(wt_host *h)
{
    if ((h->said & SAID_CLOSED) == 0 && h->state < CLOSED)
        return false;
    violate(h, "a call after closed()");
    return true;
}

static void api_prepared(wt_host *h, const wt_prepared *p)
{
    if (is_over(h))
        return;
    if (h->state != OPENING || (h->said & SAID_PREPARED) != 0) {
        violate(h, "prepared() without an open() under way");
        return;
    }
    if (p != NULL && WT_HAS(p, server) && p->server != NULL)
        h->server = g_strdup(p->server);
    instance_say(h, SAID_PREPARED);
}

static void api_claimed(wt_host *h, uint64_t cursor)
{
    if (is_over(h))
        return;
    if (h->state != CLAIMING || (h->said & SAID_CLAIMED) != 0) {
        violate(h, "claimed() without a claim() under way");
        return;
    }
    h->claimed = cursor;
    instance_say(h, SAID_CLAIMED);
}

static void api_ack(wt_host *h, uint64_t seq)
{
    if (is_over(h))
        return;
    if (seq > h->offered) {
        violate(h, "ack() of an event that was not delivered");
        instance_say_fail(h, WT_E_INTERNAL, "it acknowledged an event that was not delivered");
        return;
    }
    if (seq <= h->acked)
        return;
    h->acked = seq;
    instance_say(h, SAID_ACK);
}

static void api_resume(wt_host *h)
{
    if (is_over(h))
        return;
    instance_say(h, SAID_RESUME);
}

static void api_fail(wt_host *h, wt_status status, const char *message)
{
    if (is_over(h))
        return;
    instance_say_fail(h, status, message);
}

static void api_closed(wt_host *h)
{
    if (is_over(h))
        return;
    if (h->state != DRAINING && h->state != ABORTING) {
        violate(h, "closed() without close()");
        instance_say_fail(h, WT_E_INTERNAL, "it closed itself");
        return;
    }
    instance_take_back(h);
    instance_say(h, SAID_CLOSED);
}

static wt_watch *api_watch(wt_host *h, int fd, uint32_t events, wt_io_callback call, void *user)
{
    if (is_over(h))
        return NULL;
    return ledger_watch(h->ledger, fd, events, call, user);
}

static void api_rewatch(wt_host *h, wt_watch *w, uint32_t events)
{
    if (!is_over(h))
        ledger_rewatch(w, events);
}

static void api_unwatch(wt_host *h, wt_watch *w)
{
    if (!is_over(h))
        ledger_unwatch(w);
}

static wt_timer *api_timer(wt_host *h, uint64_t ms, wt_callback call, void *user)
{
    if (is_over(h))
        return NULL;
    return ledger_timer(h->ledger, ms, call, user);
}

static void api_untimer(wt_host *h, wt_timer *t)
{
    if (!is_over(h))
        ledger_untimer(t);
}

static int api_offload(wt_host *h, wt_callback work, wt_callback done, void *user)
{
    if (is_over(h))
        return -1;
    return ledger_offload(h->ledger, work, done, user);
}

static int api_resolve(wt_host *h, const char *name, wt_resolved call, void *user)
{
    if (is_over(h))
        return -1;
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
    if (is_over(h))
        return WT_E_CANCELLED;
    return h->events->reply(h->arg, q, bytes, size);
}

static void api_reply_end(wt_host *h, wt_query *q, wt_status status, const char *message)
{
    if (is_over(h))
        return;
    h->events->reply_end(h->arg, q, status, message);
}

static const void *api_get_extension(wt_host *h, const char *id)
{
    (void)h;
    (void)id;
    return NULL; /* none exists yet */
}

const wt_host_api host_api = {
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
