/* What the operator sees of a plugin. */
#include "plugin/plugins.h"
#include "plugin/succession_internal.h"

void succession_add_figures(struct instance_figures *into, const struct instance_figures *from)
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

void succession_view(const struct succession *s, struct plugin_view *out)
{
    struct journal_stats j;
    journal_stats(s->journal, &j);
    *out = (struct plugin_view){
        .name = s->name,
        .build = s->build->label,
        .version = s->build->version,
        .sha256 = s->build->sha256,
        .state = succession_state_name(s),
        .detail = s->detail,
        .state_since_us = s->state_since_us,
        .retry_in_ms = s->state == WAITING ? (int64_t)uv_timer_get_due_in(&s->timer) : -1,
        .generation = s->generation,
        .cursor = s->acked,
        .delivered = s->delivered,
        .lag = j.head > s->acked ? j.head - s->acked : 0,
        .live = s->state == LIVE,
        .violations = s->past_figures.violations,
        .leaks = s->past_figures.leaks,
        .leaked = s->leaked,
        .server = s->server,
    };
    if (s->seat != NULL) {
        out->violations += instance_figures(s->seat->instance)->violations;
        out->leaks += instance_figures(s->seat->instance)->leaks;
    }
}

static void put_host_figures(const struct succession *s, const struct instance_figures *f,
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
                   s->generations);
    for (int status = WT_E_AGAIN; status <= WT_E_ARGUMENT; status++)
        if (s->failures[status] > 0)
            metric_counter(
                out,
                &(wt_metric){"failures_total", "Instances that failed", "reason", reasons[status]},
                s->failures[status]);
    metric_counter(
        out,
        &(wt_metric){"violations_total", "Calls of the plugin against its contract", NULL, NULL},
        f->violations);
    metric_counter(
        out, &(wt_metric){"leaks_total", "Things that the host took back by force", NULL, NULL},
        f->leaks);
    metric_counter(
        out, &(wt_metric){"leaked_total", "Instances whose code had to stay loaded", NULL, NULL},
        s->leaked);
}

void succession_stats(const struct succession *s, struct metric_set *out)
{
    struct instance_figures f = s->past_figures;
    struct metric_set sum = {0};
    metric_set_add(&sum, &s->past);
    if (s->seat != NULL) {
        struct metric_set now = {0};
        succession_add_figures(&f, instance_figures(s->seat->instance));
        instance_stats(s->seat->instance, &now);
        metric_set_add(&sum, &now);
        metric_set_free(&now);
    }
    put_host_figures(s, &f, &sum);
    metric_set_add(out, &sum);
    metric_set_free(&sum);
}
