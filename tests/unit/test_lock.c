/* links: journal */
/* The lock of a state directory: who holds it, and who only seems to. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "journal/lock.h"

enum { LEFT_WITH_IT_MS = 150 };

static char dir[64];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/walltrack-lock.XXXXXX");
    return mkdtemp(dir) != NULL ? 0 : -1;
}

static int remove_dir(void **state)
{
    char path[80];
    (void)state;
    snprintf(path, sizeof path, "%s/lock", dir);
    unlink(path);
    return rmdir(dir);
}

/* A host that ends with a process of its own still between fork() and exec(). */
static void when_a_host_died_at_a_fork(void)
{
    const struct timespec pause = {.tv_nsec = LEFT_WITH_IT_MS * 1000000L};
    struct error err;
    int status = 0;
    pid_t host = fork();
    if (host == 0) {
        if (lock_take(dir, &err) < 0)
            _exit(1);
        if (fork() == 0)
            nanosleep(&pause, NULL);
        _exit(0);
    }
    assert_int_equal(waitpid(host, &status, 0), host);
    assert_int_equal(status, 0);
}

static void test_what_a_dead_host_was_starting_lets_go(void **state)
{
    struct error err = {0};
    (void)state;
    when_a_host_died_at_a_fork();
    int lock = lock_take(dir, &err);
    if (lock < 0)
        fail_msg("%s", err.msg);
    lock_drop(lock);
}

static void test_a_host_that_lives_is_named_at_once(void **state)
{
    char words[64];
    struct error err = {0};
    struct timespec begin, end;
    (void)state;
    int lock = lock_take(dir, &err);
    assert_true(lock >= 0);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    assert_int_equal(lock_take(dir, &err), -1);
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_true(end.tv_sec - begin.tv_sec < 2);
    assert_int_equal(err.code, EBUSY);
    snprintf(words, sizeof words, "another walltrackd (pid %ld)", (long)getpid());
    assert_non_null(strstr(err.msg, words));
    lock_drop(lock);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(test_what_a_dead_host_was_starting_lets_go),
        IN_A_FOLDER(test_a_host_that_lives_is_named_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
