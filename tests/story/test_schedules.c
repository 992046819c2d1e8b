/* Schedules: what is due, what is done about it, and what is remembered of it. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "support/postgres.h"
#include "support/world.h"

#define RUNS "walltrack.discovery_runs"
#define SLOTS "walltrack.discovery_slots"
#define CONFIG "/api/discovery/config"
#define COUNT(table) (sizeof(table) / sizeof(table)[0])

#define WAITS_FOR_GO "#!/bin/sh\nuntil [ -e $(dirname \"$0\")/go ]; do sleep 0.01; done\n"

/* ---- what is given, what is expected ---- */

/* A world that is not started yet. */
static int setup(void **state)
{
    struct postgres *pg = *state;
    if (!postgres_is_running(pg)) /* a test that failed may have left it stopped */
        postgres_start(pg);
    postgres_fresh_database(pg);
    const struct world_options options = {.pg = pg};
    *state = world_new(&options);
    return 0;
}

static void start_with(struct world *w, const char *keys)
{
    char patch[512];
    snprintf(patch, sizeof patch, "{\"schedules\": [{\"name\": \"often\", %s}]}", keys);
    given_config(w, patch);
    world_start(w);
    await_plugin(w, "recorder", "live");
}

static bool is_true(struct world *w, void *sql)
{
    return strcmp(postgres_try(world_postgres(w), sql), "t") == 0; /* no table yet: not yet */
}

/* Until the query gives true; otherwise the host's log is shown. */
#define await_sql(w, sql) await_sql_at((w), (sql), __LINE__)
static void await_sql_at(struct world *w, const char *sql, int line)
{
    await_at(w, sql, is_true, (void *)sql, WORLD_MS, __FILE__, line);
}

#define await_slots(w, outcome, count) await_slots_at((w), (outcome), (count), __LINE__)
static void await_slots_at(struct world *w, const char *outcome, int count, int line)
{
    char sql[256];
    snprintf(sql, sizeof sql, "SELECT count(*) >= %d FROM " SLOTS " WHERE outcome = '%s'", count,
             outcome);
    await_sql_at(w, sql, line);
}

/* Waits until all that was journalled is recorded. */
static bool nothing_waits(struct world *w, void *arg)
{
    (void)arg;
    return world_get(w, "/api/plugins") == 200 &&
           strcmp(world_value(w, "/plugins/0/lag"), "0") == 0;
}

static bool no_schedule(struct world *w, void *arg)
{
    (void)arg;
    return world_get(w, CONFIG) == 409;
}

/* From here on nothing is due any more, and what was is in the database. */
static void when_the_schedule_is_taken_away(struct world *w)
{
    given_config(w, "{\"schedules\": []}");
    world_signal(w, SIGHUP);
    await(w, "the schedule to go", no_schedule, NULL);
    await_get(w, "/health", "/runs/running", "0");
    await(w, "the recorder to catch up", nothing_waits, NULL);
}

/* Slots are whole multiples of the interval since 1970, every one between the first and the last is
 * there, and each is there once. */
static void then_no_slot_is_missing(struct world *w, int seconds)
{
    char sql[512];
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM (SELECT schedule FROM " SLOTS " GROUP BY schedule HAVING NOT "
             "(bool_and(extract(epoch FROM due)::numeric %% %d = 0) AND count(*) = "
             "count(DISTINCT due) AND extract(epoch FROM max(due) - min(due)) = (count(*) - 1) * "
             "%d)) s",
             seconds, seconds);
    then_query(world_postgres(w), sql, "0");
    then_query(world_postgres(w), "SELECT count(*) > 0 FROM " SLOTS, "t");
}

/* A slot that fired has the run that is of it; every other one has none, and says why. */
static void then_slots_and_runs_agree(struct world *w)
{
    struct postgres *pg = world_postgres(w);
    then_query(pg,
               "SELECT count(*) FROM " SLOTS " s FULL JOIN (SELECT * FROM " RUNS
               " WHERE trigger_type = 'scheduled') r ON r.id = s.run_id AND r.schedule = "
               "s.schedule WHERE (s.outcome = 'fired') "
               "IS DISTINCT FROM (r.slot_at = s.due) AND (s.outcome = 'fired' OR r.id IS NOT NULL)",
               "0");
    then_query(pg,
               "SELECT count(*) FROM " SLOTS " WHERE outcome <> 'fired' AND (run_id IS NOT NULL OR "
               "reason IS NULL)",
               "0");
    then_query(pg,
               "SELECT count(*) FROM " RUNS " WHERE trigger_type = 'scheduled' AND NOT (schedule = "
               "triggered_by AND slot_at <= started_at)",
               "0");
}

/* ---- while the host runs ---- */

static void test_every_fires_on_its_slots(void **state)
{
    struct world *w = *state;
    start_with(w, "\"every\": \"2s\", \"params\": {\"max_tokens\": 7}");
    await_slots(w, "fired", 2);
    when_the_schedule_is_taken_away(w);

    then_no_slot_is_missing(w, 2);
    then_slots_and_runs_agree(w);
    then_query(
        world_postgres(w),
        "SELECT bool_and(started_at < slot_at + interval '2 s' AND max_tokens = 7 AND status "
        "= 'completed') FROM " RUNS,
        "t");
    then_query(world_postgres(w),
               "SELECT bool_and(reason IS NULL) FROM " SLOTS " WHERE outcome = 'fired'", "t");
}

static void test_a_run_that_is_still_going_skips_slots(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    given_engine(w, WAITS_FOR_GO);
    start_with(w, "\"every\": \"1s\"");
    await_slots(w, "overlap", 1);
    then_query(pg, "SELECT count(*) FROM " RUNS, "1");
    then_query(pg, "SELECT count(*) FROM " SLOTS " WHERE outcome = 'fired'", "1");
    then_query(pg, "SELECT DISTINCT reason FROM " SLOTS " WHERE outcome = 'overlap'",
               "the run before was still going");
    world_touch(w, "go");
    await_slots(w, "fired", 2);
    when_the_schedule_is_taken_away(w);
    then_no_slot_is_missing(w, 1);
    then_slots_and_runs_agree(w);
}

/* A run by hand is not the schedule's own, and does not hold it up. */
static void test_a_run_by_hand_skips_no_slot(void **state)
{
    struct world *w = *state;
    given_engine(w, "#!/bin/sh\nread -r request\ncase $request in\n*manual*) until [ -e $(dirname "
                    "\"$0\")/go ]; do sleep 0.01; done ;;\nesac\n");
    start_with(w, "\"every\": \"1s\"");
    const char *by_hand = when_run(w, NULL);
    char sql[256];
    snprintf(sql, sizeof sql,
             "SELECT count(*) >= 2 FROM " RUNS " WHERE status = 'completed' AND started_at > "
             "(SELECT started_at FROM " RUNS " WHERE id = '%s')",
             by_hand);
    await_sql(w, sql);
    await_run(w, by_hand, "running");
    world_touch(w, "go");
    when_the_schedule_is_taken_away(w);
    then_no_slot_is_missing(w, 1);
    then_slots_and_runs_agree(w);
}

static void test_runs_may_overlap_up_to_the_limit(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    given_engine(w, WAITS_FOR_GO);
    given_config(w, "{\"max_concurrent_runs\": 2}");
    start_with(w, "\"every\": \"1s\", \"overlap\": \"allow\"");
    await_slots(w, "limit", 1);
    then_get(w, "/health", "/runs/running", "2");
    then_query(pg, "SELECT DISTINCT outcome, reason FROM " SLOTS " ORDER BY outcome",
               "fired|\nlimit|2 runs are going, which is the limit (max_concurrent_runs)");
    then_query(pg, "SELECT count(*) FROM " RUNS " WHERE status = 'running'", "2");
    world_touch(w, "go");
    await_slots(w, "fired", 3);
    when_the_schedule_is_taken_away(w);
    then_no_slot_is_missing(w, 1);
    then_slots_and_runs_agree(w);
}

static void test_a_schedule_that_is_not_enabled_records_paused(void **state)
{
    struct world *w = *state;
    start_with(w, "\"every\": \"1s\", \"enabled\": false");
    await_slots(w, "paused", 2);
    then_get(w, CONFIG, "/enabled", "false");
    then_get(w, CONFIG, "/next_run_at", "null");
    then_get(w, CONFIG, "/last_run_at", "null");
    when_the_schedule_is_taken_away(w);
    then_no_slot_is_missing(w, 1);
    then_query(world_postgres(w), "SELECT DISTINCT outcome, reason FROM " SLOTS,
               "paused|the schedule was paused");
    then_query(world_postgres(w), "SELECT count(*) FROM " RUNS, "0");
}

/* ---- changes ---- */

static void test_the_api_pauses_and_resumes(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    start_with(w, "\"every\": \"1s\"");
    await_slots(w, "fired", 1);
    assert_int_equal(world_put(w, CONFIG, "{\"enabled\": false}"), 200);
    assert_string_equal(world_value(w, "/enabled"), "false");
    assert_string_equal(world_value(w, "/next_run_at"), "null");
    assert_string_not_equal(world_value(w, "/last_run_at"), "null");
    await_slots(w, "paused", 1);
    assert_int_equal(world_put(w, CONFIG, "{\"enabled\": true}"), 200);
    assert_string_not_equal(world_value(w, "/next_run_at"), "null");
    await_sql(w, "SELECT count(*) > 0 FROM " SLOTS " WHERE outcome = 'fired' AND due > (SELECT "
                 "max(due) FROM " SLOTS " WHERE outcome = 'paused')");
    when_the_schedule_is_taken_away(w);
    then_no_slot_is_missing(w, 1);
    then_slots_and_runs_agree(w);
    /* All that was not run lies together. */
    then_query(pg,
               "SELECT count(*) FROM " SLOTS " WHERE outcome = 'fired' AND due BETWEEN (SELECT "
               "min(due) FROM " SLOTS " WHERE outcome = 'paused') AND (SELECT max(due) FROM " SLOTS
               " WHERE outcome = 'paused')",
               "0");
}

static void test_the_api_changes_interval_and_parameters(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    start_with(w, "\"every\": \"366d\", \"params\": {\"max_tokens\": 7, \"min_profit_pct\": 1}");
    then_get(w, CONFIG, "/schedule_hours", "8784");
    then_get(w, CONFIG, "/params/max_tokens", "7");
    assert_int_equal(
        world_put(w, CONFIG,
                  "{\"schedule_hours\": 0.000555555555555556, \"profile_immediately\": "
                  "false, \"params\": {\"max_tokens\": 9}}"),
        200);
    assert_string_equal(world_value(w, "/params/max_tokens"), "9");
    assert_string_equal(world_value(w, "/params/min_profit_pct"), "1");
    await_slots(w, "fired", 2);
    when_the_schedule_is_taken_away(w);
    then_no_slot_is_missing(w, 2);
    then_slots_and_runs_agree(w);
    then_query(pg,
               "SELECT DISTINCT max_tokens, min_profit_pct, min_volume_usd, profile_immediately "
               "FROM " RUNS,
               "9|1.00|50000.00|f");
}

#define A_CHANGE                                                                                   \
    "{\"schedule_hours\": 6, \"profile_immediately\": false, \"params\": {\"max_tokens\": 9, "     \
    "\"min_volume_usd\": 0.01}}"

static void then_changed(struct world *w)
{
    then_get(w, CONFIG, "/schedule_hours", "6");
    then_get(w, CONFIG, "/profile_immediately", "false");
    then_get(w, CONFIG, "/params/max_tokens", "9");
    then_get(w, CONFIG, "/params/min_volume_usd", "0.01");
    then_get(w, CONFIG, "/params/min_profit_pct", "1");
}

static void test_a_change_outlives_the_host(void **state)
{
    struct world *w = *state;
    start_with(w, "\"every\": \"1d\", \"params\": {\"max_tokens\": 7, \"min_profit_pct\": 1}");
    assert_int_equal(world_put(w, CONFIG, A_CHANGE), 200);
    then_changed(w);
    world_restart(w);
    then_changed(w);
    world_kill(w); /* what was answered is on the disk */
    world_start(w);
    then_changed(w);
    /* An edit of something else leaves it. */
    given_config(w, "{\"max_concurrent_runs\": 3}");
    world_signal(w, SIGHUP);
    await_log(w, "was read again");
    then_changed(w);
    /* A second change keeps what it does not name of the first. */
    assert_int_equal(world_put(w, CONFIG, "{\"enabled\": false}"), 200);
    then_changed(w);
    then_get(w, CONFIG, "/enabled", "false");
}

static void test_a_change_yields_to_an_edit_of_the_file(void **state)
{
    struct world *w = *state;
    start_with(w, "\"every\": \"1d\", \"params\": {\"max_tokens\": 7}");
    assert_int_equal(world_put(w, CONFIG, A_CHANGE), 200);
    given_config(w, "{\"schedules\": [{\"name\": \"often\", \"every\": \"1d\", \"params\": "
                    "{\"max_tokens\": 8}}]}");
    world_signal(w, SIGHUP);
    await_get(w, CONFIG, "/params/max_tokens", "8");
    then_get(w, CONFIG, "/schedule_hours", "24");
    then_get(w, CONFIG, "/profile_immediately", "true");
    then_get(w, CONFIG, "/params/min_volume_usd", "50000");
    await_log(w, "back to the configuration file");

    /* The same while the host is down. */
    assert_int_equal(world_put(w, CONFIG, "{\"enabled\": false}"), 200);
    world_stop(w);
    given_config(w, "{\"schedules\": [{\"name\": \"often\", \"every\": \"2d\"}]}");
    world_start(w);
    then_get(w, CONFIG, "/enabled", "true");
    then_get(w, CONFIG, "/schedule_hours", "48");
    /* And going back to the former text does not bring the change back. */
    given_config(w, "{\"schedules\": [{\"name\": \"often\", \"every\": \"1d\", \"params\": "
                    "{\"max_tokens\": 8}}]}");
    world_restart(w);
    then_get(w, CONFIG, "/enabled", "true");
    then_get(w, CONFIG, "/schedule_hours", "24");
}

/* A file that is wrong changes nothing. */
static void test_a_bad_file_leaves_the_schedule_in_force(void **state)
{
    struct world *w = *state;
    start_with(w, "\"every\": \"1s\", \"overlap\": \"allow\", \"params\": {\"max_tokens\": 7}");
    await_slots(w, "fired", 1);
    given_config(w, "{\"schedules\": [{\"name\": \"often\", \"every\": \"0s\"}]}");
    world_signal(w, SIGHUP);
    await_log(w, "schedules[0].every");
    char sql[256];
    snprintf(sql, sizeof sql, "SELECT count(*) > %s FROM " SLOTS " WHERE outcome = 'fired'",
             postgres_query(world_postgres(w), "SELECT count(*) + 1 FROM " SLOTS));
    await_sql(w, sql);
    when_the_schedule_is_taken_away(w);
    then_no_slot_is_missing(w, 1);
    then_query(world_postgres(w), "SELECT DISTINCT max_tokens FROM " RUNS, "7");
}

/* ---- downtime ---- */

/* Until so many slots after the last recorded one have passed. */
static void await_missed(struct world *w, int seconds)
{
    char sql[160];
    snprintf(sql, sizeof sql, "SELECT clock_timestamp() > max(due) + interval '%d s' FROM " SLOTS,
             seconds);
    await_sql(w, sql);
}

#define MADE_UP "left(reason, 13) = 'made up for, '"

/* The missed slots of a schedule: the newest has fired, late, and the ones before are recorded. */
static void then_the_newest_was_made_up_for(struct world *w, const char *schedule)
{
    struct postgres *pg = world_postgres(w);
    char sql[1024];
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM " SLOTS
             " WHERE schedule = '%s' AND outcome = 'fired' AND " MADE_UP,
             schedule);
    then_query(pg, sql, "1");
    snprintf(
        sql, sizeof sql,
        "WITH s AS (SELECT *, min(due) FILTER (WHERE " MADE_UP ") OVER () AS made_up, min(due) "
        "FILTER (WHERE outcome = 'host_down') OVER () AS first FROM " SLOTS
        " WHERE schedule = '%s') SELECT count(*) FILTER (WHERE outcome = 'host_down') >= 2, "
        "bool_and(due < made_up AND reason = 'it passed while the host was not running') FILTER "
        "(WHERE outcome = 'host_down'), bool_and(outcome = 'host_down') FILTER (WHERE due >= "
        "first AND due < made_up) FROM s",
        schedule);
    then_query(pg, sql, "t|t|t");
    /* It was the newest when the host came back. */
    then_query(pg,
               "SELECT bool_and(started_at >= slot_at AND started_at < slot_at + interval '1 s') "
               "FROM " RUNS " WHERE id IN (SELECT run_id FROM " SLOTS " WHERE " MADE_UP ")",
               "t");
}

/* Three schedules that differ in what becomes of the slots that pass while the host is down. */
#define THREE                                                                                      \
    "{\"schedules\": [{\"name\": \"often\", \"every\": \"1s\"}, {\"name\": \"none\", \"every\": "  \
    "\"1s\", \"catch_up\": \"none\"}, {\"name\": \"paused\", \"every\": \"1s\", \"enabled\": "     \
    "false}]}"

static void test_what_is_missed_while_the_host_is_down(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    given_config(w, THREE);
    world_start(w);
    await_slots(w, "fired", 2);
    world_stop(w);
    await_missed(w, 4);
    world_start(w);
    await_slots(w, "fired", 4);
    when_the_schedule_is_taken_away(w);
    then_no_slot_is_missing(w, 1);
    then_slots_and_runs_agree(w);
    then_the_newest_was_made_up_for(w, "often");

    then_query(
        pg,
        "SELECT count(*) FILTER (WHERE " MADE_UP "), count(*) FILTER (WHERE outcome = "
        "'host_down') >= 3, count(*) FILTER (WHERE outcome = 'fired') >= 1, min(reason) FROM " SLOTS
        " WHERE schedule = 'none'",
        "0|t|t|it passed while the host was not running");
    /* Paused slots are not made up for. */
    then_query(pg, "SELECT DISTINCT outcome, reason FROM " SLOTS " WHERE schedule = 'paused'",
               "paused|the schedule was paused");
}

/* After a crash it is the same, with a run going: it is closed, and its slot is not fired again. */
static void test_after_a_kill_the_latest_slot_is_made_up_for(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    given_engine(w, WAITS_FOR_GO);
    start_with(w, "\"every\": \"1s\", \"catch_up\": \"latest\"");
    await_sql(w, "SELECT count(*) = 1 FROM " RUNS " WHERE status = 'running'");
    await_slots(w, "fired", 1);
    world_kill(w);
    given_engine(w, "#!/bin/sh\nexit 0\n");
    await_missed(w, 4);
    world_start(w);
    await_slots(w, "fired", 2);
    when_the_schedule_is_taken_away(w);
    then_the_newest_was_made_up_for(w, "often");
    then_no_slot_is_missing(w, 1);
    then_slots_and_runs_agree(w);
    then_query(pg, "SELECT status FROM " RUNS " ORDER BY slot_at LIMIT 1", "failed");
}

static void test_a_restart_does_not_move_slots(void **state)
{
    struct world *w = *state;
    start_with(w, "\"every\": \"366d\"");
    const char *next = postgres_query(
        world_postgres(w), "SELECT to_char(to_timestamp((floor(extract(epoch FROM now()) / "
                           "31622400) + 1) * 31622400) AT TIME ZONE 'UTC', "
                           "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')");
    then_get(w, CONFIG, "/next_run_at", next);
    world_restart(w);
    then_get(w, CONFIG, "/next_run_at", next);
    world_kill(w);
    world_start(w);
    then_get(w, CONFIG, "/next_run_at", next);
    then_query(world_postgres(w), "SELECT count(*) FROM " SLOTS, "0");

    /* Nor with slots in between, however often it restarts. */
    world_stop(w);
    start_with(w, "\"every\": \"2s\"");
    for (int i = 0; i < 2; i++) {
        await_slots(w, "fired", i + 1);
        world_restart(w);
    }
    await_slots(w, "fired", 3);
    when_the_schedule_is_taken_away(w);
    then_no_slot_is_missing(w, 2);
    then_slots_and_runs_agree(w);
}

/* A new interval has other slots: none of them was missed. */
static void test_a_new_interval_begins_with_its_next_slot(void **state)
{
    struct world *w = *state;
    start_with(w, "\"every\": \"1d\"");
    world_stop(w);
    given_config(w, "{\"schedules\": [{\"name\": \"often\", \"every\": \"1s\"}]}");
    world_start(w);
    await_plugin(w, "recorder", "live");
    await_slots(w, "fired", 2);
    when_the_schedule_is_taken_away(w);
    then_no_slot_is_missing(w, 1);
    then_query(world_postgres(w), "SELECT DISTINCT outcome, reason IS NULL FROM " SLOTS, "fired|t");
}

static bool another_has_fired(struct world *w, void *last)
{
    return world_get(w, CONFIG) == 200 && strcmp(world_value(w, "/last_run_at"), last) != 0;
}

/* While the database is away schedules go on, and the slots are recorded when it is back. */
static void test_slots_outlast_an_outage_of_the_database(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    start_with(w, "\"every\": \"1s\"");
    await_slots(w, "fired", 1);
    postgres_stop(pg, POSTGRES_FAST);
    then_status(w, CONFIG, 200);
    const char *last = world_value(w, "/last_run_at");
    await(w, "a slot to fire", another_has_fired, (void *)last);
    postgres_start(pg);
    await_slots(w, "fired", 2);
    when_the_schedule_is_taken_away(w);
    then_no_slot_is_missing(w, 1);
    then_slots_and_runs_agree(w);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(test_every_fires_on_its_slots),
        STORY(test_a_run_that_is_still_going_skips_slots),
        STORY(test_a_run_by_hand_skips_no_slot),
        STORY(test_runs_may_overlap_up_to_the_limit),
        STORY(test_a_schedule_that_is_not_enabled_records_paused),
        STORY(test_the_api_pauses_and_resumes),
        STORY(test_the_api_changes_interval_and_parameters),
        STORY(test_a_change_outlives_the_host),
        STORY(test_a_change_yields_to_an_edit_of_the_file),
        STORY(test_a_bad_file_leaves_the_schedule_in_force),
        STORY(test_what_is_missed_while_the_host_is_down),
        STORY(test_after_a_kill_the_latest_slot_is_made_up_for),
        STORY(test_a_restart_does_not_move_slots),
        STORY(test_a_new_interval_begins_with_its_next_slot),
        STORY(test_slots_outlast_an_outage_of_the_database),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
