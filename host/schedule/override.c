#include "schedule/override.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "params.h"

/* The "set" of a text that belongs to `source`, as a new reference, or NULL. */
static json_t *load_set(const char *text, const char *source, const char **why)
{
    json_t *root = text != NULL ? json_loads(text, 0, NULL) : NULL;
    const char *base = json_string_value(json_object_get(root, "base"));
    json_t *set = json_object_get(root, "set");
    if (base == NULL || !json_is_object(set))
        *why = "what was set is damaged";
    else if (strcmp(base, source) != 0)
        *why = "the entry in the configuration file was edited";
    else
        *why = NULL;
    set = *why == NULL ? json_incref(set) : NULL;
    json_decref(root);
    return set;
}

char *override_make(const char *before, const char *source, const struct schedule_change *change)
{
    const char *why;
    json_t *set = load_set(before, source, &why);
    if (set == NULL)
        set = json_object();
    int failed = 0;
    if (change->has_enabled)
        failed |= json_object_set_new(set, "enabled", json_boolean(change->enabled));
    if (change->has_every)
        failed |= json_object_set_new(set, "every_seconds", json_integer(change->every_seconds));
    if (change->has_params)
        failed |= json_object_set_new(set, "params", params_json(&change->params));
    if (change->has_profile)
        failed |= json_object_set_new(set, "profile_immediately",
                                      json_boolean(change->profile_immediately));
    json_t *root = json_pack("{s:s, s:o}", "base", source, "set", set);
    char *text = root != NULL && failed == 0
                     ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(15))
                     : NULL;
    json_decref(root);
    return text;
}

static bool read_params(const json_t *object, wt_params *out)
{
    const char *key;
    json_t *value;
    params_default(out);
    if (json_object_size(object) != WT_PARAM_COUNT)
        return false;
    json_object_foreach ((json_t *)object, key, value) {
        int index = params_find(key);
        if (index < 0 || params_set_json(out, index, value, NULL) != 0)
            return false;
    }
    return true;
}

static bool read_set(json_t *set, struct schedule_change *out)
{
    json_t *enabled = json_object_get(set, "enabled");
    json_t *every = json_object_get(set, "every_seconds");
    json_t *params = json_object_get(set, "params");
    json_t *profile = json_object_get(set, "profile_immediately");
    *out = (struct schedule_change){
        .has_enabled = json_is_boolean(enabled),
        .enabled = json_is_true(enabled),
        .has_every = json_is_integer(every),
        .every_seconds = json_integer_value(every),
        .has_params = json_is_object(params),
        .has_profile = json_is_boolean(profile),
        .profile_immediately = json_is_true(profile),
    };
    if (out->has_every &&
        (out->every_seconds < SCHEDULE_EVERY_MIN || out->every_seconds > SCHEDULE_EVERY_MAX))
        return false;
    return !out->has_params || read_params(params, &out->params);
}

bool override_read(const char *text, const char *source, struct schedule_change *out,
                   const char **why)
{
    *out = (struct schedule_change){0};
    json_t *set = load_set(text, source, why);
    if (set == NULL)
        return false;
    bool good = read_set(set, out);
    if (!good) {
        *out = (struct schedule_change){0};
        *why = "what was set is damaged";
    }
    json_decref(set);
    return good;
}
