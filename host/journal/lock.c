#include "journal/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PID_SIZE = 24, HEIR_PAUSE_MS = 10, HEIR_PAUSES = 200 };

static int make_folder(const char *dir, struct error *err)
{
    char *path = strdup(dir);
    if (path == NULL)
        return error_set(err, ENOMEM, "out of memory");
    int status = 0;
    for (char *slash = path; status == 0 && slash != NULL;) {
        slash = strchr(slash + 1, '/');
        if (slash != NULL)
            *slash = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            status = error_set(err, errno, "make %s: %s", path, strerror(errno));
        if (slash != NULL)
            *slash = '/';
    }
    free(path);
    return status;
}

static void read_pid(int fd, char pid[PID_SIZE])
{
    ssize_t n = pread(fd, pid, PID_SIZE - 1, 0);
    pid[n > 0 ? n : 0] = '\0';
    pid[strspn(pid, "0123456789")] = '\0';
}

static bool holder_is_gone(int fd)
{
    char pid[PID_SIZE];
    read_pid(fd, pid);
    long holder = strtol(pid, NULL, 10);
    return holder > 0 && kill((pid_t)holder, 0) != 0 && errno == ESRCH;
}

/* A host that was killed while it started a process may have left it with the lock, which that
 * lets go of when it becomes another program: soon. */
static int take(int fd)
{
    const struct timespec pause = {.tv_nsec = HEIR_PAUSE_MS * 1000000L};
    for (int tries = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; tries++) {
        if (errno != EWOULDBLOCK)
            return -1;
        if (tries == HEIR_PAUSES || !holder_is_gone(fd)) {
            errno = EWOULDBLOCK;
            return -1;
        }
        nanosleep(&pause, NULL);
    }
    return 0;
}

static int refuse(int fd, const char *dir, struct error *err)
{
    char pid[PID_SIZE];
    read_pid(fd, pid);
    return error_set(err, EBUSY, "another walltrackd (pid %s) uses %s",
                     pid[0] != '\0' ? pid : "unknown", dir);
}

static int write_pid(int fd, const char *path, struct error *err)
{
    char pid[24];
    int size = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)size, 0) != size)
        return error_set(err, errno, "%s: %s", path, strerror(errno));
    return 0;
}

int lock_take(const char *dir, struct error *err)
{
    char *path = NULL;
    int fd = -1;
    if (make_folder(dir, err) != 0)
        return -1;
    if (asprintf(&path, "%s/lock", dir) < 0)
        return error_set(err, ENOMEM, "out of memory");
    fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
    if (fd < 0) {
        error_set(err, errno, "%s: %s", path, strerror(errno));
        goto fail;
    }
    if (take(fd) != 0) {
        if (errno == EWOULDBLOCK)
            refuse(fd, dir, err);
        else
            error_set(err, errno, "%s: %s", path, strerror(errno));
        goto fail;
    }
    if (write_pid(fd, path, err) != 0)
        goto fail;
    free(path);
    return fd;
fail:
    lock_drop(fd);
    free(path);
    return -1;
}

void lock_drop(int lock)
{
    if (lock >= 0)
        close(lock);
}
