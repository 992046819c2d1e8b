/* libmicrohttpd has no thread and no listening socket here.  Its epoll descriptor is watched by
 * the loop; after every MHD_run() its own next time is asked for, and while there are connections
 * it also runs once a second, because what it does within a run can need another one.  Answers
 * that come later resume a suspended connection and have it run in the next turn. */
#include "admin/core.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

/* ---- states --------------------------------------------------------------------------- */

#define TO(state) (1u << (state))
static const struct {
    const char *name;
    unsigned next;
} states[] = {
    [ADMIN_SERVING] = {"serving", TO(ADMIN_DRAINING)},
    [ADMIN_DRAINING] = {"draining", TO(ADMIN_CLOSING)},
    [ADMIN_CLOSING] = {"closing", 0},
};

static void on_handle_closed(uv_handle_t *handle);

/* The only writer of a->state. */
static void admin_move(struct admin *a, enum admin_state to)
{
    assert(states[a->state].next & TO(to));
    log_line(LOG_DEBUG, "admin", "%s -> %s", states[a->state].name, states[to].name);
    a->state = to;
    switch (to) {
    case ADMIN_DRAINING:
        a->drain_until = uv_now(a->loop) + DRAIN_MS;
        uv_poll_stop(&a->accept_poll);
        requests_sweep(a);
        connections_end_idle(a);
        admin_kick(a);
        break;
    case ADMIN_CLOSING:
        uv_close((uv_handle_t *)&a->accept_poll, on_handle_closed);
        uv_close((uv_handle_t *)&a->http_poll, on_handle_closed);
        uv_close((uv_handle_t *)&a->run_timer, on_handle_closed);
        uv_close((uv_handle_t *)&a->again, on_handle_closed);
        uv_close((uv_handle_t *)&a->tick_timer, on_handle_closed);
        break;
    case ADMIN_SERVING:
        break;
    }
}

/* ---- libmicrohttpd on the loop -------------------------------------------------------- */

static void on_run(uv_timer_t *timer);
static void on_tick(uv_timer_t *timer);

static void on_again(uv_idle_t *idle);

/* A timer of 0 ms that starts itself anew would keep libuv from ever looking at a descriptor. */
static void run_again(struct admin *a)
{
    MHD_UNSIGNED_LONG_LONG ms;
    bool has_time = MHD_get_timeout(a->http, &ms) == MHD_YES;
    if (has_time && ms == 0)
        uv_idle_start(&a->again, on_again);
    else if (has_time)
        uv_timer_start(&a->run_timer, on_run, ms, 0);
    else
        uv_timer_stop(&a->run_timer);
}

static void run_http(struct admin *a)
{
    if (a->state == ADMIN_CLOSING)
        return;
    MHD_run(a->http);
    run_again(a);

    if (a->connections == NULL)
        uv_timer_stop(&a->tick_timer);
    else if (!uv_is_active((const uv_handle_t *)&a->tick_timer))
        uv_timer_start(&a->tick_timer, on_tick, TICK_MS, TICK_MS);

    if (a->state == ADMIN_DRAINING) {
        connections_end_idle(a);
        if (a->connections == NULL || uv_now(a->loop) >= a->drain_until)
            admin_move(a, ADMIN_CLOSING);
    }
}

static void on_run(uv_timer_t *timer)
{
    run_http(timer->data);
}

static void on_again(uv_idle_t *idle)
{
    uv_idle_stop(idle);
    run_http(idle->data);
}

static void on_tick(uv_timer_t *timer)
{
    struct admin *a = timer->data;
    requests_sweep(a);
    connections_sweep(a);
    run_http(a);
}

static void on_http_ready(uv_poll_t *poll, int status, int events)
{
    (void)status; /* MHD_run() finds out */
    (void)events;
    run_http(poll->data);
}

static void on_accept_ready(uv_poll_t *poll, int status, int events)
{
    struct admin *a = poll->data;
    (void)events;
    if (status != 0) {
        log_line(LOG_ERROR, "admin", "cannot watch the socket: %s", uv_strerror(status));
        return;
    }
    if (connections_are_full(a))
        run_http(a); /* those who have gone make room first */
    connections_accept(a);
    run_http(a);
}

void admin_kick(struct admin *a)
{
    if (a->state != ADMIN_CLOSING)
        uv_idle_start(&a->again, on_again);
}

__attribute__((format(printf, 2, 0))) static void log_http(void *arg, const char *format,
                                                           va_list args)
{
    char line[256];
    (void)arg;
    vsnprintf(line, sizeof line, format, args);
    line[strcspn(line, "\n")] = '\0';
    /* It sets TCP options on every socket, and tells three times an answer that this one has none.
     */
    if (strstr(line, "TCP_") != NULL || strstr(line, "push the data") != NULL)
        return;
    log_line(LOG_DEBUG, "admin", "libmicrohttpd: %s", line);
}

static int start_http(struct admin *a, struct error *err)
{
    a->http = MHD_start_daemon(
        MHD_USE_NO_LISTEN_SOCKET | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0,
        NULL, NULL, request_step, a, MHD_OPTION_EXTERNAL_LOGGER, log_http, NULL,
        MHD_OPTION_URI_LOG_CALLBACK, request_begin, a, MHD_OPTION_NOTIFY_COMPLETED, request_end, a,
        MHD_OPTION_NOTIFY_CONNECTION, connection_notify, a, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX + 16, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)HEADER_BYTES_MAX, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    if (a->http == NULL)
        return error_set(err, EIO, "cannot start libmicrohttpd");
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(a->http, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL || info->epoll_fd < 0)
        return error_set(err, EIO, "this libmicrohttpd has no epoll");
    a->epoll_fd = info->epoll_fd;
    return 0;
}

/* ---- life ----------------------------------------------------------------------------- */

/* Frees what is not a handle; takes a half-built one. */
static void admin_free(struct admin *a)
{
    if (a->http != NULL)
        MHD_stop_daemon(a->http);
    triggers_free(a->triggers);
    names_free(a->names);
    listener_close(a->listener);
    if (a->spare_fd >= 0)
        close(a->spare_fd);
    free(a);
}

/* After the last handle: nothing watches libmicrohttpd's descriptor any more. */
static void on_handle_closed(uv_handle_t *handle)
{
    struct admin *a = handle->data;
    if (--a->handles > 0)
        return;
    void (*closed)(void *arg) = a->closed;
    void *arg = a->closed_arg;
    admin_free(a);
    if (closed != NULL)
        closed(arg);
}

static int start_handles(struct admin *a, struct error *err)
{
    uv_timer_init(a->loop, &a->run_timer);
    uv_timer_init(a->loop, &a->tick_timer);
    uv_idle_init(a->loop, &a->again);
    a->handles = 3;
    a->run_timer.data = a->tick_timer.data = a->again.data = a;
    a->accept_poll.data = a->http_poll.data = a;
    int status = uv_poll_init(a->loop, &a->accept_poll, listener_fd(a->listener));
    if (status == 0) {
        a->handles++;
        status = uv_poll_init(a->loop, &a->http_poll, a->epoll_fd);
    }
    if (status == 0) {
        a->handles++;
        status = uv_poll_start(&a->http_poll, UV_READABLE, on_http_ready);
    }
    if (status == 0)
        status = uv_poll_start(&a->accept_poll, UV_READABLE, on_accept_ready);
    if (status != 0)
        return error_set(err, -status, "cannot watch the socket: %s", uv_strerror(status));
    return 0;
}

/* Ends a half-built one; its handles need another turn of the loop. */
static void abandon(struct admin *a)
{
    uv_handle_t *const handles[] = {(uv_handle_t *)&a->run_timer, (uv_handle_t *)&a->tick_timer,
                                    (uv_handle_t *)&a->again, (uv_handle_t *)&a->accept_poll,
                                    (uv_handle_t *)&a->http_poll};
    if (a->handles == 0) {
        admin_free(a);
        return;
    }
    for (int i = a->handles - 1; i >= 0; i--)
        uv_close(handles[i], on_handle_closed);
}

int admin_new(uv_loop_t *loop, const struct config *config, const struct admin_ports *ports,
              struct admin **out, struct error *err)
{
    struct admin *a = calloc(1, sizeof *a);
    if (a == NULL)
        return error_set(err, ENOMEM, "out of memory");
    a->loop = loop;
    a->ports = *ports;
    a->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    a->names = names_new(loop, requests_named, a);
    a->triggers = triggers_new(a);
    if (a->names == NULL || a->triggers == NULL) {
        error_set(err, ENOMEM, "out of memory");
        goto fail;
    }
    if (listener_open(config->admin.socket, config->admin.mode, config->admin.group, &a->listener,
                      err) != 0 ||
        start_http(a, err) != 0 || start_handles(a, err) != 0)
        goto fail;
    log_line(LOG_INFO, "admin", "listening on %s", config->admin.socket);
    *out = a;
    return 0;

fail:
    abandon(a);
    return error_wrap(err, "admin");
}

void admin_close(struct admin *a, void (*closed)(void *arg), void *arg)
{
    if (a == NULL) {
        if (closed != NULL)
            closed(arg);
        return;
    }
    if (a->state != ADMIN_SERVING)
        return;
    a->closed = closed;
    a->closed_arg = arg;
    admin_move(a, ADMIN_DRAINING);
}

void admin_stats(const struct admin *a, struct admin_stats *out)
{
    *out = a->stats;
}
