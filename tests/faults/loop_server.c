/* The server is stopped at once (a crash), in an orderly way, or only the recorder's backend is. */
#include "trial.h"

#include "support/process.h"

enum { CALM_MS = 150 };

static void stop_at_once(struct trial *t)
{
    postgres_stop(t->spec.pg, POSTGRES_IMMEDIATE);
    postgres_start(t->spec.pg);
}

static void stop_in_order(struct trial *t)
{
    postgres_stop(t->spec.pg, POSTGRES_FAST);
    postgres_start(t->spec.pg);
}

static void end_backend(struct trial *t)
{
    (void)postgres_try(t->spec.pg,
                       "SELECT pg_terminate_backend(backend_pid) FROM walltrack.recorder_cursor");
}

/* A commit whose wait is cut short is reported with a warning, and one statement with an error. */
static void cancel_backend(struct trial *t)
{
    for (int i = 0; i < 20; i++)
        (void)postgres_try(t->spec.pg,
                           "SELECT pg_cancel_backend(backend_pid) FROM walltrack.recorder_cursor");
}

static void one_trial(struct fault_rows *rows, const char *name, struct postgres *pg,
                      unsigned count, void (*fault)(struct trial *),
                      bool (*recovered)(struct trial *, long))
{
    struct trial t;
    if (!fault_is_wanted(name))
        return;
    struct fault_row *row = fault_row_new(rows, name);
    trial_begin(&t, &(struct trial_spec){.name = row->name, .pg = pg}, row);
    while (row->count < count && row->stuck == 0) {
        trial_mark(&t);
        fault(&t);
        (void)recovered(&t, process_now_ms());
        process_pause_ms((long)chance_below(&t.chance, CALM_MS));
    }
    trial_end(&t);
}

void loop_server(const struct fault_plan *plan, struct fault_rows *rows)
{
    struct postgres *pg = postgres_new(NULL);
    one_trial(rows, "server stopped at once", pg, fault_count(plan, 8, 200), stop_at_once,
              trial_await_recovery);
    one_trial(rows, "server stopped in order", pg, fault_count(plan, 2, 20), stop_in_order,
              trial_await_recovery);
    one_trial(rows, "backend terminated", pg, fault_count(plan, 8, 100), end_backend,
              trial_await_recovery);
    one_trial(rows, "backend's statements cancelled", pg, fault_count(plan, 4, 50), cancel_backend,
              trial_await_progress);
    postgres_free(pg);
}
