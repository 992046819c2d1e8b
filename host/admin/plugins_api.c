#include <string.h>

#include "admin/live.h"
#include "admin/request.h"
#include "admin/routes.h"

static json_t *plugin_json(const struct plugin_view *v)
{
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
                  {"violations", v->violations}, {"leaks", v->leaks}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        json_object_set_new(plugin, counts[i].key, json_integer((json_int_t)counts[i].value));
    return plugin;
}

void plugins_get(struct request *r)
{
    const struct plugins *plugins = request_ports(r)->plugins;
    json_t *list = json_array();
    for (size_t i = 0; i < plugins_count(plugins); i++) {
        struct plugin_view v;
        plugins_view(plugins, i, &v);
        json_array_append_new(list, plugin_json(&v));
    }
    request_answer_json(r, 200, json_pack("{s:o}", "plugins", list));
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
    for (size_t i = 0; i < plugins_count(plugins); i++) {
        struct plugin_view v;
        plugins_view(plugins, i, &v);
        if (strcmp(v.name, request_capture(r)) == 0) {
            answer_stats(r, i, &v);
            return;
        }
    }
    request_problem(r, 404, "Plugin not found");
}
