/* A second plugin beside the recorder, and one instead of it. */
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

#define ENGINE                                                                                     \
    "#!/bin/sh\n"                                                                                  \
    "echo '{\"event\":\"token\",\"token\":\"T\"}'\n"                                               \
    "seq 1 1000 | sed "                                                                            \
    "'s/.*/{\"event\":\"wallet\",\"wallet_address\":\"W&\",\"source_token\":\"T\"}/'\n"

/* How many lines of the log file are of that kind. */
static int lines_of(struct world *w, const char *kind)
{
    char wanted[64], line[4096];
    int n = 0;
    FILE *file = fopen(world_path(w, "events.log"), "r");
    snprintf(wanted, sizeof wanted, "\"%s\"", kind);
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        n += strstr(line, wanted) != NULL;
    if (file != NULL)
        fclose(file);
    return n;
}

static bool run_end_is_logged(struct world *w, void *times)
{
    return lines_of(w, "run_end") == *(int *)times;
}

static void given_log_plugin(struct world *w, const char *before)
{
    char patch[1024];
    given_plugin(w, TEST_PLUGIN_LOG, "log.so");
    snprintf(patch, sizeof patch,
             "{\"plugins\": [%s{\"name\": \"log\", \"path\": \"log.so\", \"config\": {\"file\": "
             "\"%s\"}}]}",
             before, world_path(w, "events.log"));
    given_config(w, patch);
}

static void test_two_plugins_get_every_event_each(void **state)
{
    struct world *w = *state;
    int once = 1, twice = 2;
    char recorder[1024];
    snprintf(
        recorder, sizeof recorder,
        "{\"name\": \"recorder\", \"path\": \"recorder.so\", \"config\": {\"conninfo\": \"%s\"}}, ",
        postgres_conninfo(world_postgres(w)));
    given_log_plugin(w, recorder);
    given_engine(w, ENGINE);
    world_signal(w, SIGHUP);
    await_log(w, "count from the next start on");
    world_restart(w);
    await_plugin(w, "recorder", "live");
    await_plugin(w, "log", "live");

    await_run(w, when_run(w, NULL), "completed");
    await(w, "the end in the log", run_end_is_logged, &once);
    assert_int_equal(lines_of(w, "wallet"), 1000);

    /* One of them away does not hold up the other. */
    postgres_stop(world_postgres(w), POSTGRES_FAST);
    when_run(w, NULL);
    await(w, "two ends in the log", run_end_is_logged, &twice);
    assert_int_equal(lines_of(w, "wallet"), 2000);
    postgres_start(world_postgres(w));
    postgres_await(world_postgres(w),
                   "SELECT count(*) FROM walltrack.discovery_runs WHERE status = 'completed'", "2",
                   WORLD_MS);
}

static void test_the_recorder_is_not_needed(void **state)
{
    struct world *w = *state;
    int once = 1, twice = 2;
    given_log_plugin(w, "");
    given_engine(w, ENGINE);
    world_restart(w);
    await_plugin(w, "log", "live");

    when_run(w, NULL);
    await(w, "the end in the log", run_end_is_logged, &once);
    then_status(w, "/api/discovery/runs", 503);
    /* It goes on where the host knows that it was. */
    await_get(w, "/api/plugins", "/plugins/0/lag", "0");
    world_restart(w);
    await_plugin(w, "log", "live");
    await_get(w, "/api/plugins", "/plugins/0/lag", "0");
    assert_int_equal(lines_of(w, "run_start"), 1);
    when_run(w, NULL);
    await(w, "two ends in the log", run_end_is_logged, &twice);
    assert_int_equal(lines_of(w, "run_start"), 2);
    assert_int_equal(lines_of(w, "wallet"), 2000);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(test_two_plugins_get_every_event_each),
        STORY(test_the_recorder_is_not_needed),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
