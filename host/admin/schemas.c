#include "admin/schemas.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "params.h"

/* What a type without further parts is called in JSON schema. */
static const struct {
    const char *type, *json, *format;
} simple_types[] = {
    {"string", "string", NULL},   {"uuid", "string", "uuid"}, {"time", "string", "date-time"},
    {"integer", "integer", NULL}, {"number", "number", NULL}, {"boolean", "boolean", NULL},
    {"object", "object", NULL},
};

static json_t *simple_schema(const char *type)
{
    for (size_t i = 0; i < sizeof simple_types / sizeof simple_types[0]; i++)
        if (strcmp(simple_types[i].type, type) == 0)
            return json_pack("{s:s, s:s*}", "type", simple_types[i].json, "format",
                             simple_types[i].format);
    return json_object(); /* anything */
}

/* "=a|b|c" */
static json_t *enum_schema(const char *type)
{
    json_t *names = json_array();
    for (const char *name = type + 1; *name != '\0';) {
        size_t n = strcspn(name, "|");
        json_array_append_new(names, json_stringn(name, n));
        name += n + (name[n] == '|');
    }
    return json_pack("{s:s, s:o}", "type", "string", "enum", names);
}

static json_t *type_schema(const char *type);

/* "[TYPE]" */
static json_t *list_schema(const char *type)
{
    char item[64];
    snprintf(item, sizeof item, "%.*s", (int)strlen(type) - 2, type + 1);
    return json_pack("{s:s, s:o}", "type", "array", "items", type_schema(item));
}

static json_t *type_schema(const char *type)
{
    char ref[96];
    if (type[0] == '?')
        return json_pack("{s:[o, {s:s}]}", "anyOf", type_schema(type + 1), "type", "null");
    if (type[0] == '=')
        return enum_schema(type);
    if (type[0] == '[')
        return list_schema(type);
    if (type[0] != '@')
        return simple_schema(type);
    snprintf(ref, sizeof ref, "#/components/schemas/%s", type + 1);
    return json_pack("{s:s}", "$ref", ref);
}

/* A discovery parameter that a client sends; what it may be is defined with it. */
static void add_limits(json_t *schema, const char *name, bool has_default)
{
    int index = params_find(name);
    if (index < 0)
        return;
    const struct param *p = &params_table[index];
    json_object_set_new(schema, "minimum", params_value_json(index, p->min));
    json_object_set_new(schema, "maximum", params_value_json(index, p->max));
    if (has_default)
        json_object_set_new(schema, "default", params_value_json(index, p->def));
    json_object_set_new(schema, "description", json_string(p->meaning));
}

static const struct schema *find(const char *name)
{
    const struct schema *s = schemas;
    while (s->name != NULL && strcmp(s->name, name) != 0)
        s++;
    return s;
}

/* Its own fields, and those of the schemas that it builds upon. */
static void add_fields(const struct schema *leaf, json_t *properties, json_t *required)
{
    bool has_defaults = strcmp(leaf->name, "RunRequest") == 0;
    for (const struct schema *s = leaf; s != NULL; s = s->also != NULL ? find(s->also) : NULL)
        for (const struct schema_field *f = s->fields; f->name != NULL; f++) {
            bool optional = f->type[0] == '~';
            json_t *schema = type_schema(f->type + optional);
            if (f->help != NULL)
                json_object_set_new(schema, "description", json_string(f->help));
            if (optional)
                add_limits(schema, f->name, has_defaults);
            else
                json_array_append_new(required, json_string(f->name));
            json_object_set_new(properties, f->name, schema);
        }
}

static json_t *object_schema(const struct schema *s)
{
    json_t *properties = json_object(), *required = json_array();
    add_fields(s, properties, required);
    return json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties, "required",
                     required, "additionalProperties", 0);
}

json_t *schemas_json(void)
{
    json_t *all = json_object();
    for (const struct schema *s = schemas; s->name != NULL; s++)
        json_object_set_new(all, s->name, object_schema(s));
    return all;
}
