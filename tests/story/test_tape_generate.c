/* Invented tapes: the same for the same seed, as large as asked for, and worth a run. */
/* links: PkgConfig::zlib */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "engine_tape_run.h"

static const char by_default[] = "{\"protocol\":1,\"params\":{}}\n";
static const char everything[] =
    "{\"protocol\":1,\"params\":{\"min_price_change_pct\":0,\"min_volume_usd\":0,"
    "\"max_tokens\":10000}}\n";
static const char *const tape_option[] = {"--tape", "tape", NULL};

/* Writes a tape to `name`; the exit status.  Arguments are NULL-terminated. */
static int when_generated(struct engine_run *r, const char *name, const char *const *options)
{
    const char *argv[16] = {TEST_TAPE_GENERATE};
    char output[128], log[128];
    for (size_t i = 0; options[i] != NULL && i < 14; i++)
        argv[1 + i] = options[i];
    engine_run_path(r, name, output);
    engine_run_path(r, "log", log);
    const struct process_options process = {
        .directory = r->directory, .output = output, .log = log};
    return process_run(argv, &process);
}

static char *read_output(const struct engine_run *r, const char *name)
{
    char path[128];
    engine_run_path(r, name, path);
    char *text = scratch_read(path);
    assert_non_null(text);
    return text;
}

static bool are_same(const struct engine_run *r, const char *one, const char *other)
{
    char *a = read_output(r, one), *b = read_output(r, other);
    bool same = strcmp(a, b) == 0;
    free(a);
    free(b);
    return same;
}

static void test_the_same_seed_gives_the_same_bytes(void **state)
{
    static const char *const nothing[] = {NULL};
    static const char *const first[] = {"--seed", "1", NULL};
    static const char *const second[] = {"--seed", "2", NULL};
    struct engine_run *r = *state;
    assert_int_equal(when_generated(r, "a", nothing), 0);
    assert_int_equal(when_generated(r, "b", first), 0);
    assert_int_equal(when_generated(r, "c", second), 0);
    assert_true(are_same(r, "a", "b"));
    assert_false(are_same(r, "a", "c"));
}

/* So a change of the generator, or a machine that calculates otherwise, is noticed. */
static void test_seed_1_is_the_same_tape_on_every_machine(void **state)
{
    static const char *const options[] = {"--seed", "1", "--tokens", "1", "--rows", "2", NULL};
    static const char *const whole[] = {"--seed", "1", NULL};
    static const char expected[] =
        "time,chain,token,wallet,side,token_amount,usd_amount,usd_source,native_amount,"
        "native_unit,tx\n"
        "2026-01-05T02:14:00.282Z,solana,eQEcT8D3UGXWJsXMDMiU9WFqqWFhj2v1kUmXHuc3pump,"
        "nwetzLvcS5ZqyjLr4coGkBCzxmVFZ7ZkLmZmAJS4P5P,"
        "buy,8472353.096329,76.902725,generated,0.512684833,SOL,\n"
        "2026-01-05T05:48:17.274Z,solana,eQEcT8D3UGXWJsXMDMiU9WFqqWFhj2v1kUmXHuc3pump,"
        "DBgL8u6j6gC1G4rSWXnPvAJ8Hf8ZewrSoSjyCuzNaje,"
        "sell,49576382.345184,432.233463,generated,2.881556421,SOL,\n";
    struct engine_run *r = *state;
    assert_int_equal(when_generated(r, "tape", options), 0);
    char *text = read_output(r, "tape");
    assert_string_equal(text, expected);
    free(text);
    assert_int_equal(when_generated(r, "tape", whole), 0);
    text = read_output(r, "tape");
    assert_int_equal(crc32(0, (const unsigned char *)text, (unsigned)strlen(text)), 0x12410133);
    free(text);
}

static void test_rows_are_as_many_as_asked_for_and_in_order(void **state)
{
    static const char *const options[] = {"--rows", "5000", "--tokens", "300", NULL};
    struct engine_run *r = *state;
    assert_int_equal(when_generated(r, "tape", options), 0);
    char *text = read_output(r, "tape");
    char *rest = NULL;
    const char *before = "";
    size_t rows = 0;
    strtok_r(text, "\n", &rest);
    for (char *row = strtok_r(NULL, "\n", &rest); row; row = strtok_r(NULL, "\n", &rest)) {
        rows++;
        assert_true(strncmp(before, row, 24) <= 0); /* times of one length sort as text */
        before = row;
    }
    assert_int_equal(rows, 5000);
    free(text);
    when_engine_runs(r, everything, tape_option);
    assert_int_equal(engine_run_count(r, "error"), 0);
    assert_in_range(engine_run_count(r, "token"), 1, 300);
}

static void test_a_run_with_default_parameters_finds_hundreds_in_20_tokens(void **state)
{
    static const char *const seeds[] = {"1", "2", "3", "7", "42"};
    struct engine_run *r = *state;
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        const char *const options[] = {"--seed", seeds[i], NULL};
        assert_int_equal(when_generated(r, "tape", options), 0);
        when_engine_runs(r, by_default, tape_option);
        assert_int_equal(r->status, 0);
        assert_int_equal(engine_run_count(r, "error"), 0);
        assert_int_equal(engine_run_count(r, "token"), 20);
        assert_in_range(engine_run_count(r, "wallet"), 300, 600);
    }
}

static void test_some_of_60_tokens_rise_and_some_collapse(void **state)
{
    static const char *const options[] = {NULL};
    struct engine_run *r = *state;
    assert_int_equal(when_generated(r, "tape", options), 0);
    when_engine_runs(r, everything, tape_option);
    assert_in_range(engine_run_count(r, "token"), 25, 40);
}

static void test_a_packed_tape_holds_the_same(void **state)
{
    static const char *const packed[] = {"--rows", "2000", "--output", "packed.csv.gz", NULL};
    static const char *const plain[] = {"--rows", "2000", "--output", "plain.csv", NULL};
    static const char *const stdout_only[] = {"--rows", "2000", NULL};
    struct engine_run *r = *state;
    assert_int_equal(when_generated(r, "nothing", packed), 0);
    assert_int_equal(when_generated(r, "nothing", plain), 0);
    assert_int_equal(when_generated(r, "tape", stdout_only), 0);
    assert_true(are_same(r, "plain.csv", "tape"));
    static const char unpack[] = "gzip -dc packed.csv.gz";
    const char *const argv[] = {"/bin/sh", "-c", unpack, NULL};
    char output[128];
    engine_run_path(r, "unpacked", output);
    const struct process_options process = {.directory = r->directory, .output = output};
    assert_int_equal(process_run(argv, &process), 0);
    assert_true(are_same(r, "unpacked", "tape"));
}

static const struct bad_options {
    const char *options[5];
    int status;
    const char *why;
} bad_options[] = {
    {{"--seed", "-1", NULL}, 2, "seed '-1' is not possible"},
    {{"--seed", "18446744073709551616", NULL}, 2, "seed '18446744073709551616' is not possible"},
    {{"--tokens", "0", NULL}, 2, "tokens '0' is not possible"},
    {{"--tokens", "100001", NULL}, 2, "tokens '100001' is not possible"},
    {{"--rows", "many", NULL}, 2, "rows 'many' is not possible"},
    {{"--tokens", "9", "--rows", "8", NULL}, 2, "rows 'less than one for each token'"},
    {{"--start", "today", NULL}, 2, "start 'today' is not possible"},
    {{"--start", "1969-12-31T23:59:59Z", NULL}, 2, "is not possible"},
    {{"--output", "", NULL}, 2, "output '' is not possible"},
    {{"--output", "no/where", NULL}, 1, "no/where: No such file or directory"},
    {{"--output", "/dev/full", NULL}, 1, "/dev/full: No space left on device"},
    {{"tape.csv", NULL}, 2, "argument 'tape.csv' is not possible"},
};

static void test_bad_options_are_named(void **state)
{
    struct engine_run *r = *state;
    for (size_t i = 0; i < sizeof bad_options / sizeof *bad_options; i++) {
        const struct bad_options *b = &bad_options[i];
        char log[128];
        engine_run_path(r, "log", log);
        unlink(log);
        assert_int_equal(when_generated(r, "tape", b->options), b->status);
        char *complaint = read_output(r, "log");
        if (strstr(complaint, b->why) == NULL)
            fail_msg("'%s' does not say '%s'", complaint, b->why);
        free(complaint);
    }
}

#define story(test) cmocka_unit_test_setup_teardown(test, engine_run_setup, engine_run_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        story(test_the_same_seed_gives_the_same_bytes),
        story(test_seed_1_is_the_same_tape_on_every_machine),
        story(test_rows_are_as_many_as_asked_for_and_in_order),
        story(test_a_run_with_default_parameters_finds_hundreds_in_20_tokens),
        story(test_some_of_60_tokens_rise_and_some_collapse),
        story(test_a_packed_tape_holds_the_same),
        story(test_bad_options_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
