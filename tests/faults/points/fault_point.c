#include "fault_point.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { UNREAD, NONE, ONE };

static atomic_int state;
static atomic_long left;
static char wanted[64], action[32];

/* Two threads may both do it, with the same outcome. */
static int read_environment(void)
{
    long count = 0;
    const char *text = getenv("WALLTRACK_FAULT");
    int found = NONE;
    if (text != NULL && sscanf(text, "%63[^:]:%ld:%31s", wanted, &count, action) == 3)
        found = ONE;
    int unread = UNREAD;
    if (found == ONE)
        left = count;
    (void)atomic_compare_exchange_strong(&state, &unread, found);
    return found;
}

static void act(void)
{
    char *then = action;
    long ms = strtol(action, &then, 10);
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&pause, NULL);
    if (strcmp(then, "kill") == 0)
        (void)kill(getpid(), SIGKILL);
    else if (strcmp(then, "abort") == 0)
        abort();
}

void fault_point(const char *name)
{
    int now = state;
    if (now == UNREAD)
        now = read_environment();
    if (now == ONE && strcmp(name, wanted) == 0 && atomic_fetch_sub(&left, 1) == 1)
        act();
}
