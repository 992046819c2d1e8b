/* One setter for each type of value; each names what it wanted when it refuses. */
#include "config/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "params.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* How a value that was not wanted looks, in at most 60 bytes. */
static int refuse(const struct config_reading *r, const struct config_place *place,
                  const json_t *value, const char *wanted)
{
    char *shown = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    int status = config_fail(r, place, "%.60s is not %s", shown != NULL ? shown : "this", wanted);
    free(shown);
    return status;
}

static int out_of_range(const struct config_reading *r, const struct config_place *place,
                        const struct config_key *row, int64_t number)
{
    return config_fail(r, place, "%" PRId64 " is outside %" PRId64 "..%" PRId64, number, row->min,
                       row->max);
}

static int keep_text(const struct config_reading *r, const char *text, char **out)
{
    char *copy = strdup(text);
    if (copy == NULL)
        return config_out_of_memory(r);
    free(*out);
    *out = copy;
    return 0;
}

static int set_number(const struct config_reading *r, const struct config_place *place,
                      const struct config_key *row, const json_t *value, void *out)
{
    if (!json_is_integer(value))
        return refuse(r, place, value, "a whole number");
    int64_t number = json_integer_value(value);
    if (number < row->min || number > row->max)
        return out_of_range(r, place, row, number);
    *(int64_t *)out = number;
    return 0;
}

static int set_bool(const struct config_reading *r, const struct config_place *place,
                    const struct config_key *row, const json_t *value, void *out)
{
    (void)row;
    if (!json_is_boolean(value))
        return refuse(r, place, value, "true or false");
    *(bool *)out = json_is_true(value);
    return 0;
}

static int set_choice(const struct config_reading *r, const struct config_place *place,
                      const struct config_key *row, const json_t *value, void *out)
{
    const char *text = json_string_value(value);
    if (text != NULL) {
        int index = 0;
        for (const char *name = row->choices; name != NULL; index++) {
            size_t size = strcspn(name, "|");
            if (strlen(text) == size && strncmp(name, text, size) == 0) {
                *(int *)out = index;
                return 0;
            }
            name = name[size] == '|' ? name + size + 1 : NULL;
        }
    }
    char wanted[128];
    snprintf(wanted, sizeof wanted, "one of %s", row->choices);
    return refuse(r, place, value, wanted);
}

static bool is_printable(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++)
        if (*c < 0x20 || *c == 0x7f)
            return false;
    return true;
}

static int set_text(const struct config_reading *r, const struct config_place *place,
                    const struct config_key *row, const json_t *value, void *out)
{
    const char *text = json_string_value(value);
    if (text == NULL)
        return refuse(r, place, value, "text");
    if (!is_printable(text))
        return refuse(r, place, value, "text without control characters");
    int64_t size = (int64_t)strlen(text);
    if (size < row->min || size > row->max)
        return config_fail(r, place, "'%.40s' has %" PRId64 " bytes, outside %" PRId64 "..%" PRId64,
                           text, size, row->min, row->max);
    return keep_text(r, text, out);
}

static int set_pattern(const struct config_reading *r, const struct config_place *place,
                       const struct config_key *row, const json_t *value, void *out)
{
    const bool name = row->type == CONFIG_NAME;
    const char *text = json_string_value(value);
    const char *allowed = name ? LOWER DIGITS "._-" : LOWER UPPER DIGITS "._-";
    if (text == NULL || (int64_t)strlen(text) > row->max || text[0] == '\0' ||
        text[strspn(text, allowed)] != '\0' || (!name && text[0] == '.'))
        return refuse(r, place, value,
                      name ? "a name of 1 to 64 of [a-z0-9._-]"
                           : "a file name of [A-Za-z0-9._-], without a dot in front");
    return keep_text(r, text, out);
}

static int set_path(const struct config_reading *r, const struct config_place *place,
                    const struct config_key *row, const json_t *value, void *out)
{
    if (set_text(r, place, row, value, out) != 0)
        return -1;
    char *path = config_absolute(r->folder, *(char **)out);
    if (path == NULL)
        return config_out_of_memory(r);
    free(*(char **)out);
    *(char **)out = path;
    if ((int64_t)strlen(path) > row->max)
        return config_fail(r, place, "%.100s has more than %" PRId64 " bytes", path, row->max);
    return 0;
}

static int set_duration(const struct config_reading *r, const struct config_place *place,
                        const struct config_key *row, const json_t *value, void *out)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    const char *text = json_string_value(value);
    size_t digits = text != NULL ? strspn(text, DIGITS) : 0;
    if (digits > 0 && digits <= 9 && strlen(text) == digits + 1)
        for (size_t i = 0; i < sizeof units / sizeof *units; i++)
            if (text[digits] == units[i].unit) {
                int64_t seconds = strtoll(text, NULL, 10) * units[i].seconds;
                if (seconds < row->min || seconds > row->max)
                    return config_fail(r, place, "'%s' is outside 1s..366d", text);
                *(int64_t *)out = seconds;
                return 0;
            }
    if (text == NULL)
        return refuse(r, place, value, "a duration such as 30s, 15m, 6h or 7d");
    return config_fail(r, place, "'%.60s' is not a duration such as 30s, 15m, 6h or 7d", text);
}

static int set_mode(const struct config_reading *r, const struct config_place *place,
                    const struct config_key *row, const json_t *value, void *out)
{
    const char *text = json_string_value(value);
    size_t size = text != NULL ? strlen(text) : 0;
    if (size < 3 || size > 4 || strspn(text, "01234567") != size ||
        strtol(text, NULL, 8) > row->max)
        return refuse(r, place, value, "permissions as octal text, such as \"0660\"");
    *(mode_t *)out = (mode_t)strtol(text, NULL, 8);
    return 0;
}

static int set_json(const struct config_reading *r, const struct config_place *place,
                    const struct config_key *row, const json_t *value, void *out)
{
    (void)row;
    if (!json_is_object(value))
        return refuse(r, place, value, "an object");
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
    if (text == NULL)
        return config_out_of_memory(r);
    free(*(char **)out);
    *(char **)out = text;
    return 0;
}

static int set_command(const struct config_reading *r, const struct config_place *place,
                       const struct config_key *row, const json_t *value, void *out)
{
    size_t n = json_array_size(value);
    if (n < (size_t)row->min || n > (size_t)row->max)
        return refuse(r, place, value, "a list of 1 to 256 texts: program and arguments");
    char **command = calloc(n + 1, sizeof *command);
    if (command == NULL)
        return config_out_of_memory(r);
    *(char ***)out = command; /* NULL-terminated at any moment: freed with the rest */
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(value, i);
        struct config_place at = {place, NULL, i};
        if (!json_is_string(item))
            return refuse(r, &at, item, "text");
        if (keep_text(r, json_string_value(item), &command[i]) != 0)
            return -1;
    }
    struct config_place first = {place, NULL, 0};
    return config_find_program(r, &first, command);
}

static int set_environment(const struct config_reading *r, const struct config_place *place,
                           const struct config_key *row, const json_t *value, void *out)
{
    if (!json_is_object(value) || json_object_size(value) > (size_t)row->max)
        return refuse(r, place, value, "an object of at most 256 variables");
    char **environment = calloc(json_object_size(value) + 1, sizeof *environment);
    if (environment == NULL)
        return config_out_of_memory(r);
    *(char ***)out = environment;
    const char *key;
    json_t *item;
    size_t n = 0;
    json_object_foreach ((json_t *)value, key, item) {
        struct config_place at = {place, key, 0};
        if (key[0] == '\0' || strspn(key, UPPER LOWER DIGITS "_") != strlen(key) ||
            strchr(DIGITS, key[0]) != NULL)
            return config_fail(r, &at, "not a name of a variable");
        if (!json_is_string(item))
            return refuse(r, &at, item, "text");
        if (asprintf(&environment[n], "%s=%s", key, json_string_value(item)) < 0) {
            environment[n] = NULL;
            return config_out_of_memory(r);
        }
        n++;
    }
    return 0;
}

/* The message of params.c begins with the field's name, which the place has already. */
static int set_param(const struct config_reading *r, const struct config_place *place,
                     const struct config_key *row, const json_t *value, void *out)
{
    struct error err;
    if (params_set_json(out, (int)row->min, value, &err) == 0)
        return 0;
    return config_fail(r, place, "%s", err.msg + strlen(params_table[row->min].name) + 2);
}

int config_value(const struct config_reading *r, const struct config_place *place,
                 const struct config_key *row, const json_t *value, void *out)
{
    static int (*const setters[])(const struct config_reading *, const struct config_place *,
                                  const struct config_key *, const json_t *, void *) = {
        [CONFIG_NUMBER] = set_number,   [CONFIG_BOOL] = set_bool,
        [CONFIG_CHOICE] = set_choice,   [CONFIG_TEXT] = set_text,
        [CONFIG_NAME] = set_pattern,    [CONFIG_FILE_NAME] = set_pattern,
        [CONFIG_PATH] = set_path,       [CONFIG_DURATION] = set_duration,
        [CONFIG_MODE] = set_mode,       [CONFIG_JSON] = set_json,
        [CONFIG_COMMAND] = set_command, [CONFIG_ENVIRONMENT] = set_environment,
        [CONFIG_PARAM] = set_param,
    };
    return setters[row->type](r, place, row, value, out);
}
