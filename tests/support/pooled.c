#include "support/pooled.h"

#include "support/pgbouncer.h"
#include "support/postgres.h"
#include "support/world.h"

enum { POOL_SIZE = 2 };

static struct pgbouncer *bouncer; /* of the running test */

int pooled_setup(void **state)
{
    struct postgres *pg = *state;
    postgres_fresh_database(pg);
    bouncer = pgbouncer_new(pg, POOL_SIZE);
    struct world_options options = {.pg = pg, .conninfo = pgbouncer_conninfo(bouncer)};
    struct world *w = world_new(&options);
    world_start(w);
    await_plugin(w, "recorder", "live");
    *state = w;
    return 0;
}

int pooled_teardown(void **state)
{
    world_free(*state);
    pgbouncer_free(bouncer);
    return 0;
}
