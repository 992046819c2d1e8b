/* The recorder's build is replaced while the host runs: in the middle of a run, with the database
 * away, one order on top of the other, back again, and across the host's death. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/postgres.h"
#include "support/world.h"

#define RUNS "walltrack.discovery_runs"
#define WALLETS "walltrack.discovery_run_wallets"
#define PLUGIN "/api/plugins/recorder"

/* Finds 20,000 wallets, the second half after the test has made the file "go". */
#define ENGINE                                                                                     \
    "#!/bin/sh\n"                                                                                  \
    "many() { seq $1 $2 | sed 's/.*/{\"event\":\"wallet\",\"wallet_address\":\"W&\","              \
    "\"source_token\":\"T\",\"is_new\":true,\"initial_score\":0.5}/'; }\n"                         \
    "echo '{\"event\":\"token\",\"token\":\"T\"}'\n"                                               \
    "many 1 10000\n"                                                                               \
    "until [ -e $(dirname \"$0\")/go ]; do sleep 0.01; done\n"                                     \
    "many 10001 20000\n"

#define ENGINE_OF_MANY                                                                             \
    "#!/bin/sh\n"                                                                                  \
    "seq 1 10000 | sed 's/.*/{\"event\":\"wallet\",\"wallet_address\":\"W&\","                     \
    "\"source_token\":\"T\"}/'\n"

#define ENGINE_OF_ONE                                                                              \
    "#!/bin/sh\n"                                                                                  \
    "echo '{\"event\":\"wallet\",\"wallet_address\":\"W\",\"source_token\":\"T\"}'\n"

static void then_swapped(struct world *w, const char *path)
{
    char body[128];
    snprintf(body, sizeof body, "{\"path\": \"%s\"}", path);
    if (world_put(w, PLUGIN, body) != 200)
        world_fail(w, __FILE__, __LINE__, "not swapped: %s", world_text(w));
    assert_string_equal(world_value(w, "/verdict"), "LIVE");
}

static const char *build_of(struct world *w)
{
    world_get(w, PLUGIN);
    return world_value(w, "/build");
}

/* Orders without waiting; its number. */
static int ordered(struct world *w, const char *path)
{
    static const char *const async[] = {"Prefer: respond-async", NULL};
    char body[128];
    snprintf(body, sizeof body, "{\"path\": \"%s\"}", path);
    struct world_request request = {"PUT", PLUGIN, body, async};
    assert_int_equal(world_ask(w, &request), 202);
    return atoi(world_value(w, "/id"));
}

static void await_verdict(struct world *w, int id, const char *verdict)
{
    char path[64];
    snprintf(path, sizeof path, PLUGIN "/swaps/%d", id);
    await_get(w, path, "/verdict", verdict);
}

static void then_a_run_is_recorded(struct world *w)
{
    given_engine(w, ENGINE_OF_ONE);
    await_run(w, when_run(w, NULL), "completed");
}

static void test_in_the_middle_of_a_run(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    given_engine(w, ENGINE);
    given_build(w, "next", "next.so");
    const char *before = build_of(w);
    const char *id = when_run(w, NULL);
    postgres_await(pg, "SELECT count(*) > 1000 FROM " WALLETS, "t", WORLD_MS);

    then_swapped(w, "next.so");

    assert_string_not_equal(build_of(w), before);
    world_touch(w, "go");
    await_run(w, id, "completed");
    then_query(pg,
               "SELECT count(*), count(DISTINCT wallet_address), count(DISTINCT id) FROM " WALLETS,
               "20000|20000|20000");
    then_query(pg, "SELECT array_length(builds, 1) FROM " RUNS, "2");
    /* So many events are proof enough. */
    await_get(w, PLUGIN, "/swaps/0/state", "ended");
    then_get(w, PLUGIN, "/good", build_of(w));
    then_get(w, PLUGIN, "/swaps/0/requested_by", "root");
}

static void test_the_same_path_overwritten(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 5; i++) {
        char tag[16];
        const char *before = build_of(w);
        snprintf(tag, sizeof tag, "tag %d", i);
        given_build(w, tag, "recorder.so");
        then_swapped(w, "recorder.so");
        assert_string_not_equal(build_of(w), before);
        then_a_run_is_recorded(w);
    }
    /* The same content again is the same build. */
    then_swapped(w, "recorder.so");
    assert_non_null(strstr(world_value(w, "/reason"), "already live"));
    then_query(world_postgres(w), "SELECT count(*) FROM " RUNS " WHERE status = 'completed'", "5");
}

static void test_with_the_database_away(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    given_engine(w, ENGINE_OF_ONE);
    given_build(w, "next", "next.so");
    postgres_stop(pg, POSTGRES_FAST);
    when_run(w, NULL);

    int id = ordered(w, "next.so");
    await_get(w, PLUGIN, "/swap/state", "prepare");
    then_get(w, "/health", "/status", "degraded");

    postgres_start(pg);
    await_verdict(w, id, "LIVE");
    postgres_await(pg, "SELECT status FROM " RUNS, "completed", WORLD_MS);
    then_query(pg, "SELECT count(*) FROM " WALLETS, "1");
    then_get(w, PLUGIN, "/swaps/0/path", "next.so");
}

static void test_orders_on_top_of_each_other(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    given_build(w, "a", "a.so");
    given_build(w, "b", "b.so");
    given_build(w, "c", "c.so");
    postgres_stop(pg, POSTGRES_FAST); /* so that the first stays under way */
    int a = ordered(w, "a.so");
    await_get(w, PLUGIN, "/swap/state", "prepare");
    int b = ordered(w, "b.so");
    then_get(w, PLUGIN, "/queued/path", "b.so");
    int c = ordered(w, "c.so");

    await_verdict(w, b, "SUPERSEDED");
    assert_int_equal(world_post(w, PLUGIN "/cancel", ""), 200);
    await_verdict(w, a, "CANCELLED");
    postgres_start(pg);
    await_verdict(w, c, "LIVE");
    then_get(w, PLUGIN, "/swaps/0/path", "c.so");
    assert_int_equal(world_post(w, PLUGIN "/cancel", ""), 409);
    then_a_run_is_recorded(w);
}

static void test_back_again(void **state)
{
    struct world *w = *state;
    char first[256], second[256];
    given_build(w, "a", "a.so");
    given_build(w, "b", "b.so");
    snprintf(first, sizeof first, "%s", build_of(w));
    assert_int_equal(world_post(w, PLUGIN "/rollback", ""), 409);
    then_swapped(w, "a.so");
    snprintf(second, sizeof second, "%s", build_of(w));
    then_swapped(w, "b.so");
    then_get(w, PLUGIN, "/rollback_to", second);

    assert_int_equal(world_post(w, PLUGIN "/rollback", ""), 200);
    assert_string_equal(build_of(w), second);
    then_a_run_is_recorded(w);
    world_restart(w); /* the way back is remembered */
    await_plugin(w, "recorder", "live");
    assert_string_equal(build_of(w), second);
    assert_int_equal(world_post(w, PLUGIN "/rollback", ""), 200);
    assert_string_equal(build_of(w), first);
    assert_int_equal(world_post(w, PLUGIN "/rollback", ""), 409);
    then_a_run_is_recorded(w);
}

static void test_the_chosen_build_survives_a_restart(void **state)
{
    struct world *w = *state;
    char chosen[256];
    given_build(w, "next", "next.so");
    then_swapped(w, "next.so");
    snprintf(chosen, sizeof chosen, "%s", build_of(w));
    world_restart(w);
    await_plugin(w, "recorder", "live");
    assert_string_equal(build_of(w), chosen);
    then_a_run_is_recorded(w);
    /* Unless the configured file is another one by then. */
    given_build(w, "upgraded", "recorder.so");
    world_restart(w);
    await_plugin(w, "recorder", "live");
    assert_string_not_equal(build_of(w), chosen);
    then_get(w, PLUGIN, "/source", "recorder.so");
    then_get(w, PLUGIN, "/swap/kind", "start");
}

static void test_a_build_that_the_host_died_with(void **state)
{
    struct world *w = *state;
    char good[256];
    snprintf(good, sizeof good, "%s", build_of(w));
    given_build(w, "next", "next.so");
    /* What a build is rolled back to, or is a start's choice, has proved itself. */
    given_engine(w, ENGINE_OF_MANY);
    await_run(w, when_run(w, NULL), "completed");
    await_get(w, PLUGIN, "/good", good);
    then_swapped(w, "next.so");
    world_kill(w);
    world_start(w);
    await_plugin(w, "recorder", "live");
    assert_string_equal(build_of(w), good);
    await_log(w, "was on trial");
    then_a_run_is_recorded(w);
}

static void set_path(struct world *w, const char *path)
{
    char patch[512];
    snprintf(patch, sizeof patch,
             "{\"plugins\": [{\"name\": \"recorder\", \"path\": \"%s\", \"config\": {\"conninfo\": "
             "\"%s\"}}]}",
             path, postgres_conninfo(world_postgres(w)));
    given_config(w, patch);
}

static void test_a_changed_path_in_the_configuration(void **state)
{
    struct world *w = *state;
    given_build(w, "next", "next.so");
    set_path(w, "next.so");
    world_signal(w, SIGHUP);
    await_get(w, PLUGIN, "/source", "next.so");
    await_get(w, PLUGIN, "/swap/kind", "reload");
    await_get(w, PLUGIN, "/swap/verdict", "LIVE");
    set_path(w, "missing.so");
    world_signal(w, SIGHUP);
    await_get(w, PLUGIN, "/swaps/0/verdict", "REFUSED");
    then_a_run_is_recorded(w);
}

#define STORY(name) cmocka_unit_test_setup_teardown(test_##name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(in_the_middle_of_a_run),
        STORY(the_same_path_overwritten),
        STORY(with_the_database_away),
        STORY(orders_on_top_of_each_other),
        STORY(back_again),
        STORY(the_chosen_build_survives_a_restart),
        STORY(a_build_that_the_host_died_with),
        STORY(a_changed_path_in_the_configuration),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
