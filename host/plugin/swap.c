#include "plugin/swap.h"

#include <assert.h>
#include <glib.h>
#include <inttypes.h>
#include <stdlib.h>

#include <uv.h>

#include "log.h"
#include "utc.h"

#define TO(state) (1u << (state))

static const struct {
    const char *name;
    unsigned next;
} states[] = {
    [SWAP_QUEUED] = {"queued", TO(SWAP_VERIFY) | TO(SWAP_CLAIM) | TO(SWAP_ENDED)},
    [SWAP_VERIFY] = {"verify", TO(SWAP_PROBE) | TO(SWAP_LOAD) | TO(SWAP_ENDED)},
    [SWAP_PROBE] = {"probe", TO(SWAP_LOAD) | TO(SWAP_ENDED)},
    [SWAP_LOAD] = {"load", TO(SWAP_PREPARE) | TO(SWAP_ENDED)},
    [SWAP_PREPARE] = {"prepare", TO(SWAP_CUTOVER) | TO(SWAP_ENDED)},
    [SWAP_CUTOVER] = {"cutover", TO(SWAP_CLAIM) | TO(SWAP_ENDED)},
    [SWAP_CLAIM] = {"claim", TO(SWAP_CATCH_UP) | TO(SWAP_ENDED)},
    [SWAP_CATCH_UP] = {"catch_up", TO(SWAP_CLAIM) | TO(SWAP_PROBATION) | TO(SWAP_ENDED)},
    [SWAP_PROBATION] = {"probation", TO(SWAP_ENDED)},
    [SWAP_ENDED] = {"ended", 0},
};

static const char *const verdicts[] = {
    [VERDICT_NONE] = NULL,
    [VERDICT_LIVE] = "LIVE",
    [VERDICT_REFUSED] = "REFUSED",
    [VERDICT_ROLLED_BACK] = "ROLLED BACK",
    [VERDICT_SUPERSEDED] = "SUPERSEDED",
    [VERDICT_CANCELLED] = "CANCELLED",
};

static const char *const kinds[] = {
    [SWAP_ORDERED] = "swap",
    [SWAP_ROLLBACK] = "rollback",
    [SWAP_RELOAD] = "reload",
    [SWAP_START] = "start",
};

const char *swap_state_name(enum swap_state state)
{
    return states[state].name;
}

const char *swap_verdict_name(enum swap_verdict verdict)
{
    return verdicts[verdict];
}

struct swap *swap_new(uint64_t id, enum swap_kind kind, const char *plugin)
{
    struct swap *s = calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    *s = (struct swap){
        .id = id,
        .kind = kind,
        .plugin = g_strdup(plugin),
        .requested_us = g_get_real_time(),
        .requested_ns = uv_hrtime(),
        .step_since_ns = uv_hrtime(),
        .feed_gap_us = -1,
        .live_after_us = -1,
        .replayed = -1,
    };
    for (int i = 0; i < SWAP_ENDED; i++)
        s->step_us[i] = -1;
    return s;
}

void swap_free(struct swap *s)
{
    if (s == NULL)
        return;
    assert(s->listeners == NULL);
    build_release(s->build);
    build_release(s->before);
    g_free(s->plugin);
    g_free(s->by);
    g_free(s->path);
    g_free(s->wanted);
    g_free(s->config);
    g_free(s->from);
    g_free(s->to);
    g_free(s->config_before);
    g_free(s->path_before);
    g_free(s->reason);
    g_free(s->detail);
    free(s);
}

void swap_set(char **text, const char *to)
{
    char *copy = g_strdup(to); /* `to` may be the old text */
    g_free(*text);
    *text = copy;
}

static void move(struct swap *s, enum swap_state to)
{
    uint64_t now = uv_hrtime();
    int64_t took = (int64_t)((now - s->step_since_ns) / 1000);
    assert((states[s->state].next & TO(to)) != 0);
    log_line(LOG_DEBUG, s->plugin, "swap %llu: %s -> %s", (unsigned long long)s->id,
             states[s->state].name, states[to].name);
    /* A step that is passed twice took as long as both. */
    s->step_us[s->state] = (s->step_us[s->state] < 0 ? 0 : s->step_us[s->state]) + took;
    s->step_since_ns = now;
    s->state = to;
    swap_set(&s->detail, NULL);
}

void swap_move(struct swap *s, enum swap_state to)
{
    assert(to != SWAP_ENDED);
    move(s, to);
}

static void tell(struct swap *s)
{
    while (s->listeners != NULL) {
        struct swap_listener *l = s->listeners;
        s->listeners = l->next;
        l->swap = NULL;
        l->answered(l->arg, s);
    }
}

void swap_live(struct swap *s)
{
    move(s, SWAP_PROBATION);
    s->verdict = VERDICT_LIVE;
    s->live_after_us = (int64_t)((uv_hrtime() - s->requested_ns) / 1000);
    tell(s);
}

void swap_end(struct swap *s, enum swap_verdict verdict, const char *reason)
{
    if (s->state == SWAP_ENDED)
        return;
    if (verdict != VERDICT_LIVE)
        s->ended_in = s->state;
    s->verdict = verdict;
    swap_set(&s->reason, reason);
    move(s, SWAP_ENDED);
    s->ended_us = g_get_real_time();
    build_release(s->build);
    build_release(s->before);
    s->build = s->before = NULL;
    tell(s);
}

void swap_listen(struct swap *s, struct swap_listener *l)
{
    l->next = s->listeners;
    l->swap = s;
    s->listeners = l;
}

void swap_stop_listening(struct swap_listener *l)
{
    if (l->swap == NULL)
        return;
    struct swap_listener **at = &l->swap->listeners;
    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    l->swap = NULL;
}

/* ---- as the operator sees it ---- */

static json_t *text_json(const char *text)
{
    json_t *string = text != NULL ? json_string(text) : NULL;
    return string != NULL ? string : json_null();
}

static json_t *time_json(int64_t us)
{
    char text[UTC_TEXT_SIZE];
    return us == 0 ? json_null() : json_string(utc_text(us, text));
}

static json_t *ms_json(int64_t us)
{
    return us < 0 ? json_null() : json_real((double)us / 1e3);
}

static json_t *steps_json(const struct swap *s)
{
    json_t *steps = json_array();
    for (int i = SWAP_VERIFY; i < SWAP_PROBATION; i++)
        if (s->step_us[i] >= 0)
            json_array_append_new(steps, json_pack("{s:s, s:o}", "step", states[i].name, "ms",
                                                   ms_json(s->step_us[i])));
    return steps;
}

static json_t *detail_json(const struct swap *s)
{
    int64_t left_us = s->until_us - g_get_real_time();
    if (s->state != SWAP_PROBATION || s->detail != NULL || left_us < 0)
        return text_json(s->detail);
    return json_sprintf("%" PRId64 " s more", left_us / 1000000 + 1);
}

json_t *swap_json(const struct swap *s)
{
    bool failed = s->verdict > VERDICT_LIVE;
    return json_pack("{s:I, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, "
                     "s:o, s:o, s:o, "
                     "s:o, s:o}",
                     "id", (json_int_t)s->id, "plugin", s->plugin, "kind", kinds[s->kind],
                     "requested_at", time_json(s->requested_us), "requested_by", text_json(s->by),
                     "path", text_json(s->path), "from", text_json(s->from), "to", text_json(s->to),
                     "sha256", text_json(s->sha256[0] != '\0' ? s->sha256 : NULL), "state",
                     states[s->state].name, "verdict", text_json(verdicts[s->verdict]), "step",
                     text_json(failed ? states[s->ended_in].name : NULL), "reason",
                     text_json(s->reason), "detail", detail_json(s), "generation",
                     s->generation > 0 ? json_integer((json_int_t)s->generation) : json_null(),
                     "ended_at", time_json(s->ended_us), "steps", steps_json(s), "feed_gap_ms",
                     ms_json(s->feed_gap_us), "live_after_ms", ms_json(s->live_after_us),
                     "replayed", s->replayed >= 0 ? json_integer(s->replayed) : json_null());
}

char *swap_sentence(const struct swap *s)
{
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "swap %llu %s", (unsigned long long)s->id,
                           s->verdict == VERDICT_NONE ? states[s->state].name
                                                      : verdicts[s->verdict]);
    if (s->verdict > VERDICT_LIVE)
        g_string_append_printf(text, " %s", states[s->ended_in].name);
    if (s->reason != NULL)
        g_string_append_printf(text, ": %s", s->reason);
    return g_string_free(text, FALSE);
}
