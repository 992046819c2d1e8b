/* The cutting of an engine's output into lines. */
/* links: run */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "run/lines.h"

/* What was delivered, written as "1:text|2:!|" where ! is a line that was too long. */
struct heard {
    char text[4096];
    size_t used;
};

static void hear(void *arg, uint64_t number, char *text, size_t size, bool too_long)
{
    struct heard *h = arg;
    int n = snprintf(h->text + h->used, sizeof h->text - h->used, "%llu:%.*s|",
                     (unsigned long long)number, too_long ? 1 : (int)size, too_long ? "!" : text);
    h->used += (size_t)n;
}

static void feed(struct lines *l, struct heard *h, const char *data, size_t size)
{
    while (size > 0) {
        size_t room;
        char *at = lines_room(l, &room);
        assert_true(room >= LINE_SIZE_MAX);
        size_t n = size < room ? size : room;
        memcpy(at, data, n);
        lines_take(l, n, hear, h);
        data += n;
        size -= n;
    }
}

static int start(void **state)
{
    *state = calloc(1, sizeof(struct lines));
    return *state == NULL;
}

static int end(void **state)
{
    free(*state);
    return 0;
}

static void test_lines_come_whole_however_they_are_cut(void **state)
{
    static const char text[] = "first\n\nthird line\nlast";
    for (size_t step = 1; step <= sizeof text; step++) {
        struct lines *l = *state;
        struct heard h = {0};
        memset(l, 0, sizeof *l);
        for (size_t at = 0; at < sizeof text - 1; at += step)
            feed(l, &h, text + at, at + step < sizeof text ? step : sizeof text - 1 - at);
        lines_finish(l, hear, &h);
        assert_string_equal(h.text, "1:first|2:|3:third line|4:last|");
    }
}

static char *repeat(char c, size_t n)
{
    char *text = malloc(n);
    assert_non_null(text);
    memset(text, c, n);
    return text;
}

static void test_the_longest_line_is_taken_and_one_byte_more_is_not(void **state)
{
    struct lines *l = *state;
    struct heard h = {0};
    char *longest = repeat('x', LINE_SIZE_MAX + 1);
    size_t number = l->number;
    lines_take(l, 0, hear, &h);

    longest[LINE_SIZE_MAX] = '\n';
    feed(l, &h, longest, LINE_SIZE_MAX + 1);
    assert_int_equal(l->number, number + 1);
    assert_null(strchr(h.text, '!'));

    h.used = 0;
    longest[LINE_SIZE_MAX] = 'x';
    feed(l, &h, longest, LINE_SIZE_MAX + 1);
    feed(l, &h, "rest\nnext\n", 10);
    assert_string_equal(h.text, "2:!|3:next|");
    free(longest);
}

static void test_an_endless_line_costs_one_report(void **state)
{
    struct lines *l = *state;
    struct heard h = {0};
    char *piece = repeat('x', 100000);
    for (int i = 0; i < 100; i++)
        feed(l, &h, piece, 100000);
    lines_finish(l, hear, &h);
    assert_string_equal(h.text, "1:!|");
    free(piece);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines_come_whole_however_they_are_cut, start, end),
        cmocka_unit_test_setup_teardown(test_the_longest_line_is_taken_and_one_byte_more_is_not,
                                        start, end),
        cmocka_unit_test_setup_teardown(test_an_endless_line_costs_one_report, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
