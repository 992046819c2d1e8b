/* The judge itself: a recorded run is in order, and each kind of damage done to it is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "support/failure.h"
#include "support/postgres.h"
#include "support/process.h"
#include "support/scratch.h"
#include "support/world.h"

#define WALLETS "walltrack.discovery_run_wallets"
#define SEED "7"
#define LINES "3000"

/* So many that some of them are long. */
enum { RUNS = 8 };

static const char *config(const char *rate)
{
    static char text[512];
    (void)snprintf(text, sizeof text,
                   "{\"max_concurrent_runs\": %d, \"engine\": {\"command\": [\"%s\", \"--seed\", "
                   "\"" SEED "\", \"--lines\", \"" LINES
                   "\", \"--undecided\", \"50\", \"--rate\", \"%s\"]}}",
                   RUNS, SOAK_ENGINE, rate);
    return text;
}

/* Runs that were recorded one beside the other. */
static int setup(void **state)
{
    struct postgres *pg = *state;
    const char *runs[RUNS];
    postgres_fresh_database(pg);
    const struct world_options options = {.pg = pg, .config = config("0")};
    struct world *w = world_new(&options);
    world_start(w);
    await_plugin(w, "recorder", "live");
    for (int i = 0; i < RUNS; i++)
        runs[i] = when_run(w, NULL);
    for (int i = 0; i < RUNS; i++)
        await_run(w, runs[i], "completed");
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    return world_teardown(state);
}

/* What the judge prints on both outputs, and its status. */
static const char *judge_with(struct world *w, const char *more, const char *value, int *status)
{
    const char *out = world_path(w, "judge.out");
    const char *const argv[] = {SOAK_JUDGE,
                                "--journal",
                                world_path(w, "state/journal.db"),
                                "--database",
                                postgres_conninfo(world_postgres(w)),
                                "--seed",
                                SEED,
                                "--lines",
                                LINES,
                                "--undecided",
                                "50",
                                more,
                                value,
                                NULL};
    const struct process_options options = {.log = out};
    (void)remove(out);
    *status = process_run(argv, &options);
    static char *text;
    free(text);
    text = scratch_read(out);
    return text != NULL ? text : "";
}

static const char *judge(struct world *w, const char *more, int *status)
{
    return judge_with(w, more, NULL, status);
}

#define then_judged(w, status, words) then_judged_at((w), (status), (words), __LINE__)
static void then_judged_at(struct world *w, int expected, const char *words, int line)
{
    int status = -1;
    const char *text = judge(w, NULL, &status);
    if (status != expected || strstr(text, words) == NULL)
        world_fail(w, __FILE__, line, "expected status %d and '%s', got %d:\n%s", expected, words,
                   status, text);
}

/* Does it, sees it named, and takes it back; all but `words` must be in order. */
#define when_damaged(w, how, words) when_damaged_at((w), (how), (words), __LINE__)
static void when_damaged_at(struct world *w, const char *how, const char *words, int line)
{
    struct postgres *pg = world_postgres(w);
    (void)postgres_query(pg, "CREATE TABLE kept AS SELECT * FROM " WALLETS);
    (void)postgres_query(pg, how);
    then_judged_at(w, 1, words, line);
    (void)postgres_query(pg, "TRUNCATE " WALLETS "; INSERT INTO " WALLETS
                             " SELECT * FROM kept; DROP TABLE kept");
}

#define IN_ORDER                                                                                   \
    "lost=0 duplicated=0 reordered=0 altered=0 foreign=0 runs_wrong=0 quarantined=0 gaps=0 lag=0"

/* The id of the nth wallet. */
#define NTH(n) "(SELECT id FROM " WALLETS " ORDER BY id OFFSET " #n " LIMIT 1)"

static void test_what_is_in_order_is_found_so(void **state)
{
    struct world *w = *state;
    then_judged(w, 0, IN_ORDER);
    world_stop(w);
    then_judged(w, 0, IN_ORDER);
}

static void test_damaged_rows_are_named(void **state)
{
    struct world *w = *state;
    when_damaged(w, "DELETE FROM " WALLETS " WHERE id = " NTH(100),
                 "lost=1 duplicated=0 reordered=0 ");
    when_damaged(w,
                 "INSERT INTO " WALLETS " SELECT gen_random_uuid(), run_id, wallet_address, "
                 "source_token, is_new, initial_score, created_at, profile FROM " WALLETS
                 " WHERE id = " NTH(200),
                 "lost=0 duplicated=1 reordered=0 altered=0 foreign=0 ");
    when_damaged(w,
                 "UPDATE " WALLETS " SET initial_score = (coalesce(initial_score, 0.5) + 0.25) / 2 "
                 "WHERE id = " NTH(300),
                 "lost=0 duplicated=0 reordered=0 altered=1 foreign=0 ");
    when_damaged(w, "UPDATE " WALLETS " SET is_new = NOT is_new WHERE id = " NTH(400),
                 "altered=1 ");
    when_damaged(w, "UPDATE " WALLETS " SET created_at = created_at + '1 us' WHERE id = " NTH(500),
                 "reordered=0 altered=1 ");
    when_damaged(w,
                 "UPDATE " WALLETS " SET profile = profile || '{\"n\": -1}' WHERE id = (SELECT id "
                 "FROM " WALLETS " WHERE profile IS NOT NULL LIMIT 1)",
                 "reordered=0 altered=1 ");
    when_damaged(w,
                 "INSERT INTO " WALLETS " SELECT gen_random_uuid(), run_id, 'W', "
                 "source_token, is_new, initial_score, created_at, profile FROM " WALLETS
                 " WHERE id = " NTH(600),
                 "lost=0 duplicated=0 reordered=0 altered=0 foreign=1 ");
    then_judged(w, 0, IN_ORDER);
}

static void test_rows_that_changed_places_are_named(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    (void)postgres_query(pg, "ALTER TABLE " WALLETS " DROP CONSTRAINT discovery_run_wallets_pkey");
    when_damaged(
        w,
        "UPDATE " WALLETS " w SET id = CASE WHEN w.id = a.id THEN b.id ELSE a.id END FROM "
        "(SELECT " NTH(700) " AS id) a, (SELECT " NTH(1700) " AS id) b WHERE w.id IN (a.id, b.id)",
        "lost=0 duplicated=0 reordered=2 altered=0 foreign=0 ");
    when_damaged(w, "INSERT INTO " WALLETS " SELECT * FROM " WALLETS " WHERE id = " NTH(800),
                 "lost=0 duplicated=1 reordered=0 altered=0 foreign=0 ");
}

static void test_damaged_runs_are_named(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
#define ONE "WHERE id = (SELECT id FROM walltrack.discovery_runs ORDER BY id LIMIT 1)"
    (void)postgres_query(pg,
                         "UPDATE walltrack.discovery_runs SET new_wallets = new_wallets + 1 " ONE);
    then_judged(w, 1, "lost=0 duplicated=0 reordered=0 altered=0 foreign=0 runs_wrong=1 ");
    (void)postgres_query(pg, "UPDATE walltrack.discovery_runs SET new_wallets = new_wallets - 1, "
                             "status = 'running' " ONE);
    then_judged(w, 1, "altered=0 foreign=0 runs_wrong=1 ");
    (void)postgres_query(pg, "UPDATE walltrack.discovery_runs SET status = 'completed' " ONE);
    (void)postgres_query(pg, "UPDATE walltrack.recorder_cursor SET seq = seq - 3");
    then_judged(w, 1, "lag=3");
    (void)postgres_query(pg, "UPDATE walltrack.recorder_cursor SET seq = seq + 3");
    (void)postgres_query(pg, "INSERT INTO walltrack.recorder_gaps (stream, first, last) VALUES "
                             "('default', 1, 2)");
    then_judged(w, 1, "quarantined=0 gaps=1 lag=0");
}

static void given_journal(struct world *w, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(world_path(w, "state/journal.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void test_what_the_journal_lost_is_named(void **state)
{
    struct world *w = *state;
    int status = -1;
    world_stop(w);
    given_journal(w, "DELETE FROM event WHERE kind = 3 AND seq % 1000 = 500");
    const char *text = judge(w, NULL, &status);
    assert_int_equal(status, 1);
    assert_null(strstr(text, " lost=0"));
    assert_non_null(strstr(text, "are not in the journal"));
}

static void test_a_run_that_lacks_its_end_is_named(void **state)
{
    struct world *w = *state;
    int status = -1;
    world_stop(w);
    given_journal(w, "DELETE FROM event WHERE kind IN (2, 3, 4) AND "
                     "seq > (SELECT max(seq) - 10 FROM event WHERE kind = 3)");
    const char *text = judge(w, NULL, &status);
    assert_int_equal(status, 1);
    assert_null(strstr(text, " lost=0"));
    assert_non_null(strstr(text, "completed after line"));
}

static void test_a_run_that_a_client_was_told_of_is_looked_for(void **state)
{
    struct world *w = *state;
    int status = -1;
    FILE *f = fopen(world_path(w, "answers"), "we");
    assert_non_null(f);
    (void)fprintf(
        f, "%s\n%s\n",
        postgres_query(world_postgres(w), "SELECT id FROM walltrack.discovery_runs LIMIT 1"),
        "0199c2a4-0000-7000-8000-000000000000");
    (void)fclose(f);
    const char *text = judge_with(w, "--acknowledged", world_path(w, "answers"), &status);
    assert_int_equal(status, 1);
    assert_non_null(strstr(text, "run 0199c2a4-0000-7000-8000-000000000000, of whose start"));
    assert_non_null(strstr(text, "lost=1 duplicated=0 "));
}

static void test_a_due_time_with_two_slots_is_named(void **state)
{
    struct world *w = *state;
    (void)postgres_query(
        world_postgres(w),
        "INSERT INTO walltrack.discovery_slots (id, schedule, due, outcome) SELECT "
        "gen_random_uuid(), 'often', '2026-01-01', 'paused' FROM "
        "generate_series(1, 2)");
    then_judged(w, 1, "lost=0 duplicated=1 reordered=0 altered=0 foreign=2 ");
}

static void test_a_mark_ahead_of_the_cursor_is_named(void **state)
{
    struct world *w = *state;
    world_stop(w);
    given_journal(w, "UPDATE consumer SET mark = mark + 1");
    then_judged(w, 1, "lost=1 duplicated=0 ");
}

static void test_what_the_journal_has_forgotten_is_counted(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    int status = -1;
    world_stop(w);
    given_journal(w, "DELETE FROM event WHERE seq <= 5000");
    (void)judge(w, "--gone", &status);
    assert_int_equal(status, 0);
    (void)postgres_query(pg, "DELETE FROM " WALLETS " WHERE id = " NTH(100));
    const char *text = judge(w, "--gone", &status);
    assert_int_equal(status, 1);
    assert_non_null(strstr(text, "lost=1 duplicated=0 "));
    (void)postgres_query(pg, "INSERT INTO walltrack.recorder_gaps (stream, first, last) VALUES "
                             "('default', 200, 201)");
    text = judge(w, "--gone", &status);
    assert_int_equal(status, 1);
    assert_non_null(strstr(text, "lost=0 duplicated=1 "));
}

static bool is_recording(struct world *w, void *arg)
{
    (void)arg;
    return strcmp(postgres_query(world_postgres(w), "SELECT count(*) > 500 FROM " WALLETS " JOIN "
                                                    "walltrack.discovery_runs r ON r.id = run_id "
                                                    "WHERE r.status = 'running'"),
                  "t") == 0;
}

static void test_a_host_is_judged_while_it_runs(void **state)
{
    struct world *w = *state;
    given_config(w, config("500"));
    world_restart(w);
    await_plugin(w, "recorder", "live");
    for (int i = 0; i < RUNS; i++)
        (void)when_run(w, NULL);
    await(w, "wallets of runs that go on", is_recording, NULL);
    int status = -1;
    const char *text = judge(w, "--running", &status);
    if (status != 0)
        world_fail(w, __FILE__, __LINE__, "%s", text);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(test_what_is_in_order_is_found_so),
        STORY(test_damaged_rows_are_named),
        STORY(test_rows_that_changed_places_are_named),
        STORY(test_damaged_runs_are_named),
        STORY(test_what_the_journal_lost_is_named),
        STORY(test_a_run_that_lacks_its_end_is_named),
        STORY(test_a_run_that_a_client_was_told_of_is_looked_for),
        STORY(test_a_due_time_with_two_slots_is_named),
        STORY(test_a_mark_ahead_of_the_cursor_is_named),
        STORY(test_what_the_journal_has_forgotten_is_counted),
        STORY(test_a_host_is_judged_while_it_runs),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
