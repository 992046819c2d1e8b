/* pooled.h: a world whose recorder reaches PostgreSQL through PgBouncer in transaction mode.
 *
 * Thread: main thread only.
 */
#ifndef SUPPORT_POOLED_H
#define SUPPORT_POOLED_H

/* As world_setup() and world_teardown(), with the pooler between. */
int pooled_setup(void **state);
int pooled_teardown(void **state);

/* A row of a cmocka table. */
#define POOLED(test)                                                                               \
    {                                                                                              \
#test " through PgBouncer", test, pooled_setup, pooled_teardown, NULL                      \
    }

#endif
