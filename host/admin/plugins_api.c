#include "admin/live.h"
#include "admin/request.h"
#include "admin/routes.h"
#include "plugin/swap.h"

enum { SWAPS_SHOWN = 20 };

static json_t *swap_or_null(const struct swap *s)
{
    return s != NULL ? swap_json(s) : json_null();
}

/* The latest that have been answered: in probation, or ended. */
static json_t *latest_swaps(const struct plugins *plugins, size_t i)
{
    json_t *all = plugins_swaps(plugins, i), *shown = json_array(), *one;
    size_t k;
    json_array_foreach (all, k, one)
        if (json_array_size(shown) < SWAPS_SHOWN && !json_is_null(json_object_get(one, "verdict")))
            json_array_append(shown, one);
    json_decref(all);
    return shown;
}

static json_t *plugin_json(const struct plugins *plugins, size_t at)
{
    struct plugin_view view, *v = &view;
    plugins_view(plugins, at, v);
    json_t *plugin =
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, s:o}", "name", live_text(v->name),
                  "path", live_text(v->path), "build", live_text(v->build), "version",
                  live_text(v->version), "sha256", live_text(v->sha256), "state",
                  live_text(v->state), "detail", live_text(v->detail), "state_since",
                  live_time(v->state_since_us), "live", v->live, "server", live_text(v->server));
    if (plugin == NULL)
        return NULL;
    json_object_set_new(plugin, "retry_in_seconds",
                        v->retry_in_ms < 0 ? json_null() : json_real((double)v->retry_in_ms / 1e3));
    const struct {
        const char *key;
        uint64_t value;
    } counts[] = {{"generation", v->generation}, {"cursor", v->cursor},
                  {"delivered", v->delivered},   {"lag", v->lag},
                  {"violations", v->violations}, {"leaks", v->leaks},
                  {"leaked", v->leaked},         {"pinned", v->pinned}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        json_object_set_new(plugin, counts[i].key, json_integer((json_int_t)counts[i].value));
    json_object_set_new(plugin, "source", live_text(v->source));
    json_object_set_new(plugin, "good", live_text(v->good));
    json_object_set_new(plugin, "rollback_to", live_text(v->rollback_to));
    json_object_set_new(plugin, "swap", swap_or_null(v->coming));
    json_object_set_new(plugin, "queued", swap_or_null(v->queued));
    json_object_set_new(plugin, "swaps", latest_swaps(plugins, at));
    return plugin;
}

void plugins_get(struct request *r)
{
    const struct plugins *plugins = request_ports(r)->plugins;
    json_t *list = json_array();
    for (size_t i = 0; i < plugins_count(plugins); i++)
        json_array_append_new(list, plugin_json(plugins, i));
    request_answer_json(
        r, 200,
        json_pack("{s:o, s:o}", "plugin_dir", live_text(plugins_folder(plugins)), "plugins", list));
}

void plugin_get(struct request *r)
{
    const struct plugins *plugins = request_ports(r)->plugins;
    size_t i;
    if (plugins_find(plugins, request_capture(r), &i))
        request_answer_json(r, 200, plugin_json(plugins, i));
    else
        request_problem(r, 404, "Plugin not found");
}

static void answer_stats(struct request *r, size_t i, const struct plugin_view *v)
{
    struct metric_set set = {0};
    plugins_stats(request_ports(r)->plugins, i, &set);
    request_answer_json(r, 200,
                        json_pack("{s:o, s:o, s:o, s:o}", "name", live_text(v->name), "build",
                                  live_text(v->build), "state", live_text(v->state), "stats",
                                  metric_set_json(&set)));
    metric_set_free(&set);
}

void plugin_stats_get(struct request *r)
{
    const struct plugins *plugins = request_ports(r)->plugins;
    struct plugin_view v;
    size_t i;
    if (!plugins_find(plugins, request_capture(r), &i)) {
        request_problem(r, 404, "Plugin not found");
        return;
    }
    plugins_view(plugins, i, &v);
    answer_stats(r, i, &v);
}
