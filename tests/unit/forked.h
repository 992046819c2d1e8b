/* forked.h: children of a test that may crash or hang, told apart by what they say.
 *
 * The test forks a child that runs a function of the test; the two wait for each other by bytes in
 * pipes, and the test reads what the child writes to standard error.  A child ends at the latest
 * a minute after it began, or with the test.
 */
#ifndef FORKED_H
#define FORKED_H

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { FORKED_PATIENCE_MS = 30000, FORKED_CHECK_FAILED = 99 };

struct forked {
    pid_t pid;
    int log, reached, go; /* our ends */
    char text[32768];     /* what was read of its log so far */
    size_t size;
};

/* ---- in the child ---- */

static int forked_to_parent, forked_from_parent;

/* cmocka's own assertions would go on with the next test, twice. */
#define CHILD_CHECK(condition)                                                                     \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            dprintf(STDERR_FILENO, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);         \
            _exit(FORKED_CHECK_FAILED);                                                            \
        }                                                                                          \
    } while (0)

static inline void child_says_it_is_there(void)
{
    CHILD_CHECK(write(forked_to_parent, "", 1) == 1);
}

/* Blocks its thread, as a call that does not return would.  Signals are handled meanwhile. */
static inline void child_waits_for_go(void)
{
    struct pollfd go = {.fd = forked_from_parent, .events = POLLIN};
    char byte;
    while (poll(&go, 1, -1) != 1)
        CHILD_CHECK(errno == EINTR);
    CHILD_CHECK(read(forked_from_parent, &byte, 1) == 1);
}

/* ---- in the test ---- */

static inline void forked_start(struct forked *f, void (*body)(const void *arg), const void *arg)
{
    int log[2], there[2], go[2];
    memset(f, 0, sizeof *f);
    assert_int_equal(pipe(log) | pipe(there) | pipe(go), 0);
    pid_t parent = getpid();
    f->pid = fork();
    assert_true(f->pid >= 0);
    if (f->pid == 0) {
        const struct rlimit no_core = {0, 0};
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(60);
        setrlimit(RLIMIT_CORE, &no_core);
        CHILD_CHECK(getppid() == parent && dup2(log[1], STDERR_FILENO) == STDERR_FILENO);
        const int not_ours[] = {log[0], log[1], there[0], go[1]};
        for (size_t i = 0; i < sizeof not_ours / sizeof not_ours[0]; i++)
            close(not_ours[i]);
        forked_to_parent = there[1];
        forked_from_parent = go[0];
        body(arg);
        _exit(0);
    }
    close(log[1]);
    close(there[1]);
    close(go[0]);
    f->log = log[0];
    f->reached = there[0];
    f->go = go[1];
}

/* False at the end of its log. */
static inline bool forked_read(struct forked *f)
{
    struct pollfd log = {.fd = f->log, .events = POLLIN};
    if (poll(&log, 1, FORKED_PATIENCE_MS) != 1)
        fail_msg("the child wrote only: %s", f->text);
    assert_true(f->size < sizeof f->text - 1);
    ssize_t n = read(f->log, f->text + f->size, sizeof f->text - 1 - f->size);
    assert_true(n >= 0);
    f->size += (size_t)n;
    return n > 0;
}

static inline void forked_await(struct forked *f, const char *words)
{
    while (strstr(f->text, words) == NULL)
        if (!forked_read(f))
            fail_msg("the child never wrote \"%s\", but: %s", words, f->text);
}

static inline void forked_await_there(struct forked *f)
{
    struct pollfd there = {.fd = f->reached, .events = POLLIN};
    char byte;
    if (poll(&there, 1, FORKED_PATIENCE_MS) != 1 || read(f->reached, &byte, 1) != 1)
        fail_msg("the child is not where it should be: %s", f->text);
}

static inline void forked_go(struct forked *f)
{
    assert_int_equal(write(f->go, "", 1), 1);
}

/* The end of the bytes that let it go on. */
static inline void forked_go_no_more(struct forked *f)
{
    close(f->go);
    f->go = -1;
}

/* Reads the rest of its log; returns its exit status, or minus the signal that ended it. */
static inline int forked_end(struct forked *f)
{
    int status;
    while (forked_read(f))
        continue;
    assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
    close(f->log);
    close(f->reached);
    if (f->go >= 0)
        forked_go_no_more(f);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static inline void then_said(const struct forked *f, const char *words)
{
    if (strstr(f->text, words) == NULL)
        fail_msg("no \"%s\" in: %s", words, f->text);
}

static inline void then_never_said(const struct forked *f, const char *words)
{
    if (strstr(f->text, words) != NULL)
        fail_msg("\"%s\" in: %s", words, f->text);
}

#endif
