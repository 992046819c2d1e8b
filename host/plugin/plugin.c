/* Happy path: the notes about the last life are read, a build is chosen and loaded, the succession
 * begins with it.
 *
 * Failure modes: the configured file cannot be used: the good build is, and the log says so; with
 * no good build the start fails.  A stored build is damaged: the configured file is used. */
#include "plugin/plugin_internal.h"

#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

static char *setting_name(const struct plugin *p)
{
    return g_strdup_printf("plugin.%s", p->name);
}

int plugin_save(struct plugin *p, journal_done done, void *arg)
{
    p->choice->next_swap = *p->next_swap;
    char *text = choice_text(p->choice);
    char *name = setting_name(p);
    int status = text != NULL ? journal_put_setting(p->journal, name, text, done, arg) : -1;
    free(text);
    g_free(name);
    return status;
}

/* ---- the first build ---- */

/* What is known when the host starts. */
struct first {
    struct stored_build configured; /* path NULL: it cannot be used … */
    struct error why_not;           /* … because of this */
    struct build *build;            /* the choice */
    struct build *good;             /* to fall back to, when `build` has yet to prove itself */
    enum start_choice choice;
    const char *source; /* of `build` */
};

struct trial_run {
    struct error *err;
    int status;
};

static void on_probed(void *arg, const struct probe_report *report, const struct error *err)
{
    struct trial_run *t = arg;
    t->status = report != NULL ? 0 : -1;
    if (report == NULL)
        *t->err = *err;
}

/* The host has nothing else to do yet: the probe has a loop of its own. */
static int probe_now(const struct plugin *p, const struct stored_build *stored, struct error *err)
{
    struct trial_run t = {.err = err, .status = -1};
    struct probe_spec spec = {
        .path = stored->path,
        .name = p->name,
        .config = p->config,
        .host_name = p->host_name,
        .build_label = p->name,
        .timeout_ms = (uint64_t)p->probe_ms,
    };
    uv_loop_t loop;
    if (uv_loop_init(&loop) != 0)
        return error_set(err, ENOMEM, "cannot make an event loop");
    if (probe_start(&loop, &spec, on_probed, &t, err) != NULL)
        uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return t.status;
}

static struct build *load_stored(const struct plugin *p, const struct chosen *c)
{
    struct stored_build stored;
    struct build *b = NULL;
    struct error err;
    if (c->sha256[0] == '\0')
        return NULL;
    if (build_store_find(p->state_dir, c->sha256, &stored, &err) == 0) {
        if (build_load_content(stored.path, c->sha256, &b, &err) != 0)
            b = NULL;
        g_free(stored.path);
    }
    if (b == NULL)
        log_line(LOG_ERROR, p->name, "%s cannot be used: %s", c->label, err.msg);
    return b;
}

static struct build *load_configured(const struct plugin *p, struct first *f)
{
    struct build *b = NULL;
    struct error fault;
    if (f->configured.path == NULL)
        return NULL;
    /* What is wrong with its configuration is not the build's fault, and shows when it is opened.
     */
    if (probe_now(p, &f->configured, &fault) != 0 && fault.code != EINVAL) {
        f->why_not = fault;
        return NULL;
    }
    if (build_load_content(f->configured.path, f->configured.sha256, &b, &f->why_not) != 0)
        return NULL;
    return b;
}

/* The build that the notes of the last life speak for; NULL when it cannot be had. */
static struct build *load_choice(const struct plugin *p, struct first *f)
{
    const struct choice *c = p->choice;
    switch (f->choice) {
    case START_CONFIGURED:
        f->source = p->path;
        if (!chosen_is(&c->good, f->configured.sha256))
            return load_configured(p, f);
        f->choice = START_GOOD; /* it is known, only the name is new */
        return load_stored(p, &c->good);
    case START_CANDIDATE:
        f->source = c->candidate.path;
        return load_stored(p, &c->candidate);
    case START_GOOD:
    case START_FALL_BACK:
        f->source = c->good.path;
        return load_stored(p, &c->good);
    case START_NONE:
        break;
    }
    return NULL;
}

/* For want of the chosen one: the good build, or else the configured file. */
static void load_substitute(const struct plugin *p, struct first *f)
{
    f->choice = START_GOOD;
    f->source = p->choice->good.path;
    f->build = load_stored(p, &p->choice->good);
    if (f->build != NULL)
        return;
    f->choice = START_CONFIGURED;
    f->source = p->path;
    f->build = load_configured(p, f);
}

static int choose(const struct plugin *p, struct first *f, struct error *err)
{
    f->choice = choice_at_start(p->choice, p->path,
                                f->configured.path != NULL ? f->configured.sha256 : NULL);
    f->build = load_choice(p, f);
    if (f->build == NULL)
        load_substitute(p, f);
    if (f->build == NULL) {
        *err = f->why_not;
        return error_wrap(err, "plugin %s: %s/%s", p->name, p->plugin_dir, p->path);
    }
    if (f->choice == START_CONFIGURED || f->choice == START_CANDIDATE)
        f->good = load_stored(p, &p->choice->good);
    return 0;
}

/* ---- what the last life left ---- */

static struct swap *new_start(struct plugin *p, const char *from, const struct build *to)
{
    struct swap *s = swap_new((*p->next_swap)++, SWAP_START, p->name);
    if (s == NULL)
        return NULL;
    swap_set(&s->from, from);
    swap_set(&s->to, to->label);
    swap_set(&s->config, p->config);
    g_strlcpy(s->sha256, to->sha256, sizeof s->sha256);
    return s;
}

/* The host died while a build was on trial. */
static void note_fall_back(struct plugin *p, const struct first *f)
{
    struct choice *c = p->choice;
    struct swap *s = new_start(p, c->candidate.label, f->build);
    char why[300];
    g_snprintf(why, sizeof why, "the host ended while %s was on trial: going on with %s",
               c->candidate.label, f->build->label);
    log_line(LOG_ERROR, p->name, "%s", why);
    chosen_set(&c->candidate, NULL, NULL);
    c->tried = false;
    if (s == NULL)
        return;
    swap_end(s, VERDICT_LIVE, why);
    swaps_bury(p, s);
}

/* The configured file cannot be used, and the good build is in its place. */
static void note_refusal(struct plugin *p, const struct first *f)
{
    struct swap *s = new_start(p, f->build->label, f->build);
    log_line(LOG_ERROR, p->name, "%s cannot be used, going on with %s: %s", p->path,
             f->build->label, f->why_not.msg);
    if (s == NULL)
        return;
    swap_set(&s->path, p->path);
    swap_set(&s->to, NULL);
    s->sha256[0] = '\0';
    swap_end(s, VERDICT_REFUSED, f->why_not.msg);
    swaps_bury(p, s);
}

/* A build that has yet to prove itself is on trial from its first call on. */
static void begin_trial(struct plugin *p, struct first *f)
{
    struct swap *s = new_start(p, f->good != NULL ? f->good->label : NULL, f->build);
    chosen_set(&p->choice->candidate, f->build, f->source);
    p->choice->tried = true;
    if (s == NULL)
        return;
    swap_set(&s->path, f->source);
    swap_set(&s->config_before, p->config);
    s->build = build_retain(f->build);
    s->before = f->good != NULL ? build_retain(f->good) : NULL;
    swap_set(&p->source, p->choice->good.path);
    trial_begin(p, s);
}

static void note_configured(struct plugin *p, const struct stored_build *stored)
{
    struct chosen *c = &p->choice->configured;
    if (stored->path == NULL)
        return;
    *c = (struct chosen){0};
    g_strlcpy(c->sha256, stored->sha256, sizeof c->sha256);
    g_strlcpy(c->path, p->path, sizeof c->path);
}

/* ---- beginning ---- */

static struct succession_limits limits_of(const struct config_plugin *c)
{
    return (struct succession_limits){
        .open_ms = c->open_seconds * 1000,
        .claim_ms = c->claim_seconds * 1000,
        .drain_ms = c->drain_ms,
        .ack_ms = c->ack_seconds * 1000,
    };
}

static void take_times(struct plugin *p, const struct config_plugin *c)
{
    p->verify_ms = c->verify_seconds * 1000;
    p->probe_ms = c->probe_seconds * 1000;
    p->open_ms = c->open_seconds * 1000;
    p->probation_ms = c->probation_seconds * 1000;
}

static void free_plugin(struct plugin *p)
{
    for (size_t i = 0; i < p->n_probed; i++)
        g_free(p->probed[i]);
    choice_free(p->choice);
    g_free(p->name);
    g_free(p->host_name);
    g_free(p->state_dir);
    g_free(p->plugin_dir);
    g_free(p->source);
    g_free(p->path);
    g_free(p->config);
    g_free(p->stored);
    free(p);
}

static struct plugin *new_record(uv_loop_t *loop, struct journal *j, const struct plugin_spec *spec)
{
    struct plugin *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    *p = (struct plugin){
        .loop = loop,
        .journal = j,
        .name = g_strdup(spec->config->name),
        .host_name = g_strdup(spec->host_name),
        .state_dir = g_strdup(spec->state_dir),
        .plugin_dir = g_strdup(spec->plugin_dir),
        .path = g_strdup(spec->config->path),
        .config = g_strdup(spec->config->config),
        .next_swap = spec->next_swap,
        .kept = spec->kept,
        .kept_arg = spec->arg,
    };
    take_times(p, spec->config);
    char *name = setting_name(p);
    p->choice = choice_read(journal_setting(j, name));
    g_free(name);
    if (p->choice == NULL) {
        free_plugin(p);
        return NULL;
    }
    *p->next_swap = MAX(*p->next_swap, p->choice->next_swap);
    return p;
}

/* ---- end ---- */

static void on_timer_closed(uv_handle_t *handle)
{
    struct plugin *p = handle->data;
    if (--p->handles > 0)
        return;
    void (*closed)(void *) = p->closed;
    void *arg = p->closed_arg;
    free_plugin(p);
    closed(arg);
}

static void on_succession_closed(void *arg)
{
    struct plugin *p = arg;
    uv_close((uv_handle_t *)&p->retry, on_timer_closed);
    uv_close((uv_handle_t *)&p->probation, on_timer_closed);
}

void plugin_close(struct plugin *p, void (*closed)(void *arg), void *arg)
{
    p->closed = closed;
    p->closed_arg = arg;
    swaps_close(p);
    trial_close(p);
    plugin_save(p, NULL, NULL);
    if (!p->starting) /* else when the first choice is noted */
        succession_close(p->succession, on_succession_closed, p);
}

/* ---- start ---- */

static void on_noted(void *arg, int status, const struct error *err)
{
    struct plugin *p = arg;
    if (status != 0)
        log_line(LOG_ERROR, p->name, "the choice of build cannot be noted: %s", err->msg);
    p->starting = false;
    if (p->closed != NULL)
        succession_close(p->succession, on_succession_closed, p);
    else
        succession_start(p->succession);
}

static void start(struct plugin *p, struct first *f, struct resolver *resolver,
                  const struct config_plugin *config)
{
    struct succession_spec spec = {
        .name = p->name,
        .host_name = p->host_name,
        .choice = {f->build, p->config},
        .limits = limits_of(config),
    };
    p->succession = succession_new(p->loop, p->journal, resolver, &spec, &plugin_events, p);
    if (p->succession == NULL)
        abort(); /* at the start, before anything could be lost */
    uv_timer_init(p->loop, &p->retry);
    uv_timer_init(p->loop, &p->probation);
    p->retry.data = p->probation.data = p;
    p->handles = 2;
    note_configured(p, &f->configured);
    if (f->choice == START_FALL_BACK)
        note_fall_back(p, f);
    if (f->why_not.code != 0)
        note_refusal(p, f);
    if (f->choice == START_CONFIGURED || f->choice == START_CANDIDATE)
        begin_trial(p, f);
    else
        swap_set(&p->source, f->source);
    p->starting = true;
    if (plugin_save(p, on_noted, p) != 0)
        on_noted(p, -1, &(struct error){EIO, "the journal takes nothing"});
}

int plugin_new(uv_loop_t *loop, struct journal *j, struct resolver *resolver,
               const struct plugin_spec *spec, struct plugin **out, struct error *err)
{
    struct first f = {0};
    struct plugin *p = new_record(loop, j, spec);
    if (p == NULL)
        return error_set(err, ENOMEM, "out of memory");
    struct build_order order = {
        .state_dir = p->state_dir, .plugin_dir = p->plugin_dir, .path = p->path};
    if (build_store_take(&order, &f.configured, &f.why_not) != 0)
        f.configured.path = NULL;
    int status = choose(p, &f, err);
    if (status == 0) {
        start(p, &f, resolver, spec->config);
        *out = p;
    } else {
        free_plugin(p);
    }
    build_release(f.build);
    build_release(f.good);
    g_free(f.configured.path);
    return status;
}

/* ---- while it lives ---- */

void plugin_configure(struct plugin *p, const struct config_plugin *config)
{
    struct succession_limits limits = limits_of(config);
    struct error err;
    uint64_t id;
    bool changed = strcmp(p->path, config->path) != 0 || strcmp(p->config, config->config) != 0;
    take_times(p, config);
    succession_set_limits(p->succession, &limits);
    if (!changed)
        return;
    swap_set(&p->path, config->path);
    swap_set(&p->config, config->config);
    struct swap_order order = {.path = p->path, .by = "configuration"};
    if (plugin_swap(p, SWAP_RELOAD, &order, NULL, &id, &err) != 0)
        log_line(LOG_ERROR, p->name, "%s", err.msg);
}

const char *plugin_name(const struct plugin *p)
{
    return p->name;
}

struct questions *plugin_questions(struct plugin *p)
{
    return succession_questions(p->succession);
}

void plugin_kept(const struct plugin *p, struct builds_kept *out)
{
    const struct choice *c = p->choice;
    builds_keep(out, c->good.sha256);
    builds_keep(out, c->candidate.sha256);
    builds_keep(out, c->configured.sha256);
    builds_keep(out, succession_build(p->succession)->sha256);
    if (p->coming != NULL)
        builds_keep(out, p->coming->sha256);
    for (size_t i = 0; i < CHOICE_BEFORE_MAX; i++)
        builds_keep(out, c->before[i].sha256);
}
