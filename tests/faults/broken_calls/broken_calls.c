/* broken_calls: loaded before the C library, it lets one call of the host fail.
 *
 *     WALLTRACK_BREAK=CALL:N:ERRNO:TIMES:NOTE
 *
 * From the Nth call of CALL (pwrite, write, sync, truncate, open, or malloc) on, TIMES calls fail
 * with that number (0 for a short write); then all is well again.  Calls on files count when the
 * file is in a folder named "state".  The file NOTE is made when the first one fails.  Only the
 * host itself is affected, none of its children. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);

enum call { CALL_PWRITE, CALL_WRITE, CALL_SYNC, CALL_TRUNCATE, CALL_OPEN, CALL_MALLOC, CALLS };

static struct {
    bool armed;
    enum call call;
    long n, times;
    int error;
    char note[256];
    atomic_long passed;
} plan;

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_fsync)(int), (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off_t);
static int (*real_open)(const char *, int, ...);

/* Whether this process is a host, and none of those that it starts. */
static bool is_host(void)
{
    char line[512] = "";
    int fd = real_open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, line, sizeof line - 1) : 0;
    if (fd >= 0)
        close(fd);
    return n > 0 && memmem(line, (size_t)n, "walltrackd\0--config", sizeof "walltrackd\0--config");
}

static void read_plan(void)
{
    static const char *const names[CALLS] = {"pwrite",   "write", "sync",
                                             "truncate", "open",  "malloc"};
    char name[16];
    const char *text = getenv("WALLTRACK_BREAK");
    if (text == NULL || sscanf(text, "%15[^:]:%ld:%d:%ld:%255s", name, &plan.n, &plan.error,
                               &plan.times, plan.note) != 5)
        return;
    while (plan.call < CALLS && strcmp(names[plan.call], name) != 0)
        plan.call++;
    plan.armed = plan.call < CALLS && is_host();
}

__attribute__((constructor)) static void start(void)
{
    *(void **)&real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    *(void **)&real_write = dlsym(RTLD_NEXT, "write");
    *(void **)&real_fsync = dlsym(RTLD_NEXT, "fsync");
    *(void **)&real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    *(void **)&real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    *(void **)&real_open = dlsym(RTLD_NEXT, "open64");
    read_plan();
}

static void note(void)
{
    int fd = real_open(plan.note, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
}

/* Counts the call; true when it is one of those that fail. */
static bool fails(enum call call)
{
    if (!plan.armed || plan.call != call)
        return false;
    long at = atomic_fetch_add(&plan.passed, 1) + 1;
    if (at < plan.n || at >= plan.n + plan.times)
        return false;
    if (at == plan.n)
        note();
    errno = plan.error;
    return true;
}

static bool is_state(int fd)
{
    char name[32], path[512];
    if (!plan.armed)
        return false;
    (void)snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(name, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    return strstr(path, "/state/") != NULL;
}

#define PUBLIC __attribute__((visibility("default")))

PUBLIC ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t at)
{
    if (plan.call == CALL_PWRITE && is_state(fd) && fails(CALL_PWRITE))
        return plan.error != 0 ? -1 : real_pwrite(fd, bytes, size / 2, at);
    return real_pwrite(fd, bytes, size, at);
}

PUBLIC ssize_t write(int fd, const void *bytes, size_t size)
{
    if (plan.call == CALL_WRITE && is_state(fd) && fails(CALL_WRITE))
        return -1;
    return real_write(fd, bytes, size);
}

PUBLIC int fsync(int fd)
{
    return plan.call == CALL_SYNC && fails(CALL_SYNC) ? -1 : real_fsync(fd);
}

PUBLIC int fdatasync(int fd)
{
    return plan.call == CALL_SYNC && fails(CALL_SYNC) ? -1 : real_fdatasync(fd);
}

PUBLIC int ftruncate64(int fd, off_t size)
{
    if (plan.call == CALL_TRUNCATE && is_state(fd) && fails(CALL_TRUNCATE))
        return -1;
    return real_ftruncate(fd, size);
}

PUBLIC int open64(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;
    va_end(args);
    if (plan.call == CALL_OPEN && strstr(path, "/state/") != NULL && fails(CALL_OPEN))
        return -1;
    return real_open(path, flags, mode);
}

#ifndef SANITIZED
PUBLIC void *malloc(size_t size)
{
    return fails(CALL_MALLOC) ? NULL : __libc_malloc(size);
}

PUBLIC void *calloc(size_t n, size_t size)
{
    return fails(CALL_MALLOC) ? NULL : __libc_calloc(n, size);
}

PUBLIC void *realloc(void *old, size_t size)
{
    return fails(CALL_MALLOC) ? NULL : __libc_realloc(old, size);
}
#endif
