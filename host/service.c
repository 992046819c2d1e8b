#include "service.h"

#include <inttypes.h>
#include <stdlib.h>

#include <systemd/sd-daemon.h>

struct service {
    uv_timer_t alive;
};

static void on_alive(uv_timer_t *timer)
{
    (void)timer;
    (void)sd_notify(0, "WATCHDOG=1");
}

struct service *service_new(uv_loop_t *loop)
{
    struct service *s = calloc(1, sizeof *s);
    uint64_t usec = 0;
    if (s == NULL)
        return NULL;
    uv_timer_init(loop, &s->alive);
    uv_unref((uv_handle_t *)&s->alive);
    s->alive.data = s;
    if (sd_watchdog_enabled(0, &usec) > 0) {
        uint64_t ms = usec / 2000 > 0 ? usec / 2000 : 1;
        uv_timer_start(&s->alive, on_alive, ms, ms);
    }
    return s;
}

void service_ready(struct service *s, const char *status)
{
    if (s != NULL)
        (void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
}

/* The manager puts reloads in order by this time. */
void service_reloading(struct service *s)
{
    if (s != NULL)
        (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, uv_hrtime() / 1000);
}

void service_stopping(struct service *s)
{
    if (s != NULL)
        (void)sd_notify(0, "STOPPING=1\nSTATUS=ending runs and storing what they found");
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void service_close(struct service *s)
{
    if (s != NULL)
        uv_close((uv_handle_t *)&s->alive, on_closed);
}
