#include "fault_point.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { UNREAD, NONE, ONE };

/* What the environment asks for. */
static struct {
    atomic_int state;
    atomic_long left;
    char name[64], action[32];
} fault_point_asked;

/* Two threads may both do it, with the same outcome. */
static int read_environment(void)
{
    long count = 0;
    const char *text = getenv("WALLTRACK_FAULT");
    int found = NONE;
    if (text != NULL && sscanf(text, "%63[^:]:%ld:%31s", fault_point_asked.name, &count,
                               fault_point_asked.action) == 3)
        found = ONE;
    int unread = UNREAD;
    if (found == ONE)
        fault_point_asked.left = count;
    (void)atomic_compare_exchange_strong(&fault_point_asked.state, &unread, found);
    return found;
}

static void act(void)
{
    char *then = fault_point_asked.action;
    long ms = strtol(then, &then, 10);
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&pause, NULL);
    if (strcmp(then, "kill") == 0)
        (void)kill(getpid(), SIGKILL);
    else if (strcmp(then, "abort") == 0)
        abort();
}

void fault_point(const char *name)
{
    int now = fault_point_asked.state;
    if (now == UNREAD)
        now = read_environment();
    if (now == ONE && strcmp(name, fault_point_asked.name) == 0 &&
        atomic_fetch_sub(&fault_point_asked.left, 1) == 1)
        act();
}
