/* scratch.c: the directories are listed by a child of ours, the sweeper, that reads their names
 * from a pipe.  When the last writer of the pipe is gone it removes what is still there.
 */
#include "support/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "support/failure.h"

/* How often the sweeper goes over a directory in which dying processes may still write. */
enum { SWEEPS = 100, SWEEP_PAUSE_MS = 50, SWEEPS_CLEAN = 3 };

static int sweeper_pipe = -1;

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    (void)remove(path);
    return 0;
}

static void remove_tree(const char *path)
{
    (void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void sweep(const char *path)
{
    const struct timespec pause = {.tv_nsec = SWEEP_PAUSE_MS * 1000000L};
    int clean = 0;
    for (int i = 0; i < SWEEPS && clean < SWEEPS_CLEAN; i++) {
        clean = access(path, F_OK) == 0 ? 0 : clean + 1;
        remove_tree(path);
        (void)nanosleep(&pause, NULL);
    }
}

static _Noreturn void sweeper(int from)
{
    (void)setsid();
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    (void)dup2(from, STDIN_FILENO);
    close_range(1, ~0U, 0);
    /* Paths are short and written whole, so that every read() gets whole ones. */
    static char paths[4096][SCRATCH_PATH_SIZE];
    size_t n = 0;
    while (n < 4096 && read(STDIN_FILENO, paths[n], SCRATCH_PATH_SIZE) == SCRATCH_PATH_SIZE)
        n++;
    for (size_t i = 0; i < n; i++)
        if (access(paths[i], F_OK) == 0)
            sweep(paths[i]);
    _exit(0);
}

static void start_sweeper(void)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        cannot_go_on("pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid < 0)
        cannot_go_on("fork: %s", strerror(errno));
    if (pid == 0)
        sweeper(fds[0]);
    close(fds[0]);
    sweeper_pipe = fds[1];
}

void scratch_new(char path[SCRATCH_PATH_SIZE])
{
    if (sweeper_pipe < 0)
        start_sweeper();
    memset(path, 0, SCRATCH_PATH_SIZE);
    memcpy(path, "/tmp/walltrack-test-XXXXXX", sizeof "/tmp/walltrack-test-XXXXXX");
    if (mkdtemp(path) == NULL || chmod(path, 0711) != 0)
        cannot_go_on("%s: %s", path, strerror(errno));
    if (write(sweeper_pipe, path, SCRATCH_PATH_SIZE) != SCRATCH_PATH_SIZE)
        cannot_go_on("the sweeper is gone: %s", strerror(errno));
}

void scratch_forget(void)
{
    if (sweeper_pipe >= 0)
        close(sweeper_pipe);
    sweeper_pipe = -1;
}

void scratch_remove(const char *path)
{
    remove_tree(path);
}

void scratch_write(const char *dir, const char *name, const char *text)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    size_t size = strlen(text);
    if (fd < 0 || write(fd, text, size) != (ssize_t)size)
        cannot_go_on("write %s: %s", path, strerror(errno));
    if (fchmod(fd, strncmp(text, "#!", 2) == 0 ? 0755 : 0644) != 0)
        cannot_go_on("chmod %s: %s", path, strerror(errno));
    close(fd);
}

static char *read_from(FILE *f, long start)
{
    struct stat st;
    if (fstat(fileno(f), &st) != 0 || fseek(f, start, SEEK_SET) != 0)
        return NULL;
    size_t room = st.st_size > start ? (size_t)(st.st_size - start) : 0;
    char *text = calloc(1, room + 1);
    if (text != NULL)
        text[fread(text, 1, room, f)] = '\0';
    return text;
}

char *scratch_read(const char *path)
{
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return NULL;
    char *text = read_from(f, 0);
    (void)fclose(f);
    return text;
}

void scratch_print_tail(const char *path, size_t bytes)
{
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return;
    struct stat st;
    long start = 0;
    if (fstat(fileno(f), &st) == 0 && st.st_size > (off_t)bytes)
        start = (long)(st.st_size - (off_t)bytes);
    char *text = read_from(f, start);
    (void)fclose(f);
    (void)fprintf(stderr, "---- %s%s ----\n%s\n----\n", path, start > 0 ? " (its end)" : "",
                  text != NULL ? text : "");
    free(text);
}
