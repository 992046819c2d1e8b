/* The host ends itself at a named place, at its first time there or at a later one. */
#include "trial.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "support/failure.h"
#include "support/process.h"

enum { REACHED_MS = 20000, TURN_MS = 3, PAUSE_MS = 30, ABORT_EVERY = 7 };

/* What has to be done for the host to come there. */
enum way {
    LOAD,
    PAUSED, /* … and it waits there a little: who was told too early has time to tell others */
    SWAP,
    STOP,
    NEW_SCHEMA
};

static const struct point {
    const char *name;
    unsigned most; /* at its first to its `most`th time */
    enum way way;
} points[] =
    {
        {"journal-run-start", 3, PAUSED},
        {"journal-begun", 20, LOAD},
        {"journal-written", 20, LOAD},
        {"journal-commit", 20, PAUSED},
        {"journal-committed", 20, LOAD},
        {"journal-durable", 20, LOAD},
        {"run-start-durable", 2, LOAD},
        {"run-engine-started", 2, LOAD},
        {"run-engine-ended", 2, LOAD},
        {"run-end-durable", 2, LOAD},
        {"runs-orphans-closed", 1, LOAD},
        {"slot-due", 1, LOAD},
        {"slot-fired", 1, LOAD},
        {"feed-block", 10, LOAD},
        {"claim-sent", 1, LOAD},
        {"claim-heard", 1, LOAD},
        {"ack-heard", 10, LOAD},
        {"recorder-claimed", 1, LOAD},
        {"recorder-send", 10, LOAD},
        {"recorder-copying", 30, LOAD},
        {"recorder-ends-sent", 2, LOAD},
        {"recorder-commit-sent", 2, LOAD},
        {"recorder-committed", 10, LOAD},
        {"recorder-acked", 10, LOAD},
        {"swap-verified", 1, SWAP},
        {"swap-probed", 1, SWAP},
        {"swap-noted", 1, SWAP},
        {"swap-loaded", 1, SWAP},
        {"swap-handing-over", 1, SWAP},
        {"swap-seat-taken", 1, SWAP},
        {"swap-live", 1, SWAP},
        {"swap-promoted", 1, SWAP},
        {"stop-draining", 1, STOP},
        {"recorder-claim-begun", 1, NEW_SCHEMA},
        {"recorder-migrated", 2, NEW_SCHEMA},
        {"recorder-row-made", 1, NEW_SCHEMA},
        {"recorder-claim-committed", 1, NEW_SCHEMA},
},
  forgetting[] = {
      {"journal-trim", 3, LOAD},
      {"journal-trimmed", 3, LOAD},
};

static unsigned builds;

/* A build that was never there before, which differs in nothing that matters. */
static void order_swap(struct trial *t)
{
    char tag[32];
    (void)snprintf(tag, sizeof tag, "build %u", ++builds);
    given_build(t->w, tag, "next.so");
    (void)client_ask(t->client, "PUT", "/api/plugins/recorder", "{\"path\": \"next.so\"}",
                     REACHED_MS);
}

static void drop_schema(struct trial *t)
{
    (void)postgres_query(t->spec.pg, "DROP SCHEMA walltrack CASCADE");
}

/* What is done to a host that does not record yet might not be done to it at all. */
static void await_recording(struct trial *t)
{
    struct cursor_mark now = {0, 0};
    long until = process_now_ms() + REACHED_MS;
    while (!trial_await_end(t, TURN_MS) && process_now_ms() < until)
        if (trial_look(t, &now) && now.token != t->mark.token && now.seq > t->mark.seq)
            return;
}

static bool await_point(struct trial *t, const struct point *p)
{
    if (p->way == SWAP || p->way == STOP)
        await_recording(t);
    if (p->way == SWAP)
        order_swap(t);
    else if (p->way == STOP)
        world_signal(t->w, SIGTERM);
    return trial_await_end(t, REACHED_MS);
}

/* Its row gets what this end of the host was like. */
static void count_at(struct trial *t, struct fault_row *row, long end_ms)
{
    struct fault_row *all = t->row;
    t->row = row;
    (void)trial_await_recovery(t, end_ms);
    t->row = all;
    all->stuck += row->stuck;
}

static void end_at(struct trial *t, const struct point *p, struct fault_row *row, unsigned i)
{
    char text[96];
    (void)snprintf(text, sizeof text, "%s:%u:%u%s", p->name, chance_below(&t->chance, p->most) + 1,
                   p->way == PAUSED ? PAUSE_MS : 0,
                   i % ABORT_EVERY == ABORT_EVERY - 1 ? "abort" : "kill");
    trial_kill(t);
    if (p->way == NEW_SCHEMA)
        drop_schema(t);
    trial_mark(t);
    if (trial_start(t, text) && !await_point(t, p)) {
        trial_blame(t, "the host did not come to %s", p->name);
        trial_kill(t);
    }
    if (p->way == NEW_SCHEMA)
        t->mark = (struct cursor_mark){0, 0};
    else
        trial_mark(t);
    long end_ms = process_now_ms();
    if (!trial_start(t, NULL))
        cannot_go_on("walltrackd does not start again after %s", p->name);
    count_at(t, row, end_ms);
}

static bool any_is_wanted(const struct point *list, size_t n)
{
    bool any = false;
    for (size_t i = 0; i < n; i++)
        any |= fault_is_wanted(list[i].name);
    return any;
}

static void end_at_each(struct fault_rows *rows, struct postgres *pg, unsigned times,
                        const char *name, const struct point *list, size_t n, bool gone)
{
    static const char usual[] = "{\"log\": {\"level\": \"info\"}}";
    static const char forgets[] = "{\"journal\": {\"retain_seconds\": 0, \"retain_bytes\": 0}}";
    struct trial t;
    if (!any_is_wanted(list, n))
        return;
    struct fault_row *row = fault_row_new(rows, name);
    const struct trial_spec spec = {
        .name = name, .pg = pg, .gone = gone, .config = gone ? forgets : usual};
    trial_begin(&t, &spec, row);
    for (size_t i = 0; i < n; i++) {
        if (!fault_is_wanted(list[i].name))
            continue;
        struct fault_row *part = fault_row_new(rows, list[i].name);
        part->is_part = true;
        for (unsigned k = 0; k < times && row->stuck + row->blamed == 0; k++)
            end_at(&t, &list[i], part, k);
        row->count += part->count;
    }
    trial_end(&t);
}

void loop_points(const struct fault_plan *plan, struct fault_rows *rows)
{
    unsigned times = fault_count(plan, 1, 20);
    struct postgres *pg = postgres_new(NULL);
    end_at_each(rows, pg, times, "host ends itself at", points, sizeof points / sizeof *points,
                false);
    end_at_each(rows, pg, times, "… whose journal forgets", forgetting,
                sizeof forgetting / sizeof *forgetting, true);
    postgres_free(pg);
}
