/* The database, or the host's state, is not what it was: an older dump, an older copy, another
 * host's.  Within what the journal keeps all comes back; beyond it the gap is noted exactly; what
 * does not belong together is refused, and nothing is touched. */
#include "trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "support/failure.h"
#include "support/process.h"
#include "support/scratch.h"

enum {
    LIVED_MS = 250,
    TRIM_MS = 10000,
    REFUSED_MS = 15000,
    SET_BACK = 200,
    RESTORES = 10,
    TURN_MS = 5
};

/* ---- dumps ---- */

static bool try_client(struct trial *t, const char *const argv[], const char *output)
{
    const struct process_options options = {.log = world_path(t->w, "restore.log"),
                                            .output = output};
    return process_run(argv, &options) == 0;
}

static void run_client(struct trial *t, const char *const argv[], const char *output)
{
    if (try_client(t, argv, output))
        return;
    scratch_print_tail(world_path(t->w, "restore.log"), 2000);
    cannot_go_on("%s failed", argv[0]);
}

static void dump(struct trial *t, const char *file)
{
    const char *const argv[] = {process_postgres_program("pg_dump"),
                                "--clean",
                                "--if-exists",
                                "--schema=walltrack",
                                "--dbname",
                                postgres_conninfo(t->spec.pg),
                                NULL};
    run_client(t, argv, file);
}

/* In one transaction: the recorder sees the one or the other.  It may be in the way: a deadlock. */
static void restore(struct trial *t, const char *file)
{
    const char *const argv[] = {process_postgres_program("psql"),
                                "--no-psqlrc",
                                "--quiet",
                                "--single-transaction",
                                "--set=ON_ERROR_STOP=1",
                                "--file",
                                file,
                                postgres_conninfo(t->spec.pg),
                                NULL};
    for (int i = 0; i < RESTORES; i++)
        if (try_client(t, argv, NULL))
            return;
    run_client(t, argv, NULL);
}

static void restore_within(struct trial *t)
{
    const char *file = world_path(t->w, "dump");
    dump(t, file);
    process_pause_ms((long)chance_below(&t->chance, LIVED_MS));
    trial_mark(t);
    restore(t, file);
    (void)trial_await_progress(t,
                               process_now_ms()); /* beyond the mark: all that was lost is back */
}

/* ---- beyond what the journal keeps ---- */

static unsigned long long oldest_event(struct trial *t)
{
    double oldest = client_metric(t->client, "walltrack_journal_oldest_event");
    return oldest > 0 ? (unsigned long long)oldest : 0;
}

static bool await_forgotten(struct trial *t, unsigned long long seq)
{
    long until = process_now_ms() + TRIM_MS;
    while (oldest_event(t) <= seq + 1) {
        if (process_now_ms() > until)
            return false;
        process_pause_ms(TURN_MS);
    }
    return true;
}

static void restore_beyond(struct trial *t)
{
    const char *file = world_path(t->w, "dump");
    dump(t, file);
    trial_mark(t);
    if (!await_forgotten(t, t->mark.seq)) {
        trial_blame(t, "the journal does not forget event %llu", t->mark.seq);
        return;
    }
    restore(t, file);
    (void)trial_await_progress(t, process_now_ms());
    if (strcmp(postgres_query(t->spec.pg, "SELECT count(*) FROM walltrack.recorder_gaps"), "0") ==
        0)
        trial_blame(t, "no gap was noted after fault %lu", t->row->count);
}

/* ---- refusals ---- */

static void then_refused(struct trial *t, const char *words)
{
    if (!trial_await_detail(t, words, REFUSED_MS))
        trial_blame(t, "not refused with '%s': %.90s", words, client_text(t->client));
}

/* ---- the cursor alone ---- */

/* The event before the last wallet that is `back` or more behind the cursor. */
static unsigned long long before_a_wallet(struct trial *t, unsigned back)
{
    enum { KIND_WALLET = 3, BUSY_MS = 5000 };
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_open_v2(world_path(t->w, "state/journal.db"), &db, SQLITE_OPEN_READONLY, NULL) !=
            SQLITE_OK ||
        sqlite3_busy_timeout(db, BUSY_MS) != SQLITE_OK ||
        sqlite3_prepare_v2(db, "SELECT max(seq) - 1 FROM event WHERE kind = ?1 AND seq <= ?2", -1,
                           &stmt, NULL) != SQLITE_OK)
        cannot_go_on("the journal: %s", sqlite3_errmsg(db));
    sqlite3_bind_int(stmt, 1, KIND_WALLET);
    sqlite3_bind_int64(stmt, 2, (sqlite3_int64)(t->mark.seq - back));
    if (sqlite3_step(stmt) != SQLITE_ROW)
        cannot_go_on("the journal: %s", sqlite3_errmsg(db));
    unsigned long long seq = (unsigned long long)sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return seq;
}

/* Its rows are there, so what comes again cannot be stored, and must not be. */
static void set_back(struct trial *t)
{
    char sql[160];
    struct postgres *pg = t->spec.pg;
    unsigned back = chance_below(&t->chance, SET_BACK) + 1;
    do
        trial_mark(t);
    while (t->mark.seq <= 2 * SET_BACK);
    (void)snprintf(sql, sizeof sql,
                   "CREATE TABLE before AS SELECT seq FROM walltrack.recorder_cursor FOR UPDATE;"
                   " UPDATE walltrack.recorder_cursor SET seq = %llu",
                   before_a_wallet(t, back));
    (void)postgres_query(pg, sql);
    then_refused(t, "duplicate key");
    if (strcmp(
            postgres_query(pg, "SELECT c.seq < b.seq FROM walltrack.recorder_cursor c, before b"),
            "t") != 0)
        trial_blame(t, "a cursor that was set back moved on over rows that are there");
    (void)postgres_query(
        pg, "UPDATE walltrack.recorder_cursor c SET seq = b.seq FROM before b; DROP TABLE before");
    trial_mark(t);
    (void)trial_await_progress(t, process_now_ms());
}

/* ---- the wrong state ---- */

static void copy_state(struct trial *t, const char *from, const char *to)
{
    const char *const drop[] = {"rm", "-rf", world_path(t->w, to), NULL};
    const char *const copy[] = {"cp", "-a", world_path(t->w, from), world_path(t->w, to), NULL};
    run_client(t, drop, NULL);
    run_client(t, copy, NULL);
}

static void move_state(struct trial *t, const char *from, const char *to)
{
    const char *const move[] = {"mv", world_path(t->w, from), world_path(t->w, to), NULL};
    run_client(t, move, NULL);
}

static void drop_state(struct trial *t, const char *name)
{
    const char *const drop[] = {"rm", "-rf", world_path(t->w, name), NULL};
    run_client(t, drop, NULL);
}

/* Starts the host with the state that lies there, which it has to refuse; and puts the right one
 * back. */
static void refuse_state(struct trial *t, const char *words)
{
    struct cursor_mark now = {0, 0};
    trial_mark(t);
    (void)trial_start(t, NULL);
    then_refused(t, words);
    if (trial_look(t, &now) && now.seq != t->mark.seq)
        trial_blame(t, "the cursor moved from %llu to %llu for the wrong journal", t->mark.seq,
                    now.seq);
    trial_kill(t);
    drop_state(t, "state");
    move_state(t, "aside", "state");
    long end_ms = process_now_ms();
    (void)trial_start(t, NULL);
    t->soak.load = true;
    (void)trial_await_recovery(t, end_ms);
}

static void hold_load(struct trial *t)
{
    t->soak.load = false;
    process_pause_ms(LIVED_MS);
}

/* A copy from before, while the original went on: it must not go on from there. */
static void start_older_copy(struct trial *t)
{
    struct cursor_mark before = {0, 0};
    trial_kill(t);
    copy_state(t, "state", "copy");
    (void)trial_start(t, NULL);
    (void)trial_look(t, &before);
    t->mark = before;
    (void)trial_await_recovery(t, process_now_ms());
    t->row->count--;
    process_pause_ms(LIVED_MS);
    hold_load(t);
    trial_kill(t);
    move_state(t, "state", "aside");
    move_state(t, "copy", "state");
    refuse_state(t, "older copy");
}

static void start_with_other_journal(struct trial *t)
{
    hold_load(t);
    trial_kill(t);
    move_state(t, "state", "aside");
    refuse_state(t, "another journal");
}

/* ---- the loop ---- */

static const struct regression {
    const char *name;
    void (*fault)(struct trial *);
    unsigned short_count, long_count;
    bool gone;
} regressions[] = {
    {"older dump, within what the journal keeps", restore_within, 2, 20, false},
    {"older dump, beyond what the journal keeps", restore_beyond, 2, 10, true},
    {"cursor set back over rows that are there", set_back, 2, 10, false},
    {"older copy of the host's state", start_older_copy, 1, 5, false},
    {"another host's journal", start_with_other_journal, 1, 5, false},
};

void loop_cursor(const struct fault_plan *plan, struct fault_rows *rows)
{
    static const char forgets[] = "{\"journal\": {\"retain_seconds\": 0, \"retain_bytes\": 0}}";
    struct postgres *pg = postgres_new(NULL);
    for (size_t i = 0; i < sizeof regressions / sizeof *regressions; i++) {
        const struct regression *r = &regressions[i];
        struct trial t;
        if (!fault_is_wanted(r->name))
            continue;
        struct fault_row *row = fault_row_new(rows, r->name);
        unsigned count = fault_count(plan, r->short_count, r->long_count);
        const struct trial_spec spec = {
            .name = r->name, .pg = pg, .gone = r->gone, .config = r->gone ? forgets : NULL};
        trial_begin(&t, &spec, row);
        while (row->count < count && row->stuck + row->blamed == 0)
            r->fault(&t);
        trial_end(&t);
    }
    postgres_free(pg);
}
