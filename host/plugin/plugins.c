#include "plugin/plugins.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/build.h"
#include "plugin/plugin.h"
#include "plugin/resolver.h"

struct plugins {
    struct resolver *resolver;
    struct plugin **list;
    size_t count;
    size_t open; /* still closing */
    void (*closed)(void *arg);
    void *closed_arg;
    uv_idle_t turn; /* lets `closed` run in a turn of its own */
};

static void on_all_closed(uv_handle_t *handle)
{
    struct plugins *p = handle->data;
    void (*closed)(void *) = p->closed;
    void *arg = p->closed_arg;
    resolver_close(p->resolver);
    free(p->list);
    free(p);
    closed(arg);
}

static void on_plugin_closed(void *arg)
{
    struct plugins *p = arg;
    if (--p->open == 0)
        uv_close((uv_handle_t *)&p->turn, on_all_closed);
}

void plugins_close(struct plugins *p, void (*closed)(void *arg), void *arg)
{
    p->closed = closed;
    p->closed_arg = arg;
    p->open = p->count + 1; /* one for this call, so that it cannot end inside it */
    for (size_t i = 0; i < p->count; i++)
        plugin_close(p->list[i], on_plugin_closed, p);
    on_plugin_closed(p);
}

static void nobody(void *arg)
{
    (void)arg;
}

int plugins_new(uv_loop_t *loop, struct journal *j, const struct config *config,
                struct plugins **out, struct error *err)
{
    if (config->n_plugins > 0 && build_pin_libraries(err) != 0)
        return -1;
    struct plugins *p = calloc(1, sizeof *p);
    struct plugin **list = calloc(config->n_plugins + 1, sizeof(struct plugin *));
    struct resolver *resolver = resolver_new(loop);
    if (p == NULL || list == NULL || resolver == NULL) {
        resolver_close(resolver);
        free(list);
        free(p);
        return error_set(err, ENOMEM, "out of memory");
    }
    p->list = list;
    p->resolver = resolver;
    uv_idle_init(loop, &p->turn);
    p->turn.data = p;
    for (size_t i = 0; i < config->n_plugins; i++) {
        struct plugin_spec spec = {&config->plugins[i], config->plugin_dir, config->host_name};
        if (plugin_new(loop, j, p->resolver, &spec, &p->list[i], err) != 0) {
            plugins_close(p, nobody, NULL);
            return -1;
        }
        p->count++;
    }
    *out = p;
    return 0;
}

struct plugins_question *plugins_ask(struct plugins *p, const char *name, const char *args,
                                     uint64_t timeout_ms, plugins_answer answer, void *arg)
{
    for (size_t i = 0; i < p->count; i++) {
        struct questions *q = plugin_questions(p->list[i]);
        if (q != NULL)
            return questions_ask(q, name, args, timeout_ms, answer, arg);
    }
    return NULL;
}

void plugins_cancel(struct plugins_question *q)
{
    questions_cancel(q);
}

size_t plugins_count(const struct plugins *p)
{
    return p->count;
}

void plugins_view(const struct plugins *p, size_t i, struct plugin_view *out)
{
    plugin_view(p->list[i], out);
}

void plugins_stats(const struct plugins *p, size_t i, struct metric_set *out)
{
    plugin_stats(p->list[i], out);
}
