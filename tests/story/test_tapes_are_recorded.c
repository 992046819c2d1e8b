/* The reference engine over real trades: the database holds exactly what it says.
 *
 * The tapes are not part of the product; they are looked for in $WALLTRACK_TAPES or beside the
 * source tree in shared/data, and without them this is skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/postgres.h"
#include "support/world.h"

enum { SKIPPED = 77 };

#define DEFAULTS "{}"
#define WIDER                                                                                      \
    "{\"min_price_change_pct\": 20, \"min_volume_usd\": 1000, \"max_token_age_hours\": 72, "       \
    "\"early_window_minutes\": 30, \"min_profit_pct\": 25, \"max_tokens\": 50}"

/* What is known of these tapes. */
static const struct {
    const char *tape, *params;
    int discoveries, tokens, wallets;
} known[] = {
    {"solana-launches", DEFAULTS, 6, 1, 6},          {"ethereum-hour", DEFAULTS, 117, 1, 117},
    {"solana-wallet-roundtrips", DEFAULTS, 0, 0, 0}, {"solana-launches", WIDER, 125, 6, 121},
    {"ethereum-hour", WIDER, 163, 22, 159},          {"solana-wallet-roundtrips", WIDER, 3, 9, 2},
};

static const char *tapes(void)
{
    const char *given = getenv("WALLTRACK_TAPES");
    return given != NULL ? given : TEST_SOURCE_DIR "/../shared/data";
}

static void given_tape(struct world *w, const char *tape)
{
    char patch[1024];
    snprintf(patch, sizeof patch,
             "{\"engine\": {\"command\": [\"%s\", \"--tape\", \"%s/%s.csv.gz\"]}}",
             TEST_ENGINE_TAPE, tapes(), tape);
    given_config(w, patch);
}

/* What the engine prints when it is run without a host, as rows of a table of their own. */
static void load_what_the_engine_says(struct world *w, const char *tape, const char *params)
{
    char request[1024], command[2048], sql[4096];
    json_t *merged = json_loads(params, 0, NULL);
    json_object_set_new(merged, "profile_immediately", json_true());
    char *text = json_dumps(merged, JSON_COMPACT);
    snprintf(request, sizeof request,
             "{\"protocol\":1,\"run_id\":\"00000000-0000-7000-8000-000000000000\","
             "\"trigger_type\":\"manual\",\"triggered_by\":\"t\",\"schedule\":null,\"params\":%s}",
             text);
    free(text);
    json_decref(merged);
    snprintf(command, sizeof command, "echo '%s' | %s --tape %s/%s.csv.gz", request,
             TEST_ENGINE_TAPE, tapes(), tape);
    FILE *said = popen(command, "r");
    assert_non_null(said);
    postgres_query(world_postgres(w), "DROP TABLE IF EXISTS said; CREATE TABLE said (line jsonb)");
    char line[2048];
    while (fgets(line, sizeof line, said) != NULL) {
        snprintf(sql, sizeof sql, "INSERT INTO said VALUES ($q$%s$q$)", line);
        postgres_query(world_postgres(w), sql);
    }
    assert_int_equal(pclose(said), 0);
}

#define RUN "(SELECT id FROM walltrack.discovery_runs ORDER BY started_at DESC LIMIT 1)"

static void then_rows_are_what_the_engine_said(struct world *w)
{
    struct postgres *pg = world_postgres(w);
    then_query(pg,
               "WITH said AS (SELECT line->>'wallet_address', line->>'source_token', "
               "(line->>'initial_score')::numeric(5,4), line->'profile' FROM said WHERE "
               "line->>'event' = 'wallet'), kept AS (SELECT wallet_address::text, "
               "source_token::text, initial_score, profile FROM walltrack.discovery_run_wallets "
               "WHERE run_id = " RUN ") SELECT (SELECT count(*) FROM (TABLE said EXCEPT ALL TABLE "
               "kept) x), (SELECT count(*) FROM (TABLE kept EXCEPT ALL TABLE said) y)",
               "0|0");
    then_query(
        pg,
        "WITH said AS (SELECT line->>'token', (line->>'price_change_pct')::float8, "
        "(line->>'volume_usd')::float8 FROM said WHERE line->>'event' = 'token'), kept AS "
        "(SELECT token::text, price_change_pct, volume_usd FROM "
        "walltrack.discovery_run_tokens WHERE run_id = " RUN ") SELECT (SELECT count(*) FROM "
        "(TABLE said EXCEPT ALL TABLE kept) x), (SELECT count(*) FROM (TABLE kept EXCEPT ALL "
        "TABLE said) y)",
        "0|0");
}

static void test_real_tapes_are_recorded_row_by_row(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        char expected[128];
        given_tape(w, known[i].tape);
        world_restart(w);
        await_plugin(w, "recorder", "live");
        const char *id = when_run(w, known[i].params);
        await_run(w, id, "completed");

        snprintf(expected, sizeof expected, "%d|%d|%d|%d|t|t|t", known[i].discoveries,
                 known[i].tokens, known[i].wallets, known[i].wallets);
        then_query(pg,
                   "SELECT count(w.id), r.tokens_analyzed, count(DISTINCT w.wallet_address), "
                   "r.new_wallets + r.updated_wallets, coalesce(bool_and(w.initial_score "
                   "BETWEEN 0 AND 1 AND w.profile ?& '{profit_pct,cost_usd,proceeds_usd,buys,sells,"
                   "first_buy_seconds}'), true), r.profiled_wallets = count(DISTINCT "
                   "w.wallet_address), r.error_count = 0 FROM walltrack.discovery_runs r LEFT JOIN "
                   "walltrack.discovery_run_wallets w ON w.run_id = r.id WHERE r.id = " RUN
                   " GROUP BY r.id",
                   expected);
        load_what_the_engine_says(w, known[i].tape, known[i].params);
        then_rows_are_what_the_engine_said(w);
    }
}

int main(void)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/solana-launches.csv.gz", tapes());
    if (access(path, R_OK) != 0) {
        printf("no tapes in %s: skipped\n", tapes());
        return SKIPPED;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_real_tapes_are_recorded_row_by_row, world_setup,
                                        world_teardown),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
