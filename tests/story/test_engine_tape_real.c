/* The reference engine on tapes of real trades.
 *
 * The tapes are not part of this repository.  They are looked for in the directory that the
 * environment variable WALLTRACK_TAPES names, else in ../shared/data beside the sources; without
 * them the test is skipped.
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

#include "engine_tape_run.h"

enum { SKIPPED = 77 };

static const char by_default[] = "{\"protocol\":1,\"params\":{}}\n";
static const char generous[] =
    "{\"protocol\":1,\"params\":{\"min_price_change_pct\":20,\"min_volume_usd\":1000,"
    "\"max_token_age_hours\":72,\"early_window_minutes\":30,\"min_profit_pct\":25,"
    "\"max_tokens\":50}}\n";

static const struct expectation {
    const char *tape;
    const char *request;
    size_t tokens, discoveries, wallets;
} expectations[] = {
    {"solana-launches", by_default, 1, 6, 6},
    {"solana-launches", generous, 6, 125, 121},
    {"ethereum-hour", by_default, 1, 117, 117},
    {"ethereum-hour", generous, 22, 163, 159},
    {"solana-wallet-roundtrips", by_default, 0, 0, 0},
    {"solana-wallet-roundtrips", generous, 9, 3, 2},
};

static void tape_path(const char *tape, char out[512])
{
    const char *directory = getenv("WALLTRACK_TAPES");
    if (directory == NULL)
        directory = TEST_SOURCE_DIR "/../shared/data";
    snprintf(out, 512, "%s/%s.csv.gz", directory, tape);
}

static size_t distinct_wallets(const struct engine_run *r)
{
    json_t *seen = json_object();
    size_t i;
    json_t *line;
    json_array_foreach (r->lines, i, line)
        if (strcmp(engine_run_text(line, "event"), "wallet") == 0)
            json_object_set_new(seen, engine_run_text(line, "wallet_address"), json_true());
    size_t count = json_object_size(seen);
    json_decref(seen);
    return count;
}

static void test_real_tapes_give_what_a_second_program_found_in_them(void **state)
{
    struct engine_run *r = *state;
    for (size_t i = 0; i < sizeof expectations / sizeof *expectations; i++) {
        const struct expectation *e = &expectations[i];
        char path[512];
        tape_path(e->tape, path);
        const char *const options[] = {"--tape", path, NULL};
        when_engine_runs(r, e->request, options);
        assert_int_equal(r->status, 0);
        assert_string_equal(r->complaint, "");
        assert_int_equal(engine_run_count(r, "error"), 0);
        assert_int_equal(engine_run_count(r, "token"), e->tokens);
        assert_int_equal(engine_run_count(r, "progress"), e->tokens);
        assert_int_equal(engine_run_count(r, "wallet"), e->discoveries);
        assert_int_equal(distinct_wallets(r), e->wallets);
    }
}

int main(void)
{
    for (size_t i = 0; i < sizeof expectations / sizeof *expectations; i++) {
        char path[512];
        tape_path(expectations[i].tape, path);
        if (access(path, R_OK) != 0) {
            printf("skipped: there is no tape %s (WALLTRACK_TAPES names its directory)\n", path);
            return SKIPPED;
        }
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_real_tapes_give_what_a_second_program_found_in_them,
                                        engine_run_setup, engine_run_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
