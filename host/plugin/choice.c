#include "plugin/choice.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

static void read_chosen(const json_t *from, struct chosen *out)
{
    const struct {
        const char *key;
        char *text;
        size_t size;
    } fields[] = {{"sha256", out->sha256, sizeof out->sha256},
                  {"label", out->label, sizeof out->label},
                  {"path", out->path, sizeof out->path}};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const char *text = json_string_value(json_object_get(from, fields[i].key));
        if (text != NULL)
            g_strlcpy(fields[i].text, text, fields[i].size);
    }
}

struct choice *choice_read(const char *text)
{
    struct choice *c = calloc(1, sizeof *c);
    json_t *from = text != NULL ? json_loads(text, 0, NULL) : NULL;
    if (c == NULL) {
        json_decref(from);
        return NULL;
    }
    read_chosen(json_object_get(from, "good"), &c->good);
    read_chosen(json_object_get(from, "candidate"), &c->candidate);
    read_chosen(json_object_get(from, "configured"), &c->configured);
    c->tried = json_is_true(json_object_get(from, "tried"));
    for (size_t i = 0; i < CHOICE_BEFORE_MAX; i++)
        read_chosen(json_array_get(json_object_get(from, "before"), i), &c->before[i]);
    c->next_swap = (uint64_t)json_integer_value(json_object_get(from, "next_swap"));
    json_t *swaps = json_object_get(from, "swaps");
    c->swaps = json_is_array(swaps) ? json_incref(swaps) : json_array();
    json_decref(from);
    if (c->swaps != NULL)
        return c;
    free(c);
    return NULL;
}

static json_t *chosen_json(const struct chosen *c)
{
    if (c->sha256[0] == '\0')
        return json_null();
    return json_pack("{s:s, s:s, s:s}", "sha256", c->sha256, "label", c->label, "path", c->path);
}

char *choice_text(const struct choice *c)
{
    json_t *before = json_array();
    for (size_t i = 0; i < CHOICE_BEFORE_MAX && c->before[i].sha256[0] != '\0'; i++)
        json_array_append_new(before, chosen_json(&c->before[i]));
    json_t *all = json_pack("{s:o, s:o, s:b, s:o, s:o, s:I, s:O}", "good", chosen_json(&c->good),
                            "candidate", chosen_json(&c->candidate), "tried", c->tried,
                            "configured", chosen_json(&c->configured), "before", before,
                            "next_swap", (json_int_t)c->next_swap, "swaps", c->swaps);
    char *text = all != NULL ? json_dumps(all, JSON_COMPACT) : NULL;
    json_decref(all);
    return text;
}

void choice_free(struct choice *c)
{
    if (c == NULL)
        return;
    json_decref(c->swaps);
    free(c);
}

bool chosen_is(const struct chosen *c, const char *sha256)
{
    return c->sha256[0] != '\0' && strcmp(c->sha256, sha256) == 0;
}

void chosen_set(struct chosen *c, const struct build *b, const char *path)
{
    *c = (struct chosen){0};
    if (b == NULL)
        return;
    g_strlcpy(c->sha256, b->sha256, sizeof c->sha256);
    g_strlcpy(c->label, b->label, sizeof c->label);
    g_strlcpy(c->path, path, sizeof c->path);
}

enum start_choice choice_at_start(const struct choice *c, const char *path, const char *sha256)
{
    bool has_good = c->good.sha256[0] != '\0', has_candidate = c->candidate.sha256[0] != '\0';
    bool changed = sha256 != NULL &&
                   (!chosen_is(&c->configured, sha256) || strcmp(c->configured.path, path) != 0);
    if (changed || (!has_good && !has_candidate))
        return sha256 != NULL ? START_CONFIGURED : has_good ? START_GOOD : START_NONE;
    if (!has_candidate)
        return START_GOOD;
    /* With no other to turn to, the one that the host died with is tried once more. */
    return !c->tried || !has_good ? START_CANDIDATE : START_FALL_BACK;
}

/* ---- the ways back ---- */

void choice_push_before(struct choice *c, const struct chosen *left)
{
    struct chosen one = *left; /* it may be one of them */
    if (one.sha256[0] == '\0')
        return;
    size_t last = 0;
    while (last < CHOICE_BEFORE_MAX - 1 && !chosen_is(&c->before[last], one.sha256))
        last++;
    memmove(&c->before[1], &c->before[0], last * sizeof c->before[0]);
    c->before[0] = one;
}

void choice_pop_before(struct choice *c, const char *sha256)
{
    size_t at = 0;
    while (at < CHOICE_BEFORE_MAX && !chosen_is(&c->before[at], sha256))
        at++;
    if (at == CHOICE_BEFORE_MAX)
        return;
    size_t left = CHOICE_BEFORE_MAX - at - 1;
    memmove(&c->before[0], &c->before[at + 1], left * sizeof c->before[0]);
    memset(&c->before[left], 0, (CHOICE_BEFORE_MAX - left) * sizeof c->before[0]);
}

void choice_note_swap(struct choice *c, json_t *swap)
{
    if (swap == NULL)
        return;
    json_array_insert_new(c->swaps, 0, swap);
    while (json_array_size(c->swaps) > CHOICE_SWAPS_MAX)
        json_array_remove(c->swaps, json_array_size(c->swaps) - 1);
}
