/* build.h: one build of a plugin, loaded.
 *
 * Promise: what is loaded is the file that was hashed, speaks this major version of the contract,
 *          and stays mapped until the last build_release().
 * Thread:  loop thread only.
 * Knows:   dlopen, the plugin contract.  Not: instances.
 */
#ifndef PLUGIN_BUILD_H
#define PLUGIN_BUILD_H

#include <walltrack/plugin.h>

#include "error.h"

struct build {
    const wt_plugin *api; /* in the plugin's memory */
    char *path;
    char sha256[65]; /* of the file, hex */
    char *name, *version;
    char *label; /* "recorder 0.1.0 (9c1e2b4d)" */
    void *handle;
    unsigned references;
};

/* Loads `path` (absolute) and takes the first reference. */
int build_load(const char *path, struct build **out, struct error *err);

struct build *build_retain(struct build *b);
void build_release(struct build *b); /* the last one unloads; NULL is fine */

/* Keeps libpq in memory for good: it must not be loaded and unloaded with each build, and all
 * builds must share one copy (its TLS library does not survive being loaded again). */
int build_pin_libraries(struct error *err);

#endif
