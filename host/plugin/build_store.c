/* Happy path: open inside the folder, look at owner and mode, read whole, look again, check, hash,
 * write under a name of its own, sync, rename, sync the folder.
 *
 * Failure modes: anything unusual about the file is the operator's to mend, and is said in terms of
 * what to do.  A file that changes under the reader is refused: it should be replaced by rename. */
#include "plugin/build_store.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "elf/elf_check.h"

enum { SIZE_MAX_MIB = 64, SIZE_MOST = SIZE_MAX_MIB << 20 };

/* ---- the operator's file ---- */

/* The name inside the folder, or NULL: `path` may be absolute when its folder is the plugins'. */
static const char *name_inside(const struct build_order *order, struct error *err)
{
    const char *slash = strrchr(order->path, '/');
    const char *name = slash != NULL ? slash + 1 : order->path;
    if (slash != NULL) {
        char *folder = g_path_get_dirname(order->path);
        struct stat a, b;
        bool same = order->path[0] == '/' && stat(folder, &a) == 0 &&
                    stat(order->plugin_dir, &b) == 0 && a.st_dev == b.st_dev &&
                    a.st_ino == b.st_ino;
        g_free(folder);
        if (!same) {
            error_set(err, EACCES, "%s is not inside the plugin folder %s: copy it there",
                      order->path, order->plugin_dir);
            return NULL;
        }
    }
    if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        error_set(err, EINVAL, "'%s' is not the name of a file", order->path);
        return NULL;
    }
    return name;
}

/* Only root and we may be able to change what we are going to run. */
static int check_writers(const struct stat *s, const char *what, struct error *err)
{
    if (s->st_uid != 0 && s->st_uid != geteuid())
        return error_set(err, EPERM,
                         "%s belongs to user %u: only root or the host's user (%u) may "
                         "own it",
                         what, (unsigned)s->st_uid, (unsigned)geteuid());
    bool by_group = (s->st_mode & S_IWGRP) != 0 && s->st_gid != 0 && s->st_gid != getegid();
    bool by_all = (s->st_mode & S_IWOTH) != 0 && !S_ISDIR(s->st_mode);
    bool by_all_folder =
        S_ISDIR(s->st_mode) && (s->st_mode & S_IWOTH) != 0 && (s->st_mode & S_ISVTX) == 0;
    if (by_group || by_all || by_all_folder)
        return error_set(err, EPERM, "%s can be written by others (mode %04o): chmod go-w", what,
                         (unsigned)s->st_mode & 07777);
    return 0;
}

/* A link may lead to another file of the folder, never out of it. */
static int open_beneath(int folder, const char *name)
{
    struct open_how how = {
        .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    int fd = (int)syscall(SYS_openat2, folder, name, &how, sizeof how);
    if (fd < 0 && (errno == ENOSYS || errno == EPERM)) /* an old kernel, or a sandbox */
        fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
    return fd;
}

static const char *cannot_open(int number)
{
    return number == EXDEV || number == ELOOP ? "it is a link that leads out of the plugin folder"
                                              : g_strerror(number);
}

static int open_file(const struct build_order *order, const char *name, struct error *err)
{
    struct stat s;
    int folder = open(order->plugin_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return error_set(err, errno, "cannot open the plugin folder %s: %s", order->plugin_dir,
                         g_strerror(errno));
    int fd = -1;
    if (fstat(folder, &s) == 0 && check_writers(&s, "the plugin folder", err) == 0) {
        fd = open_beneath(folder, name);
        if (fd < 0)
            error_set(err, errno, "cannot open %s: %s", name, cannot_open(errno));
    }
    close(folder);
    return fd;
}

static int check_file(const struct stat *s, struct error *err)
{
    if (S_ISDIR(s->st_mode))
        return error_set(err, EISDIR, "it is a directory");
    if (!S_ISREG(s->st_mode))
        return error_set(err, EINVAL, "it is not a regular file");
    if (s->st_size == 0)
        return error_set(err, EINVAL, "the file is empty");
    if (s->st_size > SIZE_MOST)
        return error_set(err, EFBIG, "%lld bytes are more than the %d MiB allowed",
                         (long long)s->st_size, SIZE_MAX_MIB);
    return check_writers(s, "the file", err);
}

static bool read_all(int fd, unsigned char *bytes, size_t size)
{
    size_t have = 0;
    while (have < size) {
        ssize_t n = read(fd, bytes + have, size - have);
        if (n == 0)
            errno = ENODATA; /* it has become shorter */
        if (n <= 0 && errno != EINTR)
            return false;
        have += n > 0 ? (size_t)n : 0;
    }
    return true;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
           a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* The whole of it as it was at one moment; g_free() it. */
static unsigned char *read_file(int fd, size_t *size, struct error *err)
{
    struct stat before, after;
    if (fstat(fd, &before) != 0 || check_file(&before, err) != 0)
        return NULL;
    *size = (size_t)before.st_size;
    unsigned char *bytes = g_try_malloc(*size);
    if (bytes == NULL) {
        error_set(err, ENOMEM, "out of memory");
        return NULL;
    }
    bool whole = read_all(fd, bytes, *size);
    if (!whole && errno != ENODATA)
        error_set(err, errno, "cannot read: %s", g_strerror(errno));
    else if (fstat(fd, &after) != 0 || !same_file(&before, &after) || !whole)
        error_set(
            err, EAGAIN,
            "the file changed while it was read (%lld bytes, then %lld): replace it by rename",
            (long long)before.st_size, (long long)after.st_size);
    else
        return bytes;
    g_free(bytes);
    return NULL;
}

/* ---- the copy ---- */

static char *copy_path(const char *state_dir, const char *sha256)
{
    return g_strdup_printf("%s/builds/%s.so", state_dir, sha256);
}

static void hash(const unsigned char *bytes, size_t size, char out[BUILD_SHA256_SIZE])
{
    char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes, size);
    g_strlcpy(out, sum, BUILD_SHA256_SIZE);
    g_free(sum);
}

static int write_all(int fd, const unsigned char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno != EINTR)
            return -1;
        bytes += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int status = fsync(fd);
    close(fd);
    return status;
}

static int write_copy(const char *path, const unsigned char *bytes, size_t size)
{
    char *draft = g_strconcat(path, ".draft", NULL);
    char *folder = g_path_get_dirname(path);
    int status = -1;
    if (mkdir(folder, 0700) == 0 || errno == EEXIST) {
        unlink(draft);
        int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        bool written =
            fd >= 0 && write_all(fd, bytes, size) == 0 && fchmod(fd, 0444) == 0 && fsync(fd) == 0;
        if (fd >= 0 && close(fd) == 0 && written)
            status = rename(draft, path) == 0 ? sync_folder(folder) : -1;
    }
    int number = errno;
    if (status != 0)
        unlink(draft);
    g_free(draft);
    g_free(folder);
    errno = number;
    return status;
}

static bool holds(const char *path, const char *sha256)
{
    gchar *bytes;
    gsize size;
    char found[BUILD_SHA256_SIZE];
    if (!g_file_get_contents(path, &bytes, &size, NULL))
        return false;
    hash((const unsigned char *)bytes, size, found);
    g_free(bytes);
    return strcmp(found, sha256) == 0;
}

/* ---- from outside ---- */

static int take_bytes(const struct build_order *order, const unsigned char *bytes, size_t size,
                      struct stored_build *out, struct error *err)
{
    struct elf_facts facts;
    struct stored_build stored;
    hash(bytes, size, stored.sha256);
    if (order->sha256 != NULL && g_ascii_strcasecmp(order->sha256, stored.sha256) != 0)
        return error_set(err, EINVAL, "its SHA-256 is %s, not %s", stored.sha256, order->sha256);
    if (elf_check(bytes, size, &facts, err) != 0)
        return -1;
    stored.path = copy_path(order->state_dir, stored.sha256);
    if (holds(stored.path, stored.sha256)) {
        (void)utimensat(AT_FDCWD, stored.path, NULL, 0); /* it is wanted: no sweep takes it */
    } else if (write_copy(stored.path, bytes, size) != 0) {
        error_set(err, errno, "cannot store the build in %s: %s", stored.path, g_strerror(errno));
        g_free(stored.path);
        return -1;
    }
    *out = stored;
    return 0;
}

int build_store_take(const struct build_order *order, struct stored_build *out, struct error *err)
{
    size_t size = 0;
    const char *name = name_inside(order, err);
    int fd = name != NULL ? open_file(order, name, err) : -1;
    if (fd < 0)
        return -1;
    unsigned char *bytes = read_file(fd, &size, err);
    close(fd);
    int status = bytes != NULL ? take_bytes(order, bytes, size, out, err) : -1;
    g_free(bytes);
    return status;
}

int build_store_find(const char *state_dir, const char *sha256, struct stored_build *out,
                     struct error *err)
{
    char *path = copy_path(state_dir, sha256);
    if (access(path, R_OK) != 0)
        error_set(err, ENOENT, "%s: %s", path, g_strerror(errno));
    else if (!holds(path, sha256))
        error_set(err, EIO, "%s is damaged: its content is not what its name says", path);
    else {
        *out = (struct stored_build){.path = path};
        g_strlcpy(out->sha256, sha256, sizeof out->sha256);
        return 0;
    }
    g_free(path);
    return -1;
}

/* ---- sweeping ---- */

void builds_keep(struct builds_kept *k, const char *sha256)
{
    if (sha256[0] != '\0' && k->n < BUILDS_KEPT_MAX)
        g_strlcpy(k->sha256[k->n++], sha256, BUILD_SHA256_SIZE);
}

static bool is_kept(const char *name, const struct builds_kept *kept)
{
    for (size_t i = 0; i < kept->n; i++)
        if (strncmp(name, kept->sha256[i], BUILD_SHA256_SIZE - 1) == 0)
            return true;
    return false;
}

static bool is_old(const char *path, int64_t seconds)
{
    struct stat s;
    return stat(path, &s) == 0 && g_get_real_time() / 1000000 - s.st_mtim.tv_sec >= seconds;
}

void build_store_sweep(const char *state_dir, const struct builds_kept *kept, int64_t seconds)
{
    char *folder = g_build_filename(state_dir, "builds", NULL);
    GDir *dir = g_dir_open(folder, 0, NULL);
    const char *name;
    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        char *path = g_build_filename(folder, name, NULL);
        if (!is_kept(name, kept) && is_old(path, seconds))
            unlink(path);
        g_free(path);
    }
    if (dir != NULL)
        g_dir_close(dir);
    g_free(folder);
}
