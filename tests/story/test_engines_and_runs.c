/* What engines do, and what becomes of their runs. */
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

#define RUNS "walltrack.discovery_runs"
#define WAITS_FOR_GO                                                                               \
    "#!/bin/sh\n"                                                                                  \
    "echo '{\"event\":\"progress\",\"done\":3,\"total\":20,\"stage\":\"reading\"}'\n"              \
    "touch $(dirname \"$0\")/started\n"                                                            \
    "until [ -e $(dirname \"$0\")/go ]; do sleep 0.01; done\n"

/* ---- how a run ends ---- */

static const struct {
    const char *script;
    const char *status;
    const char *reason; /* LIKE */
} endings[] = {
    {"exit 0", "completed", NULL},
    {"echo oh no >&2; exit 3", "failed", "the engine exited with status 3: oh no"},
    {"kill -ABRT $$", "failed", "the engine was ended by signal 6 (Aborted)"},
    {"exec /no/such/file", "failed", "the engine exited with status 127%"},
    {"exec sleep 600", "failed", "timed out after 1 s"},
    {"trap '' TERM; while :; do sleep 1; done", "failed", "timed out after 1 s"},
};

static void test_every_ending_is_recorded_with_its_reason(void **state)
{
    struct world *w = *state;
    given_config(w, "{\"engine\": {\"timeout_seconds\": 1, \"kill_grace_seconds\": 1}}");
    world_signal(w, SIGHUP);
    await_log(w, "was read again");
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        char script[256], sql[512];
        snprintf(script, sizeof script, "#!/bin/sh\n%s\n", endings[i].script);
        given_engine(w, script);
        const char *id = when_run(w, NULL);
        await_run(w, id, endings[i].status);
        if (endings[i].reason == NULL)
            snprintf(sql, sizeof sql, "SELECT reason IS NULL FROM " RUNS " WHERE id = '%s'", id);
        else
            snprintf(sql, sizeof sql, "SELECT reason LIKE $q$%s$q$ FROM " RUNS " WHERE id = '%s'",
                     endings[i].reason, id);
        then_query(world_postgres(w), sql, "t");
    }
}

static void test_a_run_is_cancelled(void **state)
{
    struct world *w = *state;
    char path[128];
    given_engine(w, WAITS_FOR_GO);

    const char *id = when_run(w, NULL);
    snprintf(path, sizeof path, "/api/discovery/runs/%s", id);
    await_get(w, path, "/progress/done", "3");
    then_get(w, path, "/progress/total", "20");
    then_get(w, path, "/progress/stage", "reading");
    then_get(w, path, "/status", "running");

    snprintf(path, sizeof path, "/api/discovery/runs/%s/cancel", id);
    assert_int_equal(world_post(w, path, NULL), 202);
    await_run(w, id, "cancelled");
    then_query(world_postgres(w), "SELECT reason LIKE 'cancelled by %' FROM " RUNS, "t");
    assert_int_equal(world_post(w, path, NULL), 409);
    assert_int_equal(
        world_post(w, "/api/discovery/runs/00000000-0000-7000-8000-000000000000/cancel", NULL),
        404);
}

static void test_no_more_runs_than_the_limit(void **state)
{
    struct world *w = *state;
    given_engine(w, WAITS_FOR_GO);
    given_config(w, "{\"max_concurrent_runs\": 2}");
    world_signal(w, SIGHUP);
    await_log(w, "was read again");

    const char *first = when_run(w, NULL);
    const char *second = when_run(w, NULL);
    assert_int_equal(world_post(w, "/api/discovery/run", NULL), 409);
    assert_non_null(strstr(world_text(w), "max_concurrent_runs"));
    world_touch(w, "go");
    await_run(w, first, "completed");
    await_run(w, second, "completed");
    const char *third = when_run(w, NULL);
    await_run(w, third, "completed");
    then_query(world_postgres(w), "SELECT count(*) FROM " RUNS, "3");
}

/* ---- what an engine says ---- */

static void test_an_engine_is_told_what_it_needs(void **state)
{
    struct world *w = *state;
    given_engine(w, "#!/bin/sh\ncat > $(dirname \"$0\")/request\n"
                    "printf '{\"event\":\"error\",\"message\":\"%s\"}\\n' "
                    "\"$(sed 's/\"/\\\\\"/g' $(dirname \"$0\")/request)\"\n");
    const char *id = when_run(w, "{\"max_tokens\": 5, \"min_profit_pct\": 12.5, "
                                 "\"triggered_by\": \"me\", \"profile_immediately\": false}");
    await_run(w, id, "completed");
    char sql[1024];
    snprintf(sql, sizeof sql,
             "SELECT message::jsonb = jsonb_build_object('protocol', 1, 'run_id', '%s', "
             "'trigger_type', 'manual', 'triggered_by', 'me', 'schedule', null, 'params', "
             "jsonb_build_object('min_price_change_pct', 100, 'min_volume_usd', 50000, "
             "'max_token_age_hours', 72, 'early_window_minutes', 30, 'min_profit_pct', 12.5, "
             "'max_tokens', 5, 'profile_immediately', false)) FROM walltrack.discovery_run_errors",
             id);
    then_query(world_postgres(w), sql, "t");
}

static void test_bad_lines_become_errors_and_the_run_goes_on(void **state)
{
    struct world *w = *state;
    given_engine(w,
                 "#!/bin/sh\n"
                 "echo nonsense\n"
                 "echo '{\"event\":\"wallet\",\"wallet_address\":\"W\",\"source_token\":\"\"}'\n"
                 "echo "
                 "'{\"event\":\"wallet\",\"wallet_address\":\"W\",\"source_token\":\"T\",\"initial_"
                 "score\":2}'\n"
                 "head -c 70000 /dev/zero | tr '\\0' x; echo\n"
                 "printf 'a\\0b\\n'\n"
                 "printf '\\377\\n'\n"
                 "echo '{\"event\":\"wallet\",\"wallet_address\":\"W\",\"source_token\":\"T\"}'\n");
    const char *id = when_run(w, NULL);
    await_run(w, id, "completed");
    then_query(world_postgres(w),
               "SELECT line, left(message, 32) FROM walltrack.discovery_run_errors ORDER BY line",
               "1|line 1: not JSON: '[' or '{' exp\n"
               "2|line 2: source_token: empty\n"
               "3|line 3: initial_score: 2 is outs\n"
               "4|line 4: longer than 64 KiB\n"
               "5|line 5: not JSON: '[' or '{' exp\n"
               "6|line 6: not JSON: unable to deco");
    then_query(world_postgres(w), "SELECT error_count, new_wallets FROM " RUNS, "6|1");
}

static void test_after_a_thousand_bad_lines_they_are_only_counted(void **state)
{
    struct world *w = *state;
    given_engine(w, "#!/bin/sh\nyes nonsense | head -n 2500\n");
    const char *id = when_run(w, NULL);
    await_run(w, id, "completed");
    then_query(world_postgres(w), "SELECT error_count, jsonb_array_length(errors) FROM " RUNS,
               "2500|100");
    then_query(world_postgres(w), "SELECT count(*) FROM walltrack.discovery_run_errors", "1000");
}

static void test_too_many_discoveries_fail_the_run(void **state)
{
    struct world *w = *state;
    given_config(w, "{\"engine\": {\"max_discoveries\": 1000}}");
    world_signal(w, SIGHUP);
    await_log(w, "was read again");
    given_engine(w, "#!/bin/sh\nseq 1 1000000 | sed 's/.*/{\"event\":\"wallet\",\"wallet_address\":"
                    "\"W&\",\"source_token\":\"T\"}/'\n");
    const char *id = when_run(w, NULL);
    await_run(w, id, "failed");
    then_query(world_postgres(w), "SELECT reason LIKE 'more than 1000 discoveries%' FROM " RUNS,
               "t");
    then_query(world_postgres(w), "SELECT count(*) FROM walltrack.discovery_run_wallets", "1000");
}

static bool journal_is_full(struct world *w, void *arg)
{
    (void)arg;
    return world_get(w, "/health") == 503 && strcmp(world_value(w, "/journal/full"), "true") == 0;
}

static bool an_engine_was_paused(struct world *w, void *arg)
{
    (void)arg;
    return world_get(w, "/metrics") == 200 &&
           strstr(world_text(w), "\nwalltrack_engine_pauses_total 0") == NULL;
}

static void test_a_full_journal_pauses_engines_and_refuses_runs(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    given_config(w, "{\"journal\": {\"max_bytes\": 1048576, \"retain_bytes\": 0, "
                    "\"retain_seconds\": 0}}");
    world_restart(w);
    await_plugin(w, "recorder", "live");
    given_engine(w, "#!/bin/sh\nseq 1 60000 | sed 's/.*/{\"event\":\"wallet\",\"wallet_address\":"
                    "\"W&\",\"source_token\":\"T\",\"is_new\":true}/'\n");
    postgres_stop(pg, POSTGRES_FAST);

    when_run(w, NULL);
    await(w, "a full journal", journal_is_full, NULL);
    await(w, "a paused engine", an_engine_was_paused, NULL);
    assert_int_equal(world_post(w, "/api/discovery/run", NULL), 503);
    assert_non_null(strstr(world_text(w), "full"));
    postgres_start(pg);

    postgres_await(pg, "SELECT status FROM " RUNS, "completed", 2 * WORLD_MS);
    then_query(pg, "SELECT count(DISTINCT wallet_address) FROM walltrack.discovery_run_wallets",
               "60000");
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(test_every_ending_is_recorded_with_its_reason),
        STORY(test_a_run_is_cancelled),
        STORY(test_no_more_runs_than_the_limit),
        STORY(test_an_engine_is_told_what_it_needs),
        STORY(test_bad_lines_become_errors_and_the_run_goes_on),
        STORY(test_after_a_thousand_bad_lines_they_are_only_counted),
        STORY(test_too_many_discoveries_fail_the_run),
        STORY(test_a_full_journal_pauses_engines_and_refuses_runs),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
