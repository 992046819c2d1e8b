/* links: admin PkgConfig::curl */
/* What the admin API answers, and what its socket puts up with. */
#include "admin_world.h"

#include <pwd.h>
#include <sys/resource.h>

#include "params.h"

/* ---- what can be asked ----------------------------------------------------------------- */

static void test_the_index_lists_every_route(void **state)
{
    (void)state;
    assert_int_equal(ask("GET", "/", NULL), 200);
    then_answer_has("\"/api/discovery/runs/{id}/wallets\"");
    then_answer_has("\"start_date\"");
    assert_int_equal(ask("HEAD", "/", NULL), 200);
    assert_string_equal(last.answer, "");
}

static void test_wrong_paths_and_methods_are_problems(void **state)
{
    (void)state;
    assert_int_equal(ask("GET", "/nothing/here", NULL), 404);
    then_header_is("application/problem+json");
    then_answer_has("\"title\":\"Not Found\"");
    assert_int_equal(ask("DELETE", "/api/discovery/config", NULL), 405);
    then_header_is("Allow: GET, HEAD, PUT");
    assert_int_equal(ask("GET", "/api/discovery/run", NULL), 405);
    then_header_is("Allow: POST");
    assert_int_equal(ask("GET", "/health?verbose=1", NULL), 422);
    then_answer_has("\"field\":\"verbose\"");
    assert_int_equal(ask("GET", "/health%zz", NULL), 400);
}

static void test_a_long_target_is_414(void **state)
{
    (void)state;
    char path[3000];
    memset(path, 'a', sizeof path - 1);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    assert_int_equal(ask("GET", path, NULL), 414);
}

static void test_a_run_starts_by_the_peers_name(void **state)
{
    (void)state;
    assert_int_equal(ask("POST", "/api/discovery/run", NULL), 200);
    then_answer_has("\"status\":\"started\"");
    char id[37];
    wt_uuid_text(&play.run_id, id);
    then_answer_has(id);
    assert_string_equal(play.triggered_by, getpwuid(getuid())->pw_name);
    assert_int_equal(play.trigger, WT_TRIGGER_MANUAL);

    assert_int_equal(ask("POST", "/api/discovery/run",
                         "{\"max_tokens\":3,\"min_profit_pct\":12.5,\"triggered_by\":\"Zoë\","
                         "\"trigger_type\":\"api\",\"profile_immediately\":false}"),
                     200);
    assert_string_equal(play.triggered_by, "Zoë");
    assert_int_equal(play.trigger, WT_TRIGGER_API);
    assert_int_equal(play.params.value[WT_PARAM_MAX_TOKENS], 3);
    assert_int_equal(play.params.value[WT_PARAM_MIN_PROFIT_PCT], 1250);
}

static void test_all_wrong_fields_are_named_at_once(void **state)
{
    (void)state;
    assert_int_equal(ask("POST", "/api/discovery/run",
                         "{\"max_tokens\":0,\"colour\":1,\"triggered_by\":\"a\\nb\","
                         "\"trigger_type\":\"scheduled\",\"profile_immediately\":\"yes\"}"),
                     422);
    then_answer_has("{\"field\":\"max_tokens\",\"message\":\"0 is outside 1..10000\"}");
    then_answer_has("\"field\":\"colour\"");
    then_answer_has("\"field\":\"triggered_by\"");
    then_answer_has("\"field\":\"trigger_type\"");
    then_answer_has("\"field\":\"profile_immediately\"");
    assert_int_equal(play.starts, 0);
}

static void test_only_json_objects_come_in(void **state)
{
    (void)state;
    assert_int_equal(ask("POST", "/api/discovery/run", "{\"max_tokens\":"), 400);
    assert_int_equal(ask("POST", "/api/discovery/run", "{\"max_tokens\":1,\"max_tokens\":2}"), 400);
    assert_int_equal(ask("POST", "/api/discovery/run", "[]"), 422);
    last = (struct call){.method = "POST",
                         .path = "/api/discovery/run",
                         .body = "max_tokens=1",
                         .headers = {"Content-Type: text/plain"}};
    call_begin(&last);
    call_wait(&last);
    assert_int_equal(last.status, 415);
    assert_int_equal(play.starts, 0);
}

static void test_a_large_body_is_413(void **state)
{
    (void)state;
    char *body = malloc(100001);
    memset(body, ' ', 100000);
    body[100000] = '\0';
    assert_int_equal(ask("POST", "/api/discovery/run", body), 413);
    last = (struct call){.method = "POST",
                         .path = "/api/discovery/run",
                         .body = body,
                         .headers = {"Transfer-Encoding: chunked"}};
    call_begin(&last);
    call_wait(&last);
    assert_int_equal(last.status, 413);
    free(body);
    assert_int_equal(play.starts, 0);
}

static void test_refusals_of_a_start_have_their_status(void **state)
{
    (void)state;
    play.start_error = EBUSY;
    assert_int_equal(ask("POST", "/api/discovery/run", NULL), 409);
    play.start_error = ENOSPC;
    assert_int_equal(ask("POST", "/api/discovery/run", NULL), 503);
    then_header_is("Retry-After: ");
}

static long ask_with_key(const char *key, const char *body)
{
    last = (struct call){
        .method = "POST", .path = "/api/discovery/run", .body = body, .headers = {key}};
    call_begin(&last);
    call_wait(&last);
    return last.status;
}

static void test_a_key_starts_one_run(void **state)
{
    (void)state;
    char first[sizeof last.answer];
    assert_int_equal(ask_with_key("Idempotency-Key: one", "{\"max_tokens\":3}"), 200);
    memcpy(first, last.answer, sizeof first);
    assert_int_equal(ask_with_key("Idempotency-Key: one", "{ \"max_tokens\": 3 }"), 200);
    assert_string_equal(last.answer, first);
    assert_int_equal(play.starts, 1);
    assert_int_equal(ask_with_key("Idempotency-Key: one", "{\"max_tokens\":4}"), 422);
    assert_int_equal(ask_with_key("Idempotency-Key: two", "{\"max_tokens\":3}"), 200);
    assert_int_equal(play.starts, 2);
    assert_int_equal(ask_with_key("Idempotency-Key: with space", "{}"), 422);
}

static void test_a_key_waits_for_the_first_to_be_durable(void **state)
{
    (void)state;
    struct call calls[2];
    play.start_late = true;
    for (int i = 0; i < 2; i++) {
        calls[i] = (struct call){.method = "POST",
                                 .path = "/api/discovery/run",
                                 .body = "{}",
                                 .headers = {"Idempotency-Key: k"}};
        call_begin(&calls[i]);
    }
    struct admin_stats stats;
    do {
        uv_run(&loop, UV_RUN_ONCE);
        admin_stats(admin, &stats);
    } while (play.starts == 0 || stats.connections_open < 2);
    assert_false(calls[0].done || calls[1].done);
    on_later_started(&later);
    call_wait(&calls[0]);
    call_wait(&calls[1]);
    assert_int_equal(play.starts, 1);
    assert_int_equal(calls[0].status, 200);
    assert_string_equal(calls[0].answer, calls[1].answer);
}

static void test_filters_become_arguments(void **state)
{
    (void)state;
    play.answer = "{\"runs\":[]}";
    assert_int_equal(ask("GET",
                         "/api/discovery/runs?start_date=2026-06-30&end_date=2026-06-30"
                         "&timezone=Europe/Berlin&status=failed&page_size=5&page=2&schedule=n.1",
                         NULL),
                     200);
    assert_string_equal(last.answer, play.answer);
    assert_string_equal(play.asked, "runs");
    assert_non_null(strstr(play.args, "\"start\":\"2026-06-29T22:00:00.000000Z\""));
    assert_non_null(strstr(play.args, "\"end\":\"2026-06-30T22:00:00.000000Z\""));
    assert_non_null(strstr(play.args, "\"status\":\"failed\""));
    assert_non_null(strstr(play.args, "\"page_size\":5"));
    assert_non_null(strstr(play.args, "\"page\":2"));
    assert_non_null(strstr(play.args, "\"schedule\":\"n.1\""));
    assert_non_null(strstr(play.args, "\"now\":\"20"));
}

static void test_wrong_filters_are_refused(void **state)
{
    (void)state;
    assert_int_equal(ask("GET", "/api/discovery/runs?status=x&page=0", NULL), 400);
    then_answer_has("Invalid status 'x': one of running, completed, failed, cancelled");
    assert_int_equal(ask("GET", "/api/discovery/runs?page_size=101&cursor=a&page=1", NULL), 422);
    then_answer_has("\"field\":\"page_size\"");
    then_answer_has("\"field\":\"page\"");
    assert_int_equal(ask("GET", "/api/discovery/stats?start_date=2026-02-30&timezone=UTC", NULL),
                     422);
    then_answer_has("2026-02-30");
    assert_int_equal(
        ask("GET", "/api/discovery/stats?start_date=2026-02-02&end_date=2026-02-01", NULL), 422);
    assert_string_equal(play.asked, "");
}

static void test_failed_questions_have_their_status(void **state)
{
    (void)state;
    static const struct {
        wt_status status;
        long http;
    } rows[] = {{WT_E_AGAIN, 503},
                {WT_E_ARGUMENT, 422},
                {WT_E_CANCELLED, 504},
                {WT_E_UNSUPPORTED, 501},
                {WT_E_INTERNAL, 500}};
    play.answer = "because of the play";
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        play.answer_status = rows[i].status;
        assert_int_equal(ask("GET", "/api/discovery/stats", NULL), rows[i].http);
        then_answer_has("because of the play");
    }
}

#define RUN "/api/discovery/runs/0190B0A4-1c1d-7000-8000-000000000001"

static void given_live_run(void)
{
    play.has_view = true;
    id_parse("0190b0a4-1c1d-7000-8000-000000000001", &play.view.id);
    play.view_request = (struct run_request){.slot_at_us = WT_NO_TIME, .triggered_by = "me"};
    params_default(&play.view_request.params);
    play.view.request = &play.view_request;
    play.view.started_us = 1000000;
    play.view.ended_us = WT_NO_TIME;
    play.view.wallets = 9;
    play.view.has_progress = true;
    play.view.progress_done = 1;
    play.view.progress_total = 4;
    play.view.progress_stage = "reading";
}

static void test_a_run_is_found_wherever_it_is_known(void **state)
{
    (void)state;
    play.answer = "null";
    assert_int_equal(ask("GET", RUN, NULL), 404);
    then_answer_has("Run not found");
    assert_int_equal(ask("GET", "/api/discovery/runs/xyz", NULL), 404);

    given_live_run();
    assert_int_equal(ask("GET", RUN, NULL), 200);
    then_answer_has("\"new_wallets\":null");
    then_answer_has("\"percent\":25.0");
    then_answer_has("\"started_at\":\"1970-01-01T00:00:01.000000Z\"");

    /* While it goes on here nobody is asked; once it has ended, what is recorded counts. */
    play.answer = "{\"status\":\"completed\",\"new_wallets\":5}";
    assert_int_equal(ask("GET", RUN, NULL), 200);
    then_answer_has("\"stage\":\"reading\"");
    play.view.status = WT_RUN_COMPLETED;
    assert_int_equal(ask("GET", RUN, NULL), 200);
    then_answer_has("\"new_wallets\":5");

    play.answer_status = WT_E_AGAIN;
    play.answer = "the database is away";
    assert_int_equal(ask("GET", RUN, NULL), 200);
    then_answer_has("\"triggered_by\":\"me\"");

    play.no_plugin = true;
    assert_int_equal(ask("GET", RUN, NULL), 200);
    then_answer_has("\"triggered_by\":\"me\"");
    assert_int_equal(ask("GET", "/api/discovery/stats", NULL), 503);
}

static void test_items_of_a_run_that_is_not_recorded_yet_are_none(void **state)
{
    (void)state;
    play.answer = "null";
    assert_int_equal(ask("GET", RUN "/wallets?page_size=1000", NULL), 404);
    given_live_run();
    assert_int_equal(ask("GET", RUN "/wallets", NULL), 200);
    assert_string_equal(last.answer, "{\"wallets\":[],\"next_cursor\":null,\"has_more\":false}");
    assert_string_equal(play.asked, "run_wallets");
    assert_non_null(strstr(play.args, "0190b0a4-1c1d-7000-8000-000000000001"));
}

static void test_cancelling(void **state)
{
    (void)state;
    assert_int_equal(ask("POST", RUN "/cancel", NULL), 202);
    then_answer_has("\"cancelling\"");
    play.cancel_error = EALREADY;
    assert_int_equal(ask("POST", RUN "/cancel", NULL), 409);
    play.cancel_error = ENOENT;
    play.answer = "{\"status\":\"completed\"}";
    assert_int_equal(ask("POST", RUN "/cancel", NULL), 409);
    play.answer = "null";
    assert_int_equal(ask("POST", RUN "/cancel", NULL), 404);
}

static void test_the_first_schedule(void **state)
{
    (void)state;
    assert_int_equal(ask("GET", "/api/discovery/config", NULL), 409);
    play.has_schedule = true;
    play.schedule =
        (struct schedule_view){.every_seconds = 21600, .next_us = 0, .last_us = WT_NO_TIME};
    params_default(&play.schedule.params);
    assert_int_equal(ask("GET", "/api/discovery/config", NULL), 200);
    then_answer_has("\"schedule_hours\":6,");
    then_answer_has("\"last_run_at\":null");
    assert_int_equal(ask("PUT", "/api/discovery/config",
                         "{\"schedule_hours\":0.5,\"enabled\":true,\"params\":{\"max_tokens\":7}}"),
                     200);
    then_answer_has("\"schedule_hours\":0.5");
    assert_true(play.change.has_enabled && play.change.enabled && !play.change.has_profile);
    assert_int_equal(play.change.every_seconds, 1800);
    assert_int_equal(play.change.params.value[WT_PARAM_MAX_TOKENS], 7);
    assert_int_equal(play.change.params.value[WT_PARAM_MIN_VOLUME_USD], 5000000);
    assert_int_equal(ask("PUT", "/api/discovery/config",
                         "{\"schedule_hours\":0,\"params\":{\"x\":1},\"enabled\":0}"),
                     422);
    then_answer_has("\"field\":\"schedule_hours\"");
    then_answer_has("\"field\":\"x\"");
    then_answer_has("\"field\":\"enabled\"");
}

static void test_plugins_health_and_metrics(void **state)
{
    (void)state;
    assert_int_equal(ask("GET", "/api/plugins", NULL), 200);
    then_answer_has("\"retry_in_seconds\":0.5");
    assert_int_equal(ask("GET", "/api/plugins/recorder/stats", NULL), 200);
    then_answer_has("{\"events\":{\"wallet\":41}}");
    assert_int_equal(ask("GET", "/api/plugins/other/stats", NULL), 404);

    assert_int_equal(ask("GET", "/health", NULL), 200);
    then_answer_has("\"status\":\"ok\"");
    play.plugin_live = false;
    assert_int_equal(ask("GET", "/health", NULL), 200);
    then_answer_has("\"status\":\"degraded\"");
    then_answer_has("recorder: connection refused");
    play.journal_full = true;
    assert_int_equal(ask("GET", "/health", NULL), 503);
    then_answer_has("\"status\":\"unready\"");

    assert_int_equal(ask("GET", "/metrics", NULL), 200);
    then_answer_has("walltrack_events_total{kind=\"wallet\",plugin=\"recorder\"} 41\n");
    then_answer_has("walltrack_journal_head_event 12\n");
}

/* ---- swaps ------------------------------------------------------------------------------ */

static void test_a_swap_is_answered_with_its_verdict(void **state)
{
    static const struct {
        enum swap_verdict verdict;
        int status;
        const char *words;
    } rows[] = {
        {VERDICT_LIVE, 200, "\"verdict\":\"LIVE\""},
        {VERDICT_REFUSED, 422, "swap 7 REFUSED verify: the reason"},
        {VERDICT_ROLLED_BACK, 422, "\"verdict\":\"ROLLED BACK\""},
        {VERDICT_SUPERSEDED, 409, "\"step\":\"verify\""},
        {VERDICT_CANCELLED, 409, "\"reason\":\"the reason\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        play.verdict = rows[i].verdict;
        assert_int_equal(
            ask("PUT", "/api/plugins/recorder", "{\"path\": \"next.so\", \"force\": true}"),
            rows[i].status);
        then_answer_has(rows[i].words);
        assert_string_equal(play.swap->path, "next.so");
        assert_true(play.swap->force);
        assert_non_null(play.swap->by);
        assert_int_equal(ask("POST", "/api/plugins/recorder/rollback", ""), rows[i].status);
    }
}

static void test_a_swap_that_is_not_waited_for(void **state)
{
    (void)state;
    play.verdict = VERDICT_NONE;
    last = (struct call){.method = "PUT",
                         .path = "/api/plugins/recorder",
                         .body = "{\"path\": \"next.so\"}",
                         .headers = {"Prefer: respond-async"}};
    call_begin(&last);
    call_wait(&last);
    assert_int_equal(last.status, 202);
    then_answer_has("\"id\":7");
    then_answer_has("\"verdict\":null");
    assert_int_equal(ask("GET", "/api/plugins/recorder/swaps", NULL), 200);
    then_answer_has("{\"swaps\":[{\"id\":7");
    assert_int_equal(ask("GET", "/api/plugins/recorder/swaps/7", NULL), 200);
    then_answer_has("\"state\":\"verify\"");
    assert_int_equal(ask("GET", "/api/plugins/recorder/swaps/8", NULL), 404);
    assert_int_equal(ask("GET", "/api/plugins/recorder/swaps/7x", NULL), 404);
    assert_int_equal(ask("POST", "/api/plugins/recorder/cancel", ""), 200);
    then_answer_has("\"verdict\":\"CANCELLED\"");
    assert_int_equal(ask("POST", "/api/plugins/recorder/cancel", ""), 409);
}

static void test_bad_orders(void **state)
{
    static const struct {
        const char *body;
        int status;
        const char *words;
    } rows[] = {
        {"", 422, "required: the name of a file"},
        {"{}", 422, "\"field\":\"path\""},
        {"[]", 422, "object"},
        {"{\"path\": 1}", 422, "\"field\":\"path\""},
        {"{\"path\": \"\"}", 422, "\"field\":\"path\""},
        {"{\"path\": \"a.so\", \"sha256\": \"12\"}", 422, "64 hexadecimal digits"},
        {"{\"path\": \"a.so\", \"force\": 1}", 422, "\"field\":\"force\""},
        {"{\"path\": \"a.so\", \"now\": 1}", 422, "known are path, sha256, force"},
        {"{", 400, "JSON"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(ask("PUT", "/api/plugins/recorder", rows[i].body), rows[i].status);
        then_answer_has(rows[i].words);
    }
    assert_null(play.swap);
    assert_int_equal(ask("PUT", "/api/plugins/other", "{\"path\": \"a.so\"}"), 404);
    assert_int_equal(ask("POST", "/api/plugins/other/rollback", ""), 404);
    assert_int_equal(ask("POST", "/api/plugins/other/cancel", ""), 404);
    assert_int_equal(ask("GET", "/api/plugins/other", NULL), 404);
    assert_int_equal(ask("GET", "/api/plugins/other/swaps", NULL), 404);
    assert_int_equal(ask("POST", "/api/plugins/recorder/rollback", ""), 409);
    then_answer_has("there is no build before it");
}

/* ---- the socket ------------------------------------------------------------------------ */

static void test_the_socket_is_private_and_owned_once(void **state)
{
    (void)state;
    struct stat st;
    struct admin *second = NULL;
    struct error err = {0};
    assert_int_equal(lstat(config.admin.socket, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_not_equal(admin_new(&loop, &config, &ports, &second, &err), 0);
    assert_int_equal(err.code, EADDRINUSE);
    assert_null(second);
    assert_int_equal(ask("GET", "/", NULL), 200);
}

static void test_a_path_that_is_too_long_is_refused(void **state)
{
    (void)state;
    char path[200];
    memset(path, 'x', sizeof path - 1);
    path[0] = '/';
    path[sizeof path - 1] = '\0';
    struct config other = {.admin = {.socket = path, .mode = 0600}};
    struct admin *second = NULL;
    struct error err = {0};
    assert_int_not_equal(admin_new(&loop, &other, &ports, &second, &err), 0);
    assert_int_equal(err.code, ENAMETOOLONG);
}

static void turn_until_open(uint64_t count)
{
    struct admin_stats stats;
    do {
        uv_run(&loop, UV_RUN_ONCE);
        admin_stats(admin, &stats);
    } while (stats.connections_open + stats.refused != count);
}

static void test_a_full_house_empties_again(void **state)
{
    (void)state;
    enum { CLIENTS = 300, CAP = 256 };
    int fds[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = connect_raw();
        if (i % 32 == 31)
            turn_until_open((uint64_t)i + 1);
    }
    turn_until_open(CLIENTS);
    struct admin_stats stats;
    admin_stats(admin, &stats);
    assert_int_equal(stats.connections_open, CAP);
    char words[64] = {0};
    assert_true(read(fds[CLIENTS - 1], words, sizeof words - 1) > 0);
    assert_non_null(strstr(words, "503"));
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i]);
    assert_int_equal(ask("GET", "/", NULL), 200);
}

/* What the host answers to these bytes, which no client library would send. */
static void ask_raw(const char *bytes, char *out, size_t room)
{
    size_t used = 0;
    int fd = connect_raw();
    assert_int_equal(write(fd, bytes, strlen(bytes)), strlen(bytes));
    while (strstr(out, "\r\n\r\n") == NULL) {
        uv_run(&loop, UV_RUN_NOWAIT);
        ssize_t n = read(fd, out + used, room - used - 1);
        if (n == 0)
            break;
        used += n > 0 ? (size_t)n : 0;
        out[used] = '\0';
    }
    close(fd);
}

static void test_tricks_with_the_length_are_refused(void **state)
{
    (void)state;
#define HEAD "POST /api/discovery/run HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    static const char *const tricks[] = {
        HEAD "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        HEAD "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        HEAD "Content-Length: -1\r\n\r\n{}",
        HEAD "Content-Length: 99999999999999999999\r\n\r\n{}",
    };
    for (size_t i = 0; i < sizeof tricks / sizeof tricks[0]; i++) {
        char answer[4096] = "";
        ask_raw(tricks[i], answer, sizeof answer);
        assert_int_equal(strncmp(answer, "HTTP/1.1 4", 10), 0);
    }
    assert_int_equal(play.starts, 0);
}

static void test_running_out_of_descriptors_does_not_spin(void **state)
{
    (void)state;
    struct rlimit before, small;
    struct admin_stats stats;
    getrlimit(RLIMIT_NOFILE, &before);
    int fd = connect_raw();
    small = before;
    small.rlim_cur = (rlim_t)fd + 1;
    setrlimit(RLIMIT_NOFILE, &small);
    do {
        uv_run(&loop, UV_RUN_ONCE);
        admin_stats(admin, &stats);
    } while (stats.refused == 0);
    setrlimit(RLIMIT_NOFILE, &before);
    close(fd);
    assert_int_equal(ask("GET", "/", NULL), 200);
}

static void test_closing_answers_those_who_wait(void **state)
{
    (void)state;
    struct call call = {.method = "GET", .path = "/api/discovery/stats"};
    play.answer_never = true;
    call_begin(&call);
    while (play.asked[0] == '\0')
        uv_run(&loop, UV_RUN_ONCE);
    close_admin();
    call_wait(&call);
    assert_int_equal(call.status, 503);
    assert_int_equal(play.cancelled, 1);
}

static void test_a_start_outlives_the_api(void **state)
{
    (void)state;
    struct call call = {.method = "POST", .path = "/api/discovery/run"};
    play.start_late = true;
    call_begin(&call);
    while (play.starts == 0)
        uv_run(&loop, UV_RUN_ONCE);
    close_admin();
    call_wait(&call);
    assert_int_equal(call.status, 503);
    on_later_started(&later);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define STORY(name) cmocka_unit_test_setup_teardown(name, world_start, world_stop)
        STORY(test_the_index_lists_every_route),
        STORY(test_wrong_paths_and_methods_are_problems),
        STORY(test_a_long_target_is_414),
        STORY(test_a_run_starts_by_the_peers_name),
        STORY(test_all_wrong_fields_are_named_at_once),
        STORY(test_only_json_objects_come_in),
        STORY(test_a_large_body_is_413),
        STORY(test_refusals_of_a_start_have_their_status),
        STORY(test_a_key_starts_one_run),
        STORY(test_a_key_waits_for_the_first_to_be_durable),
        STORY(test_filters_become_arguments),
        STORY(test_wrong_filters_are_refused),
        STORY(test_failed_questions_have_their_status),
        STORY(test_a_run_is_found_wherever_it_is_known),
        STORY(test_items_of_a_run_that_is_not_recorded_yet_are_none),
        STORY(test_cancelling),
        STORY(test_the_first_schedule),
        STORY(test_plugins_health_and_metrics),
        STORY(test_a_swap_is_answered_with_its_verdict),
        STORY(test_a_swap_that_is_not_waited_for),
        STORY(test_bad_orders),
        STORY(test_the_socket_is_private_and_owned_once),
        STORY(test_a_path_that_is_too_long_is_refused),
        STORY(test_a_full_house_empties_again),
        STORY(test_tricks_with_the_length_are_refused),
        STORY(test_running_out_of_descriptors_does_not_spin),
        STORY(test_closing_answers_those_who_wait),
        STORY(test_a_start_outlives_the_api),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
