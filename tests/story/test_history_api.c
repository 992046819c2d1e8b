/* History by HTTP: what the program before this one answered, links from page to page, periods in
 * time zones, wallets and pairs of runs, live progress. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/postgres.h"
#include "support/world.h"

#define RUNS "walltrack.discovery_runs"
#define D "/api/discovery"

/* 100 runs, one every twelve hours until an hour ago; every tenth has failed. */
#define A_HISTORY                                                                                  \
    "INSERT INTO " RUNS " (id, started_at, completed_at, status, trigger_type, triggered_by, "     \
    "schedule, min_price_change_pct, min_volume_usd, max_token_age_hours, early_window_minutes, "  \
    "min_profit_pct, max_tokens, tokens_analyzed, new_wallets, updated_wallets, "                  \
    "profiled_wallets, duration_seconds, error_count) SELECT gen_random_uuid(), t, t, CASE WHEN "  \
    "i % 10 = 0 THEN 'failed' ELSE 'completed' END, 'api', 'a&b', 'default', 100, 50000, 72, 30, " \
    "50, 20, i, i * 2, i, i, i, i % 3 FROM (SELECT i, date_trunc('second', now()) - interval "     \
    "'1 hour' - (i - 1) * interval '12 hours' AS t FROM generate_series(1, 100) i) g"

/* ---- what clients of the program before rely on ---- */

static void then_refused(struct world *w, const char *path, int status, const char *detail)
{
    then_status(w, path, status);
    if (strstr(world_value(w, "/detail"), detail) == NULL)
        world_fail(w, __FILE__, __LINE__, "%s: no '%s' in %s", path, detail, world_text(w));
}

static void test_the_old_paths_and_statuses(void **state)
{
    struct world *w = *state;
    given_config(w, "{\"schedules\": [{\"name\": \"default\", \"every\": \"6h\"}]}");
    world_restart(w);
    await_plugin(w, "recorder", "live");
    const char *id = when_run(w, "{\"max_tokens\": 5}");
    assert_string_equal(world_value(w, "/status"), "started");
    await_run(w, id, "completed");
    assert_int_equal(world_post(w, D "/run", "{\"max_tokens\": \"five\"}"), 422);
    assert_int_equal(world_post(w, D "/run", "{\"max_tokens\": -1}"), 422);

    then_get(w, D "/runs", "/total", "1");
    then_get(w, D "/runs?page=1&page_size=10", "/has_more", "false");
    then_get(w, D "/stats", "/total_runs", "1");
    then_get(w, D "/stats", "/success_rate", "1");
    then_get(w, D "/config", "/schedule_hours", "6");
    then_refused(w, D "/runs?status=done", 400, "Invalid status");
    then_refused(w, D "/runs?trigger_type=cron", 400, "Invalid trigger type");
    then_refused(w, D "/runs?page=0", 422, "page");
    then_refused(w, D "/runs?page_size=101", 422, "page_size");
    then_refused(w, D "/runs?start_date=yesterday", 422, "start_date");
    then_refused(w, D "/runs/00000000-0000-7000-8000-000000000000", 404, "Run not found");
    then_refused(w, D "/runs/not-an-id", 404, "Run not found");
    assert_int_equal(world_put(w, D "/config", "{\"schedule_hours\": 0}"), 422);
    assert_int_equal(world_put(w, D "/config", "{\"schedule_hours\": 12}"), 200);
    then_get(w, D "/config", "/schedule_hours", "12");
}

/* ---- links ---- */

/* The target of a relation in the header Link, or false. */
static bool follow(struct world *w, const char *relation, char path[1024])
{
    char mark[32];
    const char *links = world_header(w, "Link");
    snprintf(mark, sizeof mark, ">; rel=\"%s\"", relation);
    const char *end = strstr(links, mark), *start = end;
    if (end == NULL)
        return false;
    while (start > links && start[-1] != '<')
        start--;
    snprintf(path, 1024, "%.*s", (int)(end - start), start);
    return true;
}

/* All ids from a page on, by its links. */
static void then_links_lead_through(struct world *w, const char *first, const char *sql)
{
    char path[1024], *ids = calloc(1, 64 * 1024);
    assert_non_null(ids);
    snprintf(path, sizeof path, "%s", first);
    do {
        then_status(w, path, 200);
        const json_t *run;
        size_t i;
        json_array_foreach (json_object_get(world_json(w), "runs"), i, run)
            strcat(strcat(ids, ids[0] != '\0' ? "\n" : ""),
                   json_string_value(json_object_get(run, "id")));
    } while (follow(w, "next", path));
    assert_string_equal(ids, postgres_query(world_postgres(w), sql));
    free(ids);
}

static void test_links_lead_through_the_history(void **state)
{
    struct world *w = *state;
    char path[1024];
    postgres_query(world_postgres(w), A_HISTORY);
    postgres_query(world_postgres(w),
                   "UPDATE " RUNS " SET started_at = date_trunc('week', started_at)");
    then_links_lead_through(w, D "/runs?page_size=7",
                            "SELECT id FROM " RUNS " ORDER BY started_at DESC, id DESC");
    then_links_lead_through(w, D "/runs?page_size=9&page=1&triggered_by=a%26b",
                            "SELECT id FROM " RUNS " ORDER BY started_at DESC, id DESC");
    then_links_lead_through(w, D "/runs?page_size=3&status=failed",
                            "SELECT id FROM " RUNS " WHERE status = 'failed' "
                            "ORDER BY started_at DESC, id DESC");
    then_status(w, D "/runs?page=4&page_size=10", 200);
    assert_true(follow(w, "prev", path));
    then_get(w, path, "/page", "3");
    assert_true(follow(w, "first", path));
    then_get(w, path, "/page", "1");
    assert_false(follow(w, "prev", path));
}

/* ---- periods ---- */

/* Each period begins and ends where PostgreSQL's calendar says, and counts what is between. */
static void then_periods_are(struct world *w, const char *period, const char *zone, int count)
{
    char path[256], sql[512], pointer[64];
    struct postgres *pg = world_postgres(w);
    for (int i = 0; i < count; i++) {
        snprintf(path, sizeof path, D "/trend?period=%s&timezone=%s&count=%d", period, zone, count);
        then_status(w, path, 200);
        snprintf(sql, sizeof sql,
                 "SELECT to_char(s AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), "
                 "(SELECT count(*) FROM " RUNS " WHERE started_at >= s AND started_at < e) FROM "
                 "(SELECT (d + (%d) * i) AT TIME ZONE '%s' AS s, (d + (%d) * i) AT TIME ZONE '%s' "
                 "AS e FROM (SELECT date_trunc('%s', now() AT TIME ZONE '%s') AS d, interval "
                 "'1 %s' AS i) x) y",
                 i - count + 1, zone, i - count + 2, zone, period, zone, period);
        char *row = strdup(postgres_query(pg, sql)), *runs = strchr(row, '|');
        *runs++ = '\0';
        snprintf(pointer, sizeof pointer, "/periods/%d/start", i);
        assert_string_equal(world_value(w, pointer), row);
        snprintf(pointer, sizeof pointer, "/periods/%d/total_runs", i);
        assert_string_equal(world_value(w, pointer), runs);
        snprintf(pointer, sizeof pointer, "/periods/%d/partial", i);
        assert_string_equal(world_value(w, pointer), i == count - 1 ? "true" : "false");
        free(row);
    }
}

static void test_periods_are_those_of_the_zone(void **state)
{
    struct world *w = *state;
    postgres_query(world_postgres(w), A_HISTORY);
    then_periods_are(w, "day", "UTC", 5);
    then_periods_are(w, "day", "Asia/Kolkata", 5);
    then_periods_are(w, "week", "America/New_York", 8);
    then_periods_are(w, "month", "Europe/Berlin", 3);
    then_get(w, D "/trend", "/periods/11/partial", "true");
    then_get(w, D "/trend", "/periods/12", "(absent)");
    then_get(w, D "/trend?status=failed&period=day&count=60", "/periods/0/total_runs", "0");
}

/* ---- wallets, and pairs of runs ---- */

static const char *when_found(struct world *w, const char *wallets)
{
    char script[1024];
    snprintf(script, sizeof script,
             "#!/bin/sh\nfor w in %s; do echo \"{\\\"event\\\":\\\"wallet\\\","
             "\\\"wallet_address\\\":\\\"$w\\\",\\\"source_token\\\":\\\"T\\\","
             "\\\"initial_score\\\":0.5}\"; done\n",
             wallets);
    given_engine(w, script);
    const char *id = when_run(w, "{}");
    await_run(w, id, "completed");
    return id;
}

static void test_a_wallet_and_its_runs(void **state)
{
    struct world *w = *state;
    char path[1024];
    const char *first = when_found(w, "W1 W2/x"), *second = when_found(w, "W2/x W3");
    then_get(w, D "/wallets/W2%2Fx", "/run_count", "2");
    then_get(w, D "/wallets/W2%2Fx", "/discoveries/0/run_id", second);
    then_get(w, D "/wallets/W2%2Fx", "/discoveries/1/run_id", first);
    then_get(w, D "/wallets/W2%2Fx?page_size=1", "/has_more", "true");
    assert_true(follow(w, "next", path));
    then_get(w, path, "/discoveries/0/run_id", first);
    then_status(w, D "/wallets/W9", 404);
    then_get(w, D "/runs?wallet=W3", "/total", "1");

    snprintf(path, sizeof path, D "/compare?a=%s&b=%s", first, second);
    then_get(w, path, "/only_a/wallets/0/wallet_address", "W1");
    then_get(w, path, "/only_b/wallets/0/wallet_address", "W3");
    then_get(w, path, "/both/wallets/0/wallet_address", "W2/x");
    then_get(w, path, "/both/count", "1");
}

/* ---- progress ---- */

static bool has_rate(struct world *w, void *arg)
{
    return world_get(w, arg) == 200 && strtod(world_value(w, "/progress/rate"), NULL) > 0;
}

static void test_a_run_says_when_it_will_be_done(void **state)
{
    struct world *w = *state;
    char path[128];
    given_engine(w, "#!/bin/sh\ni=0\n"
                    "until [ -e $(dirname \"$0\")/go ]; do i=$((i + 1)); "
                    "echo \"{\\\"event\\\":\\\"progress\\\",\\\"done\\\":$i,\\\"total\\\":1000000,"
                    "\\\"stage\\\":\\\"reading\\\"}\"; sleep 0.02; done\n");
    snprintf(path, sizeof path, D "/runs/%s", when_run(w, "{}"));
    await(w, "a rate of progress", has_rate, path);
    double rate = strtod(world_value(w, "/progress/rate"), NULL);
    double left = strtod(world_value(w, "/progress/seconds_left"), NULL);
    double done = strtod(world_value(w, "/progress/done"), NULL);
    assert_true(rate > 1 && rate < 100);
    assert_float_equal((left * rate + done), 1000000, 1);
    world_touch(w, "go");
    await_get(w, path, "/status", "completed");
    then_get(w, path, "/progress", "(absent)");
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(test_the_old_paths_and_statuses),      STORY(test_links_lead_through_the_history),
        STORY(test_periods_are_those_of_the_zone),   STORY(test_a_wallet_and_its_runs),
        STORY(test_a_run_says_when_it_will_be_done),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
