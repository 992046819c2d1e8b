/* links: config */
/* The configuration file: what is refused and in which words, defaults, paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/config.h"

#define ENGINE "\"engine\":{\"command\":[\"/bin/true\"]}"

static struct config *parsed(const char *text)
{
    struct config *c = NULL;
    struct error err;
    if (config_parse(text, strlen(text), "/etc/walltrack/walltrack.json", &c, &err) != 0)
        fail_msg("%s\nin %s", err.msg, text);
    return c;
}

static void then_refused(const char *text, const char *message)
{
    struct config *c = NULL;
    struct error err = {0};
    if (config_parse(text, strlen(text), "w.json", &c, &err) == 0) {
        config_free(c);
        fail_msg("accepted: %s", text);
    }
    assert_null(c);
    assert_string_equal(err.msg, message);
}

static void test_bad_files_are_refused_by_key_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"", "w.json:1: '[' or '{' expected near end of file"},
        {"[]", "w.json:1: must be an object"},
        {"{}", "w.json:1: engine.command: is missing"},
        {"{\n \"engine\": {\n}\n}", "w.json:2: engine.command: is missing"},
        {"{\"engine\":[]}", "w.json:1: engine: must be an object"},
        {"{" ENGINE ",\n\"a\":1,\n\"a\":2}", "w.json:3: duplicate object key near '\"a\"'"},
        {"{\n" ENGINE ",\n\"max_concurrent_runs\": 0}",
         "w.json:3: max_concurrent_runs: 0 is outside 1..64"},
        {"{" ENGINE ",\"max_concurrent_runs\": 1.5}",
         "w.json:1: max_concurrent_runs: 1.5 is not a whole number"},
        {"{" ENGINE ",\"max_concurrent_runs\": \"4\"}",
         "w.json:1: max_concurrent_runs: \"4\" is not a whole number"},
        {"{" ENGINE ",\"max_concurrent_runs\": 99999999999999999999}",
         "w.json:1: too big integer near '99999999999999999999'"},
        {"{" ENGINE ",\n\n\"color\": 1}",
         "w.json:3: unknown key 'color'; known here: state_dir, host_name, plugin_dir, "
         "max_concurrent_runs, admin, engine, schedules, plugins, journal, watchdog, log"},
        {"{" ENGINE ",\"admin\":{\n\"tcp\":{}}}",
         "w.json:2: admin: unknown key 'tcp'; known here: socket, mode, group"},
        {"{" ENGINE ",\"admin\":{\"mode\":\"0999\"}}",
         "w.json:1: admin.mode: \"0999\" is not permissions as octal text, such as \"0660\""},
        {"{" ENGINE ",\"admin\":{\"mode\":660}}",
         "w.json:1: admin.mode: 660 is not permissions as octal text, such as \"0660\""},
        {"{" ENGINE ",\"admin\":{\"group\":\"\"}}",
         "w.json:1: admin.group: '' has 0 bytes, outside 1..64"},
        {"{" ENGINE ",\"host_name\":\"a\\nb\"}",
         "w.json:1: host_name: \"a\\nb\" is not text without control characters"},
        {"{\"engine\":{\"command\":[]}}",
         "w.json:1: engine.command: [] is not a list of 1 to 256 texts: program and arguments"},
        {"{\"engine\":{\"command\":\"true\"}}", "w.json:1: engine.command: \"true\" is not a list "
                                                "of 1 to 256 texts: program and arguments"},
        {"{\"engine\":{\"command\":[\"/bin/true\",\n1]}}",
         "w.json:2: engine.command[1]: 1 is not text"},
        {"{\"engine\":{\"command\":[\"\"]}}", "w.json:1: engine.command[0]: is empty"},
        {"{\"engine\":{\"command\":[\"/no/such\"]}}",
         "w.json:1: engine.command[0]: /no/such is not a program: No such file or directory"},
        {"{\"engine\":{\"command\":[\"/etc/passwd\"]}}",
         "w.json:1: engine.command[0]: /etc/passwd is not a program: not an executable file"},
        {"{\"engine\":{\"command\":[\"no-such-engine\"]}}",
         "w.json:1: engine.command[0]: no program 'no-such-engine' in PATH (/usr/bin:/bin)"},
        {"{\"engine\":{\"command\":[\"/bin/true\"],\"environment\":{\"A\":\"1\",\n\"2B\":\"\"}}}",
         "w.json:2: engine.environment.2B: not a name of a variable"},
        {"{\"engine\":{\"command\":[\"/bin/true\"],\"environment\":{\"A\":1}}}",
         "w.json:1: engine.environment.A: 1 is not text"},
        {"{" ENGINE ",\"schedules\":{}}", "w.json:1: schedules: must be a list"},
        {"{" ENGINE ",\"schedules\":[1]}", "w.json:1: schedules[0]: must be an object"},
        {"{" ENGINE ",\"schedules\":[{\"every\":\"6h\"}]}",
         "w.json:1: schedules[0].name: is missing"},
        {"{" ENGINE ",\"schedules\":[{\"name\":\"a\"}]}",
         "w.json:1: schedules[0].every: is missing"},
        {"{" ENGINE ",\"schedules\":[\n{\"name\":\"a\",\"every\":\"1h\"},\n"
         "{\"name\":\"b\",\n\"every\":\"6 hours\"}]}",
         "w.json:4: schedules[1].every: '6 hours' is not a duration such as 30s, 15m, 6h or 7d"},
        {"{" ENGINE ",\"schedules\":[{\"name\":\"a\",\"every\":\"0s\"}]}",
         "w.json:1: schedules[0].every: '0s' is outside 1s..366d"},
        {"{" ENGINE ",\"schedules\":[{\"name\":\"a\",\"every\":\"367d\"}]}",
         "w.json:1: schedules[0].every: '367d' is outside 1s..366d"},
        {"{" ENGINE ",\"schedules\":[{\"name\":\"a\",\"every\":\"9999999999s\"}]}",
         "w.json:1: schedules[0].every: '9999999999s' is not a duration such as 30s, 15m, 6h or "
         "7d"},
        {"{" ENGINE ",\"schedules\":[{\"name\":\"a\",\"every\":60}]}",
         "w.json:1: schedules[0].every: 60 is not a duration such as 30s, 15m, 6h or 7d"},
        {"{" ENGINE ",\"schedules\":[{\"name\":\"A\",\"every\":\"1h\"}]}",
         "w.json:1: schedules[0].name: \"A\" is not a name of 1 to 64 of [a-z0-9._-]"},
        {"{" ENGINE ",\"schedules\":[{\"name\":\"a\",\"every\":\"1h\"},\n"
         "{\"every\":\"2h\",\n\"name\":\"a\"}]}",
         "w.json:3: schedules[1].name: 'a' is the name of another one too"},
        {"{" ENGINE ",\"schedules\":[{\"name\":\"a\",\n\"cron\":\"@daily\"}]}",
         "w.json:2: schedules[0]: unknown key 'cron'; known here: name, every, enabled, overlap, "
         "catch_up, params, profile_immediately"},
        {"{" ENGINE ",\"schedules\":[{\"name\":\"a\",\"every\":\"1h\",\"overlap\":\"queue\"}]}",
         "w.json:1: schedules[0].overlap: \"queue\" is not one of skip|allow"},
        {"{" ENGINE ",\"schedules\":[{\"name\":\"a\",\"every\":\"1h\",\"enabled\":1}]}",
         "w.json:1: schedules[0].enabled: 1 is not true or false"},
        {"{" ENGINE ",\"schedules\":[{\"name\":\"a\",\"every\":\"1h\",\"params\":{\n"
         "\"max_tokens\":0}}]}",
         "w.json:2: schedules[0].params.max_tokens: 0 is outside 1..10000"},
        {"{" ENGINE ",\"schedules\":[{\"name\":\"a\",\"every\":\"1h\",\"params\":{"
         "\"min_profit_pct\":1.234}}]}",
         "w.json:1: schedules[0].params.min_profit_pct: 1.234 has more than two decimals"},
        {"{" ENGINE ",\"plugins\":[{\"name\":\"a\",\"path\":\"x/y.so\"}]}",
         "w.json:1: plugins[0].path: \"x/y.so\" is not a file name of [A-Za-z0-9._-], without a "
         "dot in front"},
        {"{" ENGINE ",\"plugins\":[{\"name\":\"a\",\"path\":\".so\"}]}",
         "w.json:1: plugins[0].path: \".so\" is not a file name of [A-Za-z0-9._-], without a dot "
         "in front"},
        {"{" ENGINE ",\"plugins\":[{\"name\":\"a\",\"path\":\"a.so\",\"config\":[]}]}",
         "w.json:1: plugins[0].config: [] is not an object"},
        {"{" ENGINE ",\"plugins\":[{\"name\":\"a\",\"path\":\"a.so\",\"swap\":{\"drain_ms\":-1}}]}",
         "w.json:1: plugins[0].swap.drain_ms: -1 is outside 0..60000"},
        {"{" ENGINE ",\"log\":{\"level\":\"loud\"}}",
         "w.json:1: log.level: \"loud\" is not one of error|warning|info|debug"},
    };
    setenv("PATH", "/usr/bin:/bin", 1);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        then_refused(bad[i].text, bad[i].message);
}

static void test_a_command_alone_is_enough(void **state)
{
    (void)state;
    setenv("STATE_DIRECTORY", "/srv/state:/srv/other", 1);
    setenv("RUNTIME_DIRECTORY", "/srv/run", 1);
    struct config *c = parsed("{" ENGINE "}");

    assert_string_equal(c->path, "/etc/walltrack/walltrack.json");
    assert_string_equal(c->state_dir, "/srv/state");
    assert_string_equal(c->admin.socket, "/srv/run/admin.sock");
    assert_int_equal(c->admin.mode, 0660);
    assert_null(c->admin.group);
    assert_true(strlen(c->host_name) > 0);
    assert_int_equal(c->plugin_dir[0], '/');
    assert_string_equal(c->engine.command[0], "/bin/true");
    assert_null(c->engine.command[1]);
    assert_null(c->engine.environment[0]);
    assert_int_equal(c->engine.timeout_seconds, 3600);
    assert_int_equal(c->engine.kill_grace_seconds, 10);
    assert_int_equal(c->max_concurrent_runs, 4);
    assert_int_equal(c->journal.retain_seconds, 3600);
    assert_int_equal(c->journal.retain_bytes, 268435456);
    assert_int_equal(c->journal.max_bytes, INT64_C(4294967296));
    assert_int_equal(c->log.level, LOG_INFO);
    assert_int_equal(c->log.format, LOG_AUTO);
    assert_int_equal(c->n_schedules, 0);
    assert_int_equal(c->n_plugins, 0);
    config_free(c);
    unsetenv("STATE_DIRECTORY");
    unsetenv("RUNTIME_DIRECTORY");
}

static void test_a_user_has_places_of_their_own(void **state)
{
    (void)state;
    if (geteuid() == 0 && seteuid(65534) != 0)
        skip();
    setenv("HOME", "/home/ann", 1);
    setenv("XDG_STATE_HOME", "relative/is/ignored", 1);
    unsetenv("XDG_RUNTIME_DIR");
    struct config *c = parsed("{" ENGINE "}");
    assert_string_equal(c->state_dir, "/home/ann/.local/state/walltrack");
    assert_string_equal(c->admin.socket, "/home/ann/.local/state/walltrack/admin.sock");
    config_free(c);

    setenv("XDG_STATE_HOME", "/xdg/state", 1);
    setenv("XDG_RUNTIME_DIR", "/run/user/1", 1);
    c = parsed("{" ENGINE "}");
    assert_string_equal(c->state_dir, "/xdg/state/walltrack");
    assert_string_equal(c->admin.socket, "/run/user/1/walltrack/admin.sock");
    config_free(c);

    unsetenv("HOME");
    unsetenv("XDG_STATE_HOME");
    then_refused("{" ENGINE "}",
                 "w.json:1: state_dir: is missing, and neither XDG_STATE_HOME nor HOME is set");
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
}

static void test_everything_that_is_said_is_taken(void **state)
{
    (void)state;
    struct config *c = parsed(
        "{\"state_dir\":\"state\",\"host_name\":\"h\",\"plugin_dir\":\"./plugins\","
        "\"max_concurrent_runs\":7,"
        "\"admin\":{\"socket\":\"/s\",\"mode\":\"600\",\"group\":\"staff\"},"
        "\"engine\":{\"command\":[\"true\",\"-x\",\"\"],\"timeout_seconds\":5,"
        "\"kill_grace_seconds\":0,\"environment\":{\"A\":\"1\",\"B_2\":\"\"},"
        "\"max_discoveries\":9},"
        "\"schedules\":[{\"name\":\"a\",\"every\":\"90s\"},"
        "{\"profile_immediately\":false,\"name\":\"b.c-d_1\",\"every\":\"2d\",\"enabled\":false,"
        "\"overlap\":\"allow\",\"catch_up\":\"none\","
        "\"params\":{\"max_tokens\":3,\"min_profit_pct\":12.5}}],"
        "\"plugins\":[{\"name\":\"recorder\",\"path\":\"recorder.so\","
        "\"config\":{\"schema\":\"s\",\"conninfo\":\"c\"},"
        "\"swap\":{\"drain_ms\":1,\"open_seconds\":2,\"claim_seconds\":3,"
        "\"probation_seconds\":4}}],"
        "\"journal\":{\"retain_seconds\":0,\"retain_bytes\":1,\"max_bytes\":65536},"
        "\"log\":{\"level\":\"debug\",\"format\":\"json\"}}");

    assert_string_equal(c->state_dir, "/etc/walltrack/state");
    assert_string_equal(c->plugin_dir, "/etc/walltrack/plugins");
    assert_string_equal(c->admin.socket, "/s");
    assert_int_equal(c->admin.mode, 0600);
    assert_string_equal(c->admin.group, "staff");
    assert_non_null(strchr(c->engine.command[0], '/'));
    assert_string_equal(c->engine.command[1], "-x");
    assert_string_equal(c->engine.command[2], "");
    assert_null(c->engine.command[3]);
    assert_string_equal(c->engine.environment[0], "A=1");
    assert_string_equal(c->engine.environment[1], "B_2=");
    assert_null(c->engine.environment[2]);
    assert_int_equal(c->engine.max_discoveries, 9);
    assert_int_equal(c->n_schedules, 2);
    assert_int_equal(c->schedules[0].every_seconds, 90);
    assert_true(c->schedules[0].enabled && c->schedules[0].profile_immediately);
    assert_int_equal(c->schedules[0].overlap, OVERLAP_SKIP);
    assert_int_equal(c->schedules[0].catch_up, CATCH_UP_LATEST);
    assert_int_equal(c->schedules[0].params.value[WT_PARAM_MAX_TOKENS], 20);
    assert_string_equal(c->schedules[0].source, "{\"every\":\"90s\",\"name\":\"a\"}");
    assert_string_equal(c->schedules[1].name, "b.c-d_1");
    assert_int_equal(c->schedules[1].every_seconds, 2 * 86400);
    assert_false(c->schedules[1].enabled || c->schedules[1].profile_immediately);
    assert_int_equal(c->schedules[1].overlap, OVERLAP_ALLOW);
    assert_int_equal(c->schedules[1].catch_up, CATCH_UP_NONE);
    assert_int_equal(c->schedules[1].params.value[WT_PARAM_MAX_TOKENS], 3);
    assert_int_equal(c->schedules[1].params.value[WT_PARAM_MIN_PROFIT_PCT], 1250);
    assert_int_equal(c->schedules[1].params.value[WT_PARAM_MIN_VOLUME_USD], 5000000);
    assert_string_equal(c->plugins[0].config, "{\"conninfo\":\"c\",\"schema\":\"s\"}");
    assert_int_equal(c->plugins[0].drain_ms, 1);
    assert_int_equal(c->plugins[0].open_seconds, 2);
    assert_int_equal(c->plugins[0].claim_seconds, 3);
    assert_int_equal(c->plugins[0].probation_seconds, 4);
    assert_int_equal(c->journal.retain_seconds, 0);
    assert_int_equal(c->log.level, LOG_DEBUG);
    assert_int_equal(c->log.format, LOG_JSON);
    config_free(c);
}

static void test_programs_with_a_slash_start_at_the_folder_of_the_file(void **state)
{
    (void)state;
    char folder[] = "/tmp/walltrack-config.XXXXXX", path[64], file[64];
    struct config *c;
    struct error err;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/engine", folder);
    snprintf(file, sizeof file, "%s/w.json", folder);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fclose(f);
    assert_int_equal(chmod(path, 0700), 0);
    f = fopen(file, "we");
    assert_non_null(f);
    fputs("{\"engine\":{\"command\":[\"./engine\"]}}\n", f);
    fclose(f);

    assert_int_equal(config_load(file, &c, &err), 0);

    assert_string_equal(c->engine.command[0], path);
    config_free(c);
    unlink(path);
    unlink(file);
    assert_int_equal(config_load(file, &c, &err), -1);
    assert_non_null(strstr(err.msg, "No such file"));
    rmdir(folder);
}

static void test_too_long_a_socket_path_is_refused(void **state)
{
    (void)state;
    char text[300];
    struct config *c = NULL;
    struct error err;
    snprintf(text, sizeof text, "{" ENGINE ",\"admin\":{\"socket\":\"%0100d\"}}", 1);
    assert_int_equal(config_parse(text, strlen(text), "/etc/walltrack/w.json", &c, &err), -1);
    assert_non_null(strstr(err.msg, "has more than 107 bytes"));
}

static void test_help_names_every_key(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    config_print_keys(out);
    fclose(out);

    assert_non_null(strstr(text, "schedules[].params.min_volume_usd"));
    assert_non_null(strstr(text, "number, 0..1000000000000; default: 50000"));
    assert_non_null(strstr(text, "list of text; default: required"));
    assert_non_null(strstr(text, "one of skip|allow; default: \"skip\""));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_files_are_refused_by_key_and_line),
        cmocka_unit_test(test_a_command_alone_is_enough),
        cmocka_unit_test(test_a_user_has_places_of_their_own),
        cmocka_unit_test(test_everything_that_is_said_is_taken),
        cmocka_unit_test(test_programs_with_a_slash_start_at_the_folder_of_the_file),
        cmocka_unit_test(test_too_long_a_socket_path_is_refused),
        cmocka_unit_test(test_help_names_every_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
