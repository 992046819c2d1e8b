#include "plugin/resolver.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOKUPS_MAX = 8, ADDRESSES_MAX = 16, ADDRESS_SIZE = 64 };

/* Shared by the loop and the lookups' threads; freed by whoever leaves last. */
struct resolver {
    uv_async_t finished;
    pthread_mutex_t lock;
    struct lookup *done; /* lock: those that have an answer */
    unsigned threads;    /* lock: under way */
    bool closed;         /* lock: the loop has gone */
    bool handle_closed;  /* lock */
};

struct lookup {
    struct resolver *resolver;
    struct lookup *next;
    char *name;
    lookup_done call; /* NULL: cancelled */
    void *arg;
    char addresses[ADDRESSES_MAX * ADDRESS_SIZE];
    int error;
};

static void free_lookup(struct lookup *l)
{
    free(l->name);
    free(l);
}

static void free_if_last(struct resolver *r)
{
    pthread_mutex_lock(&r->lock);
    bool last = r->handle_closed && r->threads == 0;
    pthread_mutex_unlock(&r->lock);
    if (!last)
        return;
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static void on_finished(uv_async_t *async)
{
    struct resolver *r = async->data;
    pthread_mutex_lock(&r->lock);
    struct lookup *list = r->done;
    r->done = NULL;
    pthread_mutex_unlock(&r->lock);
    while (list != NULL) {
        struct lookup *l = list;
        list = l->next;
        if (l->call != NULL)
            l->call(l->arg, l->error == 0 ? l->addresses : NULL,
                    l->error == 0 ? NULL : gai_strerror(l->error));
        free_lookup(l);
    }
}

struct resolver *resolver_new(uv_loop_t *loop)
{
    struct resolver *r = calloc(1, sizeof *r);
    if (r == NULL || uv_async_init(loop, &r->finished, on_finished) != 0) {
        free(r);
        return NULL;
    }
    r->finished.data = r;
    pthread_mutex_init(&r->lock, NULL);
    uv_unref((uv_handle_t *)&r->finished);
    return r;
}

static void look_up(struct lookup *l)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    size_t used = 0;
    l->error = getaddrinfo(l->name, NULL, &hints, &found);
    for (struct addrinfo *a = found; a != NULL; a = a->ai_next) {
        char one[ADDRESS_SIZE];
        if (getnameinfo(a->ai_addr, a->ai_addrlen, one, sizeof one, NULL, 0, NI_NUMERICHOST) != 0 ||
            used + strlen(one) + 2 > sizeof l->addresses)
            continue;
        used += (size_t)sprintf(l->addresses + used, "%s%s", used > 0 ? "," : "", one);
    }
    if (l->error == 0 && used == 0)
        l->error = EAI_NONAME;
    if (found != NULL)
        freeaddrinfo(found);
}

static void *thread_main(void *arg)
{
    struct lookup *l = arg;
    struct resolver *r = l->resolver;
    look_up(l);
    pthread_mutex_lock(&r->lock);
    bool closed = r->closed;
    if (!closed) {
        l->next = r->done;
        r->done = l;
        uv_async_send(&r->finished);
    }
    r->threads--;
    pthread_mutex_unlock(&r->lock);
    if (closed) {
        free_lookup(l);
        free_if_last(r);
    }
    return NULL;
}

static bool start_thread(struct lookup *l)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the loop's */
    int status = pthread_create(&thread, &attributes, thread_main, l);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return status == 0;
}

struct lookup *resolver_start(struct resolver *r, const char *name, lookup_done done, void *arg)
{
    struct lookup *l = calloc(1, sizeof *l);
    if (l == NULL || (l->name = strdup(name)) == NULL) {
        free(l);
        return NULL;
    }
    l->resolver = r;
    l->call = done;
    l->arg = arg;
    pthread_mutex_lock(&r->lock);
    bool started = r->threads < LOOKUPS_MAX && start_thread(l);
    if (started)
        r->threads++;
    pthread_mutex_unlock(&r->lock);
    if (started)
        return l;
    free_lookup(l);
    return NULL;
}

void resolver_cancel(struct lookup *l)
{
    l->call = NULL;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct resolver *r = handle->data;
    pthread_mutex_lock(&r->lock);
    r->handle_closed = true;
    pthread_mutex_unlock(&r->lock);
    free_if_last(r);
}

void resolver_close(struct resolver *r)
{
    if (r == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    r->closed = true;
    struct lookup *list = r->done;
    r->done = NULL;
    pthread_mutex_unlock(&r->lock);
    while (list != NULL) {
        struct lookup *l = list;
        list = l->next;
        free_lookup(l);
    }
    uv_close((uv_handle_t *)&r->finished, on_handle_closed);
}
