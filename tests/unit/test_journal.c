/* links: journal */
/* The journal as its owners see it: numbers, callbacks, reading, room, what is remembered. */
#include "journal_world.h"

#include <fcntl.h>
#include <sys/stat.h>

static void on_done_in_order(void *arg, int status, const struct error *err)
{
    uint64_t *next = arg;
    assert_int_equal(status, 0);
    assert_null(err);
    (*next)++;
}

static void test_numbers_follow_each_other_across_restarts(void **state)
{
    struct world *w = *state;
    wt_uuid run = id_make();

    given_journal(w);
    assert_int_equal(append_start(w, &run), 1);
    assert_int_equal(append_wallet(w, &run, 10), 2);
    assert_int_equal(w->done, 0); /* never inside the call */
    when_reopened(w);

    assert_int_equal(w->done, 2);
    assert_int_equal(stats_of(w).head, 2);
    assert_int_equal(append_wallet(w, &run, 10), 3);
}

struct ordered {
    uint64_t *next, mine;
};

static void on_ordered(void *arg, int status, const struct error *err)
{
    struct ordered *o = arg;
    (void)err;
    assert_int_equal(status, 0);
    assert_int_equal(*o->next, o->mine);
    (*o->next)++;
}

static void test_callbacks_run_in_the_order_of_the_appends(void **state)
{
    struct world *w = *state;
    static struct ordered expected[300];
    uint64_t next = 0;

    given_journal(w);
    for (uint64_t i = 0; i < 300; i++) {
        expected[i] = (struct ordered){&next, i};
        struct event e;
        event_init(&e, WT_TOKEN, NULL);
        e.u.token.token = "token";
        if (i % 3 == 0)
            assert_int_equal(
                journal_put_setting(w->journal, "name", "value", on_ordered, &expected[i]), 0);
        else
            assert_true(journal_append(w->journal, &e, on_ordered, &expected[i]) > 0);
        if (i % 50 == 0)
            uv_run(&w->loop, UV_RUN_NOWAIT);
    }
    when_closed(w);

    assert_int_equal(next, 300);
}

static void test_reads_back_the_same_across_blocks(void **state)
{
    struct world *w = *state;
    enum { N = 3000 };
    wt_uuid run = id_make();
    uint64_t next = 1;

    given_journal(w);
    for (size_t i = 1; i <= N; i++)
        assert_int_equal(append_wallet(w, &run, i % 997), i);
    when_durable(w);

    int blocks = 0;
    while (next <= N) {
        struct answer a = when_read(w, next);
        assert_non_null(a.block);
        assert_int_equal(a.block->first, next);
        for (size_t i = 0; i < a.block->count; i++, next++) {
            const struct event *e = &a.block->events[i];
            assert_int_equal(e->head.seq, next);
            assert_int_equal(e->head.kind, WT_WALLET);
            assert_true(id_equal(&e->head.run_id, &run));
            assert_int_equal(e->u.wallet.profile_size, next % 997);
            assert_int_equal(strlen(e->u.wallet.profile), next % 997);
            assert_int_equal(e->u.wallet.score_e4, next % 997);
        }
        journal_block_free(a.block);
        blocks++;
    }
    assert_true(blocks > 2);
    struct answer end = when_read(w, next);
    assert_null(end.block);
    assert_false(end.failed);
}

static void test_only_durable_events_are_read(void **state)
{
    struct world *w = *state;
    wt_uuid run = id_make();

    given_journal(w);
    append_wallet(w, &run, 10);
    struct answer a = {0};
    struct journal_reader *r = journal_reader_new(w->journal);
    journal_reader_read(r, 1, on_world_block, &a);
    assert_false(a.here);
    when_closed(w); /* a read that is outstanding still ends */

    assert_true(a.here);
    assert_null(a.block);
    assert_false(a.failed);
    journal_reader_free(r);
}

static void test_the_largest_events_are_read_back(void **state)
{
    struct world *w = *state;
    wt_uuid run = id_make();

    given_journal(w);
    for (int i = 0; i < 20; i++)
        assert_true(append_wallet(w, &run, 65000) > 0);
    when_durable(w);
    struct answer a = when_read(w, 20);

    assert_int_equal(a.block->count, 1);
    assert_int_equal(a.block->events[0].u.wallet.profile_size, 65000);
    journal_block_free(a.block);
}

static void test_an_event_that_lacks_a_field_is_refused_and_takes_no_number(void **state)
{
    struct world *w = *state;
    struct event e;

    given_journal(w);
    event_init(&e, WT_WALLET, NULL);
    assert_int_equal(journal_append(w->journal, &e, on_world_done, w), 0);
    wt_uuid run = id_make();
    assert_int_equal(append_wallet(w, &run, 1), 1);
    when_closed(w);

    assert_int_equal(w->done, 1);
    assert_int_equal(w->failed, 0);
}

/* ---- room ---- */

static void on_room(void *arg)
{
    (*(int *)arg)++;
}

static bool has_room(struct world *w)
{
    return journal_has_room(w->journal);
}

static void test_says_when_too_much_is_pending_and_when_there_is_room_again(void **state)
{
    struct world *w = *state;
    wt_uuid run = id_make();
    int rooms = 0;
    struct journal_waiter waiter = {.room = on_room, .arg = &rooms};

    given_journal(w);
    assert_true(journal_has_room(w->journal));
    int n = 0;
    while (journal_has_room(w->journal) && n < 1000) {
        append_wallet(w, &run, 60000);
        n++;
    }
    assert_in_range(n, 60, 80); /* 4 MiB */
    journal_wait_for_room(w->journal, &waiter);
    journal_wait_for_room(w->journal, &waiter);  /* harmless twice */
    assert_true(append_wallet(w, &run, 10) > 0); /* still taken */
    assert_int_equal(rooms, 0);
    await(w, has_room, "room");
    when_durable(w);
    uv_run(&w->loop, UV_RUN_NOWAIT);

    assert_int_equal(rooms, 1);
    assert_false(waiter.waiting);
}

static bool rooms_is_one(struct world *w)
{
    return w->expected_done == 1;
}

static void on_room_count(void *arg)
{
    ((struct world *)arg)->expected_done++;
}

static void test_who_waits_though_there_is_room_is_called_too(void **state)
{
    struct world *w = *state;
    int rooms = 0;
    struct journal_waiter gone = {.room = on_room, .arg = &rooms};
    struct journal_waiter waiter = {.room = on_room_count, .arg = w};

    given_journal(w);
    journal_wait_for_room(w->journal, &gone);
    journal_wait_for_room(w->journal, &waiter);
    journal_stop_waiting(w->journal, &gone);
    await(w, rooms_is_one, "the waiter");

    assert_int_equal(rooms, 0);
}

static bool is_not_full(struct world *w)
{
    return !journal_is_full(w->journal);
}

static void test_is_full_at_its_cap_until_what_is_acknowledged_is_removed(void **state)
{
    struct world *w = *state;
    wt_uuid run = id_make();

    w->limits = (struct journal_limits){0, 0, 400000};
    given_journal(w);
    journal_consumer(w->journal, "recorder");
    while (!journal_is_full(w->journal))
        append_wallet(w, &run, 10000);
    assert_false(journal_has_room(w->journal));
    when_durable(w);
    assert_true(journal_is_full(w->journal)); /* nothing is acknowledged: nothing goes */
    uint64_t head = stats_of(w).head;
    assert_int_equal(stats_of(w).oldest, 1);
    assert_in_range(head, 39, 41);

    journal_ack(w->journal, "recorder", head - 1);
    await(w, is_not_full, "old events to go");

    assert_true(journal_has_room(w->journal));
    struct answer a = when_read(w, 1);
    assert_int_equal(a.block->first, head);
    journal_block_free(a.block);
}

static bool is_trimmed(struct world *w)
{
    return stats_of(w).trimmed > 0;
}

static void test_nothing_is_removed_while_held(void **state)
{
    struct world *w = *state;
    wt_uuid run = id_make();

    w->limits = (struct journal_limits){0, 0, 1 << 30};
    given_journal(w);
    journal_hold(w->journal);
    journal_consumer(w->journal, "recorder");
    for (int i = 0; i < 5; i++)
        append_wallet(w, &run, 10);
    when_durable(w);
    journal_ack(w->journal, "recorder", 5);
    journal_set_limits(w->journal, &w->limits); /* asks for a trim */
    append_wallet(w, &run, 10);
    when_durable(w);
    assert_int_equal(stats_of(w).oldest, 1);

    journal_release(w->journal);
    await(w, is_trimmed, "old events to go");

    assert_int_equal(stats_of(w).oldest, 6);
    assert_int_equal(stats_of(w).head, 6);
}

static void test_marks_of_consumers_survive_a_restart(void **state)
{
    struct world *w = *state;
    wt_uuid run = id_make();

    given_journal(w);
    assert_int_equal(journal_consumer(w->journal, "recorder"), 0);
    assert_int_equal(journal_consumer(w->journal, "other"), 0);
    for (int i = 0; i < 10; i++)
        append_wallet(w, &run, 10);
    when_durable(w);
    journal_ack(w->journal, "recorder", 7);
    when_reopened(w);

    assert_int_equal(journal_consumer(w->journal, "recorder"), 7);
    assert_int_equal(journal_consumer(w->journal, "other"), 0);
}

/* ---- listeners ---- */

struct ear {
    struct journal_listener listener;
    struct world *w;
    uint64_t heard;
    int times;
    bool leaves;
};

static void on_moved(void *arg, uint64_t head)
{
    struct ear *ear = arg;
    assert_true(head > ear->heard);
    ear->heard = head;
    ear->times++;
    if (ear->leaves)
        journal_unlisten(ear->w->journal, &ear->listener);
}

static void test_listeners_hear_of_every_move_and_may_leave_meanwhile(void **state)
{
    struct world *w = *state;
    wt_uuid run = id_make();
    struct ear ears[3] = {0};

    given_journal(w);
    for (int i = 0; i < 3; i++) {
        ears[i] = (struct ear){{.moved = on_moved, .arg = &ears[i]}, w, 0, 0, i == 1};
        journal_listen(w->journal, &ears[i].listener);
    }
    append_wallet(w, &run, 10);
    when_durable(w);
    append_wallet(w, &run, 10);
    when_durable(w);

    assert_int_equal(ears[0].heard, 2);
    assert_int_equal(ears[1].times, 1);
    assert_int_equal(ears[2].heard, 2);
    journal_unlisten(w->journal, &ears[0].listener);
    journal_unlisten(w->journal, &ears[2].listener);
}

/* ---- what is remembered ---- */

static void test_remembers_runs_without_an_end(void **state)
{
    struct world *w = *state;
    wt_uuid a = id_make(), b = id_make(), c = id_make();
    const struct journal_open_run *runs;

    given_journal(w);
    append_start(w, &a);
    append_start(w, &b);
    append_start(w, &c);
    append_end(w, &b);
    when_reopened(w);

    assert_int_equal(journal_open_runs(w->journal, &runs), 2);
    assert_true(id_equal(&runs[0].run_id, &a));
    assert_true(id_equal(&runs[1].run_id, &c));
    assert_true(runs[0].started_us > INT64_C(1600000000000000));
    append_end(w, &a);
    append_end(w, &c);
    when_reopened(w);
    assert_int_equal(journal_open_runs(w->journal, &runs), 0);
}

static void test_remembers_the_last_slot_of_each_schedule(void **state)
{
    struct world *w = *state;

    given_journal(w);
    assert_int_equal(journal_last_slot(w->journal, "a"), WT_NO_TIME);
    append_slot(w, "a", 2000);
    append_slot(w, "b", -5);
    append_slot(w, "a", 1000);
    assert_int_equal(journal_last_slot(w->journal, "a"), 2000);
    assert_int_equal(journal_last_slot(w->journal, "b"), -5);
    when_reopened(w);

    assert_int_equal(journal_last_slot(w->journal, "a"), 2000);
    assert_int_equal(journal_last_slot(w->journal, "b"), -5);
    assert_int_equal(journal_last_slot(w->journal, "c"), WT_NO_TIME);
}

static void test_remembers_settings(void **state)
{
    struct world *w = *state;
    uint64_t done = 0;

    given_journal(w);
    assert_null(journal_setting(w->journal, "a"));
    journal_put_setting(w->journal, "a", "1", on_done_in_order, &done);
    journal_put_setting(w->journal, "b", "", on_done_in_order, &done);
    journal_put_setting(w->journal, "c", "3", on_done_in_order, &done);
    journal_put_setting(w->journal, "a", "two", on_done_in_order, &done);
    journal_put_setting(w->journal, "c", NULL, on_done_in_order, &done);
    assert_string_equal(journal_setting(w->journal, "a"), "two");
    when_reopened(w);

    assert_int_equal(done, 5);
    assert_string_equal(journal_setting(w->journal, "a"), "two");
    assert_string_equal(journal_setting(w->journal, "b"), "");
    assert_null(journal_setting(w->journal, "c"));
    assert_int_equal(stats_of(w).head, 0);
}

static void test_keeps_its_name(void **state)
{
    struct world *w = *state;

    given_journal(w);
    wt_uuid id = *journal_id(w->journal);
    assert_false(id_is_zero(&id));
    when_reopened(w);

    assert_true(id_equal(&id, journal_id(w->journal)));
}

/* ---- the folder ---- */

static void test_a_second_host_is_refused_with_the_number_of_the_first(void **state)
{
    struct world *w = *state;
    struct journal *second = NULL;
    struct error err;
    char expected[128];

    given_journal(w);
    assert_int_equal(journal_open(&w->loop, w->dir, &w->limits, &second, &err), -1);

    snprintf(expected, sizeof expected, "journal: another walltrackd (pid %ld) uses %s",
             (long)getpid(), w->dir);
    assert_string_equal(err.msg, expected);
    assert_null(second);
}

static void test_makes_folders_and_files_that_only_the_owner_can_read(void **state)
{
    struct world *w = *state;
    char deep[128], path[160];
    struct stat st;
    struct error err;

    snprintf(deep, sizeof deep, "%s/a/b", w->dir);
    assert_int_equal(journal_open(&w->loop, deep, &w->limits, &w->journal, &err), 0);
    assert_int_equal(stat(deep, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    snprintf(path, sizeof path, "%s/journal.db", deep);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);

    when_closed(w);
    remove_folder(deep);
    *strrchr(deep, '/') = '\0';
    rmdir(deep);
}

static void test_a_symbolic_link_is_not_followed(void **state)
{
    struct world *w = *state;
    char path[128];
    struct error err;

    snprintf(path, sizeof path, "%s/journal.db", w->dir);
    assert_int_equal(symlink("/tmp/elsewhere.db", path), 0);
    assert_int_equal(journal_open(&w->loop, w->dir, &w->limits, &w->journal, &err), -1);

    assert_non_null(strstr(err.msg, "journal.db"));
    assert_int_equal(access("/tmp/elsewhere.db", F_OK), -1);
}

#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, world_start, world_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(test_numbers_follow_each_other_across_restarts),
        IN_A_WORLD(test_callbacks_run_in_the_order_of_the_appends),
        IN_A_WORLD(test_reads_back_the_same_across_blocks),
        IN_A_WORLD(test_only_durable_events_are_read),
        IN_A_WORLD(test_the_largest_events_are_read_back),
        IN_A_WORLD(test_an_event_that_lacks_a_field_is_refused_and_takes_no_number),
        IN_A_WORLD(test_says_when_too_much_is_pending_and_when_there_is_room_again),
        IN_A_WORLD(test_who_waits_though_there_is_room_is_called_too),
        IN_A_WORLD(test_is_full_at_its_cap_until_what_is_acknowledged_is_removed),
        IN_A_WORLD(test_nothing_is_removed_while_held),
        IN_A_WORLD(test_marks_of_consumers_survive_a_restart),
        IN_A_WORLD(test_listeners_hear_of_every_move_and_may_leave_meanwhile),
        IN_A_WORLD(test_remembers_runs_without_an_end),
        IN_A_WORLD(test_remembers_the_last_slot_of_each_schedule),
        IN_A_WORLD(test_remembers_settings),
        IN_A_WORLD(test_keeps_its_name),
        IN_A_WORLD(test_a_second_host_is_refused_with_the_number_of_the_first),
        IN_A_WORLD(test_makes_folders_and_files_that_only_the_owner_can_read),
        IN_A_WORLD(test_a_symbolic_link_is_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
