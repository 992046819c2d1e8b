/* zoo.h: a host that records, and builds of tests/zoo that are swapped in.
 *
 * All animals of a program share one world, so that each also shows what the one before has left
 * behind.  Whatever an animal does, in the end a build of the recorder is live, every run that was
 * started is recorded, and nothing is recorded twice.
 */
#ifndef STORY_ZOO_H
#define STORY_ZOO_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/failure.h"
#include "support/postgres.h"
#include "support/world.h"

#define ZOO_PLUGIN "/api/plugins/recorder"
#define ZOO_RUNS "walltrack.discovery_runs"
#define ZOO_WALLETS "walltrack.discovery_run_wallets"

struct zoo {
    struct world *world;
    pid_t pid;        /* of the host, when it was started last        */
    char good[192];   /* the label of the build that the host began with */
    int runs;         /* started so far                               */
    int runs_cut_off; /* of these: going on when the host died        */
};

/* ---- the world ---- */

/* Every run finds one token and three wallets, the last when there is no file "hold". */
static inline void zoo_engine(struct world *w)
{
    given_engine(w,
                 "#!/bin/sh\n"
                 "wallet() { echo "
                 "'{\"event\":\"wallet\",\"wallet_address\":\"W'$1'\",\"source_token\":\"T\"}'; }\n"
                 "echo '{\"event\":\"token\",\"token\":\"T\"}'\n"
                 "wallet 1\n"
                 "wallet 2\n"
                 "while [ -e \"$(dirname \"$0\")/hold\" ]; do sleep 0.01; done\n"
                 "wallet 3\n");
}

/* With a fault of an animal the host dies as it would without a sanitizer. */
static const char *const zoo_environment[] = {
    "ASAN_OPTIONS=detect_leaks=1:handle_segv=0:handle_abort=0", NULL};

static inline void zoo_config(struct world *w, const char *swap)
{
    char patch[1024];
    (void)snprintf(patch, sizeof patch,
                   "{\"plugins\": [{\"name\": \"recorder\", \"path\": \"recorder.so\", \"config\": "
                   "{\"conninfo\": \"%s\"}, \"swap\": %s}]}",
                   postgres_conninfo(world_postgres(w)), swap);
    given_config(w, patch);
}

static inline void zoo_begin(struct zoo *zoo)
{
    world_start(zoo->world);
    zoo->pid = world_pid(zoo->world);
    await_plugin(zoo->world, "recorder", "live");
}

/* For cmocka: the group's setup and teardown.  Its state stays NULL, so that a test gets its row.
 * `swap` is plugins[].swap of the configuration, JSON. */
static inline void zoo_open(struct zoo *zoo, void **state, const char *swap)
{
    if (postgres_group_setup(state) != 0)
        cannot_go_on("no server");
    struct postgres *pg = *state;
    *state = NULL;
    postgres_fresh_database(pg);
    const struct world_options options = {.pg = pg, .set = zoo_environment};
    zoo->world = world_new(&options);
    zoo_engine(zoo->world);
    zoo_config(zoo->world, swap);
    zoo_begin(zoo);
    /* The first build is on trial, too. */
    await_get(zoo->world, ZOO_PLUGIN, "/swap", "null");
    (void)snprintf(zoo->good, sizeof zoo->good, "%s", world_value(zoo->world, "/build"));
    then_get(zoo->world, ZOO_PLUGIN, "/good", zoo->good);
}

static inline int zoo_close(struct zoo *zoo, void **state)
{
    *state = world_postgres(zoo->world);
    if (world_pid(zoo->world) > 0)
        world_stop(zoo->world);
    world_free(zoo->world);
    return postgres_group_teardown(state);
}

/* ---- what is done ---- */

static inline void zoo_catch(struct zoo *zoo, const char *animal)
{
    char from[512], name[128];
    (void)snprintf(name, sizeof name, "%s.so", animal);
    (void)snprintf(from, sizeof from, "%s/%s", TEST_ZOO_DIR, name);
    given_plugin(zoo->world, from, name);
}

/* Asks for a file of the plugin folder; the HTTP status. */
static inline int zoo_swap_to_file(struct zoo *zoo, const char *file)
{
    char body[512];
    (void)snprintf(body, sizeof body, "{\"path\": \"%s\"}", file);
    return world_put(zoo->world, ZOO_PLUGIN, body);
}

static inline int zoo_swap_to(struct zoo *zoo, const char *animal)
{
    char file[128];
    zoo_catch(zoo, animal);
    (void)snprintf(file, sizeof file, "%s.so", animal);
    return zoo_swap_to_file(zoo, file);
}

/* ---- what is expected ---- */

#define then_answered(zoo, got, status) then_answered_at((zoo), (got), (status), __FILE__, __LINE__)
static inline void then_answered_at(struct zoo *zoo, int got, int status, const char *file,
                                    int line)
{
    if (got != status)
        world_fail(zoo->world, file, line, "answered %d, not %d: %s", got, status,
                   world_text(zoo->world));
}

/* Of the last answer. */
#define then_value(zoo, pointer, expected)                                                         \
    then_value_at((zoo), (pointer), (expected), __FILE__, __LINE__)
static inline void then_value_at(struct zoo *zoo, const char *pointer, const char *expected,
                                 const char *file, int line)
{
    if (strcmp(world_value(zoo->world, pointer), expected) != 0)
        world_fail(zoo->world, file, line, "%s is '%s', not '%s', in %s", pointer,
                   world_value(zoo->world, pointer), expected, world_text(zoo->world));
}

#define then_value_has(zoo, pointer, part)                                                         \
    then_value_has_at((zoo), (pointer), (part), __FILE__, __LINE__)
static inline void then_value_has_at(struct zoo *zoo, const char *pointer, const char *part,
                                     const char *file, int line)
{
    if (strstr(world_value(zoo->world, pointer), part) == NULL)
        world_fail(zoo->world, file, line, "%s is '%s', without '%s', in %s", pointer,
                   world_value(zoo->world, pointer), part, world_text(zoo->world));
}

/* The last answer is a problem with that verdict, step and a part of the reason, and so is what the
 * host remembers of the swap. */
#define then_problem(zoo, verdict, step, reason)                                                   \
    then_problem_at((zoo), (verdict), (step), (reason), __FILE__, __LINE__)
static inline void then_problem_at(struct zoo *zoo, const char *verdict, const char *step,
                                   const char *reason, const char *file, int line)
{
    struct world *w = zoo->world;
    then_value_has_at(zoo, "/detail", verdict, file, line);
    then_value_has_at(zoo, "/detail", reason, file, line);
    const char *prefixes[] = {"", "/swap"};
    for (size_t i = 0; i < 2; i++) {
        char pointer[32];
        (void)snprintf(pointer, sizeof pointer, "%s/verdict", prefixes[i]);
        then_value_at(zoo, pointer, verdict, file, line);
        (void)snprintf(pointer, sizeof pointer, "%s/step", prefixes[i]);
        then_value_at(zoo, pointer, step, file, line);
        (void)snprintf(pointer, sizeof pointer, "%s/reason", prefixes[i]);
        then_value_has_at(zoo, pointer, reason, file, line);
    }
    if (strncmp(world_header(w, "Content-Type"), "application/problem+json", 24) != 0)
        world_fail(w, file, line, "the answer is of type %s", world_header(w, "Content-Type"));
    char path[96];
    (void)snprintf(path, sizeof path, ZOO_PLUGIN "/swaps/%s", world_value(w, "/swap/id"));
    await_get_at(w, path, "/verdict", verdict, 0, file, line);
    then_value_at(zoo, "/state", "ended", file, line);
}

/* The last answer says that the build is live. */
#define then_live(zoo, got) then_live_at((zoo), (got), __FILE__, __LINE__)
static inline void then_live_at(struct zoo *zoo, int got, const char *file, int line)
{
    then_answered_at(zoo, got, 200, file, line);
    then_value_at(zoo, "/verdict", "LIVE", file, line);
}

/* The swap of that number comes to that verdict, sooner or later. */
#define await_verdict(zoo, id, verdict, step, reason)                                              \
    await_verdict_at((zoo), (id), (verdict), (step), (reason), __FILE__, __LINE__)
static inline void await_verdict_at(struct zoo *zoo, const char *id, const char *verdict,
                                    const char *step, const char *reason, const char *file,
                                    int line)
{
    char path[96];
    (void)snprintf(path, sizeof path, ZOO_PLUGIN "/swaps/%s", id);
    await_get_at(zoo->world, path, "/verdict", verdict, WORLD_MS, file, line);
    then_value_at(zoo, "/step", step, file, line);
    then_value_has_at(zoo, "/reason", reason, file, line);
}

/* The build that the host began with is the live one, and it is the same process. */
#define await_the_good_build(zoo) await_the_good_build_at((zoo), __FILE__, __LINE__)
static inline void await_the_good_build_at(struct zoo *zoo, const char *file, int line)
{
    struct world *w = zoo->world;
    await_get_at(w, "/health", "/status", "ok", WORLD_MS, file, line);
    await_get_at(w, ZOO_PLUGIN, "/live", "true", WORLD_MS, file, line);
    then_value_at(zoo, "/build", zoo->good, file, line);
    if (kill(zoo->pid, 0) != 0 || world_pid(w) != zoo->pid)
        world_fail(w, file, line, "the host is not the process that it was");
}

/* Starts a run. */
static inline const char *zoo_run(struct zoo *zoo)
{
    const char *id = when_run(zoo->world, NULL);
    zoo->runs++;
    return id;
}

/* Starts a run, waits until its first wallets are recorded, and lets it go no further. */
static inline void zoo_run_and_hold(struct zoo *zoo)
{
    char query[192];
    world_touch(zoo->world, "hold");
    (void)snprintf(query, sizeof query, "SELECT count(*) FROM " ZOO_WALLETS " WHERE run_id = '%s'",
                   zoo_run(zoo));
    postgres_await(world_postgres(zoo->world), query, "2", WORLD_MS);
}

static inline void zoo_release(struct zoo *zoo)
{
    (void)remove(world_path(zoo->world, "hold"));
}

/* Starts a run and waits until its engine has ended, whoever takes its events. */
static inline void zoo_run_and_end(struct zoo *zoo)
{
    char path[96];
    (void)snprintf(path, sizeof path, "/api/discovery/runs/%s", zoo_run(zoo));
    await_get(zoo->world, path, "/status", "completed");
}

/* Before a test: one that has failed leaves the host where it is, and the next shall not suffer. */
static inline void zoo_calm(struct zoo *zoo)
{
    zoo_release(zoo);
    if (world_pid(zoo->world) > 0 && world_get(zoo->world, "/health") == 0)
        world_kill(zoo->world);
    if (world_pid(zoo->world) <= 0) /* also when a test has waited for its end */
        zoo_begin(zoo);
    await_get(zoo->world, "/health", "/runs/running", "0");
    then_status(zoo->world, ZOO_PLUGIN, 200);
    if (strcmp(world_value(zoo->world, "/build"), zoo->good) != 0) {
        (void)zoo_swap_to_file(zoo, "recorder.so");
        await_get(zoo->world, ZOO_PLUGIN, "/swap", "null");
    }
}

/* Every run that was started is in the database with all that it found, once, and a new one is
 * recorded, too. */
#define then_recording_goes_on(zoo) then_recording_goes_on_at((zoo), __FILE__, __LINE__)
static inline void then_recording_goes_on_at(struct zoo *zoo, const char *file, int line)
{
    struct postgres *pg = world_postgres(zoo->world);
    char path[96], expected[96];
    (void)snprintf(path, sizeof path, "/api/discovery/runs/%s", zoo_run(zoo));
    int whole = zoo->runs - zoo->runs_cut_off;
    (void)snprintf(expected, sizeof expected, "%d|%d|%d", zoo->runs, whole, zoo->runs_cut_off);
    postgres_await_at(pg,
                      "SELECT count(*), count(*) FILTER (WHERE status = 'completed'),"
                      " count(*) FILTER (WHERE status = 'failed') FROM " ZOO_RUNS,
                      expected, WORLD_MS, file, line);
    await_get_at(zoo->world, path, "/status", "completed", WORLD_MS, file, line);
    (void)snprintf(expected, sizeof expected, "%d|%d|%d", 3 * whole, 3 * whole, whole);
    then_query_at(pg,
                  "SELECT count(*), count(DISTINCT (w.run_id, w.wallet_address)), "
                  "count(DISTINCT w.run_id) FROM " ZOO_WALLETS " w JOIN " ZOO_RUNS
                  " r ON r.id = w.run_id WHERE r.status = 'completed'",
                  expected, file, line);
    then_query_at(pg,
                  "SELECT count(*) - count(DISTINCT (run_id, wallet_address)) FROM " ZOO_WALLETS,
                  "0", file, line);
}

#endif
