/* How a probe lives, on the host's side.
 *
 * Happy path: the child is spawned with three pipes, the request is written, the child says which
 * step it has reached and that the build has passed, it exits, the pipes end, the handles are
 * closed and `done` is called.
 *
 * Failure modes.  It dies or exits without an answer: the step and its last words make the reason.
 * It does not answer in time: SIGKILL to its group; should the kernel not let it die in a second,
 * `done` is called all the same, and the rest goes when the kernel does.  A process that has left
 * the group holds the pipes open: they are closed 200 ms after the child's exit.
 */
#include "plugin/probe.h"

#include <assert.h>
#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "log.h"
#include "plugin/probe_heard.h"

enum { KILL_MS = 1000, DRAIN_MS = 200 };

enum probe_state { RUNNING, KILLED, EXITED, ENDED };

#define TO(state) (1u << (state))

static const struct {
    const char *name;
    unsigned next;
} states[] = {
    [RUNNING] = {"running", TO(KILLED) | TO(EXITED)},
    [KILLED] = {"killed", TO(EXITED)},
    [EXITED] = {"exited", TO(ENDED)},
    [ENDED] = {"ended", 0},
};

struct probe {
    enum probe_state state;
    probe_done done; /* NULL: told or cancelled */
    void *arg;
    char *label;
    char *request;
    uv_process_t process;
    uv_pipe_t input, errors, report;
    uv_timer_t timer; /* running: timeout; killed: the kernel's slack; exited: drain */
    uv_write_t write;
    unsigned handles; /* open */
    bool errors_open, report_open;

    struct probe_end end;
    struct probe_heard heard;
    char errors_room[4096];
};

static void on_timer(uv_timer_t *timer);
static void close_all(struct probe *p);

/* The child leads a group of its own. */
static void kill_group(const struct probe *p)
{
    kill(-p->process.pid, SIGKILL);
}

/* The only writer of p->state. */
static void move(struct probe *p, enum probe_state to)
{
    assert((states[p->state].next & TO(to)) != 0);
    log_line(LOG_DEBUG, "probe", "%s: %s -> %s", p->label, states[p->state].name, states[to].name);
    p->state = to;
    uv_timer_stop(&p->timer);
    switch (to) {
    case RUNNING:
        break;
    case KILLED:
        kill_group(p);
        uv_timer_start(&p->timer, on_timer, KILL_MS, 0);
        break;
    case EXITED:
        kill_group(p); /* the group outlives its leader when that has left somebody */
        uv_timer_start(&p->timer, on_timer, DRAIN_MS, 0);
        break;
    case ENDED:
        close_all(p);
        break;
    }
}

/* ---- the verdict ---- */

static void tell(struct probe *p)
{
    probe_done done = p->done;
    struct error err;
    p->done = NULL;
    if (done == NULL)
        return;
    if (probe_heard_verdict(&p->heard, &p->end, &err))
        done(p->arg, &p->heard.report, NULL);
    else
        done(p->arg, NULL, &err);
}

/* ---- the end ---- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct probe *p = handle->data;
    if (--p->handles > 0)
        return;
    tell(p);
    g_free(p->label);
    free(p->request);
    free(p);
}

static void close_handle(void *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, on_handle_closed);
}

static void close_all(struct probe *p)
{
    close_handle(&p->input);
    close_handle(&p->errors);
    close_handle(&p->report);
    close_handle(&p->process);
    close_handle(&p->timer);
}

static void end_if_all_is_heard(struct probe *p)
{
    if (p->state == EXITED && !p->errors_open && !p->report_open)
        move(p, ENDED);
}

static void on_timer(uv_timer_t *timer)
{
    struct probe *p = timer->data;
    switch (p->state) {
    case RUNNING:
        p->end.timed_out = true;
        move(p, KILLED);
        break;
    case KILLED:
        tell(p);
        break;
    case EXITED:
        move(p, ENDED);
        break;
    case ENDED:
        break;
    }
}

static void on_process_exit(uv_process_t *process, int64_t status, int signal_number)
{
    struct probe *p = process->data;
    p->end.exited = true;
    p->end.exit_status = (int)status;
    p->end.signal = signal_number;
    move(p, EXITED);
    end_if_all_is_heard(p);
}

void probe_cancel(struct probe *p)
{
    if (p == NULL)
        return;
    p->done = NULL;
    if (p->state == RUNNING)
        move(p, KILLED);
}

/* ---- what it says ---- */

static void give_report_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct probe *p = handle->data;
    (void)suggested;
    buf->base = probe_heard_room(&p->heard, &buf->len);
}

static void on_report(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct probe *p = stream->data;
    (void)buf;
    if (n < 0) {
        uv_read_stop(stream);
        p->report_open = false;
        end_if_all_is_heard(p);
        return;
    }
    probe_heard_take(&p->heard, (size_t)n);
}

static void give_errors_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct probe *p = handle->data;
    (void)suggested;
    *buf = uv_buf_init(p->errors_room, sizeof p->errors_room);
}

static void on_errors(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct probe *p = stream->data;
    if (n < 0) {
        uv_read_stop(stream);
        p->errors_open = false;
        end_if_all_is_heard(p);
        return;
    }
    probe_heard_complaint(&p->heard, buf->base, (size_t)n);
}

/* ---- the start ---- */

static char *make_request(const struct probe_spec *spec)
{
    json_t *json = json_pack("{s:I, s:I, s:s, s:s, s:s}", "host", (json_int_t)getpid(),
                             "timeout_ms", (json_int_t)spec->timeout_ms, "name", spec->name,
                             "config", spec->config, "host_name", spec->host_name);
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return text;
}

static void on_written(uv_write_t *write, int status)
{
    (void)status; /* a child that does not read has died, and that says more */
    close_handle(write->handle);
}

static void send_request(struct probe *p)
{
    uv_buf_t buf = uv_buf_init(p->request, (unsigned)strlen(p->request));
    if (uv_write(&p->write, (uv_stream_t *)&p->input, &buf, 1, on_written) != 0)
        close_handle(&p->input);
}

struct pipes {
    uv_file input[2], errors[2], report[2]; /* read end, write end */
};

static int make_pipes(struct pipes *pipes, struct error *err)
{
    memset(pipes, 0xff, sizeof *pipes);
    int status = uv_pipe(pipes->input, 0, UV_NONBLOCK_PIPE);
    if (status == 0)
        status = uv_pipe(pipes->errors, UV_NONBLOCK_PIPE, 0);
    if (status == 0)
        status = uv_pipe(pipes->report, UV_NONBLOCK_PIPE, 0);
    return status == 0 ? 0 : error_set(err, -status, "cannot make a pipe: %s", uv_strerror(status));
}

static void close_pipes(struct pipes *pipes)
{
    uv_file *all[] = {pipes->input, pipes->errors, pipes->report};
    for (size_t i = 0; i < 2 * sizeof all / sizeof all[0]; i++)
        if (all[i / 2][i % 2] >= 0)
            close(all[i / 2][i % 2]);
}

static void open_handles(struct probe *p, uv_loop_t *loop, struct pipes *pipes)
{
    uv_pipe_init(loop, &p->input, 0);
    uv_pipe_init(loop, &p->errors, 0);
    uv_pipe_init(loop, &p->report, 0);
    uv_timer_init(loop, &p->timer);
    uv_handle_t *all[] = {(uv_handle_t *)&p->input, (uv_handle_t *)&p->errors,
                          (uv_handle_t *)&p->report, (uv_handle_t *)&p->timer,
                          (uv_handle_t *)&p->process};
    p->handles = sizeof all / sizeof all[0];
    for (size_t i = 0; i < p->handles; i++)
        all[i]->data = p;
    /* Handed to the handles, which close them. */
    uv_pipe_open(&p->input, pipes->input[1]);
    uv_pipe_open(&p->errors, pipes->errors[0]);
    uv_pipe_open(&p->report, pipes->report[0]);
    pipes->input[1] = pipes->errors[0] = pipes->report[0] = -1;
}

/* No secret of the host's environment, but all that the loader goes by. */
static char **make_environment(void)
{
    static const char *const inherited[] = {
        "PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "LD_PRELOAD"};
    GPtrArray *list = g_ptr_array_new();
    for (size_t i = 0; i < sizeof inherited / sizeof inherited[0]; i++) {
        const char *value = getenv(inherited[i]);
        if (value != NULL)
            g_ptr_array_add(list, g_strconcat(inherited[i], "=", value, NULL));
    }
    g_ptr_array_add(list, NULL);
    return (char **)g_ptr_array_free(list, FALSE);
}

/* Standard output is the null device: what a plugin prints there is of no use. */
static int spawn(struct probe *p, uv_loop_t *loop, const char *path, const struct pipes *pipes)
{
    char *command[] = {(char *)"walltrackd", (char *)PROBE_OPTION, (char *)path, NULL};
    char **environment = make_environment();
    uv_stdio_container_t stdio[] = {
        {.flags = UV_INHERIT_FD, .data.fd = pipes->input[0]},
        {.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = pipes->errors[1]},
        [PROBE_REPORT_FD] = {.flags = UV_INHERIT_FD, .data.fd = pipes->report[1]},
    };
    uv_process_options_t options = {
        .exit_cb = on_process_exit,
        .file = "/proc/self/exe",
        .args = command,
        .env = environment,
        .flags = UV_PROCESS_DETACHED,
        .stdio_count = sizeof stdio / sizeof stdio[0],
        .stdio = stdio,
    };
    int status = uv_spawn(loop, &p->process, &options);
    g_strfreev(environment);
    return status;
}

static void on_stillborn_closed(uv_handle_t *handle)
{
    struct probe *p = handle->data;
    free(p->request);
    free(p);
}

struct probe *probe_start(uv_loop_t *loop, const struct probe_spec *spec, probe_done done,
                          void *arg, struct error *err)
{
    struct pipes pipes;
    struct probe *p = calloc(1, sizeof *p);
    if (p == NULL || (p->request = make_request(spec)) == NULL) {
        free(p);
        error_set(err, ENOMEM, "out of memory");
        return NULL;
    }
    if (make_pipes(&pipes, err) != 0) {
        close_pipes(&pipes);
        free(p->request);
        free(p);
        return NULL;
    }
    int status = spawn(p, loop, spec->path, &pipes);
    if (status != 0) {
        /* libuv has made the handle all the same; nothing else was opened. */
        error_set(err, -status, "cannot start a process: %s", uv_strerror(status));
        close_pipes(&pipes);
        p->process.data = p;
        uv_close((uv_handle_t *)&p->process, on_stillborn_closed);
        return NULL;
    }
    p->done = done;
    p->arg = arg;
    p->end.timeout_ms = spec->timeout_ms;
    p->label = g_strdup(spec->build_label);
    open_handles(p, loop, &pipes);
    close_pipes(&pipes);
    p->errors_open = p->report_open = true;
    uv_read_start((uv_stream_t *)&p->errors, give_errors_room, on_errors);
    uv_read_start((uv_stream_t *)&p->report, give_report_room, on_report);
    uv_timer_start(&p->timer, on_timer, p->end.timeout_ms, 0);
    send_request(p);
    return p;
}
