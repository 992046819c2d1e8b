/* links: journal */
/* What is left when the host dies at a bad moment, and when the disk takes nothing more. */
#include "journal_world.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { ROUNDS = 15 };

static uint64_t random_state = 42;

static int number_below(int limit)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int)((random_state >> 33) % (uint64_t)limit);
}

static void copy_file(const char *from_dir, const char *to_dir, const char *name)
{
    char from[128], to[128], buffer[65536];
    snprintf(from, sizeof from, "%s/%s", from_dir, name);
    snprintf(to, sizeof to, "%s/%s", to_dir, name);
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(in >= 0 && out >= 0);
    for (ssize_t n; (n = read(in, buffer, sizeof buffer)) > 0;)
        assert_int_equal(write(out, buffer, (size_t)n), n);
    close(in);
    close(out);
}

/* ---- at the moment of `done` ---- */

struct copied {
    struct world *w;
    char dir[64];
};

static void on_done_copy(void *arg, int status, const struct error *err)
{
    struct copied *c = arg;
    (void)err;
    assert_int_equal(status, 0);
    copy_file(c->w->dir, c->dir, "journal.db");
    copy_file(c->w->dir, c->dir, "journal.db-wal");
    c->w->done++;
}

static bool is_done(struct world *w)
{
    return w->done > 0;
}

static void test_what_was_reported_done_is_in_the_files_at_that_moment(void **state)
{
    struct world *w = *state;
    struct copied copied = {.w = w, .dir = "/tmp/walltrack-copy.XXXXXX"};
    struct event e;
    wt_uuid run = id_make();
    assert_non_null(mkdtemp(copied.dir));
    given_journal(w);
    event_init(&e, WT_RUN_START, &run);
    e.u.run_start.host_name = "host";
    assert_int_equal(journal_append(w->journal, &e, on_done_copy, &copied), 1);
    await(w, is_done, "the event");
    when_closed(w);

    struct world other = {.limits = w->limits};
    const struct journal_open_run *runs;
    memcpy(other.dir, copied.dir, sizeof other.dir);
    assert_int_equal(uv_loop_init(&other.loop), 0);
    given_journal(&other);
    assert_int_equal(stats_of(&other).head, 1);
    assert_int_equal(journal_open_runs(other.journal, &runs), 1);
    struct answer a = when_read(&other, 1);
    assert_true(id_equal(&a.block->events[0].head.id, &run));
    journal_block_free(a.block);
    when_closed(&other);
    assert_int_equal(uv_loop_close(&other.loop), 0);
    remove_folder(copied.dir);
}

/* ---- kill -9 ---- */

struct child {
    struct world world;
    int report;
    uint64_t reported;
    uv_idle_t idle;
};

static void on_child_done(void *arg, int status, const struct error *err)
{
    struct child *c = arg;
    (void)err;
    c->reported++;
    if (status != 0 || write(c->report, &c->reported, sizeof c->reported) < 0)
        _exit(1);
}

/* Some events and a setting that says how many there are now: one turn, so one commit. */
static void on_child_turn(uv_idle_t *idle)
{
    struct child *c = idle->data;
    wt_uuid run = id_make();
    uint64_t last = 0;
    char text[24];
    int n = 1 + number_below(20);
    if (!journal_has_room(c->world.journal))
        return;
    for (int i = 0; i < n; i++) {
        struct event e;
        event_init(&e, WT_TOKEN, &run);
        e.u.token.token = "token";
        last = journal_append(c->world.journal, &e, on_child_done, c);
    }
    snprintf(text, sizeof text, "%" PRIu64, last);
    journal_put_setting(c->world.journal, "last", text, NULL, NULL);
}

static void be_the_child(const char *dir, const struct journal_limits *limits, int report)
{
    struct child c = {.report = report, .world = {.limits = *limits}};
    struct error err;
    random_state = (uint64_t)getpid();
    uv_loop_init(&c.world.loop);
    if (journal_open(&c.world.loop, dir, limits, &c.world.journal, &err) != 0)
        _exit(1);
    struct journal_stats stats;
    journal_stats(c.world.journal, &stats);
    c.reported = stats.head;
    uv_idle_init(&c.world.loop, &c.idle);
    c.idle.data = &c;
    uv_idle_start(&c.idle, on_child_turn);
    uv_run(&c.world.loop, UV_RUN_DEFAULT);
    _exit(1);
}

/* Lets a child append and kills it; returns the last number that it reported as done. */
static uint64_t when_killed_amid_appends(struct world *w)
{
    int fds[2];
    uint64_t last = 0, number;
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        be_the_child(w->dir, &w->limits, fds[1]);
    close(fds[1]);
    int some = 1 + number_below(3000);
    for (int i = 0; i < some; i++)
        assert_int_equal(read(fds[0], &last, sizeof last), sizeof last);
    kill(pid, SIGKILL);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    while (read(fds[0], &number, sizeof number) == sizeof number)
        last = number;
    close(fds[0]);
    return last;
}

/* Every number from 1 to the head can be read. */
static void then_dense(struct world *w, uint64_t head)
{
    uint64_t next = 1;
    while (next <= head) {
        struct answer a = when_read(w, next);
        assert_non_null(a.block);
        assert_int_equal(a.block->first, next);
        next += a.block->count;
        journal_block_free(a.block);
    }
}

static void test_a_killed_host_has_lost_nothing_that_it_reported(void **state)
{
    struct world *w = *state;
    for (int round = 0; round < ROUNDS; round++) {
        char expected[24];
        uint64_t reported = when_killed_amid_appends(w);
        given_journal(w);
        uint64_t head = stats_of(w).head;
        assert_true(head >= reported);
        snprintf(expected, sizeof expected, "%" PRIu64, head);
        assert_string_equal(journal_setting(w->journal, "last"), expected); /* no half batch */
        if (round == ROUNDS - 1)
            then_dense(w, head);
        when_closed(w);
    }
}

/* ---- a disk that takes nothing more ---- */

static void on_any_room(void *arg)
{
    ((struct world *)arg)->expected_done = 77;
}

static bool has_failed(struct world *w)
{
    return stats_of(w).failed && w->failed > 0;
}

static bool was_told_of_room(struct world *w)
{
    return w->expected_done == 77;
}

static void test_the_first_failed_write_is_final(void **state)
{
    struct world *w = *state;
    struct rlimit before, small;
    wt_uuid run = id_make();
    log_setup((enum log_level) - 1, LOG_TEXT);
    given_journal(w);
    append_wallet(w, &run, 100);
    when_durable(w);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 1 << 20;
    signal(SIGXFSZ, SIG_DFL); /* the writer's thread gets no signals */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int appended = 1;
    for (; appended < 120; appended++)
        append_wallet(w, &run, 60000);
    assert_false(journal_has_room(w->journal));
    struct journal_waiter waiter = {.room = on_any_room, .arg = w};
    journal_wait_for_room(w->journal, &waiter);
    await(w, has_failed, "the write to fail");
    await(w, was_told_of_room, "the waiter");
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);

    assert_int_equal(w->done, 1);
    assert_int_equal(w->failed, appended - 1);
    assert_int_equal(w->last_status, EFBIG);
    assert_non_null(strstr(w->last_error, "File too large"));
    assert_non_null(strstr(stats_of(w).failure, "journal.db"));
    assert_int_equal(append_wallet(w, &run, 1), 0); /* though the disk would take it now */
    assert_int_equal(journal_put_setting(w->journal, "a", "b", NULL, NULL), -1);
    struct answer a = when_read(w, 1);
    assert_int_equal(a.block->count, 1);
    journal_block_free(a.block);

    when_reopened(w);
    assert_int_equal(stats_of(w).head, 1);
    assert_int_equal(append_wallet(w, &run, 1), 2);
    when_durable(w);
    assert_false(stats_of(w).failed);
}

#define IN_A_WORLD(test) cmocka_unit_test_setup_teardown(test, world_start, world_stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(test_what_was_reported_done_is_in_the_files_at_that_moment),
        IN_A_WORLD(test_a_killed_host_has_lost_nothing_that_it_reported),
        IN_A_WORLD(test_the_first_failed_write_is_final),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
