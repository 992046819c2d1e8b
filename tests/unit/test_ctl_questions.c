/* links: ctl Threads::Threads */
/* The questions across runs, against a host of canned answers: trend, a wallet, two runs, what a
 * retention would remove, ids of old runs. */
#include "ctl_host.h"

#define ID1 "0190b0a4-1c1d-7000-8000-000000000001"
#define ID2 "0190b0a4-1c1e-7000-8000-000000000002"

/* ---- trend ---- */

#define PERIOD1                                                                                    \
    "{\"start\":\"2026-06-21T22:00:00.000000Z\",\"end\":\"2026-06-28T22:00:00.000000Z\","          \
    "\"partial\":false,\"total_runs\":10,\"running_runs\":0,\"success_rate\":0.9,"                 \
    "\"total_wallets_discovered\":1200,\"avg_wallets_per_run\":120.5,"                             \
    "\"avg_duration_seconds\":60,\"median_duration_seconds\":55,\"p90_duration_seconds\":90,"      \
    "\"total_errors\":3,\"change\":{\"runs\":null,\"success_rate\":null,"                          \
    "\"wallets_discovered\":null,\"avg_wallets_per_run\":null,\"avg_duration_seconds\":null}}"
#define PERIOD2                                                                                    \
    "{\"start\":\"2026-06-28T22:00:00.000000Z\",\"end\":\"2026-07-05T22:00:00.000000Z\","          \
    "\"partial\":true,\"total_runs\":5,\"running_runs\":1,\"success_rate\":0.75,"                  \
    "\"total_wallets_discovered\":1500,\"avg_wallets_per_run\":300,"                               \
    "\"avg_duration_seconds\":30,\"median_duration_seconds\":null,\"p90_duration_seconds\":null,"  \
    "\"total_errors\":0,\"change\":{\"runs\":-0.5,\"success_rate\":-0.15,"                         \
    "\"wallets_discovered\":0.25,\"avg_wallets_per_run\":1.4896,\"avg_duration_seconds\":-0.5}}"
#define EMPTY_PERIOD                                                                               \
    "{\"start\":\"2026-06-14T22:00:00.000000Z\",\"partial\":false,\"total_runs\":0,"               \
    "\"running_runs\":0,\"success_rate\":0,\"total_wallets_discovered\":0,"                        \
    "\"avg_wallets_per_run\":null,\"avg_duration_seconds\":null,\"change\":{}}"
#define TREND "{\"periods\":[" EMPTY_PERIOD "," PERIOD1 "," PERIOD2 "]}"

static void test_a_trend_shows_each_period_against_the_one_before(void **state)
{
    (void)state;
    given(0, "GET /api/discovery/trend?count=3&timezone=Europe%2FBerlin ", 200, TREND);
    assert_int_equal(run("trend --count 3 --timezone Europe/Berlin"), STATUS_OK);
    then_output_has("FROM         RUNS     ±  SUCCESS      ±    NEW     ±  A RUN");
    then_output_has("2026-06-15      0     -        -      -      0     -      -      -");
    then_output_has("2026-06-22     10     -    90.0%      -  1,200     -  120.5      -  1m00s     "
                    "-     55s  1m30s");
    then_output_has("2026-06-29*     5  -50%    75.0%  -15.0  1,500  +25%  300.0  +149%    30s  "
                    "-50%       -      -       0\n");
    then_output_has("* still going: a part against the whole before it\n");
    then_output_has_not("\u2588"); /* that is for terminals */
    assert_int_equal(run("trend --count 3 --timezone Europe/Berlin --json"), STATUS_OK);
    assert_string_equal(output, TREND "\n");
}

static void test_a_terminal_shows_bars_in_the_room_that_is_left(void **state)
{
    (void)state;
    given(0, "GET /api/discovery/trend", 200, TREND);
    width = 80;
    assert_int_equal(run("trend --timezone Europe/Berlin"), STATUS_OK);
    then_output_has("2026-06-22     10     -  \u2588\u2588\u2588\u2588");
    then_output_has_not("MEDIAN");
    width = 160;
    assert_int_equal(run("trend --timezone Europe/Berlin"), STATUS_OK);
    then_output_has("A RUN");
    then_output_has("\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588 ");
}

static void test_months_are_named_by_their_month(void **state)
{
    (void)state;
    given(0, "GET /api/discovery/trend?period=month&timezone=UTC ", 200,
          "{\"periods\":[{\"start\":\"2026-06-01T00:00:00.000000Z\",\"partial\":false,"
          "\"total_runs\":1,\"change\":{}}]}");
    assert_int_equal(run("trend --period month"), STATUS_OK);
    then_output_has("\n2026-06     1 ");
    then_output_has_not("still going");
}

/* ---- figures ---- */

static void test_statistics_tell_all_figures(void **state)
{
    (void)state;
    given(0, "GET /api/discovery/stats?has_errors=true&max_tokens_max=20 ", 200,
          "{\"total_runs\":2000,\"running_runs\":0,\"success_rate\":0.5,\"runs_with_errors\":7,"
          "\"partial_runs\":3,\"total_tokens_analyzed\":40000,\"total_errors\":12,"
          "\"median_duration_seconds\":61.2,\"p90_duration_seconds\":null,"
          "\"p99_duration_seconds\":3600,\"trend\":{\"current\":{\"total_runs\":0,"
          "\"success_rate\":0},\"previous\":{\"total_runs\":4,\"success_rate\":0.75},"
          "\"change\":{\"runs\":-1,\"success_rate\":-0.015}}}");
    assert_int_equal(run("stats --has-errors --max-tokens-max 20"), STATUS_OK);
    then_output_has("success_rate          50.0%\n");
    then_output_has("runs_with_errors      7\n");
    then_output_has("partial_runs          3\n");
    then_output_has("tokens_analyzed       40,000\n");
    then_output_has("median_duration       1m01s\n");
    then_output_has("p90_duration          -\n");
    then_output_has("p99_duration          1h00m\n");
    then_output_has("runs                        0              4      -100.0%\n");
    then_output_has("success rate                -          75.0%  -1.5 points\n");
}

static void test_a_list_ends_in_its_summary(void **state)
{
    (void)state;
    given(0, "GET /api/discovery/runs", 200,
          "{\"runs\":[{\"id\":\"" ID1 "\"}],\"total\":12,\"next_cursor\":\"17_a$b\",\"summary\":{"
          "\"total_runs\":12,\"successful_runs\":9,\"failed_runs\":3,\"cancelled_runs\":0,"
          "\"running_runs\":0,\"success_rate\":0.75,\"total_wallets_discovered\":1234,"
          "\"total_wallets_updated\":0,\"median_duration_seconds\":192}}");
    assert_int_equal(run("runs --has-errors --by o'x --cursor c --page 2"), STATUS_OK);
    then_output_has("1 of 12 runs\nin all: completed 9, failed 3, success 75.0%, new wallets "
                    "1,234, median 3m12s\n");
    then_output_has("more: walltrackctl runs --has-errors --by 'o'\\''x' --cursor '17_a$b'\n");
}

/* ---- a wallet ---- */

#define DISCOVERY(time, token, score)                                                              \
    "{\"id\":\"" ID2 "\",\"run_id\":\"" ID1 "\",\"source_token\":\"" token "\",\"is_new\":false,"  \
    "\"initial_score\":" score ",\"created_at\":\"2026-06-30T" time ".000000Z\","                  \
    "\"run\":{\"status\":\"completed\",\"trigger_type\":\"scheduled\",\"schedule\":\"nightly\"}}"
#define WALLET                                                                                     \
    "{\"wallet_address\":\"W$1\",\"first_seen_at\":\"2026-06-01T00:00:00.000000Z\","               \
    "\"last_seen_at\":\"2026-06-30T03:00:00.000000Z\",\"run_count\":1200,\"token_count\":2,"       \
    "\"discovery_count\":1201,\"first_score\":0.5,\"last_score\":0.75,\"discoveries\":"            \
    "[" DISCOVERY("03:00:00", "T2", "0.75") "," DISCOVERY("02:00:00", "T1", "null") "," DISCOVERY( \
        "01:00:00", "T1", "0.8") "],\"next_cursor\":\"c1\",\"has_more\":true}"

static void test_a_wallet_is_explained(void **state)
{
    (void)state;
    given(0, "GET /api/discovery/wallets/W%241?page_size=3 ", 200, WALLET);
    assert_int_equal(run("wallet W$1 --limit 3"), STATUS_OK);
    then_output_has("wallet                W$1\n");
    then_output_has("first_seen_at         2026-06-01 00:00:00\n");
    then_output_has("runs                  1,200\n");
    then_output_has("score                 0.5000 at first, 0.7500 at last\n");
    then_output_has("2026-06-30 03:00:00  0190b0a4-1c1d  T2     no   0.7500  -0.0500  completed  "
                    "scheduled  nightly\n");
    then_output_has("2026-06-30 02:00:00  0190b0a4-1c1d  T1     no        -        -  ");
    then_output_has("2026-06-30 01:00:00  0190b0a4-1c1d  T1     no   0.8000        -  ");
    then_output_has("more: walltrackctl wallet 'W$1' --limit '3' --cursor c1\n");
    then_output_has_not("scores  ");
    width = 120;
    assert_int_equal(run("wallet W$1 --limit 3"), STATUS_OK);
    then_output_has("scores                \u2587\u2586\n");
}

static void test_a_wallet_that_was_never_found(void **state)
{
    (void)state;
    given(0, "GET /api/discovery/wallets/", 404, "{\"detail\":\"Wallet not found\"}");
    assert_int_equal(run("wallet nobody"), STATUS_NOT_FOUND);
    then_problem_has("Wallet not found\nno run that is recorded has found it; check the address");
}

/* ---- two runs ---- */

#define SIDE(name, count, wallets) "\"" name "\":{\"count\":" count ",\"wallets\":[" wallets "]}"
#define COMPARISON                                                                                 \
    "{\"a\":{\"id\":\"" ID1 "\",\"status\":\"completed\",\"trigger_type\":\"manual\"},"            \
    "\"b\":{\"id\":\"" ID2 "\",\"status\":\"failed\",\"trigger_type\":\"api\"},"                   \
    "\"params\":[{\"name\":\"max_tokens\",\"a\":20,\"b\":null}],"                                  \
    "\"counts\":[{\"name\":\"new_wallets\",\"a\":1200,\"b\":1000,\"change\":-200},"                \
    "{\"name\":\"duration_seconds\",\"a\":1.5,\"b\":null,\"change\":null}]," SIDE(                 \
        "only_a", "3",                                                                             \
        "{\"wallet_address\":\"W1\",\"score_a\":0.5}") "," SIDE("only_b", "0",                     \
                                                                "") "," SIDE("both", "1",          \
                                                                             "{\"wallet"           \
                                                                             "_address"            \
                                                                             "\":"                 \
                                                                             "\"W9\","             \
                                                                             "\"score_"            \
                                                                             "a\":0.25,"           \
                                                                             "\"score_"            \
                                                                             "b\":0."              \
                                                                             "75}") ","            \
                                                                                    "\""           \
                                                                                    "ne"           \
                                                                                    "xt"           \
                                                                                    "_c"           \
                                                                                    "ur"           \
                                                                                    "so"           \
                                                                                    "r"            \
                                                                                    "\""           \
                                                                                    ":n"           \
                                                                                    "ul"           \
                                                                                    "l,"           \
                                                                                    "\""           \
                                                                                    "ha"           \
                                                                                    "s_"           \
                                                                                    "mo"           \
                                                                                    "re"           \
                                                                                    "\""           \
                                                                                    ":f"           \
                                                                                    "al"           \
                                                                                    "se"           \
                                                                                    "}"

static void test_two_runs_are_compared(void **state)
{
    (void)state;
    given(0, "GET /api/discovery/compare?a=" ID1 "&b=" ID2 " ", 200, COMPARISON);
    assert_int_equal(run("compare " ID1 " " ID2), STATUS_OK);
    then_output_has("run               0190b0a4-1c1d  0190b0a4-1c1e       -\n");
    then_output_has("max_tokens                   20              -       -\n");
    then_output_has("new_wallets                1200           1000    -200\n");
    then_output_has("duration_seconds            1.5              -       -\n");
    then_output_has("\nonly in A: 3 wallets\nWALLET   SCORE\nW1      0.5000\n"
                    "more: walltrackctl compare " ID1 " " ID2 " --side only_a\n");
    then_output_has("\nonly in B: 0 wallets\n\nin both: 1 wallets\n"
                    "WALLET  SCORE A  SCORE B   CHANGE\nW9       0.2500   0.7500  +0.5000\n");
    then_output_has_not("the same");
}

static void test_one_side_of_a_comparison_goes_on(void **state)
{
    (void)state;
    given(0, "GET /api/discovery/compare?a=" ID1 "&b=" ID2 "&side=only_b&page_size=1 ", 200,
          "{\"a\":{},\"b\":{},\"params\":[],\"counts\":[]," SIDE(
              "only_b", "2",
              "{\"wallet_address\":\"W2\",\"score_b\":null}") ",\"next_cursor\":\"W2\",\"has_"
                                                              "more\":true}");
    assert_int_equal(run("compare " ID1 " " ID2 " --side only_b --limit 1"), STATUS_OK);
    then_output_has("their parameters are the same\n\nonly in B: 2 wallets\n");
    then_output_has("W2          -\nmore: walltrackctl compare " ID1 " " ID2
                    " --side 'only_b' --limit '1' --cursor W2\n");
    then_output_has_not("only in A");
    assert_int_equal(run("compare " ID1), STATUS_USAGE);
    assert_int_equal(run("compare " ID1 " " ID1), STATUS_NOT_FOUND);
}

/* ---- retention ---- */

static void test_a_retention_is_only_asked(void **state)
{
    (void)state;
    given(0, "GET /api/discovery/retention?older_than_days=84&runs_per_schedule=1000 ", 200,
          "{\"runs\":12,\"wallets\":3456,\"tokens\":7,\"errors\":0,"
          "\"oldest\":\"2026-01-01T00:00:00.000000Z\",\"newest\":null}");
    assert_int_equal(run("retention --older-than 12w --keep-per-schedule 1000"), STATUS_OK);
    then_output_has("would be removed; statistics keep counting them:\n");
    then_output_has("runs                  12\nwallets               3,456\n");
    then_output_has("oldest                2026-01-01 00:00:00\nnewest                -\n");
    given(0, "GET /api/discovery/retention?older_than_days=90 ", 200, "{\"runs\":0}");
    assert_int_equal(run("retention --older-than 90d"), STATUS_OK);
    assert_string_equal(output, "nothing would be removed\n");
    assert_int_equal(run("retention --older-than 90"), STATUS_OK);
    static const char *const wrong[] = {"90h", "d", "-5", "1.5d", "99999999999999999999", "5dd"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char line[64];
        snprintf(line, sizeof line, "retention --older-than %s", wrong[i]);
        assert_int_equal(run(line), STATUS_USAGE);
        then_problem_has(wrong[i]);
        then_problem_has("write it like 90d or 12w");
    }
    given(0, "GET /api/discovery/retention ", 422, "{\"detail\":\"older_than_days: this or …\"}");
    assert_int_equal(run("retention"), STATUS_REFUSED);
}

/* ---- ids ---- */

/* An id begins with its time: 0x0190b0a41c1d ms is 2024-07-14T09:47:43.517Z. */
static void test_an_old_run_is_found_by_the_time_in_its_id(void **state)
{
    (void)state;
    given(0, "GET /api/discovery/runs?page_size=100 ", 200, "{\"runs\":[{\"id\":\"" ID2 "\"}]}");
    given(1,
          "GET /api/discovery/runs?page_size=100&start_date=2024-07-14T09%3A47%3A33.517000Z&"
          "end_date=2024-07-14T09%3A47%3A53.518000Z ",
          200, "{\"runs\":[{\"id\":\"" ID1 "\"},{\"id\":\"" ID2 "\"}]}");
    given(2, "GET /api/discovery/runs/" ID1 " ", 200, "{\"id\":\"" ID1 "\"}");
    assert_int_equal(run("show 0190B0A4-1c1d"), STATUS_OK);
    then_output_has(ID1);
    assert_int_equal(run("show 0190b0a41c1d7"), STATUS_OK); /* dashes may be left out */
    given(0, "GET /api/discovery/runs?page_size=100 ", 200, "{\"runs\":[{\"id\":\"" ID1 "\"}]}");
    assert_int_equal(run("show 0190b0a4-"), STATUS_OK);
    given(1, "GET /api/discovery/runs?page_size=100&start_date=", 200, "{\"runs\":[]}");
    assert_int_equal(run("show 0190b0a4-1d"), STATUS_NOT_FOUND);
    then_problem_has("no run begins with 0190b0a4-1d\n");
    assert_int_equal(run("show 0190b0a4-9"), STATUS_NOT_FOUND);
    then_problem_has("none of the latest 100 runs begins with 0190b0a4-9\n");
    then_problem_has("an older one needs 10 digits");
    given(1, "GET /api/discovery/runs?page_size=100&", 500, "{}");
    assert_int_equal(run("show ffffffff-ffff"), STATUS_NOT_FOUND); /* no time at all */
}

/* ---- progress ---- */

static void test_a_running_run_is_shown_with_its_progress(void **state)
{
    (void)state;
    given(0, "GET /api/discovery/runs/" ID1 " ", 200,
          "{\"id\":\"" ID1 "\",\"status\":\"running\",\"progress\":{\"done\":8,\"total\":20,"
          "\"stage\":\"tokens\",\"percent\":40.0,\"rate\":1.5,\"seconds_left\":8,\"wallets\":12}}");
    assert_int_equal(run("show " ID1), STATUS_OK);
    then_output_has("progress              [########............]   40%  8/20  tokens  12 wallets  "
                    "1.5/s  8.0s left");
}

static void test_any_run_can_be_followed(void **state)
{
    (void)state;
    given(0, "GET /api/discovery/runs/" ID1 " ", 200,
          "{\"status\":\"running\",\"progress\":{\"done\":1,\"total\":2,\"rate\":150.4,"
          "\"seconds_left\":90}}");
    given(1, "GET /api/discovery/runs/" ID1 " ", 200,
          "{\"status\":\"completed\",\"build\":\"b\",\"new_wallets\":3}");
    assert_int_equal(run("follow " ID1), STATUS_OK);
    then_notes_have("50%  1/2  150/s  1m30s left  0.");
    then_output_has("run " ID1 ": completed: 3 new wallets\n");
    given(1, "GET /api/discovery/runs/" ID1 " ", 200, "{\"status\":\"running\"}");
    assert_int_equal(run("follow " ID1 " --timeout 0.001"), STATUS_NOT_DONE);
    then_notes_have("the run goes on: `walltrackctl follow " ID1 "` watches it");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_a_trend_shows_each_period_against_the_one_before, forget),
        cmocka_unit_test_teardown(test_a_terminal_shows_bars_in_the_room_that_is_left, forget),
        cmocka_unit_test_teardown(test_months_are_named_by_their_month, forget),
        cmocka_unit_test_teardown(test_statistics_tell_all_figures, forget),
        cmocka_unit_test_teardown(test_a_list_ends_in_its_summary, forget),
        cmocka_unit_test_teardown(test_a_wallet_is_explained, forget),
        cmocka_unit_test_teardown(test_a_wallet_that_was_never_found, forget),
        cmocka_unit_test_teardown(test_two_runs_are_compared, forget),
        cmocka_unit_test_teardown(test_one_side_of_a_comparison_goes_on, forget),
        cmocka_unit_test_teardown(test_a_retention_is_only_asked, forget),
        cmocka_unit_test_teardown(test_an_old_run_is_found_by_the_time_in_its_id, forget),
        cmocka_unit_test_teardown(test_a_running_run_is_shown_with_its_progress, forget),
        cmocka_unit_test_teardown(test_any_run_can_be_followed, forget),
    };
    setlocale(LC_CTYPE, "C.UTF-8");
    setenv("TZ", "UTC", 1);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, host_start, host_stop);
    curl_global_cleanup();
    return failed;
}
