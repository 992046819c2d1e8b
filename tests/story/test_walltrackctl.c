/* walltrackctl as a user runs it: what it prints, and what it exits with. */
#include "ctl_command.h"

#define RUNS "walltrack.discovery_runs"
#define NO_RUN "00000000-0000-7000-8000-000000000000"
#define COUNT(table) (sizeof(table) / sizeof(table)[0])

#define PRINTS                                                                                     \
    "#!/bin/sh\n"                                                                                  \
    "echo '{\"event\":\"token\",\"token\":\"T1\"}'\n"                                              \
    "echo '{\"event\":\"token\",\"token\":\"T2\"}'\n"                                              \
    "echo '{\"event\":\"wallet\",\"wallet_address\":\"W1\",\"source_token\":\"T1\","               \
    "\"initial_score\":0.8712}'\n"                                                                 \
    "echo '{\"event\":\"wallet\",\"wallet_address\":\"W2\",\"source_token\":\"T1\"}'\n"            \
    "echo '{\"event\":\"wallet\",\"wallet_address\":\"W1\",\"source_token\":\"T2\"}'\n"            \
    "echo '{\"event\":\"error\",\"message\":\"no price\",\"token\":\"T2\"}'\n"                     \
    "echo '{\"event\":\"progress\",\"done\":3,\"total\":20,\"stage\":\"reading\"}'\n"
#define WAITS_FOR_GO "until [ -e $(dirname \"$0\")/go ]; do sleep 0.01; done\n"

/* A test that failed may have left the server stopped. */
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

static const char *run_to_its_end(struct world *w, const char *body, const char *status)
{
    const char *id = when_run(w, body);
    await_run(w, id, status);
    return id;
}

/* ---- help ---- */

static void test_help_says_what_there_is(void **state)
{
    static const char *const commands[] = {"run",
                                           "follow",
                                           "runs",
                                           "show",
                                           "wallets",
                                           "wallet",
                                           "compare",
                                           "stats",
                                           "trend",
                                           "export runs",
                                           "export wallets",
                                           "retention",
                                           "cancel",
                                           "plugins",
                                           "plugin list",
                                           "plugin show",
                                           "plugin swap",
                                           "plugin rollback",
                                           "plugin cancel",
                                           "plugin history",
                                           "status",
                                           "health",
                                           "help"};
    struct world *w = *state;
    then_ctl(w, 0, "help");
    for (size_t i = 0; i < COUNT(commands); i++) {
        char line[32];
        snprintf(line, sizeof line, "\n  %-15s  ", commands[i]);
        then_says(w, line);
    }
    then_says(w, "Exit status:");
    for (size_t i = 0; i < COUNT(commands); i++) {
        char usage[64], command[64];
        snprintf(usage, sizeof usage, "usage: walltrackctl %s", commands[i]);
        snprintf(command, sizeof command, "walltrackctl help %s", commands[i]);
        assert_int_equal(finish(w, begin(w, command, NULL)), 0);
        then_printed(w, usage);
        snprintf(command, sizeof command, "walltrackctl %s --help", commands[i]);
        assert_int_equal(finish(w, begin(w, command, NULL)), 0);
        then_printed(w, usage);
    }
    then_ctl(w, 0, "help", "plugin");
    then_says(w, "usage: walltrackctl plugin COMMAND");
    then_says(w, "\n  plugin rollback  ");
    then_says_not(w, "\n  wallets ");
    then_ctl(w, 0, "help", "run");
    then_says(w, "--min-volume-usd N");
    then_says(w, "0 to 1000000000000 USD, default 50000");
    then_says(w, "1 to 10000 tokens, default 20");
    then_ctl(w, 0, "--version");
    then_says(w, "walltrackctl ");
}

static void test_help_needs_no_host(void **state)
{
    struct world *w = *state;
    world_stop(w);
    then_ctl(w, 0, "help");
    then_ctl(w, 0, "run", "--help");
    then_ctl(w, 0, "--version");
    then_ctl(w, 2, "run", "--max-tokens", "0");
}

static const struct {
    const char *command, *says;
} mistakes[] = {
    {"walltrackctl", "usage: walltrackctl COMMAND"},
    {"walltrackctl start", "there is no command 'start'"},
    {"walltrackctl help start", "there is no command 'start'"},
    {"walltrackctl help run 5", "there is no command 'run 5'"},
    {"walltrackctl plugin", "plugin needs one more word: list, show, swap, rollback, cancel"},
    {"walltrackctl plugin start", "there is no command 'plugin start'; there are list, show,"},
    {"walltrackctl help plugin start", "there is no command 'plugin start'"},
    {"walltrackctl plugins list", "plugins: 'list' is too much"},
    {"walltrackctl plugin swap", "plugin swap needs more: plugin swap PATH"},
    {"walltrackctl plugin swap a.so --wait --no-wait", "--wait and --no-wait exclude each other"},
    {"walltrackctl plugin swap a.so --probation", "--probation is of use only with --wait"},
    {"walltrackctl plugin rollback --timeout 5", "--timeout is of use only with --wait"},
    {"walltrackctl plugin swap ./nowhere/a.so", "cannot find ./nowhere/: No such file"},
    {"walltrackctl plugin history --limit none", "--limit: 'none' is not a whole number"},
    {"walltrackctl run --max-token 5", "run has no option --max-token"},
    {"walltrackctl run --max_tokens 5", "run has no option --max_tokens"},
    {"walltrackctl run -x", "unknown option -x"},
    {"walltrackctl runs --max-tokens 5", "runs has no option --max-tokens"},
    {"walltrackctl stats --limit 5", "stats has no option --limit"},
    {"walltrackctl trend --from 2026-06-30", "trend has no option --from"},
    {"walltrackctl runs --has-errors --no-errors", "--has-errors and --no-errors exclude"},
    {"walltrackctl compare 1234", "compare needs more: compare ID ID"},
    {"walltrackctl export", "export needs one more word: runs, wallets"},
    {"walltrackctl export runs --format xlsx", "--format: 'xlsx' is neither csv nor ndjson"},
    {"walltrackctl export runs --output .", "cannot write .: it is no regular file"},
    {"walltrackctl retention --older-than 90h", "--older-than: '90h' is not a number of days"},
    {"walltrackctl follow", "follow needs more: follow ID"},
    {"walltrackctl run 5", "run: '5' is too much"},
    {"walltrackctl show", "show needs more: show ID"},
    {"walltrackctl show 1234 5678", "show: '5678' is too much"},
    {"walltrackctl run --max-tokens", "--max-tokens needs a value"},
    {"walltrackctl run --wait=yes", "--wait takes no value"},
    {"walltrackctl run --wait --wait", "--wait is given twice"},
    {"walltrackctl run --max-tokens 5 --max-tokens 6", "--max-tokens is given twice"},
    {"walltrackctl run --max-tokens 0", "max_tokens: 0 is outside 1..10000"},
    {"walltrackctl run --max-tokens 10001", "max_tokens: 10001 is outside 1..10000"},
    {"walltrackctl run --max-tokens ten", "max_tokens: 'ten' is not a number"},
    {"walltrackctl run --max-tokens ''", "max_tokens: '' is not a number"},
    {"walltrackctl run --max-tokens nan", "max_tokens: 'nan' is not a number"},
    {"walltrackctl run --max-tokens 0x10", "max_tokens: '0x10' is not a number"},
    {"walltrackctl run --max-tokens 1.5", "max_tokens: 1.5 is not a whole number"},
    {"walltrackctl run --min-profit-pct=-0.01", "min_profit_pct: -0.01 is outside 0..100000"},
    {"walltrackctl run --min-profit-pct 0.001", "min_profit_pct: 0.001 has more than two"},
    {"walltrackctl run --min-volume-usd 1000000000000.01", "min_volume_usd: 1000000000000.01 is"},
    {"walltrackctl run --timeout 5", "--timeout is of use only with --wait"},
    {"walltrackctl run --wait --timeout soon", "--timeout: 'soon' is not a number of seconds"},
    {"walltrackctl run --wait --timeout 0", "--timeout: '0' is not a number of seconds"},
    {"walltrackctl show last", "'last' is not a run's id"},
    {"walltrackctl show 019", "'019' is not a run's id, nor at least 4 digits"},
    {"walltrackctl cancel ../health", "'../health' is not a run's id"},
};

static void test_a_wrong_command_line_exits_with_2(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < COUNT(mistakes); i++) {
        int status = finish(w, begin(w, mistakes[i].command, NULL));
        if (status != 2 || strstr(said.err, mistakes[i].says) == NULL || said.out[0] != '\0')
            world_fail(w, __FILE__, __LINE__, "%s: status %d, not 2 with '%s': %s%s",
                       mistakes[i].command, status, mistakes[i].says, said.out, said.err);
    }
    then_query(world_postgres(w), "SELECT count(*) FROM " RUNS, "0");
}

/* ---- run ---- */

static void test_a_run_is_followed_to_its_end(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    char line[128];
    given_engine(w, PRINTS WAITS_FOR_GO);

    pid_t pid = begin(w,
                      "walltrackctl run --wait --max-tokens 5 --min-profit-pct=12.5 "
                      "--min-price-change-pct 0 --min-volume-usd 1000000000000 "
                      "--max-token-age-hours 1 --early-window-minutes 1440 --no-profile --by ada",
                      NULL);
    await(w, "the progress", has_printed, (void *)"15%  3/20  reading");
    postgres_await(pg, "SELECT status FROM " RUNS, "running", WORLD_MS);
    world_touch(w, "go");
    assert_int_equal(finish(w, pid), 0);

    const char *id = postgres_query(pg, "SELECT id FROM " RUNS);
    snprintf(line, sizeof line, "run %s started\n", id);
    then_printed(w, line);
    snprintf(line, sizeof line, "\nrun %s: completed after ", id);
    then_printed(w, line);
    then_printed(w, "s: 2 tokens, 2 new wallets, 0 updated, 1 errors\n");
    then_query(pg,
               "SELECT trigger_type, triggered_by, profile_immediately, max_tokens, "
               "min_profit_pct, min_price_change_pct, min_volume_usd, max_token_age_hours, "
               "early_window_minutes FROM " RUNS,
               "manual|ada|f|5|12.50|0.00|1000000000000.00|1|1440");
}

static void test_a_run_that_is_not_waited_for(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    given_engine(w, PRINTS WAITS_FOR_GO);
    then_ctl(w, 0, "run");
    postgres_await(pg, "SELECT status FROM " RUNS, "running", WORLD_MS);
    const char *id = postgres_query(pg, "SELECT id FROM " RUNS);
    char line[64];
    snprintf(line, sizeof line, "run %s started\n", id);
    assert_string_equal(world_text(w), line);
    then_query(pg, "SELECT max_tokens, min_volume_usd FROM " RUNS, "20|50000.00");
    world_touch(w, "go");
}

static void test_a_run_that_fails_exits_with_1(void **state)
{
    struct world *w = *state;
    given_engine(w, "#!/bin/sh\necho out of fuel >&2\nexit 3\n");
    then_ctl(w, 1, "run", "--wait");
    then_says(w, ": failed after ");
    then_field(w, "reason", "the engine exited with status 3: out of fuel");

    then_ctl(w, 1, "run", "--wait", "--json");
    assert_string_equal(world_value(w, "/status"), "failed");
    postgres_await(world_postgres(w), "SELECT count(*) FROM " RUNS " WHERE status = 'failed'", "2",
                   WORLD_MS);
}

static void test_a_run_that_is_cancelled_exits_with_1(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    given_engine(w, PRINTS WAITS_FOR_GO);
    pid_t pid = begin(w, "walltrackctl run --wait", NULL);
    postgres_await(pg, "SELECT status FROM " RUNS, "running", WORLD_MS);
    then_ctl(w, 0, "cancel", postgres_query(pg, "SELECT id FROM " RUNS));
    assert_int_equal(finish(w, pid), 1);
    then_printed(w, ": cancelled after ");
    then_printed(w, "cancelled by ");
}

/* The run is the host's: it goes on when nobody waits for it any more. */
static void test_the_end_of_the_waiting_is_not_the_end_of_the_run(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    given_engine(w, PRINTS WAITS_FOR_GO);

    then_ctl(w, 1, "run", "--wait", "--timeout", "0.1");
    then_says(w, "it has not ended in time; the run goes on: `walltrackctl follow ");
    pid_t pid = begin(w, "walltrackctl run --wait", NULL);
    await(w, "the run to start", has_printed, (void *)"started");
    assert_int_equal(kill(pid, SIGINT), 0);
    assert_int_equal(finish(w, pid), 130);
    assert_non_null(strstr(said.err, "interrupted; the run goes on: `walltrackctl follow "));

    postgres_await(pg, "SELECT count(*) FROM " RUNS " WHERE status = 'running'", "2", WORLD_MS);
    world_touch(w, "go");
    postgres_await(pg, "SELECT count(*) FROM " RUNS " WHERE status = 'completed'", "2", WORLD_MS);
}

/* The host is killed in mid-run and comes back before the database does.  Whoever waits sees it to
 * the end, and hears of the end only. */
static void test_the_waiting_outlives_the_host(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    given_engine(w, PRINTS WAITS_FOR_GO);
    pid_t pid = begin(w, "walltrackctl run --wait", NULL);
    await(w, "the progress", has_printed, (void *)"15%  3/20  reading");
    assert_int_equal(kill(pid, SIGSTOP), 0); /* between two looks */
    world_kill(w);
    postgres_stop(pg, POSTGRES_FAST);
    world_start(w);
    assert_int_equal(kill(pid, SIGCONT), 0);
    await(w, "it to look again", has_printed, (void *)"\nrunning  ");
    postgres_start(pg);
    assert_int_equal(finish(w, pid), 1);
    then_printed(w, ": failed: 2 tokens, 2 new wallets, 0 updated, 1 errors\n");
    then_printed(w, "reason ");
    assert_null(strstr(said.err, "walltrackctl: "));
}

static void test_a_run_too_many_is_refused(void **state)
{
    struct world *w = *state;
    given_config(w, "{\"max_concurrent_runs\": 1}");
    world_signal(w, SIGHUP);
    await_log(w, "was read again");
    given_engine(w, PRINTS WAITS_FOR_GO);
    then_ctl(w, 0, "run");
    then_ctl(w, 4, "run", "--wait");
    then_says(w, "1 runs are going, which is the limit (max_concurrent_runs)");
    then_says(w, "`walltrackctl runs --status running` shows what is going on");
    world_touch(w, "go");
}

/* ---- lists ---- */

static void test_runs_are_listed_and_filtered(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    char row[64];
    then_ctl(w, 0, "runs");
    assert_string_equal(world_text(w), "there are no runs yet; `walltrackctl run --wait` starts "
                                       "the first\n");
    given_engine(w, PRINTS);
    const char *good = run_to_its_end(w, "{\"triggered_by\": \"ada\"}", "completed");
    given_engine(w, "#!/bin/sh\nexit 1\n");
    run_to_its_end(w, "{\"trigger_type\": \"api\", \"triggered_by\": \"bob\"}", "failed");

    then_ctl(w, 0, "runs");
    then_says(w, "ID ");
    then_says(w, "\n2 of 2 runs\n");
    assert_true(strstr(world_text(w), "bob") < strstr(world_text(w), "ada"));
    then_ctl(w, 0, "runs", "--status", "completed");
    then_says(w, "\n1 of 1 runs\n");
    then_says_not(w, "bob");
    snprintf(row, sizeof row, "\n%.13s  ", good);
    then_says(w, row);
    then_ctl(w, 0, "runs", "--trigger=api");
    then_says_not(w, "ada");
    then_ctl(w, 0, "runs", "--status", "running");
    assert_string_equal(world_text(w), "no run matches; leave an option out to see more\n");
    then_ctl(w, 0, "runs", "--schedule", "nightly");
    then_says(w, "no run matches");

    postgres_query(pg, "UPDATE " RUNS " SET started_at = '2026-06-30 23:30Z' WHERE status = "
                       "'failed'");
    then_ctl(w, 0, "runs", "--from", "2026-06-30", "--to", "2026-06-30");
    then_says(w, "2026-06-30 23:30:00  failed");
    then_says(w, "\n1 of 1 runs\n");
    then_ctl(w, 0, "runs", "--from", "2026-06-30", "--to", "2026-06-30", "--timezone",
             "Asia/Tokyo");
    then_says(w, "no run matches");
    then_ctl(w, 0, "runs", "--to", "2026-06-30T23:30");
    then_says(w, "no run matches");
}

static void test_what_the_host_refuses_exits_with_4(void **state)
{
    static const struct {
        const char *option, *value, *says;
    } rows[] = {
        {"--status", "done", "Invalid status 'done': one of running, completed, failed, cancelled"},
        {"--trigger", "cron", "Invalid trigger type 'cron'"},
        {"--from", "yesterday", "start_date: 'yesterday' is not a time"},
        {"--to", "2026-02-30", "end_date: '2026-02-30' is not a time"},
        {"--timezone", "Mars/Olympus", "timezone: 'Mars/Olympus' is not a time zone"},
        {"--limit", "101", "page_size: '101' is not a whole number from 1 to 100"},
        {"--page", "0", "page: '0' is not a whole number"},
        {"--cursor", "abc", "cursor: "},
        {"--schedule", "No Such", "schedule: 'No Such' is not a name"},
    };
    struct world *w = *state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        then_ctl(w, 4, "runs", rows[i].option, rows[i].value);
        then_says(w, rows[i].says);
        then_says(w, "`walltrackctl help` shows what can be given");
    }
}

/* Copies the command that a list names for the next page. */
static bool more(char out[512])
{
    const char *line = said.out != NULL ? strstr(said.out, "more: ") : NULL;
    if (line == NULL)
        return false;
    line += strlen("more: ");
    snprintf(out, 512, "%.*s", (int)strcspn(line, "\n"), line);
    return true;
}

static void test_a_long_list_names_the_command_for_more(void **state)
{
    struct world *w = *state;
    char command[512] = "walltrackctl runs --limit 2 --status completed";
    given_engine(w, PRINTS);
    for (int i = 0; i < 5; i++)
        run_to_its_end(w, "{\"triggered_by\": \"ada\"}", "completed");

    assert_int_equal(finish(w, begin(w, command, NULL)), 0);
    then_printed(w, "\n2 of 5 runs\n");
    assert_true(more(command));
    assert_int_equal(finish(w, begin(w, command, NULL)), 0);
    then_printed(w, "\n2 of 5 runs\n");
    assert_true(more(command));
    assert_int_equal(finish(w, begin(w, command, NULL)), 0);
    then_printed(w, "\n1 of 5 runs\n");
    assert_false(more(command));
}

static void test_wallets_are_listed(void **state)
{
    struct world *w = *state;
    char command[512];
    given_engine(w, PRINTS);
    const char *id = run_to_its_end(w, NULL, "completed");
    then_ctl(w, 0, "wallets", id);
    then_says(w, "WALLET  TOKEN  NEW   SCORE  FOUND");
    then_says(w, "\nW1      T1     yes  0.8712  20");
    then_says(w, "\nW2      T1     yes       -  20");
    then_says(w, "\nW1      T2     ");

    snprintf(command, sizeof command, "walltrackctl wallets --limit 2 %.13s", id);
    assert_int_equal(finish(w, begin(w, command, NULL)), 0);
    assert_true(more(command));
    assert_int_equal(finish(w, begin(w, command, NULL)), 0);
    then_printed(w, "\nW1      T2     ");
    assert_false(more(command));

    given_engine(w, "#!/bin/sh\nexit 0\n");
    id = run_to_its_end(w, NULL, "completed");
    then_ctl(w, 0, "wallets", id);
    then_says(w, "no wallets; `walltrackctl show ");
    then_ctl(w, 3, "wallets", NO_RUN);
    then_says(w, "Run not found");
}

/* ---- one run ---- */

static void then_shown(struct world *w, const char *id)
{
    then_field(w, "id", id);
    then_field(w, "status", "completed");
    then_field(w, "trigger_type", "manual");
    then_field(w, "triggered_by", "ada");
    then_field(w, "tokens_analyzed", "2");
    then_field(w, "new_wallets", "2");
    then_field(w, "updated_wallets", "0");
    then_field(w, "error_count", "1");
    then_field(w, "min_profit_pct", "12.5");
    then_field(w, "min_volume_usd", "1000000000000");
    then_field(w, "max_tokens", "20");
    then_field(w, "errors", "no price");
}

static void test_a_run_is_shown_by_its_id_or_its_beginning(void **state)
{
    struct world *w = *state;
    char prefix[16];
    given_engine(w, PRINTS);
    const char *id = run_to_its_end(w,
                                    "{\"triggered_by\": \"ada\", \"min_profit_pct\": 12.5, "
                                    "\"min_volume_usd\": 1000000000000}",
                                    "completed");
    then_ctl(w, 0, "show", id);
    then_shown(w, id);
    for (int digits = 4; digits <= 13; digits += 9) {
        snprintf(prefix, sizeof prefix, "%.*s", digits, id);
        then_ctl(w, 0, "show", prefix);
        then_shown(w, id);
    }
    for (char *c = prefix; *c != '\0'; c++)
        *c = (char)(*c >= 'a' && *c <= 'f' ? *c - 'a' + 'A' : *c);
    then_ctl(w, 0, "show", prefix);
    then_field(w, "id", id);

    run_to_its_end(w, NULL, "completed");
    snprintf(prefix, sizeof prefix, "%.4s", id);
    then_ctl(w, 2, "show", prefix);
    then_says(w, "2 runs begin with ");
}

static void test_a_run_that_is_not_there_exits_with_3(void **state)
{
    static const char *const commands[] = {"show", "wallets", "cancel"};
    struct world *w = *state;
    run_to_its_end(w, NULL, "completed");
    for (size_t i = 0; i < COUNT(commands); i++) {
        then_ctl(w, 3, commands[i], NO_RUN);
        then_says(w, "walltrackctl: Run not found\n`walltrackctl runs` lists the runs\n");
        then_ctl(w, 3, commands[i], "ffff");
        then_says(w, "none of the latest 100 runs begins with ffff");
    }
    then_ctl(w, 3, "show", "--json", NO_RUN);
    then_says(w, "{\"status\":404,");
}

static void test_a_run_is_cancelled_once(void **state)
{
    struct world *w = *state;
    char line[64];
    given_engine(w, PRINTS WAITS_FOR_GO);
    const char *id = when_run(w, NULL);
    then_ctl(w, 0, "cancel", id);
    snprintf(line, sizeof line, "run %s is being cancelled", id);
    then_says(w, line);
    await_run(w, id, "cancelled");
    then_ctl(w, 4, "cancel", id);
    then_says(w, "the run has ended");
    then_ctl(w, 0, "show", id);
    then_field(w, "status", "cancelled");
    then_says(w, "reason                cancelled by ");
}

/* ---- figures ---- */

static void test_statistics(void **state)
{
    struct world *w = *state;
    then_ctl(w, 0, "stats");
    then_field(w, "total_runs", "0");
    then_field(w, "success_rate", "-");
    then_field(w, "wallets_per_run", "-");
    then_field(w, "last_run_at", "-");
    given_engine(w, PRINTS);
    run_to_its_end(w, NULL, "completed");
    given_engine(w, "#!/bin/sh\nexit 1\n");
    run_to_its_end(w, NULL, "failed");

    then_ctl(w, 0, "stats");
    then_field(w, "total_runs", "2");
    then_field(w, "successful_runs", "1");
    then_field(w, "failed_runs", "1");
    then_field(w, "success_rate", "50.0%");
    then_field(w, "wallets_discovered", "2");
    then_field(w, "wallets_per_run", "1.0");
    then_ctl(w, 0, "stats", "--to", "2020-12-31");
    then_field(w, "total_runs", "0");
    then_ctl(w, 4, "stats", "--from", "2026-06-30", "--to", "2026-06-29");
    then_says(w, "end_date: 2026-06-29 is not after start_date 2026-06-30");
}

static void test_plugins_and_health(void **state)
{
    struct world *w = *state;
    then_ctl(w, 0, "plugins");
    then_says(w, "NAME      STATE  BUILD");
    then_says(w, "\nrecorder  live   ");
    then_ctl(w, 0, "plugin", "list");
    then_says(w, "\nrecorder  live   ");
    then_ctl(w, 0, "health");
    then_field(w, "status", "ok");
    then_field(w, "runs_running", "0");
    then_ctl(w, 0, "status");
    assert_ptr_equal(strstr(world_text(w), "RECORDING  recorder "), world_text(w));
    then_field(w, "status", "ok");

    given_config(w, "{\"plugins\": []}");
    world_restart(w);
    then_ctl(w, 0, "plugins");
    then_says(w, "no plugin is configured, so nothing is recorded");
    then_ctl(w, 0, "status");
    then_says(w, "NOT RECORDING  no plugin is configured\n");
    then_ctl(w, 3, "plugin", "show");
    then_says(w, "no plugin is configured");
}

static const struct {
    const char *path, *rest; /* of the API, around "/" and the run's id if it is of one run */
    bool of_run;
    const char *command, *options;
    const char *pointer, *value; /* what is in both answers */
    bool same;                   /* but for the time: they are equal */
} answers[] = {
    {"/api/discovery/runs", "?status=completed", false, "runs", "--status completed", "/total", "1",
     true},
    {"/api/discovery/runs", "", true, "show", "", "/status", "completed", true},
    {"/api/discovery/runs", "/wallets?page_size=2", true, "wallets", "--limit 2",
     "/wallets/1/wallet_address", "W2", true},
    {"/api/discovery/stats", "", false, "stats", "", "/total_wallets_discovered", "2", true},
    {"/api/discovery/trend", "?period=day&count=3&timezone=UTC", false, "trend",
     "--period day --count 3", "/periods/2/total_runs", "1", true},
    {"/api/discovery/wallets/W1", "?page_size=2", false, "wallet", "W1 --limit 2", "/run_count",
     "1", true},
    {"/api/discovery/retention", "?older_than_days=7", false, "retention", "--older-than 1w",
     "/runs", "0", true},
    {"/api/plugins", "", false, "plugins", "", "/plugins/0/state", "live", false},
    {"/api/plugins/recorder", "", false, "plugin show", "", "/state", "live", false},
    {"/api/plugins/recorder/swaps", "", false, "plugin history", "", "/swaps/0/plugin", "recorder",
     true},
    {"/health", "", false, "health", "", "/status", "ok", false},
};

static void then_json_is_answered(struct world *w, size_t i, const char *id)
{
    char command[160], path[160];
    const char *run = answers[i].of_run ? id : "";
    snprintf(path, sizeof path, "%s%s%s%s", answers[i].path, run[0] != '\0' ? "/" : "", run,
             answers[i].rest);
    snprintf(command, sizeof command, "walltrackctl --json %s %s %s", answers[i].command, run,
             answers[i].options);
    assert_int_equal(finish(w, begin(w, command, NULL)), 0);
    json_t *printed = json_loads(said.out, 0, NULL);
    assert_non_null(printed);
    then_get(w, path, answers[i].pointer, answers[i].value);
    json_t *answered = json_deep_copy(world_json(w));
    json_object_del(answered, "trend"); /* its weeks end now */
    json_object_del(printed, "trend");
    if (answers[i].same)
        assert_true(json_equal(printed, answered));
    json_decref(printed);
    json_decref(answered);
}

static void test_json_is_the_answer_of_the_api(void **state)
{
    struct world *w = *state;
    given_engine(w, PRINTS);
    then_ctl(w, 0, "run", "--json");
    assert_string_equal(world_value(w, "/status"), "started");
    const char *id = world_value(w, "/run_id");
    await_run(w, id, "completed");
    for (size_t i = 0; i < COUNT(answers); i++)
        then_json_is_answered(w, i, id);
    then_ctl(w, 0, "run", "--json", "--wait");
    assert_string_equal(world_value(w, "/status"), "completed");
    assert_string_equal(world_value(w, "/params/max_tokens"), "20");
    then_ctl(w, 4, "runs", "--json", "--status", "done");
    then_says(w, "{\"status\":400,");
}

/* ---- what is away ---- */

static const char *const all_commands[][2] = {
    {"run", NULL},          {"runs", NULL},       {"show", NO_RUN},      {"show", "ffff"},
    {"wallets", NO_RUN},    {"cancel", NO_RUN},   {"stats", NULL},       {"plugins", NULL},
    {"health", NULL},       {"status", NULL},     {"plugin", "list"},    {"plugin", "show"},
    {"plugin", "rollback"}, {"plugin", "cancel"}, {"plugin", "history"}, {"follow", NO_RUN},
    {"wallet", "W1"},       {"trend", NULL},      {"export", "runs"},    {"retention", NULL},
};

static void test_a_host_that_is_away_exits_with_5(void **state)
{
    struct world *w = *state;
    char says[128];
    snprintf(says, sizeof says, "cannot connect to %s: is walltrackd running?",
             world_path(w, "admin.sock"));
    world_stop(w);
    for (size_t i = 0; i < COUNT(all_commands); i++) {
        then_ctl(w, 5, all_commands[i][0], all_commands[i][1]);
        then_says(w, says);
        then_says(w, "start it with `walltrackd --config FILE`, or name its socket with --socket");
    }
    then_ctl(w, 5, "run", "--wait");
    world_start(w);
    await_plugin(w, "recorder", "live");
    then_ctl(w, 0, "runs");
    then_says(w, "there are no runs yet");
}

static bool recorder_is_away(struct world *w, void *arg)
{
    (void)arg;
    return world_get(w, "/api/plugins") == 200 &&
           strcmp(world_value(w, "/plugins/0/live"), "false") == 0;
}

static void test_a_database_that_is_away_exits_with_5(void **state)
{
    static const char *const questions[][2] = {
        {"runs", NULL}, {"stats", NULL}, {"show", NO_RUN}, {"wallets", NO_RUN}, {"show", "ffff"}};
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    postgres_stop(pg, POSTGRES_FAST);
    await(w, "the recorder to notice", recorder_is_away, NULL);
    for (size_t i = 0; i < COUNT(questions); i++) {
        then_ctl(w, 5, questions[i][0], questions[i][1]);
        then_says(w, "`walltrackctl health` says what is away; try again later");
    }
    then_ctl(w, 0, "health");
    then_field(w, "status", "degraded");
    then_says(w, "because               recorder: ");
    then_ctl(w, 0, "status");
    then_says(w, "NOT RECORDING  recorder ");
    then_field(w, "status", "degraded");
    then_ctl(w, 0, "plugins");
    then_says(w, "recorder");
    then_says_not(w, "  live  ");

    /* What needs no history goes on. */
    given_engine(w, PRINTS);
    then_ctl(w, 0, "run", "--wait");
    then_says(w, ": completed after ");
    given_engine(w, "#!/bin/sh\nexit 1\n");
    then_ctl(w, 1, "run", "--wait");

    postgres_start(pg);
    /* By now it tries to connect only now and then. */
    postgres_await(pg, "SELECT count(*) FROM " RUNS " WHERE status <> 'running'", "2",
                   2 * WORLD_MS);
    await_plugin(w, "recorder", "live");
    then_ctl(w, 0, "runs");
    then_says(w, "\n2 of 2 runs\n");
}

/* ---- where it looks, and how it prints ---- */

static void test_the_socket_is_found(void **state)
{
    struct world *w = *state;
    char command[256], runtime[256];
    snprintf(command, sizeof command, "walltrackctl --socket %s health",
             world_path(w, "admin.sock"));
    const char *const wrong[] = {"WALLTRACK_SOCKET=/nowhere", NULL};
    assert_int_equal(finish(w, begin(w, command, wrong)), 0);
    assert_int_equal(finish(w, begin(w, "walltrackctl health", NULL)), 0);
    assert_int_equal(finish(w, begin(w, "walltrackctl health", wrong)), 5);
    assert_non_null(strstr(said.err, "cannot connect to /nowhere: is walltrackd running?"));

    /* Without either, that of the user's session. */
    snprintf(command, sizeof command, "mkdir -p %s/walltrack", world_path(w, ""));
    assert_int_equal(finish(w, begin(w, command, NULL)), 0);
    snprintf(command, sizeof command, "ln -s ../admin.sock %s/walltrack/admin.sock",
             world_path(w, ""));
    assert_int_equal(finish(w, begin(w, command, NULL)), 0);
    snprintf(runtime, sizeof runtime, "XDG_RUNTIME_DIR=%s", world_path(w, ""));
    const char *const session[] = {"WALLTRACK_SOCKET=", runtime, NULL};
    assert_int_equal(finish(w, begin(w, "walltrackctl health", session)), 0);
    assert_int_equal(finish(w, begin(w, "walltrackctl --socket /nowhere health", session)), 5);
}

static void test_colours_are_for_terminals_only(void **state)
{
    static const char *const coloured[] = {"NO_COLOR=", "TERM=xterm", NULL};
    static const char *const plain[] = {"NO_COLOR=1", "TERM=xterm", NULL};
    struct world *w = *state;
    given_engine(w, PRINTS);
    run_to_its_end(w, NULL, "completed");

    assert_int_equal(finish(w, begin_on_terminal(w, "walltrackctl runs", coloured)), 0);
    then_printed(w, "\033[32mcompleted\033[0m");
    assert_int_equal(finish(w, begin_on_terminal(w, "walltrackctl runs", plain)), 0);
    then_printed(w, "completed");
    assert_null(strchr(said.out, '\033'));
    assert_int_equal(finish(w, begin(w, "walltrackctl runs", coloured)), 0);
    then_printed(w, "completed");
    assert_null(strchr(said.out, '\033'));
}

static void test_a_terminal_shows_how_far_a_run_is(void **state)
{
    struct world *w = *state;
    given_engine(w, PRINTS WAITS_FOR_GO);
    pid_t pid = begin_on_terminal(w, "walltrackctl run --wait", NULL);
    await(w, "the progress", has_printed, (void *)"[###.................]   15%  3/20  reading");
    world_touch(w, "go");
    assert_int_equal(finish(w, pid), 0);
    then_printed(w, "completed");
}

/* What an engine says cannot steer the terminal. */
static void test_what_is_printed_is_harmless(void **state)
{
    struct world *w = *state;
    given_engine(w, "#!/bin/sh\necho '{\"event\":\"error\",\"message\":\"a\\u001b[2Jb\\u009bc\"}'\n"
                    "printf '\\033]0;title\\007bad\\n' >&2\nexit 1\n");
    const char *id = run_to_its_end(w, NULL, "failed");
    then_ctl(w, 0, "show", id);
    then_says(w, "a?[2Jb?c");
    then_says(w, "bad");
    assert_null(strchr(world_text(w), '\033'));
    assert_null(strchr(world_text(w), '\007'));
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(test_help_says_what_there_is),
        STORY(test_help_needs_no_host),
        STORY(test_a_wrong_command_line_exits_with_2),
        STORY(test_a_run_is_followed_to_its_end),
        STORY(test_a_run_that_is_not_waited_for),
        STORY(test_a_run_that_fails_exits_with_1),
        STORY(test_a_run_that_is_cancelled_exits_with_1),
        STORY(test_the_end_of_the_waiting_is_not_the_end_of_the_run),
        STORY(test_the_waiting_outlives_the_host),
        STORY(test_a_run_too_many_is_refused),
        STORY(test_runs_are_listed_and_filtered),
        STORY(test_what_the_host_refuses_exits_with_4),
        STORY(test_a_long_list_names_the_command_for_more),
        STORY(test_wallets_are_listed),
        STORY(test_a_run_is_shown_by_its_id_or_its_beginning),
        STORY(test_a_run_that_is_not_there_exits_with_3),
        STORY(test_a_run_is_cancelled_once),
        STORY(test_statistics),
        STORY(test_plugins_and_health),
        STORY(test_json_is_the_answer_of_the_api),
        STORY(test_a_host_that_is_away_exits_with_5),
        STORY(test_a_database_that_is_away_exits_with_5),
        STORY(test_the_socket_is_found),
        STORY(test_colours_are_for_terminals_only),
        STORY(test_a_terminal_shows_how_far_a_run_is),
        STORY(test_what_is_printed_is_harmless),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
