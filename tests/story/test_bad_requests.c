/* What the API refuses, with which words, and that nothing has come of it; and what it takes up to
 * the last hundredth. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/postgres.h"
#include "support/world.h"

#define RUN "/api/discovery/run"
#define LIST "/api/discovery/runs"
#define STATS "/api/discovery/stats"
#define CONFIG "/api/discovery/config"
#define NO_RUN "/api/discovery/runs/00000000-0000-7000-8000-000000000000"
#define RUNS "walltrack.discovery_runs"
#define COUNT(table) (sizeof(table) / sizeof(table)[0])

enum { BODY_MAX = 64 * 1024, DEPTH_MAX = 32 };

/* A year and a day between two slots: no run starts that was not asked for. */
static const char a_schedule[] = "{\"schedules\": [{\"name\": \"default\", \"every\": \"366d\", "
                                 "\"params\": {\"max_tokens\": 7}}]}";

/* The schedule as it was before the test. */
static char config_before[1024];

static int setup(void **state)
{
    struct postgres *pg = *state;
    postgres_fresh_database(pg);
    const struct world_options options = {.pg = pg, .config = a_schedule};
    struct world *w = world_new(&options);
    world_start(w);
    await_plugin(w, "recorder", "live");
    then_get(w, CONFIG, "/params/max_tokens", "7");
    snprintf(config_before, sizeof config_before, "%s", world_text(w));
    *state = w;
    return 0;
}

/* ---- what is expected ---- */

struct refusal {
    const char *method; /* NULL: GET */
    const char *path;
    const char *body;  /* or NULL                                            */
    int status;        /* of HTTP                                            */
    const char *field; /* is listed in errors[]; NULL: only the detail counts */
    const char *says;  /* is part of the field's message, or of the detail   */
};

static bool has_error(const json_t *problem, const char *field, const char *says)
{
    size_t i = 0;
    const json_t *error = NULL;
    json_array_foreach (json_object_get(problem, "errors"), i, error) {
        const char *name = json_string_value(json_object_get(error, "field"));
        const char *message = json_string_value(json_object_get(error, "message"));
        if (name != NULL && message != NULL && strcmp(name, field) == 0 &&
            strstr(message, says) != NULL)
            return true;
    }
    return false;
}

/* The last answer is the problem that the row tells of. */
#define then_problem(w, got, row) then_problem_at((w), (got), (row), __LINE__)
static void then_problem_at(struct world *w, int got, const struct refusal *row, int line)
{
    const json_t *problem = world_json(w);
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    bool form = strcmp(world_header(w, "Content-Type"), "application/problem+json") == 0 &&
                json_integer_value(json_object_get(problem, "status")) == got && detail != NULL;
    bool words = form && (row->field != NULL ? has_error(problem, row->field, row->says)
                                             : strstr(detail, row->says) != NULL);
    if (got != row->status || !words)
        world_fail(w, __FILE__, line, "%s %s %.200s: %d, not %d with '%s: %s': %s",
                   row->method != NULL ? row->method : "GET", row->path,
                   row->body != NULL ? row->body : "", got, row->status,
                   row->field != NULL ? row->field : "detail", row->says, world_text(w));
}

static void then_refused(struct world *w, const struct refusal *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct world_request request = {
            .method = rows[i].method, .path = rows[i].path, .body = rows[i].body};
        then_problem(w, world_ask(w, &request), &rows[i]);
    }
}

/* No run was started, the schedule is as before, and the next request is served. */
static void then_nothing_has_changed(struct world *w)
{
    then_status(w, CONFIG, 200);
    assert_string_equal(world_text(w), config_before);
    then_get(w, "/health", "/runs/running", "0");
    then_get(w, "/health", "/status", "ok");
    await_run(w, when_run(w, NULL), "completed");
    then_get(w, LIST, "/total", "1");
    then_query(world_postgres(w), "SELECT count(*) FROM " RUNS, "1");
    then_query(world_postgres(w), "SELECT count(*) FROM walltrack.discovery_slots", "0");
}

/* ---- parameters ---- */

static const struct {
    const char *name;
    const char *below, *above, *fraction; /* the nearest values that are refused */
    const char *range, *finest;           /* the words for them                  */
} parameters[] = {
    {"min_price_change_pct", "-0.01", "100000.01", "12.345", "is outside 0..100000",
     "has more than two decimals"},
    {"min_volume_usd", "-0.01", "1000000000000.01", "999999999999.999",
     "is outside 0..1000000000000", "has more than two decimals"},
    {"max_token_age_hours", "0", "8761", "72.5", "is outside 1..8760", "is not a whole number"},
    {"early_window_minutes", "0", "1441", "30.25", "is outside 1..1440", "is not a whole number"},
    {"min_profit_pct", "-0.01", "100000.01", "0.001", "is outside 0..100000",
     "has more than two decimals"},
    {"max_tokens", "0", "10001", "19.99", "is outside 1..10000", "is not a whole number"},
};

/* Asks both ways in which a parameter can be set. */
static void then_value_refused(struct world *w, const char *name, const char *value, int status,
                               const char *says)
{
    char body[256], params[300];
    snprintf(body, sizeof body, "{\"%s\": %s}", name, value);
    snprintf(params, sizeof params, "{\"params\": %s}", body);
    const char *field = status == 422 ? name : NULL;
    const struct refusal rows[] = {
        {"POST", RUN, body, status, field, says},
        {"PUT", CONFIG, params, status, field, says},
    };
    then_refused(w, rows, COUNT(rows));
}

static void test_each_parameter_has_its_range(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < COUNT(parameters); i++) {
        const char *name = parameters[i].name;
        then_value_refused(w, name, parameters[i].below, 422, parameters[i].range);
        then_value_refused(w, name, parameters[i].above, 422, parameters[i].range);
        then_value_refused(w, name, parameters[i].below, 422, parameters[i].below);
        then_value_refused(w, name, parameters[i].above, 422, parameters[i].above);
        then_value_refused(w, name, parameters[i].fraction, 422, parameters[i].finest);
        then_value_refused(w, name, parameters[i].fraction, 422, parameters[i].fraction);
        then_value_refused(w, name, "-9223372036854775808", 422, parameters[i].range);
        then_value_refused(w, name, "9223372036854775807", 422, parameters[i].range);
        then_value_refused(w, name, "1e300", 422, parameters[i].range);
    }
    then_nothing_has_changed(w);
}

static void test_a_parameter_is_a_number(void **state)
{
    static const char *const others[] = {"null", "true",    "false",       "\"12\"",
                                         "\"\"", "\"NaN\"", "[12]",        "[]",
                                         "{}",   "\"1e2\"", "\"Infinity\""};
    static const char *const not_json[] = {"NaN",  "Infinity", "-Infinity", "1e400",
                                           "012",  "+12",      ".5",        "5.",
                                           "0x10", "12abc",    "'12'",      "9223372036854775808"};
    struct world *w = *state;
    for (size_t i = 0; i < COUNT(parameters); i++) {
        char says[64];
        for (size_t k = 0; k < COUNT(others); k++) {
            snprintf(says, sizeof says, "%s is not a number", others[k]);
            then_value_refused(w, parameters[i].name, others[k], 422, says);
        }
        for (size_t k = 0; k < COUNT(not_json); k++)
            then_value_refused(w, parameters[i].name, not_json[k], 400,
                               "the body is not JSON: line");
    }
    then_nothing_has_changed(w);
}

static const struct refusal several_fields[] = {
    {"POST", RUN, NULL, 422, "min_price_change_pct", "-1 is outside"},
    {"POST", RUN, NULL, 422, "min_volume_usd", "null is not a number"},
    {"POST", RUN, NULL, 422, "max_token_age_hours", "8761 is outside"},
    {"POST", RUN, NULL, 422, "early_window_minutes", "1.5 is not a whole number"},
    {"POST", RUN, NULL, 422, "min_profit_pct", "\"high\" is not a number"},
    {"POST", RUN, NULL, 422, "max_tokens", "0 is outside"},
    {"POST", RUN, NULL, 422, "max_token", "there is no such field"},
    {"POST", RUN, NULL, 422, "profile_immediately", "1 is not true or false"},
    {"POST", RUN, NULL, 422, "triggered_by", "\"\" is not a name"},
    {"POST", RUN, NULL, 422, "trigger_type", "\"cron\" is not manual or api"},
};

static void test_all_bad_fields_are_listed_at_once(void **state)
{
    struct world *w = *state;
    int status = world_post(
        w, RUN,
        "{\"min_price_change_pct\": -1, \"min_volume_usd\": null, \"max_token_age_hours\": 8761, "
        "\"early_window_minutes\": 1.5, \"min_profit_pct\": \"high\", \"max_tokens\": 0, "
        "\"max_token\": 5, \"profile_immediately\": 1, \"triggered_by\": \"\", "
        "\"trigger_type\": \"cron\"}");
    for (size_t i = 0; i < COUNT(several_fields); i++)
        then_problem(w, status, &several_fields[i]);
    assert_int_equal(json_array_size(json_object_get(world_json(w), "errors")),
                     COUNT(several_fields));
    assert_non_null(strstr(world_value(w, "/detail"), "(and 9 more)"));
    then_nothing_has_changed(w);
}

/* ---- the other fields ---- */

#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define NOT_A_NAME "is not a name of 1 to 100 printable characters"

static const struct refusal fields[] = {
    {"POST", RUN, "{\"tokens\": 5}", 422, "tokens", "there is no such field"},
    {"POST", RUN, "{\"Max_Tokens\": 5}", 422, "Max_Tokens", "there is no such field"},
    {"POST", RUN, "{\"\": 5}", 422, "", "there is no such field"},
    {"POST", RUN, "{\"params\": {\"max_tokens\": 5}}", 422, "params", "there is no such field"},
    {"POST", RUN, "{\"profile_immediately\": \"yes\"}", 422, "profile_immediately",
     "\"yes\" is not true or false"},
    {"POST", RUN, "{\"profile_immediately\": null}", 422, "profile_immediately",
     "null is not true or false"},
    {"POST", RUN, "{\"triggered_by\": \"\"}", 422, "triggered_by", NOT_A_NAME},
    {"POST", RUN, "{\"triggered_by\": \"" HUNDRED "1\"}", 422, "triggered_by", NOT_A_NAME},
    {"POST", RUN, "{\"triggered_by\": \"a\\nb\"}", 422, "triggered_by", NOT_A_NAME},
    {"POST", RUN, "{\"triggered_by\": \"a\\u001b[31m\"}", 422, "triggered_by", NOT_A_NAME},
    {"POST", RUN, "{\"triggered_by\": \"a\\u007f\"}", 422, "triggered_by", NOT_A_NAME},
    {"POST", RUN, "{\"triggered_by\": \"a\\u0085\"}", 422, "triggered_by", NOT_A_NAME},
    {"POST", RUN, "{\"triggered_by\": 5}", 422, "triggered_by", "5 is not a name"},
    {"POST", RUN, "{\"triggered_by\": null}", 422, "triggered_by", "null is not a name"},
    {"POST", RUN, "{\"trigger_type\": \"scheduled\"}", 422, "trigger_type",
     "\"scheduled\" is not manual or api"},
    {"POST", RUN, "{\"trigger_type\": \"Manual\"}", 422, "trigger_type", "is not manual or api"},
    {"POST", RUN, "{\"trigger_type\": null}", 422, "trigger_type", "null is not manual or api"},
    {"POST", RUN, "{\"status\": \"completed\"}", 422, "status", "there is no such field"},
    {"POST", RUN, "{\"schedule\": \"default\"}", 422, "schedule", "there is no such field"},
};

static void test_each_other_field_is_checked(void **state)
{
    then_refused(*state, fields, COUNT(fields));
    then_nothing_has_changed(*state);
}

#define HOURS "is not a number of hours from 1 second to 8784"

static const struct refusal changes[] = {
    {"PUT", CONFIG, "{\"enabled\": \"no\"}", 422, "enabled", "\"no\" is not true or false"},
    {"PUT", CONFIG, "{\"enabled\": 0}", 422, "enabled", "0 is not true or false"},
    {"PUT", CONFIG, "{\"enabled\": null}", 422, "enabled", "null is not true or false"},
    {"PUT", CONFIG, "{\"profile_immediately\": 1}", 422, "profile_immediately", "1 is not true"},
    {"PUT", CONFIG, "{\"schedule_hours\": 0}", 422, "schedule_hours", "0 " HOURS},
    {"PUT", CONFIG, "{\"schedule_hours\": -6}", 422, "schedule_hours", "-6 " HOURS},
    {"PUT", CONFIG, "{\"schedule_hours\": 8785}", 422, "schedule_hours", "8785 " HOURS},
    {"PUT", CONFIG, "{\"schedule_hours\": 0.0002}", 422, "schedule_hours", HOURS},
    {"PUT", CONFIG, "{\"schedule_hours\": 1e300}", 422, "schedule_hours", HOURS},
    {"PUT", CONFIG, "{\"schedule_hours\": \"6\"}", 422, "schedule_hours", "\"6\" " HOURS},
    {"PUT", CONFIG, "{\"schedule_hours\": null}", 422, "schedule_hours", "null " HOURS},
    {"PUT", CONFIG, "{\"schedule_hours\": 1.0001}", 422, "schedule_hours",
     "is not a whole number of seconds"},
    {"PUT", CONFIG, "{\"params\": 5}", 422, "params", "5 is not an object"},
    {"PUT", CONFIG, "{\"params\": [5]}", 422, "params", "[5] is not an object"},
    {"PUT", CONFIG, "{\"params\": null}", 422, "params", "null is not an object"},
    {"PUT", CONFIG, "{\"params\": {\"tokens\": 5}}", 422, "tokens", "there is no such parameter"},
    {"PUT", CONFIG, "{\"max_tokens\": 5}", 422, "max_tokens", "there is no such field"},
    {"PUT", CONFIG, "{\"next_run_at\": null}", 422, "next_run_at", "there is no such field"},
    {"PUT", CONFIG, "[]", 422, NULL, "the body is not a JSON object"},
    {"PUT", CONFIG, "{", 400, NULL, "the body is not JSON: line 1"},
    /* One bad field spoils the good ones beside it. */
    {"PUT", CONFIG, "{\"enabled\": false, \"schedule_hours\": 0}", 422, "schedule_hours", HOURS},
    {"PUT", CONFIG, "{\"params\": {\"max_tokens\": 5, \"min_profit_pct\": -1}}", 422,
     "min_profit_pct", "-1 is outside 0..100000"},
};

static void test_the_schedule_is_changed_whole_or_not_at_all(void **state)
{
    then_refused(*state, changes, COUNT(changes));
    then_nothing_has_changed(*state);
}

static void test_without_a_schedule_there_is_none_to_change(void **state)
{
    static const struct refusal rows[] = {
        {"GET", CONFIG, NULL, 409, NULL, "no schedule is configured"},
        {"PUT", CONFIG, "{\"enabled\": true}", 409, NULL, "no schedule is configured"},
    };
    struct world *w = *state;
    given_config(w, "{\"schedules\": []}");
    world_signal(w, SIGHUP);
    await_log(w, "was read again");
    then_refused(w, rows, COUNT(rows));
}

/* ---- bodies ---- */

static const struct refusal bodies[] = {
    {"POST", RUN, "max_tokens=5", 400, NULL, "the body is not JSON: line 1, column"},
    {"POST", RUN, " ", 400, NULL, "the body is not JSON"},
    {"POST", RUN, "{\"max_tokens\": 5", 400, NULL, "the body is not JSON"},
    {"POST", RUN, "{\"max_tokens\": 5,}", 400, NULL, "the body is not JSON"},
    {"POST", RUN, "{max_tokens: 5}", 400, NULL, "the body is not JSON"},
    {"POST", RUN, "{\"max_tokens\": 5} {}", 400, NULL, "the body is not JSON"},
    {"POST", RUN, "{\"max_tokens\": 5} // five", 400, NULL, "the body is not JSON"},
    {"POST", RUN, "{\"max_tokens\": 5, \"max_tokens\": 6}", 400, NULL, "duplicate"},
    {"POST", RUN, "{\"triggered_by\": \"a\\u0000b\"}", 400, NULL, "the body is not JSON"},
    {"POST", RUN, "{\"triggered_by\": \"\\ud800\"}", 400, NULL, "the body is not JSON"},
    {"POST", RUN, "{\"triggered_by\": \"\xff\"}", 400, NULL, "the body is not JSON"},
    {"POST", RUN, "null", 400, NULL, "the body is not JSON"},
    {"POST", RUN, "\"max_tokens\"", 400, NULL, "the body is not JSON"},
    {"POST", RUN, "[]", 422, NULL, "the body is not a JSON object"},
};

static void test_a_body_is_one_json_object(void **state)
{
    then_refused(*state, bodies, COUNT(bodies));
    then_nothing_has_changed(*state);
}

/* {"tokens": [[[…]]]}, so many brackets deep altogether. */
static const char *nested(int depth, char out[256])
{
    char open[64] = "", shut[64] = "";
    memset(open, '[', (size_t)depth - 1);
    memset(shut, ']', (size_t)depth - 1);
    snprintf(out, 256, "{\"tokens\": %s%s}", open, shut);
    return out;
}

static void test_a_body_is_not_nested_without_end(void **state)
{
    char body[256];
    const struct refusal too_deep = {"POST", RUN,  nested(DEPTH_MAX + 1, body),
                                     400,    NULL, "nested more than 32 deep"};
    then_refused(*state, &too_deep, 1);
    const struct refusal deep = {"POST", RUN,      nested(DEPTH_MAX, body),
                                 422,    "tokens", "there is no such field"};
    then_refused(*state, &deep, 1);
    then_nothing_has_changed(*state);
}

/* A good request, with spaces up to `size` bytes. */
static char *padded(size_t size)
{
    char *body = malloc(size + 1);
    assert_non_null(body);
    memset(body, ' ', size);
    memcpy(body, "{\"max_tokens\": 5", strlen("{\"max_tokens\": 5"));
    body[size - 1] = '}';
    body[size] = '\0';
    return body;
}

static void test_a_body_has_at_most_64_kib(void **state)
{
    static const size_t sizes[] = {BODY_MAX + 1, BODY_MAX * 4, 3 * 1024 * 1024};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        char *body = padded(sizes[i]);
        const struct refusal row = {"POST", RUN, body, 413, NULL, "at most 65536 are taken"};
        then_refused(*state, &row, 1);
        free(body);
    }
    then_nothing_has_changed(*state);
}

/* Sent in pieces, the length is not known before the end. */
static void test_a_body_in_pieces_has_at_most_64_kib(void **state)
{
    static const char *const chunked[] = {"Transfer-Encoding: chunked", NULL};
    struct world *w = *state;
    char *body = padded(BODY_MAX + 1);
    const struct world_request request = {
        .method = "POST", .path = RUN, .body = body, .headers = chunked};
    const struct refusal row = {"POST", RUN, NULL, 413, NULL, "more than 65536 bytes"};
    then_problem(w, world_ask(w, &request), &row);
    free(body);
    then_nothing_has_changed(w);
}

static void test_a_body_is_called_json(void **state)
{
    static const char *const types[] = {
        "Content-Type: text/plain",        "Content-Type: application/x-www-form-urlencoded",
        "Content-Type: application/jsonp", "Content-Type: application/json5",
        "Content-Type: text/json",         "Content-Type: multipart/form-data; boundary=x"};
    struct world *w = *state;
    for (size_t i = 0; i < COUNT(types); i++) {
        const char *const headers[] = {types[i], NULL};
        const struct world_request run = {
            .method = "POST", .path = RUN, .body = "{}", .headers = headers};
        const struct world_request config = {
            .method = "PUT", .path = CONFIG, .body = "{\"enabled\": false}", .headers = headers};
        const struct refusal row = {"POST", RUN, "{}", 415, NULL, "is not application/json"};
        then_problem(w, world_ask(w, &run), &row);
        then_problem(w, world_ask(w, &config), &row);
    }
    then_nothing_has_changed(w);
}

#define UMLAUT "\xc3\xa4"
#define TEN_UMLAUTS UMLAUT UMLAUT UMLAUT UMLAUT UMLAUT UMLAUT UMLAUT UMLAUT UMLAUT UMLAUT
#define FIFTY_UMLAUTS TEN_UMLAUTS TEN_UMLAUTS TEN_UMLAUTS TEN_UMLAUTS TEN_UMLAUTS
#define HUNDRED_UMLAUTS FIFTY_UMLAUTS FIFTY_UMLAUTS

/* A value that is too long for a message is cut, wherever its characters end, and the words that
 * follow it are still said.  The "x" moves the cut by a byte. */
static const struct refusal long_values[] = {
    {"POST", RUN, "{\"triggered_by\": \"" HUNDRED_UMLAUTS UMLAUT "\"}", 422, "triggered_by",
     NOT_A_NAME},
    {"POST", RUN, "{\"triggered_by\": \"x" HUNDRED_UMLAUTS "\"}", 422, "triggered_by", NOT_A_NAME},
    {"POST", RUN, "{\"max_tokens\": \"" HUNDRED_UMLAUTS "\"}", 422, "max_tokens",
     "is not a number"},
    {"POST", RUN, "{\"max_tokens\": \"x" HUNDRED_UMLAUTS "\"}", 422, "max_tokens",
     "is not a number"},
    {"PUT", CONFIG, "{\"enabled\": \"" HUNDRED_UMLAUTS "\"}", 422, "enabled",
     "is not true or false"},
    {"PUT", CONFIG, "{\"enabled\": \"x" HUNDRED_UMLAUTS "\"}", 422, "enabled",
     "is not true or false"},
    {NULL, LIST "?status=" HUNDRED_UMLAUTS, NULL, 400, NULL, "one of running, completed"},
    {NULL, LIST "?status=x" HUNDRED_UMLAUTS, NULL, 400, NULL, "one of running, completed"},
    {NULL, LIST "?end_date=" HUNDRED_UMLAUTS, NULL, 422, "end_date", "is not a time such as"},
    {NULL, LIST "?end_date=x" HUNDRED_UMLAUTS, NULL, 422, "end_date", "is not a time such as"},
    {NULL, LIST "?timezone=x" HUNDRED_UMLAUTS, NULL, 422, "timezone", "is not a time zone"},
    {NULL, LIST "?page=x" HUNDRED_UMLAUTS, NULL, 422, "page", "is not a whole number"},
    {NULL, LIST "?schedule=x" HUNDRED_UMLAUTS, NULL, 422, "schedule", "is not a name"},
};

static void test_a_long_value_is_cut_in_the_message(void **state)
{
    then_refused(*state, long_values, COUNT(long_values));
    then_nothing_has_changed(*state);
}

/* ---- methods and paths ---- */

static const struct {
    const char *method, *path, *allow;
} methods[] = {
    {"GET", RUN, "POST"},
    {"PUT", RUN, "POST"},
    {"DELETE", RUN, "POST"},
    {"POST", LIST, "GET, HEAD"},
    {"DELETE", LIST, "GET, HEAD"},
    {"DELETE", NO_RUN, "GET, HEAD"},
    {"PATCH", NO_RUN, "GET, HEAD"},
    {"POST", NO_RUN "/wallets", "GET, HEAD"},
    {"GET", NO_RUN "/cancel", "POST"},
    {"POST", STATS, "GET, HEAD"},
    {"POST", CONFIG, "GET, HEAD, PUT"},
    {"PATCH", CONFIG, "GET, HEAD, PUT"},
    {"POST", "/health", "GET, HEAD"},
    {"BREW", "/", "GET, HEAD"},
};

static void test_a_wrong_method_is_told_the_right_ones(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < COUNT(methods); i++) {
        const struct world_request request = {.method = methods[i].method, .path = methods[i].path};
        const struct refusal row = {methods[i].method, methods[i].path, NULL, 405, NULL,
                                    methods[i].allow};
        then_problem(w, world_ask(w, &request), &row);
        assert_string_equal(world_header(w, "Allow"), methods[i].allow);
    }
    then_nothing_has_changed(w);
}

#define NO_PATH "there is no such path"

static const struct refusal paths[] = {
    {NULL, "/api", NULL, 404, NULL, NO_PATH},
    {NULL, "/api/discovery", NULL, 404, NULL, NO_PATH},
    {NULL, "/api/Discovery/runs", NULL, 404, NULL, NO_PATH},
    {NULL, "/api/discovery/runs/1/tokens/2", NULL, 404, NULL, NO_PATH},
    {NULL, "//api/discovery/runs", NULL, 404, NULL, NO_PATH},
    {"POST", "/api/discovery/start", "{}", 404, NULL, NO_PATH},
    {NULL, "/..%2f..%2fetc%2fpasswd", NULL, 404, NULL, NO_PATH},
    {NULL, "/api/discovery/runs/%zz", NULL, 400, NULL, "is not percent-encoded text"},
    {NULL, "/api/discovery/runs/%00", NULL, 400, NULL, "is not percent-encoded text"},
    {NULL, "/api/discovery/runs/%ff", NULL, 400, NULL, "not UTF-8"},
    {NULL, "/api/discovery/runs/7", NULL, 404, NULL, "Run not found"},
    {NULL, "/api/discovery/runs/not-a-uuid", NULL, 404, NULL, "Run not found"},
    {NULL, NO_RUN "0", NULL, 404, NULL, "Run not found"},
    {NULL, NO_RUN, NULL, 404, NULL, "Run not found"},
    {NULL, NO_RUN "/wallets", NULL, 404, NULL, "Run not found"},
    {NULL, NO_RUN "/tokens", NULL, 404, NULL, "Run not found"},
    {NULL, NO_RUN "/errors", NULL, 404, NULL, "Run not found"},
    {NULL, "/api/discovery/runs/7/wallets", NULL, 404, NULL, "Run not found"},
    {"POST", NO_RUN "/cancel", NULL, 404, NULL, "Run not found"},
    {"POST", "/api/discovery/runs/7/cancel", NULL, 404, NULL, "Run not found"},
    {NULL, "/api/plugins/nobody/stats", NULL, 404, NULL, "Plugin not found"},
};

static void test_what_is_not_there_is_not_found(void **state)
{
    then_refused(*state, paths, COUNT(paths));
    then_nothing_has_changed(*state);
}

/* ---- queries ---- */

#define NO_PARAMETER "there is no such query parameter here"
#define NO_TIME "is not a time such as 2026-06-30"
#define NO_ZONE "is not a time zone"
#define COUNT_TO(max) "is not a whole number from 1 to " max

static const struct refusal queries[] = {
    {NULL, LIST "?state=failed", NULL, 422, "state", NO_PARAMETER},
    {NULL, LIST "?Status=failed", NULL, 422, "Status", NO_PARAMETER},
    {NULL, STATS "?page=1", NULL, 422, "page", NO_PARAMETER},
    {NULL, NO_RUN "?page=1", NULL, 422, "page", NO_PARAMETER},
    {NULL, NO_RUN "/wallets?page=1", NULL, 422, "page", NO_PARAMETER},
    {NULL, CONFIG "?name=default", NULL, 422, "name", NO_PARAMETER},
    {"POST", RUN "?max_tokens=5", "{}", 422, "max_tokens", NO_PARAMETER},
    {NULL, LIST "?page=1&page=2", NULL, 400, NULL, "page: given twice"},
    {NULL, LIST "?status=%zz", NULL, 400, NULL, "is not percent-encoded text"},

    {NULL, LIST "?start_date=yesterday", NULL, 422, "start_date", "'yesterday' " NO_TIME},
    {NULL, LIST "?start_date=", NULL, 422, "start_date", "'' " NO_TIME},
    {NULL, LIST "?start_date=2026-02-30", NULL, 422, "start_date", "'2026-02-30' " NO_TIME},
    {NULL, LIST "?end_date=2025-02-29", NULL, 422, "end_date", "'2025-02-29' " NO_TIME},
    {NULL, LIST "?end_date=2026-13-01", NULL, 422, "end_date", NO_TIME},
    {NULL, LIST "?end_date=30.06.2026", NULL, 422, "end_date", NO_TIME},
    {NULL, LIST "?end_date=06/30/2026", NULL, 422, "end_date", NO_TIME},
    {NULL, LIST "?end_date=2026-6-30", NULL, 422, "end_date", NO_TIME},
    {NULL, LIST "?end_date=20260630", NULL, 422, "end_date", NO_TIME},
    {NULL, LIST "?end_date=1782770400", NULL, 422, "end_date", NO_TIME},
    {NULL, LIST "?end_date=2026-06-30T", NULL, 422, "end_date", NO_TIME},
    {NULL, LIST "?end_date=2026-06-30T24:00", NULL, 422, "end_date", NO_TIME},
    {NULL, LIST "?end_date=2026-06-30T12:60", NULL, 422, "end_date", NO_TIME},
    {NULL, LIST "?end_date=2026-06-30T12:00:60Z", NULL, 422, "end_date", NO_TIME},
    {NULL, LIST "?end_date=2026-06-30T12:00:00ZZ", NULL, 422, "end_date", NO_TIME},
    {NULL, LIST "?end_date=2026-06-30T12:00:00%2B2", NULL, 422, "end_date", NO_TIME},
    {NULL, LIST "?end_date=0000-01-01", NULL, 422, "end_date", NO_TIME},
    {NULL, LIST "?end_date=9999-12-31", NULL, 422, "end_date", NO_TIME},
    {NULL, STATS "?start_date=2026-02-30", NULL, 422, "start_date", NO_TIME},
    {NULL, LIST "?start_date=2026-06-30&end_date=2026-06-29", NULL, 422, "end_date",
     "2026-06-29 is not after start_date 2026-06-30"},
    {NULL, LIST "?start_date=2026-06-30T12:00Z&end_date=2026-06-30T12:00Z", NULL, 422, "end_date",
     "is not after start_date"},
    {NULL, LIST "?start_date=2026-06-30T12:00Z&end_date=2026-06-30T13:00%2B02:00", NULL, 422,
     "end_date", "is not after start_date"},
    {NULL, STATS "?start_date=2026-06-30&end_date=2026-06-29", NULL, 422, "end_date",
     "is not after start_date"},

    {NULL, LIST "?timezone=Mars/Olympus", NULL, 422, "timezone", "'Mars/Olympus' " NO_ZONE},
    {NULL, LIST "?timezone=", NULL, 422, "timezone", "'' " NO_ZONE},
    {NULL, LIST "?timezone=../../../etc/passwd", NULL, 422, "timezone", NO_ZONE},
    {NULL, LIST "?timezone=/etc/localtime", NULL, 422, "timezone", NO_ZONE},
    {NULL, STATS "?timezone=Europe/Bonn", NULL, 422, "timezone", "'Europe/Bonn' " NO_ZONE},

    {NULL, LIST "?page=0", NULL, 422, "page", "'0' " COUNT_TO("100000000")},
    {NULL, LIST "?page=-1", NULL, 422, "page", "'-1' " COUNT_TO("100000000")},
    {NULL, LIST "?page=1.5", NULL, 422, "page", "'1.5' " COUNT_TO("100000000")},
    {NULL, LIST "?page=two", NULL, 422, "page", "'two' " COUNT_TO("100000000")},
    {NULL, LIST "?page=", NULL, 422, "page", "'' " COUNT_TO("100000000")},
    {NULL, LIST "?page=99999999999999999999", NULL, 422, "page", COUNT_TO("100000000")},
    {NULL, LIST "?page_size=0", NULL, 422, "page_size", "'0' " COUNT_TO("100")},
    {NULL, LIST "?page_size=101", NULL, 422, "page_size", "'101' " COUNT_TO("100")},
    {NULL, LIST "?page_size=all", NULL, 422, "page_size", "'all' " COUNT_TO("100")},
    {NULL, LIST "?page_size=%2B5", NULL, 422, "page_size", "'+5' " COUNT_TO("100")},
    {NULL, LIST "?page_size=0x10", NULL, 422, "page_size", "'0x10' " COUNT_TO("100")},
    {NULL, NO_RUN "/wallets?page_size=0", NULL, 422, "page_size", "'0' " COUNT_TO("1000")},
    {NULL, NO_RUN "/tokens?page_size=1001", NULL, 422, "page_size", "'1001' " COUNT_TO("1000")},
    {NULL, NO_RUN "/errors?page_size=many", NULL, 422, "page_size", "'many' " COUNT_TO("1000")},
    {NULL, LIST "?page=2&cursor=abc", NULL, 422, "page",
     "page and cursor cannot be given together"},
    {NULL, LIST "?cursor=", NULL, 422, "cursor", "'' is not the next_cursor of an answer"},
    {NULL, LIST "?cursor=abc", NULL, 422, NULL, "cursor: "},
    {NULL, LIST "?cursor=1'%20OR%201=1--", NULL, 422, NULL, "cursor: "},
    {NULL, NO_RUN "/wallets?cursor=abc", NULL, 422, NULL, "cursor: "},
    {NULL, NO_RUN "/tokens?cursor=-1", NULL, 422, NULL, "cursor: "},
    {NULL, NO_RUN "/errors?cursor=99999999999999999999", NULL, 422, NULL, "cursor: "},

    {NULL, LIST "?status=done", NULL, 400, NULL,
     "Invalid status 'done': one of running, completed, failed, cancelled"},
    {NULL, LIST "?status=Completed", NULL, 400, NULL, "Invalid status 'Completed'"},
    {NULL, LIST "?status=", NULL, 400, NULL, "Invalid status ''"},
    {NULL, LIST "?status=failed,completed", NULL, 400, NULL, "Invalid status 'failed,completed'"},
    {NULL, LIST "?trigger_type=cron", NULL, 400, NULL,
     "Invalid trigger type 'cron': one of manual, scheduled, api"},
    {NULL, LIST "?trigger_type=", NULL, 400, NULL, "Invalid trigger type ''"},
    {NULL, LIST "?schedule=", NULL, 422, "schedule", "'' is not a name of 1 to 64"},
    {NULL, LIST "?schedule=a'b", NULL, 422, "schedule", "'a'b' is not a name of 1 to 64"},
};

static void test_each_query_parameter_is_checked(void **state)
{
    then_refused(*state, queries, COUNT(queries));
    then_nothing_has_changed(*state);
}

static void test_all_bad_query_parameters_are_listed_at_once(void **state)
{
    static const char path[] = LIST "?start_date=then&end_date=now&page=0&page_size=0&schedule=%21";
    static const char *const names[] = {"start_date", "end_date", "page", "page_size", "schedule"};
    struct world *w = *state;
    int status = world_get(w, path);
    for (size_t i = 0; i < COUNT(names); i++) {
        const struct refusal row = {NULL, path, NULL, 422, names[i], "is not a"};
        then_problem(w, status, &row);
    }
    assert_int_equal(json_array_size(json_object_get(world_json(w), "errors")), COUNT(names));
    then_nothing_has_changed(w);
}

/* ---- Idempotency-Key ---- */

static int post_with_key(struct world *w, const char *key, const char *body)
{
    char header[512];
    /* curl sends a header without a value only when it ends in a semicolon. */
    snprintf(header, sizeof header, key[0] != '\0' ? "Idempotency-Key: %s" : "Idempotency-Key;%s",
             key);
    const char *const headers[] = {header, NULL};
    const struct world_request request = {
        .method = "POST", .path = RUN, .body = body, .headers = headers};
    return world_ask(w, &request);
}

static void test_a_repeated_key_starts_one_run(void **state)
{
    struct world *w = *state;
    assert_int_equal(post_with_key(w, "key-1", "{\"max_tokens\": 5, \"min_profit_pct\": 1}"), 200);
    const char *id = world_value(w, "/run_id");
    /* The same request, however it is written. */
    assert_int_equal(post_with_key(w, "key-1", "{\"min_profit_pct\":1.00,\"max_tokens\":5}"), 200);
    assert_string_equal(world_value(w, "/run_id"), id);
    await_run(w, id, "completed");
    assert_int_equal(post_with_key(w, "key-1", "{\"max_tokens\": 5, \"min_profit_pct\": 1}"), 200);
    assert_string_equal(world_value(w, "/run_id"), id);

    static const struct refusal other = {"POST", RUN, "{}", 422, NULL, "used before with another"};
    then_problem(w, post_with_key(w, "key-1", "{\"max_tokens\": 6, \"min_profit_pct\": 1}"),
                 &other);
    then_problem(w, post_with_key(w, "key-1", NULL), &other);
    then_query(world_postgres(w), "SELECT count(*) FROM " RUNS, "1");

    assert_int_equal(post_with_key(w, "key-2", "{\"max_tokens\": 5, \"min_profit_pct\": 1}"), 200);
    assert_string_not_equal(world_value(w, "/run_id"), id);
    await_run(w, world_value(w, "/run_id"), "completed");
    then_query(world_postgres(w), "SELECT count(*) FROM " RUNS, "2");
}

static void test_a_key_is_short_and_visible(void **state)
{
    static const char *const bad[] = {"", HUNDRED HUNDRED "1", "two words", "k\xc3\xa4y"};
    static const struct refusal row = {"POST", RUN,  "{}",
                                       422,    NULL, "Idempotency-Key: it must have 1 to 200"};
    struct world *w = *state;
    for (size_t i = 0; i < COUNT(bad); i++)
        then_problem(w, post_with_key(w, bad[i], "{}"), &row);
    then_nothing_has_changed(w);
    assert_int_equal(post_with_key(w, HUNDRED HUNDRED, "{}"), 200);
}

/* What was refused is not remembered: the same key may try again, right this time. */
static void test_a_refused_request_does_not_use_up_its_key(void **state)
{
    static const struct refusal row = {"POST", RUN, "{}", 422, "max_tokens", "0 is outside"};
    struct world *w = *state;
    then_problem(w, post_with_key(w, "key", "{\"max_tokens\": 0}"), &row);
    then_query(world_postgres(w), "SELECT count(*) FROM " RUNS, "0");
    assert_int_equal(post_with_key(w, "key", "{\"max_tokens\": 1}"), 200);
    await_run(w, world_value(w, "/run_id"), "completed");
    then_query(world_postgres(w), "SELECT max_tokens FROM " RUNS, "1");
}

/* ---- what is taken, to the last hundredth ---- */

#define COLUMNS                                                                                    \
    "min_price_change_pct, min_volume_usd, max_token_age_hours, early_window_minutes, "            \
    "min_profit_pct, max_tokens"
#define BODY(price, volume, age, window, profit, tokens)                                           \
    "{\"min_price_change_pct\": " price ", \"min_volume_usd\": " volume                            \
    ", \"max_token_age_hours\": " age ", \"early_window_minutes\": " window                        \
    ", \"min_profit_pct\": " profit ", \"max_tokens\": " tokens "}"

static const struct {
    const char *params, *row;
} taken[] = {
    {BODY("0", "0", "1", "1", "0", "1"), "0.00|0.00|1|1|0.00|1"},
    {BODY("0.0", "-0", "1.0", "1e0", "-0.0", "1.00"), "0.00|0.00|1|1|0.00|1"},
    {BODY("100000", "1000000000000", "8760", "1440", "100000", "10000"),
     "100000.00|1000000000000.00|8760|1440|100000.00|10000"},
    {BODY("100000.00", "1e12", "8.76e3", "1440.0", "1e5", "1e4"),
     "100000.00|1000000000000.00|8760|1440|100000.00|10000"},
    {BODY("99999.99", "999999999999.99", "8759", "1439", "99999.99", "9999"),
     "99999.99|999999999999.99|8759|1439|99999.99|9999"},
    {BODY("0.01", "0.01", "2", "2", "0.01", "2"), "0.01|0.01|2|2|0.01|2"},
    {BODY("0.29", "1234567890.07", "24", "59", "1.15", "33"), "0.29|1234567890.07|24|59|1.15|33"},
    {"{}", "100.00|50000.00|72|30|50.00|20"},
};

static void test_the_bounds_are_taken_and_stored_exactly(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < COUNT(taken); i++) {
        char sql[256];
        const char *id = when_run(w, taken[i].params);
        await_run(w, id, "completed");
        snprintf(sql, sizeof sql, "SELECT " COLUMNS " FROM " RUNS " WHERE id = '%s'", id);
        then_query(world_postgres(w), sql, taken[i].row);
    }
}

/* What is set over the API for a schedule is read back as it was written. */
static void test_the_bounds_are_taken_for_a_schedule(void **state)
{
    static const char *const names[] = {"min_price_change_pct", "min_volume_usd",
                                        "max_token_age_hours",  "early_window_minutes",
                                        "min_profit_pct",       "max_tokens"};
    static const char *const bounds[][6] = {
        {"0", "0", "1", "1", "0", "1"},
        {"100000", "1000000000000", "8760", "1440", "100000", "10000"},
        {"99999.99", "999999999999.99", "8759", "1439", "0.01", "9999"}};
    static const char *const hours[] = {"1", "8784", "0.5"};
    struct world *w = *state;
    for (size_t i = 0; i < COUNT(bounds); i++) {
        char body[512];
        snprintf(body, sizeof body,
                 "{\"schedule_hours\": %s, \"enabled\": false, \"params\": {\"%s\": %s, \"%s\": "
                 "%s, \"%s\": %s, \"%s\": %s, \"%s\": %s, \"%s\": %s}}",
                 hours[i], names[0], bounds[i][0], names[1], bounds[i][1], names[2], bounds[i][2],
                 names[3], bounds[i][3], names[4], bounds[i][4], names[5], bounds[i][5]);
        assert_int_equal(world_put(w, CONFIG, body), 200);
        then_get(w, CONFIG, "/schedule_hours", hours[i]);
        for (size_t k = 0; k < COUNT(names); k++) {
            char pointer[64];
            snprintf(pointer, sizeof pointer, "/params/%s", names[k]);
            then_get(w, CONFIG, pointer, bounds[i][k]);
        }
    }
}

static void test_names_are_taken_up_to_a_hundred_characters(void **state)
{
    static const char *const names[] = {"a",
                                        HUNDRED,
                                        HUNDRED_UMLAUTS,
                                        "Ada L. <ada@example.org>",
                                        "'; DROP TABLE discovery_runs; --",
                                        "\\N",
                                        "a|b"};
    struct world *w = *state;
    for (size_t i = 0; i < COUNT(names); i++) {
        char *body = NULL;
        json_t *form = json_pack("{s:s}", "triggered_by", names[i]);
        assert_non_null(form);
        body = json_dumps(form, 0);
        json_decref(form);
        const char *id = when_run(w, body);
        free(body);
        await_run(w, id, "completed");
        char sql[128];
        snprintf(sql, sizeof sql, "SELECT triggered_by FROM " RUNS " WHERE id = '%s'", id);
        then_query(world_postgres(w), sql, names[i]);
    }
}

static void test_a_body_of_64_kib_and_none_at_all_are_taken(void **state)
{
    struct world *w = *state;
    char *body = padded(BODY_MAX);
    await_run(w, when_run(w, body), "completed");
    free(body);
    then_query(world_postgres(w), "SELECT max_tokens FROM " RUNS, "5");
    await_run(w, when_run(w, NULL), "completed");
    static const char *const headers[] = {"Content-Type: application/json; charset=utf-8", NULL};
    const struct world_request request = {
        .method = "POST", .path = RUN, .body = "{}", .headers = headers};
    assert_int_equal(world_ask(w, &request), 200);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(test_each_parameter_has_its_range),
        STORY(test_a_parameter_is_a_number),
        STORY(test_all_bad_fields_are_listed_at_once),
        STORY(test_each_other_field_is_checked),
        STORY(test_the_schedule_is_changed_whole_or_not_at_all),
        STORY(test_without_a_schedule_there_is_none_to_change),
        STORY(test_a_body_is_one_json_object),
        STORY(test_a_body_is_not_nested_without_end),
        STORY(test_a_body_has_at_most_64_kib),
        STORY(test_a_body_in_pieces_has_at_most_64_kib),
        STORY(test_a_body_is_called_json),
        STORY(test_a_long_value_is_cut_in_the_message),
        STORY(test_a_wrong_method_is_told_the_right_ones),
        STORY(test_what_is_not_there_is_not_found),
        STORY(test_each_query_parameter_is_checked),
        STORY(test_all_bad_query_parameters_are_listed_at_once),
        STORY(test_a_repeated_key_starts_one_run),
        STORY(test_a_key_is_short_and_visible),
        STORY(test_a_refused_request_does_not_use_up_its_key),
        STORY(test_the_bounds_are_taken_and_stored_exactly),
        STORY(test_the_bounds_are_taken_for_a_schedule),
        STORY(test_names_are_taken_up_to_a_hundred_characters),
        STORY(test_a_body_of_64_kib_and_none_at_all_are_taken),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
