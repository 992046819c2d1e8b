#include "run/keeper.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The signal that the kernel sends us when the host's loop thread is gone. */
enum { HOST_DIED = SIGUSR1 };

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void limit(enum __rlimit_resource what, int64_t most, int64_t hardest)
{
    struct rlimit limit;
    if (most <= 0 || getrlimit(what, &limit) != 0)
        return;
    if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max > (rlim_t)hardest)
        limit.rlim_max = (rlim_t)hardest;
    limit.rlim_cur = (rlim_t)most < limit.rlim_max ? (rlim_t)most : limit.rlim_max;
    setrlimit(what, &limit);
}

/* The kernel, short of memory, shall end an engine rather than the host. */
static void offer_to_be_killed(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t ignored = write(fd, "500", 3);
    (void)ignored;
    close(fd);
}

/* What a process of the engine may use; at the end of its processor time SIGXCPU tells it, a second
 * later it is killed. */
static void take_limits(const char *text)
{
    int64_t most[4] = {0}; /* memory, processor time, file, descriptors */
    for (size_t i = 0; i < sizeof most / sizeof most[0]; i++) {
        char *end;
        most[i] = strtoll(text, &end, 10);
        text = *end == ',' ? end + 1 : end;
    }
    limit(RLIMIT_AS, most[0], most[0]);
    limit(RLIMIT_CPU, most[1], most[1] + 1);
    limit(RLIMIT_FSIZE, most[2], most[2]);
    limit(RLIMIT_NOFILE, most[3], most[3]);
}

/* In the new process: a session of its own, no inherited descriptors but the three, and no way
 * to outlive the keeper. */
static void become_engine(pid_t keeper, const char *limits, char **command)
{
    sigset_t none;
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != keeper)
        _exit(KEEPER_CANNOT_START); /* it died before the request above could count */
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    offer_to_be_killed();
    take_limits(limits);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    close_range(3, ~0U, 0);
    execv(command[0], command);
    fprintf(stderr, "cannot start %s: %s\n", command[0], strerror(errno));
    _exit(KEEPER_CANNOT_START);
}

/* The keeper must not hold the engine's pipes open. */
static void let_go_of_pipes(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd <= 2 && null >= 0; fd++)
        dup2(null, fd);
}

/* The parent of a process, from /proc/PID/stat: "pid (name) state ppid …".  -1 when gone. */
static pid_t parent_of(const char *pid)
{
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    if (size <= 0)
        return -1;
    text[size] = '\0';
    const char *name_end = strrchr(text, ')'); /* a name may hold anything, also ')' */
    if (name_end == NULL || strlen(name_end) < 5)
        return -1;
    return (pid_t)strtol(name_end + 4, NULL, 10);
}

/* Kills our children.  Theirs become ours as they die, so repeating it reaches all. */
static void kill_children(void)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    if (proc == NULL)
        return;
    while ((entry = readdir(proc)) != NULL)
        if (isdigit((unsigned char)entry->d_name[0]) && parent_of(entry->d_name) == getpid())
            kill((pid_t)strtol(entry->d_name, NULL, 10), SIGKILL);
    closedir(proc);
}

/* Reaps until nobody is left below us; *status is the engine's if it was among them. */
static void kill_all(pid_t engine, int *status)
{
    for (;;) {
        kill(-engine, SIGKILL);
        kill_children();
        int one;
        pid_t pid = waitpid(-1, &one, 0);
        if (pid < 0 && errno == ECHILD)
            return;
        if (pid == engine)
            *status = one;
    }
}

/* Reaps what has ended; true when the engine is among it. */
static bool reap(pid_t engine, int *status)
{
    bool ended = false;
    int one;
    pid_t pid;
    while ((pid = waitpid(-1, &one, WNOHANG)) > 0) {
        if (pid == engine) {
            *status = one;
            ended = true;
        }
    }
    return ended;
}

/* Waits for what happens first and acts on it, until the engine has ended or must be killed. */
static void keep(pid_t engine, const sigset_t *signals, int64_t grace_ms, int *status)
{
    int64_t kill_at = -1;
    for (;;) {
        struct timespec wait = {3600, 0};
        if (kill_at >= 0) {
            int64_t left = kill_at - now_ms();
            if (left <= 0)
                return;
            wait = (struct timespec){left / 1000, (left % 1000) * 1000000};
        }
        int number = sigtimedwait(signals, NULL, &wait);
        if (number == HOST_DIED)
            return;
        if (number == SIGTERM && kill_at < 0) {
            kill(-engine, SIGTERM);
            kill_at = now_ms() + grace_ms;
        }
        if (reap(engine, status))
            return;
    }
}

/* Ends the way the engine did. */
static int end_as(int status)
{
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    struct rlimit no_core = {0, 0};
    sigset_t one;
    setrlimit(RLIMIT_CORE, &no_core);
    signal(WTERMSIG(status), SIG_DFL);
    sigemptyset(&one);
    sigaddset(&one, WTERMSIG(status));
    raise(WTERMSIG(status));
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    return 128 + WTERMSIG(status);
}

int keeper_main(int argc, char **argv)
{
    if (argc < 6) {
        fprintf(stderr, "%s is for walltrackd's own use\n", KEEPER_OPTION);
        return 2;
    }
    pid_t host = (pid_t)strtol(argv[2], NULL, 10);
    int64_t grace_ms = strtoll(argv[3], NULL, 10);

    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, HOST_DIED);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_PDEATHSIG, HOST_DIED);
    if (getppid() != host)
        return KEEPER_CANNOT_START; /* it died before the request above could count */

    pid_t keeper = getpid();
    pid_t engine = fork();
    if (engine < 0) {
        fprintf(stderr, "cannot start %s: %s\n", argv[5], strerror(errno));
        return KEEPER_CANNOT_START;
    }
    if (engine == 0)
        become_engine(keeper, argv[4], argv + 5);

    int status = SIGKILL; /* as waitpid() would report a kill */
    let_go_of_pipes();
    keep(engine, &signals, grace_ms, &status);
    kill_all(engine, &status);
    return end_as(status);
}
