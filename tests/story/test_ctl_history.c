/* The command line's questions across runs, on a real host and database: every figure is what plain
 * SQL says. */
#include "ctl_command.h"

#include <sys/stat.h>

#define RUNS "walltrack.discovery_runs"
#define WALLETS "walltrack.discovery_run_wallets"
#define COUNT(table) (sizeof(table) / sizeof(table)[0])

#define ID(n) "01980000-0000-7000-8000-00000000000" n

/* A run every twelve hours back from now, of all kinds; the first six have ids to be named by. */
#define MANY_RUNS                                                                                  \
    "INSERT INTO " RUNS " (id, started_at, completed_at, status, trigger_type, triggered_by,"      \
    " schedule, min_profit_pct, max_tokens, tokens_analyzed, new_wallets, updated_wallets,"        \
    " duration_seconds, error_count)"                                                              \
    " SELECT CASE WHEN i < 6 THEN ('01980000-0000-7000-8000-00000000000' || i)::uuid"              \
    " ELSE gen_random_uuid() END, now() - i * interval '12 hours',"                                \
    " now() - i * interval '12 hours' + interval '1 minute',"                                      \
    " (ARRAY['completed', 'failed', 'cancelled'])[1 + i %% 3],"                                    \
    " (ARRAY['manual', 'scheduled', 'api'])[1 + i %% 3],"                                          \
    " CASE WHEN i %% 3 <> 1 THEN 'ada' END, CASE WHEN i %% 3 = 1 THEN 'nightly' END,"              \
    " i %% 7 * 10, CASE WHEN i %% 4 > 0 THEN i %% 4 * 10 END, 5, i, 2 * i, i %% 5 * 60.5, i %% 2"  \
    " FROM generate_series(0, %d) i"
/* So many wallets for each of the six. */
#define MANY_WALLETS                                                                               \
    "INSERT INTO " WALLETS " (id, run_id, wallet_address, source_token, is_new, initial_score,"    \
    " created_at)"                                                                                 \
    " SELECT gen_random_uuid(), ('01980000-0000-7000-8000-00000000000' || r)::uuid,"               \
    " 'W' || CASE WHEN w = 0 THEN 0 ELSE r * 1000000 + w END, 'T' || w %% 7, r = 5,"               \
    " CASE WHEN r <> 2 THEN 0.9 - r / 10.0 END, now() - r * interval '12 hours'"                   \
    " FROM generate_series(0, 5) r, generate_series(0, %d) w"

static void given_rows(struct world *w, const char *format, int count)
{
    char sql[2048];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(sql, sizeof sql, format, count);
#pragma GCC diagnostic pop
    postgres_query(world_postgres(w), sql);
}

static int setup(void **state)
{
    if (!postgres_is_running(*state))
        postgres_start(*state);
    return world_setup(state);
}

static int teardown(void **state)
{
    forget_what_was_said();
    return world_teardown(state);
}

/* ---- filters ---- */

static const struct {
    const char *options, *condition;
} choices[] = {
    {"--status failed", "status = 'failed'"},
    {"--trigger api", "trigger_type = 'api'"},
    {"--schedule nightly", "schedule = 'nightly'"},
    {"--by ada", "triggered_by = 'ada'"},
    {"--has-errors", "error_count > 0"},
    {"--no-errors", "error_count = 0"},
    {"--duration-min 60.5 --duration-max 121", "duration_seconds BETWEEN 60.5 AND 121"},
    {"--min-profit-pct-min 20 --min-profit-pct-max 40", "min_profit_pct BETWEEN 20 AND 40"},
    {"--min-profit-pct-max 0", "min_profit_pct <= 0"},
    {"--max-tokens-min 10", "max_tokens >= 10"},
    {"--max-tokens-max 20 --by ada --no-errors",
     "max_tokens <= 20 AND triggered_by = 'ada' AND error_count = 0"},
    {"--wallet W3000001", "id = '" ID("3") "'"},
    {"--wallet W0 --status failed",
     "status = 'failed' AND EXISTS (SELECT FROM " WALLETS " WHERE run_id = r.id AND "
     "wallet_address = 'W0')"},
    {"--wallet nobody", "false"},
};

static void then_counted(struct world *w, const char *options, const char *condition)
{
    char command[256], sql[512], expected[64];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM " RUNS " r WHERE %s", condition);
    const char *count = postgres_query(world_postgres(w), sql);
    snprintf(command, sizeof command, "walltrackctl stats %s", options);
    assert_int_equal(finish(w, begin(w, command, NULL)), 0);
    snprintf(expected, sizeof expected, "total_runs            %s\n", count);
    then_printed(w, expected);
    snprintf(command, sizeof command, "walltrackctl runs --limit 3 %s", options);
    assert_int_equal(finish(w, begin(w, command, NULL)), 0);
    snprintf(expected, sizeof expected, " of %s runs\n", count);
    then_printed(w, strcmp(count, "0") != 0 ? expected : "no run matches");
    snprintf(command, sizeof command, "walltrackctl export runs --format ndjson %s", options);
    assert_int_equal(finish(w, begin(w, command, NULL)), 0);
    long lines = 0;
    for (const char *c = said.out; *c != '\0'; c++)
        lines += *c == '\n';
    snprintf(expected, sizeof expected, "%ld", lines);
    assert_string_equal(expected, count);
}

static void test_every_filter_counts_what_sql_counts(void **state)
{
    struct world *w = *state;
    given_rows(w, MANY_RUNS, 99);
    given_rows(w, MANY_WALLETS, 3);
    for (size_t i = 0; i < COUNT(choices); i++)
        then_counted(w, choices[i].options, choices[i].condition);
    static const struct {
        const char *options, *says;
    } refused[] = {
        {"--max-tokens-min 0", "max_tokens_min: '0' is not a whole number from 1 to 10000"},
        {"--duration-min 2 --duration-max 1", "duration_max: 1 is less than duration_min 2"},
        {"--wallet ''", "wallet: '' is not an address"},
    };
    for (size_t i = 0; i < COUNT(refused); i++) {
        char command[256];
        snprintf(command, sizeof command, "walltrackctl runs %s", refused[i].options);
        assert_int_equal(finish(w, begin(w, command, NULL)), 4);
        then_complained(w, refused[i].says);
    }
}

/* The command for the next page, and how many rows this one has. */
static size_t next_page(char command[1024], bool *more)
{
    const char *line = strstr(said.out, " of 30 runs\n");
    assert_non_null(line);
    while (line > said.out && line[-1] != '\n')
        line--;
    const char *next = strstr(said.out, "more: ");
    *more = next != NULL;
    if (next != NULL)
        snprintf(command, 1024, "%.*s", (int)strcspn(next + 6, "\n"), next + 6);
    return strtoul(line, NULL, 10);
}

/* They lead through all runs that match, each once. */
static void test_pages_lead_to_the_end(void **state)
{
    struct world *w = *state;
    char command[1024] = "walltrackctl runs --limit 7 --has-errors --min-profit-pct-min 0";
    size_t rows = 0;
    given_rows(w, MANY_RUNS, 59);
    for (bool more = true; more; rows += next_page(command, &more))
        assert_int_equal(finish(w, begin(w, command, NULL)), 0);
    assert_int_equal(rows, 30);
}

/* ---- trend ---- */

static void test_a_trend_counts_what_sql_counts(void **state)
{
    struct world *w = *state;
    char expected[128];
    given_rows(w, MANY_RUNS, 99);
    assert_int_equal(
        finish(w, begin(w, "walltrackctl trend --count 4 --timezone Asia/Kolkata", NULL)), 0);
    for (int ago = 0; ago < 4; ago++) {
        char sql[512];
        snprintf(
            sql, sizeof sql,
            "SELECT to_char(d, 'YYYY-MM-DD') || '%s' || lpad(count(r.id)::text, %d)"
            " FROM (SELECT date_trunc('week', now() AT TIME ZONE 'Asia/Kolkata')"
            " - %d * interval '7 days' AS d) p LEFT JOIN " RUNS
            " r ON date_trunc('week', r.started_at AT TIME ZONE 'Asia/Kolkata') = d GROUP BY d",
            ago == 0 ? "*" : " ", 6, ago);
        snprintf(expected, sizeof expected, "\n%s ", postgres_query(world_postgres(w), sql));
        then_printed(w, expected);
    }
    then_printed(w, "* still going: a part against the whole before it\n");

    assert_int_equal(
        finish(w, begin_on_terminal(w, "walltrackctl trend --period month --count 2", NULL)), 0);
    then_printed(w, "\u2588\u2588");
}

/* ---- wallets ---- */

static void test_a_wallet_is_explained(void **state)
{
    struct world *w = *state;
    given_rows(w, MANY_RUNS, 9);
    given_rows(w, MANY_WALLETS, 1);
    then_ctl(w, 0, "wallet", "W0");
    then_field(w, "wallet", "W0");
    then_field(w, "runs", "6");
    then_field(w, "tokens", "1");
    then_field(w, "discoveries", "6");
    then_field(w, "score", "0.4000 at first, 0.9000 at last");
    then_says(w, "  01980000-0000  T0     no   0.9000  +0.1000  completed  manual ");
    then_says(w, "  01980000-0000  T0     no        -        -  cancelled  api ");
    then_says(w, "  01980000-0000  T0     yes  0.4000        -  cancelled  api ");
    then_ctl(w, 0, "wallet", "W0", "--limit", "4");
    then_says(w, "\nmore: walltrackctl wallet W0 --limit '4' --cursor ");
    then_ctl(w, 3, "wallet", "nobody");
    then_says(w, "Wallet not found");
    then_ctl(w, 3, "wallet", "../runs");
}

/* ---- two runs ---- */

static void test_two_runs_are_compared(void **state)
{
    struct world *w = *state;
    given_rows(w, MANY_RUNS, 9);
    given_rows(w, MANY_WALLETS, 4);
    then_ctl(w, 0, "compare", ID("0"), ID("1"));
    then_says(w, "min_profit_pct ");
    then_says(w, "max_tokens ");
    then_says(w, "\nonly in A: 4 wallets\nWALLET   SCORE\nW1      0.9000\n");
    then_says(w, "\nonly in B: 4 wallets\nWALLET     SCORE\nW1000001  0.8000\n");
    then_says(w, "\nin both: 1 wallets\nWALLET  SCORE A  SCORE B   CHANGE\n"
                 "W0       0.9000   0.8000  -0.1000\n");
    then_ctl(w, 0, "compare", ID("0"), ID("1"), "--limit", "2");
    then_says(w, "more: walltrackctl compare " ID("0") " " ID("1") " --side only_a\n");
    then_ctl(w, 0, "compare", ID("0"), ID("1"), "--side", "only_b", "--limit", "3");
    then_says(w, "--side 'only_b' --limit '3' --cursor ");
    then_says_not(w, "only in A");
    then_ctl(w, 4, "compare", ID("0"), ID("1"), "--side", "left");
    then_says(w, "'left' is not one of only_a, only_b, both");
    then_ctl(w, 3, "compare", ID("0"), "00000000-0000-7000-8000-000000000000");
    then_says(w, "Run not found");
}

/* ---- ids ---- */

/* Runs that are not among the latest hundred are found by the time that their ids begin with. */
static void test_an_old_run_is_found_by_the_beginning_of_its_id(void **state)
{
    struct world *w = *state;
    given_rows(w, MANY_RUNS, 120);
    postgres_query(world_postgres(w),
                   "INSERT INTO " RUNS " (id, started_at, status, trigger_type) VALUES"
                   " ('0190b0a4-1c1d-7000-8000-000000000007',"
                   " '2024-07-14 09:47:43.6Z', 'completed', 'manual')");
    then_ctl(w, 0, "show", "0190b0a4-1c1d");
    then_field(w, "id", "0190b0a4-1c1d-7000-8000-000000000007");
    then_ctl(w, 0, "show", "0190b0a41c");
    then_ctl(w, 3, "show", "0190b0a4");
    then_says(w, "an older one needs 10 digits");
}

/* ---- exports ---- */

static void test_an_export_is_whole(void **state)
{
    struct world *w = *state;
    char command[512], line[512];
    given_rows(w, MANY_RUNS, 499);
    given_rows(w, MANY_WALLETS, 999);
    snprintf(command, sizeof command, "walltrackctl export wallets --output %s",
             world_path(w, "w.csv"));
    assert_int_equal(finish(w, begin(w, command, NULL)), 0);
    snprintf(line, sizeof line, "%s: 6,000 wallets, ", world_path(w, "w.csv"));
    then_printed(w, line);
    snprintf(command, sizeof command,
             "sh -c 'test $(tail -n +2 %s | cut -d , -f 1 | sort -u | wc -l) = 6000'",
             world_path(w, "w.csv"));
    assert_int_equal(finish(w, begin(w, command, NULL)), 0);

    snprintf(command, sizeof command, "walltrackctl export runs --by ada --output %s",
             world_path(w, "r.ndjson"));
    assert_int_equal(finish(w, begin_on_terminal(w, command, NULL)), 0);
    then_printed(w, "/333  "); /* its progress knows how many there will be */
    then_printed(w, ": 333 runs, ");
    assert_true(file_has(w, "r.ndjson", "\"triggered_by\":\"ada\""));
    assert_false(file_has(w, "r.ndjson", "nightly"));
}

static bool has_part(struct world *w, void *pid)
{
    char name[64];
    struct stat part;
    snprintf(name, sizeof name, "w.csv.part-%ld", (long)*(const pid_t *)pid);
    return stat(world_path(w, name), &part) == 0 && part.st_size > 0;
}

/* The host dies in the middle. */
static void test_a_cut_export_is_no_file(void **state)
{
    struct world *w = *state;
    char command[512];
    given_rows(w, MANY_RUNS, 9);
    given_rows(w, MANY_WALLETS, 29999);
    snprintf(command, sizeof command, "walltrackctl export wallets --output %s",
             world_path(w, "w.csv"));
    pid_t pid = begin(w, command, NULL);
    await(w, "the first rows", has_part, &pid);
    world_kill(w);
    assert_int_equal(finish(w, pid), 5);
    then_complained(w, "lost the answer from ");
    then_complained(w, "w.csv is as it was before");
    assert_false(has_part(w, &pid));
    assert_int_not_equal(access(world_path(w, "w.csv"), F_OK), 0);
    world_start(w);
}

/* The database goes away in the middle, while whoever reads the output takes its time. */
static void test_an_export_that_the_database_cuts_is_an_error(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    char command[768];
    given_rows(w, MANY_RUNS, 9);
    given_rows(w, MANY_WALLETS, 9999);
    snprintf(command, sizeof command,
             "sh -c '{ walltrackctl export wallets; echo status $? >&2; } | "
             "{ head -n 2; touch %s; until [ -e %s ]; do sleep 0.01; done; wc -l; }'",
             world_path(w, "begun"), world_path(w, "go"));
    pid_t pid = begin(w, command, NULL);
    await(w, "the first rows", has_printed, (void *)"id,run_id,wallet_address");
    postgres_stop(pg, POSTGRES_FAST);
    world_touch(w, "go");
    assert_int_equal(finish(w, pid), 0);
    then_complained(w, "status 5\n");
    then_complained(w, "what was printed is not whole: ");
    postgres_start(pg);
    await_plugin(w, "recorder", "live");
}

static void test_an_interrupted_export_is_no_file(void **state)
{
    struct world *w = *state;
    static const int signals[] = {SIGINT, SIGTERM};
    char command[512];
    given_rows(w, MANY_RUNS, 9);
    given_rows(w, MANY_WALLETS, 29999);
    snprintf(command, sizeof command, "walltrackctl export wallets --output %s",
             world_path(w, "w.csv"));
    for (size_t i = 0; i < COUNT(signals); i++) {
        pid_t pid = begin(w, command, NULL);
        await(w, "the first rows", has_part, &pid);
        assert_int_equal(kill(pid, signals[i]), 0);
        assert_int_equal(finish(w, pid), 130);
        assert_false(has_part(w, &pid));
        assert_int_not_equal(access(world_path(w, "w.csv"), F_OK), 0);
    }
}

/* ---- retention ---- */

static void test_a_retention_removes_nothing(void **state)
{
    struct world *w = *state;
    char expected[64];
    given_rows(w, MANY_RUNS, 99);
    given_rows(w, MANY_WALLETS, 3);
    snprintf(expected, sizeof expected, "%s",
             postgres_query(world_postgres(w), "SELECT count(*) FROM " RUNS
                                               " WHERE started_at < now() - interval '14 days'"));
    then_ctl(w, 0, "retention", "--older-than", "2w");
    then_says(w, "would be removed");
    then_field(w, "runs", expected);
    then_ctl(w, 0, "retention", "--keep-per-schedule", "5");
    then_field(w, "runs", "90"); /* of two groups: nightly's and the others' */
    then_field(w, "wallets", "0");
    then_ctl(w, 0, "retention", "--older-than", "3650d");
    then_says(w, "nothing would be removed");
    then_ctl(w, 4, "retention", "--older-than", "0");
    then_query(world_postgres(w), "SELECT count(*) FROM " RUNS, "100");
}

/* ---- progress ---- */

#define STEPS                                                                                      \
    "#!/bin/sh\n"                                                                                  \
    "for i in 1 2 3 4 5 6; do\n"                                                                   \
    "echo '{\"event\":\"progress\",\"done\":'$i',\"total\":20,\"stage\":\"reading\"}'; "           \
    "sleep 0.4\n"                                                                                  \
    "done\n"                                                                                       \
    "until [ -e $(dirname \"$0\")/go ]; do sleep 0.01; done\n"

static void test_a_run_that_somebody_else_started_is_followed(void **state)
{
    struct world *w = *state;
    char command[128];
    given_engine(w, STEPS);
    const char *id = when_run(w, NULL);
    snprintf(command, sizeof command, "walltrackctl follow %s", id);
    pid_t pid = begin_on_terminal(w, command, NULL);
    await(w, "the time that is left", has_printed, (void *)"s left  ");
    await(w, "how far it is", has_printed, (void *)"30%  6/20  reading");
    then_ctl(w, 0, "show", id);
    then_says(w,
              "\nprogress              [######..............]   30%  6/20  reading  0 wallets  ");
    then_says(w, "/s  ");
    world_touch(w, "go");
    assert_int_equal(finish(w, pid), 0);
    then_printed(w, "completed");
    snprintf(command, sizeof command, "walltrackctl follow %.13s", id);
    assert_int_equal(finish(w, begin(w, command, NULL)), 0); /* it has ended: no wait */
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(test_every_filter_counts_what_sql_counts),
        STORY(test_pages_lead_to_the_end),
        STORY(test_a_trend_counts_what_sql_counts),
        STORY(test_a_wallet_is_explained),
        STORY(test_two_runs_are_compared),
        STORY(test_an_old_run_is_found_by_the_beginning_of_its_id),
        STORY(test_an_export_is_whole),
        STORY(test_a_cut_export_is_no_file),
        STORY(test_an_export_that_the_database_cuts_is_an_error),
        STORY(test_an_interrupted_export_is_no_file),
        STORY(test_a_retention_removes_nothing),
        STORY(test_a_run_that_somebody_else_started_is_followed),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
