/* small_disk.h: a file system of the program's own that can be filled and has room again.
 *
 * Fails:   ends the program.
 * Thread:  main thread only.
 */
#ifndef FAULTS_SMALL_DISK_H
#define FAULTS_SMALL_DISK_H

#include <stdbool.h>

/* From now on what is mounted here is seen by this program and its children only.  False where that
 * is not allowed.  To be called before anything is started. */
bool small_disk_possible(void);

/* Mounts an empty one of so many MiB at `path`, which it makes. */
void small_disk_mount(const char *path, unsigned mib);
void small_disk_unmount(const char *path);

void small_disk_fill(const char *path); /* to the last byte */
void small_disk_free(const char *path); /* what filled it goes */

#endif
