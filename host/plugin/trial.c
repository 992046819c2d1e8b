/* A build from the moment that it has the seat until it has proved itself.
 *
 * Happy path: it claims, is fed, acknowledges what the journal held at its claim: live.  It goes on
 * for its probation: it is the good build.
 *
 * Failure modes: an outage is not the build's fault, and is waited out.  Whatever else it breaks
 * with, or an outage too many, it is rolled back: the build before is chosen, and opened as after
 * any failure.  With no build before it there is no way back, and it is tried on. */
#include "plugin/plugin_internal.h"

#include <glib.h>

#include "fault_point.h"
#include "log.h"

enum {
    BREAKS_MAX = 3,           /* connections lost within one trial */
    ACKS_OF_PROOF = 10000,    /* so many events acknowledged end a probation early */
    PROBATION_AGAIN_MS = 1000 /* not live when it should end: looks again */
};

static void time_probation(struct plugin *p, int64_t ms)
{
    p->seated->until_us = g_get_real_time() + ms * 1000;
    uv_timer_start(&p->probation, trial_on_time, (uint64_t)ms, 0);
}

/* What it replaced is a way back from now on; a way that is gone is one no more. */
static void note_ways_back(struct plugin *p, const struct swap *s)
{
    struct chosen left = {0};
    if (s->kind == SWAP_ROLLBACK)
        choice_pop_before(p->choice, s->sha256);
    else if (s->before != NULL && s->before != s->build) {
        chosen_set(&left, s->before, s->path_before);
        choice_push_before(p->choice, &left);
    }
}

/* Ends the trial as it stands: another build takes the seat, or the host stops. */
static void leave_seat(struct plugin *p, enum swap_verdict verdict, const char *reason)
{
    struct swap *s = p->seated;
    p->seated = NULL;
    uv_timer_stop(&p->probation);
    if (s == NULL)
        return;
    swap_end(s, s->verdict == VERDICT_LIVE ? VERDICT_LIVE : verdict,
             s->verdict == VERDICT_LIVE ? s->reason : reason);
    swaps_bury(p, s);
}

void trial_begin(struct plugin *p, struct swap *s)
{
    char by[64];
    g_snprintf(by, sizeof by, "by swap %llu", (unsigned long long)s->id);
    leave_seat(p, VERDICT_SUPERSEDED, by);
    p->seated = s;
    swap_set(&s->path_before, p->source);
    swap_set(&p->source, s->path);
    swap_move(s, SWAP_CLAIM);
}

static void promote(struct plugin *p)
{
    struct swap *s = p->seated;
    log_line(LOG_INFO, p->name, "%s has proved itself", s->to);
    chosen_set(&p->choice->good, s->build, p->source);
    chosen_set(&p->choice->candidate, NULL, NULL);
    p->choice->tried = false;
    FAULT_POINT("swap-promoted");
    leave_seat(p, VERDICT_LIVE, NULL);
    plugin_save(p, NULL, NULL);
}

static void caught_up(struct plugin *p)
{
    struct swap *s = p->seated;
    char *sentence;
    note_ways_back(p, s);
    if (chosen_is(&p->choice->good, s->sha256)) { /* as it has, long ago */
        chosen_set(&p->choice->candidate, NULL, NULL);
        p->choice->tried = false;
    }
    swap_live(s);
    sentence = swap_sentence(s);
    log_line(LOG_INFO, p->name, "%s: %s after %.1f ms", sentence, s->to,
             (double)s->live_after_us / 1e3);
    g_free(sentence);
    plugin_save(p, NULL, NULL);
    if (p->probation_ms > 0)
        time_probation(p, p->probation_ms);
    else
        promote(p);
    swaps_begin_next(p);
}

void trial_on_live(struct plugin *p, const struct succession_claim *claim)
{
    struct swap *s = p->seated;
    if (s == NULL || s->state != SWAP_CLAIM)
        return;
    FAULT_POINT("swap-live");
    swap_move(s, SWAP_CATCH_UP);
    s->generation = claim->generation;
    if (s->replayed < 0) {
        s->replayed = (int64_t)(claim->head - claim->cursor);
        s->acked_from = claim->cursor;
        s->feed_gap_us = claim->gap_us;
    }
    if (claim->gap_us >= 0) {
        p->gap_count++;
        p->gap_us_sum += (uint64_t)claim->gap_us;
        p->gap_us_max = MAX(p->gap_us_max, (uint64_t)claim->gap_us);
    }
    s->catch_up_to = claim->head;
    if (claim->cursor >= claim->head)
        caught_up(p);
}

void trial_on_acked(struct plugin *p, uint64_t seq)
{
    struct swap *s = p->seated;
    if (s == NULL)
        return;
    if (s->state == SWAP_CATCH_UP && seq >= s->catch_up_to)
        caught_up(p);
    else if (s->state == SWAP_PROBATION && seq >= s->acked_from + ACKS_OF_PROOF)
        promote(p);
}

void trial_on_time(uv_timer_t *timer)
{
    struct plugin *p = timer->data;
    if (p->seated == NULL || p->seated->state != SWAP_PROBATION)
        return;
    if (succession_is_live(p->succession))
        promote(p);
    else
        time_probation(p, PROBATION_AGAIN_MS);
}

/* ---- breaking ---- */

static void roll_back(struct plugin *p, const char *why)
{
    struct swap *s = p->seated;
    struct succession_choice before = {s->before, s->config_before};
    struct choice *c = p->choice;
    char *sentence;
    bool was_live = s->verdict == VERDICT_LIVE;
    p->seated = NULL;
    uv_timer_stop(&p->probation);
    succession_choose(p->succession, &before);
    swap_set(&p->source, s->path_before);
    if (was_live) /* … it became a way back to itself */
        choice_pop_before(c, s->before->sha256);
    if (chosen_is(&c->good, s->before->sha256))
        chosen_set(&c->candidate, NULL, NULL);
    else
        chosen_set(&c->candidate, s->before, s->path_before);
    c->tried = c->candidate.sha256[0] != '\0';
    swap_end(s, VERDICT_ROLLED_BACK, why);
    sentence = swap_sentence(s);
    log_line(LOG_ERROR, p->name, "%s; going on with %s", sentence, s->from);
    g_free(sentence);
    swaps_bury(p, s);
    swaps_begin_next(p);
}

void trial_on_failed(struct plugin *p, enum succession_stage stage, wt_status status,
                     const char *message)
{
    struct swap *s = p->seated;
    if (s == NULL || s->build != succession_build(p->succession))
        return;
    /* A claim that the one before had sent may reach the server after this one's: being fenced is
     * this build's fault only when it comes again. */
    bool passes = status == WT_E_AGAIN || status == WT_E_FENCED;
    bool outage = passes && (stage == STAGE_OPENING || ++s->breaks < BREAKS_MAX);
    if (!outage && s->before != NULL) {
        roll_back(p, message);
        return;
    }
    if (s->state == SWAP_CATCH_UP)
        swap_move(s, SWAP_CLAIM);
    swap_set(&s->detail, message);
}

void trial_close(struct plugin *p)
{
    struct swap *s = p->seated;
    char why[300];
    if (s == NULL)
        return;
    p->choice->tried = false; /* the host did not die of it */
    if (s->verdict != VERDICT_LIVE && s->before != NULL)
        chosen_set(&p->choice->candidate, NULL, NULL);
    g_snprintf(why, sizeof why, "the host stopped; its next start uses %s",
               s->before != NULL ? s->from : s->to);
    leave_seat(p, VERDICT_CANCELLED, why);
}
