/* Happy path: the worker is done, the timer is closed, `done` runs.
 * Failure: a disk that does not answer cannot be interrupted: after the deadline its worker is
 * waited for by the record alone, and what it brings is dropped. */
#include "plugin/verification.h"

#include <errno.h>
#include <glib.h>
#include <stdlib.h>

enum { SWEEP_SECONDS = 600 };

struct verification {
    uv_work_t work;
    uv_timer_t timer;
    struct build_order order; /* its texts are owned */
    struct builds_kept kept;
    struct stored_build stored;
    struct error err;
    int status;
    verification_done done; /* NULL: nobody listens any more */
    void *arg;
    unsigned open; /* the worker and the timer */
};

static void let_go(struct verification *v)
{
    if (--v->open > 0)
        return;
    g_free((char *)v->order.state_dir);
    g_free((char *)v->order.plugin_dir);
    g_free((char *)v->order.path);
    g_free((char *)v->order.sha256);
    g_free(v->stored.path);
    free(v);
}

static void on_timer_closed(uv_handle_t *handle)
{
    let_go(handle->data);
}

static void finish(struct verification *v, const struct stored_build *stored)
{
    verification_done done = v->done;
    v->done = NULL;
    if (done != NULL)
        done(v->arg, stored, &v->err);
    if (!uv_is_closing((uv_handle_t *)&v->timer))
        uv_close((uv_handle_t *)&v->timer, on_timer_closed);
}

static void on_work(uv_work_t *work)
{
    struct verification *v = work->data;
    const struct build_order *o = &v->order;
    if (o->path == NULL) {
        v->status = build_store_find(o->state_dir, o->sha256, &v->stored, &v->err);
        return;
    }
    v->status = build_store_take(o, &v->stored, &v->err);
    build_store_sweep(o->state_dir, &v->kept, SWEEP_SECONDS);
}

static void on_work_done(uv_work_t *work, int status)
{
    struct verification *v = work->data;
    (void)status; /* never cancelled */
    finish(v, v->status == 0 ? &v->stored : NULL);
    let_go(v);
}

static void on_timeout(uv_timer_t *timer)
{
    struct verification *v = timer->data;
    struct error late;
    verification_done done = v->done;
    v->done = NULL;
    error_set(&late, ETIMEDOUT, "the file could not be read in time");
    if (done != NULL)
        done(v->arg, NULL, &late);
}

struct verification *verification_start(uv_loop_t *loop, const struct build_order *order,
                                        const struct builds_kept *kept, uint64_t timeout_ms,
                                        verification_done done, void *arg)
{
    struct verification *v = calloc(1, sizeof *v);
    if (v == NULL)
        return NULL;
    v->order = (struct build_order){g_strdup(order->state_dir), g_strdup(order->plugin_dir),
                                    g_strdup(order->path), g_strdup(order->sha256)};
    v->kept = *kept;
    v->done = done;
    v->arg = arg;
    v->open = 2;
    v->work.data = v->timer.data = v;
    uv_timer_init(loop, &v->timer);
    uv_timer_start(&v->timer, on_timeout, timeout_ms, 0);
    uv_queue_work(loop, &v->work, on_work, on_work_done);
    return v;
}

void verification_cancel(struct verification *v)
{
    v->done = NULL;
    uv_timer_stop(&v->timer);
}
