/* What the operator sees of a plugin and its swaps. */
#include <glib.h>

#include "plugin/plugin_internal.h"

void plugin_view(const struct plugin *p, struct plugin_view *out)
{
    const struct choice *c = p->choice;
    succession_view(p->succession, out);
    out->path = p->path;
    out->source = p->source;
    out->good = c->good.sha256[0] != '\0' ? c->good.label : NULL;
    out->rollback_to = c->before[0].sha256[0] != '\0' ? c->before[0].label : NULL;
    out->pinned = build_counts().pinned;
    out->coming = p->coming != NULL ? p->coming : p->seated;
    out->queued = p->queued;
}

static json_int_t id_of(const json_t *swap)
{
    return json_integer_value(json_object_get(swap, "id"));
}

/* Puts it before the first that was ordered earlier; takes it. */
static void insert(json_t *list, json_t *swap)
{
    size_t at = 0;
    while (at < json_array_size(list) && id_of(json_array_get(list, at)) > id_of(swap))
        at++;
    json_array_insert_new(list, at, swap);
}

json_t *plugin_swaps(const struct plugin *p)
{
    const struct swap *const open[] = {p->queued, p->coming, p->seated};
    json_t *list = json_array(), *ended;
    size_t i;
    json_array_foreach (p->choice->swaps, i, ended)
        insert(list, json_incref(ended));
    for (i = 0; i < sizeof open / sizeof open[0]; i++)
        if (open[i] != NULL)
            insert(list, swap_json(open[i]));
    return list;
}

void plugin_stats(const struct plugin *p, struct metric_set *out)
{
    static const char *const verdicts[] = {
        [VERDICT_LIVE] = "live",
        [VERDICT_REFUSED] = "refused",
        [VERDICT_ROLLED_BACK] = "rolled_back",
        [VERDICT_SUPERSEDED] = "superseded",
        [VERDICT_CANCELLED] = "cancelled",
    };
    struct build_counts counts = build_counts();
    succession_stats(p->succession, out);
    for (int v = VERDICT_LIVE; v <= VERDICT_CANCELLED; v++)
        metric_counter(out,
                       &(wt_metric){"swaps_total", "Swaps that have ended", "verdict", verdicts[v]},
                       p->verdicts[v]);
    metric_counter(out, &(wt_metric){"feed_gaps_total", "Times that a build took over", NULL, NULL},
                   p->gap_count);
    metric_gauge(out,
                 &(wt_metric){"feed_gap_seconds_sum",
                              "From the stop of the old build's feed to the new one's claim", NULL,
                              NULL},
                 (double)p->gap_us_sum / 1e6);
    metric_gauge(out, &(wt_metric){"feed_gap_seconds_max", "The longest of them", NULL, NULL},
                 (double)p->gap_us_max / 1e6);
    metric_gauge(out, &(wt_metric){"builds_mapped", "Builds in memory, of all plugins", NULL, NULL},
                 (double)counts.mapped);
    metric_gauge(out,
                 &(wt_metric){"builds_pinned", "Builds that the loader did not unload", NULL, NULL},
                 (double)counts.pinned);
}
