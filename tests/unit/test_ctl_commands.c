/* links: ctl Threads::Threads */
/* The commands against a host of canned answers, on a real socket. */
#include "ctl_host.h"

#define ID1 "0190b0a4-1c1d-7000-8000-000000000001"
#define ID2 "0190b0a4-1c1e-7000-8000-000000000002"
#define RUN1                                                                                       \
    "{\"id\":\"" ID1 "\",\"started_at\":\"2026-06-30T12:30:00.000000Z\",\"status\":\"completed\"," \
    "\"trigger_type\":\"manual\",\"triggered_by\":\"me\",\"tokens_analyzed\":1200,"                \
    "\"new_wallets\":3,\"updated_wallets\":4,\"error_count\":0,\"duration_seconds\":192,"          \
    "\"params\":{\"max_tokens\":20,\"min_profit_pct\":12.5},\"errors\":[{\"message\":\"odd\"}]}"
#define RUNS                                                                                       \
    "{\"runs\":[" RUN1 ",{\"id\":\"" ID2 "\",\"status\":\"failed\"}],\"total\":7,"                 \
    "\"next_cursor\":\"abc\"}"

static void test_runs_are_a_table(void **state)
{
    (void)state;
    given(0,
          "GET /api/discovery/runs?start_date=2026-06-30&status=failed&page_size=5&timezone=UTC ",
          200, RUNS);
    assert_int_equal(run("runs --from 2026-06-30 --status failed --limit 5"), STATUS_OK);
    then_output_has("ID             STARTED              STATUS ");
    then_output_has("0190b0a4-1c1d  2026-06-30 12:30:00  completed  manual   me   1,200    3"
                    "        4       0  3m12s\n");
    then_output_has("2 of 7 runs\n");
    then_output_has("more: walltrackctl runs --from '2026-06-30' --status 'failed' --limit '5' "
                    "--cursor abc\n");
    assert_int_equal(run("runs --from 2026-06-30 --status failed --limit 5 --json"), STATUS_OK);
    assert_string_equal(output, RUNS "\n");
}

static void test_no_runs_say_what_to_do(void **state)
{
    (void)state;
    given(0, "GET /api/discovery/runs", 200, "{\"runs\":[],\"total\":0}");
    assert_int_equal(run("runs"), STATUS_OK);
    then_output_has("`walltrackctl run --wait` starts the first");
    assert_int_equal(run("runs --status failed"), STATUS_OK);
    then_output_has("no run matches");
}

static void test_an_id_may_be_cut(void **state)
{
    (void)state;
    given(0, "GET /api/discovery/runs?page_size=100 ", 200, RUNS);
    given(1, "GET /api/discovery/runs/" ID1 " ", 200, RUN1);
    assert_int_equal(run("show 0190b0a4-1c1D"), STATUS_OK);
    then_output_has("id                    " ID1);
    then_output_has("min_profit_pct        12.5\n");
    then_output_has("errors                odd\n");
    assert_int_equal(run("show 0190"), STATUS_USAGE);
    assert_non_null(strstr(problem.msg, "2 runs begin with 0190"));
    assert_int_equal(run("show ffff"), STATUS_NOT_FOUND);
    assert_int_equal(run("show 019"), STATUS_USAGE);
    assert_int_equal(run("show " ID2), STATUS_NOT_FOUND);
    assert_non_null(strstr(problem.msg, "Run not found"));
}

static void test_a_run_is_started_with_what_was_given(void **state)
{
    (void)state;
    given(0, "POST /api/discovery/run ", 200, "{\"run_id\":\"" ID1 "\",\"status\":\"started\"}");
    assert_int_equal(run("run --max-tokens 7 --min-profit-pct=12.5 --no-profile --by cron"),
                     STATUS_OK);
    then_output_has("run " ID1 " started\n");
    assert_non_null(strstr(last_request, "Content-Type: application/json"));
    assert_non_null(strstr(last_request,
                           "{\"max_tokens\":7,\"min_profit_pct\":12.5,"
                           "\"profile_immediately\":false,\"triggered_by\":\"cron\"}"));
    assert_int_equal(run("run --max-tokens 0"), STATUS_USAGE);
    assert_non_null(strstr(problem.msg, "max_tokens: 0 is outside 1..10000"));
    assert_int_equal(run("run --timeout 5"), STATUS_USAGE);
    assert_int_equal(run("run --wait --timeout soon"), STATUS_USAGE);
}

static void test_waiting_tells_how_it_ended(void **state)
{
    (void)state;
    given(0, "POST /api/discovery/run ", 200, "{\"run_id\":\"" ID1 "\"}");
    given(1, "GET /api/discovery/runs/" ID1 " ", 200, RUN1);
    assert_int_equal(run("run --wait"), STATUS_OK);
    then_output_has("completed after 3m12s: 1,200 tokens, 3 new wallets, 4 updated, 0 errors\n");
    given(1, "GET /api/discovery/runs/" ID1 " ", 200,
          "{\"status\":\"failed\",\"reason\":\"exit status 3\"}");
    assert_int_equal(run("run --wait"), STATUS_NOT_DONE);
    then_output_has("exit status 3");
    given(1, "GET /api/discovery/runs/" ID1 " ", 200, "{\"status\":\"running\"}");
    assert_int_equal(run("run --wait --timeout 0.001"), STATUS_NOT_DONE);
}

static void test_refusals_have_their_exit_status(void **state)
{
    (void)state;
    static const struct {
        int http;
        enum status status;
    } rows[] = {{404, STATUS_NOT_FOUND}, {409, STATUS_REFUSED}, {422, STATUS_REFUSED},
                {400, STATUS_REFUSED},   {501, STATUS_REFUSED}, {503, STATUS_AWAY},
                {504, STATUS_AWAY},      {500, STATUS_AWAY}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        given(0, "GET /api/discovery/stats", rows[i].http, "{\"detail\":\"such is life\"}");
        assert_int_equal(run("stats"), rows[i].status);
        assert_non_null(strstr(problem.msg, "such is life\n"));
    }
    assert_int_equal(run("stats --json"), STATUS_AWAY);
    assert_string_equal(output, "{\"detail\":\"such is life\"}\n");
}

static void test_a_host_that_is_away_is_said_to_be(void **state)
{
    (void)state;
    assert_int_equal(run("plugins --socket /nonexistent/s"), STATUS_AWAY);
    assert_non_null(
        strstr(problem.msg, "cannot connect to /nonexistent/s: is walltrackd running?"));
}

static void test_health_prints_also_when_unready(void **state)
{
    (void)state;
    given(
        0, "GET /health ", 503,
        "{\"status\":\"unready\",\"reasons\":[\"journal: it is full\"],\"runs\":{\"running\":2}}");
    assert_int_equal(run("health"), STATUS_AWAY);
    then_output_has("status                unready\n");
    then_output_has("because               journal: it is full\n");
}

static void test_wallets_and_plugins(void **state)
{
    (void)state;
    given(0, "GET /api/discovery/runs/" ID1 "/wallets?page_size=2 ", 200,
          "{\"wallets\":[{\"wallet_address\":\"W1\",\"source_token\":\"T1\",\"is_new\":true,"
          "\"initial_score\":0.5}],\"next_cursor\":null}");
    given(1, "GET /api/plugins ", 200,
          "{\"plugins\":[{\"name\":\"recorder\",\"state\":\"waiting\",\"lag\":12345}]}");
    assert_int_equal(run("wallets " ID1 " --limit 2"), STATUS_OK);
    then_output_has("W1      T1     yes  0.5000  -\n");
    assert_int_equal(run("plugins"), STATUS_OK);
    then_output_has("recorder  waiting  -      12,345");
    given(0, "POST /api/discovery/runs/" ID1 "/cancel ", 202, "{\"status\":\"cancelling\"}");
    assert_int_equal(run("cancel " ID1), STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_runs_are_a_table, forget),
        cmocka_unit_test_teardown(test_no_runs_say_what_to_do, forget),
        cmocka_unit_test_teardown(test_an_id_may_be_cut, forget),
        cmocka_unit_test_teardown(test_a_run_is_started_with_what_was_given, forget),
        cmocka_unit_test_teardown(test_waiting_tells_how_it_ended, forget),
        cmocka_unit_test_teardown(test_refusals_have_their_exit_status, forget),
        cmocka_unit_test_teardown(test_a_host_that_is_away_is_said_to_be, forget),
        cmocka_unit_test_teardown(test_health_prints_also_when_unready, forget),
        cmocka_unit_test_teardown(test_wallets_and_plugins, forget),
    };
    setlocale(LC_CTYPE, "C.UTF-8");
    setenv("TZ", "UTC", 1);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, host_start, host_stop);
    curl_global_cleanup();
    return failed;
}
