/* engine.h: one engine process, from start to end.
 *
 * Promise: `ended` is called exactly once, after the process is gone *and* its output has been
 *          delivered to the last byte; nothing that it started is left then.  A process that does
 *          not end when asked is killed.  Every wait here has a deadline.
 * Thread:  loop thread only.
 * Knows:   lines, keeper, libuv.  Not: what a line means, the journal.
 *
 *      running ──▶ stopping (asked to end; the keeper kills after the grace)
 *         │            │
 *         ├────────────┴──▶ exited (waiting for the end of its output, 2 s without a byte)
 *         │            │       │
 *         └────────────┴───────┴──▶ ended (handles closing)
 */
#ifndef RUN_ENGINE_H
#define RUN_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "error.h"
#include "run/lines.h"

enum { ENGINE_STDERR_TAIL = 4096 };

/* What each process of an engine may use at most (setrlimit(2)); 0: as much as the host. */
struct engine_limits {
    int64_t memory_bytes, cpu_seconds, file_bytes, open_files;
};

struct engine_spec {
    const char *log_name;     /* who speaks in the log, such as "run 0199…" */
    char *const *command;     /* argv, NULL at the end; command[0] is a path  */
    char *const *environment; /* "NAME=value" beyond the basics, NULL at the end */
    const char *request;      /* one line of JSON, without its newline        */
    int64_t timeout_ms, grace_ms;
    struct engine_limits limits;
};

struct engine_result {
    int exit_status; /* when signal is 0 */
    int signal;
    bool timed_out;
    bool stopped;           /* by engine_stop() */
    bool output_cut;        /* no end of output came within 2 s of the exit */
    const char *last_words; /* the last 4 KiB of its standard error, valid UTF-8; borrowed */
};

struct engine_events {
    lines_deliver line;       /* every line of its output, in order */
    void (*batch)(void *arg); /* after the lines of one read */
    void (*ended)(void *arg, const struct engine_result *result); /* the engine is freed after it */
};

struct engine;

/* `spec` is copied where it is needed; `events` must stay.  -1: nothing was started. */
int engine_start(uv_loop_t *loop, const struct engine_spec *spec,
                 const struct engine_events *events, void *arg, struct engine **out,
                 struct error *err);

/* Backpressure: stops reading its output, or goes on.  The timeout runs all the same. */
void engine_pause(struct engine *e);
void engine_resume(struct engine *e);

/* Asks it to end; harmless twice. */
void engine_stop(struct engine *e);

#endif
