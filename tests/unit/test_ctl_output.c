/* links: ctl */
/* What walltrackctl prints, and how it reads its command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <locale.h>

#include "ctl/arguments.h"
#include "ctl/progress.h"
#include "ctl/shown.h"
#include "ctl/table.h"

static void test_durations(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        const char *text;
    } rows[] = {{-1, ""},       {0.44, "0.4s"},  {12.4, "12s"},     {59.7, "1m00s"},
                {192, "3m12s"}, {7500, "2h05m"}, {273600, "3d04h"}, {1e300, ""}};
    char out[SHOWN_SIZE];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(shown_duration(rows[i].seconds, out), rows[i].text);
}

static void test_counts_and_times(void **state)
{
    (void)state;
    char out[SHOWN_SIZE];
    assert_string_equal(shown_count(0, out), "0");
    assert_string_equal(shown_count(-123456, out), "-123,456");
    assert_string_equal(shown_count(1234567, out), "1,234,567");
    setenv("TZ", "Europe/Berlin", 1);
    assert_string_equal(shown_time("2026-06-30T12:30:00.000000Z", out), "2026-06-30 14:30:00");
    assert_string_equal(shown_time("soon", out), "soon");
    assert_string_equal(shown_local_zone(out), "Europe/Berlin");
}

static void test_texts_are_cut_by_what_they_take(void **state)
{
    (void)state;
    char out[64];
    assert_int_equal(shown_width("Zoë"), 3);
    assert_int_equal(shown_width("日本"), 4);
    assert_int_equal(shown_cut("日本語", 4, out, sizeof out), 3);
    assert_string_equal(out, "日…");
    assert_int_equal(shown_cut("abc", 3, out, sizeof out), 3);
    assert_string_equal(out, "abc");
    shown_cut("a\033[31mb\n\xff\u202e", 20, out, sizeof out);
    assert_string_equal(out, "a?[31mb???");
}

static char *printed(const struct table *t, size_t width, bool colours)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_int_equal(table_print(t, out, width, colours), 0);
    fclose(out);
    return text;
}

static void test_tables_are_aligned_and_cut(void **state)
{
    (void)state;
    static const struct table_column columns[] = {
        {"NAME", false, true}, {"N", true, false}, {"S", false, false}};
    struct table *t = table_new(columns, 3);
    table_add(t, "Zoë", COLOUR_NONE);
    table_add(t, "7", COLOUR_NONE);
    table_add(t, "on", COLOUR_GREEN);
    table_add(t, "a rather long name", COLOUR_NONE);
    table_add(t, "1,234", COLOUR_NONE);
    table_add(t, NULL, COLOUR_NONE);
    char *text = printed(t, 0, false);
    assert_string_equal(text, "NAME                    N  S\n"
                              "Zoë                     7  on\n"
                              "a rather long name  1,234  -\n");
    free(text);
    text = printed(t, 20, false);
    assert_string_equal(text, "NAME           N  S\n"
                              "Zoë            7  on\n"
                              "a rather…  1,234  -\n");
    free(text);
    text = printed(t, 0, true);
    assert_non_null(strstr(text, "\033[32mon\033[0m"));
    free(text);
    table_free(t);
}

static void test_progress_lines(void **state)
{
    (void)state;
    char out[256];
    struct progress p = {.done = 8, .total = 20, .stage = "tokens", .wallets = 1, .seconds = 65};
    progress_line(&p, 100, out, sizeof out);
    assert_string_equal(out, "[########............]   40%  8/20  tokens  1 wallet  1m05s");
    progress_line(&p, 20, out, sizeof out);
    assert_int_equal(shown_width(out), 20);
    p = (struct progress){.done = -1, .wallets = -1, .seconds = 2};
    progress_line(&p, 100, out, sizeof out);
    assert_string_equal(out, "running  2.0s");
    p = (struct progress){.done = 30, .total = 20, .wallets = -1};
    progress_line(&p, 100, out, sizeof out);
    assert_non_null(strstr(out, "[####################]  100%"));
}

static struct arguments arguments;
static struct error problem;

/* The words of a command line, apart at spaces. */
static int given(const char *line)
{
    static char text[512];
    char *argv[32] = {(char *)"walltrackctl"};
    int argc = 1;
    snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    problem = (struct error){0};
    return arguments_read(argc, argv, &arguments, &problem);
}

static void test_options_stand_anywhere(void **state)
{
    (void)state;
    assert_int_equal(given("--socket /s wallets --limit=5 abcd --json"), 0);
    assert_string_equal(arguments.command->name, "wallets");
    assert_string_equal(arguments.socket, "/s");
    assert_true(arguments.json);
    assert_string_equal(arguments.words[0], "abcd");
    assert_string_equal(arguments_option(&arguments, "limit"), "5");

    assert_int_equal(given("--limit 5 runs"), 0);
    assert_string_equal(arguments_option(&arguments, "limit"), "5");
    assert_int_equal(given("run --min-profit-pct -5 --wait"), 0);
    assert_string_equal(arguments_option(&arguments, "min-profit-pct"), "-5");
    assert_int_equal(given("show -- --abc"), 0);
    assert_string_equal(arguments.words[0], "--abc");
    assert_int_equal(given("run --help --nonsense"), 0);
    assert_true(arguments.help);
}

static void test_wrong_command_lines_name_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *line, *word;
    } rows[] = {{"dance", "'dance'"},
                {"runs --colour red", "--colour"},
                {"stats --limit 5", "--limit"},
                {"runs --max-tokens 5", "--max-tokens"},
                {"runs --limit", "--limit needs a value"},
                {"run --wait=yes", "--wait takes no value"},
                {"runs --limit 1 --limit 2", "twice"},
                {"show", "show ID"},
                {"show a b", "'b' is too much"},
                {"-x runs", "-x"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(given(rows[i].line), -1);
        assert_non_null(strstr(problem.msg, rows[i].word));
    }
}

static void test_every_command_has_help(void **state)
{
    (void)state;
    for (size_t i = 0; i < commands_count; i++) {
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        command_help(&commands_table[i], out);
        fclose(out);
        assert_non_null(strstr(text, commands_table[i].synopsis));
        assert_non_null(strstr(text, "Exit status"));
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_counts_and_times),
        cmocka_unit_test(test_texts_are_cut_by_what_they_take),
        cmocka_unit_test(test_tables_are_aligned_and_cut),
        cmocka_unit_test(test_progress_lines),
        cmocka_unit_test(test_options_stand_anywhere),
        cmocka_unit_test(test_wrong_command_lines_name_what_is_wrong),
        cmocka_unit_test(test_every_command_has_help),
    };
    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
