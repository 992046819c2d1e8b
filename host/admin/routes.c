#include "admin/routes.h"

#include <stdio.h>
#include <string.h>

#define RANGE "start_date", "end_date", "timezone"

static const struct route routes[] = {
    {"GET", "/", index_get, "this list", {NULL}},
    {"POST",
     "/api/discovery/run",
     trigger_post,
     "start a run; the body may have the six parameters, profile_immediately, triggered_by and "
     "trigger_type; a header Idempotency-Key makes a repetition harmless",
     {NULL}},
    {"GET",
     "/api/discovery/runs",
     discovery_runs_get,
     "runs, newest first, with the statistics of the same filter",
     {RANGE, "status", "trigger_type", "schedule", "page", "page_size", "cursor"}},
    {"GET", "/api/discovery/runs/{id}", discovery_run_get, "one run", {NULL}},
    {"GET",
     "/api/discovery/runs/{id}/wallets",
     discovery_wallets_get,
     "the wallets that a run found",
     {"page_size", "cursor"}},
    {"GET",
     "/api/discovery/runs/{id}/tokens",
     discovery_tokens_get,
     "the tokens that a run analysed",
     {"page_size", "cursor"}},
    {"GET",
     "/api/discovery/runs/{id}/errors",
     discovery_errors_get,
     "what failed in a run",
     {"page_size", "cursor"}},
    {"POST", "/api/discovery/runs/{id}/cancel", discovery_cancel_post, "end a run", {NULL}},
    {"GET", "/api/discovery/stats", discovery_stats_get, "totals, rates and averages", {RANGE}},
    {"GET", "/api/discovery/config", config_get, "the first schedule", {NULL}},
    {"PUT",
     "/api/discovery/config",
     config_put,
     "change the first schedule: enabled, schedule_hours, params, profile_immediately",
     {NULL}},
    {"GET",
     "/api/plugins",
     plugins_get,
     "build, state, cursor, lag and swaps of each plugin",
     {NULL}},
    {"GET", "/api/plugins/{name}", plugin_get, "the same of one plugin", {NULL}},
    {"PUT",
     "/api/plugins/{name}",
     plugin_put,
     "swap its build: path, sha256, force; answered with the verdict, or at once with the header "
     "Prefer: respond-async",
     {NULL}},
    {"POST",
     "/api/plugins/{name}/rollback",
     plugin_rollback_post,
     "swap to the build before",
     {NULL}},
    {"POST",
     "/api/plugins/{name}/cancel",
     plugin_cancel_post,
     "cancel a swap before its cutover",
     {NULL}},
    {"GET", "/api/plugins/{name}/swaps", plugin_swaps_get, "its swaps, newest first", {NULL}},
    {"GET", "/api/plugins/{name}/swaps/{id}", swap_get, "one swap", {NULL}},
    {"GET", "/api/plugins/{name}/stats", plugin_stats_get, "a plugin's own figures", {NULL}},
    {"GET",
     "/health",
     health_get,
     "200 while runs can be recorded, 503 otherwise, and why",
     {NULL}},
    {"GET", "/metrics", metrics_get, "the host's figures for Prometheus", {NULL}},
};

enum { ROUTES = sizeof routes / sizeof routes[0] };

/* Compares one part of a pattern, up to its '/' or end, with one part of a path. */
static bool part_matches(const char *pattern, size_t size, const char *part, const char **capture)
{
    if (pattern[0] == '{') {
        *capture = part;
        return part[0] != '\0';
    }
    return strlen(part) == size && memcmp(pattern, part, size) == 0;
}

static bool path_matches(const char *pattern, const struct target *t, const char **capture)
{
    *capture = NULL;
    size_t i = 0;
    for (const char *p = pattern + 1; *p != '\0'; i++) {
        size_t size = strcspn(p, "/");
        if (i == t->segments || !part_matches(p, size, t->segment[i], capture))
            return false;
        p += size;
        if (*p == '/')
            p++;
    }
    return i == t->segments;
}

static void add_method(char allow[128], const char *method)
{
    size_t used = strlen(allow);
    snprintf(allow + used, 128 - used, "%s%s%s", used > 0 ? ", " : "", method,
             strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

const struct route *route_find(const char *method, const struct target *t, const char **capture,
                               char allow[128])
{
    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    allow[0] = '\0';
    for (size_t i = 0; i < ROUTES; i++) {
        if (!path_matches(routes[i].path, t, capture))
            continue;
        if (strcmp(routes[i].method, method) == 0)
            return &routes[i];
        add_method(allow, routes[i].method);
    }
    return NULL;
}

static bool takes(const struct route *route, const char *name)
{
    for (size_t i = 0; i < ROUTE_PARAMETERS_MAX && route->query[i] != NULL; i++)
        if (strcmp(route->query[i], name) == 0)
            return true;
    return false;
}

const char *route_unknown_parameter(const struct route *route, const struct target *t)
{
    for (size_t i = 0; i < t->parameters; i++)
        if (!takes(route, t->parameter[i].name))
            return t->parameter[i].name;
    return NULL;
}

void index_get(struct request *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < ROUTES; i++) {
        json_t *query = json_array();
        for (size_t k = 0; k < ROUTE_PARAMETERS_MAX && routes[i].query[k] != NULL; k++)
            json_array_append_new(query, json_string(routes[i].query[k]));
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:o}", "method", routes[i].method, "path",
                                        routes[i].path, "help", routes[i].help, "query", query));
    }
    request_answer_json(r, 200,
                        json_pack("{s:s, s:s, s:o}", "service", "walltrackd", "version",
                                  request_ports(r)->version, "routes", list));
}
