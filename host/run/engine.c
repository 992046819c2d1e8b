/* How an engine lives.
 *
 * Happy path: the keeper is spawned with three pipes, the request is written and the pipe closed,
 * lines arrive, the output ends, the process exits, both orders alike; the handles are closed and
 * `ended` is called.
 *
 * Failure modes.  It does not end in time, or must be stopped: SIGTERM to the keeper, which kills
 * all below it after the grace; should the keeper itself hang, SIGKILL two seconds later.  It exits
 * and the output does not end (which takes a process that the keeper could not reach): after 2 s
 * without a byte, not counting pauses, the output is cut.
 */
#include "run/engine.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "run/keeper.h"
#include "run/stderr_tail.h"

enum { DRAIN_MS = 2000, KEEPER_SLACK_MS = 2000 };

enum engine_state { RUNNING, STOPPING, EXITED, ENDED };

#define TO(state) (1u << (state))

static const struct {
    const char *name;
    unsigned next;
} states[] = {
    [RUNNING] = {"running", TO(STOPPING) | TO(EXITED)},
    [STOPPING] = {"stopping", TO(EXITED)},
    [EXITED] = {"exited", TO(ENDED)},
    [ENDED] = {"ended", 0},
};

struct engine {
    enum engine_state state;
    const struct engine_events *events;
    void *arg;
    char *log_name;
    char *request; /* with its newline, until written */
    int64_t grace_ms;
    uv_process_t process;
    uv_pipe_t input, output, errors;
    uv_timer_t timer; /* run: timeout; stopping: keeper's slack; exited: drain */
    uv_write_t write;
    unsigned handles; /* open */
    bool output_open, errors_open;
    bool paused;
    bool heard; /* a byte came since the drain timer was set */
    struct engine_result result;
    struct stderr_tail tail;
    char errors_buffer[4096];
    struct lines lines;
};

static void on_timer(uv_timer_t *timer);
static void end(struct engine *e);

/* The only writer of e->state. */
static void engine_move(struct engine *e, enum engine_state to)
{
    assert((states[e->state].next & TO(to)) != 0);
    log_line(LOG_DEBUG, e->log_name, "engine %s -> %s", states[e->state].name, states[to].name);
    e->state = to;
    uv_timer_stop(&e->timer);
    switch (to) {
    case RUNNING:
        break;
    case STOPPING:
        uv_process_kill(&e->process, SIGTERM);
        uv_timer_start(&e->timer, on_timer, (uint64_t)(e->grace_ms + KEEPER_SLACK_MS), 0);
        break;
    case EXITED:
        uv_timer_start(&e->timer, on_timer, DRAIN_MS, 0);
        break;
    case ENDED:
        end(e);
        break;
    }
}

/* ---- the end ---- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct engine *e = handle->data;
    if (--e->handles > 0)
        return;
    char *last_words = stderr_tail_text(&e->tail);
    e->result.last_words = last_words;
    e->events->ended(e->arg, &e->result);
    g_free(last_words);
    g_free(e->log_name);
    g_free(e->request);
    free(e);
}

static void close_handle(void *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, on_handle_closed);
}

static void end(struct engine *e)
{
    lines_finish(&e->lines, e->events->line, e->arg);
    e->events->batch(e->arg);
    stderr_tail_finish(&e->tail, e->log_name);
    close_handle(&e->input);
    close_handle(&e->output);
    close_handle(&e->errors);
    close_handle(&e->process);
    close_handle(&e->timer);
}

static void end_if_all_is_heard(struct engine *e)
{
    if (e->state == EXITED && !e->output_open && !e->errors_open)
        engine_move(e, ENDED);
}

static void on_timer(uv_timer_t *timer)
{
    struct engine *e = timer->data;
    switch (e->state) {
    case RUNNING:
        e->result.timed_out = true;
        engine_move(e, STOPPING);
        break;
    case STOPPING: /* the keeper hangs; its death is its engine's */
        uv_process_kill(&e->process, SIGKILL);
        break;
    case EXITED:
        if (e->paused || e->heard) {
            e->heard = false;
            uv_timer_start(&e->timer, on_timer, DRAIN_MS, 0);
            break;
        }
        e->result.output_cut = e->output_open;
        engine_move(e, ENDED);
        break;
    case ENDED:
        break;
    }
}

static void on_process_exit(uv_process_t *process, int64_t status, int signal_number)
{
    struct engine *e = process->data;
    e->result.exit_status = (int)status;
    e->result.signal = signal_number;
    engine_move(e, EXITED);
    end_if_all_is_heard(e);
}

/* ---- what it says ---- */

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct engine *e = handle->data;
    (void)suggested;
    buf->base = lines_room(&e->lines, &buf->len);
}

static void on_output(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct engine *e = stream->data;
    (void)buf;
    if (n == 0)
        return;
    e->heard = true;
    if (n < 0) {
        uv_read_stop(stream);
        e->output_open = false;
        end_if_all_is_heard(e);
        return;
    }
    lines_take(&e->lines, (size_t)n, e->events->line, e->arg);
    e->events->batch(e->arg);
}

static void give_errors_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct engine *e = handle->data;
    (void)suggested;
    *buf = uv_buf_init(e->errors_buffer, sizeof e->errors_buffer);
}

static void on_errors(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct engine *e = stream->data;
    if (n == 0)
        return;
    if (n < 0) {
        uv_read_stop(stream);
        e->errors_open = false;
        end_if_all_is_heard(e);
        return;
    }
    stderr_tail_add(&e->tail, e->log_name, buf->base, (size_t)n);
}

void engine_pause(struct engine *e)
{
    if (e->paused)
        return;
    e->paused = true;
    if (e->output_open)
        uv_read_stop((uv_stream_t *)&e->output);
}

void engine_resume(struct engine *e)
{
    if (!e->paused)
        return;
    e->paused = false;
    e->heard = true;
    if (e->output_open && e->state != ENDED)
        uv_read_start((uv_stream_t *)&e->output, give_room, on_output);
}

void engine_stop(struct engine *e)
{
    if (e->state != RUNNING)
        return;
    e->result.stopped = true;
    engine_move(e, STOPPING);
}

/* ---- the start ---- */

/* What every engine gets of the host's environment, so that no secret of it leaks. */
static const char *const inherited[] = {"PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR"};

static char **make_environment(char *const *extra)
{
    GPtrArray *list = g_ptr_array_new();
    for (size_t i = 0; i < sizeof inherited / sizeof inherited[0]; i++) {
        const char *value = getenv(inherited[i]);
        if (value != NULL)
            g_ptr_array_add(list, g_strconcat(inherited[i], "=", value, NULL));
    }
    for (; extra != NULL && *extra != NULL; extra++)
        g_ptr_array_add(list, g_strdup(*extra));
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(list, FALSE);
}

static char **make_command(const struct engine_spec *spec)
{
    GPtrArray *list = g_ptr_array_new();
    g_ptr_array_add(list, g_strdup("walltrackd"));
    g_ptr_array_add(list, g_strdup(KEEPER_OPTION));
    g_ptr_array_add(list, g_strdup_printf("%d", (int)getpid()));
    g_ptr_array_add(list, g_strdup_printf("%" PRId64, spec->grace_ms));
    const struct engine_limits *l = &spec->limits;
    g_ptr_array_add(list,
                    g_strdup_printf("%" PRId64 ",%" PRId64 ",%" PRId64 ",%" PRId64, l->memory_bytes,
                                    l->cpu_seconds, l->file_bytes, l->open_files));
    for (char *const *word = spec->command; *word != NULL; word++)
        g_ptr_array_add(list, g_strdup(*word));
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(list, FALSE);
}

static void on_written(uv_write_t *write, int status)
{
    struct engine *e = write->data;
    if (status != 0 && status != UV_ECANCELED)
        log_line(LOG_DEBUG, e->log_name, "the engine did not read its request: %s",
                 uv_strerror(status));
    close_handle(&e->input);
}

static void send_request(struct engine *e)
{
    uv_buf_t buf = uv_buf_init(e->request, (unsigned)strlen(e->request));
    e->write.data = e;
    if (uv_write(&e->write, (uv_stream_t *)&e->input, &buf, 1, on_written) != 0)
        close_handle(&e->input);
}

/* Real pipes, not libuv's socket pairs: a shell's `> /dev/stderr` must work. */
struct pipes {
    uv_file input[2], output[2], errors[2]; /* read end, write end */
};

static int make_pipes(struct pipes *p, struct error *err)
{
    memset(p, 0xff, sizeof *p);
    int status = uv_pipe(p->input, 0, UV_NONBLOCK_PIPE);
    if (status == 0)
        status = uv_pipe(p->output, UV_NONBLOCK_PIPE, 0);
    if (status == 0)
        status = uv_pipe(p->errors, UV_NONBLOCK_PIPE, 0);
    return status == 0 ? 0 : error_set(err, -status, "cannot make a pipe: %s", uv_strerror(status));
}

static void close_fd(uv_file *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void close_pipes(struct pipes *p)
{
    for (int i = 0; i < 2; i++) {
        close_fd(&p->input[i]);
        close_fd(&p->output[i]);
        close_fd(&p->errors[i]);
    }
}

static void open_handles(struct engine *e, uv_loop_t *loop, struct pipes *p)
{
    uv_pipe_init(loop, &e->input, 0);
    uv_pipe_init(loop, &e->output, 0);
    uv_pipe_init(loop, &e->errors, 0);
    uv_timer_init(loop, &e->timer);
    uv_handle_t *all[] = {(uv_handle_t *)&e->input, (uv_handle_t *)&e->output,
                          (uv_handle_t *)&e->errors, (uv_handle_t *)&e->timer,
                          (uv_handle_t *)&e->process};
    e->handles = sizeof all / sizeof all[0];
    for (size_t i = 0; i < e->handles; i++)
        all[i]->data = e;
    /* Handed to the handles, which close them. */
    uv_pipe_open(&e->input, p->input[1]);
    uv_pipe_open(&e->output, p->output[0]);
    uv_pipe_open(&e->errors, p->errors[0]);
    p->input[1] = p->output[0] = p->errors[0] = -1;
}

static int spawn(struct engine *e, uv_loop_t *loop, const struct engine_spec *spec,
                 const struct pipes *p)
{
    char **command = make_command(spec);
    char **environment = make_environment(spec->environment);
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_INHERIT_FD, .data.fd = p->input[0]},
        {.flags = UV_INHERIT_FD, .data.fd = p->output[1]},
        {.flags = UV_INHERIT_FD, .data.fd = p->errors[1]},
    };
    uv_process_options_t options = {
        .exit_cb = on_process_exit,
        .file = "/proc/self/exe",
        .args = command,
        .env = environment,
        .flags = UV_PROCESS_DETACHED,
        .stdio_count = 3,
        .stdio = stdio,
    };
    int status = uv_spawn(loop, &e->process, &options);
    g_strfreev(command);
    g_strfreev(environment);
    return status;
}

static void on_stillborn_closed(uv_handle_t *handle)
{
    free(handle->data);
}

int engine_start(uv_loop_t *loop, const struct engine_spec *spec,
                 const struct engine_events *events, void *arg, struct engine **out,
                 struct error *err)
{
    struct pipes pipes;
    struct engine *e = calloc(1, sizeof *e);
    if (e == NULL)
        return error_set(err, ENOMEM, "out of memory");
    if (make_pipes(&pipes, err) != 0) {
        close_pipes(&pipes);
        free(e);
        return -1;
    }
    e->events = events;
    e->arg = arg;
    e->grace_ms = spec->grace_ms;
    int status = spawn(e, loop, spec, &pipes);
    if (status != 0) {
        /* libuv has made the handle all the same, and it must be closed; nothing else was opened.
         */
        error_set(err, -status, "cannot start a process: %s", uv_strerror(status));
        close_pipes(&pipes);
        e->process.data = e;
        uv_close((uv_handle_t *)&e->process, on_stillborn_closed);
        return -1;
    }
    e->log_name = g_strdup(spec->log_name);
    e->request = g_strconcat(spec->request, "\n", NULL);
    open_handles(e, loop, &pipes);
    close_pipes(&pipes);
    e->output_open = e->errors_open = true;
    uv_read_start((uv_stream_t *)&e->output, give_room, on_output);
    uv_read_start((uv_stream_t *)&e->errors, give_errors_room, on_errors);
    send_request(e);
    uv_timer_start(&e->timer, on_timer, (uint64_t)spec->timeout_ms, 0);
    *out = e;
    return 0;
}
