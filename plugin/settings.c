/* Happy path: defaults, then each key of the object through the table (a key of an object inside it
 * as "object.key"), then what the table cannot say (lengths, the connection string).  Failure: the
 * first wrong key ends it. */
#include "settings.h"

#include <jansson.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETENTION "retention."

enum key_type { KEY_TEXT, KEY_NUMBER, KEY_FLAG, KEY_MIGRATE };

static const struct key {
    const char *name;
    enum key_type type;
    size_t offset;
    int64_t min, max; /* of a number; of a text's size in bytes */
    int64_t number;
    const char *text;
} keys[] = {
    {"conninfo", KEY_TEXT, offsetof(struct settings, conninfo), 0, 4096, 0, ""},
    {"schema", KEY_TEXT, offsetof(struct settings, schema), 1, 63, 0, "walltrack"},
    {"stream", KEY_TEXT, offsetof(struct settings, stream), 1, 40, 0, "default"},
    {"migrate", KEY_MIGRATE, offsetof(struct settings, migrate_by_hand), 0, 0, 0, NULL},
    {"allow_unsafe_server", KEY_FLAG, offsetof(struct settings, allow_unsafe_server), 0, 0, 0,
     NULL},
    {"batch_rows", KEY_NUMBER, offsetof(struct settings, batch_rows), 1, 20000, 5000, NULL},
    {"batch_ms", KEY_NUMBER, offsetof(struct settings, batch_ms), 0, 10000, 10, NULL},
    {"commit_seconds", KEY_NUMBER, offsetof(struct settings, commit_seconds), 1, 600, 30, NULL},
    {"connect_seconds", KEY_NUMBER, offsetof(struct settings, connect_seconds), 1, 600, 10, NULL},
    {RETENTION RETAIN_DAYS_KEY, KEY_NUMBER, offsetof(struct settings, retain_days), 1,
     RETAIN_DAYS_MOST, 0, NULL},
    {RETENTION RETAIN_RUNS_KEY, KEY_NUMBER, offsetof(struct settings, retain_runs), 1,
     RETAIN_RUNS_MOST, 0, NULL},
    {RETENTION "every_minutes", KEY_NUMBER, offsetof(struct settings, sweep_minutes), 1, 10080, 60,
     NULL},
    {RETENTION "delay_seconds", KEY_NUMBER, offsetof(struct settings, sweep_delay), 0, 86400, 60,
     NULL},
};
enum { KEY_COUNT = sizeof keys / sizeof keys[0] };

static void *field(struct settings *s, const struct key *key)
{
    return (char *)s + key->offset;
}

static int refuse(char why[WHY_SIZE], const struct key *key, const json_t *value, const char *want)
{
    char *shown = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    snprintf(why, WHY_SIZE, "%s: %.80s is not %s", key->name, shown != NULL ? shown : "this", want);
    free(shown);
    return -1;
}

static int set_text(char **out, const char *text, char why[WHY_SIZE])
{
    char *copy = strdup(text);
    if (copy == NULL) {
        snprintf(why, WHY_SIZE, "out of memory");
        return -1;
    }
    free(*out);
    *out = copy;
    return 0;
}

static int set_defaults(struct settings *s, char why[WHY_SIZE])
{
    for (int i = 0; i < KEY_COUNT; i++) {
        if (keys[i].type == KEY_NUMBER)
            *(int64_t *)field(s, &keys[i]) = keys[i].number;
        else if (keys[i].type == KEY_TEXT && set_text(field(s, &keys[i]), keys[i].text, why) != 0)
            return -1;
    }
    return 0;
}

static int take_text(struct settings *s, const struct key *key, const json_t *value,
                     char why[WHY_SIZE])
{
    size_t size = json_string_length(value);
    if (!json_is_string(value) || size < (size_t)key->min || size > (size_t)key->max) {
        /* A connection string may hold a password: its value is never shown. */
        snprintf(why, WHY_SIZE, "%s: not a text of %d to %d bytes", key->name, (int)key->min,
                 (int)key->max);
        return -1;
    }
    return set_text(field(s, key), json_string_value(value), why);
}

static int take_number(struct settings *s, const struct key *key, const json_t *value,
                       char why[WHY_SIZE])
{
    int64_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < key->min || number > key->max) {
        char want[64];
        snprintf(want, sizeof want, "a whole number in %d..%d", (int)key->min, (int)key->max);
        return refuse(why, key, value, want);
    }
    *(int64_t *)field(s, key) = number;
    return 0;
}

static int take_migrate(struct settings *s, const struct key *key, const json_t *value,
                        char why[WHY_SIZE])
{
    const char *word = json_is_string(value) ? json_string_value(value) : "";
    if (strcmp(word, "auto") != 0 && strcmp(word, "manual") != 0)
        return refuse(why, key, value, "\"auto\" or \"manual\"");
    *(bool *)field(s, key) = strcmp(word, "manual") == 0;
    return 0;
}

static int take_key(struct settings *s, const char *name, const json_t *value, char why[WHY_SIZE])
{
    const struct key *key = NULL;
    for (int i = 0; i < KEY_COUNT; i++)
        if (strcmp(keys[i].name, name) == 0)
            key = &keys[i];
    if (key == NULL) {
        snprintf(why, WHY_SIZE, "%.80s: unknown key", name);
        return -1;
    }
    switch (key->type) {
    case KEY_TEXT:
        return take_text(s, key, value, why);
    case KEY_NUMBER:
        return take_number(s, key, value, why);
    case KEY_MIGRATE:
        return take_migrate(s, key, value, why);
    case KEY_FLAG:
        if (!json_is_boolean(value))
            return refuse(why, key, value, "true or false");
        *(bool *)field(s, key) = json_is_true(value);
        return 0;
    }
    return -1;
}

static int take_retention(struct settings *s, json_t *object, char why[WHY_SIZE])
{
    const char *name;
    json_t *value;
    if (!json_is_object(object)) {
        snprintf(why, WHY_SIZE, "retention: not an object");
        return -1;
    }
    json_object_foreach (object, name, value) {
        char path[128];
        snprintf(path, sizeof path, RETENTION "%.80s", name);
        if (take_key(s, path, value, why) != 0)
            return -1;
    }
    return 0;
}

static int take(struct settings *s, const char *name, json_t *value, char why[WHY_SIZE])
{
    if (strcmp(name, "retention") == 0)
        return take_retention(s, value, why);
    if (strchr(name, '.') == NULL)
        return take_key(s, name, value, why);
    snprintf(why, WHY_SIZE, "%.80s: unknown key", name);
    return -1;
}

static int check_conninfo(const struct settings *s, char why[WHY_SIZE])
{
    char *complaint = NULL;
    PQconninfoOption *options = PQconninfoParse(s->conninfo, &complaint);
    if (options == NULL) /* libpq quotes only the keyword, never a value */
        snprintf(why, WHY_SIZE, "conninfo: %.*s",
                 complaint != NULL ? (int)strcspn(complaint, "\n") : 13,
                 complaint != NULL ? complaint : "out of memory");
    PQfreemem(complaint);
    PQconninfoFree(options);
    return options != NULL ? 0 : -1;
}

int settings_parse(const char *json, struct settings *out, char why[WHY_SIZE])
{
    struct settings s = {0};
    json_error_t error;
    json_t *object = json_loads(json, JSON_REJECT_DUPLICATES, &error);
    int result = set_defaults(&s, why);
    if (result == 0 && !json_is_object(object)) {
        snprintf(why, WHY_SIZE, "config: %s", object == NULL ? error.text : "not an object");
        result = -1;
    }
    const char *name;
    json_t *value;
    json_object_foreach (object, name, value)
        if (result == 0)
            result = take(&s, name, value, why);
    json_decref(object);
    if (result == 0)
        result = check_conninfo(&s, why);
    if (result == 0)
        *out = s;
    else
        settings_free(&s);
    return result;
}

void settings_free(struct settings *s)
{
    free(s->conninfo);
    free(s->schema);
    free(s->stream);
    *s = (struct settings){0};
}
