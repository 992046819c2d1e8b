#include "admin/routes.h"

#include <stdio.h>
#include <string.h>

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
    for (size_t i = 0; i < routes_count; i++) {
        if (!path_matches(routes[i].path, t, capture))
            continue;
        if (strcmp(routes[i].method, method) == 0)
            return &routes[i];
        add_method(allow, routes[i].method);
    }
    return NULL;
}

const char *route_unknown_parameter(const struct route *route, const struct target *t)
{
    enum parameter_id id;
    for (size_t i = 0; i < t->parameters; i++)
        if (!parameter_find(route->query, t->parameter[i].name, &id))
            return t->parameter[i].name;
    return NULL;
}

/* ---- GET / ---------------------------------------------------------------------------- */

static json_t *route_json(const struct route *route)
{
    json_t *query = json_array();
    for (enum parameter_id id = 0; id < PARAMETERS; id++)
        if ((route->query & PARAMETER_BIT(id)) != 0)
            json_array_append_new(query, json_string(parameter_at(id)->name));
    return json_pack("{s:s, s:s, s:s, s:o}", "method", route->method, "path", route->path, "help",
                     route->help, "query", query);
}

static json_t *parameter_json(const struct parameter *p)
{
    char expected[PARAMETER_TEXT_SIZE];
    return json_pack("{s:s, s:s, s:s, s:s?}", "name", p->name, "help", p->help, "expected",
                     parameter_expected(p, expected), "unit", p->unit);
}

void index_get(struct request *r)
{
    json_t *list = json_array(), *parameters = json_array();
    for (size_t i = 0; i < routes_count; i++)
        json_array_append_new(list, route_json(&routes[i]));
    for (enum parameter_id id = 0; id < PARAMETERS; id++)
        json_array_append_new(parameters, parameter_json(parameter_at(id)));
    request_answer_json(r, 200,
                        json_pack("{s:s, s:s, s:o, s:o}", "service", "walltrackd", "version",
                                  request_ports(r)->version, "routes", list, "parameters",
                                  parameters));
}
