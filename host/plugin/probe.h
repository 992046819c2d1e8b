/* probe.h: tries a build in a throw-away process, before the host loads it.
 *
 * Promise: a build that cannot be loaded, opened, closed and unloaded is found out here, and the
 *          host does not notice: one whose constructor crashes, loops or exits, that misses a
 *          symbol or a library, describes itself wrongly, or leaves something behind.  There is
 *          always an answer, at the latest a second after the timeout.  Nothing is left of the
 *          process and its group; of its processes that left the group, nothing is waited for.
 * Thread:  loop thread only.
 * Knows:   build and instance (in the child), libuv.  Not: swaps, where builds come from.
 *
 * The host starts itself again as `walltrackd --probe PATH`.  That process loads the build as the
 * host would, opens an instance in the mode WT_OPEN_PROBE, closes it and unloads the build.  Before
 * each step it says so on a pipe; the reason for a refusal names the step in which it ended:
 *
 *      died by signal 6 (Aborted) in the constructor: plugin.c:9: start: Assertion `x' failed.
 *      exited with status 3 in open
 *      no answer in 5.0 s (in the constructor)
 *
 * or is what the loader, the build's description or the plugin's fail() say.
 */
#ifndef PLUGIN_PROBE_H
#define PLUGIN_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "error.h"

#define PROBE_OPTION "--probe"

enum { PROBE_TEXT_MAX = 64 }; /* bytes of a build's name or version */

struct probe;

struct probe_spec {
    const char *path;        /* of the build, absolute; the loader goes by this name */
    const char *name;        /* plugins[].name                                       */
    const char *config;      /* plugins[].config, JSON text                          */
    const char *host_name;   /* of this host                                         */
    const char *build_label; /* names the build in the log                           */
    uint64_t timeout_ms;     /* from the start of the process to its answer          */
};

/* What the build says about itself. */
struct probe_report {
    char name[PROBE_TEXT_MAX + 1], version[PROBE_TEXT_MAX + 1]; /* printable UTF-8, not empty */
    uint16_t abi_major, abi_minor;
    uint32_t schema_min, schema_max; /* 0: none */
    bool answers_questions;
};

/* report: NULL when the build is refused, and err says why.  Both live until the call returns.
 * ETIMEDOUT: no answer; EINVAL: the build finds fault with its configuration; EPROTO: the build is
 * at fault. */
typedef void (*probe_done)(void *arg, const struct probe_report *report, const struct error *err);

/* Copies `spec`.  `done` runs once, in a later turn, unless cancelled; *p is gone then.  NULL when
 * no process can be started. */
struct probe *probe_start(uv_loop_t *loop, const struct probe_spec *spec, probe_done done,
                          void *arg, struct error *err);

/* Kills the process.  `done` never runs, and p is freed in a later turn.  NULL is fine. */
void probe_cancel(struct probe *p);

/* The child's side: argv[2] is the path, the rest comes on standard input, and the answers go to
 * descriptor 3.  Give its exit status to _exit(): what a plugin left for exit() must not run. */
int probe_child_main(int argc, char **argv);

#endif
