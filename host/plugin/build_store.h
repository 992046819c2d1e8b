/* build_store.h: the files of builds, checked and copied to where nobody else writes.
 *
 * Promise: what is taken is one whole regular file directly inside the plugin folder, that only
 *          root or the host's own user can change, that has not changed while it was read, and
 *          that elf_check.h finds sound.  Its copy is named by its SHA-256, complete and on disk
 *          before it has that name, and never written again.
 * Thread:  any, but one call at a time for each state folder: blocks on the disk.
 * Knows:   elf_check.  Not: dlopen, who wants the build.
 *
 * The copies are in state_dir/builds/SHA256.so, mode 0444, in a folder of mode 0700.
 */
#ifndef PLUGIN_BUILD_STORE_H
#define PLUGIN_BUILD_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"
#include "plugin/build.h"

/* Copies that somebody may want again. */
enum { BUILDS_KEPT_MAX = 256 };
struct builds_kept {
    char sha256[BUILDS_KEPT_MAX][BUILD_SHA256_SIZE];
    size_t n;
};
void builds_keep(struct builds_kept *k, const char *sha256); /* "" is none */

struct build_order {
    const char *state_dir, *plugin_dir;
    const char *path;   /* a file name inside plugin_dir, or the absolute path of such a file */
    const char *sha256; /* what it must have, or NULL */
};

struct stored_build {
    char *path; /* of the copy; g_free() it */
    char sha256[BUILD_SHA256_SIZE];
};

/* Checks and copies.  On failure *out is untouched, and nothing is left but whole copies. */
int build_store_take(const struct build_order *order, struct stored_build *out, struct error *err);

/* An earlier copy; ENOENT when there is none, EIO when it is not what its name says. */
int build_store_find(const char *state_dir, const char *sha256, struct stored_build *out,
                     struct error *err);

/* Removes the copies that are not among those kept and that nobody has asked for in the last
 * `seconds`: another plugin may just have taken one. */
void build_store_sweep(const char *state_dir, const struct builds_kept *kept, int64_t seconds);

#endif
