/* What the operator sees of a plugin. */
#include "plugin/plugin_internal.h"

void plugin_add_figures(struct instance_figures *into, const struct instance_figures *from)
{
    for (int kind = 0; kind <= WT_SLOT; kind++)
        into->events[kind] += from->events[kind];
    for (size_t i = 0; i < sizeof into->hook_buckets / sizeof into->hook_buckets[0]; i++)
        into->hook_buckets[i] += from->hook_buckets[i];
    into->enough += from->enough;
    into->violations += from->violations;
    into->leaks += from->leaks;
    into->hook_calls_timed += from->hook_calls_timed;
    into->hook_ns_sum += from->hook_ns_sum;
    if (from->hook_ns_max > into->hook_ns_max)
        into->hook_ns_max = from->hook_ns_max;
}

void plugin_view(const struct plugin *p, struct plugin_view *out)
{
    struct journal_stats s;
    journal_stats(p->journal, &s);
    *out = (struct plugin_view){
        .name = p->name,
        .path = p->path,
        .build = p->build->label,
        .version = p->build->version,
        .sha256 = p->build->sha256,
        .state = plugin_state_name(p),
        .detail = p->detail,
        .state_since_us = p->state_since_us,
        .retry_in_ms = p->state == WAITING ? (int64_t)uv_timer_get_due_in(&p->timer) : -1,
        .generation = p->generation,
        .cursor = p->acked,
        .delivered = p->delivered,
        .lag = s.head > p->acked ? s.head - p->acked : 0,
        .live = p->state == LIVE,
        .violations = p->past_figures.violations,
        .leaks = p->past_figures.leaks + p->leaked,
        .server = p->server,
    };
    if (p->instance != NULL) {
        out->violations += instance_figures(p->instance)->violations;
        out->leaks += instance_figures(p->instance)->leaks;
    }
}

static void put_host_figures(const struct plugin *p, const struct instance_figures *f,
                             struct metric_set *out)
{
    static const char *const kinds[] = {"",      "run_start", "token", "wallet",
                                        "error", "run_end",   "slot"};
    static const double bounds[] = {1e-7, 2e-7, 3e-7, 5e-7, 1e-6, 1e-5, 1e-3};
    static const char *const reasons[] = {"ok",         "again",    "config",      "schema_old",
                                          "schema_new", "fenced",   "unsafe_db",   "poison",
                                          "cancelled",  "internal", "unsupported", "argument"};
    for (int kind = WT_RUN_START; kind <= WT_SLOT; kind++)
        metric_counter(out,
                       &(wt_metric){"hook_events_total", "Events taken by the plugin's hooks",
                                    "kind", kinds[kind]},
                       f->events[kind]);
    metric_histogram(
        out, &(wt_metric){"hook_seconds", "Time in a hook, every 16th call measured", NULL, NULL},
        &(wt_histogram){bounds, f->hook_buckets, sizeof bounds / sizeof bounds[0],
                        (double)f->hook_ns_sum / 1e9});
    metric_gauge(out, &(wt_metric){"hook_seconds_max", "Longest measured hook call", NULL, NULL},
                 (double)f->hook_ns_max / 1e9);
    metric_counter(out,
                   &(wt_metric){"enough_total", "Times that the plugin had enough", NULL, NULL},
                   f->enough);
    metric_counter(out, &(wt_metric){"instances_total", "Instances opened", NULL, NULL},
                   p->generation);
    for (int status = WT_E_AGAIN; status <= WT_E_ARGUMENT; status++)
        if (p->failures[status] > 0)
            metric_counter(
                out,
                &(wt_metric){"failures_total", "Instances that failed", "reason", reasons[status]},
                p->failures[status]);
    metric_counter(
        out,
        &(wt_metric){"violations_total", "Calls of the plugin against its contract", NULL, NULL},
        f->violations);
    metric_counter(
        out, &(wt_metric){"leaks_total", "Things that the host took back by force", NULL, NULL},
        f->leaks + p->leaked);
}

void plugin_stats(const struct plugin *p, struct metric_set *out)
{
    struct instance_figures f = p->past_figures;
    struct metric_set sum = {0};
    metric_set_add(&sum, &p->past);
    if (p->instance != NULL) {
        struct metric_set now = {0};
        plugin_add_figures(&f, instance_figures(p->instance));
        instance_stats(p->instance, &now);
        metric_set_add(&sum, &now);
        metric_set_free(&now);
    }
    put_host_figures(p, &f, &sum);
    metric_set_add(out, &sum);
    metric_set_free(&sum);
}
