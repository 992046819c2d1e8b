/* A run by hand, by schedule and by API: all that the operator wants to know is in the database. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/pooled.h"
#include "support/postgres.h"
#include "support/world.h"

#define ENGINE_OF_THREE                                                                            \
    "#!/bin/sh\n"                                                                                  \
    "echo "                                                                                        \
    "'{\"event\":\"token\",\"token\":\"TokenA\",\"symbol\":\"AAA\",\"price_change_pct\":250.5,"    \
    "\"volume_usd\":120000}'\n"                                                                    \
    "echo '{\"event\":\"wallet\",\"wallet_address\":\"W1\",\"source_token\":\"TokenA\","           \
    "\"initial_score\":0.8712,\"profile\":{\"profit_pct\":676.4,\"buys\":2}}'\n"                   \
    "echo '{\"event\":\"wallet\",\"wallet_address\":\"W2\",\"source_token\":\"TokenA\","           \
    "\"initial_score\":0}'\n"                                                                      \
    "echo '{\"event\":\"wallet\",\"wallet_address\":\"W2\",\"source_token\":\"TokenA\","           \
    "\"initial_score\":0.5}'\n"                                                                    \
    "echo '{\"event\":\"error\",\"message\":\"no "                                                 \
    "price\",\"token\":\"TokenB\",\"code\":\"price\"}'\n"                                          \
    "echo 'not json'\n"                                                                            \
    "echo '{\"event\":\"token\",\"token\":\"TokenC\"}'\n"                                          \
    "echo '{\"event\":\"wallet\",\"wallet_address\":\"W1\",\"source_token\":\"TokenC\"}'\n"

#define RUNS "walltrack.discovery_runs"
#define WALLETS "walltrack.discovery_run_wallets"

/* The facts of ENGINE_OF_THREE, whatever started it. */
static void then_all_of_it_is_recorded(struct world *w)
{
    struct postgres *pg = world_postgres(w);
    then_query(
        pg,
        "SELECT status, tokens_analyzed, new_wallets, updated_wallets, profiled_wallets, "
        "error_count, jsonb_array_length(errors), errors->0->>'message', errors->1->>'code', "
        "reason IS NULL, completed_at >= started_at, duration_seconds BETWEEN 0 AND 60, "
        "host IS NOT NULL, build LIKE 'recorder %' FROM " RUNS,
        "completed|2|2|0|2|2|2|no price|bad_line|t|t|t|t|t");
    then_query(pg,
               "SELECT wallet_address, source_token, is_new, initial_score, "
               "profile->>'profit_pct' FROM " WALLETS " ORDER BY id",
               "W1|TokenA|t|0.8712|676.4\n"
               "W2|TokenA|t|0.0000|\n"
               "W1|TokenC|t||");
    then_query(pg, "SELECT count(*) FROM " WALLETS " w JOIN " RUNS " r ON r.id = w.run_id", "3");
    then_query(pg,
               "SELECT token, symbol, price_change_pct, volume_usd FROM "
               "walltrack.discovery_run_tokens ORDER BY id",
               "TokenA|AAA|250.5|120000\nTokenC|||");
    then_query(pg,
               "SELECT message LIKE 'line 6: not JSON%' OR message = 'no price', token, code, line "
               "FROM walltrack.discovery_run_errors ORDER BY id",
               "t|TokenB|price|\nt||bad_line|6");
}

static void test_a_run_by_hand(void **state)
{
    struct world *w = *state;
    given_engine(w, ENGINE_OF_THREE);

    const char *id = when_run(w, "{\"min_price_change_pct\": 12.5, \"min_volume_usd\": 0, "
                                 "\"max_token_age_hours\": 1, \"early_window_minutes\": 1440, "
                                 "\"min_profit_pct\": 100000, \"max_tokens\": 10000}");
    await_run(w, id, "completed");

    then_all_of_it_is_recorded(w);
    then_query(world_postgres(w),
               "SELECT trigger_type, triggered_by = getpgusername() OR triggered_by = 'root' OR "
               "triggered_by <> '', schedule IS NULL, slot_at IS NULL, min_price_change_pct, "
               "min_volume_usd, max_token_age_hours, early_window_minutes, min_profit_pct, "
               "max_tokens, profile_immediately FROM " RUNS,
               "manual|t|t|t|12.50|0.00|1|1440|100000.00|10000|t");
}

static void test_a_run_by_api(void **state)
{
    struct world *w = *state;
    given_engine(w, ENGINE_OF_THREE);

    const char *id = when_run(w, "{\"trigger_type\": \"api\", \"triggered_by\": \"dashboard\", "
                                 "\"profile_immediately\": false}");
    await_run(w, id, "completed");

    then_all_of_it_is_recorded(w);
    then_query(world_postgres(w),
               "SELECT trigger_type, triggered_by, min_price_change_pct, min_volume_usd, "
               "max_token_age_hours, early_window_minutes, min_profit_pct, max_tokens, "
               "profile_immediately FROM " RUNS,
               "api|dashboard|100.00|50000.00|72|30|50.00|20|f");
}

static void test_a_run_by_schedule(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    given_engine(w, ENGINE_OF_THREE);
    given_config(w, "{\"schedules\": [{\"name\": \"often\", \"every\": \"2s\", "
                    "\"params\": {\"max_tokens\": 7, \"min_profit_pct\": 0}}]}");
    world_restart(w);
    await_plugin(w, "recorder", "live");

    postgres_await(pg, "SELECT count(*) > 0 FROM " RUNS " WHERE status = 'completed'", "t",
                   WORLD_MS);
    given_config(w, "{\"schedules\": []}");
    world_signal(w, SIGHUP);
    await_log(w, "was read again");

    then_query(pg,
               "SELECT bool_and(trigger_type = 'scheduled' AND triggered_by = 'often' AND "
               "schedule = 'often' AND max_tokens = 7 AND min_profit_pct = 0 AND "
               "extract(epoch FROM slot_at)::numeric % 2 = 0 AND slot_at <= started_at) FROM " RUNS,
               "t");
    postgres_await(pg, "SELECT count(*) FROM " RUNS " WHERE status = 'running'", "0", WORLD_MS);
    postgres_await(pg,
                   "SELECT count(*) FROM " RUNS " r WHERE NOT EXISTS (SELECT FROM "
                   "walltrack.discovery_slots s WHERE s.run_id = r.id AND s.due = r.slot_at AND "
                   "s.outcome = 'fired')",
                   "0", WORLD_MS);
    /* W1 and W2 are new in the first run and known in every later one. */
    then_query(pg,
               "SELECT bool_and(CASE WHEN r.first THEN r.new_wallets = 2 AND r.updated_wallets = 0 "
               "ELSE r.new_wallets = 0 AND r.updated_wallets = 2 END) FROM (SELECT *, started_at = "
               "min(started_at) OVER () AS first FROM " RUNS ") r",
               "t");
}

static void test_the_answer_and_the_rows_say_the_same(void **state)
{
    struct world *w = *state;
    char path[128];
    given_engine(w, ENGINE_OF_THREE);

    const char *id = when_run(w, "{\"min_profit_pct\": 12.34, \"triggered_by\": \"me\"}");
    await_run(w, id, "completed");

    snprintf(path, sizeof path, "/api/discovery/runs/%s", id);
    then_get(w, path, "/id", id);
    then_get(w, path, "/params/min_profit_pct", "12.34");
    then_get(w, path, "/params/min_volume_usd", "50000.0");
    then_get(w, path, "/triggered_by", "me");
    then_get(w, path, "/new_wallets", "2");
    then_get(w, path, "/error_count", "2");
    then_get(w, path, "/errors/0/token", "TokenB");
    then_get(w, path, "/schedule", "null");

    snprintf(path, sizeof path, "/api/discovery/runs/%s/wallets", id);
    then_get(w, path, "/wallets/0/wallet_address", "W1");
    then_get(w, path, "/wallets/0/initial_score", "0.8712");
    then_get(w, path, "/wallets/0/profile/buys", "2");
    then_get(w, path, "/wallets/1/initial_score", "0.0");
    then_get(w, path, "/wallets/1/profile", "null");
    then_get(w, path, "/wallets/2/initial_score", "null");
    then_get(w, path, "/wallets/3", "(absent)");
    then_get(w, path, "/has_more", "false");

    snprintf(path, sizeof path, "/api/discovery/runs/%s/tokens?page_size=1", id);
    then_get(w, path, "/tokens/0/token", "TokenA");
    then_get(w, path, "/has_more", "true");
    snprintf(path, sizeof path, "/api/discovery/runs/%s/tokens?page_size=1&cursor=%s", id,
             world_value(w, "/next_cursor"));
    then_get(w, path, "/tokens/0/token", "TokenC");
    then_get(w, path, "/has_more", "false");
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(test_a_run_by_hand),
        STORY(test_a_run_by_api),
        STORY(test_a_run_by_schedule),
        STORY(test_the_answer_and_the_rows_say_the_same),
        POOLED(test_a_run_by_hand),
        POOLED(test_a_run_by_schedule),
        POOLED(test_the_answer_and_the_rows_say_the_same),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
