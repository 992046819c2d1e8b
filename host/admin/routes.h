/* routes.h: what can be asked, in one table.
 *
 * Requests are served from it, `GET /` and /openapi.json describe it, so that they cannot drift
 * from what is served.
 * Thread: loop thread only.
 */
#ifndef ADMIN_ROUTES_H
#define ADMIN_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "admin/parameters.h"
#include "admin/request.h"
#include "admin/target.h"

enum { ROUTE_ANSWERS_MAX = 3, ROUTE_PROBLEMS_MAX = 8 };

struct route {
    const char *method; /* HEAD is served as GET */
    const char *path;   /* parts of it may be {id}, {name} or {address} */
    void (*handle)(struct request *r);
    const char *help;
    parameter_set query;     /* the parameters it takes; others are refused */
    const char *const *also; /* requests' headers that it heeds, NULL at the end; or NULL */
    const char *body;        /* the schema of the body it takes, or NULL    */
    struct {
        unsigned status;
        const char *schema; /* or a media type, when there is a '/' in it */
    } answers[ROUTE_ANSWERS_MAX];
    unsigned problems[ROUTE_PROBLEMS_MAX]; /* statuses of refusals that are its own */
};

/* The table; route_table.c. */
extern const struct route routes[];
extern const size_t routes_count;

/* The route for a method and a path.  *capture is the last part that matched {…}, or NULL.
 * Without a route: NULL; `allow` (128 bytes) then lists the methods that the path does take, "" for
 * none. */
const struct route *route_find(const char *method, const struct target *t, const char **capture,
                               char allow[128]);

/* The first query parameter that the route does not take, or NULL. */
const char *route_unknown_parameter(const struct route *route, const struct target *t);

/* The handlers, by file. */
void index_get(struct request *r);   /* routes.c */
void openapi_get(struct request *r); /* openapi.c */

void discovery_runs_get(struct request *r); /* discovery.c */
void discovery_run_get(struct request *r);
void discovery_wallets_get(struct request *r);
void discovery_tokens_get(struct request *r);
void discovery_errors_get(struct request *r);
void discovery_stats_get(struct request *r);
void discovery_cancel_post(struct request *r);

void history_wallet_get(struct request *r); /* history_api.c */
void history_trend_get(struct request *r);
void history_compare_get(struct request *r);
void history_retention_get(struct request *r);

void export_runs_csv_get(struct request *r); /* export.c */
void export_runs_ndjson_get(struct request *r);
void export_wallets_csv_get(struct request *r);
void export_wallets_ndjson_get(struct request *r);

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
