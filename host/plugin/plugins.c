#include "plugin/plugins.h"

#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "plugin/build.h"
#include "plugin/plugin.h"
#include "plugin/resolver.h"

struct plugins {
    struct resolver *resolver;
    uint64_t next_swap;
    char *folder;
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
#ifndef __SANITIZE_ADDRESS__
    build_keep(0);
#endif
    g_free(p->folder);
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

/* The builds that any of them may want again. */
static void add_kept(void *arg, struct builds_kept *out)
{
    const struct plugins *p = arg;
    for (size_t i = 0; i < p->count; i++)
        plugin_kept(p->list[i], out);
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
    p->next_swap = 1;
    p->folder = g_strdup(config->plugin_dir);
    p->resolver = resolver;
    uv_idle_init(loop, &p->turn);
    p->turn.data = p;
    for (size_t i = 0; i < config->n_plugins; i++) {
        struct plugin_spec spec = {&config->plugins[i],
                                   config->plugin_dir,
                                   config->state_dir,
                                   config->host_name,
                                   &p->next_swap,
                                   add_kept,
                                   p};
        if (plugin_new(loop, j, p->resolver, &spec, &p->list[i], err) != 0) {
            plugins_close(p, nobody, NULL);
            return -1;
        }
        p->count++;
    }
    struct builds_kept kept = {.n = 0};
    add_kept(p, &kept);
    build_store_sweep(config->state_dir, &kept, 0);
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

const char *plugins_folder(const struct plugins *p)
{
    return p->folder;
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

bool plugins_find(const struct plugins *p, const char *name, size_t *i)
{
    for (*i = 0; *i < p->count; ++*i)
        if (strcmp(plugin_name(p->list[*i]), name) == 0)
            return true;
    return false;
}

/* ---- swaps ---- */

static struct plugin *find(const struct plugins *p, const char *name, struct error *err)
{
    size_t i;
    if (plugins_find(p, name, &i))
        return p->list[i];
    error_set(err, ENOENT, "there is no plugin '%.64s'", name);
    return NULL;
}

int plugins_swap(struct plugins *p, const char *name, const struct swap_order *order,
                 struct swap_listener *listener, uint64_t *id, struct error *err)
{
    struct plugin *plugin = find(p, name, err);
    return plugin != NULL ? plugin_swap(plugin, SWAP_ORDERED, order, listener, id, err) : -1;
}

int plugins_roll_back(struct plugins *p, const char *name, const char *by,
                      struct swap_listener *listener, uint64_t *id, struct error *err)
{
    struct plugin *plugin = find(p, name, err);
    return plugin != NULL ? plugin_roll_back(plugin, by, listener, id, err) : -1;
}

int plugins_cancel_swap(struct plugins *p, const char *name, const char *by, uint64_t *id,
                        struct error *err)
{
    struct plugin *plugin = find(p, name, err);
    return plugin != NULL ? plugin_cancel_swap(plugin, by, id, err) : -1;
}

json_t *plugins_swaps(const struct plugins *p, size_t i)
{
    return plugin_swaps(p->list[i]);
}

static const struct config_plugin *configured(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->n_plugins; i++)
        if (strcmp(config->plugins[i].name, name) == 0)
            return &config->plugins[i];
    return NULL;
}

void plugins_configure(struct plugins *p, const struct config *config)
{
    size_t found = 0;
    for (size_t i = 0; i < p->count; i++) {
        const struct config_plugin *c = configured(config, plugin_name(p->list[i]));
        found += c != NULL;
        if (c != NULL)
            plugin_configure(p->list[i], c);
    }
    if (found != p->count || found != config->n_plugins)
        log_line(LOG_WARNING, "plugins",
                 "plugins that were added or removed count from the next start on");
}
