/* compare: two runs side by side. */
#include <string.h>

#include "ctl/answers.h"
#include "ctl/arguments.h"
#include "ctl/filters.h"
#include "ctl/more.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- figures ---- */

static const struct table_column pair_columns[] = {
    {.title = ""},
    {.title = "A", .right = true, .flexible = true},
    {.title = "B", .right = true, .flexible = true},
    {.title = "CHANGE", .right = true},
};

/* Cells of a row without a change. */
static void add_texts(struct table *t, const char *name, const char *a, const char *b)
{
    table_add(t, name, COLOUR_BOLD);
    table_add(t, a, COLOUR_NONE);
    table_add(t, b, COLOUR_NONE);
    table_add(t, NULL, COLOUR_NONE);
}

static void add_runs(struct table *t, const json_t *a, const json_t *b)
{
    static const char *const texts[] = {"status", "trigger_type", "schedule", "triggered_by"};
    char in_a[SHOWN_SIZE], in_b[SHOWN_SIZE];
    add_texts(t, "run", field_short_id(a, "id", in_a), field_short_id(b, "id", in_b));
    add_texts(t, "started_at", field_shown_time(a, "started_at", in_a),
              field_shown_time(b, "started_at", in_b));
    for (size_t i = 0; i < COUNT(texts); i++)
        add_texts(t, texts[i], field_text(a, texts[i]), field_text(b, texts[i]));
}

/* A number that may be null; a change has its sign. */
static const char *shown_number(const json_t *row, const char *key, bool is_change,
                                char out[SHOWN_SIZE])
{
    const json_t *value = json_object_get(row, key);
    out[0] = '\0';
    if (json_is_number(value))
        snprintf(out, SHOWN_SIZE, is_change ? "%+.12g" : "%.15g", json_number_value(value));
    return out;
}

static void add_pairs(struct table *t, const json_t *rows)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        char text[SHOWN_SIZE];
        const json_t *row = json_array_get(rows, i);
        table_add(t, field_text(row, "name"), COLOUR_NONE);
        table_add(t, shown_number(row, "a", false, text), COLOUR_NONE);
        table_add(t, shown_number(row, "b", false, text), COLOUR_NONE);
        table_add(t, shown_number(row, "change", true, text), COLOUR_NONE);
    }
}

static enum status print_pairs(struct session *s, const json_t *answer, struct error *err)
{
    const json_t *params = json_object_get(answer, "params");
    struct table *t = table_new(pair_columns, COUNT(pair_columns));
    add_runs(t, json_object_get(answer, "a"), json_object_get(answer, "b"));
    add_pairs(t, params);
    add_pairs(t, json_object_get(answer, "counts"));
    enum status status = print_table(s, t, err);
    if (json_array_size(params) == 0)
        fputs("their parameters are the same\n", s->out);
    return status;
}

/* ---- wallets ---- */

static const struct side {
    const char *name, *title;
    struct table_column columns[4];
    size_t count;
    const char *scores[2];
} sides[] = {
    {"only_a",
     "only in A",
     {{.title = "WALLET", .flexible = true}, {.title = "SCORE", .right = true}},
     2,
     {"score_a"}},
    {"only_b",
     "only in B",
     {{.title = "WALLET", .flexible = true}, {.title = "SCORE", .right = true}},
     2,
     {"score_b"}},
    {"both",
     "in both",
     {{.title = "WALLET", .flexible = true},
      {.title = "SCORE A", .right = true},
      {.title = "SCORE B", .right = true},
      {.title = "CHANGE", .right = true}},
     4,
     {"score_a", "score_b"}},
};

static void add_wallet(struct table *t, const struct side *side, const json_t *wallet)
{
    char text[SHOWN_SIZE];
    double a = field_number(wallet, "score_a"), b = field_number(wallet, "score_b");
    table_add(t, field_text(wallet, "wallet_address"), COLOUR_NONE);
    for (size_t i = 0; i < 2 && side->scores[i] != NULL; i++)
        table_add(t, field_shown_score(wallet, side->scores[i], text), COLOUR_NONE);
    if (side->count < 4)
        return;
    snprintf(text, sizeof text, "%+.4f", b - a);
    bool known = a >= 0 && b >= 0;
    table_add(t, known ? text : NULL,
              !known || a == b ? COLOUR_NONE
              : b > a          ? COLOUR_GREEN
                               : COLOUR_YELLOW);
}

/* How to see those of a side that are not shown. */
static void say_rest(struct session *s, const struct side *side, const char *ids, size_t shown,
                     int64_t count)
{
    if (arguments_option(s->arguments, "side") == NULL && (int64_t)shown < count)
        fprintf(s->out, "more: walltrackctl compare %s --side %s\n", ids, side->name);
}

static enum status print_side(struct session *s, const struct side *side, const json_t *answer,
                              const char *ids, struct error *err)
{
    char text[SHOWN_SIZE];
    const json_t *list = json_object_get(answer, side->name);
    const json_t *wallets = json_object_get(list, "wallets");
    size_t shown = json_array_size(wallets);
    fprintf(s->out, "\n%s: %s wallets\n", side->title, field_shown_count(list, "count", text));
    if (shown == 0)
        return STATUS_OK;
    struct table *t = table_new(side->columns, side->count);
    for (size_t i = 0; i < shown; i++)
        add_wallet(t, side, json_array_get(wallets, i));
    enum status status = print_table(s, t, err);
    say_rest(s, side, ids, shown, field_count(list, "count"));
    return status;
}

/* ---- the command ---- */

static enum status print_comparison(struct session *s, const json_t *answer, const char *ids,
                                    struct error *err)
{
    const char *asked = arguments_option(s->arguments, "side");
    char command[128];
    enum status status = print_pairs(s, answer, err);
    for (size_t i = 0; i < COUNT(sides) && status == STATUS_OK; i++)
        if (asked == NULL || strcmp(asked, sides[i].name) == 0)
            status = print_side(s, &sides[i], answer, ids, err);
    snprintf(command, sizeof command, "compare %s", ids);
    if (asked != NULL)
        more_say(s, answer, command, NULL);
    return status;
}

enum status compare_command(struct session *s, struct error *err)
{
    char a[37], b[37], ids[76], path[PATH_ROOM];
    struct reply reply;
    enum status status = answer_resolve(s, s->arguments->words[0], a, err);
    if (status == STATUS_OK)
        status = answer_resolve(s, s->arguments->words[1], b, err);
    if (status != STATUS_OK)
        return status;
    snprintf(ids, sizeof ids, "%s %s", a, b);
    snprintf(path, sizeof path, "/api/discovery/compare?a=%s&b=%s", a, b);
    status = filters_add(s->arguments, path, err);
    if (status != STATUS_OK)
        return status;
    status = answer_get(s, path, &reply, err);
    if (status == STATUS_OK && !s->json)
        status = print_comparison(s, reply.json, ids, err);
    reply_free(&reply);
    return status;
}
