/* The connection between recorder and server is cut: inside COMMIT, and everywhere else. */
#include "trial.h"

#include "support/process.h"

enum { AWAIT_MS = 10000, CALM_MS = 40 };

/* Longer than it takes a successor to be there. */
#define LATE_MS (FAULTS_SANITIZED ? 2000 : 400)

static const struct cut {
    const char *name;
    enum cut_kind kind;
    unsigned short_count, long_count;
    unsigned most; /* the order's number is below that */
} in_commit[] =
    {
        {"cut before COMMIT arrives", CUT_COMMIT_UNSENT, 4, 250, 1},
        {"cut after COMMIT, before its answer", CUT_COMMIT_UNHEARD, 6, 400, 1},
        {"cut after COMMIT is answered", CUT_COMMIT_ANSWERED, 4, 150, 1},
        {"COMMIT delivered late, by a zombie", CUT_COMMIT_LATE, 4, 200, LATE_MS},
},
  elsewhere[] = {
      {"cut in what is sent, at any byte", CUT_BYTES_UP, 6, 250, 40000},
      {"cut in what is answered, at any byte", CUT_BYTES_DOWN, 5, 150, 3000},
      {"cut between two messages", CUT_MESSAGES, 5, 100, 40},
};

static void cut_once(struct trial *t, const struct cut *c)
{
    trial_mark(t); /* first: the cut may come at once */
    proxy_order(t->proxy, c->kind, chance_below(&t->chance, c->most) + 1);
    if (proxy_await(t->proxy, AWAIT_MS))
        (void)trial_await_recovery(t, process_now_ms());
    else
        trial_blame(t, "the recorder did not come to %s", c->name);
    process_pause_ms((long)chance_below(&t->chance, CALM_MS));
}

static void cut_all(struct fault_rows *rows, struct postgres *pg, const struct fault_plan *plan,
                    const struct cut *cuts, size_t n)
{
    struct trial t;
    for (size_t i = 0; i < n; i++) {
        const struct cut *c = &cuts[i];
        if (!fault_is_wanted(c->name))
            continue;
        struct fault_row *row = fault_row_new(rows, c->name);
        unsigned count = fault_count(plan, c->short_count, c->long_count);
        trial_begin(&t, &(struct trial_spec){.name = c->name, .pg = pg, .proxied = true}, row);
        while (row->count < count && row->stuck + row->blamed == 0)
            cut_once(&t, c);
        trial_end(&t);
    }
}

void loop_commits(const struct fault_plan *plan, struct fault_rows *rows)
{
    struct postgres *pg = postgres_new(NULL);
    cut_all(rows, pg, plan, in_commit, sizeof in_commit / sizeof *in_commit);
    postgres_free(pg);
}

/* ---- no cut, but no way through either ---- */

enum { SILENT_MS = 2500, SLOW_MS = 2000 };

static void go_silent(struct trial *t)
{
    proxy_silence(t->proxy, SILENT_MS);
    process_pause_ms(SILENT_MS);
}

static void go_slow(struct trial *t)
{
    proxy_trickle(t->proxy, SLOW_MS);
    process_pause_ms(SLOW_MS);
}

static void hinder(struct fault_rows *rows, struct postgres *pg, const char *name, unsigned count,
                   void (*fault)(struct trial *), bool (*recovered)(struct trial *, long))
{
    struct trial t;
    if (!fault_is_wanted(name))
        return;
    struct fault_row *row = fault_row_new(rows, name);
    const struct trial_spec spec = {.name = name,
                                    .pg = pg,
                                    .proxied = true,
                                    .plugin = ", \"commit_seconds\": 1, \"connect_seconds\": 1"};
    trial_begin(&t, &spec, row);
    while (row->count < count && row->stuck == 0) {
        trial_mark(&t);
        fault(&t);
        (void)recovered(&t, process_now_ms());
    }
    trial_end(&t);
}

void loop_cuts(const struct fault_plan *plan, struct fault_rows *rows)
{
    struct postgres *pg = postgres_new(NULL);
    cut_all(rows, pg, plan, elsewhere, sizeof elsewhere / sizeof *elsewhere);
    hinder(rows, pg, "nothing passes, nothing is closed", fault_count(plan, 1, 20), go_silent,
           trial_await_recovery);
    hinder(rows, pg, "a slow link", fault_count(plan, 1, 10), go_slow, trial_await_progress);
    postgres_free(pg);
}
