/* The disk is full, below the journal and below the server, and has room again. */
#include "trial.h"

#include <stdio.h>
#include <sys/stat.h>

#include "small_disk.h"
#include "support/failure.h"
#include "support/process.h"

enum {
    JOURNAL_MIB = 512,
    TABLES_MIB = 512,
    NOTICE_MS = 15000,
    FULL_MS = 120,
    CALM_MS = 40,
    TURN_MS = 2,
    RATE = 1000,
    KILLED_PERCENT = 10
};

/* ---- the journal's ---- */

static void mount_state(struct trial *t, void *arg)
{
    (void)arg;
    small_disk_mount(world_path(t->w, "state"), JOURNAL_MIB);
}

static void unmount_state(struct trial *t)
{
    small_disk_unmount(world_path(t->w, "state"));
}

static bool await_full(struct trial *t)
{
    long until = process_now_ms() + NOTICE_MS;
    while (process_now_ms() < until) {
        int status = client_ask(t->client, "GET", "/health", NULL, 5000);
        const json_t *journal = json_object_get(client_json(t->client), "journal");
        if (status != 0 && json_is_true(json_object_get(journal, "full")))
            return true;
        process_pause_ms(TURN_MS);
    }
    return false;
}

/* While nothing can be written, nothing is promised either. */
static void see_that_runs_are_refused(struct trial *t)
{
    if (client_ask(t->client, "POST", "/api/discovery/run", "{}", 5000) == 200)
        trial_blame(t, "a run was started on a full disk");
}

static void fill_journal(struct trial *t)
{
    const char *state = world_path(t->w, "state");
    small_disk_fill(state);
    if (!await_full(t)) {
        small_disk_free(state);
        trial_blame(t, "the host does not notice that its disk is full: %.90s",
                    client_text(t->client));
        return;
    }
    see_that_runs_are_refused(t);
    process_pause_ms((long)chance_below(&t->chance, FULL_MS));
    bool is_killed = chance_percent(&t->chance, KILLED_PERCENT);
    if (is_killed)
        trial_kill(t);
    trial_mark(t);
    small_disk_free(state);
    long end_ms = process_now_ms();
    if (is_killed)
        (void)trial_start(t, NULL);
    (void)trial_await_progress(t, end_ms);
}

/* ---- the server's ---- */

/* What is made in that database from now on is made there. */
static void mount_tables(struct trial *t, void *arg)
{
    char sql[256];
    struct postgres *pg = t->spec.pg;
    const char *path = world_path(t->w, "tables");
    (void)arg;
    small_disk_mount(path, TABLES_MIB);
    process_give_to_postgres(path);
    (void)snprintf(sql, sizeof sql, "CREATE TABLESPACE small LOCATION '%s'", path);
    (void)postgres_query(pg, sql);
    (void)postgres_query(pg, "DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || "
                             "' SET default_tablespace = small'; END $$");
}

static void unmount_tables(struct trial *t)
{
    (void)postgres_fresh_database(t->spec.pg);
    (void)postgres_query(t->spec.pg, "DROP TABLESPACE small");
    small_disk_unmount(world_path(t->w, "tables"));
}

static void fill_tables(struct trial *t)
{
    const char *tables = world_path(t->w, "tables");
    small_disk_fill(tables);
    if (!trial_await_detail(t, "No space left", NOTICE_MS))
        trial_blame(t, "the recorder does not report a full disk: %.90s", client_text(t->client));
    process_pause_ms((long)chance_below(&t->chance, FULL_MS));
    trial_mark(t);
    small_disk_free(tables);
    (void)trial_await_progress(t, process_now_ms());
    process_pause_ms((long)chance_below(&t->chance, CALM_MS));
}

/* ---- the loop ---- */

static const struct full_disk {
    const char *name;
    void (*mount)(struct trial *, void *);
    void (*fault)(struct trial *);
    void (*unmount)(struct trial *);
    unsigned short_count, long_count;
} disks[] = {
    {"journal's disk full", mount_state, fill_journal, unmount_state, 6, 200},
    {"server's disk full", mount_tables, fill_tables, unmount_tables, 4, 100},
};

void loop_disk(const struct fault_plan *plan, struct fault_rows *rows)
{
    if (!small_disk_possible()) {
        struct fault_row *row = fault_row_new(rows, "full disks: none can be mounted here");
        row->judged = true;
        row->lost = row->doubled = 0;
        return;
    }
    struct postgres *pg = postgres_new(NULL);
    for (size_t i = 0; i < sizeof disks / sizeof *disks; i++) {
        const struct full_disk *d = &disks[i];
        struct trial t;
        if (!fault_is_wanted(d->name))
            continue;
        struct fault_row *row = fault_row_new(rows, d->name);
        unsigned count = fault_count(plan, d->short_count, d->long_count);
        const struct trial_spec spec = {.name = d->name,
                                        .pg = pg,
                                        .rate = RATE,
                                        .before_start = d->mount,
                                        .after_end = d->unmount};
        trial_begin(&t, &spec, row);
        while (row->count < count && row->stuck + row->blamed == 0)
            d->fault(&t);
        trial_end(&t);
    }
    postgres_free(pg);
}
