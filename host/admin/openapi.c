/* GET /openapi.json: the routes, their parameters and the shapes of bodies and answers, from the
 * tables that requests are served from. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "admin/problem.h"
#include "admin/routes.h"
#include "admin/schemas.h"

#define PROBLEM "#/components/schemas/Problem"

/* What may stand for a part of a path. */
static const struct {
    const char *name, *help;
} captures[] = {
    {"id", "of a run or a swap"},
    {"name", "of a plugin"},
    {"address", "of a wallet"},
};

static json_t *ref(const char *kind, const char *name)
{
    char text[128];
    snprintf(text, sizeof text, "#/components/%s/%s", kind, name);
    return json_pack("{s:s}", "$ref", text);
}

/* ---- parameters ---- */

static const char *key_of(const struct parameter *p)
{
    return p->key != NULL ? p->key : p->name;
}

static json_t *describe_parameter(const struct parameter *p)
{
    char text[2 * PARAMETER_TEXT_SIZE], expected[PARAMETER_TEXT_SIZE];
    snprintf(text, sizeof text, "%s; %s%s%s", p->help, parameter_expected(p, expected),
             p->unit != NULL ? ", in " : "", p->unit != NULL ? p->unit : "");
    return json_pack("{s:s, s:s, s:s, s:b, s:o}", "name", p->name, "in", "query", "description",
                     text, "required", p->required, "schema", parameter_schema(p));
}

static json_t *parameters_json(void)
{
    json_t *all = json_object();
    for (enum parameter_id id = 0; id < PARAMETERS; id++)
        json_object_set_new(all, key_of(parameter_at(id)), describe_parameter(parameter_at(id)));
    return all;
}

static void add_captures(json_t *list, const char *path)
{
    char part[32];
    for (size_t i = 0; i < sizeof captures / sizeof captures[0]; i++) {
        snprintf(part, sizeof part, "{%s}", captures[i].name);
        if (strstr(path, part) != NULL)
            json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:s, s:{s:s}}", "name",
                                                  captures[i].name, "in", "path", "required", 1,
                                                  "description", captures[i].help, "schema", "type",
                                                  "string"));
    }
}

static json_t *list_parameters(const struct route *route)
{
    json_t *list = json_array();
    add_captures(list, route->path);
    for (enum parameter_id id = 0; id < PARAMETERS; id++)
        if ((route->query & PARAMETER_BIT(id)) != 0)
            json_array_append_new(list, ref("parameters", key_of(parameter_at(id))));
    for (size_t i = 0; route->also != NULL && route->also[i] != NULL; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:{s:s}}", "name", route->also[i], "in",
                                              "header", "schema", "type", "string"));
    return list;
}

/* ---- answers ---- */

/* {MEDIA TYPE: {schema}} for a schema's name, or for a media type of which no more can be said. */
static json_t *content(const char *schema)
{
    if (strcmp(schema, "application/json") == 0)
        return json_pack("{s:{s:{s:s}}}", schema, "schema", "type", "object");
    if (strchr(schema, '/') != NULL)
        return json_pack("{s:{s:{s:s}}}", schema, "schema", "type", "string");
    return json_pack("{s:{s:o}}", "application/json", "schema", ref("schemas", schema));
}

static json_t *problem_response(const char *help)
{
    return json_pack("{s:s, s:{s:{s:{s:s}}}}", "description", help, "content", PROBLEM_TYPE,
                     "schema", "$ref", PROBLEM);
}

static json_t *list_responses(const struct route *route)
{
    json_t *all = json_object();
    char status[16];
    for (size_t i = 0; i < ROUTE_ANSWERS_MAX && route->answers[i].status != 0; i++) {
        snprintf(status, sizeof status, "%u", route->answers[i].status);
        json_object_set_new(all, status,
                            json_pack("{s:s, s:o}", "description",
                                      problem_title(route->answers[i].status), "content",
                                      content(route->answers[i].schema)));
    }
    for (size_t i = 0; i < ROUTE_PROBLEMS_MAX && route->problems[i] != 0; i++) {
        snprintf(status, sizeof status, "%u", route->problems[i]);
        json_object_set_new(all, status, problem_response(problem_title(route->problems[i])));
    }
    json_object_set_new(all, "default", problem_response("any other refusal or failure"));
    return all;
}

/* ---- operations ---- */

/* "get_discovery_runs_id" for GET /api/discovery/runs/{id}. */
static json_t *operation_id(const struct route *route)
{
    const char *path = strncmp(route->path, "/api", 4) == 0 ? route->path + 4 : route->path;
    char id[128];
    size_t n = 0;
    for (const char *c = route->method; *c != '\0'; c++)
        id[n++] = (char)tolower((unsigned char)*c);
    for (const char *c = path; *c != '\0' && n < sizeof id - 1; c++) {
        if (isalnum((unsigned char)*c))
            id[n++] = *c;
        else if (n > 0 && id[n - 1] != '_' && c[1] != '\0')
            id[n++] = '_';
    }
    return json_stringn(id, n);
}

static json_t *describe_operation(const struct route *route)
{
    json_t *operation = json_pack("{s:o, s:s, s:o, s:o}", "operationId", operation_id(route),
                                  "summary", route->help, "parameters", list_parameters(route),
                                  "responses", list_responses(route));
    if (route->body != NULL)
        json_object_set_new(operation, "requestBody",
                            json_pack("{s:o}", "content", content(route->body)));
    return operation;
}

static json_t *paths_json(void)
{
    json_t *paths = json_object();
    for (size_t i = 0; i < routes_count; i++) {
        char method[16];
        size_t n = 0;
        for (const char *c = routes[i].method; *c != '\0' && n < sizeof method - 1; c++)
            method[n++] = (char)tolower((unsigned char)*c);
        method[n] = '\0';
        if (json_object_get(paths, routes[i].path) == NULL)
            json_object_set_new(paths, routes[i].path, json_object());
        json_object_set_new(json_object_get(paths, routes[i].path), method,
                            describe_operation(&routes[i]));
    }
    return paths;
}

void openapi_get(struct request *r)
{
    request_answer_json(
        r, 200,
        json_pack("{s:s, s:{s:s, s:s, s:s}, s:o, s:{s:o, s:o}}", "openapi", "3.1.0", "info",
                  "title", "Walltrack", "version", request_ports(r)->version, "description",
                  "Runs of wallet discovery: starting them, and what was recorded of them.",
                  "paths", paths_json(), "components", "parameters", parameters_json(), "schemas",
                  schemas_json()));
}
