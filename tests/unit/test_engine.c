/* Engines: well-behaved, hostile, and orphaned. */
/* links: run */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"
#include "run/engine.h"
#include "run/keeper.h"

/* What one engine did. */
struct story {
    uv_loop_t loop;
    struct engine *engine;
    uint64_t lines, bytes;
    char first[256];
    bool ended;
    struct engine_result result;
    char last_words[ENGINE_STDERR_TAIL + 1];
    unsigned pause_every; /* batches; 0: never */
    unsigned batches;
    uv_timer_t resume, stop;
    uint64_t stop_after_ms;
};

static void on_resume(uv_timer_t *timer)
{
    struct story *s = timer->data;
    if (s->engine != NULL)
        engine_resume(s->engine);
}

static void on_line(void *arg, uint64_t number, char *text, size_t size, bool too_long)
{
    struct story *s = arg;
    assert_false(too_long);
    s->lines = number;
    s->bytes += size + 1;
    if (number == 1)
        snprintf(s->first, sizeof s->first, "%.*s", (int)size, text);
}

static void on_batch(void *arg)
{
    struct story *s = arg;
    if (s->pause_every != 0 && ++s->batches % s->pause_every == 0) {
        engine_pause(s->engine);
        uv_timer_start(&s->resume, on_resume, 1, 0);
    }
}

static void on_ended(void *arg, const struct engine_result *result)
{
    struct story *s = arg;
    s->ended = true;
    s->engine = NULL;
    s->result = *result;
    snprintf(s->last_words, sizeof s->last_words, "%s", result->last_words);
    uv_close((uv_handle_t *)&s->resume, NULL);
    uv_close((uv_handle_t *)&s->stop, NULL);
}

static void on_stop(uv_timer_t *timer)
{
    struct story *s = timer->data;
    engine_stop(s->engine);
}

static const struct engine_events events = {on_line, on_batch, on_ended};

static void start(struct story *s, const char *script, int64_t timeout_ms, int64_t grace_ms)
{
    char *command[] = {(char *)"/bin/sh", (char *)"-c", (char *)script, NULL};
    char *environment[] = {(char *)"GREETING=hello", NULL};
    struct engine_spec spec = {
        .log_name = "run test",
        .command = command,
        .environment = environment,
        .request = "{\"protocol\":1}",
        .timeout_ms = timeout_ms,
        .grace_ms = grace_ms,
    };
    struct error err;
    assert_int_equal(uv_loop_init(&s->loop), 0);
    uv_timer_init(&s->loop, &s->resume);
    uv_timer_init(&s->loop, &s->stop);
    s->resume.data = s->stop.data = s;
    if (engine_start(&s->loop, &spec, &events, s, &s->engine, &err) != 0)
        fail_msg("%s", err.msg);
    if (s->stop_after_ms != 0)
        uv_timer_start(&s->stop, on_stop, s->stop_after_ms, 0);
}

static void run_to_its_end(struct story *s, const char *script)
{
    start(s, script, 60000, 500);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_true(s->ended);
    assert_int_equal(uv_loop_close(&s->loop), 0);
}

/* ---- well-behaved ---- */

static void test_an_engine_gets_its_request_and_its_lines_are_heard(void **state)
{
    struct story s = {0};
    (void)state;
    run_to_its_end(&s, "read request; printf '%s\\n' \"$request\" two; printf last");
    assert_string_equal(s.first, "{\"protocol\":1}");
    assert_int_equal(s.lines, 3);
    assert_int_equal(s.result.exit_status, 0);
    assert_int_equal(s.result.signal, 0);
}

static void test_status_signal_and_last_words_are_reported(void **state)
{
    struct story a = {0}, b = {0}, c = {0};
    (void)state;
    run_to_its_end(&a, "echo 'no luck' >&2; exit 3");
    assert_int_equal(a.result.exit_status, 3);
    assert_string_equal(a.last_words, "no luck");
    run_to_its_end(&b, "kill -SEGV $$");
    assert_int_equal(b.result.signal, SIGSEGV);
    run_to_its_end(&c, "exec /no/such/program");
    assert_int_equal(c.result.exit_status, 127);
    assert_non_null(strstr(c.last_words, "/no/such/program"));
}

static void test_output_under_backpressure_is_complete(void **state)
{
    struct story s = {.pause_every = 3};
    (void)state;
    run_to_its_end(&s, "seq 1 400000");
    assert_int_equal(s.lines, 400000);
    assert_int_equal(s.bytes,
                     2688895); /* seq 1 400000 | wc -c, and one for each newline is in it */
}

static void test_output_is_heard_to_its_end_after_the_exit(void **state)
{
    struct story s = {0};
    (void)state;
    start(&s, "seq 1 10000", 60000, 500); /* fits the pipe: it can end unheard */
    engine_pause(s.engine);
    uv_timer_start(&s.resume, on_resume, 300, 0);
    uv_run(&s.loop, UV_RUN_DEFAULT);
    assert_int_equal(s.lines, 10000);
    assert_int_equal(s.result.exit_status, 0);
    assert_int_equal(uv_loop_close(&s.loop), 0);
}

static void test_the_environment_is_clean_and_only_three_descriptors_are_open(void **state)
{
    struct story s = {0};
    (void)state;
    setenv("PGPASSWORD", "secret", 1);
    run_to_its_end(&s, "echo \"$GREETING ${PGPASSWORD:-none} $(cd /proc/self/fd; echo [0-9]*)\"");
    unsetenv("PGPASSWORD");
    /* The shell that expands the pattern holds the directory open as 3. */
    assert_true(strcmp(s.first, "hello none 0 1 2") == 0 ||
                strcmp(s.first, "hello none 0 1 2 3") == 0);
}

/* ---- hostile ---- */

static void test_an_engine_that_is_asked_ends(void **state)
{
    struct story s = {.stop_after_ms = 50};
    (void)state;
    run_to_its_end(&s, "exec sleep 600");
    assert_true(s.result.stopped);
    assert_int_equal(s.result.signal, SIGTERM);
}

static void test_an_engine_that_ignores_sigterm_is_killed(void **state)
{
    struct story s = {.stop_after_ms = 50};
    (void)state;
    run_to_its_end(&s, "trap '' TERM; while :; do sleep 1; done");
    assert_int_equal(s.result.signal, SIGKILL);
}

static void test_an_engine_that_takes_too_long_is_ended(void **state)
{
    struct story s = {0};
    (void)state;
    start(&s, "exec sleep 600", 100, 500);
    uv_run(&s.loop, UV_RUN_DEFAULT);
    assert_true(s.result.timed_out);
    assert_int_equal(uv_loop_close(&s.loop), 0);
}

static bool is_alive(const char *pid)
{
    return kill((pid_t)strtol(pid, NULL, 10), 0) == 0;
}

static void test_a_grandchild_in_a_session_of_its_own_does_not_survive(void **state)
{
    struct story s = {0};
    (void)state;
    /* It keeps the output open, ignores what can be ignored, and has left its parent's group. */
    run_to_its_end(&s,
                   "setsid sh -c 'trap \"\" TERM HUP INT; echo $$; while :; do sleep 1; done' & "
                   "read ignored; sleep 0.2; exit 0");
    assert_int_equal(s.result.exit_status, 0);
    assert_true(atoi(s.first) > 1);
    assert_false(is_alive(s.first));
    assert_false(s.result.output_cut);
}

static void test_an_engine_that_closes_its_output_and_stays_is_waited_for(void **state)
{
    struct story s = {0};
    (void)state;
    run_to_its_end(&s, "echo one; exec >&- 2>&-; sleep 0.2; exit 4");
    assert_int_equal(s.lines, 1);
    assert_int_equal(s.result.exit_status, 4);
}

/* ---- orphaned ---- */

static void hear_nothing(void *arg, uint64_t number, char *text, size_t size, bool too_long)
{
    (void)number;
    (void)too_long;
    if (write(*(int *)arg, text, size) < 0 || write(*(int *)arg, "\n", 1) < 0)
        _exit(1);
}

static void no_batch(void *arg)
{
    (void)arg;
}

static void be_a_host(int report)
{
    static const struct engine_events quiet = {hear_nothing, no_batch, NULL};
    static const char script[] =
        "trap '' TERM HUP; setsid sh -c 'trap \"\" TERM; echo $$; exec sleep 600' & "
        "echo $$; while :; do sleep 1; done";
    char *command[] = {(char *)"/bin/sh", (char *)"-c", (char *)script, NULL};
    struct engine_spec spec = {.log_name = "run orphan",
                               .command = command,
                               .request = "{}",
                               .timeout_ms = 60000,
                               .grace_ms = 1000};
    uv_loop_t loop;
    struct engine *engine;
    struct error err;
    uv_loop_init(&loop);
    engine_start(&loop, &spec, &quiet, &report, &engine, &err);
    uv_run(&loop, UV_RUN_DEFAULT);
    _exit(0);
}

static void test_nothing_survives_a_host_that_is_killed(void **state)
{
    int pipe_ends[2];
    char first[32], second[32];
    (void)state;
    assert_int_equal(pipe(pipe_ends), 0);
    pid_t host = fork();
    if (host == 0)
        be_a_host(pipe_ends[1]);
    close(pipe_ends[1]);
    FILE *report = fdopen(pipe_ends[0], "r");
    assert_non_null(fgets(first, sizeof first, report));
    assert_non_null(fgets(second, sizeof second, report));
    assert_true(is_alive(first) && is_alive(second));
    kill(host, SIGKILL);
    waitpid(host, NULL, 0);
    fclose(report);
    for (int i = 0; i < 500 && (is_alive(first) || is_alive(second)); i++)
        usleep(10000);
    assert_false(is_alive(first));
    assert_false(is_alive(second));
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], KEEPER_OPTION) == 0)
        _exit(keeper_main(argc, argv));
    log_setup(LOG_ERROR, LOG_TEXT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_engine_gets_its_request_and_its_lines_are_heard),
        cmocka_unit_test(test_status_signal_and_last_words_are_reported),
        cmocka_unit_test(test_output_under_backpressure_is_complete),
        cmocka_unit_test(test_output_is_heard_to_its_end_after_the_exit),
        cmocka_unit_test(test_the_environment_is_clean_and_only_three_descriptors_are_open),
        cmocka_unit_test(test_an_engine_that_is_asked_ends),
        cmocka_unit_test(test_an_engine_that_ignores_sigterm_is_killed),
        cmocka_unit_test(test_an_engine_that_takes_too_long_is_ended),
        cmocka_unit_test(test_a_grandchild_in_a_session_of_its_own_does_not_survive),
        cmocka_unit_test(test_an_engine_that_closes_its_output_and_stays_is_waited_for),
        cmocka_unit_test(test_nothing_survives_a_host_that_is_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
