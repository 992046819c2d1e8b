/* The walk: every key of the file must be in the table; every key of the table that is not in the
 * file gets its default, which goes through the same check. */
#include "config/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "params.h"

enum { PATTERN_SIZE = 64 };

static int unknown_key(const struct config_reading *r, const struct config_place *parent,
                       const char *pattern, const char *key)
{
    char known[400] = "";
    size_t used = 0;
    for (size_t i = 0; i < config_keys_count && used < sizeof known; i++) {
        const char *name = config_key_under(&config_keys[i], pattern);
        if (name != NULL)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s",
                                     used > 0 ? ", " : "", name);
    }
    struct config_place place = {parent, key, 0};
    char where[PLACE_TEXT_SIZE];
    int line = config_place_line(&place, r->text, r->size);
    config_place_text(parent, where);
    return error_set(r->err, EINVAL, "%s:%d: %s%sunknown key '%.60s'; known here: %s", r->name,
                     line, where, where[0] != '\0' ? ": " : "", key, known);
}

static int read_object(const struct config_reading *r, const struct config_place *place,
                       const char *pattern, const json_t *object, void *base);

/* Makes the n elements of a list; *size is that of one. */
static void *make_elements(struct config *c, const char *pattern, size_t n, size_t *size)
{
    if (strcmp(pattern, "schedules") == 0) {
        *size = sizeof *c->schedules;
        c->schedules = calloc(n, *size);
        c->n_schedules = c->schedules != NULL ? n : 0;
        for (size_t i = 0; i < c->n_schedules; i++)
            params_default(&c->schedules[i].params);
        return c->schedules;
    }
    *size = sizeof *c->plugins;
    c->plugins = calloc(n, *size);
    c->n_plugins = c->plugins != NULL ? n : 0;
    return c->plugins;
}

static const char *name_of(const json_t *element)
{
    return json_string_value(json_object_get(element, "name"));
}

/* Has an earlier element the same name? */
static int check_unique(const struct config_reading *r, const struct config_place *place,
                        const json_t *list, size_t index)
{
    const char *name = name_of(json_array_get(list, index));
    struct config_place at = {place, "name", 0};
    for (size_t i = 0; i < index; i++)
        if (strcmp(name_of(json_array_get(list, i)), name) == 0)
            return config_fail(r, &at, "'%s' is the name of another one too", name);
    return 0;
}

static int read_list(const struct config_reading *r, const struct config_place *place,
                     const struct config_key *row, const json_t *list)
{
    char pattern[PATTERN_SIZE];
    size_t n = json_array_size(list), size;
    if (!json_is_array(list))
        return config_fail(r, place, "must be a list");
    if (n > (size_t)row->max)
        return config_fail(r, place, "has %zu elements, at most %d are possible", n, (int)row->max);
    if (n == 0)
        return 0;
    char *elements = make_elements(r->config, row->pattern, n, &size);
    if (elements == NULL)
        return config_out_of_memory(r);
    snprintf(pattern, sizeof pattern, "%s[]", row->pattern);
    for (size_t i = 0; i < n; i++) {
        struct config_place at = {place, NULL, i};
        if (read_object(r, &at, pattern, json_array_get(list, i), elements + i * size) != 0 ||
            check_unique(r, &at, list, i) != 0)
            return -1;
    }
    return 0;
}

static int read_default(const struct config_reading *r, const struct config_place *place,
                        const struct config_key *row, void *base);

static int read_key(const struct config_reading *r, const struct config_place *place,
                    const struct config_key *row, const json_t *value, void *base)
{
    if (row->type == CONFIG_OBJECT)
        return read_object(r, place, row->pattern, value, base);
    if (row->type == CONFIG_LIST)
        return read_list(r, place, row, value);
    return config_value(r, place, row, value, (char *)base + row->offset);
}

static int read_default(const struct config_reading *r, const struct config_place *place,
                        const struct config_key *row, void *base)
{
    if (row->def == NULL && row->surroundings == NULL)
        return config_fail(r, place, "is missing");
    if (row->def == NULL)
        return 0;
    json_t *value = json_loads(row->def, JSON_DECODE_ANY, NULL);
    if (value == NULL)
        return config_out_of_memory(r);
    int status = read_key(r, place, row, value, base);
    json_decref(value);
    return status;
}

static int read_object(const struct config_reading *r, const struct config_place *place,
                       const char *pattern, const json_t *object, void *base)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object))
        return config_fail(r, place, "must be an object");
    json_object_foreach ((json_t *)object, key, value)
        if (config_key_find(pattern, key) == NULL)
            return unknown_key(r, place, pattern, key);
    for (size_t i = 0; i < config_keys_count; i++) {
        const struct config_key *row = &config_keys[i];
        const char *name = config_key_under(row, pattern);
        if (name == NULL)
            continue;
        struct config_place at = {place, name, 0};
        value = json_object_get(object, name);
        int status =
            value != NULL ? read_key(r, &at, row, value, base) : read_default(r, &at, row, base);
        if (status != 0)
            return -1;
    }
    return 0;
}

/* Each schedule keeps its entry as text, to be compared with the one of another day. */
static int keep_sources(const struct config_reading *r, const json_t *list)
{
    for (size_t i = 0; i < r->config->n_schedules; i++) {
        r->config->schedules[i].source =
            json_dumps(json_array_get(list, i), JSON_COMPACT | JSON_SORT_KEYS);
        if (r->config->schedules[i].source == NULL)
            return config_out_of_memory(r);
    }
    return 0;
}

int config_read(const struct config_reading *r, json_t *root)
{
    if (read_object(r, NULL, "", root, r->config) != 0)
        return -1;
    return keep_sources(r, json_object_get(root, "schedules"));
}
