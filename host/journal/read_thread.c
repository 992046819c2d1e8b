#include "journal/read_thread.h"

#include <errno.h>
#include <stdlib.h>

#include "journal/thread.h"

struct queue {
    struct read_request *first, **end;
};

struct read_thread {
    uv_thread_t thread;
    uv_mutex_t mutex;
    uv_cond_t changed;
    void (*wake)(void *arg);
    void *arg;
    struct store *store; /* the thread's alone */

    /* Under the mutex. */
    struct queue waiting, done;
    bool stop, ended;
};

static void push(struct queue *q, struct read_request *r)
{
    r->next = NULL;
    *q->end = r;
    q->end = &r->next;
}

static struct read_request *pop(struct queue *q)
{
    struct read_request *r = q->first;
    if (r == NULL)
        return NULL;
    q->first = r->next;
    if (q->first == NULL)
        q->end = &q->first;
    return r;
}

static void read_main(void *arg)
{
    struct read_thread *t = arg;
    uv_mutex_lock(&t->mutex);
    for (;;) {
        struct read_request *r = pop(&t->waiting);
        if (r != NULL) {
            uv_mutex_unlock(&t->mutex);
            r->status = store_read(t->store, r->first, r->head, &r->block, &r->err);
            uv_mutex_lock(&t->mutex);
            push(&t->done, r);
            t->wake(t->arg);
        } else if (t->stop) {
            break;
        } else {
            uv_cond_wait(&t->changed, &t->mutex);
        }
    }
    uv_mutex_unlock(&t->mutex);
    store_close(t->store);
    uv_mutex_lock(&t->mutex);
    t->store = NULL;
    t->ended = true;
    t->wake(t->arg);
    uv_mutex_unlock(&t->mutex);
}

int read_thread_start(struct store *s, void (*wake)(void *arg), void *arg, struct read_thread **out,
                      struct error *err)
{
    struct read_thread *t = calloc(1, sizeof *t);
    if (t == NULL)
        return error_set(err, ENOMEM, "out of memory");
    t->store = s;
    t->wake = wake;
    t->arg = arg;
    t->waiting.end = &t->waiting.first;
    t->done.end = &t->done.first;
    int code = uv_mutex_init(&t->mutex);
    if (code == 0 && (code = uv_cond_init(&t->changed)) != 0)
        uv_mutex_destroy(&t->mutex);
    if (code != 0) {
        free(t);
        return error_set(err, -code, "start a thread: %s", uv_strerror(code));
    }
    if (thread_start(&t->thread, "journal-read", read_main, t, err) != 0) {
        uv_cond_destroy(&t->changed);
        uv_mutex_destroy(&t->mutex);
        free(t);
        return -1;
    }
    *out = t;
    return 0;
}

void read_thread_submit(struct read_thread *t, struct read_request *r)
{
    r->block = NULL;
    r->status = 0;
    uv_mutex_lock(&t->mutex);
    push(&t->waiting, r);
    uv_cond_signal(&t->changed);
    uv_mutex_unlock(&t->mutex);
}

struct read_request *read_thread_collect(struct read_thread *t)
{
    uv_mutex_lock(&t->mutex);
    struct read_request *r = pop(&t->done);
    uv_mutex_unlock(&t->mutex);
    return r;
}

void read_thread_stop(struct read_thread *t)
{
    uv_mutex_lock(&t->mutex);
    t->stop = true;
    uv_cond_signal(&t->changed);
    uv_mutex_unlock(&t->mutex);
}

bool read_thread_ended(struct read_thread *t)
{
    uv_mutex_lock(&t->mutex);
    bool ended = t->ended;
    uv_mutex_unlock(&t->mutex);
    return ended;
}

void read_thread_free(struct read_thread *t)
{
    if (t == NULL)
        return;
    read_thread_stop(t);
    uv_thread_join(&t->thread);
    uv_cond_destroy(&t->changed);
    uv_mutex_destroy(&t->mutex);
    free(t);
}
