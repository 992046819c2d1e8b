/* The host is killed, again and again, at moments that nobody chose. */
#include "trial.h"

#include "support/process.h"

enum { CALM_MS = 120, HURRIED_PERCENT = 15, STARTING_PERCENT = 10, STARTING_MS = 60 };

/* Killed before it has answered, or even before it is more than a process. */
static void kill_while_it_starts(struct trial *t)
{
    world_launch(t->w);
    process_pause_ms((long)chance_below(&t->chance, STARTING_MS));
    world_kill(t->w);
    trial_count(t);
}

static void kill_once(struct trial *t)
{
    trial_kill(t);
    if (chance_percent(&t->chance, STARTING_PERCENT))
        kill_while_it_starts(t);
    trial_mark(t);
    long end_ms = process_now_ms();
    (void)trial_start(t, NULL);
    if (chance_percent(&t->chance, HURRIED_PERCENT))
        trial_count(t);
    else
        (void)trial_await_recovery(t, end_ms);
    process_pause_ms((long)chance_below(&t->chance, CALM_MS));
}

void loop_kills(const struct fault_plan *plan, struct fault_rows *rows)
{
    struct trial t;
    struct fault_row *row = fault_row_new(rows, "host killed at random moments");
    struct postgres *pg = postgres_new(NULL);
    unsigned count = fault_count(plan, 25, 1000);
    trial_begin(&t, &(struct trial_spec){.name = row->name, .pg = pg}, row);
    while (row->count < count && row->stuck == 0)
        kill_once(&t);
    trial_end(&t);
    postgres_free(pg);
}
