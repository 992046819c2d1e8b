/* build.h: one build of a plugin, loaded.
 *
 * Promise: a build is loaded once, however often it is asked for; what is loaded is the content
 *          that its hash names, and speaks this major version of the contract.  It stays mapped
 *          as long as it is referenced, and the last few that nobody references stay as well, for
 *          an instant way back.  What is unloaded is proved to be gone; what the loader kept is
 *          counted as pinned.
 * Thread:  loop thread only, for the list of what is loaded is one a process.
 * Knows:   dlopen, the plugin contract.  Not: instances, where builds come from.
 */
#ifndef PLUGIN_BUILD_H
#define PLUGIN_BUILD_H

#include <stddef.h>
#include <stdint.h>

#include <walltrack/plugin.h>

#include "error.h"

enum { BUILD_SHA256_SIZE = 65 }; /* 64 hex digits and a NUL */

struct build {
    const wt_plugin *api; /* in the plugin's memory */
    char *path;
    char sha256[BUILD_SHA256_SIZE]; /* of the file */
    char *name, *version;
    char *label; /* "recorder 0.1.0 (9c1e2b4d)" */
    void *handle;
    uintptr_t base; /* where its code begins */
    unsigned references;
    struct build *next; /* of all that are mapped */
};

/* Takes a reference to the build of that content, loading it when it is not mapped.  `path`
 * (absolute) is a file whose name nobody uses for another content: the loader goes by names.
 * ELOOP: the loader gave the code of another build. */
int build_load_content(const char *path, const char *sha256, struct build **out, struct error *err);

/* The same for a file whose hash is not known yet: reads it. */
int build_load(const char *path, struct build **out, struct error *err);

/* A new reference to a build that is mapped, or NULL. */
struct build *build_find(const char *sha256);

struct build *build_retain(struct build *b);

/* After the last one it may be unloaded: call it from a stack without a plugin on it, when the last
 * callback into the build has run.  NULL is fine. */
void build_release(struct build *b);

struct build_counts {
    size_t mapped;
    size_t pinned; /* the loader kept them when they were unloaded */
};
struct build_counts build_counts(void);

/* How many builds that nobody references stay mapped: 4 unless told otherwise, all under the
 * address sanitizer, which tells the place of a leak only while its code is mapped.  0 is for the
 * end of the process. */
enum { BUILD_KEEP_USUAL = -1 };
void build_keep(int most);

/* Keeps libpq in memory for good: it must not be loaded and unloaded with each build, and all
 * builds must share one copy (its TLS library does not survive being loaded again). */
int build_pin_libraries(struct error *err);

#endif
