#include "ctl/recording.h"

#include <inttypes.h>
#include <string.h>

#include "ctl/answers.h"
#include "ctl/swap_words.h"

enum { LINE_SIZE = 2 * SWAP_WORDS };

static const char *or_question(const char *text)
{
    return text != NULL ? text : "?";
}

/* "0.2.0 (gen 41, 77aa01ff)" */
static void add_build(const json_t *plugin, char line[LINE_SIZE])
{
    const char *version = field_text(plugin, "version");
    const char *sha256 = field_text(plugin, "sha256");
    if (version == NULL || sha256 == NULL)
        return;
    shown_add(line, LINE_SIZE, " %s (gen %" PRId64 ", %.8s)", version,
              field_count(plugin, "generation"), sha256);
}

static void add_state(const json_t *plugin, char line[LINE_SIZE])
{
    char text[SHOWN_SIZE];
    const char *detail = field_text(plugin, "detail");
    double retry = field_number(plugin, "retry_in_seconds");
    shown_add(line, LINE_SIZE, ": %s since %s", or_question(field_text(plugin, "state")),
              field_shown_time(plugin, "state_since", text));
    if (detail != NULL)
        shown_add(line, LINE_SIZE, ": %s", detail);
    if (retry >= 0)
        shown_add(line, LINE_SIZE, "; next try in %s", shown_duration(retry, text));
}

static void add_journal(const json_t *journal, char line[LINE_SIZE])
{
    char bytes[SHOWN_SIZE], max[SHOWN_SIZE];
    if (field_count(journal, "bytes") < 0)
        return;
    shown_add(line, LINE_SIZE, ", journal %s of %s",
              shown_bytes(field_count(journal, "bytes"), bytes),
              shown_bytes(field_count(journal, "max_bytes"), max));
    if (json_is_true(json_object_get(journal, "full")))
        shown_add(line, LINE_SIZE, ", engines paused");
}

static void print_now(struct session *s, const json_t *plugin, const json_t *health)
{
    char line[LINE_SIZE] = "", lag[SHOWN_SIZE];
    bool live = json_is_true(json_object_get(plugin, "live"));
    shown_add(line, sizeof line, "%s", or_question(field_text(plugin, "name")));
    add_build(plugin, line);
    if (!live)
        add_state(plugin, line);
    shown_add(line, sizeof line, "%s lag %s events", live ? "," : ";",
              field_shown_count(plugin, "lag", lag));
    add_journal(json_object_get(health, "journal"), line);
    print_paragraph(s, live ? "RECORDING" : "NOT RECORDING", line,
                    live ? COLOUR_GREEN : COLOUR_RED);
}

/* "#41 from → to, prepare: waiting for …" */
static void print_under_way(struct session *s, const char *label, const json_t *swap)
{
    char line[LINE_SIZE] = "", words[SWAP_WORDS];
    shown_add(line, sizeof line, "#%" PRId64 " ", field_count(swap, "id"));
    swap_outcome(swap, words);
    shown_add(line, sizeof line, "%s; ", words);
    swap_change(swap, words);
    shown_add(line, sizeof line, "%s", words);
    swap_steps(swap, words);
    shown_add(line, sizeof line, "%s%s", words[0] != '\0' ? "; " : "", words);
    print_paragraph(s, label, line, COLOUR_CYAN);
}

static void print_last(struct session *s, const json_t *plugin, const json_t *swap)
{
    char line[LINE_SIZE] = "", words[SWAP_WORDS];
    const char *kind = field_text(swap, "kind");
    const char *back = field_text(plugin, "rollback_to");
    shown_add(line, sizeof line, "#%" PRId64 " ", field_count(swap, "id"));
    if (kind != NULL && strcmp(kind, "swap") != 0)
        shown_add(line, sizeof line, "(%s) ", kind);
    swap_outcome(swap, words);
    shown_add(line, sizeof line, "%s", words);
    if (swap_is_in_probation(swap))
        shown_add(line, sizeof line, ", in probation");
    swap_steps(swap, words);
    shown_add(line, sizeof line, "%s%s", words[0] != '\0' ? "; " : "", words);
    if (back != NULL)
        shown_add(line, sizeof line, "; rollback to %s possible", back);
    print_paragraph(s, "last swap", line, status_colour(field_text(swap, "verdict")));
}

void print_recording(struct session *s, const json_t *plugin, const json_t *health)
{
    const json_t *swap = json_object_get(plugin, "swap");
    const json_t *queued = json_object_get(plugin, "queued");
    const json_t *last = swap_latest(json_object_get(plugin, "swaps"));
    print_now(s, plugin, health);
    if (json_is_object(swap) && field_text(swap, "verdict") == NULL)
        print_under_way(s, "swap now ", swap);
    if (json_is_object(queued))
        print_under_way(s, "queued   ", queued);
    if (last != NULL)
        print_last(s, plugin, last);
}
