#include "ctl/export_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct export_file {
    FILE *out;
    char *path; /* NULL: out is not ours          */
    char *part; /* what is renamed to the path    */
    int failed; /* an errno value, 0 while it goes */
};

static void export_file_free(struct export_file *f)
{
    free(f->path);
    free(f->part);
    free(f);
}

/* Through a link it is the file behind that is replaced, not the link. */
static int choose_path(struct export_file *f, const char *path, struct stat *old, bool *is_there,
                       struct error *err)
{
    *is_there = stat(path, old) == 0;
    if (!*is_there && errno != ENOENT) {
        error_set(err, errno, "cannot write %s: %s", path, strerror(errno));
        return -1;
    }
    if (*is_there && !S_ISREG(old->st_mode)) {
        error_set(err, EINVAL,
                  "cannot write %s: it is no regular file\n"
                  "leave --output out to print",
                  path);
        return -1;
    }
    f->path = *is_there ? realpath(path, NULL) : strdup(path);
    if (f->path == NULL || asprintf(&f->part, "%s.part-%ld", f->path, (long)getpid()) < 0) {
        f->part = NULL;
        error_set(err, ENOMEM, "out of memory");
        return -1;
    }
    return 0;
}

static int open_part(struct export_file *f, const char *path, struct error *err)
{
    struct stat old;
    bool is_there;
    if (choose_path(f, path, &old, &is_there, err) != 0)
        return -1;
    int fd = open(f->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, is_there ? 0600 : 0666);
    if (fd >= 0 && is_there)
        (void)fchmod(fd, old.st_mode & 0777);
    f->out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (f->out != NULL)
        return 0;
    error_set(err, errno, "cannot write %s: %s", f->part, strerror(errno));
    if (fd >= 0) {
        close(fd);
        unlink(f->part);
    }
    return -1;
}

int export_file_open(const char *path, FILE *out, struct export_file **result, struct error *err)
{
    struct export_file *f = calloc(1, sizeof *f);
    if (f == NULL)
        return error_set(err, ENOMEM, "out of memory");
    if (path == NULL || strcmp(path, "-") == 0) {
        f->out = out;
    } else if (open_part(f, path, err) != 0) {
        export_file_free(f);
        return -1;
    }
    *result = f;
    return 0;
}

bool export_file_write(struct export_file *f, const char *data, size_t size)
{
    if (f->failed == 0 && fwrite(data, 1, size, f->out) != size)
        f->failed = errno != 0 ? errno : EIO;
    return f->failed == 0;
}

/* So that the name is on disk, too; a file system that cannot say so has done what it can. */
static void sync_folder(const char *path)
{
    char *copy = strdup(path);
    int fd = copy != NULL ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
    free(copy);
}

static int put_in_place(struct export_file *f)
{
    int status = f->failed == 0 && fflush(f->out) == 0 && fsync(fileno(f->out)) == 0 ? 0 : -1;
    if (f->failed == 0 && status != 0)
        f->failed = errno;
    if (fclose(f->out) != 0 && f->failed == 0)
        f->failed = errno;
    if (f->failed == 0 && rename(f->part, f->path) != 0)
        f->failed = errno;
    if (f->failed != 0)
        unlink(f->part);
    else
        sync_folder(f->path);
    return f->failed;
}

int export_file_keep(struct export_file *f, struct error *err)
{
    int failed = f->failed;
    if (f->path != NULL)
        failed = put_in_place(f);
    else if (failed == 0 && fflush(f->out) != 0)
        failed = errno;
    int status = failed == 0
                     ? 0
                     : error_set(err, failed, "cannot write %s: %s",
                                 f->path != NULL ? f->path : "the output", strerror(failed));
    export_file_free(f);
    return status;
}

void export_file_drop(struct export_file *f)
{
    if (f == NULL)
        return;
    if (f->path != NULL) {
        fclose(f->out);
        unlink(f->part);
    }
    export_file_free(f);
}
