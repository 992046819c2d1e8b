/* routes.h: what can be asked, in one table.
 *
 * `GET /` answers the table, so that it cannot drift from what is served.
 * Thread: loop thread only.
 */
#ifndef ADMIN_ROUTES_H
#define ADMIN_ROUTES_H

#include <stdbool.h>

#include "admin/request.h"
#include "admin/target.h"

enum { ROUTE_PARAMETERS_MAX = 10 };

struct route {
    const char *method; /* HEAD is served as GET */
    const char *path;   /* one part of it may be {id} or {name} */
    void (*handle)(struct request *r);
    const char *help;
    const char *query[ROUTE_PARAMETERS_MAX]; /* the parameters it takes; others are refused */
};

/* The route for a method and a path.  *capture is the part that matched {…}, or NULL.  Without a
 * route: NULL; `allow` (128 bytes) then lists the methods that the path does take, "" for none. */
const struct route *route_find(const char *method, const struct target *t, const char **capture,
                               char allow[128]);

/* The first query parameter that the route does not take, or NULL. */
const char *route_unknown_parameter(const struct route *route, const struct target *t);

/* The handlers, by file. */
void index_get(struct request *r); /* routes.c */

void discovery_runs_get(struct request *r); /* discovery.c */
void discovery_run_get(struct request *r);
void discovery_wallets_get(struct request *r);
void discovery_tokens_get(struct request *r);
void discovery_errors_get(struct request *r);
void discovery_stats_get(struct request *r);
void discovery_cancel_post(struct request *r);

void trigger_post(struct request *r); /* trigger.c */

void config_get(struct request *r); /* config_api.c */
void config_put(struct request *r);

void plugins_get(struct request *r); /* plugins_api.c */
void plugin_get(struct request *r);
void plugin_put(struct request *r); /* swaps_api.c */
void plugin_rollback_post(struct request *r);
void plugin_cancel_post(struct request *r);
void plugin_swaps_get(struct request *r);
void swap_get(struct request *r);
void plugin_stats_get(struct request *r);

void health_get(struct request *r);  /* health.c */
void metrics_get(struct request *r); /* metrics.c */

#endif
