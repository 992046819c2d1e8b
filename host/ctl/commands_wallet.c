/* wallet: why a wallet is known: every run and token that found it, and its scores over time. */
#include <string.h>

#include "ctl/answers.h"
#include "ctl/arguments.h"
#include "ctl/bars.h"
#include "ctl/filters.h"
#include "ctl/more.h"

static const struct table_column columns[] = {
    {.title = "FOUND"},
    {.title = "RUN"},
    {.title = "TOKEN", .flexible = true},
    {.title = "NEW"},
    {.title = "SCORE", .right = true},
    {.title = "±", .right = true},
    {.title = "", .bar = true},
    {.title = "STATUS"},
    {.title = "TRIGGER", .wide = true},
    {.title = "SCHEDULE", .flexible = true, .wide = true},
};

/* How a score differs from the one before it in time. */
static void add_difference(struct table *t, double score, double before)
{
    char text[SHOWN_SIZE] = "";
    double by = score - before;
    bool known = score >= 0 && before >= 0;
    if (known)
        snprintf(text, sizeof text, "%+.4f", by);
    table_add(t, text, !known || by == 0 ? COLOUR_NONE : by > 0 ? COLOUR_GREEN : COLOUR_YELLOW);
}

/* The score of the next older discovery that has one, or less than 0. */
static double score_before(const json_t *discoveries, size_t i)
{
    double score = -1;
    while (score < 0 && ++i < json_array_size(discoveries))
        score = field_number(json_array_get(discoveries, i), "initial_score");
    return score;
}

static void add_discovery(struct table *t, const json_t *discoveries, size_t i)
{
    char text[SHOWN_SIZE];
    const json_t *discovery = json_array_get(discoveries, i);
    const json_t *run = json_object_get(discovery, "run");
    const json_t *fresh = json_object_get(discovery, "is_new");
    double score = field_number(discovery, "initial_score");
    table_add(t, field_shown_time(discovery, "created_at", text), COLOUR_NONE);
    table_add(t, field_short_id(discovery, "run_id", text), COLOUR_NONE);
    table_add(t, field_text(discovery, "source_token"), COLOUR_NONE);
    table_add(t, json_is_true(fresh) ? "yes" : json_is_false(fresh) ? "no" : "", COLOUR_NONE);
    table_add(t, field_shown_score(discovery, "initial_score", text), COLOUR_NONE);
    add_difference(t, score, score_before(discoveries, i));
    table_add_bar(t, score);
    table_add(t, field_text(run, "status"), status_colour(field_text(run, "status")));
    table_add(t, field_text(run, "trigger_type"), COLOUR_NONE);
    table_add(t, field_text(run, "schedule"), COLOUR_NONE);
}

/* "0.5000 at first, 0.8712 at last". */
static void print_scores(struct session *s, const json_t *wallet)
{
    char first[SHOWN_SIZE], last[SHOWN_SIZE], line[3 * SHOWN_SIZE] = "";
    if (field_shown_score(wallet, "first_score", first)[0] != '\0' &&
        field_shown_score(wallet, "last_score", last)[0] != '\0')
        snprintf(line, sizeof line, "%s at first, %s at last", first, last);
    print_field(s, "score", line, COLOUR_NONE);
}

/* The scores of this page from left to right as time goes. */
static void print_spark(struct session *s, const json_t *discoveries)
{
    double scores[SPARKS_MAX];
    char spark[SPARKS_MAX * 3 + 1];
    size_t count = 0, all = json_array_size(discoveries),
           newest = all < SPARKS_MAX ? all : SPARKS_MAX;
    for (size_t i = newest; i > 0; i--) {
        double score = field_number(json_array_get(discoveries, i - 1), "initial_score");
        if (score >= 0)
            scores[count++] = score;
    }
    if (s->width > 0 && count > 1)
        print_field(s, "scores", spark_text(scores, count, 1, spark), COLOUR_NONE);
}

static void print_summary(struct session *s, const json_t *wallet)
{
    static const struct {
        const char *name, *key;
    } counts[] = {
        {"runs", "run_count"}, {"tokens", "token_count"}, {"discoveries", "discovery_count"}};
    char text[SHOWN_SIZE];
    print_field(s, "wallet", field_text(wallet, "wallet_address"), COLOUR_BOLD);
    print_field(s, "first_seen_at", field_shown_time(wallet, "first_seen_at", text), COLOUR_NONE);
    print_field(s, "last_seen_at", field_shown_time(wallet, "last_seen_at", text), COLOUR_NONE);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        print_field(s, counts[i].name, field_shown_count(wallet, counts[i].key, text), COLOUR_NONE);
    print_scores(s, wallet);
}

static enum status print_wallet(struct session *s, const json_t *wallet, struct error *err)
{
    const json_t *discoveries = json_object_get(wallet, "discoveries");
    struct table *t = table_new(columns, sizeof columns / sizeof columns[0]);
    print_summary(s, wallet);
    print_spark(s, discoveries);
    for (size_t i = 0; i < json_array_size(discoveries); i++)
        add_discovery(t, discoveries, i);
    fputc('\n', s->out);
    enum status status = print_table(s, t, err);
    more_say(s, wallet, "wallet", s->arguments->words[0]);
    return status;
}

enum status wallet_command(struct session *s, struct error *err)
{
    char path[PATH_ROOM] = "/api/discovery/wallets";
    struct reply reply;
    enum status status = client_add_part(path, sizeof path, s->arguments->words[0]) == 0
                             ? filters_add(s->arguments, path, err)
                             : STATUS_NOT_FOUND;
    if (status != STATUS_OK)
        return status;
    status = answer_get(s, path, &reply, err);
    if (status == STATUS_OK && !s->json)
        status = print_wallet(s, reply.json, err);
    reply_free(&reply);
    return status;
}
