#include "support/process.h"
#include "support/failure.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/failure.h"

enum { RUN_MS = 60000, EXEC_FAILED = 127 };

long process_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void process_pause_ms(long ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&pause, NULL);
}

static const struct passwd *postgres_user(void)
{
    const struct passwd *user = getpwnam("postgres");
    if (user == NULL)
        cannot_go_on("there is no user postgres: install the package postgresql");
    return user;
}

void process_give_to_postgres(const char *path)
{
    if (geteuid() != 0)
        return;
    const struct passwd *user = postgres_user();
    if (chown(path, user->pw_uid, user->pw_gid) != 0)
        cannot_go_on("chown %s: %s", path, strerror(errno));
}

/* "15" sorts after "9" only as a number. */
static int major_of(const char *path)
{
    return atoi(path + strlen("/usr/lib/postgresql/")); /* NOLINT(cert-err34-c): 0 will do */
}

const char *process_postgres_program(const char *name)
{
    static char path[256];
    glob_t found = {0};
    int newest = -1;
    path[0] = '\0';
    if (glob("/usr/lib/postgresql/*/bin/postgres", 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            if (major_of(found.gl_pathv[i]) > newest)
                newest = major_of(found.gl_pathv[i]);
    globfree(&found);
    if (newest < 0)
        cannot_go_on("no /usr/lib/postgresql/*/bin/postgres: install the package postgresql");
    (void)snprintf(path, sizeof path, "/usr/lib/postgresql/%d/bin/%s", newest, name);
    return path;
}

/* ---- in the child, between fork and exec ---- */

static _Noreturn void child_failed(const char *what)
{
    (void)dprintf(STDERR_FILENO, "%s: %s\n", what, strerror(errno));
    _exit(EXEC_FAILED);
}

static void redirect(const char *path, int flags, int from, int to)
{
    int fd = open(path, O_WRONLY | O_CREAT | flags, 0644);
    if (fd < 0)
        child_failed(path);
    (void)dup2(fd, from);
    if (to != from)
        (void)dup2(fd, to);
    close(fd);
}

static void become(const struct passwd *user)
{
    if (setgroups(0, NULL) != 0 || setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0)
        child_failed("become the user postgres");
    (void)setenv("HOME", user->pw_dir, 1);
}

static void arrange(const struct process_options *o, const struct passwd *user)
{
    if (o->log != NULL)
        redirect(o->log, O_APPEND, STDOUT_FILENO, STDERR_FILENO);
    if (o->output != NULL)
        redirect(o->output, O_TRUNC, STDOUT_FILENO, STDOUT_FILENO);
    if (o->directory != NULL && chdir(o->directory) != 0)
        child_failed(o->directory);
    for (size_t i = 0; o->set != NULL && o->set[i] != NULL; i++)
        (void)putenv((char *)o->set[i]);
    if (user != NULL)
        become(user);
}

/* Setting a user id clears the death signal, so it comes last; by then the parent may be gone. */
static void die_with(pid_t parent, int death_signal)
{
    (void)prctl(PR_SET_PDEATHSIG, death_signal != 0 ? death_signal : SIGKILL);
    if (getppid() != parent)
        _exit(EXEC_FAILED);
}

/* ---- in the parent ---- */

pid_t process_start(const char *const argv[], const struct process_options *options)
{
    const struct passwd *user = options->as_postgres && geteuid() == 0 ? postgres_user() : NULL;
    pid_t parent = getpid();
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        cannot_go_on("fork: %s", strerror(errno));
    if (pid > 0)
        return pid;
    arrange(options, user);
    int null = open("/dev/null", O_RDONLY);
    (void)dup2(null, STDIN_FILENO);
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    die_with(parent, options->death_signal);
    (void)execvp(argv[0], (char *const *)argv);
    child_failed(argv[0]);
}

static bool ended_within(pid_t pid, int ms)
{
    int fd = pidfd_open(pid, 0);
    if (fd < 0)
        cannot_go_on("pidfd_open %d: %s", (int)pid, strerror(errno));
    long deadline = process_now_ms() + ms;
    int n = 0;
    do {
        long left = deadline - process_now_ms();
        struct pollfd watched = {.fd = fd, .events = POLLIN};
        n = poll(&watched, 1, left > 0 ? (int)left : 0);
    } while (n < 0 && errno == EINTR);
    close(fd);
    return n == 1;
}

bool process_wait(pid_t pid, int ms, int *status)
{
    int raw = 0;
    if (!ended_within(pid, ms))
        return false;
    if (waitpid(pid, &raw, 0) != pid)
        cannot_go_on("waitpid %d: %s", (int)pid, strerror(errno));
    *status = WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
    return true;
}

int process_run(const char *const argv[], const struct process_options *options)
{
    pid_t pid = process_start(argv, options);
    int status = -1;
    if (process_wait(pid, RUN_MS, &status))
        return status;
    (void)process_stop(pid, SIGKILL, RUN_MS);
    cannot_go_on("%s did not end within %d s", argv[0], RUN_MS / 1000);
}

int process_stop(pid_t pid, int signal, int ms)
{
    int status = -1;
    if (pid <= 0)
        cannot_go_on("process %d is not one to stop", (int)pid);
    (void)kill(pid, signal);
    if (process_wait(pid, ms, &status))
        return status;
    (void)kill(pid, SIGKILL);
    if (!process_wait(pid, RUN_MS, &status))
        cannot_go_on("process %d survives SIGKILL", (int)pid);
    return status;
}
