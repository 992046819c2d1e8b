/* plugin.h: one configured plugin: its build, the instance that lives, its feed.
 *
 * Promise: as long as it is not closed there is an instance, or one being opened, or a time set
 *          at which the next will be; each new one is fed from its own cursor.  Whatever ends an
 * instance, the way back is the same. Thread:  loop thread only. Knows:   instance, feed,
 * questions, journal.  Not: the other plugins.
 *
 *      waiting ──▶ opening ──▶ claiming ──▶ live ──▶ closing ──▶ waiting (back-off 0.1 s … 30 s)
 *         ▲           │            │                    ▲
 *         └───────────┴────────────┴────────────────────┘           stopping ──▶ stopped
 */
#ifndef PLUGIN_PLUGIN_H
#define PLUGIN_PLUGIN_H

#include "plugin/plugins.h"
#include "plugin/questions.h"
#include "plugin/resolver.h"

struct plugin;

struct plugin_spec {
    const struct config_plugin *config; /* copied */
    const char *plugin_dir;
    const char *host_name; /* copied */
};

/* Loads the build; the instance is opened in the first turn. */
int plugin_new(uv_loop_t *loop, struct journal *j, struct resolver *resolver,
               const struct plugin_spec *spec, struct plugin **out, struct error *err);

/* Lets it store all that is durable (at most 5 s when it is live), drains, frees p, then calls
 * `closed`. */
void plugin_close(struct plugin *p, void (*closed)(void *arg), void *arg);

/* NULL when its build answers no questions. */
struct questions *plugin_questions(struct plugin *p);

void plugin_view(const struct plugin *p, struct plugin_view *out);
void plugin_stats(const struct plugin *p, struct metric_set *out);

#endif
