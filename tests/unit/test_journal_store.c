/* links: journal */
/* The journal's file, call by call: what is refused, what is removed when, what is damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "ids.h"
#include "journal/store.h"

enum { SECOND = 1000000, BODY = 1000 };

struct world {
    char dir[64], path[96];
    struct store *store;
    struct batch batch;
    uint64_t last;
};

static void given_store(struct world *w)
{
    struct error err;
    struct store_figures figures;
    if (store_open(w->path, &w->store, &err) != 0)
        fail_msg("%s", err.msg);
    store_figures(w->store, &figures);
    w->last = figures.head;
}

static int start(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    snprintf(w->dir, sizeof w->dir, "%s", "/tmp/walltrack-store.XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    snprintf(w->path, sizeof w->path, "%s/journal.db", w->dir);
    *state = w;
    return 0;
}

static int stop(void **state)
{
    struct world *w = *state;
    char path[128];
    store_close(w->store);
    batch_free(&w->batch);
    unlink(w->path);
    snprintf(path, sizeof path, "%s-wal", w->path);
    unlink(path);
    snprintf(path, sizeof path, "%s-shm", w->path);
    unlink(path);
    rmdir(w->dir);
    free(w);
    return 0;
}

/* Adds an event whose body has about a thousand bytes. */
static void add(struct world *w, uint64_t seq, int64_t time_us)
{
    static char symbol[BODY - 30];
    struct event e;
    memset(symbol, 's', sizeof symbol - 1);
    event_init(&e, WT_TOKEN, NULL);
    e.head.seq = seq;
    e.head.time_us = time_us;
    e.u.token.token = "token";
    e.u.token.symbol = symbol;
    assert_true(batch_add_event(&w->batch, &e, NULL, NULL));
}

/* Writes n more events, a second apart, the first at `seconds`. */
static void given_events(struct world *w, int n, int64_t seconds)
{
    struct error err;
    for (int i = 0; i < n; i++)
        add(w, ++w->last, (seconds + i) * SECOND);
    if (store_commit(w->store, &w->batch, &err) != 0)
        fail_msg("%s", err.msg);
    batch_clear(&w->batch);
}

static struct store_figures figures_of(struct world *w)
{
    struct store_figures figures;
    store_figures(w->store, &figures);
    return figures;
}

static struct trim_result when_trimmed(struct world *w, uint64_t upto, int64_t retain_seconds,
                                       int64_t retain_bytes, int64_t now_seconds)
{
    struct trim_rules rules = {upto, retain_seconds * SECOND, retain_bytes};
    struct trim_result result;
    struct error err;
    if (store_trim(w->store, &rules, now_seconds * SECOND, false, &result, &err) != 0)
        fail_msg("%s", err.msg);
    return result;
}

static void execute(struct world *w, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
    char *message = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_msg("%s: %s", sql, message);
    sqlite3_close(db);
}

static void then_refused(struct world *w, const char *words)
{
    struct store *s = NULL;
    struct error err;
    assert_int_equal(store_open(w->path, &s, &err), -1);
    assert_null(s);
    if (strstr(err.msg, words) == NULL)
        fail_msg("'%s' is not in: %s", words, err.msg);
}

/* ---- what goes ---- */

static void test_only_what_is_acknowledged_and_old_goes(void **state)
{
    struct world *w = *state;
    given_store(w);
    given_events(w, 10, 100);

    assert_int_equal(when_trimmed(w, 0, 0, 0, 1000).removed, 0);
    assert_int_equal(when_trimmed(w, 4, 1000, 1 << 30, 200).removed, 0); /* too young */
    struct trim_result r = when_trimmed(w, 8, 50, 1 << 30, 152);         /* up to second 102 */
    assert_int_equal(r.removed, 3);
    assert_int_equal(r.next_us, (103 + 50) * (int64_t)SECOND);
    assert_int_equal(figures_of(w).oldest, 4);
    assert_int_equal(figures_of(w).head, 10);
    r = when_trimmed(w, 8, 50, 1 << 30, 100000); /* all old, but 9 and 10 not acknowledged */
    assert_int_equal(r.removed, 5);
    assert_int_equal(r.next_us, WT_NO_TIME);
    assert_int_equal(figures_of(w).oldest, 9);
}

static void test_more_than_the_retained_bytes_goes_though_young(void **state)
{
    struct world *w = *state;
    given_store(w);
    given_events(w, 10, 100);
    uint64_t body = figures_of(w).bytes / 10;

    /* Of the eight acknowledged ones, three are kept. */
    assert_int_equal(when_trimmed(w, 8, 3600, (int64_t)(3 * body), 110).removed, 5);
    assert_int_equal(figures_of(w).oldest, 6);
    assert_int_equal(figures_of(w).bytes, 5 * body);
    assert_int_equal(when_trimmed(w, 8, 3600, (int64_t)(3 * body), 110).removed, 0);
    assert_int_equal(when_trimmed(w, 8, 3600, (int64_t)(3 * body) - 1, 110).removed, 1);
}

static void test_a_step_is_small(void **state)
{
    struct world *w = *state;
    given_store(w);
    given_events(w, 2 * TRIM_STEP_EVENTS + 7, 100);

    assert_int_equal(when_trimmed(w, UINT64_MAX, 0, 0, 100000).removed, TRIM_STEP_EVENTS);
    assert_int_equal(figures_of(w).oldest, TRIM_STEP_EVENTS + 1);
    assert_int_equal(when_trimmed(w, UINT64_MAX, 0, 0, 100000).removed, TRIM_STEP_EVENTS);
    assert_int_equal(when_trimmed(w, UINT64_MAX, 0, 0, 100000).removed, 7);
    assert_int_equal(figures_of(w).oldest, figures_of(w).head + 1);
    assert_int_equal(figures_of(w).bytes, 0);
}

static void test_numbers_go_on_when_everything_has_gone(void **state)
{
    struct world *w = *state;
    struct journal_block *block;
    struct store *reader;
    struct error err;
    given_store(w);
    given_events(w, 5, 100);
    when_trimmed(w, UINT64_MAX, 0, 0, 100000);
    store_close(w->store);
    given_store(w);
    assert_int_equal(figures_of(w).head, 5);
    assert_int_equal(figures_of(w).oldest, 6);
    given_events(w, 1, 200);

    assert_int_equal(store_open_reader(w->path, &reader, &err), 0);
    assert_int_equal(store_read(reader, 1, 6, &block, &err), 0);
    assert_int_equal(block->first, 6);
    assert_int_equal(block->count, 1);
    journal_block_free(block);
    store_close(reader);
    assert_int_equal(when_trimmed(w, 6, 100, 1 << 30, 299).removed, 0);
    assert_int_equal(when_trimmed(w, 6, 100, 1 << 30, 300).removed, 1);
}

static void test_a_lazy_step_waits_till_it_is_worth_it(void **state)
{
    struct world *w = *state;
    struct trim_rules rules = {UINT64_MAX, 10 * SECOND, 1 << 30};
    struct trim_result result;
    struct error err;
    given_store(w);
    given_events(w, 3, 100);

    assert_int_equal(store_trim(w->store, &rules, 111 * SECOND, true, &result, &err), 0);
    assert_int_equal(result.removed, 0);
    assert_int_equal(result.next_us, 110 * SECOND);
    assert_int_equal(store_trim(w->store, &rules, 112 * SECOND, true, &result, &err), 0);
    assert_int_equal(result.removed, 3);
}

static void test_space_goes_back_to_the_file_system(void **state)
{
    struct world *w = *state;
    struct error err;
    sqlite3 *db;
    given_store(w);
    for (int i = 0; i < 25; i++)
        given_events(w, 1000, 100);
    while (when_trimmed(w, UINT64_MAX, 0, 0, 1000000).removed > 0)
        ;
    int steps = 0, status;
    while ((status = store_shrink(w->store, &err)) == 1)
        steps++;

    assert_int_equal(status, 0);
    assert_true(steps > 0);
    assert_int_equal(sqlite3_open(w->path, &db), SQLITE_OK);
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA page_count", -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_true(sqlite3_column_int(stmt, 0) < 1100); /* of about 1,700 */
    sqlite3_finalize(stmt);
    sqlite3_close(db);
}

/* ---- what is written ---- */

static void test_a_batch_with_a_hole_is_refused_whole(void **state)
{
    struct world *w = *state;
    struct error err;
    given_store(w);
    add(w, 1, 0);
    add(w, 3, 0);

    assert_int_equal(store_commit(w->store, &w->batch, &err), -1);

    assert_non_null(strstr(err.msg, "event 3 after 1"));
    assert_int_equal(figures_of(w).head, 0);
    batch_clear(&w->batch);
    given_events(w, 2, 100); /* and it goes on */
    assert_int_equal(figures_of(w).head, 2);
}

/* ---- what is refused at open ---- */

static void test_files_of_others_are_refused_and_left_alone(void **state)
{
    struct world *w = *state;
    execute(w, "CREATE TABLE t (x); PRAGMA application_id = 99");
    then_refused(w, "a database, but not a journal");
    execute(w, "INSERT INTO t VALUES (1)");
    unlink(w->path);

    FILE *f = fopen(w->path, "we");
    assert_non_null(f);
    for (int i = 0; i < 2000; i++)
        fputs("this is no database\n", f);
    fclose(f);
    then_refused(w, "file is not a database");
}

static void test_a_newer_format_is_refused(void **state)
{
    struct world *w = *state;
    given_store(w);
    store_close(w->store);
    w->store = NULL;
    execute(w, "PRAGMA user_version = 2");
    then_refused(w, "written in format 2 by a newer version; this one reads 1");
}

static void test_a_journal_that_has_lost_events_is_refused(void **state)
{
    struct world *w = *state;
    given_store(w);
    given_events(w, 5, 100);
    store_close(w->store);
    w->store = NULL;
    execute(w, "DELETE FROM event WHERE seq = 5");
    then_refused(w, "the last event is 4 and should be 5");
}

/* ---- damage ---- */

static void test_a_damaged_event_ends_reading_and_is_named(void **state)
{
    struct world *w = *state;
    struct journal_block *block;
    struct store *reader;
    struct error err;
    given_store(w);
    given_events(w, 5, 100);
    execute(w, "UPDATE event SET body = x'00' WHERE seq = 3");

    assert_int_equal(store_open_reader(w->path, &reader, &err), 0);
    assert_int_equal(store_read(reader, 1, 5, &block, &err), 0);
    assert_int_equal(block->count, 2); /* those before it are still good */
    journal_block_free(block);
    assert_int_equal(store_read(reader, 3, 5, &block, &err), -1);
    assert_non_null(strstr(err.msg, "event 3 cannot be read: it is damaged"));
    execute(w, "DELETE FROM event WHERE seq = 2");
    assert_int_equal(store_read(reader, 1, 5, &block, &err), 0);
    assert_int_equal(block->count, 1); /* never over a hole */
    journal_block_free(block);
    store_close(reader);
}

static void test_opens_fast_with_a_large_backlog(void **state)
{
    struct world *w = *state;
    struct timespec begin, end;
    given_store(w);
    for (int i = 0; i < 40; i++)
        given_events(w, 5000, 100);
    store_close(w->store);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    given_store(w);
    clock_gettime(CLOCK_MONOTONIC, &end);

    assert_int_equal(figures_of(w).head, 200000);
    long ms = (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
    assert_in_range(ms, 0, 200);
}

#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(test_only_what_is_acknowledged_and_old_goes),
        IN_A_WORLD(test_more_than_the_retained_bytes_goes_though_young),
        IN_A_WORLD(test_a_step_is_small),
        IN_A_WORLD(test_numbers_go_on_when_everything_has_gone),
        IN_A_WORLD(test_a_lazy_step_waits_till_it_is_worth_it),
        IN_A_WORLD(test_space_goes_back_to_the_file_system),
        IN_A_WORLD(test_a_batch_with_a_hole_is_refused_whole),
        IN_A_WORLD(test_files_of_others_are_refused_and_left_alone),
        IN_A_WORLD(test_a_newer_format_is_refused),
        IN_A_WORLD(test_a_journal_that_has_lost_events_is_refused),
        IN_A_WORLD(test_a_damaged_event_ends_reading_and_is_named),
        IN_A_WORLD(test_opens_fast_with_a_large_backlog),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
