#include "admin/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A crowd that connects anew as soon as it is refused must not fill it: then a client that does not
 * wait in connect(2), such as libcurl, is turned away by the kernel. */
enum { BACKLOG = 4096 };

struct listener {
    int fd, lock;
    char path[sizeof((struct sockaddr_un *)NULL)->sun_path];
    bool bound; /* device and inode are those of our socket */
    dev_t device;
    ino_t inode;
};

static int failed(struct error *err, const char *what, const char *path)
{
    return error_set(err, errno, "%s %s: %s", what, path, strerror(errno));
}

/* The directory keeps others away while the socket is being made, so it must be nobody else's. */
static int check_directory(const char *path, struct error *err)
{
    struct stat st;
    if (mkdir(path, 0750) != 0 && errno != EEXIST)
        return failed(err, "cannot make", path);
    if (stat(path, &st) != 0)
        return failed(err, "cannot look at", path);
    if (!S_ISDIR(st.st_mode))
        return error_set(err, ENOTDIR, "%s is not a directory", path);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return error_set(err, EPERM, "%s belongs to user %ld, not to this user or root", path,
                         (long)st.st_uid);
    if ((st.st_mode & S_IWOTH) != 0)
        return error_set(err, EPERM, "%s can be written by everybody", path);
    return 0;
}

static int take_lock(struct listener *l, struct error *err)
{
    char path[sizeof l->path + 8];
    snprintf(path, sizeof path, "%s.lock", l->path);
    l->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (l->lock < 0)
        return failed(err, "cannot open", path);
    if (flock(l->lock, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (errno == EWOULDBLOCK)
        return error_set(err, EADDRINUSE, "another walltrackd listens on %s", l->path);
    return failed(err, "cannot lock", path);
}

static int set_access(const char *path, mode_t mode, const char *group, struct error *err)
{
    if (group != NULL) {
        const struct group *entry = getgrnam(group);
        if (entry == NULL)
            return error_set(err, ENOENT, "there is no group '%s'", group);
        if (lchown(path, (uid_t)-1, entry->gr_gid) != 0)
            return error_set(err, errno, "cannot give %s to group %s: %s", path, group,
                             strerror(errno));
    }
    if (chmod(path, mode) != 0)
        return failed(err, "cannot set the mode of", path);
    return 0;
}

/* Binds to a name that nobody connects to, under a umask that lets only the owner in; the real
 * name appears when mode and group are right and the socket listens. */
static int bind_private(struct listener *l, mode_t mode, const char *group, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int n = snprintf(address.sun_path, sizeof address.sun_path, "%s~", l->path);
    if (n < 0 || (size_t)n >= sizeof address.sun_path)
        return error_set(err, ENAMETOOLONG, "%s is too long for a socket", l->path);
    unlink(address.sun_path); /* left by a process that was killed here; we hold the lock */

    mode_t before = umask(0177);
    int status = bind(l->fd, (const struct sockaddr *)&address, sizeof address);
    umask(before);
    if (status != 0)
        return failed(err, "cannot bind", address.sun_path);

    struct stat st;
    if (set_access(address.sun_path, mode, group, err) != 0)
        goto fail;
    if (listen(l->fd, BACKLOG) != 0 || lstat(address.sun_path, &st) != 0 ||
        rename(address.sun_path, l->path) != 0) {
        failed(err, "cannot listen on", l->path);
        goto fail;
    }
    l->device = st.st_dev;
    l->inode = st.st_ino;
    l->bound = true;
    return 0;

fail:
    unlink(address.sun_path);
    return -1;
}

/* What is renamed over must be a socket, not somebody's file. */
static int check_place(const char *path, struct error *err)
{
    struct stat st;
    if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
        return error_set(err, EEXIST, "%s exists and is not a socket", path);
    return 0;
}

int listener_open(const char *path, mode_t mode, const char *group, struct listener **out,
                  struct error *err)
{
    struct listener *l = calloc(1, sizeof *l);
    if (l == NULL)
        return error_set(err, ENOMEM, "out of memory");
    l->fd = l->lock = -1;

    if (path[0] != '/') {
        error_set(err, EINVAL, "admin.socket: '%s' is not an absolute path", path);
        goto fail;
    }
    if (strlen(path) + 2 > sizeof l->path) { /* the temporary name has one more */
        error_set(err, ENAMETOOLONG,
                  "admin.socket: '%s' has %zu bytes, a socket's path at most %zu", path,
                  strlen(path), sizeof l->path - 2);
        goto fail;
    }
    memcpy(l->path, path, strlen(path) + 1);
    char folder[sizeof l->path];
    memcpy(folder, l->path, sizeof folder);
    if (check_directory(dirname(folder), err) != 0 || take_lock(l, err) != 0 ||
        check_place(l->path, err) != 0)
        goto fail;
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0) {
        failed(err, "cannot make a socket for", path);
        goto fail;
    }
    if (bind_private(l, mode, group, err) != 0)
        goto fail;
    *out = l;
    return 0;

fail:
    listener_close(l);
    return -1;
}

void listener_close(struct listener *l)
{
    if (l == NULL)
        return;
    struct stat st;
    if (l->bound && lstat(l->path, &st) == 0 && st.st_dev == l->device && st.st_ino == l->inode)
        unlink(l->path);
    if (l->fd >= 0)
        close(l->fd);
    if (l->lock >= 0)
        close(l->lock); /* its file stays: removing it would let two processes hold two locks */
    free(l);
}

int listener_fd(const struct listener *l)
{
    return l->fd;
}
