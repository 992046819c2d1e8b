/* Happy path: the loop's thread counts its turns, the watchdog's compares the count with the one it
 * saw before.  An odd count is a turn under way, an even one a wait for events; the same odd count
 * at each look is a stall, the same even one twice lets the thread sleep.
 *
 * Failure modes: the log may be what the loop waits for, so that the thread writes only what is
 * taken at once; a loop's thread that takes no signal has no stack to show. */
#include "watch/watchdog.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "journal/thread.h"
#include "log.h"
#include "watch/call.h"
#include "watch/stack.h"

enum { TICKS_A_TRACE = 10, TICK_MAX_MS = 100, STACK_MS = 200, STACK_BYTES = 16384 };

struct watchdog {
    uv_loop_t *loop;
    struct watchdog_limits limits;
    uint64_t tick_ms;
    uv_thread_t thread;
    pthread_t loop_thread;
    const struct call *call; /* the loop thread's mark */

    _Atomic uint64_t turns; /* odd: one is under way; written by the loop's thread */
    _Atomic bool asleep;    /* the thread is, or is about to be */
    _Atomic uint64_t stalls, longest_ms;
    uint64_t turn_began_ns, longest_turn_ns; /* the loop's thread's alone */

    uv_mutex_t mutex;
    uv_cond_t changed;
    bool stop; /* under the mutex */

    /* The thread's alone. */
    uint64_t seen;     /* of the turns, at the last look */
    uint64_t stood_ms; /* for how long the turn has been seen to last */
    bool told;         /* of this stall */
    struct call_name name;
    bool in_plugin; /* the name is one */
};

/* ---- the loop's side ---- */

static void wake(struct watchdog *w)
{
    uv_mutex_lock(&w->mutex);
    w->asleep = false;
    uv_cond_signal(&w->changed);
    uv_mutex_unlock(&w->mutex);
}

/* Either the thread sees that the count has changed before it sleeps, or it is seen here to sleep:
 * both sides write first and read then, in one order for all. */
static void begin_turn(struct watchdog *w)
{
    w->turns++;
    w->turn_began_ns = uv_hrtime();
    if (w->asleep)
        wake(w);
}

static void end_turn(struct watchdog *w)
{
    uint64_t took_ns = uv_hrtime() - w->turn_began_ns;
    if (took_ns > w->longest_turn_ns)
        w->longest_turn_ns = took_ns;
    w->turns++;
}

/* 0: libuv has something to do before it can wait, such as descriptors that the kernel has not been
 * told of.  -1: for ever. */
static int time_to_wait(uv_loop_t *loop)
{
    int ms = uv_backend_timeout(loop);
    if (ms <= 0)
        return ms;
    uv_update_time(loop); /* the callbacks have taken some */
    return uv_backend_timeout(loop);
}

static void wait_for_events(struct watchdog *w)
{
    int ms = time_to_wait(w->loop);
    struct pollfd events = {.fd = uv_backend_fd(w->loop), .events = POLLIN};
    end_turn(w);
    if (ms != 0)
        poll(&events, 1, ms);
    begin_turn(w);
}

void watchdog_run(struct watchdog *w)
{
    do
        wait_for_events(w);
    while (uv_run(w->loop, UV_RUN_NOWAIT) != 0);
}

/* ---- what it says ---- */

static bool log_takes_a_line(void)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0;
}

/* `end` follows the time. */
static void say(const struct watchdog *w, enum log_level level, const char *end)
{
    if (!log_takes_a_line())
        return;
    double seconds = (double)w->stood_ms / 1000;
    if (w->in_plugin)
        log_line(level, "watchdog", "%s has blocked the loop in %s for %.1f s%s", w->name.who,
                 w->name.what, seconds, end);
    else
        log_line(level, "watchdog", "the host itself has blocked the loop for %.1f s%s", seconds,
                 end);
}

static void say_stack(char *text)
{
    char *rest;
    for (char *frame = strtok_r(text, "\n", &rest); frame != NULL;
         frame = strtok_r(NULL, "\n", &rest))
        if (log_takes_a_line())
            log_line(LOG_WARNING, "watchdog", "  %s", frame);
}

static void trace(struct watchdog *w)
{
    char text[STACK_BYTES];
    bool answered = stack_of(w->loop_thread, STACK_MS, text, sizeof text);
    if (w->turns != w->seen) { /* the stack is of something else */
        say(w, LOG_WARNING, "");
        return;
    }
    say(w, LOG_WARNING, "; its stack:");
    say_stack(text);
    if (!answered && log_takes_a_line())
        log_line(LOG_WARNING, "watchdog", "  no stack: the thread takes no signal");
}

static void abort_host(const struct watchdog *w)
{
    say(w, LOG_ERROR,
        w->in_plugin ? ": aborting; the next start uses the last good build" : ": aborting");
    signal(SIGABRT, SIG_DFL); /* all has been said */
    abort();
}

/* ---- the thread ---- */

static void look_at_stall(struct watchdog *w)
{
    if (w->stood_ms < w->limits.trace_ms)
        return;
    if (w->stood_ms > w->longest_ms)
        w->longest_ms = w->stood_ms;
    w->in_plugin = call_name(w->call, &w->name);
    if (!w->told) {
        w->told = true;
        w->stalls++;
        trace(w);
    }
    if (w->limits.abort_ms != 0 && w->stood_ms >= w->limits.abort_ms && w->turns == w->seen)
        abort_host(w);
}

static void go_on(struct watchdog *w, uint64_t turns)
{
    if (w->told)
        say(w, LOG_WARNING, "; it goes on now");
    w->told = false;
    w->stood_ms = 0;
    w->seen = turns;
}

static void fall_asleep(struct watchdog *w)
{
    w->asleep = true;
    if (w->turns != w->seen)
        w->asleep = false;
}

static void look(struct watchdog *w, uint64_t since_last_ms)
{
    uint64_t turns = w->turns;
    if (turns != w->seen) {
        go_on(w, turns);
    } else if (turns % 2 == 0) {
        fall_asleep(w);
    } else {
        w->stood_ms += since_last_ms < w->tick_ms ? since_last_ms : w->tick_ms;
        look_at_stall(w);
    }
}

static void tick(struct watchdog *w)
{
    uint64_t before = uv_hrtime();
    uv_cond_timedwait(&w->changed, &w->mutex, w->tick_ms * 1000000);
    if (w->stop)
        return;
    uv_mutex_unlock(&w->mutex);
    look(w, (uv_hrtime() - before) / 1000000);
    uv_mutex_lock(&w->mutex);
}

static void watch(void *arg)
{
    struct watchdog *w = arg;
    uv_mutex_lock(&w->mutex);
    while (!w->stop) {
        if (w->asleep) {
            uv_cond_wait(&w->changed, &w->mutex);
            w->seen = w->turns;
        } else {
            tick(w);
        }
    }
    uv_mutex_unlock(&w->mutex);
    go_on(w, w->turns);
}

/* ---- its life ---- */

static uint64_t tick_length(uint64_t trace_ms)
{
    uint64_t ms = trace_ms / TICKS_A_TRACE;
    return ms == 0 ? 1 : ms > TICK_MAX_MS ? TICK_MAX_MS : ms;
}

static void free_locks(struct watchdog *w)
{
    uv_cond_destroy(&w->changed);
    uv_mutex_destroy(&w->mutex);
    free(w);
}

static int begin(struct watchdog *w, struct error *err)
{
    if (stack_open(err) != 0)
        return -1;
    if (thread_start(&w->thread, "watchdog", watch, w, err) == 0)
        return 0;
    stack_close();
    return -1;
}

int watchdog_start(uv_loop_t *loop, const struct watchdog_limits *limits, struct watchdog **out,
                   struct error *err)
{
    struct watchdog *w = calloc(1, sizeof *w);
    if (w == NULL)
        return error_set(err, ENOMEM, "out of memory");
    assert(limits->trace_ms > 0);
    w->loop = loop;
    w->limits = *limits;
    w->tick_ms = tick_length(limits->trace_ms);
    w->loop_thread = pthread_self();
    w->call = &call_here;
    w->turns = 1;
    w->seen = 1;
    w->turn_began_ns = uv_hrtime();
    int code = uv_mutex_init(&w->mutex);
    if (code == 0 && (code = uv_cond_init(&w->changed)) != 0)
        uv_mutex_destroy(&w->mutex);
    if (code != 0) {
        free(w);
        return error_set(err, -code, "start the watchdog: %s", uv_strerror(code));
    }
    if (begin(w, err) != 0) {
        free_locks(w);
        return error_wrap(err, "start the watchdog");
    }
    *out = w;
    return 0;
}

void watchdog_stop(struct watchdog *w)
{
    if (w == NULL)
        return;
    uv_mutex_lock(&w->mutex);
    w->stop = true;
    uv_cond_signal(&w->changed);
    uv_mutex_unlock(&w->mutex);
    uv_thread_join(&w->thread);
    stack_close();
    free_locks(w);
}

struct watchdog_stats watchdog_stats(const struct watchdog *w)
{
    if (w == NULL)
        return (struct watchdog_stats){0};
    return (struct watchdog_stats){
        .stalls = w->stalls,
        .longest_ms = w->longest_ms,
        .turns = w->turns / 2,
        .longest_turn_us = w->longest_turn_ns / 1000,
    };
}
