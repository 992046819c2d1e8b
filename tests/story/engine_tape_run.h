/* engine_tape_run.h: running engine-tape once, as a host would, and looking at what it printed.
 *
 * Each test has a directory of its own, where the tape, the request and both outputs lie.
 */
#ifndef STORY_ENGINE_TAPE_RUN_H
#define STORY_ENGINE_TAPE_RUN_H

#include <jansson.h>

#include "support/process.h"
#include "support/scratch.h"

struct engine_run {
    char directory[SCRATCH_PATH_SIZE];
    int status;      /* exit status                        */
    json_t *lines;   /* array: what it printed, as objects */
    char *complaint; /* what it printed to standard error  */
};

static inline void engine_run_path(const struct engine_run *r, const char *name, char out[128])
{
    snprintf(out, 128, "%s/%s", r->directory, name);
}

static inline int engine_run_setup(void **state)
{
    struct engine_run *r = calloc(1, sizeof *r);
    if (r == NULL)
        return -1;
    scratch_new(r->directory);
    *state = r;
    return 0;
}

static inline void engine_run_forget(struct engine_run *r)
{
    json_decref(r->lines);
    free(r->complaint);
    r->lines = NULL;
    r->complaint = NULL;
}

static inline int engine_run_teardown(void **state)
{
    struct engine_run *r = *state;
    engine_run_forget(r);
    scratch_remove(r->directory);
    free(r);
    return 0;
}

/* Every line must be one JSON object. */
static inline json_t *engine_run_lines(const char *path)
{
    char *text = scratch_read(path);
    assert_non_null(text);
    char *rest = NULL;
    json_t *lines = json_array();
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(object))
            fail_msg("not a JSON object: %s", line);
        json_array_append_new(lines, object);
    }
    free(text);
    return lines;
}

/* Options are NULL-terminated; a tape's name among them is one in the directory. */
static inline void when_engine_runs(struct engine_run *r, const char *request,
                                    const char *const *options)
{
    static const char with_request[] = "exec \"$0\" \"$@\" <request";
    const char *argv[16] = {"/bin/sh", "-c", with_request, TEST_ENGINE_TAPE};
    char output[128], log[128];
    for (size_t i = 0; options[i] != NULL && i < 11; i++)
        argv[4 + i] = options[i];
    engine_run_forget(r);
    engine_run_path(r, "output", output);
    engine_run_path(r, "log", log);
    unlink(log);
    scratch_write(r->directory, "request", request);
    const struct process_options process = {
        .directory = r->directory, .output = output, .log = log};
    r->status = process_run(argv, &process);
    r->lines = engine_run_lines(output);
    r->complaint = scratch_read(log);
    assert_non_null(r->complaint);
}

static inline const char *engine_run_text(const json_t *line, const char *key)
{
    const char *text = json_string_value(json_object_get(line, key));
    return text != NULL ? text : "-";
}

/* How many lines have this event. */
static inline size_t engine_run_count(const struct engine_run *r, const char *event)
{
    size_t count = 0, i;
    json_t *line;
    json_array_foreach (r->lines, i, line)
        count += strcmp(engine_run_text(line, "event"), event) == 0;
    return count;
}

#endif
