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
#include "ctl/bars.h"
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

static void test_short_times_and_sizes(void **state)
{
    (void)state;
    static const struct {
        double ms;
        const char *text;
    } times[] = {{-1, ""},        {0, "0.0 ms"},   {1.23, "1.2 ms"},  {9.94, "9.9 ms"},
                 {9.96, "10 ms"}, {20.9, "21 ms"}, {9999, "9999 ms"}, {12345, "12s"}};
    static const struct {
        int64_t bytes;
        const char *text;
    } sizes[] = {{0, "0 B"},           {1023, "1023 B"},      {1024, "1 KiB"},
                 {1536, "1.5 KiB"},    {2097152, "2 MiB"},    {2097153, "2 MiB"},
                 {12000000, "11 MiB"}, {4294967296, "4 GiB"}, {1048575, "1 MiB"}};
    char out[SHOWN_SIZE];
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        assert_string_equal(shown_ms(times[i].ms, out), times[i].text);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        assert_string_equal(shown_bytes(sizes[i].bytes, out), sizes[i].text);
}

static void then_paragraph(const char *text, size_t columns, size_t indent, const char *expected)
{
    char *printed = NULL;
    size_t size;
    FILE *out = open_memstream(&printed, &size);
    shown_paragraph(out, text, columns, indent);
    fclose(out);
    assert_string_equal(printed, expected);
    free(printed);
}

static void test_paragraphs_are_broken_at_spaces(void **state)
{
    (void)state;
    then_paragraph("one two three", 0, 4, "one two three\n");
    then_paragraph("one two three", 11, 4, "one two\n    three\n");
    then_paragraph("one two three", 10, 4, "one\n    two\n    three\n");
    then_paragraph(" a longerword\tb\n", 6, 2, "a\n  longerword\n  b\n");
    then_paragraph("日本 語", 6, 0, "日本\n語\n");
    then_paragraph("日本 語", 7, 0, "日本 語\n");
    then_paragraph("a\033[2Jb", 0, 0, "a?[2Jb\n");
    then_paragraph("", 80, 4, "\n");
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
        {.title = "NAME", .flexible = true}, {.title = "N", .right = true}, {.title = "S"}};
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

static void test_what_is_too_wide_goes_below(void **state)
{
    (void)state;
    static const struct table_column columns[] = {{.title = "N", .right = true},
                                                  {.title = "A", .below = true},
                                                  {.title = "B", .below = true}};
    struct table *t = table_new(columns, 3);
    table_add(t, "12", COLOUR_NONE);
    table_add(t, "some words", COLOUR_NONE);
    table_add(t, "others", COLOUR_NONE);
    table_add(t, "3", COLOUR_NONE);
    table_add(t, NULL, COLOUR_NONE);
    table_add(t, "last", COLOUR_NONE);
    char *text = printed(t, 22, false);
    assert_string_equal(text, " N  A           B\n"
                              "12  some words  others\n"
                              " 3  -           last\n");
    free(text);
    text = printed(t, 21, false);
    assert_string_equal(text, " N\n12\n    some words\n    others\n 3\n    last\n");
    free(text);
    text = printed(t, 10, false);
    assert_string_equal(text, " N\n12\n    some\n    words\n    others\n 3\n    last\n");
    free(text);
    table_free(t);
}

static void test_bars_and_sparks(void **state)
{
    (void)state;
    char bar[BAR_SIZE], sparks[SPARKS_MAX * 3 + 1];
    static const double values[] = {0, 0.5, -1, 1, 2};
    assert_string_equal(bar_text(0, 10, bar), "");
    assert_string_equal(bar_text(1, 3, bar), "███");
    assert_string_equal(bar_text(9, 3, bar), "███");
    assert_string_equal(bar_text(0.5, 3, bar), "█▌");
    assert_string_equal(bar_text(1e-9, 3, bar), "▏");
    assert_string_equal(bar_text(-1, 3, bar), "");
    assert_string_equal(spark_text(values, 5, 1, sparks), "▁▅ ██");
    assert_string_equal(spark_text(values, 2, 0, sparks), "▁▁");
}

static void test_what_may_be_left_out_is_left_out_first(void **state)
{
    (void)state;
    static const struct table_column columns[] = {
        {.title = "NAME"}, {.title = "", .bar = true}, {.title = "MORE", .wide = true}};
    struct table *t = table_new(columns, 3);
    table_add(t, "a", COLOUR_NONE);
    table_add_bar(t, 1);
    table_add(t, "some", COLOUR_NONE);
    table_add(t, "b", COLOUR_NONE);
    table_add_bar(t, 0.5);
    table_add(t, NULL, COLOUR_NONE);
    static const struct {
        size_t width;
        const char *text;
    } rows[] = {{0, "NAME  MORE\na     some\nb     -\n"},
                {18, "NAME          MORE\na     ██████  some\nb     ███     -\n"},
                {17, "NAME  \na     ███████████\nb     █████▌\n"},
                {11, "NAME  MORE\na     some\nb     -\n"},
                {9, "NAME\na\nb\n"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = printed(t, rows[i].width, false);
        assert_string_equal(text, rows[i].text);
        free(text);
    }
    table_free(t);
}

static void test_progress_lines(void **state)
{
    (void)state;
    char out[256];
    struct progress p = {.done = 8,
                         .total = 20,
                         .stage = "tokens",
                         .wallets = 1,
                         .rate = -1,
                         .left = -1,
                         .seconds = 65};
    progress_line(&p, 100, out, sizeof out);
    assert_string_equal(out, "[########............]   40%  8/20  tokens  1 wallet  1m05s");
    p.rate = 0.123;
    p.left = 97.6;
    progress_line(&p, 79, out, sizeof out);
    assert_string_equal(
        out, "[########............]   40%  8/20  tokens  1 wallet  0.1/s  1m38s left  1m05s");
    progress_line(&p, 70, out, sizeof out);
    assert_string_equal(out,
                        "[####........]   40%  8/20  tokens  1 wallet  0.1/s  1m38s left  1m05s");
    progress_line(&p, 60, out, sizeof out);
    assert_string_equal(out, " 40%  8/20  tokens  1 wallet  0.1/s  1m38s left  1m05s");
    progress_line(&p, 20, out, sizeof out);
    assert_int_equal(shown_width(out), 20);
    p = (struct progress){.done = -1, .wallets = -1, .rate = -1, .left = -1, .seconds = 2};
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

static void test_a_command_may_have_two_words(void **state)
{
    (void)state;
    assert_int_equal(given("plugin --limit 5 history recorder"), 0);
    assert_string_equal(arguments.command->name, "plugin history");
    assert_int_equal(arguments.count, 1);
    assert_string_equal(arguments.words[0], "recorder");
    assert_int_equal(given("plugin show"), 0);
    assert_int_equal(arguments.count, 0);
    assert_null(arguments.words[0]);
    assert_int_equal(given("show plugin"), 0);
    assert_string_equal(arguments.command->name, "show");
    assert_int_equal(given("plugin --help"), 0);
    assert_null(arguments.command);
    assert_string_equal(arguments.group, "plugin");
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
                {"plugin", "plugin needs one more word"},
                {"plug swap", "'plug'"},
                {"plugin swa", "'plugin swa'"},
                {"plugin swap", "plugin swap PATH"},
                {"plugin show a b", "'b' is too much"},
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
        cmocka_unit_test(test_short_times_and_sizes),
        cmocka_unit_test(test_paragraphs_are_broken_at_spaces),
        cmocka_unit_test(test_counts_and_times),
        cmocka_unit_test(test_texts_are_cut_by_what_they_take),
        cmocka_unit_test(test_tables_are_aligned_and_cut),
        cmocka_unit_test(test_what_is_too_wide_goes_below),
        cmocka_unit_test(test_bars_and_sparks),
        cmocka_unit_test(test_what_may_be_left_out_is_left_out_first),
        cmocka_unit_test(test_progress_lines),
        cmocka_unit_test(test_options_stand_anywhere),
        cmocka_unit_test(test_a_command_may_have_two_words),
        cmocka_unit_test(test_wrong_command_lines_name_what_is_wrong),
        cmocka_unit_test(test_every_command_has_help),
    };
    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
