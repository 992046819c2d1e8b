/* The reference engine, started as a host starts it: one request in, lines of JSON out. */
/* links: PkgConfig::zlib */
#include <setjmp.h>
#include <signal.h>
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

#define HEADER "time,chain,token,wallet,side,token_amount,usd_amount,native_amount\n"
#define ALL_TOKENS "{\"protocol\":1,\"params\":{\"min_price_change_pct\":0,\"min_volume_usd\":0}}\n"

static const char *const tape_option[] = {"--tape", "tape.csv", NULL};

/* Two tokens that pump: Tbig by volume before Tsmall; each has one wallet to find, and one more
 * that is no find; Tflat has none. */
static const char small_tape[] = HEADER "2026-01-01T00:00:00Z,x,Tsmall,W1,buy,100,100,1\n"
                                        "2026-01-01T00:00:10.5Z,x,Tbig,W2,buy,1000,1000,10\n"
                                        "2026-01-01T00:01:00Z,x,Tbig,W1,buy,1000,1000,10\n"
                                        "2026-01-01T00:02:00Z,x,Tflat,W1,buy,1,1,1\n"
                                        "2026-01-01T00:03:00Z,x,Tflat,W1,sell,1,1,1\n"
                                        "2026-01-01T01:00:00Z,x,Tsmall,W1,sell,100,300,3\n"
                                        "2026-01-01T01:00:00Z,x,Tbig,W2,buy,500,1000,10\n"
                                        "2026-01-01T02:00:00Z,x,Tbig,W2,sell,1500,4000,40\n"
                                        "2026-01-01T03:00:00Z,x,Tbig,W3,buy,100,400,4\n";

#define PUMPS "{\"protocol\":1,\"params\":{\"min_volume_usd\":0%s}}\n"

static void given_tape(struct engine_run *r, const char *text)
{
    scratch_write(r->directory, "tape.csv", text);
}

/* Equal member for member; 300 and 300.0 are the same number. */
static bool is_same(const json_t *found, const json_t *wanted)
{
    if (json_is_number(found) && json_is_number(wanted))
        return json_number_value(found) == json_number_value(wanted);
    if (!json_is_object(found) || !json_is_object(wanted))
        return json_equal(found, wanted) != 0;
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)wanted, key, value)
        if (!is_same(json_object_get(found, key), value))
            return false;
    return json_object_size(found) == json_object_size(wanted);
}

static void then_line(const struct engine_run *r, size_t i, const char *expected)
{
    json_t *wanted = json_loads(expected, 0, NULL);
    assert_non_null(wanted);
    char *found = json_dumps(json_array_get(r->lines, i), JSON_COMPACT | JSON_REAL_PRECISION(12));
    if (!is_same(json_array_get(r->lines, i), wanted))
        fail_msg("line %zu is %s instead of %s", i + 1, found != NULL ? found : "missing",
                 expected);
    free(found);
    json_decref(wanted);
}

static void then_done(const struct engine_run *r, size_t lines)
{
    assert_string_equal(r->complaint, "");
    assert_int_equal(r->status, 0);
    assert_int_equal(json_array_size(r->lines), lines);
}

static void then_failed(const struct engine_run *r, int status, const char *why)
{
    if (r->status != status || strstr(r->complaint, why) == NULL)
        fail_msg("exit status %d, '%s' instead of %d, '%s'", r->status, r->complaint, status, why);
    assert_memory_equal(r->complaint, "engine-tape: ", 13);
}

static void then_small_tape_is_reported(const struct engine_run *r)
{
    then_done(r, 6);
    then_line(r, 0,
              "{\"event\":\"token\",\"token\":\"Tbig\",\"price_change_pct\":300.0,"
              "\"volume_usd\":7400.0}");
    then_line(r, 1,
              "{\"event\":\"wallet\",\"wallet_address\":\"W2\",\"source_token\":\"Tbig\","
              "\"initial_score\":0.5,\"profile\":{\"profit_pct\":100.0,\"cost_usd\":2000.0,"
              "\"proceeds_usd\":4000.0,\"buys\":2,\"sells\":1,\"first_buy_seconds\":0.0}}");
    then_line(r, 2, "{\"event\":\"progress\",\"done\":1,\"total\":2,\"stage\":\"tokens\"}");
    then_line(r, 3,
              "{\"event\":\"token\",\"token\":\"Tsmall\",\"price_change_pct\":200.0,"
              "\"volume_usd\":400.0}");
    then_line(r, 4,
              "{\"event\":\"wallet\",\"wallet_address\":\"W1\",\"source_token\":\"Tsmall\","
              "\"initial_score\":0.6667,\"profile\":{\"profit_pct\":200.0,\"cost_usd\":100.0,"
              "\"proceeds_usd\":300.0,\"buys\":1,\"sells\":1,\"first_buy_seconds\":0.0}}");
    then_line(r, 5, "{\"event\":\"progress\",\"done\":2,\"total\":2,\"stage\":\"tokens\"}");
}

static void test_tokens_by_volume_each_with_its_wallets_and_progress(void **state)
{
    struct engine_run *r = *state;
    char request[128];
    snprintf(request, sizeof request, PUMPS, "");
    given_tape(r, small_tape);
    when_engine_runs(r, request, tape_option);
    then_small_tape_is_reported(r);
}

static void test_a_packed_tape_is_read_by_its_content(void **state)
{
    struct engine_run *r = *state;
    char request[128], path[128];
    snprintf(request, sizeof request, PUMPS, "");
    engine_run_path(r, "tape.csv", path);
    gzFile file = gzopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(gzputs(file, small_tape), strlen(small_tape));
    assert_int_equal(gzclose(file), Z_OK);
    when_engine_runs(r, request, tape_option);
    then_small_tape_is_reported(r);
}

static void test_without_profile_immediately_there_are_no_profiles(void **state)
{
    struct engine_run *r = *state;
    char request[128];
    snprintf(request, sizeof request, PUMPS, ",\"profile_immediately\":false");
    given_tape(r, small_tape);
    when_engine_runs(r, request, tape_option);
    then_done(r, 6);
    then_line(r, 1,
              "{\"event\":\"wallet\",\"wallet_address\":\"W2\",\"source_token\":\"Tbig\","
              "\"initial_score\":0.5}");
}

static void test_max_tokens_takes_the_largest(void **state)
{
    struct engine_run *r = *state;
    char request[128];
    snprintf(request, sizeof request, PUMPS, ",\"max_tokens\":1");
    given_tape(r, small_tape);
    when_engine_runs(r, request, tape_option);
    then_done(r, 3);
    then_line(r, 2, "{\"event\":\"progress\",\"done\":1,\"total\":1,\"stage\":\"tokens\"}");
}

static void test_nothing_in_the_tape_is_nothing_found(void **state)
{
    struct engine_run *r = *state;
    given_tape(r, HEADER);
    when_engine_runs(r, ALL_TOKENS, tape_option);
    then_done(r, 0);
    given_tape(r, small_tape); /* all volumes are below the default */
    when_engine_runs(r, "{\"protocol\":1,\"params\":{}}", tape_option);
    then_done(r, 0);
}

static void test_bad_rows_are_errors_and_the_run_goes_on(void **state)
{
    struct engine_run *r = *state;
    given_tape(r, HEADER "2026-01-01T00:00:00Z,x,T,W,buy,1,1,1\n"
                         "2026-01-01T00:00:00Z,x,T,W,buy,0,1,1\n"
                         "\xff\xfe rubbish\n"
                         "2026-01-01T00:00:01Z,x,T,W,sell,1,3,1\n");
    when_engine_runs(r, ALL_TOKENS, tape_option);
    then_done(r, 5);
    then_line(r, 0,
              "{\"event\":\"error\",\"message\":\"row 3: token_amount 0 is outside 1e-30..1e+30\","
              "\"token\":\"T\",\"code\":\"bad_row\"}");
    then_line(r, 1,
              "{\"event\":\"error\",\"message\":\"row 4: has 1 fields where the header has 8\","
              "\"code\":\"bad_row\"}");
    assert_int_equal(engine_run_count(r, "wallet"), 1);
}

static void test_a_thousand_bad_rows_are_told_and_the_rest_is_counted(void **state)
{
    struct engine_run *r = *state;
    char path[128];
    engine_run_path(r, "tape.csv", path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(HEADER, file);
    for (int i = 0; i < 1500; i++)
        fputs("rubbish\n", file);
    assert_int_equal(fclose(file), 0);
    when_engine_runs(r, ALL_TOKENS, tape_option);
    then_done(r, 1001);
    then_line(r, 1000,
              "{\"event\":\"error\",\"message\":\"500 more bad rows, the last is row 1501\","
              "\"code\":\"bad_row\"}");
}

static void test_a_rate_prices_rows_without_usd(void **state)
{
    static const char *const with_rate[] = {"--tape", "tape.csv", "--usd-per-native", "150.5",
                                            NULL};
    struct engine_run *r = *state;
    given_tape(r, HEADER "2026-01-01T00:00:00Z,x,T,W,buy,1,,2\n"
                         "2026-01-01T00:00:01Z,x,T,W,sell,1,602,9\n");
    when_engine_runs(r, ALL_TOKENS, with_rate);
    then_done(r, 3);
    then_line(r, 0,
              "{\"event\":\"token\",\"token\":\"T\",\"price_change_pct\":100.0,"
              "\"volume_usd\":903.0}");
    when_engine_runs(r, ALL_TOKENS, tape_option);
    assert_int_equal(r->status, 0);
    assert_string_equal(engine_run_text(json_array_get(r->lines, 0), "message"),
                        "row 2: usd_amount is empty, and no rate prices native_amount");
}

static void test_rows_after_until_are_ignored(void **state)
{
    static const char *const until[] = {"--tape", "tape.csv", "--until",
                                        "2026-01-01T02:00:00+01:00", NULL};
    struct engine_run *r = *state;
    char request[128];
    snprintf(request, sizeof request, PUMPS, "");
    given_tape(r, small_tape);
    when_engine_runs(r, request, until); /* 01:00 UTC is still in, 02:00 is not */
    then_done(r, 5);
    then_line(r, 0,
              "{\"event\":\"token\",\"token\":\"Tbig\",\"price_change_pct\":100.0,"
              "\"volume_usd\":3000.0}");
    assert_int_equal(engine_run_count(r, "wallet"), 1);
}

static void test_a_symbol_column_is_passed_on(void **state)
{
    struct engine_run *r = *state;
    given_tape(r, "time,token,wallet,side,token_amount,usd_amount,symbol\n"
                  "2026-01-01T00:00:00Z,T,W,buy,1,1,\n"
                  "2026-01-01T00:00:01Z,T,W,buy,1,1,\"MO\xc3\x96N \"\"1\"\"\"\n"
                  "2026-01-01T00:00:02Z,T,W,buy,1,1,OTHER\n"
                  "2026-01-01T00:00:03Z,U,W,buy,1,1,\xff\n");
    when_engine_runs(r, ALL_TOKENS, tape_option);
    then_done(r, 4);
    assert_string_equal(engine_run_text(json_array_get(r->lines, 0), "symbol"),
                        "MO\xc3\x96N \"1\"");
    assert_null(json_object_get(json_array_get(r->lines, 2), "symbol"));
}

static void test_quotes_and_backslashes_in_addresses_are_escaped(void **state)
{
    struct engine_run *r = *state;
    given_tape(r, HEADER "2026-01-01T00:00:00Z,x,\"T\"\"1\\\",\\W\",buy,1,1,1\n"
                         "2026-01-01T00:00:01Z,x,\"T\"\"1\\\",\\W\",sell,1,3,1\n");
    when_engine_runs(r, ALL_TOKENS, tape_option);
    then_done(r, 3);
    assert_string_equal(engine_run_text(json_array_get(r->lines, 1), "wallet_address"), "\\W\"");
    assert_string_equal(engine_run_text(json_array_get(r->lines, 1), "source_token"), "T\"1\\");
}

static void test_a_delay_comes_between_tokens(void **state)
{
    static const char *const slowly[] = {"--tape", "tape.csv", "--delay-ms", "300", NULL};
    struct engine_run *r = *state;
    char request[128];
    snprintf(request, sizeof request, PUMPS, "");
    given_tape(r, small_tape);
    long start = process_now_ms();
    when_engine_runs(r, request, slowly);
    assert_true(process_now_ms() - start >= 300);
    then_small_tape_is_reported(r);
}

/* Starts the engine without waiting for it; it writes to `output`. */
static pid_t given_running_engine(struct engine_run *r, const char *output, const char *delay_ms)
{
    static const char with_request[] = "exec \"$0\" \"$@\" <request";
    const char *const argv[] = {"/bin/sh",        "-c",     with_request,
                                TEST_ENGINE_TAPE, "--tape", "tape.csv",
                                "--delay-ms",     delay_ms, NULL};
    char request[128], log[128];
    snprintf(request, sizeof request, PUMPS, "");
    given_tape(r, small_tape);
    scratch_write(r->directory, "request", request);
    engine_run_path(r, "log", log);
    const struct process_options process = {
        .directory = r->directory, .output = output, .log = log};
    return process_start(argv, &process);
}

static void test_a_token_is_out_before_the_next_one_is_begun(void **state)
{
    struct engine_run *r = *state;
    char output[128];
    engine_run_path(r, "output", output);
    pid_t engine = given_running_engine(r, output, "600000");
    long deadline = process_now_ms() + 30000;
    bool seen = false;
    while (!seen && process_now_ms() < deadline) {
        char *text = scratch_read(output);
        seen = text != NULL && strstr(text, "\"done\":1,\"total\":2") != NULL;
        free(text);
        process_pause_ms(5);
    }
    assert_int_equal(process_stop(engine, SIGTERM, 10000), 128 + SIGTERM);
    assert_true(seen);
    r->lines = engine_run_lines(output);
    assert_int_equal(json_array_size(r->lines), 3);
}

static void test_output_that_cannot_be_written_is_status_1(void **state)
{
    struct engine_run *r = *state;
    char log[128];
    int status = -1;
    engine_run_path(r, "log", log);
    pid_t engine = given_running_engine(r, "/dev/full", "600000");
    assert_true(process_wait(engine, 30000, &status));
    assert_int_equal(status, 1);
    r->complaint = scratch_read(log);
    assert_string_equal(r->complaint,
                        "engine-tape: stdout: cannot be written: No space left on device\n");
}

static void test_a_file_that_is_no_tape_is_status_1(void **state)
{
    static const char *const missing[] = {"--tape", "nowhere.csv", NULL};
    static const char *const directory[] = {"--tape", ".", NULL};
    struct engine_run *r = *state;
    when_engine_runs(r, ALL_TOKENS, missing);
    then_failed(r, 1, "tape nowhere.csv: cannot be opened: No such file or directory");
    when_engine_runs(r, ALL_TOKENS, directory);
    then_failed(r, 1, "tape .: cannot be read: Is a directory");
    given_tape(r, "");
    when_engine_runs(r, ALL_TOKENS, tape_option);
    then_failed(r, 1, "tape tape.csv: is empty: a header row is needed");
    given_tape(r, "time,wallet,usd_amount\n");
    when_engine_runs(r, ALL_TOKENS, tape_option);
    then_failed(r, 1, "row 1: columns are missing: token side token_amount");
    given_tape(r, "\x1f\x8b\x08 this is not gzip");
    when_engine_runs(r, ALL_TOKENS, tape_option);
    then_failed(r, 1, "tape tape.csv: cannot be unpacked: ");
}

static void test_a_bad_request_is_status_2(void **state)
{
    struct engine_run *r = *state;
    given_tape(r, small_tape);
    when_engine_runs(r, "", tape_option);
    then_failed(r, 2, "request: nothing on stdin");
    when_engine_runs(r, "{\"protocol\":7,\"params\":{}}\n", tape_option);
    then_failed(r, 2, "request: protocol: 7 is not 1");
    when_engine_runs(r, "{\"protocol\":1,\"params\":{\"max_tokens\":10001}}\n", tape_option);
    then_failed(r, 2, "request: params: max_tokens: 10001 is outside 1..10000");
    assert_int_equal(json_array_size(r->lines), 0);
}

static const struct bad_options {
    const char *options[6];
    const char *why;
} bad_options[] = {
    {{NULL}, "--tape FILE is needed"},
    {{"--tape", NULL}, "'--tape' wants a value"},
    {{"--tape", "", NULL}, "--tape: a file name is needed"},
    {{"--tape", "a", "--tape", "b", NULL}, "--tape: is given twice"},
    {{"--tape", "a", "b", NULL}, "'b' is not an option"},
    {{"--speed", "9", NULL}, "'--speed' is not an option"},
    {{"-t", "a", NULL}, "'-t' is not an option"},
    {{"--tape", "a", "--usd-per-native", "0", NULL}, "'0' is not a number above zero"},
    {{"--tape", "a", "--usd-per-native", "1e999", NULL}, "'1e999' is not a number above zero"},
    {{"--tape", "a", "--usd-per-native", "12x", NULL}, "'12x' is not a number above zero"},
    {{"--tape", "a", "--until", "2026-01-01", NULL}, "--until: '2026-01-01' is not a time such as"},
    {{"--tape", "a", "--delay-ms", "-1", NULL}, "--delay-ms: '-1' is not a whole number"},
    {{"--tape", "a", "--delay-ms", "3600001", NULL}, "'3600001' is not a whole number"},
    {{"--tape", "a", "--delay-ms", "99999999999999999999", NULL}, "is not a whole number"},
};

static void test_bad_options_are_status_2_and_named(void **state)
{
    struct engine_run *r = *state;
    for (size_t i = 0; i < sizeof bad_options / sizeof *bad_options; i++) {
        when_engine_runs(r, ALL_TOKENS, bad_options[i].options);
        then_failed(r, 2, bad_options[i].why);
    }
}

static void test_help_names_every_option(void **state)
{
    static const char help[] = "exec \"$0\" --help";
    static const char *const named[] = {"--tape FILE", "--usd-per-native RATE", "--until TIME",
                                        "--delay-ms N", "--help"};
    struct engine_run *r = *state;
    const char *const argv[] = {"/bin/sh", "-c", help, TEST_ENGINE_TAPE, NULL};
    char output[128];
    engine_run_path(r, "output", output);
    const struct process_options process = {.output = output};
    assert_int_equal(process_run(argv, &process), 0);
    char *text = scratch_read(output);
    assert_non_null(text);
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        assert_non_null(strstr(text, named[i]));
    free(text);
}

#define story(test) cmocka_unit_test_setup_teardown(test, engine_run_setup, engine_run_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        story(test_tokens_by_volume_each_with_its_wallets_and_progress),
        story(test_a_packed_tape_is_read_by_its_content),
        story(test_without_profile_immediately_there_are_no_profiles),
        story(test_max_tokens_takes_the_largest),
        story(test_nothing_in_the_tape_is_nothing_found),
        story(test_bad_rows_are_errors_and_the_run_goes_on),
        story(test_a_thousand_bad_rows_are_told_and_the_rest_is_counted),
        story(test_a_rate_prices_rows_without_usd),
        story(test_rows_after_until_are_ignored),
        story(test_a_symbol_column_is_passed_on),
        story(test_quotes_and_backslashes_in_addresses_are_escaped),
        story(test_a_delay_comes_between_tokens),
        story(test_a_token_is_out_before_the_next_one_is_begun),
        story(test_output_that_cannot_be_written_is_status_1),
        story(test_a_file_that_is_no_tape_is_status_1),
        story(test_a_bad_request_is_status_2),
        story(test_bad_options_are_status_2_and_named),
        story(test_help_names_every_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
