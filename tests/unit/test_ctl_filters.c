/* links: ctl admin Threads::Threads */
/* The options that choose runs: that they are those of the API, and what becomes of them. */
#include "ctl_host.h"

#include "admin/parameters.h"
#include "admin/routes.h"
#include "ctl/filters.h"
#include "ctl/shown.h"

/* ---- against the API's table --------------------------------------------------------------- */

static void test_every_filter_of_the_api_has_an_option(void **state)
{
    (void)state;
    for (enum parameter_id id = 0; id < PARAMETERS; id++) {
        bool found = false;
        if ((PARAMETERS_FILTER & PARAMETER_BIT(id)) == 0)
            continue;
        for (size_t i = 0; i < filter_options_count && !found; i++)
            found = strcmp(filter_options[i].option.parameter, parameter_at(id)->name) == 0;
        if (!found)
            fail_msg("no option for %s", parameter_at(id)->name);
    }
}

/* What a request takes, or 0. */
static parameter_set query_of(const char *request)
{
    for (size_t i = 0; i < routes_count; i++)
        if (strcmp(routes[i].method, "GET") == 0 && strcmp(routes[i].path, request) == 0)
            return routes[i].query;
    fail_msg("there is no GET %s", request);
    return 0;
}

static void then_takes(parameter_set set, const struct command *command, const char *parameter)
{
    enum parameter_id id;
    if (parameter != NULL && !parameter_find(set, parameter, &id))
        fail_msg("%s sends %s, which the API does not take", command->name, parameter);
}

static void test_every_option_is_one_of_the_request_that_gets_it(void **state)
{
    (void)state;
    static const struct {
        const char *command, *path;
    } rows[] = {
        {"runs", "/api/discovery/runs"},
        {"wallets", "/api/discovery/runs/{id}/wallets"},
        {"wallet", "/api/discovery/wallets/{address}"},
        {"compare", "/api/discovery/compare"},
        {"stats", "/api/discovery/stats"},
        {"trend", "/api/discovery/trend"},
        {"export runs", "/api/discovery/runs.csv"},
        {"export runs", "/api/discovery/runs.ndjson"},
        {"export wallets", "/api/discovery/wallets.csv"},
        {"export wallets", "/api/discovery/wallets.ndjson"},
        {"retention", "/api/discovery/retention"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *words[2] = {rows[i].command, NULL};
        char first[32];
        size_t used;
        snprintf(first, sizeof first, "%s", rows[i].command);
        char *space = strchr(first, ' ');
        if (space != NULL)
            *space = '\0';
        words[0] = first;
        words[1] = space != NULL ? space + 1 : NULL;
        const struct command *command = command_find(words, space != NULL ? 2 : 1, &used, NULL);
        parameter_set set = query_of(rows[i].path);
        assert_non_null(command);
        for (size_t o = 0; o < COMMAND_OPTIONS_MAX && command->options[o].name != NULL; o++)
            then_takes(set, command, command->options[o].parameter);
        for (size_t f = 0; f < filter_options_count; f++)
            if ((filter_options[f].taken_with & command->takes) != 0)
                then_takes(set, command, filter_options[f].option.parameter);
    }
}

/* ---- on the command line ------------------------------------------------------------------- */

static char query[PATH_ROOM];

static enum status query_of_line(const char *line)
{
    static char text[2048];
    char *argv[64] = {(char *)"walltrackctl"};
    int argc = 1;
    struct arguments arguments;
    snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    problem = (struct error){0};
    query[0] = '\0';
    if (arguments_read(argc, argv, &arguments, &problem) != 0)
        return STATUS_USAGE;
    return filters_add(&arguments, query, &problem);
}

static void test_options_become_the_query(void **state)
{
    (void)state;
    static const struct {
        const char *line, *query;
    } rows[] = {
        {"runs", ""},
        {"runs --status failed --trigger api --schedule s --by Zo\u00eb --wallet W/1",
         "?status=failed&trigger_type=api&schedule=s&triggered_by=Zo%C3%AB&wallet=W%2F1"},
        {"runs --has-errors", "?has_errors=true"},
        {"runs --no-errors", "?has_errors=false"},
        {"runs --duration-min 0 --duration-max=3.5", "?duration_min=0&duration_max=3.5"},
        {"stats --min-price-change-pct-min 0 --min-price-change-pct-max 12.5",
         "?min_price_change_pct_min=0&min_price_change_pct_max=12.5"},
        {"stats --max-tokens-min=1 --min-volume-usd-max 1000000000000",
         "?max_tokens_min=1&min_volume_usd_max=1000000000000"},
        {"runs --limit 5 --page 2 --cursor a_b", "?page_size=5&page=2&cursor=a_b"},
        {"runs --from 2026-06-30", "?start_date=2026-06-30&timezone=UTC"},
        {"runs --to 2026-06-30 --timezone +05:30", "?end_date=2026-06-30&timezone=%2B05%3A30"},
        {"trend", "?timezone=UTC"},
        {"trend --period day --count 400 --timezone Asia/Kolkata --no-errors",
         "?period=day&count=400&timezone=Asia%2FKolkata&has_errors=false"},
        {"export runs --format csv --output f --status failed", "?status=failed"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(query_of_line(rows[i].line), STATUS_OK);
        assert_string_equal(query, rows[i].query);
        forget(NULL);
    }
}

static void test_wrong_options_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *line, *words;
    } rows[] = {
        {"runs --has-errors --no-errors", "--has-errors and --no-errors exclude each other"},
        {"runs --has-errors=yes", "--has-errors takes no value"},
        {"runs --duration-min", "--duration-min needs a value"},
        {"runs --max_tokens_min 5", "runs has no option --max_tokens_min"},
        {"runs --max-tokens 5", "runs has no option --max-tokens, but --max-tokens-min and"},
        {"run --max-tokens-min 5", "run has no option --max-tokens-min"},
        {"trend --from 2026-06-30", "trend has no option --from"},
        {"wallets abcd --status failed", "wallets has no option --status"},
        {"wallet W --by me", "wallet has no option --by"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(run(rows[i].line), STATUS_USAGE);
        then_problem_has(rows[i].words);
    }
}

/* All at once, at their longest. */
static void test_many_options_fit(void **state)
{
    (void)state;
    char line[2048] = "runs --has-errors --limit 100";
    for (size_t i = 0; i < filter_options_count; i++) {
        char name[64];
        const struct command_option *o = &filter_options[i].option;
        snprintf(name, sizeof name, "%s", o->name);
        for (char *c = name; *c != '\0'; c++)
            *c = (char)(*c == '_' ? '-' : *c);
        if (o->value != NULL)
            shown_add(line, sizeof line, " --%s 1000000000000.00", name);
    }
    assert_int_equal(query_of_line(line), STATUS_OK);
    assert_non_null(strstr(query, "&max_tokens_max=1000000000000.00"));
    char huge[PATH_ROOM + 32];
    memset(huge, 'x', sizeof huge);
    memcpy(huge, "--by=", 5);
    huge[sizeof huge - 1] = '\0';
    char *argv[] = {(char *)"walltrackctl", (char *)"runs", huge};
    struct arguments arguments;
    assert_int_equal(arguments_read(3, argv, &arguments, &problem), 0);
    query[0] = '\0';
    assert_int_equal(filters_add(&arguments, query, &problem), STATUS_USAGE);
    then_problem_has("--by is too long");
}

/* ---- zones --------------------------------------------------------------------------------- */

static void test_times_are_shown_in_the_zone_that_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *zone, *shown;
    } rows[] = {{"Europe/Berlin", "2026-06-30 14:30:00"}, {"UTC", "2026-06-30 12:30:00"},
                {"+05:30", "2026-06-30 18:00:00"},        {"-03:00", "2026-06-30 09:30:00"},
                {"+02", "2026-06-30 14:30:00"},           {"-0330", "2026-06-30 09:00:00"}};
    char out[SHOWN_SIZE];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        shown_in_zone(rows[i].zone);
        assert_string_equal(shown_time("2026-06-30T12:30:00.000000Z", out), rows[i].shown);
    }
    shown_in_zone("Europe/Berlin");
    assert_string_equal(shown_local_zone(out), "Europe/Berlin");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_every_filter_of_the_api_has_an_option, forget),
        cmocka_unit_test_teardown(test_every_option_is_one_of_the_request_that_gets_it, forget),
        cmocka_unit_test_teardown(test_options_become_the_query, forget),
        cmocka_unit_test_teardown(test_wrong_options_are_named, forget),
        cmocka_unit_test_teardown(test_many_options_fit, forget),
        cmocka_unit_test_teardown(test_times_are_shown_in_the_zone_that_is_named, forget),
    };
    setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, host_start, host_stop);
}
