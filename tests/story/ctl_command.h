/* ctl_command.h: walltrackctl as a user runs it: from a shell, on a terminal, interrupted.
 *
 * begin() starts a command, finish() waits for its end; `said` is what it printed.  For what needs
 * no more than its end and what it printed in all, world.h has then_ctl().
 */
#ifndef STORY_CTL_COMMAND_H
#define STORY_CTL_COMMAND_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/postgres.h"
#include "support/process.h"
#include "support/scratch.h"
#include "support/world.h"

#ifdef TEST_WALLTRACKCTL
static const char ctl_program[] = TEST_WALLTRACKCTL;
#else
static const char ctl_program[] = "walltrackctl";
#endif

/* What the command of begin() and finish() has printed, on either output. */
static struct {
    char *out, *err;
} said;

static inline void forget_what_was_said(void)
{
    free(said.out);
    free(said.err);
    said.out = said.err = NULL;
}

static inline void listen_to(struct world *w)
{
    forget_what_was_said();
    said.out = scratch_read(world_path(w, "ctl.stdout"));
    said.err = scratch_read(world_path(w, "ctl.stderr"));
    assert_non_null(said.out);
    assert_non_null(said.err);
}

/* Starts a command of the shell in which walltrackctl is found, and finds its host unless `set`
 * says otherwise. */
static inline pid_t begin(struct world *w, const char *command, const char *const *set)
{
    char line[1024];
    snprintf(line, sizeof line,
             "PATH=${W%%/*}:$PATH; : ${WALLTRACK_SOCKET=%s}; export PATH WALLTRACK_SOCKET; "
             "unset W; exec %s",
             world_path(w, "admin.sock"), command);
    char program[512];
    snprintf(program, sizeof program, "W=%s", ctl_program);
    const char *all[8] = {program, "TZ=UTC"};
    for (size_t i = 0; set != NULL && set[i] != NULL; i++)
        all[i + 2] = set[i];
    const struct process_options options = {
        .log = world_path(w, "ctl.stderr"), .output = world_path(w, "ctl.stdout"), .set = all};
    (void)remove(options.log);
    (void)remove(options.output);
    return process_start((const char *const[]){"sh", "-c", line, NULL}, &options);
}

static inline int finish(struct world *w, pid_t pid)
{
    int status = -1;
    if (!process_wait(pid, WORLD_MS, &status))
        world_fail(w, __FILE__, __LINE__, "walltrackctl has not ended");
    listen_to(w);
    return status;
}

/* The same on a terminal: what it prints is in said.out. */
static inline pid_t begin_on_terminal(struct world *w, const char *command, const char *const *set)
{
    char line[256];
    snprintf(line, sizeof line, "script -qefc '%s' /dev/null", command);
    return begin(w, line, set);
}

static inline bool file_has(struct world *w, const char *name, const char *text)
{
    char *all = scratch_read(world_path(w, name));
    bool found = all != NULL && strstr(all, text) != NULL;
    free(all);
    return found;
}

/* On either output. */
static inline bool has_printed(struct world *w, void *text)
{
    return file_has(w, "ctl.stdout", text) || file_has(w, "ctl.stderr", text);
}

/* ---- what is expected ---- */

#define then_says(w, text) then_says_at((w), world_text(w), (text), __FILE__, __LINE__)
#define then_printed(w, text) then_says_at((w), said.out, (text), __FILE__, __LINE__)
#define then_complained(w, text) then_says_at((w), said.err, (text), __FILE__, __LINE__)
static inline void then_says_at(struct world *w, const char *all, const char *text,
                                const char *file, int line)
{
    if (strstr(all, text) == NULL)
        world_fail(w, file, line, "'%s' is not in: %s", text, all);
}

static inline void then_says_not(struct world *w, const char *text)
{
    if (strstr(world_text(w), text) != NULL)
        world_fail(w, __FILE__, __LINE__, "'%s' is in: %s", text, world_text(w));
}

/* A line "name   value". */
#define then_field(w, name, value) then_field_at((w), (name), (value), __FILE__, __LINE__)
static inline void then_field_at(struct world *w, const char *name, const char *value,
                                 const char *file, int line)
{
    size_t size = strlen(name);
    for (const char *c = world_text(w); c != NULL && *c != '\0'; c = strchr(c, '\n')) {
        c += *c == '\n';
        if (strncmp(c, name, size) != 0 || c[size] != ' ')
            continue;
        const char *shown = c + size + strspn(c + size, " ");
        if (strncmp(shown, value, strlen(value)) == 0 && shown[strlen(value)] == '\n')
            return;
    }
    world_fail(w, file, line, "no line '%s  %s' in: %s", name, value, world_text(w));
}

#endif
