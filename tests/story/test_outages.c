/* PostgreSQL goes, the host goes: in the end all is there, exactly once. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/pooled.h"
#include "support/postgres.h"
#include "support/world.h"

static char half[] = "half";

/* Finds 20,000 wallets, half of them only after the test has made the file "go". */
#define ENGINE_OF_MANY                                                                             \
    "#!/bin/sh\n"                                                                                  \
    "many() { seq $1 $2 | sed 's/.*/{\"event\":\"wallet\",\"wallet_address\":\"W&\","              \
    "\"source_token\":\"T\",\"is_new\":true,\"initial_score\":0.5,\"profile\":{\"n\":&}}/'; }\n"   \
    "echo '{\"event\":\"token\",\"token\":\"T\"}'\n"                                               \
    "many 1 10000\n"                                                                               \
    "touch $(dirname \"$0\")/half\n"                                                               \
    "until [ -e $(dirname \"$0\")/go ]; do sleep 0.01; done\n"                                     \
    "many 10001 20000\n"

#define RUNS "walltrack.discovery_runs"
#define WALLETS "walltrack.discovery_run_wallets"

static bool file_exists(struct world *w, void *name)
{
    FILE *file = fopen(world_path(w, name), "r");
    if (file != NULL)
        fclose(file);
    return file != NULL;
}

static void then_every_wallet_is_there_once(struct world *w)
{
    struct postgres *pg = world_postgres(w);
    postgres_await(pg, "SELECT status FROM " RUNS, "completed", 2 * WORLD_MS);
    then_query(pg,
               "SELECT count(*), count(DISTINCT wallet_address), count(DISTINCT id), "
               "min((profile->>'n')::int), max((profile->>'n')::int) FROM " WALLETS,
               "20000|20000|20000|1|20000");
    then_query(pg, "SELECT tokens_analyzed, new_wallets, updated_wallets, error_count FROM " RUNS,
               "1|20000|0|0");
    /* start, token, wallets and end are 20,003 events, and the cursor has passed them all */
    then_query(pg, "SELECT seq FROM walltrack.recorder_cursor", "20003");
    then_query(pg, "SELECT count(*) FROM walltrack.recorder_quarantine", "0");
    then_query(pg, "SELECT count(*) FROM walltrack.recorder_gaps", "0");
}

static void test_postgres_is_stopped_before_a_run(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    given_engine(w, ENGINE_OF_MANY);
    world_touch(w, "go");
    postgres_stop(pg, POSTGRES_FAST);

    const char *id = when_run(w, NULL);
    await_log(w, "completed after");
    /* What the host knows by itself it goes on telling; history it does not. */
    char path[128];
    snprintf(path, sizeof path, "/api/discovery/runs/%s", id);
    then_get(w, path, "/status", "completed");
    then_status(w, "/api/discovery/runs", 503);
    then_get(w, "/health", "/status", "degraded");

    postgres_start(pg);
    then_every_wallet_is_there_once(w);
}

static void test_postgres_is_stopped_during_a_run(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    given_engine(w, ENGINE_OF_MANY);

    when_run(w, NULL);
    postgres_await(pg, "SELECT count(*) > 100 FROM " WALLETS, "t", WORLD_MS);
    postgres_stop(pg, POSTGRES_IMMEDIATE);
    world_touch(w, "go");
    await_log(w, "completed after");

    postgres_start(pg);
    then_every_wallet_is_there_once(w);
}

static void test_postgres_is_restarted_again_and_again(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    given_engine(w, ENGINE_OF_MANY);

    when_run(w, NULL);
    for (int i = 0; i < 3; i++)
        postgres_restart(pg, i % 2 == 0 ? POSTGRES_IMMEDIATE : POSTGRES_FAST);
    world_touch(w, "go");
    for (int i = 0; i < 3; i++)
        postgres_restart(pg, i % 2 == 0 ? POSTGRES_FAST : POSTGRES_IMMEDIATE);

    then_every_wallet_is_there_once(w);
}

static void test_postgres_is_stopped_after_a_run(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    given_engine(w, ENGINE_OF_MANY);
    world_touch(w, "go");

    when_run(w, NULL);
    await_log(w, "completed after");
    postgres_stop(pg, POSTGRES_IMMEDIATE);
    postgres_start(pg);

    then_every_wallet_is_there_once(w);
}

static void test_sessions_are_terminated_during_a_run(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    given_engine(w, ENGINE_OF_MANY);

    when_run(w, NULL);
    for (int i = 0; i < 5; i++)
        postgres_query(pg, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE "
                           "datname = current_database() AND pid <> pg_backend_pid()");
    world_touch(w, "go");

    then_every_wallet_is_there_once(w);
}

/* ---- the host itself ---- */

static void test_the_host_is_killed_during_a_run(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    given_engine(w, ENGINE_OF_MANY);

    when_run(w, NULL);
    await(w, "half of the wallets", file_exists, half);
    postgres_await(pg, "SELECT count(*) > 100 FROM " WALLETS, "t", WORLD_MS);
    world_kill(w);
    world_start(w);

    postgres_await(pg, "SELECT status FROM " RUNS, "failed", WORLD_MS);
    then_query(pg, "SELECT count(*) FROM " RUNS, "1");
    then_query(pg,
               "SELECT reason LIKE '%ended without warning%', duration_seconds IS NULL FROM " RUNS,
               "t|t");
    then_query(pg,
               "SELECT count(*) = count(DISTINCT wallet_address), count(*) > 100, "
               "count(*) = max((profile->>'n')::int) FROM " WALLETS,
               "t|t|t");
    then_query(
        pg, "SELECT new_wallets = (SELECT count(*) FROM " WALLETS "), tokens_analyzed FROM " RUNS,
        "t|1");
    then_get(w, "/api/discovery/stats", "/failed_runs", "1");
    then_get(w, "/api/discovery/stats", "/running_runs", "0");
}

static void test_the_host_is_killed_while_postgres_is_away(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    given_engine(w, ENGINE_OF_MANY);
    world_touch(w, "go");
    postgres_stop(pg, POSTGRES_FAST);

    when_run(w, NULL);
    await_log(w, "completed after");
    /* The end is durable before the log says so to anybody who asks: give it its sync. */
    await_get(w, "/api/plugins", "/plugins/0/lag", "20003");
    world_kill(w);
    world_start(w);
    postgres_start(pg);

    then_every_wallet_is_there_once(w);
}

static void test_a_stop_cancels_what_runs_and_leaves_nothing_behind(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    given_engine(w, ENGINE_OF_MANY);

    when_run(w, NULL);
    await(w, "half of the wallets", file_exists, half);
    world_stop(w);

    then_query(pg, "SELECT status, reason, completed_at IS NOT NULL FROM " RUNS,
               "cancelled|walltrackd was stopped|t");
    then_query(pg, "SELECT count(*), count(DISTINCT wallet_address) FROM " WALLETS, "10000|10000");
}

static void test_a_host_without_postgres_starts_and_works(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    given_engine(w, ENGINE_OF_MANY);
    world_touch(w, "go");
    world_stop(w);
    postgres_stop(pg, POSTGRES_FAST);

    world_start(w);
    when_run(w, NULL);
    await_log(w, "completed after");
    world_restart(w);
    postgres_start(pg);

    then_every_wallet_is_there_once(w);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(test_postgres_is_stopped_before_a_run),
        STORY(test_postgres_is_stopped_during_a_run),
        STORY(test_postgres_is_restarted_again_and_again),
        STORY(test_postgres_is_stopped_after_a_run),
        STORY(test_sessions_are_terminated_during_a_run),
        STORY(test_the_host_is_killed_during_a_run),
        STORY(test_the_host_is_killed_while_postgres_is_away),
        STORY(test_a_stop_cancels_what_runs_and_leaves_nothing_behind),
        STORY(test_a_host_without_postgres_starts_and_works),
        POOLED(test_postgres_is_stopped_during_a_run),
        POOLED(test_the_host_is_killed_during_a_run),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
