#include "small_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/failure.h"

static const char ballast[] = "ballast";

bool small_disk_possible(void)
{
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

void small_disk_mount(const char *path, unsigned mib)
{
    char size[32];
    (void)snprintf(size, sizeof size, "size=%um", mib);
    if ((mkdir(path, 0700) != 0 && errno != EEXIST) || mount("tmpfs", path, "tmpfs", 0, size) != 0)
        cannot_go_on("mount %s: %s", path, strerror(errno));
}

void small_disk_unmount(const char *path)
{
    if (umount2(path, MNT_DETACH) != 0)
        cannot_go_on("unmount %s: %s", path, strerror(errno));
}

/* In pieces that get smaller as they do not fit any more. */
void small_disk_fill(const char *path)
{
    enum { LARGEST = 64 * 1024 * 1024, SMALLEST = 4096 };
    char name[256];
    (void)snprintf(name, sizeof name, "%s/%s", path, ballast);
    int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    off_t end = 0;
    if (fd < 0)
        cannot_go_on("%s: %s", name, strerror(errno));
    for (off_t piece = LARGEST; piece >= SMALLEST; piece /= 2)
        while (fallocate(fd, 0, end, piece) == 0)
            end += piece;
    close(fd);
}

void small_disk_free(const char *path)
{
    char name[256];
    (void)snprintf(name, sizeof name, "%s/%s", path, ballast);
    (void)unlink(name);
}
