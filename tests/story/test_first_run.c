/* A run from the request to the rows: the whole system, as a user meets it on the first day. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/postgres.h"
#include "support/world.h"

#define WALLET(address, token)                                                                     \
    "echo '{\"event\":\"wallet\",\"wallet_address\":\"" address "\",\"source_token\":\"" token     \
    "\"}'\n"
#define TOKEN(token) "echo '{\"event\":\"token\",\"token\":\"" token "\"}'\n"

/* Two tokens, three discoveries of two wallets, one error. */
static const char engine[] =
    "#!/bin/sh\n" TOKEN("T1") TOKEN("T2") WALLET("W1", "T1") WALLET("W2", "T1")
        WALLET("W1", "T2") "echo '{\"event\":\"error\",\"message\":\"a bad row\"}'\n";

/* Half of it, then it waits for the file "go". */
static const char slow_engine[] = "#!/bin/sh\n" TOKEN("T1") WALLET(
    "W1", "T1") "until [ -e \"$(dirname \"$0\")/go\" ]; do sleep 0.01; done\n" WALLET("W2", "T1");

static void test_a_run_by_hand_is_recorded(void **state)
{
    struct world *w = *state;
    given_engine(w, engine);

    const char *id = when_run(w, "{\"max_tokens\": 7, \"triggered_by\": \"ada\"}");

    await_log(w, "POST /api/discovery/run by ");
    await_run(w, id, "completed");
    then_query(world_postgres(w),
               "SELECT status, trigger_type, triggered_by, max_tokens, tokens_analyzed,"
               " new_wallets, updated_wallets, error_count FROM walltrack.discovery_runs",
               "completed|manual|ada|7|2|2|0|1");
    then_query(world_postgres(w),
               "SELECT wallet_address, source_token, is_new FROM walltrack.discovery_run_wallets"
               " ORDER BY id",
               "W1|T1|t\nW2|T1|t\nW1|T2|t");
}

static void test_history_and_statistics_are_answered(void **state)
{
    struct world *w = *state;
    given_engine(w, engine);
    await_run(w, when_run(w, NULL), "completed");
    given_engine(w, "#!/bin/sh\nexit 3\n");
    await_run(w, when_run(w, NULL), "failed");

    then_get(w, "/api/discovery/runs", "/total", "2");
    then_get(w, "/api/discovery/runs?status=completed", "/runs/0/new_wallets", "2");
    then_get(w, "/api/discovery/runs?status=failed", "/total", "1");
    then_get(w, "/api/discovery/stats", "/success_rate", "0.5");
    then_get(w, "/api/discovery/stats", "/total_wallets_discovered", "2");
}

static void test_walltrackctl_waits_for_a_run_and_lists_it(void **state)
{
    struct world *w = *state;
    given_engine(w, engine);

    then_ctl(w, 0, "run", "--wait", "--max-tokens", "3");
    then_ctl(w, 0, "runs", "--json");
    assert_string_equal(world_value(w, "/runs/0/params/max_tokens"), "3");

    given_engine(w, "#!/bin/sh\nexit 3\n");
    then_ctl(w, 1, "run", "--wait");
}

static void test_history_survives_a_restart(void **state)
{
    struct world *w = *state;
    given_engine(w, engine);
    const char *id = when_run(w, NULL);
    await_run(w, id, "completed");

    world_restart(w);

    await_plugin(w, "recorder", "live");
    await_run(w, id, "completed");
    then_get(w, "/api/discovery/runs", "/total", "1");
}

/* What was found before the crash stays; the run gets an end and says why. */
static void test_a_crash_in_a_run_loses_nothing(void **state)
{
    struct world *w = *state;
    given_engine(w, slow_engine);
    const char *id = when_run(w, NULL);
    postgres_await(world_postgres(w), "SELECT count(*) FROM walltrack.discovery_run_wallets", "1",
                   WORLD_MS);

    world_kill(w);
    world_start(w);

    await_run(w, id, "failed");
    postgres_await(world_postgres(w), "SELECT status, new_wallets FROM walltrack.discovery_runs",
                   "failed|1", WORLD_MS);
}

static void test_a_database_outage_delays_and_loses_nothing(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    given_engine(w, slow_engine);
    const char *id = when_run(w, NULL);
    postgres_await(pg, "SELECT count(*) FROM walltrack.discovery_run_wallets", "1", WORLD_MS);

    postgres_stop(pg, POSTGRES_IMMEDIATE);
    world_touch(w, "go");
    given_engine(w, engine);
    const char *during = when_run(w, NULL);
    postgres_start(pg);

    await_plugin(w, "recorder", "live");
    await_run(w, id, "completed");
    await_run(w, during, "completed");
    then_query(pg, "SELECT count(*), count(DISTINCT id) FROM walltrack.discovery_run_wallets",
               "5|5");
}

static void test_cancelling_ends_a_run(void **state)
{
    struct world *w = *state;
    char path[96];
    given_engine(w, slow_engine);
    const char *id = when_run(w, NULL);
    (void)snprintf(path, sizeof path, "/api/discovery/runs/%s/cancel", id);

    assert_int_equal(world_post(w, path, NULL), 202);

    await_run(w, id, "cancelled");
    assert_int_equal(world_post(w, path, NULL), 409);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
    const struct CMUnitTest tests[] = {
        STORY(test_a_run_by_hand_is_recorded),
        STORY(test_history_and_statistics_are_answered),
        STORY(test_walltrackctl_waits_for_a_run_and_lists_it),
        STORY(test_history_survives_a_restart),
        STORY(test_a_crash_in_a_run_loses_nothing),
        STORY(test_a_database_outage_delays_and_loses_nothing),
        STORY(test_cancelling_ends_a_run),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
