/* History by date range with pages and summary, and statistics, against plain SQL. */
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

/* 120 runs, one every six hours until an hour ago: ten a status pattern of seven completed, one
 * failed, one cancelled and one that is still running, with counts and durations that differ. */
#define A_HISTORY                                                                                  \
    "INSERT INTO " RUNS " (id, started_at, completed_at, status, trigger_type, triggered_by, "     \
    "schedule, min_price_change_pct, min_volume_usd, max_token_age_hours, early_window_minutes, "  \
    "min_profit_pct, max_tokens, tokens_analyzed, new_wallets, updated_wallets, "                  \
    "profiled_wallets, duration_seconds, error_count) "                                            \
    "SELECT gen_random_uuid(), t, CASE WHEN s = 'running' THEN NULL ELSE t + i * interval '1 s' "  \
    "END, s, (ARRAY['manual', 'scheduled', 'api'])[1 + i % 3], 'somebody', CASE WHEN i % 3 = 1 "   \
    "THEN 'default' END, 100, 50000, 72, 30, 50, 20, i, i * 2, i, i, CASE WHEN s = 'running' "     \
    "THEN NULL ELSE i END, 0 FROM (SELECT i, date_trunc('second', now()) - interval '1 hour' - "   \
    "(i - 1) * interval '6 hours' AS t, CASE WHEN i % 10 < 7 THEN 'completed' WHEN i % 10 = 7 "    \
    "THEN 'failed' WHEN i % 10 = 8 THEN 'cancelled' ELSE 'running' END AS s "                      \
    "FROM generate_series(1, 120) i) g"

/* The API's figure at `pointer` of `path` is what `sql` says, as numbers. */
static void then_agrees(struct world *w, const char *path, const char *pointer, const char *sql)
{
    assert_int_equal(world_get(w, path), 200);
    const char *told = world_value(w, pointer);
    const char *right = postgres_query(world_postgres(w), sql);
    bool same = strcmp(told, "null") == 0 ? right[0] == '\0'
                                          : strtod(told, NULL) - strtod(right, NULL) < 1e-6 &&
                                                strtod(right, NULL) - strtod(told, NULL) < 1e-6;
    if (!same)
        world_fail(w, __FILE__, __LINE__, "%s %s is %s, by plain SQL %s", path, pointer, told,
                   right);
}

static void test_no_runs_give_zeros_and_nulls(void **state)
{
    struct world *w = *state;
    static const char *const zeros[] = {"/total_runs",
                                        "/successful_runs",
                                        "/failed_runs",
                                        "/cancelled_runs",
                                        "/running_runs",
                                        "/success_rate",
                                        "/total_wallets_discovered",
                                        "/total_wallets_updated"};
    static const char *const nulls[] = {"/avg_wallets_per_run", "/avg_duration_seconds",
                                        "/last_run_at", "/trend/change/runs"};
    for (size_t i = 0; i < sizeof zeros / sizeof zeros[0]; i++)
        then_get(w, "/api/discovery/stats", zeros[i], "0");
    for (size_t i = 0; i < sizeof nulls / sizeof nulls[0]; i++)
        then_get(w, "/api/discovery/stats", nulls[i], "null");
    then_get(w, "/api/discovery/runs", "/total", "0");
    then_get(w, "/api/discovery/runs", "/runs/0", "(absent)");
    then_get(w, "/api/discovery/runs", "/has_more", "false");
    then_get(w, "/api/discovery/runs", "/next_cursor", "null");
    then_get(w, "/api/discovery/runs", "/summary/total_runs", "0");
}

#define FINISHED "status IN ('completed', 'failed', 'cancelled')"

static void test_statistics_are_what_plain_sql_says(void **state)
{
    struct world *w = *state;
    static const char all[] = "/api/discovery/stats";
    postgres_query(world_postgres(w), A_HISTORY);
    then_agrees(w, all, "/total_runs", "SELECT count(*) FROM " RUNS);
    then_agrees(w, all, "/successful_runs",
                "SELECT count(*) FROM " RUNS " WHERE status = 'completed'");
    then_agrees(w, all, "/running_runs", "SELECT count(*) FROM " RUNS " WHERE status = 'running'");
    then_agrees(w, all, "/success_rate",
                "SELECT avg((status = 'completed')::int) FROM " RUNS " WHERE " FINISHED);
    then_agrees(w, all, "/total_wallets_discovered", "SELECT sum(new_wallets) FROM " RUNS);
    then_agrees(w, all, "/total_wallets_updated", "SELECT sum(updated_wallets) FROM " RUNS);
    then_agrees(w, all, "/avg_wallets_per_run",
                "SELECT avg(new_wallets + updated_wallets) FROM " RUNS " WHERE " FINISHED);
    then_agrees(w, all, "/avg_duration_seconds",
                "SELECT avg(duration_seconds) FROM " RUNS " WHERE " FINISHED);
}

static void test_week_over_week_is_what_plain_sql_says(void **state)
{
    struct world *w = *state;
    static const char all[] = "/api/discovery/stats";
    postgres_query(world_postgres(w), A_HISTORY);
    then_agrees(w, all, "/trend/current/total_runs",
                "SELECT count(*) FROM " RUNS " WHERE started_at >= now() - interval '7 days'");
    then_agrees(w, all, "/trend/previous/total_runs",
                "SELECT count(*) FROM " RUNS " WHERE started_at >= now() - interval '14 days' AND "
                "started_at < now() - interval '7 days'");
    then_agrees(
        w, all, "/trend/change/wallets_discovered",
        "SELECT (c - p) / p FROM (SELECT sum(new_wallets) FILTER (WHERE started_at >= "
        "now() - interval '7 days')::float8 AS c, sum(new_wallets) FILTER (WHERE started_at "
        "< now() - interval '7 days')::float8 AS p FROM " RUNS
        " WHERE started_at >= now() - interval '14 days') x");
}

static void test_a_range_of_dates(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    char path[256], sql[512], day[16];
    postgres_query(pg, A_HISTORY);
    snprintf(day, sizeof day, "%s",
             postgres_query(pg, "SELECT ((now() AT TIME ZONE 'UTC')::date - 10)::text"));

    /* A date means the whole day: these are two days. */
    snprintf(path, sizeof path, "/api/discovery/runs?start_date=%s&end_date=%s&page_size=100", day,
             postgres_query(pg, "SELECT ((now() AT TIME ZONE 'UTC')::date - 9)::text"));
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM " RUNS " WHERE started_at >= '%s 00:00Z' AND started_at < "
             "'%s 00:00Z'::timestamptz + interval '2 days'",
             day, day);
    then_agrees(w, path, "/total", sql);
    then_agrees(w, path, "/summary/total_runs", sql);
    then_get(w, path, "/total", "8");

    /* The same days begin elsewhere at another time. */
    snprintf(path, sizeof path,
             "/api/discovery/runs?start_date=%s&end_date=%s&timezone=Asia/Tokyo&page_size=100", day,
             day);
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM " RUNS " WHERE started_at >= '%s 00:00 Asia/Tokyo' AND "
             "started_at < '%s 00:00 Asia/Tokyo'::timestamptz + interval '1 day'",
             day, day);
    then_agrees(w, path, "/total", sql);

    snprintf(path, sizeof path, "/api/discovery/runs?start_date=%sT06:00:00Z&end_date=%sT06:00:01Z",
             day, day);
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM " RUNS " WHERE started_at >= '%sT06:00:00Z' AND started_at < "
             "'%sT06:00:01Z'",
             day, day);
    then_agrees(w, path, "/total", sql);
}

static void test_filters_combine_and_the_summary_is_of_the_same(void **state)
{
    struct world *w = *state;
    static const char path[] =
        "/api/discovery/runs?status=completed&trigger_type=scheduled&schedule=default&page_size=5";
#define MATCH " FROM " RUNS " WHERE status = 'completed' AND trigger_type = 'scheduled'"
    postgres_query(world_postgres(w), A_HISTORY);
    then_agrees(w, path, "/total", "SELECT count(*)" MATCH);
    then_agrees(w, path, "/summary/total_runs", "SELECT count(*)" MATCH);
    then_agrees(w, path, "/summary/success_rate", "SELECT 1");
    then_agrees(w, path, "/summary/total_wallets_discovered", "SELECT sum(new_wallets)" MATCH);
    then_get(w, path, "/has_more", "true");
    then_get(w, path, "/runs/5", "(absent)");
    then_status(w, "/api/discovery/runs?status=done", 400);
    assert_non_null(strstr(world_text(w), "Invalid status"));
}

/* Follows the cursors from page to page and returns all ids, newest first. */
static char *walk(struct world *w, const char *filter)
{
    char *ids = calloc(1, 64 * 1024), path[512], cursor[256] = "";
    assert_non_null(ids);
    for (int page = 0; page < 100; page++) {
        snprintf(path, sizeof path, "/api/discovery/runs?page_size=7%s%s%s", filter,
                 cursor[0] != '\0' ? "&cursor=" : "", cursor);
        assert_int_equal(world_get(w, path), 200);
        for (int i = 0; i < 7; i++) {
            char pointer[32];
            snprintf(pointer, sizeof pointer, "/runs/%d/id", i);
            const char *id = world_value(w, pointer);
            if (strcmp(id, "(absent)") != 0)
                strcat(strcat(ids, ids[0] != '\0' ? "\n" : ""), id);
        }
        snprintf(cursor, sizeof cursor, "%s", world_value(w, "/next_cursor"));
        if (strcmp(world_value(w, "/has_more"), "true") != 0)
            return ids;
    }
    fail_msg("the pages do not end");
    return ids;
}

static void test_pages_neither_skip_nor_repeat(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    postgres_query(pg, A_HISTORY);
    /* Ties: a third of the runs get the start of another. */
    postgres_query(pg, "UPDATE " RUNS " SET started_at = date_trunc('day', started_at)");

    char *ids = walk(w, "");
    assert_string_equal(
        ids, postgres_query(pg, "SELECT id FROM " RUNS " ORDER BY started_at DESC, id DESC"));
    free(ids);
    ids = walk(w, "&status=failed");
    assert_string_equal(ids, postgres_query(pg, "SELECT id FROM " RUNS " WHERE status = 'failed' "
                                                "ORDER BY started_at DESC, id DESC"));
    free(ids);

    then_get(w, "/api/discovery/runs?page=3&page_size=50", "/page", "3");
    then_get(w, "/api/discovery/runs?page=3&page_size=50", "/has_more", "false");
    then_get(w, "/api/discovery/runs?page=3&page_size=50", "/runs/19/id",
             postgres_query(pg, "SELECT id FROM " RUNS " ORDER BY started_at, id LIMIT 1"));
    then_get(w, "/api/discovery/runs?page=3&page_size=50", "/runs/20", "(absent)");
    then_get(w, "/api/discovery/runs?page=9&page_size=50", "/total", "120");
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(test_no_runs_give_zeros_and_nulls),
        STORY(test_statistics_are_what_plain_sql_says),
        STORY(test_week_over_week_is_what_plain_sql_says),
        STORY(test_a_range_of_dates),
        STORY(test_filters_combine_and_the_summary_is_of_the_same),
        STORY(test_pages_neither_skip_nor_repeat),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
