/* links: admin PkgConfig::curl */
/* Runs and wallets as files: pages that follow each other, clients that read slowly, go away or
 * come in numbers, and answers that break off. */
#include "admin_world.h"

#include <sys/syscall.h>
#include <time.h>

/* ---- the history, as this test plays it ------------------------------------------------ */

enum { ROWS_PER_PAGE = 10 };

static int pages_in_all, fails_at_page, stuck_at_page; /* 0: never */
static size_t padding;                                 /* bytes that make a row longer */

static int page_of(const char *args)
{
    json_t *object = json_loads(args, 0, NULL);
    const char *cursor = json_string_value(json_object_get(object, "cursor"));
    int page = cursor != NULL ? atoi(cursor) : 1;
    json_decref(object);
    return page;
}

/* Rows are numbered from 1; the cursor is the number of the next page. */
static char *page_of_runs(const char *name, const char *args)
{
    int page = page_of(args);
    json_t *rows = json_array();
    char id[32], cursor[32], *pad = calloc(1, padding + 1);
    (void)name;
    memset(pad, 'x', padding);
    for (int i = 0; i < ROWS_PER_PAGE; i++) {
        snprintf(id, sizeof id, "run-%d", (page - 1) * ROWS_PER_PAGE + i + 1);
        json_array_append_new(rows, json_pack("{s:s, s:s}", "id", id, "reason", pad));
    }
    free(pad);
    snprintf(cursor, sizeof cursor, "%d", page + 1);
    json_t *answer =
        json_pack("{s:o, s:s?, s:b}", "runs", rows, "next_cursor",
                  page < pages_in_all ? cursor : NULL, "has_more", page < pages_in_all);
    if (page == fails_at_page)
        play.answer_status = WT_E_AGAIN;
    if (page == stuck_at_page)
        play.answer_never = true;
    char *text = json_dumps(answer, 0);
    json_decref(answer);
    return text;
}

static void given_pages(int pages)
{
    pages_in_all = pages;
    fails_at_page = stuck_at_page = 0;
    padding = 0;
    play.answer_to = page_of_runs;
}

/* ---- time, which the loop can be told to pass ------------------------------------------- */

static time_t skew_seconds;

__attribute__((visibility("default"))) int clock_gettime(clockid_t id, struct timespec *out)
{
    int status = (int)syscall(SYS_clock_gettime, id, out);
    out->tv_sec += skew_seconds;
    return status;
}

/* ---- lines ------------------------------------------------------------------------------ */

static void test_a_table_has_a_header_and_one_line_a_run(void **state)
{
    (void)state;
    play.answer =
        "{\"runs\": [{\"id\": \"7\", \"started_at\": \"2026-06-30T00:00:00.000000Z\", "
        "\"completed_at\": null, \"status\": \"failed\", \"trigger_type\": \"manual\", "
        "\"triggered_by\": \"a, \\\"b\\\"\", \"params\": {\"min_price_change_pct\": 100.00, "
        "\"min_volume_usd\": 0, \"max_token_age_hours\": null, \"early_window_minutes\": 1, "
        "\"min_profit_pct\": 12.5, \"max_tokens\": 20}, \"profile_immediately\": true, "
        "\"error_count\": 1, \"errors\": [ {\"message\" : \"two  spaces\", \"line\": 4} ], "
        "\"builds\": [\"r 1\"], \"reason\": \"first\\nsecond\", \"host\": \"=1+1\"}], "
        "\"next_cursor\": null, \"has_more\": false}";
    assert_int_equal(ask("GET", "/api/discovery/runs.csv?status=failed&max_tokens_max=20", NULL),
                     200);
    then_header_is("Content-Type: text/csv; charset=utf-8; header=present");
    then_header_is("Transfer-Encoding: chunked");
    assert_string_equal(
        last.answer,
        "id,started_at,completed_at,status,trigger_type,triggered_by,schedule,slot_at,"
        "min_price_change_pct,min_volume_usd,max_token_age_hours,early_window_minutes,"
        "min_profit_pct,max_tokens,profile_immediately,tokens_analyzed,new_wallets,"
        "updated_wallets,profiled_wallets,duration_seconds,error_count,errors,host,build,builds,"
        "reason\r\n"
        "7,2026-06-30T00:00:00.000000Z,,failed,manual,\"a, \"\"b\"\"\",,,100.00,0,,1,12.5,20,"
        "true,,,,,,1,\"[{\"\"message\"\":\"\"two  spaces\"\",\"\"line\"\":4}]\",'=1+1,,"
        "\"[\"\"r 1\"\"]\",\"first\nsecond\"\r\n");
    assert_string_equal(play.asked, "runs_only");
    assert_non_null(strstr(play.args, "\"status\":\"failed\""));
    assert_non_null(strstr(play.args, "\"max_tokens_max\":\"20\""));
    assert_non_null(strstr(play.args, "\"page_size\":"));
}

static void test_no_cell_becomes_a_formula(void **state)
{
    static const struct {
        const char *text, *cell;
    } rows[] = {
        {"=cmd", "'=cmd"}, {"+1", "'+1"},      {"-x", "'-x"}, {"@SUM(1,2)", "\"'@SUM(1,2)\""},
        {"a=b", "a=b"},    {"\\t=1", "'\t=1"}, {"", ""},      {"\\r", "\"'\r\""}};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char answer[256], line[256];
        snprintf(answer, sizeof answer,
                 "{\"wallets\":[{\"wallet_address\":\"%s\",\"initial_score\":-0.5}],"
                 "\"next_cursor\":null}",
                 rows[i].text);
        play.answer = answer;
        assert_int_equal(ask("GET", "/api/discovery/wallets.csv", NULL), 200);
        snprintf(line, sizeof line, "\n,,%s,,,-0.5,,\r\n", rows[i].cell);
        then_answer_has(line);
    }
    assert_string_equal(play.asked, "wallets_only");
}

static void test_a_line_of_json_is_the_item_as_it_was_given(void **state)
{
    (void)state;
    play.answer =
        "{\"wallets\":[{\"initial_score\": 0.87120,\n \"profile\": {\"a b\": \"] }\\\"\"}},"
        "\n{}], \"next_cursor\": null, \"has_more\": false}";
    assert_int_equal(ask("GET", "/api/discovery/wallets.ndjson", NULL), 200);
    then_header_is("Content-Type: application/x-ndjson");
    assert_string_equal(last.answer,
                        "{\"initial_score\":0.87120,\"profile\":{\"a b\":\"] }\\\"\"}}\n{}\n");
}

/* ---- pages ------------------------------------------------------------------------------ */

static int lines_of(const char *text)
{
    int lines = 0;
    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

static void test_pages_follow_each_other(void **state)
{
    (void)state;
    given_pages(25);
    assert_int_equal(ask("GET", "/api/discovery/runs.ndjson", NULL), 200);
    assert_int_equal(lines_of(last.answer), 250);
    assert_int_equal(play.questions, 25);
    then_answer_has("{\"id\":\"run-1\",");
    then_answer_has("{\"id\":\"run-250\",");

    given_pages(1);
    assert_int_equal(ask("GET", "/api/discovery/runs.csv", NULL), 200);
    assert_int_equal(lines_of(last.answer), 11);
    play.answer_to = NULL;
    play.answer = "{\"runs\":[],\"next_cursor\":null,\"has_more\":false}";
    assert_int_equal(ask("GET", "/api/discovery/runs.csv", NULL), 200);
    assert_int_equal(lines_of(last.answer), 1);
    assert_int_equal(ask("HEAD", "/api/discovery/runs.csv", NULL), 200);
    assert_string_equal(last.answer, "");
}

static void test_what_is_wrong_at_once_has_its_status(void **state)
{
    (void)state;
    play.answer_status = WT_E_AGAIN;
    play.answer = "the database is away";
    assert_int_equal(ask("GET", "/api/discovery/runs.csv", NULL), 503);
    then_header_is("Retry-After: ");
    then_answer_has("the database is away");
    assert_int_equal(ask("GET", "/api/discovery/runs.csv?status=x", NULL), 400);
    assert_int_equal(ask("GET", "/api/discovery/wallets.csv?duration_min=-1", NULL), 422);
    assert_int_equal(ask("GET", "/api/discovery/wallets.csv?page=1", NULL), 422);
    play.answer_status = WT_OK;
    play.answer = "{}";
    assert_int_equal(ask("GET", "/api/discovery/runs.csv", NULL), 500);
    assert_int_equal(ask("GET", "/", NULL), 200);
}

static void test_a_failure_on_the_way_is_seen_by_the_client(void **state)
{
    (void)state;
    given_pages(5);
    fails_at_page = 3;
    play.answer = "gone";
    assert_int_equal(ask("GET", "/api/discovery/runs.csv", NULL), 0);
    assert_int_equal(lines_of(last.answer), 21);

    /* An answer that is no page is as bad. */
    play.answer_status = WT_OK;
    given_pages(5);
    play.answer_to = NULL;
    play.answer = "{\"runs\":[{}],\"next_cursor\":\"x\\n\",\"has_more\":true}";
    assert_int_equal(ask("GET", "/api/discovery/runs.csv", NULL), 500);
    assert_int_equal(ask("GET", "/", NULL), 200);
}

/* ---- clients ---------------------------------------------------------------------------- */

static void send_words(int fd, const char *words)
{
    assert_int_equal(write(fd, words, strlen(words)), strlen(words));
}

#define EXPORT "GET /api/discovery/runs.ndjson HTTP/1.1\r\nHost: x\r\n\r\n"

/* Turns the loop until nothing more is asked. */
static void turn_until_quiet(void)
{
    int quiet = 0, before = play.questions;
    while (quiet < 2000) {
        uv_run(&loop, UV_RUN_NOWAIT);
        quiet = play.questions == before && before > 0 ? quiet + 1 : 0;
        before = play.questions;
    }
}

/* Reads what there is; -1 at the end of the connection. */
static ssize_t read_some(int fd, char *out, size_t room)
{
    ssize_t n = read(fd, out, room);
    return n == 0 ? -1 : n < 0 ? 0 : n;
}

static void test_a_client_who_does_not_read_stops_the_questions(void **state)
{
    (void)state;
    given_pages(3000);
    padding = 300;
    int fd = connect_raw();
    send_words(fd, EXPORT);
    turn_until_quiet();
    int asked = play.questions;
    assert_true(asked > 1 && asked < 500); /* what the socket holds, and no more */

    static char data[1 << 20];
    size_t total = 0;
    bool ended = false;
    while (!ended) {
        ssize_t n = read_some(fd, data, sizeof data - 1);
        total += n > 0 ? (size_t)n : 0;
        data[n > 0 ? n : 0] = '\0';
        ended = n < 0 || strstr(data, "\r\n0\r\n\r\n") != NULL;
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    close(fd);
    assert_int_equal(play.questions, 3000);
    assert_true(total > (size_t)30000 * 300);
}

static uint64_t overdue(void)
{
    struct admin_stats stats;
    admin_stats(admin, &stats);
    return stats.overdue;
}

/* Lets the loop believe that so much time has passed, in steps that its own look-outs see. */
static void pass(time_t seconds)
{
    for (time_t i = 0; i < seconds; i++) {
        skew_seconds++;
        uv_run(&loop, UV_RUN_NOWAIT);
        uv_run(&loop, UV_RUN_NOWAIT);
    }
}

static void test_only_a_client_who_reads_nothing_is_ended(void **state)
{
    (void)state;
    given_pages(3000);
    padding = 300;
    int fd = connect_raw();
    char data[16384];
    send_words(fd, EXPORT);
    turn_until_quiet();
    int asked = play.questions;
    /* 16 KiB in 25 seconds: not enough for libmicrohttpd to notice at first, yet it goes on. */
    for (int i = 0; i < 6; i++) {
        assert_true(read_some(fd, data, sizeof data) > 0);
        pass(25);
    }
    assert_int_equal(overdue(), 0);
    assert_true(play.questions - asked < 60);
    pass(40);
    assert_int_equal(overdue(), 1);
    struct admin_stats stats;
    admin_stats(admin, &stats);
    assert_int_equal(stats.connections_open, 0);
    close(fd);
    assert_int_equal(ask("GET", "/", NULL), 200);
}

static void test_no_more_than_four_at_a_time(void **state)
{
    (void)state;
    int fds[4];
    given_pages(3000);
    padding = 300;
    for (int i = 0; i < 4; i++) {
        fds[i] = connect_raw();
        send_words(fds[i], EXPORT);
    }
    turn_until_quiet();
    assert_int_equal(ask("GET", "/api/discovery/wallets.csv", NULL), 503);
    then_header_is("Retry-After: ");
    then_answer_has("4 exports are under way");
    assert_int_equal(ask("GET", "/", NULL), 200);

    /* Who goes away makes room. */
    close(fds[0]);
    given_pages(1);
    while (ask("GET", "/api/discovery/runs.csv", NULL) == 503)
        ;
    assert_int_equal(last.status, 200);
    for (int i = 1; i < 4; i++)
        close(fds[i]);
}

static void test_an_old_client_cannot_see_a_broken_end(void **state)
{
    (void)state;
    char answer[2048] = "";
    size_t used = 0;
    given_pages(2);
    int fd = connect_raw();
    send_words(fd, "GET /api/discovery/runs.csv HTTP/1.0\r\n\r\n");
    for (ssize_t n = 0; n >= 0; used += n > 0 ? (size_t)n : 0) {
        uv_run(&loop, UV_RUN_NOWAIT);
        n = read_some(fd, answer + used, sizeof answer - 1 - used);
    }
    close(fd);
    assert_non_null(strstr(answer, " 505 "));
}

/* ---- the end ---------------------------------------------------------------------------- */

static void test_closing_breaks_an_export_off(void **state)
{
    (void)state;
    struct call call = {.method = "GET", .path = "/api/discovery/runs.ndjson"};
    given_pages(3000);
    stuck_at_page = 4;
    call_begin(&call);
    while (!play.answer_never)
        uv_run(&loop, UV_RUN_ONCE);
    close_admin();
    call_wait(&call);
    assert_int_equal(call.status, 0);
    assert_int_equal(lines_of(call.answer), 30);
    assert_int_equal(play.cancelled, 1);
}

static void test_closing_does_not_wait_for_a_client_who_does_not_read(void **state)
{
    (void)state;
    given_pages(3000);
    padding = 300;
    int fd = connect_raw();
    send_words(fd, EXPORT);
    turn_until_quiet();
    close_admin();
    close(fd);
}

static void test_closing_begins_no_other_page(void **state)
{
    (void)state;
    static char data[1 << 20];
    given_pages(3000);
    padding = 300;
    int fd = connect_raw();
    send_words(fd, EXPORT);
    turn_until_quiet();
    int before = play.questions;
    closed = false;
    admin_close(admin, on_closed, &closed);
    admin = NULL;
    while (!closed) {
        read_some(fd, data, sizeof data);
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    close(fd);
    assert_true(play.questions <= before + 1);
    assert_int_equal(play.cancelled, play.questions - before);
}

static void test_a_page_that_takes_too_long_ends_it(void **state)
{
    (void)state;
    struct call call = {.method = "GET", .path = "/api/discovery/runs.ndjson"};
    given_pages(3000);
    stuck_at_page = 4;
    call_begin(&call);
    while (!play.answer_never)
        uv_run(&loop, UV_RUN_ONCE);
    while (!call.done) {
        skew_seconds++;
        uv_run(&loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(call.status, 0);
    assert_int_equal(play.cancelled, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define STORY(name) cmocka_unit_test_setup_teardown(name, world_start, world_stop)
        STORY(test_a_table_has_a_header_and_one_line_a_run),
        STORY(test_no_cell_becomes_a_formula),
        STORY(test_a_line_of_json_is_the_item_as_it_was_given),
        STORY(test_pages_follow_each_other),
        STORY(test_what_is_wrong_at_once_has_its_status),
        STORY(test_a_failure_on_the_way_is_seen_by_the_client),
        STORY(test_a_client_who_does_not_read_stops_the_questions),
        STORY(test_only_a_client_who_reads_nothing_is_ended),
        STORY(test_no_more_than_four_at_a_time),
        STORY(test_an_old_client_cannot_see_a_broken_end),
        STORY(test_closing_breaks_an_export_off),
        STORY(test_closing_does_not_wait_for_a_client_who_does_not_read),
        STORY(test_closing_begins_no_other_page),
        STORY(test_a_page_that_takes_too_long_ends_it),
    };
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    curl_global_cleanup();
    return failed;
}
