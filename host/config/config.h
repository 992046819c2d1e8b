/* config.h: the configuration file, checked whole.
 *
 * Promise: a configuration that loads is one that can be run: every key known, every value
 *          of its type and in its range, every default filled in, every path absolute.
 *          Errors name the key path and the line: "walltrack.json:12: schedules[0].every:
 *          '6 hours' is not a duration such as 30s, 15m, 6h or 7d".
 * Thread:  any; no state.
 * Knows:   params, jansson.  Not: who uses which key.
 *
 * Relative paths start at the file's folder, except a program's name without a slash, which
 * is looked up in PATH.  `config_keys` (config.c) is the table of all keys that the check,
 * the defaults and `walltrackd --help-config` are made from.
 */
#ifndef CONFIG_H
#define CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include <walltrack/plugin.h>

#include "error.h"
#include "log.h"

enum schedule_overlap { OVERLAP_SKIP, OVERLAP_ALLOW };
enum schedule_catch_up { CATCH_UP_NONE, CATCH_UP_LATEST };

struct config_schedule {
    char *name; /* 1 to 64 of [a-z0-9._-], unique */
    int64_t every_seconds;
    bool enabled;
    enum schedule_overlap overlap;
    enum schedule_catch_up catch_up;
    wt_params params;
    bool profile_immediately;
    char *source; /* the entry as it stands in the file, compact JSON with sorted keys */
};

struct config_plugin {
    char *name;   /* 1 to 64 of [a-z0-9._-], unique                  */
    char *path;   /* a file name inside plugin_dir, without a slash  */
    char *config; /* JSON object as text, "{}" when absent           */
    int64_t verify_seconds, probe_seconds, open_seconds, drain_ms, claim_seconds, ack_seconds;
    int64_t probation_seconds;
};

struct config {
    char *path; /* of the file, absolute */
    char *state_dir;
    char *host_name;
    char *plugin_dir;
    struct {
        char *socket;
        mode_t mode;
        char *group; /* or NULL */
    } admin;
    struct {
        char **command; /* argv, NULL at the end; command[0] resolved to a path with a slash */
        char **
            environment; /* "NAME=value", NULL at the end: what an engine gets besides the basics */
        int64_t timeout_seconds, kill_grace_seconds;
        int64_t max_discoveries; /* of one run; bounds its memory */
        int64_t memory_bytes, cpu_seconds, file_bytes, open_files; /* 0: as the host's own */
    } engine;
    int64_t max_concurrent_runs;
    struct {
        int64_t retain_seconds, retain_bytes, max_bytes;
    } journal;
    struct {
        int64_t trace_ms, abort_ms;
    } watchdog;
    struct {
        enum log_level level;
        enum log_format format;
    } log;
    struct config_schedule *schedules;
    size_t n_schedules;
    struct config_plugin *plugins;
    size_t n_plugins;
};

/* On success *out is yours until config_free(). */
int config_load(const char *path, struct config **out, struct error *err);
/* The same from text in memory; `path` names it in errors and anchors relative paths. */
int config_parse(const char *text, size_t size, const char *path, struct config **out,
                 struct error *err);
void config_free(struct config *c); /* NULL is fine */

/* Key, type, range, default and meaning of every key, as a table for people. */
void config_print_keys(FILE *out);

#endif
