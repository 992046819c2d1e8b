/* A build from the order to the cutover.
 *
 * Happy path: verify, probe, note it as the candidate, load, open it beside the one in the seat;
 * prepared, it takes the seat by itself (succession.h), and trial.c goes on.
 *
 * Failure modes: whatever fails here is the end of the order and of nothing else: the one in the
 * seat has not noticed.  Only a server that is away is waited for, as the one in the seat does. */
#include "plugin/plugin_internal.h"

#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "fault_point.h"
#include "log.h"

enum {
    RETRY_FIRST_MS = 100,
    RETRY_MOST_MS = 5000,
    PINNED_MOST = 64 /* builds that could not be unloaded; each holds its memory for good */
};

struct saving {
    struct plugin *plugin; /* NULL: nobody waits any more */
};

static void load(struct plugin *p);

/* ---- the end ---- */

void swaps_bury(struct plugin *p, struct swap *s)
{
    p->verdicts[s->verdict]++;
    choice_note_swap(p->choice, swap_json(s));
    plugin_save(p, NULL, NULL);
    swap_free(s);
}

/* Takes back all that was begun for the coming one. */
static void stop_steps(struct plugin *p)
{
    if (p->verification != NULL)
        verification_cancel(p->verification);
    probe_cancel(p->probe);
    if (p->saving != NULL)
        p->saving->plugin = NULL;
    p->verification = NULL;
    p->probe = NULL;
    p->saving = NULL;
    uv_timer_stop(&p->retry);
    g_free(p->stored);
    p->stored = NULL;
}

/* The coming one is the candidate since it was loaded. */
static void forget_candidate(struct plugin *p, const struct swap *s)
{
    if (s->state < SWAP_LOAD)
        return;
    p->choice->candidate = p->candidate_before;
    p->choice->tried = p->tried_before;
}

static void end(struct plugin *p, enum swap_verdict verdict, const char *reason)
{
    struct swap *s = p->coming;
    stop_steps(p);
    forget_candidate(p, s);
    p->coming = NULL;
    swap_end(s, verdict, reason);
    char *sentence = swap_sentence(s);
    log_line(verdict == VERDICT_REFUSED || verdict == VERDICT_ROLLED_BACK ? LOG_ERROR : LOG_INFO,
             p->name, "%s", sentence);
    g_free(sentence);
    swaps_bury(p, s);
    swaps_begin_next(p);
}

static void refuse(struct plugin *p, const char *reason)
{
    end(p, VERDICT_REFUSED, reason);
}

/* ---- verify ---- */

static bool is_in_force(const struct plugin *p, const struct swap *s)
{
    return strcmp(succession_build(p->succession)->sha256, s->sha256) == 0 &&
           strcmp(succession_config(p->succession), s->config) == 0;
}

static void end_in_force(struct plugin *p)
{
    char why[128];
    p->coming->generation = succession_generation(p->succession);
    swap_set(&p->coming->to, succession_build(p->succession)->label);
    g_snprintf(why, sizeof why, "already %s as generation %llu",
               succession_is_live(p->succession) ? "live" : "chosen, though not live yet,",
               (unsigned long long)p->coming->generation);
    end(p, VERDICT_LIVE, why);
}

/* Content that has passed once need not again: it is the same. */
static bool has_passed(const struct plugin *p, const char *sha256)
{
    for (size_t i = 0; i < p->n_probed; i++)
        if (strcmp(p->probed[i], sha256) == 0)
            return true;
    return false;
}

static void note_passed(struct plugin *p, const char *sha256)
{
    if (p->n_probed == PROBED_MAX) {
        g_free(p->probed[0]);
        memmove(&p->probed[0], &p->probed[1], (PROBED_MAX - 1) * sizeof p->probed[0]);
        p->n_probed--;
    }
    p->probed[p->n_probed++] = g_strdup(sha256);
}

/* The configured file is known from now on, however this ends: a start takes it again only when it
 * has changed. */
static void note_configured(struct plugin *p, const struct swap *s)
{
    struct chosen *c = &p->choice->configured;
    if (s->path == NULL) /* a roll back names no file */
        return;
    const char *slash = strrchr(s->path, '/');
    if (strcmp(slash != NULL ? slash + 1 : s->path, p->path) != 0)
        return;
    g_strlcpy(c->path, p->path, sizeof c->path);
    g_strlcpy(c->sha256, s->sha256, sizeof c->sha256);
}

static void probe(struct plugin *p);
static void note_candidate(struct plugin *p);

static void on_verified(void *arg, const struct stored_build *stored, const struct error *err)
{
    struct plugin *p = arg;
    struct swap *s = p->coming;
    p->verification = NULL;
    if (stored == NULL) {
        refuse(p, err->msg);
        return;
    }
    FAULT_POINT("swap-verified");
    g_strlcpy(s->sha256, stored->sha256, sizeof s->sha256);
    p->stored = g_strdup(stored->path);
    note_configured(p, s);
    if (is_in_force(p, s) && !s->force)
        end_in_force(p);
    else if (has_passed(p, s->sha256))
        note_candidate(p);
    else
        probe(p);
}

static void verify(struct plugin *p)
{
    struct swap *s = p->coming;
    struct build_order order = {
        .state_dir = p->state_dir,
        .plugin_dir = p->plugin_dir,
        .path = s->kind == SWAP_ROLLBACK ? NULL : s->path,
        .sha256 = s->wanted,
    };
    struct builds_kept kept = {.n = 0};
    p->kept(p->kept_arg, &kept);
    swap_move(s, SWAP_VERIFY);
    p->verification =
        verification_start(p->loop, &order, &kept, (uint64_t)p->verify_ms, on_verified, p);
    if (p->verification == NULL)
        refuse(p, "out of memory");
}

/* ---- probe ---- */

static void on_probed(void *arg, const struct probe_report *report, const struct error *err)
{
    struct plugin *p = arg;
    p->probe = NULL;
    if (report == NULL) {
        refuse(p, err->msg);
        return;
    }
    FAULT_POINT("swap-probed");
    note_passed(p, p->coming->sha256);
    note_candidate(p);
}

static void probe(struct plugin *p)
{
    struct swap *s = p->coming;
    struct error err;
    char label[64];
    g_snprintf(label, sizeof label, "%s (%.8s)", p->name, s->sha256);
    struct probe_spec spec = {
        .path = p->stored,
        .name = p->name,
        .config = s->config,
        .host_name = p->host_name,
        .build_label = label,
        .timeout_ms = (uint64_t)p->probe_ms,
    };
    swap_move(s, SWAP_PROBE);
    p->probe = probe_start(p->loop, &spec, on_probed, p, &err);
    if (p->probe == NULL)
        refuse(p, err.msg);
}

/* ---- load ---- */

static void on_noted(void *arg, int status, const struct error *err)
{
    struct saving *saving = arg;
    struct plugin *p = saving->plugin;
    free(saving);
    if (p == NULL)
        return;
    p->saving = NULL;
    FAULT_POINT("swap-noted");
    if (status == 0)
        load(p);
    else
        refuse(p, err->msg);
}

/* Before the first call into it: should the host not survive it, the next start knows whom to
 * blame. */
static void note_candidate(struct plugin *p)
{
    struct swap *s = p->coming;
    struct choice *c = p->choice;
    p->candidate_before = c->candidate;
    p->tried_before = c->tried;
    swap_move(s, SWAP_LOAD);
    if (chosen_is(&c->good, s->sha256)) {
        load(p);
        return;
    }
    c->candidate = (struct chosen){0};
    g_strlcpy(c->candidate.sha256, s->sha256, sizeof c->candidate.sha256);
    g_snprintf(c->candidate.label, sizeof c->candidate.label, "%s (%.8s)", p->name, s->sha256);
    g_strlcpy(c->candidate.path, s->path, sizeof c->candidate.path);
    c->tried = true;
    p->saving = calloc(1, sizeof *p->saving);
    if (p->saving != NULL)
        p->saving->plugin = p;
    if (p->saving == NULL || plugin_save(p, on_noted, p->saving) != 0) {
        free(p->saving);
        p->saving = NULL;
        refuse(p, "the choice of build cannot be noted in the journal");
    }
}

static void open_heir(struct plugin *p);

static void load(struct plugin *p)
{
    struct swap *s = p->coming;
    struct error err;
    char why[128];
    size_t pinned = build_counts().pinned;
    if (pinned >= PINNED_MOST) {
        g_snprintf(why, sizeof why, "%zu builds could not be unloaded: restart the host", pinned);
        refuse(p, why);
        return;
    }
    if (build_load_content(p->stored, s->sha256, &s->build, &err) != 0) {
        refuse(p, err.msg);
        return;
    }
    swap_set(&s->to, s->build->label);
    if (chosen_is(&p->choice->candidate, s->sha256))
        g_strlcpy(p->choice->candidate.label, s->to, sizeof p->choice->candidate.label);
    swap_move(s, SWAP_PREPARE);
    p->retry_ms = RETRY_FIRST_MS;
    FAULT_POINT("swap-loaded");
    open_heir(p);
}

/* ---- prepare ---- */

static void open_heir(struct plugin *p)
{
    struct succession_choice choice = {p->coming->build, p->coming->config};
    struct error err;
    if (succession_open_heir(p->succession, &choice, &err) != 0)
        refuse(p, err.msg);
}

static void on_retry(uv_timer_t *timer)
{
    struct plugin *p = timer->data;
    open_heir(p);
}

/* A server that is away is waited for as long as the one in the seat waits for it as well. */
static bool worth_waiting(const struct plugin *p, wt_status status)
{
    const struct swap *s = p->coming;
    uint64_t waited_ms = (uv_hrtime() - s->step_since_ns) / 1000000;
    return status == WT_E_AGAIN &&
           (!succession_is_live(p->succession) || waited_ms < (uint64_t)p->open_ms);
}

static void on_heir_failed(void *arg, wt_status status, const char *message)
{
    struct plugin *p = arg;
    if (p->coming == NULL)
        return;
    if (p->coming->state == SWAP_CUTOVER) {
        end(p, VERDICT_ROLLED_BACK, message);
    } else if (worth_waiting(p, status)) {
        swap_set(&p->coming->detail, message);
        uv_timer_start(&p->retry, on_retry, p->retry_ms, 0);
        p->retry_ms = MIN(p->retry_ms * 2, RETRY_MOST_MS);
    } else {
        refuse(p, message);
    }
}

/* ---- cutover ---- */

static void on_handing_over(void *arg)
{
    struct plugin *p = arg;
    struct swap *s = p->coming;
    swap_move(s, SWAP_CUTOVER);
    s->before = build_retain((struct build *)succession_build(p->succession));
    swap_set(&s->config_before, succession_config(p->succession));
    swap_set(&s->from, s->before->label);
}

static void on_claiming(void *arg)
{
    struct plugin *p = arg;
    struct swap *s = p->coming;
    p->coming = NULL;
    stop_steps(p);
    trial_begin(p, s);
}

static void on_live(void *arg, const struct succession_claim *claim)
{
    trial_on_live(arg, claim);
}

static void on_acked(void *arg, uint64_t seq)
{
    trial_on_acked(arg, seq);
}

static void on_failed(void *arg, enum succession_stage stage, wt_status status, const char *message)
{
    trial_on_failed(arg, stage, status, message);
}

static void on_leaked(void *arg, uint64_t generation)
{
    struct plugin *p = arg;
    log_line(LOG_ERROR, p->name, "generation %llu LEAKED: its code stays loaded",
             (unsigned long long)generation);
}

const struct succession_events plugin_events = {
    .handing_over = on_handing_over,
    .claiming = on_claiming,
    .live = on_live,
    .acked = on_acked,
    .heir_failed = on_heir_failed,
    .failed = on_failed,
    .leaked = on_leaked,
};

/* ---- orders ---- */

static void begin(struct plugin *p, struct swap *s)
{
    p->coming = s;
    swap_set(&s->from, succession_build(p->succession)->label);
    verify(p);
}

/* One at a time: the one before must have its verdict.  A start with a new build has nobody who
 * waits for it. */
static bool is_busy(const struct plugin *p)
{
    const struct swap *seated = p->seated;
    return p->coming != NULL ||
           (seated != NULL && seated->verdict == VERDICT_NONE && seated->kind != SWAP_START);
}

void swaps_begin_next(struct plugin *p)
{
    struct swap *s = p->queued;
    if (s == NULL || is_busy(p) || p->closed != NULL)
        return;
    p->queued = NULL;
    begin(p, s);
}

static void drop_queued(struct plugin *p, enum swap_verdict verdict, const char *reason)
{
    struct swap *s = p->queued;
    p->queued = NULL;
    swap_end(s, verdict, reason);
    swaps_bury(p, s);
}

static void enqueue(struct plugin *p, struct swap *s)
{
    char by[64];
    g_snprintf(by, sizeof by, "by swap %llu", (unsigned long long)s->id);
    if (p->queued != NULL)
        drop_queued(p, VERDICT_SUPERSEDED, by);
    if (!is_busy(p)) {
        begin(p, s);
        return;
    }
    p->queued = s;
    log_line(LOG_INFO, p->name, "swap %llu waits for the one under way", (unsigned long long)s->id);
}

static struct swap *new_order(struct plugin *p, enum swap_kind kind, const struct swap_order *order,
                              struct swap_listener *listener, struct error *err)
{
    struct swap *s = swap_new(*p->next_swap, kind, p->name);
    if (s == NULL) {
        error_set(err, ENOMEM, "out of memory");
        return NULL;
    }
    ++*p->next_swap;
    s->force = order->force;
    swap_set(&s->path, order->path);
    swap_set(&s->wanted, order->sha256);
    swap_set(&s->by, order->by);
    swap_set(&s->config, p->config);
    if (listener != NULL)
        swap_listen(s, listener);
    return s;
}

int plugin_swap(struct plugin *p, enum swap_kind kind, const struct swap_order *order,
                struct swap_listener *listener, uint64_t *id, struct error *err)
{
    struct swap *s = new_order(p, kind, order, listener, err);
    if (s == NULL)
        return -1;
    *id = s->id;
    enqueue(p, s);
    return 0;
}

int plugin_roll_back(struct plugin *p, const char *by, struct swap_listener *listener, uint64_t *id,
                     struct error *err)
{
    const struct chosen *to = &p->choice->before[0];
    if (to->sha256[0] == '\0')
        return error_set(err, ENOENT, "there is no build before %s to roll back to",
                         succession_build(p->succession)->label);
    struct swap_order order = {.path = to->path, .sha256 = to->sha256, .by = by};
    return plugin_swap(p, SWAP_ROLLBACK, &order, listener, id, err);
}

int plugin_cancel_swap(struct plugin *p, const char *by, uint64_t *id, struct error *err)
{
    char why[128];
    g_snprintf(why, sizeof why, "by %s", by != NULL ? by : "request");
    if (p->coming != NULL && p->coming->state < SWAP_CUTOVER) {
        *id = p->coming->id;
        succession_drop_heir(p->succession);
        end(p, VERDICT_CANCELLED, why);
        return 0;
    }
    if (p->queued != NULL) {
        *id = p->queued->id;
        drop_queued(p, VERDICT_CANCELLED, why);
        return 0;
    }
    return error_set(err, EALREADY,
                     p->coming != NULL || p->seated != NULL
                         ? "the old build has stopped already: roll back instead"
                         : "no swap is under way");
}

void swaps_close(struct plugin *p)
{
    if (p->queued != NULL)
        drop_queued(p, VERDICT_CANCELLED, "the host stops");
    if (p->coming == NULL)
        return;
    succession_drop_heir(p->succession);
    end(p, VERDICT_CANCELLED, "the host stops");
}

/* ---- looks ---- */

const struct swap *plugin_find_swap(const struct plugin *p, uint64_t id)
{
    const struct swap *const all[] = {p->queued, p->coming, p->seated};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i] != NULL && all[i]->id == id)
            return all[i];
    return NULL;
}
