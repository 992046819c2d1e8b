#include "judge_runs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge_report.h"

/* How far to look, ahead for lines that were passed over and back for one that came again. */
enum { AHEAD = 20000, BACK = 5000 };
enum { COMPLETED = 1, FAILED = 2, CANCELLED = 3 };
enum { SEEN = 1, NEW = 2, PROFILED = 4 };

/* What happened to a wallet in all runs so far. */
struct wallet {
    uint32_t first; /* run that found it first, from 1 */
    bool by_others; /* and one after it                */
};

struct runs {
    const struct source_plan *plan;
    const char *excuse; /* part of a reason for which a run may fail, or NULL */
    struct run *runs;
    size_t count, room;
    struct wallet wallets[SOURCE_WALLETS];
    struct source_line line, other;
    char profile[SOURCE_PROFILE_MAX];
    uint64_t completed, cut;
};

struct runs *runs_make(const struct source_plan *plan, const char *excuse)
{
    struct runs *r = calloc(1, sizeof *r);
    if (r == NULL)
        cannot_judge("out of memory");
    r->plan = plan;
    r->excuse = excuse;
    return r;
}

void runs_drop(struct runs *r)
{
    for (size_t i = 0; i < r->count; i++) {
        free(r->runs[i].schedule);
        free(r->runs[i].reason);
        free(r->runs[i].seen);
    }
    free(r->runs);
    free(r);
}

size_t runs_count(const struct runs *r)
{
    return r->count;
}

const struct run *runs_at(const struct runs *r, size_t i)
{
    return &r->runs[i];
}

const char *run_status(const struct run *r)
{
    static const char *const names[] = {"running", "completed", "failed", "cancelled"};
    return r->status < 4 ? names[r->status] : "unknown";
}

void runs_ends(const struct runs *r, uint64_t *completed, uint64_t *cut)
{
    *completed = r->completed;
    *cut = r->cut;
}

/* Those that are going are among the last. */
static struct run *look_up(const struct runs *r, const unsigned char id[16])
{
    for (size_t i = r->count; i-- > 0;)
        if (memcmp(r->runs[i].id, id, sizeof r->runs[i].id) == 0)
            return &r->runs[i];
    return NULL;
}

bool runs_has(const struct runs *r, const unsigned char id[16])
{
    return look_up(r, id) != NULL;
}

static struct run *find(struct runs *r, const struct fact *f)
{
    struct run *run = look_up(r, f->run);
    if (run != NULL)
        return run;
    report_damage(FOREIGN, "event %llu is of a run that never started", (unsigned long long)f->seq);
    return NULL;
}

static struct run *find_going(struct runs *r, const struct fact *f)
{
    struct run *run = find(r, f);
    if (run == NULL || !run->ended)
        return run;
    report_damage(FOREIGN, "event %llu comes after the end of its run %s",
                  (unsigned long long)f->seq, run->name);
    return NULL;
}

static char *copy(const char *text)
{
    char *out = text != NULL ? strdup(text) : NULL;
    if (text != NULL && out == NULL)
        cannot_judge("out of memory");
    return out;
}

static void print_name(const unsigned char id[16], char out[37])
{
    char *at = out;
    for (int i = 0; i < 16; i++)
        at += sprintf(at, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", id[i]);
}

void runs_take_start(struct runs *r, const struct fact *f)
{
    if (r->count == r->room) {
        r->room = r->room > 0 ? r->room * 2 : 256;
        r->runs = reallocarray(r->runs, r->room, sizeof *r->runs);
        if (r->runs == NULL)
            cannot_judge("out of memory");
    }
    struct run *run = &r->runs[r->count++];
    *run = (struct run){.start_us = f->time_us,
                        .end_us = FACT_NO_TIME,
                        .slot_us = f->u.start.slot_us,
                        .schedule = copy(f->u.start.schedule),
                        .seen = calloc(SOURCE_WALLETS, 1)};
    if (run->seen == NULL)
        cannot_judge("out of memory");
    memcpy(run->id, f->run, sizeof run->id);
    print_name(run->id, run->name);
    source_start(&run->source, r->plan, run->name);
}

/* ---- the end of a run ---- */

static uint64_t recorded_between(struct runs *r, const struct run *run, uint64_t from, uint64_t to)
{
    uint64_t count = 0;
    for (uint64_t n = from; n < to; n++) {
        source_line(&run->source, n, &r->other);
        count += source_is_recorded(&r->other);
    }
    return count;
}

/* Whether the end of the host explains the end of the run, or what was done to it does. */
static bool is_cut(const struct runs *r, const struct run *run)
{
    const char *why = run->reason != NULL ? run->reason : "";
    return (run->status == FAILED && strncmp(why, "walltrackd ended without warning", 32) == 0) ||
           (run->status == FAILED && r->excuse != NULL && strstr(why, r->excuse) != NULL) ||
           (run->status == CANCELLED && strncmp(why, "walltrackd was stopped", 22) == 0);
}

void runs_take_end(struct runs *r, const struct fact *f)
{
    struct run *run = find_going(r, f);
    if (run == NULL)
        return;
    run->ended = true;
    run->end_us = f->time_us;
    run->status = f->u.end.status;
    run->reason = copy(f->u.end.reason);
    run->dropped = f->u.end.errors_dropped;
    free(run->seen);
    run->seen = NULL;
    if (is_cut(r, run)) {
        r->cut++;
    } else if (run->status == COMPLETED) {
        r->completed++;
        report_many(LOST, recorded_between(r, run, run->next, run->source.lines),
                    "run %s completed after line %llu of %llu", run->name,
                    (unsigned long long)run->next, (unsigned long long)run->source.lines);
    } else {
        report_damage(RUN_WRONG, "run %s is %s: %s", run->name, run_status(run),
                      run->reason != NULL ? run->reason : "(no reason)");
    }
}

/* ---- lines ---- */

static bool same_text(const char *found, const char *wanted)
{
    return found == NULL ? wanted[0] == '\0' : strcmp(found, wanted) == 0;
}

static bool same_number(double found, double wanted)
{
    return isnan(wanted) ? isnan(found) : found == wanted;
}

static bool same_profile(struct runs *r, const struct source_line *l, const char *found)
{
    if (!l->has_profile)
        return found == NULL;
    size_t size = source_profile(l, false, r->profile);
    return found != NULL && strlen(found) == size && memcmp(found, r->profile, size) == 0;
}

/* Whether the event is what the line says. */
static bool agree(struct runs *r, const struct fact *f, const struct source_line *l)
{
    switch (f->kind) {
    case FACT_WALLET:
        return l->kind == SOURCE_WALLET && same_text(f->u.wallet.address, l->address) &&
               same_text(f->u.wallet.token, l->token) && f->u.wallet.is_new == l->is_new &&
               f->u.wallet.score_e4 == l->score_e4 && same_profile(r, l, f->u.wallet.profile);
    case FACT_TOKEN:
        return l->kind == SOURCE_TOKEN && same_text(f->u.token.token, l->token) &&
               same_text(f->u.token.symbol, l->symbol) &&
               same_number(f->u.token.change_pct, l->change_pct) &&
               same_number(f->u.token.volume_usd, l->volume_usd);
    case FACT_ERROR:
        return l->kind == SOURCE_ERROR && f->u.error.line == 0 &&
               same_text(f->u.error.message, l->message) && same_text(f->u.error.token, l->token) &&
               same_text(f->u.error.code, l->code);
    default:
        return false;
    }
}

/* Moves to the next line that should have led to an event; false when there is none. */
static bool next_line(struct runs *r, struct run *run)
{
    for (; run->next < run->source.lines; run->next++) {
        source_line(&run->source, run->next, &r->line);
        if (source_is_recorded(&r->line))
            return true;
    }
    return false;
}

static bool is_line(struct runs *r, const struct run *run, const struct fact *f, uint64_t n)
{
    source_line(&run->source, n, &r->other);
    return agree(r, f, &r->other);
}

/* The event is not what the next line says: which line is it?  True when r->line is that of the
 * event; false when the event has no business there. */
static bool find_line(struct runs *r, struct run *run, const struct fact *f)
{
    uint64_t last = run->next + AHEAD < run->source.lines ? run->next + AHEAD : run->source.lines;
    for (uint64_t n = run->next; n < last; n++) {
        if (!is_line(r, run, f, n))
            continue;
        r->line = r->other;
        report_many(LOST, recorded_between(r, run, run->next, n),
                    "lines %llu..%llu of run %s are not in the journal",
                    (unsigned long long)run->next, (unsigned long long)n - 1, run->name);
        run->next = n;
        return true;
    }
    for (uint64_t n = run->next; n-- > 0 && n + BACK > run->next;)
        if (is_line(r, run, f, n)) {
            report_damage(DUPLICATED, "event %llu is line %llu of run %s again",
                          (unsigned long long)f->seq, (unsigned long long)n, run->name);
            return false;
        }
    report_damage(ALTERED, "event %llu is not line %llu of run %s", (unsigned long long)f->seq,
                  (unsigned long long)run->next, run->name);
    return run->next < run->source.lines;
}

/* Without a word from the engine, a wallet is new unless another run has it already. */
static bool note_wallet(struct runs *r, struct run *run, const struct source_line *l)
{
    struct wallet *w = &r->wallets[l->wallet];
    uint32_t me = (uint32_t)(run - r->runs) + 1;
    bool is_known = w->by_others || (w->first != 0 && w->first != me);
    bool is_new = l->is_new >= 0 ? l->is_new == 1 : !is_known;
    if (w->first == 0)
        w->first = me;
    w->by_others |= w->first != me;

    unsigned char had = run->seen[l->wallet];
    unsigned char has =
        had | SEEN | (is_new ? NEW : 0) | (l->score_e4 >= 0 || l->has_profile ? PROFILED : 0);
    run->seen[l->wallet] = has;
    run->fresh += (has & NEW) != 0 && (had & NEW) == 0;
    run->known += (has & NEW) == 0 && had == 0;
    run->known -= (had & SEEN) != 0 && (had & NEW) == 0 && (has & NEW) != 0;
    run->profiled += (has & PROFILED) != 0 && (had & PROFILED) == 0;
    return is_new;
}

const struct source_line *runs_take_line(struct runs *r, const struct fact *f, bool *is_new)
{
    struct run *run = find_going(r, f);
    if (run == NULL)
        return NULL;
    bool expected = next_line(r, run);
    if (!(expected && agree(r, f, &r->line)) && !find_line(r, run, f))
        return NULL;
    run->next++;
    *is_new = r->line.kind == SOURCE_WALLET && note_wallet(r, run, &r->line);
    run->tokens += r->line.kind == SOURCE_TOKEN;
    run->errors += r->line.kind == SOURCE_ERROR;
    return &r->line;
}
