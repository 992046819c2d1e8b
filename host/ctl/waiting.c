#include "ctl/waiting.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "ctl/arguments.h"

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

void waiting_catch_interrupts(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    const struct sigaction action = {.sa_handler = on_interrupt};
    interrupted = 0;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaction(signals[i], &action, NULL);
}

bool waiting_is_interrupted(void)
{
    return interrupted != 0;
}

double waiting_now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void waiting_pause(long milliseconds)
{
    const struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

int waiting_timeout(const struct arguments *a, double *out, struct error *err)
{
    const char *text = arguments_option(a, "timeout");
    char *end;
    *out = INFINITY;
    if (text == NULL)
        return 0;
    if (arguments_find_option(a->command, "wait") != NULL && arguments_option(a, "wait") == NULL)
        return error_set(err, EINVAL, "--timeout is of use only with --wait");
    *out = strtod(text, &end);
    if (end == text || *end != '\0' || !(*out > 0))
        return error_set(err, EINVAL, "--timeout: '%.40s' is not a number of seconds", text);
    return 0;
}
