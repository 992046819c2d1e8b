/* world.h: a running walltrackd, with a directory, an engine and a client of its own.
 *
 * Promise: the real programs, talked to as a user does: by the unix socket, by signals, by
 *          the configuration file.  Nothing of it is left when the test program has ended.
 * Fails:   prints what was expected, what came, and the end of the host's log, and fails the
 *          running test at the caller's line.
 * Thread:  main thread only.  Everything blocks, with deadlines; waits end when what they wait
 *          for is seen.
 *
 * A story:
 *
 *     static void test_a_run_is_recorded(void **state)
 *     {
 *         struct world *w = *state;
 *         given_engine(w, "#!/bin/sh\necho '{\"event\":\"token\",\"token\":\"So1\"}'\n");
 *
 *         const char *id = when_run(w, "{\"max_tokens\": 5}");
 *
 *         await_run(w, id, "completed");
 *         then_query(world_postgres(w), "SELECT tokens_analyzed FROM walltrack.discovery_runs",
 *                    "1");
 *     }
 *
 * with `cmocka_unit_test_setup_teardown(test_…, world_setup, world_teardown)` in a group
 * that has postgres_group_setup and _teardown.
 */
#ifndef SUPPORT_WORLD_H
#define SUPPORT_WORLD_H

#include <stdbool.h>

#include <jansson.h>

#include "support/postgres.h"

struct world;

enum { WORLD_MS = 20000 }; /* how long a wait waits, unless told otherwise */

struct world_options {
    struct postgres *pg;    /* its current database is recorded to; NULL: no plugin at all */
    const char *conninfo;   /* for the recorder instead of the server's own; NULL: that    */
    const char *config;     /* a JSON object laid over the usual configuration, or NULL    */
    const char *const *set; /* "NAME=value" for the environment of walltrackd, or NULL      */
};

/* ---- life ---- */

/* Makes directory, configuration and an engine that ends at once; starts nothing. */
struct world *world_new(const struct world_options *options);
void world_free(struct world *w); /* kills the host if it runs; NULL is fine */

void world_start(struct world *w);                      /* returns when /health is answered    */
void world_launch(struct world *w);                     /* … at once: it may never answer       */
void world_stop(struct world *w);                       /* SIGTERM; it must end with status 0  */
void world_kill(struct world *w);                       /* SIGKILL                             */
void world_restart(struct world *w);                    /* stop, start                         */
void world_signal(struct world *w, int signal);         /* and go on                           */
int world_wait_end(struct world *w, int ms);            /* its exit status, 128 + signal       */
int world_start_fails(struct world *w);                 /* starts what must end by itself      */
pid_t world_pid(const struct world *w);                 /* -1 when it does not run             */
struct postgres *world_postgres(const struct world *w); /* as in the options                   */

/* "DIRECTORY/name", borrowed until world_free(), as all texts are that are lent here. */
const char *world_path(struct world *w, const char *name);
const char *world_log(struct world *w); /* all that the host has logged; borrowed until the next */
void world_touch(struct world *w, const char *name); /* makes an empty file in the directory    */

/* For cmocka: from the group's `struct postgres *` to a started world that records to a fresh
 * database, with the recorder live. */
int world_setup(void **state);
int world_teardown(void **state);

/* ---- what is given ---- */

/* The engine of all runs from now on: a script that begins with "#!".  It finds the world's
 * directory as $(dirname "$0"), where it may wait for a file: "until [ -e …/go ]; do sleep 0.01;
 * done". */
void given_engine(struct world *w, const char *script);

/* Lays a JSON object over the configuration file (RFC 7396: null removes).  It counts at the next
 * start or SIGHUP. */
void given_config(struct world *w, const char *patch);

/* Copies a shared object into the world's plugin folder under `name`, atomically. */
void given_plugin(struct world *w, const char *file, const char *name);

/* Puts another build of the recorder there, atomically: the same code with `tag` behind its end, so
 * that its content is its own. */
void given_build(struct world *w, const char *tag, const char *name);

/* ---- requests ---- */

struct world_request {
    const char *method;         /* NULL: GET                              */
    const char *path;           /* with the query string                  */
    const char *body;           /* JSON unless a header names another type, or NULL */
    const char *const *headers; /* "Name: value", NULL at the end, or NULL */
};

/* The HTTP status, or 0 when there was no answer.  What came stays until the next request. */
int world_ask(struct world *w, const struct world_request *request);
int world_get(struct world *w, const char *path);
int world_post(struct world *w, const char *path, const char *body);
int world_put(struct world *w, const char *path, const char *body);

/* Of the last answer.  world_value(): what stands at a JSON pointer ("/runs/0/status"), strings as
 * they are, all else as JSON text, "(absent)" when nothing is there; borrowed. */
const char *world_text(const struct world *w);
const json_t *world_json(const struct world *w); /* NULL when it is not JSON */
const char *world_value(struct world *w, const char *pointer);
const char *world_header(struct world *w, const char *name); /* "" when absent */

/* Starts a run with that body (NULL: defaults) and returns its id, borrowed. */
#define when_run(w, body) when_run_at((w), (body), __FILE__, __LINE__)
const char *when_run_at(struct world *w, const char *body, const char *file, int line);

/* Runs walltrackctl with these arguments; its exit status.  world_text() is what it printed, on
 * both outputs. */
#define when_ctl(w, ...)                                                                           \
    when_ctl_at((w), (const char *const[]){__VA_ARGS__, NULL}, __FILE__, __LINE__)
int when_ctl_at(struct world *w, const char *const arguments[], const char *file, int line);

/* ---- what is expected ---- */

/* walltrackctl with these arguments ends with that status. */
#define then_ctl(w, status, ...)                                                                   \
    then_ctl_at((w), (status), (const char *const[]){__VA_ARGS__, NULL}, __FILE__, __LINE__)
void then_ctl_at(struct world *w, int status, const char *const arguments[], const char *file,
                 int line);

/* The request is answered with that status. */
#define then_status(w, path, status) then_status_at((w), (path), (status), __FILE__, __LINE__)
void then_status_at(struct world *w, const char *path, int status, const char *file, int line);

/* GET `path` answers 200 with `expected` at `pointer`; await: within WORLD_MS. */
#define then_get(w, path, pointer, expected)                                                       \
    await_get_at((w), (path), (pointer), (expected), 0, __FILE__, __LINE__)
#define await_get(w, path, pointer, expected)                                                      \
    await_get_at((w), (path), (pointer), (expected), WORLD_MS, __FILE__, __LINE__)
void await_get_at(struct world *w, const char *path, const char *pointer, const char *expected,
                  int ms, const char *file, int line);

/* The run has that status in what the API answers.  One that has ended is recorded by then, unless
 * the database is stopped. */
#define await_run(w, id, status) await_run_at((w), (id), (status), __FILE__, __LINE__)
void await_run_at(struct world *w, const char *id, const char *status, const char *file, int line);

/* The plugin of that name is in that state ("live"). */
#define await_plugin(w, name, state) await_plugin_at((w), (name), (state), __FILE__, __LINE__)
void await_plugin_at(struct world *w, const char *name, const char *state, const char *file,
                     int line);

/* The host's log has that text. */
#define await_log(w, text) await_log_at((w), (text), __FILE__, __LINE__)
void await_log_at(struct world *w, const char *text, const char *file, int line);

/* Until `seen(w, arg)` is true; `what` is for the message. */
#define await(w, what, seen, arg) await_at((w), (what), (seen), (arg), WORLD_MS, __FILE__, __LINE__)
void await_at(struct world *w, const char *what, bool (*seen)(struct world *, void *), void *arg,
              int ms, const char *file, int line);

/* Prints the message and the host's log, and fails the test. */
_Noreturn void world_fail(struct world *w, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
