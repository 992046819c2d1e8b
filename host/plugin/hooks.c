/* What a plugin is called with while it lives: events, questions, and for its figures. */
#include "plugin/instance_internal.h"
#include "watch/call.h"

enum { TIMED_CALLS = 16 };

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
        call_enter(h->who, hook_names[e->head.kind]);
        answer = call_hook(h, e);
        call_leave();
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

const struct instance_figures *instance_figures(const struct instance *i)
{
    return &i->host.figures;
}
