#include "watch/stack.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

enum { FRAMES = 64, OWN_FRAMES = 2 /* the handler, and the kernel's way into it */ };

/* The handler writes into the pipe: frames, then an empty line.  It never waits: what has no room
 * is lost. */
static int reading_end = -1;
static _Atomic int writing_end = -1;

static void on_ask(int number)
{
    int before = errno;
    void *frames[FRAMES];
    int n = backtrace(frames, FRAMES);
    (void)number;
    if (writing_end >= 0) {
        if (n > OWN_FRAMES)
            backtrace_symbols_fd(frames + OWN_FRAMES, n - OWN_FRAMES, writing_end);
        ssize_t ignored = write(writing_end, "\n", 1);
        (void)ignored;
    }
    errno = before;
}

int stack_open(struct error *err)
{
    struct sigaction action = {.sa_handler = on_ask, .sa_flags = SA_RESTART | SA_ONSTACK};
    void *frame;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return error_set(err, errno, "make a pipe: %s", strerror(errno));
    reading_end = ends[0];
    writing_end = ends[1];
    backtrace(&frame, 1); /* loads the unwinder, which no signal handler could do */
    sigemptyset(&action.sa_mask);
    sigaction(SIGRTMIN, &action, NULL);
    return 0;
}

void stack_close(void)
{
    int ends[2] = {reading_end, writing_end};
    reading_end = -1;
    writing_end = -1;
    close(ends[0]);
    close(ends[1]);
}

/* A late answer to a question that was given up. */
static void drop_old_answer(void)
{
    char old[1024];
    while (read(reading_end, old, sizeof old) > 0)
        continue;
}

static bool is_complete(const char *text, size_t used)
{
    return used > 0 && text[used - 1] == '\n' && (used == 1 || text[used - 2] == '\n');
}

bool stack_of(pthread_t thread, unsigned ms, char *text, size_t size)
{
    uint64_t deadline = uv_hrtime() + ms * 1000000ULL;
    size_t used = 0;
    drop_old_answer();
    text[0] = '\0';
    if (pthread_kill(thread, SIGRTMIN) != 0)
        return false;
    while (!is_complete(text, used) && used < size - 1) {
        struct pollfd answer = {.fd = reading_end, .events = POLLIN};
        uint64_t now = uv_hrtime();
        if (now >= deadline || poll(&answer, 1, (int)((deadline - now) / 1000000) + 1) < 0)
            return false;
        ssize_t n = read(reading_end, text + used, size - 1 - used);
        if (n > 0)
            used += (size_t)n;
        text[used] = '\0';
    }
    return true;
}
