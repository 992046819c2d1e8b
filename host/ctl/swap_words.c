#include "ctl/swap_words.h"

#include <inttypes.h>
#include <string.h>

#include "ctl/answers.h"

static bool has_state(const json_t *swap, const char *state)
{
    const char *is = field_text(swap, "state");
    return is != NULL && strcmp(is, state) == 0;
}

bool swap_is_in_probation(const json_t *swap)
{
    return has_state(swap, "probation");
}

static bool is_live(const json_t *swap)
{
    const char *verdict = field_text(swap, "verdict");
    return verdict != NULL && strcmp(verdict, "LIVE") == 0;
}

bool swap_was_needless(const json_t *swap)
{
    return is_live(swap) && field_number(swap, "live_after_ms") < 0;
}

const json_t *swap_latest(const json_t *swaps)
{
    const json_t *latest = NULL, *swap;
    for (size_t i = 0; (swap = json_array_get(swaps, i)) != NULL; i++)
        if (latest == NULL || field_count(swap, "id") > field_count(latest, "id"))
            latest = swap;
    return latest;
}

void swap_title(const json_t *swap, char out[SWAP_WORDS])
{
    const char *kind = field_text(swap, "kind");
    snprintf(out, SWAP_WORDS, "%s %" PRId64, kind != NULL ? kind : "swap", field_count(swap, "id"));
}

/* "REFUSED verify: why" */
static void add_why(const char *what, const char *step, const char *why, char out[SWAP_WORDS])
{
    shown_add(out, SWAP_WORDS, "%s", what != NULL ? what : "unknown");
    if (step != NULL)
        shown_add(out, SWAP_WORDS, " %s", step);
    if (why != NULL)
        shown_add(out, SWAP_WORDS, ": %s", why);
}

static void add_figures(const json_t *swap, char out[SWAP_WORDS])
{
    char text[SHOWN_SIZE];
    double gap = field_number(swap, "feed_gap_ms");
    int64_t replayed = field_count(swap, "replayed");
    shown_add(out, SWAP_WORDS, "LIVE in %s", shown_ms(field_number(swap, "live_after_ms"), text));
    if (gap >= 0)
        shown_add(out, SWAP_WORDS, ": feed gap %s", shown_ms(gap, text));
    if (replayed >= 0)
        shown_add(out, SWAP_WORDS, "%s replayed %s event%s", gap >= 0 ? "," : ":",
                  shown_count(replayed, text), replayed == 1 ? "" : "s");
}

void swap_outcome(const json_t *swap, char out[SWAP_WORDS])
{
    const char *verdict = field_text(swap, "verdict");
    out[0] = '\0';
    if (verdict == NULL)
        add_why(field_text(swap, "state"), NULL, field_text(swap, "detail"), out);
    else if (is_live(swap) && !swap_was_needless(swap))
        add_figures(swap, out);
    else
        add_why(verdict, field_text(swap, "step"), field_text(swap, "reason"), out);
}

void swap_steps(const json_t *swap, char out[SWAP_WORDS])
{
    const json_t *steps = json_object_get(swap, "steps");
    size_t count = json_array_size(steps);
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        char ms[SHOWN_SIZE];
        const json_t *step = json_array_get(steps, i);
        const char *name = field_text(step, "step");
        shown_add(out, SWAP_WORDS, "%s%s %s",
                  i > 0 ? ", " : "steps in ms: ", name != NULL ? name : "?",
                  shown_bare_ms(field_number(step, "ms"), ms));
    }
}

void swap_change(const json_t *swap, char out[SWAP_WORDS])
{
    const char *from = field_text(swap, "from");
    const char *to = field_text(swap, "to");
    const char *path = field_text(swap, "path");
    snprintf(out, SWAP_WORDS, "%s → %s", from != NULL ? from : "nothing",
             to != NULL     ? to
             : path != NULL ? path
                            : "the build before");
}
