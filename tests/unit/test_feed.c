/* The feed: every event, in order, and again what was refused. */
/* links: plugin_host journal PkgConfig::sqlite3 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "log.h"
#include "plugin/feed.h"

enum { MANY = 30000 };

struct story {
    uv_loop_t loop;
    char directory[64];
    struct journal *journal;
    struct feed *feed;
    uint64_t expected;     /* the event that has to come next  */
    uint64_t refuse_every; /* 0: never; else each such event once */
    uint64_t refused;      /* the last one that was            */
    uint64_t stop_after;   /* stops turning the loop then      */
    unsigned refusals;
    bool may_fail;
    char why[128]; /* it has */
    uv_timer_t resume;
};

static void on_resume(uv_timer_t *timer)
{
    struct story *s = timer->data;
    feed_resume(s->feed);
}

static bool on_offer(void *arg, const struct event *e)
{
    struct story *s = arg;
    if (e->head.seq != s->expected)
        fail_msg("event %llu instead of %llu", (unsigned long long)e->head.seq,
                 (unsigned long long)s->expected);
    if (s->refuse_every != 0 && e->head.seq % s->refuse_every == 0 && s->refused != e->head.seq) {
        s->refused = e->head.seq;
        s->refusals++;
        uv_timer_start(&s->resume, on_resume, 0, 0);
        return false;
    }
    s->expected++;
    if (e->head.seq == s->stop_after)
        uv_stop(&s->loop);
    return true;
}

static void on_failed(void *arg, const char *why)
{
    struct story *s = arg;
    if (!s->may_fail)
        fail_msg("%s", why);
    snprintf(s->why, sizeof s->why, "%s", why);
    uv_stop(&s->loop);
}

static int start(void **state)
{
    static const struct journal_limits limits = {3600, 1 << 30, 1 << 30};
    struct story *s = calloc(1, sizeof *s);
    struct feed_receiver receiver = {on_offer, on_failed, s};
    struct error err;
    snprintf(s->directory, sizeof s->directory, "/tmp/walltrack-test-XXXXXX");
    assert_non_null(mkdtemp(s->directory));
    uv_loop_init(&s->loop);
    uv_timer_init(&s->loop, &s->resume);
    s->resume.data = s;
    if (journal_open(&s->loop, s->directory, &limits, &s->journal, &err) != 0)
        fail_msg("%s", err.msg);
    s->feed = feed_new(&s->loop, s->journal, &receiver);
    s->expected = 1;
    *state = s;
    return 0;
}

static void on_journal_closed(void *arg)
{
    struct story *s = arg;
    uv_close((uv_handle_t *)&s->resume, NULL);
}

static void on_feed_closed(void *arg)
{
    struct story *s = arg;
    journal_close(s->journal, on_journal_closed, s);
}

static int end(void **state)
{
    struct story *s = *state;
    char command[128];
    feed_close(s->feed, on_feed_closed, s);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&s->loop), 0);
    snprintf(command, sizeof command, "rm -rf %s", s->directory);
    assert_int_equal(system(command), 0);
    free(s);
    return 0;
}

static void append(struct story *s, unsigned n)
{
    while (n-- > 0) {
        struct event e;
        wt_uuid run = {{1}};
        event_init(&e, WT_WALLET, &run);
        e.u.wallet.address = "wallet";
        e.u.wallet.source_token = "token";
        assert_int_not_equal(journal_append(s->journal, &e, NULL, NULL), 0);
    }
}

static void run_until(struct story *s, uint64_t seq)
{
    s->stop_after = seq;
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_true(s->expected > seq); /* a turn that has begun goes on to its end */
}

static void test_many_events_come_in_order(void **state)
{
    struct story *s = *state;
    append(s, MANY);
    feed_start(s->feed, 1);
    run_until(s, MANY);
}

static void test_what_was_refused_comes_again_first(void **state)
{
    struct story *s = *state;
    s->refuse_every = 7;
    append(s, MANY);
    feed_start(s->feed, 1);
    run_until(s, MANY);
    assert_int_equal(s->refusals, MANY / 7);
}

static void test_events_appended_later_come_too(void **state)
{
    struct story *s = *state;
    feed_start(s->feed, 1);
    for (uint64_t last = 1; last <= 200; last++) {
        append(s, 1);
        run_until(s, last);
    }
}

static void test_it_starts_again_from_anywhere(void **state)
{
    struct story *s = *state;
    append(s, MANY);
    feed_start(s->feed, 1);
    run_until(s, 1000);
    /* With blocks in memory and a read under way: back, and forward. */
    s->expected = 500;
    feed_start(s->feed, 500);
    run_until(s, 5000);
    s->expected = MANY;
    feed_stop(s->feed);
    feed_start(s->feed, MANY);
    run_until(s, MANY);
}

/* As when a step of trimming ends late. */
static void remove_events(const struct story *s, const char *which)
{
    char path[128], sql[128];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/journal.db", s->directory);
    snprintf(sql, sizeof sql, "DELETE FROM event WHERE %s", which);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void test_nothing_is_left_out_in_silence(void **state)
{
    struct story *s = *state;
    append(s, 10);
    feed_start(s->feed, 1);
    run_until(s, 10);
    feed_stop(s->feed);
    remove_events(s, "seq <= 4");
    s->may_fail = true;
    s->expected = 3;
    feed_start(s->feed, 3);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_string_equal(s->why, "events 3 to 4 are no longer in the journal");

    s->expected = 5;
    feed_start(s->feed, 5);
    run_until(s, 10);
}

int main(void)
{
    log_setup(LOG_ERROR, LOG_TEXT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_many_events_come_in_order, start, end),
        cmocka_unit_test_setup_teardown(test_what_was_refused_comes_again_first, start, end),
        cmocka_unit_test_setup_teardown(test_events_appended_later_come_too, start, end),
        cmocka_unit_test_setup_teardown(test_it_starts_again_from_anywhere, start, end),
        cmocka_unit_test_setup_teardown(test_nothing_is_left_out_in_silence, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
