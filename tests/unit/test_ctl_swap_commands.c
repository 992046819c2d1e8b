/* links: ctl Threads::Threads */
/* The commands that look at plugins and swap their builds, against a host of canned answers. */
#include "ctl_host.h"

#define OLD "recorder 0.1.0 (9c1e2b4d)"
#define NEW "recorder 0.2.0 (77aa01ff)"

/* A swap in some state; `more` is what it has besides, with a comma in front. */
#define SWAP(state, verdict, more) NUMBERED("41", state, verdict, more)
#define NUMBERED(id, state, verdict, more)                                                         \
    "{\"id\":" id ",\"plugin\":\"recorder\",\"kind\":\"swap\","                                    \
    "\"requested_at\":\"2026-07-01T14:05:00.000000Z\",\"requested_by\":\"ada\","                   \
    "\"path\":\"recorder.so\",\"from\":\"" OLD "\",\"to\":\"" NEW "\",\"state\":\"" state          \
    "\",\"verdict\":" verdict more "}"
#define STEP(name, ms) "{\"step\":\"" name "\",\"ms\":" ms "}"
#define STEPS3 STEP("verify", "1.23") "," STEP("probe", "7.02") "," STEP("load", "0.31")
#define STEPS6                                                                                     \
    STEPS3 "," STEP("prepare", "6.1") "," STEP("cutover", "0.44") "," STEP("claim", "2.9")
#define STEPS7 STEPS6 "," STEP("catch_up", "12345")
#define FIGURES                                                                                    \
    ",\"steps\":[" STEPS7 "],\"live_after_ms\":20.9,\"feed_gap_ms\":3.31,\"replayed\":33"
#define PREPARING                                                                                  \
    SWAP("prepare", "null", ",\"steps\":[" STEPS3 "],\"detail\":\"waiting for the TLS handshake\"")
#define CATCHING_UP SWAP("catch_up", "null", ",\"steps\":[" STEPS6 "]")
#define LIVE SWAP("probation", "\"LIVE\"", FIGURES)
#define PASSED SWAP("ended", "\"LIVE\"", FIGURES)
#define REFUSED                                                                                    \
    SWAP("ended", "\"REFUSED\"", ",\"step\":\"verify\",\"reason\":\"forbidden import fork\"")
#define ROLLED_BACK                                                                                \
    SWAP("ended", "\"ROLLED BACK\"", ",\"step\":\"probation\",\"reason\":\"gen 42 failed\"" FIGURES)
#define CANCELLED                                                                                  \
    SWAP("ended", "\"CANCELLED\"", ",\"step\":\"prepare\",\"reason\":\"cancelled by bob\"")
#define SUPERSEDED SWAP("ended", "\"SUPERSEDED\"", ",\"reason\":\"superseded by swap 43\"")
#define PROBLEM(swap) "{\"status\":422,\"detail\":\"no matter\",\"swap\":" swap "}"

#define PLUGIN(name, more)                                                                         \
    "{\"name\":\"" name "\",\"path\":\"recorder.so\",\"build\":\"" NEW "\",\"version\":\"0.2.0\"," \
    "\"sha256\":\"77aa01ff99\",\"state\":\"live\",\"live\":true,\"generation\":41,\"lag\":12,"     \
    "\"cursor\":123456,\"server\":null,\"state_since\":\"2026-07-01T14:05:00.000000Z\"" more "}"
#define PLUGINS(list) "{\"plugin_dir\":\"/usr\",\"plugins\":[" list "]}"
#define ONE_PLUGIN PLUGINS(PLUGIN("recorder", ""))
#define AFTER_SWAP ",\"rollback_to\":\"" OLD "\",\"swap\":" LIVE ",\"swaps\":[" LIVE "," REFUSED "]"
#define HEALTH                                                                                     \
    "{\"status\":\"ok\",\"reasons\":[],\"journal\":{\"bytes\":2097152,\"max_bytes\":4294967296}}"

/* What a plugin command asks first. */
static void given_one_plugin(void)
{
    given(CANNED_MAX - 1, "GET /api/plugins ", 200, ONE_PLUGIN);
}

/* ---- looking -------------------------------------------------------------------------- */

static void test_a_list_says_what_is_under_way(void **state)
{
    (void)state;
    given(0, "GET /api/plugins ", 200,
          PLUGINS(PLUGIN("recorder", AFTER_SWAP) "," PLUGIN("log", ",\"swap\":" PREPARING)));
    assert_int_equal(run("plugin list"), STATUS_OK);
    then_output_has("NAME      STATE  BUILD                      LAG   CURSOR  SINCE");
    then_output_has("\nrecorder: swap 41 LIVE in 21 ms: feed gap 3.3 ms, replayed 33 events; in "
                    "probation; " OLD " → " NEW "\n");
    then_output_has("\nrecorder: rollback to " OLD " possible\n");
    then_output_has("\nlog: swap 41 prepare: waiting for the TLS handshake; " OLD " → " NEW "\n");
    assert_int_equal(run("plugins"), STATUS_OK);
    then_output_has("\nrecorder: rollback to ");
    assert_int_equal(run("plugin list --json"), STATUS_OK);
    assert_null(strstr(output, "NAME"));
}

static void test_show_begins_with_what_matters(void **state)
{
    (void)state;
    given(0, "GET /api/plugins/recorder ", 200, PLUGIN("recorder", AFTER_SWAP));
    given(1, "GET /health ", 503, HEALTH);
    assert_int_equal(run("plugin show recorder"), STATUS_OK);
    assert_string_equal(
        output,
        "RECORDING  recorder 0.2.0 (gen 41, 77aa01ff), lag 12 events, journal 2 MiB of 4 GiB\n"
        "last swap  #41 LIVE in 21 ms: feed gap 3.3 ms, replayed 33 events, in probation; "
        "steps in ms: verify 1.2, probe 7.0, load 0.3, prepare 6.1, cutover 0.4, claim 2.9, "
        "catch_up 12345; rollback to " OLD " possible\n"
        "\n"
        "name                  recorder\n"
        "path                  recorder.so\n"
        "build                 " NEW "\n"
        "version               0.2.0\n"
        "sha256                77aa01ff99\n"
        "state                 live\n"
        "live                  yes\n"
        "generation            41\n"
        "lag                   12\n"
        "cursor                123,456\n"
        "server                -\n"
        "state_since           2026-07-01 14:05:00\n"
        "rollback_to           " OLD "\n");
    given(0, "GET /api/plugins/recorder ", 200,
          PLUGIN("recorder", ",\"swap\":" PREPARING ",\"queued\":" SWAP("queued", "null", "")));
    assert_int_equal(run("plugin show recorder"), STATUS_OK);
    then_output_has("\nswap now   #41 prepare: waiting for the TLS handshake; " OLD " → " NEW
                    "; steps in ms: verify 1.2, probe 7.0, load 0.3\n");
    then_output_has("\nqueued     #41 queued; " OLD " → " NEW "\n");
}

static void test_status_begins_with_whether_it_records(void **state)
{
    (void)state;
    given(0, "GET /api/plugins ", 200, PLUGINS(PLUGIN("recorder", ",\"swaps\":[" REFUSED "]")));
    given(1, "GET /health ", 200, HEALTH);
    assert_int_equal(run("status"), STATUS_OK);
    then_output_has("RECORDING  recorder 0.2.0 (gen 41, 77aa01ff), lag 12 events, journal 2 MiB of "
                    "4 GiB\nlast swap  #41 REFUSED verify: forbidden import fork\n\n"
                    "status                ok\n");
    assert_int_equal(run("status --json"), STATUS_OK);
    assert_string_equal(output, "{\"health\":" HEALTH ",\"plugins\":" PLUGINS(
                                    PLUGIN("recorder", ",\"swaps\":[" REFUSED "]")) "}\n");

    given(0, "GET /api/plugins ", 200,
          PLUGINS("{\"name\":\"recorder\",\"state\":\"waiting\",\"live\":false,\"lag\":1234,"
                  "\"state_since\":\"2026-07-01T14:05:00.000000Z\",\"retry_in_seconds\":3.0,"
                  "\"detail\":\"connection refused\"}"));
    given(1, "GET /health ", 503,
          "{\"status\":\"unready\",\"reasons\":[\"journal: it is full\"],"
          "\"journal\":{\"bytes\":4294967296,\"max_bytes\":4294967296,\"full\":true}}");
    assert_int_equal(run("status"), STATUS_AWAY);
    then_problem_has("the host is not ready: journal: it is full");
    then_output_has("NOT RECORDING  recorder: waiting since 2026-07-01 14:05:00: connection "
                    "refused; next try in 3.0s; lag 1,234 events, journal 4 GiB of 4 GiB, engines "
                    "paused\n");

    given(0, "GET /api/plugins ", 200, PLUGINS(""));
    assert_int_equal(run("status"), STATUS_AWAY);
    then_output_has("NOT RECORDING  no plugin is configured\n");
}

static void test_history_is_a_table(void **state)
{
    (void)state;
    given_one_plugin();
    given(0, "GET /api/plugins/recorder/swaps ", 200,
          "{\"swaps\":[" PREPARING "," LIVE "," REFUSED "," ROLLED_BACK "]}");
    assert_int_equal(run("plugin history"), STATUS_OK);
    then_output_has("ID  WHEN                 BY   KIND  VERDICT      STEP       LIVE IN     GAP  "
                    "FROM → TO");
    then_output_has(
        "\n41  2026-07-01 14:05:00  ada  swap  -            prepare          -       -  " OLD
        " → " NEW "  waiting for the TLS handshake\n");
    then_output_has(
        "\n41  2026-07-01 14:05:00  ada  swap  LIVE         -            21 ms  3.3 ms  ");
    then_output_has("  forbidden import fork\n");
    given(0, "GET /api/plugins/recorder/swaps ", 200,
          "{\"swaps\":[" LIVE "," NUMBERED("43", "ended", "\"LIVE\"",
                                           "") "," NUMBERED("42", "ended", "\"LIVE\"", "") "]}");
    assert_int_equal(run("plugin history --limit 2"), STATUS_OK);
    assert_non_null(strstr(output, "\n43  "));
    assert_true(strstr(output, "\n43  ") < strstr(output, "\n42  "));
    assert_null(strstr(output, "\n41  "));
    given(0, "GET /api/plugins/recorder/swaps ", 200, "{\"swaps\":[" REFUSED "," ROLLED_BACK "]}");
    assert_int_equal(run("plugin history --limit 0"), STATUS_USAGE);
    then_problem_has("--limit: '0' is not a whole number from 1 to 1000");
    assert_int_equal(run("plugin history --limit 12x"), STATUS_USAGE);

    width = 80;
    assert_int_equal(run("plugin history"), STATUS_OK);
    then_output_has(
        "\n41  2026-07-01 14:05:00  ada  swap  REFUSED      verify           -       -\n"
        "    " OLD " → " NEW "\n"
        "    forbidden import fork\n");
    given(0, "GET /api/plugins/recorder/swaps ", 200, "{\"swaps\":[]}");
    assert_int_equal(run("plugin history"), STATUS_OK);
    then_output_has("no swaps of recorder yet");
}

/* ---- asking for a swap ---------------------------------------------------------------- */

static void test_a_swap_waits_for_its_verdict(void **state)
{
    (void)state;
    given_one_plugin();
    given(0, "PUT /api/plugins/recorder ", 200, LIVE);
    assert_int_equal(run("plugin swap new.so --force --sha256 ab12"), STATUS_OK);
    then_request_has("\r\n\r\n{\"path\":\"new.so\",\"force\":true,\"sha256\":\"ab12\"}");
    assert_null(strstr(last_request, "Prefer"));
    assert_string_equal(
        output, "swap 41 LIVE in 21 ms: feed gap 3.3 ms, replayed 33 events\n"
                "in probation; `walltrackctl plugin rollback recorder` goes back to " OLD "\n");
    given(0, "PUT /api/plugins/recorder ", 200,
          SWAP("ended", "\"LIVE\"", ",\"reason\":\"already live as generation 40\""));
    assert_int_equal(run("plugin swap new.so"), STATUS_OK);
    assert_string_equal(output, "swap 41 LIVE: already live as generation 40\n"
                                "nothing was done; --force opens it afresh\n");
    given(0, "PUT /api/plugins/recorder ", 202, PREPARING);
    assert_int_equal(run("plugin swap new.so"), STATUS_NOT_DONE);
    then_output_has("swap 41 is under way: prepare: waiting for the TLS handshake\n");
    then_output_has("`walltrackctl plugin cancel recorder` ends it before");
    assert_int_equal(run("plugin swap new.so --json"), STATUS_NOT_DONE);
    assert_string_equal(output, PREPARING "\n");
    assert_int_equal(run("plugin swap new.so --no-wait --json"), STATUS_OK);
    assert_int_equal(run("plugin swap new.so --no-wait"), STATUS_OK);
    then_request_has("Prefer: respond-async");
    then_output_has("swap 41 is under way: ");
    given(0, "PUT /api/plugins/recorder ", 200, "{}");
    assert_int_equal(run("plugin swap new.so"), STATUS_AWAY);
    then_problem_has("tells of no swap");
}

static void test_every_verdict_has_its_exit_status(void **state)
{
    (void)state;
    static const struct {
        const char *swap;
        int http;
        const char *says, *advises;
    } rows[] = {
        {REFUSED, 422, "swap 41 REFUSED verify: forbidden import fork\n",
         "\n" OLD " stays in charge; `walltrackctl plugin show recorder` says how it is"},
        {ROLLED_BACK, 422, "swap 41 ROLLED BACK probation: gen 42 failed\n",
         "\n" OLD " is in charge"},
        {SUPERSEDED, 409, "swap 41 SUPERSEDED: superseded by swap 43\n",
         "\n`walltrackctl plugin show recorder` shows what is under way"},
        {CANCELLED, 409, "swap 41 CANCELLED prepare: cancelled by bob\n", "\n" OLD " stays"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char body[2048];
        snprintf(body, sizeof body, "{\"status\":%d,\"detail\":\"no matter\",\"swap\":%s}",
                 rows[i].http, rows[i].swap);
        given_one_plugin();
        given(0, "PUT /api/plugins/recorder ", rows[i].http, body);
        assert_int_equal(run("plugin swap new.so"), STATUS_REFUSED);
        then_problem_has(rows[i].says);
        then_problem_has(rows[i].advises);
        assert_string_equal(output, "");
        assert_int_equal(run("plugin swap new.so --json"), STATUS_REFUSED);
        then_output_has(body);
        given(0, "PUT /api/plugins/recorder ", 202, PREPARING);
        given(1, "GET /api/plugins/recorder/swaps/41 ", 200, rows[i].swap);
        assert_int_equal(run("plugin swap new.so --wait"), STATUS_REFUSED);
        then_problem_has(rows[i].says);
        forget(NULL);
    }
}

static void test_a_request_that_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int http;
        enum status status;
        const char *advice;
    } rows[] = {
        {"plugin swap new.so", 422, STATUS_REFUSED, "`walltrackctl help plugin swap` shows"},
        {"plugin swap new.so", 404, STATUS_NOT_FOUND, "`walltrackctl plugins` lists the plugins"},
        {"plugin rollback", 409, STATUS_REFUSED, "`walltrackctl plugins` shows what is"},
        {"plugin cancel", 409, STATUS_REFUSED, "`walltrackctl plugins` shows what is"},
        {"plugin show", 404, STATUS_NOT_FOUND, "`walltrackctl plugins` lists the plugins"},
        {"plugin history", 503, STATUS_AWAY, "`walltrackctl health` says what is away"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        given_one_plugin();
        given(0, "PUT /api/plugins/recorder ", rows[i].http, "{\"detail\":\"such is life\"}");
        given(1, "POST /api/plugins/recorder/", rows[i].http, "{\"detail\":\"such is life\"}");
        given(2, "GET /api/plugins/recorder", rows[i].http, "{\"detail\":\"such is life\"}");
        assert_int_equal(run(rows[i].line), rows[i].status);
        then_problem_has("such is life\n");
        then_problem_has(rows[i].advice);
    }
    assert_int_equal(run("plugin swap new.so --plugin recorder --socket /nonexistent/s"),
                     STATUS_AWAY);
    assert_int_equal(run("status --socket /nonexistent/s"), STATUS_AWAY);
}

static void test_a_path_is_sent_whole(void **state)
{
    (void)state;
    char line[256], sent[256], link[128];
    given_one_plugin();
    given(0, "PUT /api/plugins/recorder ", 422, PROBLEM(REFUSED));
    snprintf(link, sizeof link, "%s/current.so", folder);
    assert_int_equal(symlink("/etc/hostname", link), 0);
    snprintf(line, sizeof line, "plugin swap %s/../%s/current.so", folder, folder + 5);
    assert_int_equal(run(line), STATUS_REFUSED);
    then_problem_has("\n`install -m 755 /");
    then_problem_has("/current.so /usr/` puts it there");
    snprintf(line, sizeof line, "plugin swap --force %s/current.so", folder);
    snprintf(sent, sizeof sent, "{\"path\":\"%s\",\"force\":true}", link);
    given(1, "GET /api/plugins ", 200, ONE_PLUGIN);
    given(2, "PUT /api/plugins/recorder ", 200, LIVE);
    assert_int_equal(run(line), STATUS_OK);
    then_request_has(sent);
    unlink(link);

    assert_int_equal(run("plugin swap /nonexistent/new.so"), STATUS_USAGE);
    then_problem_has("cannot find /nonexistent/: No such file or directory");
    assert_int_equal(run("plugin swap /etc/"), STATUS_USAGE);
    then_problem_has("'/etc/' names no file");
}

static void test_which_plugin_is_meant(void **state)
{
    (void)state;
    given(0, "GET /api/plugins ", 200,
          PLUGINS(PLUGIN("recorder", "") "," PLUGIN("log", "") "," PLUGIN("copy", "")));
    given(1, "PUT /api/plugins/log ", 200, PASSED);
    assert_int_equal(run("plugin swap new.so"), STATUS_USAGE);
    then_problem_has("there are 3 plugins, recorder, log and copy\n"
                     "say which: `walltrackctl plugin swap PATH --plugin NAME`");
    assert_int_equal(run("plugin rollback"), STATUS_USAGE);
    then_problem_has("say which: `walltrackctl plugin rollback NAME`");
    assert_int_equal(run("plugin swap new.so --plugin log"), STATUS_OK);
    assert_string_equal(output, "swap 41 LIVE in 21 ms: feed gap 3.3 ms, replayed 33 events\n");
    given(0, "GET /api/plugins ", 200, PLUGINS(""));
    assert_int_equal(run("plugin history"), STATUS_NOT_FOUND);
    then_problem_has("no plugin is configured");
    assert_int_equal(run("plugin show ../health"), STATUS_NOT_FOUND);
    then_request_has("GET /api/plugins/..%2Fhealth ");
}

static void test_options_that_do_not_go_together(void **state)
{
    (void)state;
    static const struct {
        const char *line, *says;
    } rows[] = {
        {"plugin swap a --wait --no-wait", "--wait and --no-wait exclude each other"},
        {"plugin swap a --probation", "--probation is of use only with --wait"},
        {"plugin rollback --timeout 5", "--timeout is of use only with --wait"},
        {"plugin swap a --wait --timeout never", "--timeout: 'never' is not a number of seconds"},
        {"plugin swap", "plugin swap needs more: plugin swap PATH"},
        {"plugin cancel --force", "plugin cancel has no option --force"},
        {"plugin", "plugin needs one more word: list, show, swap, rollback, cancel, history"},
        {"plugin dance", "there is no command 'plugin dance'; there are list, show, swap,"},
        {"plugins list", "plugins: 'list' is too much"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(run(rows[i].line), STATUS_USAGE);
        then_problem_has(rows[i].says);
    }
}

static void test_rollback_and_cancel(void **state)
{
    (void)state;
    given_one_plugin();
    given(0, "POST /api/plugins/recorder/rollback ", 200,
          "{\"id\":42,\"kind\":\"rollback\",\"from\":\"" NEW "\",\"to\":\"" OLD
          "\",\"state\":\"probation\",\"verdict\":\"LIVE\"" FIGURES "}");
    assert_int_equal(run("plugin rollback"), STATUS_OK);
    assert_string_equal(output, "rollback 42 LIVE in 21 ms: feed gap 3.3 ms, replayed 33 events\n"
                                "in probation\n");
    given(0, "POST /api/plugins/recorder/cancel ", 200, CANCELLED);
    assert_int_equal(run("plugin cancel recorder"), STATUS_OK);
    assert_string_equal(output, "swap 41 CANCELLED prepare: cancelled by bob\n");
}

/* ---- following ------------------------------------------------------------------------ */

#define ALL_STEPS                                                                                  \
    "swap 41 of recorder\n"                                                                        \
    "verify      1.2 ms\n"                                                                         \
    "probe       7.0 ms\n"                                                                         \
    "load        0.3 ms\n"                                                                         \
    "prepare     6.1 ms\n"                                                                         \
    "cutover     0.4 ms\n"                                                                         \
    "claim       2.9 ms\n"                                                                         \
    "catch_up       12s\n"                                                                         \
    "LIVE in 21 ms: feed gap 3.3 ms, replayed 33 events\n"                                         \
    "in probation; `walltrackctl plugin rollback recorder` goes back to " OLD "\n"

static void given_a_swap_that_passes(const char *last)
{
    given_one_plugin();
    given(0, "PUT /api/plugins/recorder ", 202, SWAP("queued", "null", ""));
    given(1, "GET /api/plugins/recorder/swaps/41 ", 200, PREPARING);
    given(2, "GET /api/plugins/recorder/swaps/41 ", 200, PREPARING);
    given(3, "GET /api/plugins/recorder/swaps/41 ", 200, CATCHING_UP);
    given(4, "GET /api/plugins/recorder/swaps/41 ", 200, LIVE);
    given(5, "GET /api/plugins/recorder/swaps/41 ", 200, last);
}

static void test_each_step_is_told_once(void **state)
{
    (void)state;
    given_a_swap_that_passes(LIVE);
    assert_int_equal(run("plugin swap new.so --wait"), STATUS_OK);
    assert_string_equal(output, ALL_STEPS);
    assert_string_equal(notes, "prepare: waiting for the TLS handshake\n");

    given_a_swap_that_passes(LIVE);
    assert_int_equal(run("plugin swap new.so --wait --json"), STATUS_OK);
    assert_string_equal(output, LIVE "\n");
}

static void test_a_probation_is_seen_to_its_end(void **state)
{
    (void)state;
    given_a_swap_that_passes(PASSED);
    assert_int_equal(run("plugin swap new.so --wait --probation"), STATUS_OK);
    assert_string_equal(output, ALL_STEPS "the probation is over\n");
    given_a_swap_that_passes(ROLLED_BACK);
    assert_int_equal(run("plugin swap new.so --wait --probation"), STATUS_REFUSED);
    assert_string_equal(output, ALL_STEPS);
    then_problem_has("swap 41 ROLLED BACK probation: gen 42 failed\n" OLD " is in charge again");
}

static void test_the_waiting_ends_and_the_swap_goes_on(void **state)
{
    (void)state;
    given_one_plugin();
    given(0, "PUT /api/plugins/recorder ", 202, PREPARING);
    given(1, "GET /api/plugins/recorder/swaps/41 ", 200, PREPARING);
    assert_int_equal(run("plugin swap new.so --wait --timeout 0.001"), STATUS_NOT_DONE);
    then_notes_have("\nit has no verdict in time; the swap goes on\n`walltrackctl plugin show "
                    "recorder` shows how it goes");
    given(1, "GET /api/plugins/recorder/swaps/41 ", 404, "{\"detail\":\"Swap not found\"}");
    assert_int_equal(run("plugin swap new.so --wait"), STATUS_NOT_FOUND);
    then_problem_has("swap 41: Swap not found");
}

static void test_ctrl_c_ends_the_waiting_only(void **state)
{
    (void)state;
    given_one_plugin();
    given(0, "PUT /api/plugins/recorder ", INTERRUPTS, "");
    assert_int_equal(run("plugin swap new.so"), STATUS_INTERRUPTED);
    then_notes_have("\ninterrupted; the swap goes on\n`walltrackctl plugin show recorder` shows");
    assert_string_equal(problem.msg, "");
    given(0, "PUT /api/plugins/recorder ", 202, PREPARING);
    given(1, "GET /api/plugins/recorder/swaps/41 ", 200, PREPARING);
    given(2, "GET /api/plugins/recorder/swaps/41 ", INTERRUPTS, "");
    assert_int_equal(run("plugin swap new.so --wait"), STATUS_INTERRUPTED);
    then_notes_have("\ninterrupted; the swap goes on\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_a_list_says_what_is_under_way, forget),
        cmocka_unit_test_teardown(test_show_begins_with_what_matters, forget),
        cmocka_unit_test_teardown(test_status_begins_with_whether_it_records, forget),
        cmocka_unit_test_teardown(test_history_is_a_table, forget),
        cmocka_unit_test_teardown(test_a_swap_waits_for_its_verdict, forget),
        cmocka_unit_test_teardown(test_every_verdict_has_its_exit_status, forget),
        cmocka_unit_test_teardown(test_a_request_that_is_refused, forget),
        cmocka_unit_test_teardown(test_a_path_is_sent_whole, forget),
        cmocka_unit_test_teardown(test_which_plugin_is_meant, forget),
        cmocka_unit_test_teardown(test_options_that_do_not_go_together, forget),
        cmocka_unit_test_teardown(test_rollback_and_cancel, forget),
        cmocka_unit_test_teardown(test_each_step_is_told_once, forget),
        cmocka_unit_test_teardown(test_a_probation_is_seen_to_its_end, forget),
        cmocka_unit_test_teardown(test_the_waiting_ends_and_the_swap_goes_on, forget),
        cmocka_unit_test_teardown(test_ctrl_c_ends_the_waiting_only, forget),
    };
    setlocale(LC_CTYPE, "C.UTF-8");
    setenv("TZ", "UTC", 1);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, host_start, host_stop);
    curl_global_cleanup();
    return failed;
}
