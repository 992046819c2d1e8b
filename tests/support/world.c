/* world.c: directory, configuration and life of the host; requests are in world_client.c. */
#include "support/world.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/failure.h"
#include "support/process.h"
#include "support/world_parts.h"

enum { STOP_MS = 30000, LOG_TAIL = 16384 };

/* ---- texts, paths, failure ---- */

const char *world_lend(struct world *w, char *text)
{
    if (text == NULL)
        cannot_go_on("out of memory");
    struct world_text *lent = malloc(sizeof *lent);
    if (lent == NULL)
        cannot_go_on("out of memory");
    *lent = (struct world_text){w->texts, text};
    w->texts = lent;
    return text;
}

const char *world_path(struct world *w, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", w->directory, name) < 0)
        path = NULL;
    return world_lend(w, path);
}

_Noreturn void world_fail(struct world *w, const char *file, int line, const char *format, ...)
{
    char message[2048];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(message, sizeof message, format, args);
    va_end(args);
    scratch_print_tail(world_path(w, "log"), LOG_TAIL);
    failure_at(file, line, "%s", message);
}

const char *world_log(struct world *w)
{
    free(w->log);
    w->log = scratch_read(world_path(w, "log"));
    return w->log != NULL ? w->log : "";
}

void world_touch(struct world *w, const char *name)
{
    scratch_write(w->directory, name, "");
}

/* ---- what is given ---- */

static void write_config(struct world *w)
{
    char *text = json_dumps(w->config, JSON_INDENT(2));
    if (text == NULL)
        cannot_go_on("out of memory");
    scratch_write(w->directory, "walltrack.json", text);
    free(text);
}

/* RFC 7396. */
static void merge(json_t *into, const json_t *patch)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach ((json_t *)patch, key, value) {
        json_t *old = json_object_get(into, key);
        if (json_is_null(value))
            (void)json_object_del(into, key);
        else if (json_is_object(value) && json_is_object(old))
            merge(old, value);
        else
            (void)json_object_set_new(into, key, json_deep_copy(value));
    }
}

void given_config(struct world *w, const char *patch)
{
    json_error_t error;
    json_t *parsed = json_loads(patch, 0, &error);
    if (!json_is_object(parsed))
        cannot_go_on("not a JSON object: %s (%s)", patch, error.text);
    merge(w->config, parsed);
    json_decref(parsed);
    write_config(w);
}

/* Written beside and renamed, so that a shell that is reading the old one is not disturbed. */
void given_engine(struct world *w, const char *script)
{
    scratch_write(w->directory, "engine.new", script);
    if (rename(world_path(w, "engine.new"), world_path(w, "engine")) != 0)
        cannot_go_on("rename engine: %s", strerror(errno));
}

static void copy_file(const char *from, const char *to)
{
    struct stat st;
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    if (in < 0 || out < 0 || fstat(in, &st) != 0)
        cannot_go_on("copy %s to %s: %s", from, to, strerror(errno));
    for (off_t done = 0; done < st.st_size;)
        if (sendfile(out, in, &done, (size_t)(st.st_size - done)) <= 0)
            cannot_go_on("copy %s to %s: %s", from, to, strerror(errno));
    close(in);
    close(out);
}

static void put_plugin(struct world *w, const char *file, const char *tag, const char *name)
{
    char place[128];
    (void)snprintf(place, sizeof place, "plugins/%s", name);
    const char *fresh = world_path(w, "plugins/.new");
    copy_file(file, fresh);
    FILE *end = fopen(fresh, "a");
    if (end == NULL || fputs(tag, end) < 0 || fclose(end) != 0)
        cannot_go_on("write %s: %s", fresh, strerror(errno));
    if (rename(fresh, world_path(w, place)) != 0)
        cannot_go_on("rename %s: %s", name, strerror(errno));
}

void given_plugin(struct world *w, const char *file, const char *name)
{
    put_plugin(w, file, "", name);
}

void given_build(struct world *w, const char *tag, const char *name)
{
    put_plugin(w, TEST_RECORDER, tag, name);
}

static json_t *usual_config(struct world *w)
{
    return json_pack("{s:s, s:s, s:{s:s}, s:{s:[s], s:i}, s:[], s:[], s:{s:s, s:s}}", "state_dir",
                     world_path(w, "state"), "plugin_dir", world_path(w, "plugins"), "admin",
                     "socket", world_path(w, "admin.sock"), "engine", "command",
                     world_path(w, "engine"), "kill_grace_seconds", 2, "schedules", "plugins",
                     "log", "level", "debug", "format", "text");
}

#ifdef TEST_RECORDER
static void add_recorder(struct world *w, const char *conninfo)
{
    given_plugin(w, TEST_RECORDER, "recorder.so");
    json_t *entry = json_pack("{s:s, s:s, s:{s:s}}", "name", "recorder", "path", "recorder.so",
                              "config", "conninfo", conninfo);
    if (json_array_append_new(json_object_get(w->config, "plugins"), entry) != 0)
        cannot_go_on("out of memory");
}
#else
static void add_recorder(struct world *w, const char *conninfo)
{
    (void)w;
    cannot_go_on("the recorder was not built, so nothing records to %s", conninfo);
}
#endif

struct world *world_new(const struct world_options *options)
{
    struct world *w = calloc(1, sizeof *w);
    if (w == NULL)
        cannot_go_on("out of memory");
    w->pid = -1;
    w->pg = options->pg;
    w->set = options->set;
    scratch_new(w->directory);
    if (mkdir(world_path(w, "plugins"), 0755) != 0)
        cannot_go_on("mkdir plugins: %s", strerror(errno));
    w->config = usual_config(w);
    if (w->config == NULL)
        cannot_go_on("out of memory");
    if (options->conninfo != NULL)
        add_recorder(w, options->conninfo);
    else if (options->pg != NULL)
        add_recorder(w, postgres_conninfo(options->pg));
    given_engine(w, "#!/bin/sh\nexit 0\n");
    given_config(w, options->config != NULL ? options->config : "{}");
    return w;
}

void world_free(struct world *w)
{
    if (w == NULL)
        return;
    world_kill(w);
    scratch_remove(w->directory);
    world_forget_answer(w);
    json_decref(w->config);
    free(w->log);
    while (w->texts != NULL) {
        struct world_text *next = w->texts->next;
        free(w->texts->text);
        free(w->texts);
        w->texts = next;
    }
    free(w);
}

/* ---- life ---- */

#ifdef TEST_WALLTRACKD
static const char host_program[] = TEST_WALLTRACKD;
#else
static const char host_program[] = "walltrackd";
#endif

void world_launch(struct world *w)
{
    const char *log = world_path(w, "log");
    const char *const argv[] = {host_program, "--config", world_path(w, "walltrack.json"), NULL};
    const struct process_options options = {.log = log, .set = w->set};
    w->pid = process_start(argv, &options);
}

void world_start(struct world *w)
{
    world_launch(w);
    long deadline = process_now_ms() + WORLD_MS;
    while (world_get(w, "/health") == 0) {
        int status = 0;
        if (process_wait(w->pid, WORLD_POLL_MS, &status)) {
            w->pid = -1;
            world_fail(w, __FILE__, __LINE__, "walltrackd ended at its start, status %d", status);
        }
        if (process_now_ms() >= deadline)
            world_fail(w, __FILE__, __LINE__, "walltrackd does not answer on its socket");
    }
}

int world_wait_end(struct world *w, int ms)
{
    int status = 0;
    if (!process_wait(w->pid, ms, &status))
        world_fail(w, __FILE__, __LINE__, "walltrackd did not end within %d ms", ms);
    w->pid = -1;
    return status;
}

int world_start_fails(struct world *w)
{
    world_launch(w);
    int status = world_wait_end(w, WORLD_MS);
    if (status == 0)
        world_fail(w, __FILE__, __LINE__, "walltrackd ended as if all were well");
    return status;
}

void world_signal(struct world *w, int signal)
{
    if (w->pid <= 0)
        world_fail(w, __FILE__, __LINE__, "signal %d: no host is running", signal);
    if (kill(w->pid, signal) != 0)
        world_fail(w, __FILE__, __LINE__, "signal %d: %s", signal, strerror(errno));
}

void world_stop(struct world *w)
{
    world_signal(w, SIGTERM);
    int status = world_wait_end(w, STOP_MS);
    if (status != 0)
        world_fail(w, __FILE__, __LINE__, "walltrackd ended with status %d", status);
}

void world_kill(struct world *w)
{
    if (w->pid <= 0) /* to kill process -1 is to kill them all */
        return;
    (void)process_stop(w->pid, SIGKILL, STOP_MS);
    w->pid = -1;
}

void world_restart(struct world *w)
{
    world_stop(w);
    world_start(w);
}

pid_t world_pid(const struct world *w)
{
    return w->pid;
}

struct postgres *world_postgres(const struct world *w)
{
    return w->pg;
}

/* ---- for cmocka ---- */

int world_setup(void **state)
{
    struct postgres *pg = *state;
    postgres_fresh_database(pg);
    const struct world_options options = {.pg = pg};
    struct world *w = world_new(&options);
    world_start(w);
    await_plugin(w, "recorder", "live");
    *state = w;
    return 0;
}

int world_teardown(void **state)
{
    struct world *w = *state;
    if (w->pid > 0)
        world_stop(w);
    world_free(w);
    return 0;
}
