#include "support/schema.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* What is checked, and where in the value that is. */
struct check {
    const json_t *document;
    char *why;
    char place[256];
};

static bool accepts(struct check *c, const json_t *schema, const json_t *value);

static bool refuse(struct check *c, const char *what, const char *detail)
{
    snprintf(c->why, SCHEMA_WHY_SIZE, "%s: %s %s", c->place[0] != '\0' ? c->place : "/", what,
             detail);
    return false;
}

/* Checks a part of a value, under its name. */
static bool accepts_part(struct check *c, const json_t *schema, const json_t *value,
                         const char *name)
{
    size_t before = strlen(c->place);
    snprintf(c->place + before, sizeof c->place - before, "/%s", name);
    bool good = accepts(c, schema, value);
    c->place[before] = '\0';
    return good;
}

const json_t *schema_resolve(const json_t *document, const char *reference)
{
    char path[256];
    char *rest = NULL;
    const json_t *at = document;
    if (strncmp(reference, "#/", 2) != 0)
        return NULL;
    snprintf(path, sizeof path, "%s", reference + 2);
    for (char *key = strtok_r(path, "/", &rest); key != NULL; key = strtok_r(NULL, "/", &rest))
        at = json_object_get(at, key);
    return at;
}

/* ---- keywords ---- */

static bool check_ref(struct check *c, const json_t *keyword, const json_t *value)
{
    const json_t *schema = schema_resolve(c->document, json_string_value(keyword));
    return schema != NULL ? accepts(c, schema, value)
                          : refuse(c, "no schema is", json_string_value(keyword));
}

static bool check_type(struct check *c, const json_t *keyword, const json_t *value)
{
    const char *type = json_string_value(keyword);
    const struct {
        const char *type;
        bool is;
    } types[] = {
        {"object", json_is_object(value)}, {"array", json_is_array(value)},
        {"string", json_is_string(value)}, {"integer", json_is_integer(value)},
        {"number", json_is_number(value)}, {"boolean", json_is_boolean(value)},
        {"null", json_is_null(value)},
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].type, type) == 0 && types[i].is)
            return true;
    return refuse(c, "is not of type", type);
}

static bool check_required(struct check *c, const json_t *keyword, const json_t *value)
{
    size_t i;
    const json_t *name;
    json_array_foreach (keyword, i, name)
        if (json_object_get(value, json_string_value(name)) == NULL)
            return refuse(c, "has no", json_string_value(name));
    return true;
}

static bool check_properties(struct check *c, const json_t *keyword, const json_t *value)
{
    const char *name;
    json_t *part;
    json_object_foreach ((json_t *)value, name, part) {
        const json_t *schema = json_object_get(keyword, name);
        if (schema == NULL)
            return refuse(c, "should not have", name);
        if (!accepts_part(c, schema, part, name))
            return false;
    }
    return true;
}

static bool check_items(struct check *c, const json_t *keyword, const json_t *value)
{
    size_t i;
    const json_t *item;
    char name[24];
    json_array_foreach (value, i, item) {
        snprintf(name, sizeof name, "%zu", i);
        if (!accepts_part(c, keyword, item, name))
            return false;
    }
    return true;
}

static bool check_enum(struct check *c, const json_t *keyword, const json_t *value)
{
    size_t i;
    const json_t *one;
    json_array_foreach (keyword, i, one)
        if (json_equal(one, value))
            return true;
    return refuse(c, "is none of the names, but", json_string_value(value));
}

static bool check_any_of(struct check *c, const json_t *keyword, const json_t *value)
{
    size_t i;
    const json_t *one;
    char first[SCHEMA_WHY_SIZE] = "";
    json_array_foreach (keyword, i, one) {
        if (accepts(c, one, value))
            return true;
        if (i == 0)
            snprintf(first, sizeof first, "%s", c->why);
    }
    snprintf(c->why, SCHEMA_WHY_SIZE, "%s", first);
    return false;
}

/* Each 0 of the shape stands for a digit, each x for a hexadecimal one. */
static bool has_shape(const char *text, const char *shape)
{
    size_t i = 0;
    for (; shape[i] != '\0'; i++) {
        bool same = shape[i] == '0'   ? isdigit((unsigned char)text[i])
                    : shape[i] == 'x' ? isxdigit((unsigned char)text[i])
                                      : text[i] == shape[i];
        if (!same)
            return false;
    }
    return text[i] == '\0';
}

static bool check_format(struct check *c, const json_t *keyword, const json_t *value)
{
    const char *format = json_string_value(keyword), *text = json_string_value(value);
    const char *shape = strcmp(format, "uuid") == 0        ? "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
                        : strcmp(format, "date-time") == 0 ? "0000-00-00T00:00:00.000000Z"
                                                           : "";
    return has_shape(text, shape) || refuse(c, text, "is not as the format says");
}

static bool check_minimum(struct check *c, const json_t *keyword, const json_t *value)
{
    return json_number_value(value) >= json_number_value(keyword) ||
           refuse(c, "is below the", "minimum");
}

static bool check_maximum(struct check *c, const json_t *keyword, const json_t *value)
{
    return json_number_value(value) <= json_number_value(keyword) ||
           refuse(c, "is above the", "maximum");
}

static bool check_closed(struct check *c, const json_t *keyword, const json_t *value)
{
    (void)value; /* check_properties() refuses what is not named */
    return json_is_false(keyword) || refuse(c, "additionalProperties", "must be false");
}

static bool check_nothing(struct check *c, const json_t *keyword, const json_t *value)
{
    (void)c, (void)keyword, (void)value;
    return true;
}

/* The type comes first: what follows may rely on it. */
static const struct keyword {
    const char *name;
    bool (*check)(struct check *c, const json_t *keyword, const json_t *value);
} keywords[] = {
    {"$ref", check_ref},
    {"type", check_type},
    {"anyOf", check_any_of},
    {"required", check_required},
    {"properties", check_properties},
    {"additionalProperties", check_closed},
    {"items", check_items},
    {"enum", check_enum},
    {"format", check_format},
    {"minimum", check_minimum},
    {"maximum", check_maximum},
    {"description", check_nothing},
    {"default", check_nothing},
};

enum { KEYWORDS = sizeof keywords / sizeof keywords[0] };

static bool is_known(const char *name)
{
    for (size_t i = 0; i < KEYWORDS; i++)
        if (strcmp(keywords[i].name, name) == 0)
            return true;
    return false;
}

static bool accepts(struct check *c, const json_t *schema, const json_t *value)
{
    const char *name;
    json_t *any;
    if (!json_is_object(schema))
        return refuse(c, "has no", "schema");
    json_object_foreach ((json_t *)schema, name, any)
        if (!is_known(name))
            return refuse(c, "its schema has the unknown keyword", name);
    for (size_t i = 0; i < KEYWORDS; i++) {
        const json_t *keyword = json_object_get(schema, keywords[i].name);
        if (keyword != NULL && !keywords[i].check(c, keyword, value))
            return false;
    }
    return true;
}

bool schema_accepts(const json_t *document, const json_t *schema, const json_t *value,
                    char why[SCHEMA_WHY_SIZE])
{
    struct check c = {.document = document, .why = why};
    return accepts(&c, schema, value);
}
