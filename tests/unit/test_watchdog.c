/* A loop that stands still is seen, wherever it does; one that waits or works is left alone. */
/* links: watch */
#include "forked.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>

#include <uv.h>

#include "log.h"
#include "watch/call.h"
#include "watch/crash.h"
#include "watch/watchdog.h"

static const char who[] = "recorder 1.8 (9c1e2b4d) #41";

static const struct watchdog_limits tracing = {.trace_ms = 50};
static const struct watchdog_limits aborting = {.trace_ms = 50, .abort_ms = 400};
/* A thread may well be off its processor for 50 ms. */
static const struct watchdog_limits patient = {.trace_ms = 200};

/* ---- the child's loop ---- */

static uv_loop_t loop;
static struct watchdog *watchdog;
static uv_pipe_t input; /* what the test writes at the other end */
static char input_byte;

static void given_watched_loop(const struct watchdog_limits *limits)
{
    struct error err;
    log_setup(LOG_INFO, LOG_TEXT);
    CHILD_CHECK(uv_loop_init(&loop) == 0);
    CHILD_CHECK(watchdog_start(&loop, limits, &watchdog, &err) == 0);
}

static void then_stalls_were(uint64_t stalls, uint64_t at_least_ms)
{
    struct watchdog_stats stats = watchdog_stats(watchdog);
    CHILD_CHECK(stats.stalls == stalls);
    CHILD_CHECK(stats.longest_ms >= at_least_ms);
    CHILD_CHECK(stalls > 0 || stats.longest_ms == 0);
}

static void when_run_to_the_end(void)
{
    watchdog_run(watchdog);
    watchdog_stop(watchdog);
    CHILD_CHECK(uv_loop_close(&loop) == 0);
}

static void block(void)
{
    call_begin(who, "open");
    child_says_it_is_there();
    child_waits_for_go();
    call_end();
}

static void on_allocate(uv_handle_t *handle, size_t size, uv_buf_t *buffer)
{
    (void)handle;
    (void)size;
    *buffer = uv_buf_init(&input_byte, 1);
}

/* The other end is the child's own: a byte in it is an event of the loop. */
static void given_input(uv_read_cb on_read)
{
    CHILD_CHECK(uv_pipe_init(&loop, &input, 0) == 0);
    CHILD_CHECK(uv_pipe_open(&input, forked_from_parent) == 0);
    CHILD_CHECK(uv_read_start((uv_stream_t *)&input, on_allocate, on_read) == 0);
}

/* ---- a stall in every place where the loop can be ---- */

static uv_timer_t timer;
static uv_idle_t idle;
static uv_prepare_t prepare;
static uv_check_t check;
static uv_async_t async;
static uv_poll_t descriptor;
static uv_work_t work;

static void on_closed_block(uv_handle_t *handle)
{
    (void)handle;
    block();
}

static void on_timer_block(uv_timer_t *t)
{
    uv_close((uv_handle_t *)t, NULL);
    block();
}

static void in_a_timer(void)
{
    uv_timer_init(&loop, &timer);
    uv_timer_start(&timer, on_timer_block, 20, 0);
}

static void on_idle_block(uv_idle_t *i)
{
    uv_close((uv_handle_t *)i, NULL);
    block();
}

static void in_an_idle_handle(void)
{
    uv_idle_init(&loop, &idle);
    uv_idle_start(&idle, on_idle_block);
}

static void on_prepare_block(uv_prepare_t *p)
{
    uv_close((uv_handle_t *)p, NULL);
    block();
}

static void in_a_prepare_handle(void)
{
    uv_prepare_init(&loop, &prepare);
    uv_prepare_start(&prepare, on_prepare_block);
}

static void on_check_block(uv_check_t *c)
{
    uv_close((uv_handle_t *)c, NULL);
    block();
}

static void in_a_check_handle(void)
{
    uv_check_init(&loop, &check);
    uv_check_start(&check, on_check_block);
    uv_idle_init(&loop, &idle);
    uv_close((uv_handle_t *)&idle, NULL); /* lets the loop turn without waiting */
}

static void in_a_closing_handle(void)
{
    uv_timer_init(&loop, &timer);
    uv_close((uv_handle_t *)&timer, on_closed_block);
}

static void on_async_block(uv_async_t *a)
{
    uv_close((uv_handle_t *)a, NULL);
    block();
}

static void in_an_async_handle(void)
{
    uv_async_init(&loop, &async, on_async_block);
    uv_async_send(&async);
}

static void on_poll_block(uv_poll_t *p, int status, int events)
{
    (void)status;
    (void)events;
    uv_close((uv_handle_t *)p, NULL);
    block();
}

static void in_a_watch(void)
{
    static int ends[2];
    CHILD_CHECK(pipe(ends) == 0);
    uv_poll_init(&loop, &descriptor, ends[1]);
    uv_poll_start(&descriptor, UV_WRITABLE, on_poll_block);
}

static void on_work(uv_work_t *w)
{
    (void)w;
}

static void on_work_done_block(uv_work_t *w, int status)
{
    (void)w;
    (void)status;
    block();
}

static void in_an_offloads_end(void)
{
    uv_queue_work(&loop, &work, on_work, on_work_done_block);
}

static void before_the_loop_runs(void)
{
    block();
}

static const struct {
    const char *name;
    void (*arrange)(void);
} places[] = {
    {"a timer", in_a_timer},
    {"an idle handle", in_an_idle_handle},
    {"a prepare handle", in_a_prepare_handle},
    {"a check handle", in_a_check_handle},
    {"a closing handle", in_a_closing_handle},
    {"an async handle", in_an_async_handle},
    {"a watch", in_a_watch},
    {"an offload's end", in_an_offloads_end},
    {"the start", before_the_loop_runs},
};

static void stall_in_a_place(const void *arg)
{
    const size_t *place = arg;
    given_watched_loop(&tracing);
    places[*place].arrange();
    watchdog_run(watchdog);
    then_stalls_were(1, tracing.trace_ms);
    when_run_to_the_end();
}

static void test_a_stall_is_traced_in_whatever_callback_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct forked f;
        print_message("  in %s\n", places[i].name);
        forked_start(&f, stall_in_a_place, &i);
        forked_await(&f, "warning watchdog: recorder 1.8 (9c1e2b4d) #41 has blocked the loop in "
                         "open for 0.1 s; its stack:\n");
        forked_await(&f, "warning watchdog:   ");
        forked_go(&f);
        assert_int_equal(forked_end(&f), 0);
        then_said(&f, "test_watchdog(+0x");
        then_said(&f, " s; it goes on now\n");
    }
}

/* ---- after a pause ---- */

static void on_input_block(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    (void)buffer;
    CHILD_CHECK(n == 1); /* it is read: nothing at the descriptor tells of it any more */
    uv_close((uv_handle_t *)stream, NULL);
    call_begin(who, "a watch");
    for (;;)
        pause();
}

static void stall_at_an_event(const void *arg)
{
    given_watched_loop(arg);
    given_input(on_input_block);
    child_says_it_is_there();
    when_run_to_the_end();
}

/* How often a thread has gone to sleep; 0 when it is of another name. */
static unsigned long sleeps_of(pid_t pid, const char *thread, const char *name)
{
    char path[300], line[256];
    bool counts = name == NULL;
    unsigned long n, sleeps = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%s/status", (int)pid, thread);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (name != NULL && strncmp(line, "Name:\t", 6) == 0)
            counts = strncmp(line + 6, name, strlen(name)) == 0;
        if (counts && sscanf(line, "voluntary_ctxt_switches: %lu", &n) == 1)
            sleeps = n;
    }
    if (file != NULL)
        fclose(file);
    return sleeps;
}

static unsigned long sleeps_of_watchdog(pid_t pid)
{
    char path[64];
    unsigned long sleeps = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *e; (e = readdir(dir)) != NULL;)
        if (e->d_name[0] != '.')
            sleeps += sleeps_of(pid, e->d_name, "watchdog");
    closedir(dir);
    return sleeps;
}

static unsigned long sleeps_of_loop(pid_t pid)
{
    char thread[16];
    snprintf(thread, sizeof thread, "%d", (int)pid);
    return sleeps_of(pid, thread, NULL);
}

static void pass_ms(long ms)
{
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* Neither of the two woke up for as long as ten looks of the watchdog. */
static void await_quiet(pid_t pid, const struct watchdog_limits *limits)
{
    for (int i = 0; i < 200; i++) {
        unsigned long before = sleeps_of_watchdog(pid) + sleeps_of_loop(pid);
        pass_ms((long)limits->trace_ms);
        if (sleeps_of_watchdog(pid) + sleeps_of_loop(pid) == before)
            return;
    }
    fail_msg("an idle process wakes up");
}

static void test_the_first_event_after_a_pause_may_stall(void **state)
{
    struct forked f;
    (void)state;
    forked_start(&f, stall_at_an_event, &aborting);
    forked_await_there(&f);
    await_quiet(f.pid, &aborting);
    forked_go(&f);
    assert_int_equal(forked_end(&f), -SIGABRT);
    then_said(&f, "#41 has blocked the loop in a watch for 0.1 s; its stack:\n");
    then_said(&f, "#41 has blocked the loop in a watch for 0.4 s: aborting");
}

/* ---- the end of it ---- */

static void stall_for_good(const void *arg)
{
    (void)arg;
    crash_watch(); /* must keep silent */
    given_watched_loop(&aborting);
    call_begin(who, "open");
    child_waits_for_go();
}

static void test_a_loop_that_stays_blocked_ends_the_process(void **state)
{
    struct forked f;
    (void)state;
    forked_start(&f, stall_for_good, NULL);
    assert_int_equal(forked_end(&f), -SIGABRT);
    then_said(&f, "error   watchdog: recorder 1.8 (9c1e2b4d) #41 has blocked the loop in open for "
                  "0.4 s: aborting; the next start uses the last good build\n");
    then_never_said(&f, "crashed");
    then_never_said(&f, "goes on");
}

static void stall_the_host(const void *arg)
{
    (void)arg;
    given_watched_loop(&aborting);
    call_enter(who, "on_wallet");
    call_leave();
    child_waits_for_go();
}

static void test_a_stall_outside_of_all_calls_is_the_hosts(void **state)
{
    struct forked f;
    (void)state;
    forked_start(&f, stall_the_host, NULL);
    assert_int_equal(forked_end(&f), -SIGABRT);
    then_said(&f, "watchdog: the host itself has blocked the loop for 0.1 s; its stack:\n");
    then_said(&f, "watchdog: the host itself has blocked the loop for 0.4 s: aborting\n");
    then_never_said(&f, "recorder");
}

/* Nobody reads the log any more, and it is full: the loop waits in it. */
static void stall_in_the_log(const void *arg)
{
    int ends[2];
    (void)arg;
    CHILD_CHECK(pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
    close(ends[1]);
    given_watched_loop(&aborting);
    for (;;)
        log_line(LOG_INFO, "test", "one more line");
}

static void test_a_log_that_nobody_reads_does_not_hold_the_watchdog(void **state)
{
    struct forked f;
    (void)state;
    forked_start(&f, stall_in_the_log, NULL);
    assert_int_equal(forked_end(&f), -SIGABRT);
}

/* Like a thread that waits for a disk. */
static void stall_deaf(const void *arg)
{
    sigset_t all;
    (void)arg;
    given_watched_loop(&aborting);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    block();
}

static void test_a_thread_that_takes_no_signal_is_named_without_its_stack(void **state)
{
    struct forked f;
    (void)state;
    forked_start(&f, stall_deaf, NULL);
    assert_int_equal(forked_end(&f), -SIGABRT);
    then_said(&f, "#41 has blocked the loop in open for 0.1 s; its stack:\n");
    then_said(&f, "watchdog:   no stack: the thread takes no signal\n");
    then_said(&f, "#41 has blocked the loop in open for 0.4 s: aborting; ");
}

/* ---- more than one ---- */

static void on_timer_block_again(uv_timer_t *t)
{
    static int n;
    block();
    if (++n == 3)
        uv_close((uv_handle_t *)t, NULL);
}

static void stall_three_times(const void *arg)
{
    (void)arg;
    given_watched_loop(&tracing);
    uv_timer_init(&loop, &timer);
    uv_timer_start(&timer, on_timer_block_again, 1, 1);
    watchdog_run(watchdog);
    then_stalls_were(3, tracing.trace_ms);
    when_run_to_the_end();
}

static void test_each_stall_is_told_once_and_counted(void **state)
{
    struct forked f;
    (void)state;
    forked_start(&f, stall_three_times, NULL);
    for (int i = 0; i < 3; i++) {
        forked_await(&f, "; its stack:\n");
        pass_ms((long)tracing.trace_ms * 3); /* it goes on, and is not told again */
        forked_go(&f);
        forked_await(&f, "; it goes on now\n");
        char *told = strstr(f.text, "; its stack:\n");
        assert_null(strstr(told + 1, "; its stack:\n"));
        memset(f.text, ' ', f.size);
    }
    assert_int_equal(forked_end(&f), 0);
}

/* ---- what is no stall ---- */

static uint64_t end_ns;

static bool is_time_over(void)
{
    return uv_hrtime() >= end_ns;
}

static void on_idle_turn(uv_idle_t *i)
{
    if (is_time_over())
        uv_close((uv_handle_t *)i, NULL);
}

static void on_timer_turn(uv_timer_t *t)
{
    if (is_time_over())
        uv_close((uv_handle_t *)t, NULL);
}

/* Turns that do not wait, and turns that wait a little, for longer than a trace takes. */
static void turn_quickly(const void *arg)
{
    const bool *waiting = arg;
    given_watched_loop(&patient);
    end_ns = uv_hrtime() + patient.trace_ms * 3 * 1000000;
    uv_idle_init(&loop, &idle);
    uv_timer_init(&loop, &timer);
    if (*waiting) {
        uv_timer_start(&timer, on_timer_turn, 1, 1);
        uv_close((uv_handle_t *)&idle, NULL);
    } else {
        uv_idle_start(&idle, on_idle_turn);
        uv_close((uv_handle_t *)&timer, NULL);
    }
    watchdog_run(watchdog);
    then_stalls_were(0, 0);
    when_run_to_the_end();
}

static void test_a_busy_loop_of_short_turns_is_never_reported(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct forked f;
        const bool waiting = i == 1;
        forked_start(&f, turn_quickly, &waiting);
        assert_int_equal(forked_end(&f), 0);
        assert_string_equal(f.text, "");
    }
}

static void wait_in_a_turn(const void *arg)
{
    given_watched_loop(arg);
    child_says_it_is_there();
    child_waits_for_go();
    watchdog_run(watchdog);
    then_stalls_were(0, 0);
    when_run_to_the_end();
}

static void test_a_process_that_was_stopped_is_not_reported(void **state)
{
    static const struct watchdog_limits limits = {.trace_ms = 400};
    struct forked f;
    int status;
    (void)state;
    forked_start(&f, wait_in_a_turn, &limits);
    forked_await_there(&f);
    assert_int_equal(kill(f.pid, SIGSTOP), 0);
    assert_int_equal(waitpid(f.pid, &status, WUNTRACED), f.pid);
    assert_true(WIFSTOPPED(status));
    pass_ms((long)limits.trace_ms * 3 / 2);
    assert_int_equal(kill(f.pid, SIGCONT), 0);
    pass_ms((long)limits.trace_ms / 5); /* two looks, and it is still the same turn */
    forked_go(&f);
    assert_int_equal(forked_end(&f), 0);
    assert_string_equal(f.text, "");
}

/* ---- the loop that it runs ---- */

static void on_async_take_time(uv_async_t *a)
{
    uv_close((uv_handle_t *)a, NULL);
    pass_ms(200);
}

static void on_timer_note_time(uv_timer_t *t)
{
    end_ns = uv_hrtime();
    uv_close((uv_handle_t *)t, NULL);
}

static void test_timers_are_on_time_after_a_callback_that_was_slow(void **state)
{
    static const struct watchdog_limits late = {.trace_ms = 10000};
    struct error err;
    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(watchdog_start(&loop, &late, &watchdog, &err), 0);
    uv_async_init(&loop, &async, on_async_take_time);
    uv_async_send(&async);
    uv_timer_init(&loop, &timer);
    uv_update_time(&loop);
    uint64_t begin = uv_hrtime();
    uv_timer_start(&timer, on_timer_note_time, 300, 0);
    watchdog_run(watchdog);
    watchdog_stop(watchdog);
    assert_in_range((end_ns - begin) / 1000000, 298, 450);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void on_input_count(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    (void)buffer;
    if (n < 0)
        uv_close((uv_handle_t *)stream, NULL);
    else
        child_says_it_is_there();
}

static void wait_for_input(const void *arg)
{
    given_watched_loop(arg);
    given_input(on_input_count);
    child_says_it_is_there();
    watchdog_run(watchdog);
    then_stalls_were(0, 0);
    when_run_to_the_end();
}

static void test_an_idle_loop_lets_the_watchdog_sleep(void **state)
{
    struct forked f;
    (void)state;
    forked_start(&f, wait_for_input, &patient);
    forked_await_there(&f);
    await_quiet(f.pid, &patient);
    unsigned long before = sleeps_of_watchdog(f.pid);
    pass_ms((long)patient.trace_ms * 3);
    assert_int_equal(sleeps_of_watchdog(f.pid), before);
    assert_true(before > 0);

    for (int i = 0; i < 1000; i++) { /* a burst: it is woken once, and ticks while it lasts */
        forked_go(&f);
        forked_await_there(&f);
    }
    await_quiet(f.pid, &patient);
    unsigned long in_burst = sleeps_of_watchdog(f.pid) - before;
    assert_in_range(in_burst, 1, 500);
    forked_go_no_more(&f);
    assert_int_equal(forked_end(&f), 0);
    assert_string_equal(f.text, "");
}

/* ---- its life ---- */

static void test_it_may_be_stopped_without_having_run(void **state)
{
    struct error err;
    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(watchdog_start(&loop, &patient, &watchdog, &err), 0);
        watchdog_stop(watchdog);
    }
    watchdog_stop(NULL);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void start_without_descriptors(const void *arg)
{
    const struct rlimit few = {3, 3};
    struct error err = {0};
    (void)arg;
    CHILD_CHECK(uv_loop_init(&loop) == 0);
    CHILD_CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    CHILD_CHECK(watchdog_start(&loop, &patient, &watchdog, &err) == -1);
    dprintf(STDERR_FILENO, "%s\n", err.msg);
}

static void test_a_start_that_fails_says_why(void **state)
{
    struct forked f;
    (void)state;
    forked_start(&f, start_without_descriptors, NULL);
    assert_int_equal(forked_end(&f), 0);
    assert_string_equal(f.text, "start the watchdog: make a pipe: Too many open files\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stall_is_traced_in_whatever_callback_it_is),
        cmocka_unit_test(test_the_first_event_after_a_pause_may_stall),
        cmocka_unit_test(test_a_loop_that_stays_blocked_ends_the_process),
        cmocka_unit_test(test_a_stall_outside_of_all_calls_is_the_hosts),
        cmocka_unit_test(test_a_log_that_nobody_reads_does_not_hold_the_watchdog),
        cmocka_unit_test(test_a_thread_that_takes_no_signal_is_named_without_its_stack),
        cmocka_unit_test(test_each_stall_is_told_once_and_counted),
        cmocka_unit_test(test_a_busy_loop_of_short_turns_is_never_reported),
        cmocka_unit_test(test_a_process_that_was_stopped_is_not_reported),
        cmocka_unit_test(test_timers_are_on_time_after_a_callback_that_was_slow),
        cmocka_unit_test(test_an_idle_loop_lets_the_watchdog_sleep),
        cmocka_unit_test(test_it_may_be_stopped_without_having_run),
        cmocka_unit_test(test_a_start_that_fails_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
