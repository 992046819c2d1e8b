/* plugin.h: one configured plugin: who records, and which build is to.
 *
 * Promise: it begins with the build that was chosen last, unless the configured file has changed
 *          or the host died with it; a build takes over only after it was checked, tried in a
 *          process of its own, and prepared beside the one that records; every order ends in
 *          exactly one verdict.
 * Thread:  loop thread only; plugin_new() blocks.
 * Knows:   succession, build store, probe, journal.  Not: the other plugins, HTTP.
 */
#ifndef PLUGIN_PLUGIN_H
#define PLUGIN_PLUGIN_H

#include "plugin/build_store.h"
#include "plugin/plugins.h"
#include "plugin/questions.h"
#include "plugin/resolver.h"
#include "plugin/swap.h"

struct plugin;

struct plugin_spec {
    const struct config_plugin *config; /* copied */
    const char *plugin_dir, *state_dir; /* copied */
    const char *host_name;              /* copied */
    uint64_t *next_swap;                /* of the host; stays, and is raised to what is free */
    /* Adds all builds that any plugin may want again; the store is one for all. */
    void (*kept)(void *arg, struct builds_kept *out);
    void *arg;
};

/* Chooses and loads the build, trying it first when it is new; the instance is opened in a later
 * turn. */
int plugin_new(uv_loop_t *loop, struct journal *j, struct resolver *resolver,
               const struct plugin_spec *spec, struct plugin **out, struct error *err);

/* Lets it store all that is durable (at most 5 s when it is live), drains, frees p, then calls
 * `closed`. */
void plugin_close(struct plugin *p, void (*closed)(void *arg), void *arg);

/* The configuration was read again: new deadlines count from now on, and a changed path or config
 * is an order to swap. */
void plugin_configure(struct plugin *p, const struct config_plugin *config);

/* Orders; see plugins.h. */
int plugin_swap(struct plugin *p, enum swap_kind kind, const struct swap_order *order,
                struct swap_listener *listener, uint64_t *id, struct error *err);
int plugin_roll_back(struct plugin *p, const char *by, struct swap_listener *listener, uint64_t *id,
                     struct error *err);
int plugin_cancel_swap(struct plugin *p, const char *by, uint64_t *id, struct error *err);

/* One that has not ended, or NULL. */
const struct swap *plugin_find_swap(const struct plugin *p, uint64_t id);
/* All, newest first; NULL: no memory. */
json_t *plugin_swaps(const struct plugin *p);

const char *plugin_name(const struct plugin *p);

/* Adds the builds that it may want again. */
void plugin_kept(const struct plugin *p, struct builds_kept *out);

/* NULL when its build answers no questions. */
struct questions *plugin_questions(struct plugin *p);

void plugin_view(const struct plugin *p, struct plugin_view *out);
void plugin_stats(const struct plugin *p, struct metric_set *out);

#endif
