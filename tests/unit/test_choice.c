/* Which build a host begins with, and what it remembers of the ways back. */
/* links: plugin_host */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/choice.h"

static void set(struct chosen *c, const char *sha256, const char *path)
{
    snprintf(c->sha256, sizeof c->sha256, "%s", sha256);
    snprintf(c->label, sizeof c->label, "build %s", sha256);
    snprintf(c->path, sizeof c->path, "%s", path);
}

/* One row a rule: what was noted, what the configured file is, what is begun with. */
static void test_the_first_build(void **state)
{
    static const struct {
        const char *good, *candidate, *configured; /* "" for none */
        bool tried;
        const char *path, *found; /* of the configured file; NULL: it cannot be used */
        enum start_choice expected;
    } rows[] = {
        {"", "", "", false, "r.so", "A", START_CONFIGURED},   /* the first start of all */
        {"", "", "", false, "r.so", NULL, START_NONE},        /* … with nothing */
        {"A", "", "A", false, "r.so", "A", START_GOOD},       /* as it was */
        {"B", "", "A", false, "r.so", "A", START_GOOD},       /* B was chosen by a swap */
        {"B", "", "A", false, "r.so", "C", START_CONFIGURED}, /* the file was replaced */
        {"B", "", "A", false, "s.so", "A", START_CONFIGURED}, /* another file was named */
        {"B", "", "A", false, "r.so", NULL, START_GOOD},      /* the file is gone or bad */
        {"A", "B", "A", false, "r.so", "A", START_CANDIDATE}, /* stopped in its probation */
        {"A", "B", "A", true, "r.so", "A", START_FALL_BACK},  /* died in its probation */
        {"", "A", "A", true, "r.so", "A", START_CANDIDATE},   /* … with no other to turn to */
        {"A", "B", "B", true, "r.so", "B", START_FALL_BACK},  /* died with the configured file */
        {"A", "B", "B", true, "r.so", "C", START_CONFIGURED}, /* … which was replaced since */
        {"A", "B", "B", true, "r.so", NULL, START_FALL_BACK},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct choice c = {.tried = rows[i].tried};
        set(&c.good, rows[i].good, "r.so");
        set(&c.candidate, rows[i].candidate, "x.so");
        set(&c.configured, rows[i].configured, "r.so");
        if (choice_at_start(&c, rows[i].path, rows[i].found) != rows[i].expected)
            fail_msg("row %zu", i);
    }
}

static void test_what_is_noted_is_read_again(void **state)
{
    (void)state;
    struct choice *c = choice_read(NULL);
    set(&c->good, "A", "a.so");
    set(&c->candidate, "B", "b.so");
    set(&c->configured, "C", "c.so");
    set(&c->before[0], "D", "d.so");
    set(&c->before[1], "E", "e.so");
    c->tried = true;
    c->next_swap = 42;
    choice_note_swap(c, json_pack("{s:i}", "id", 41));
    char *text = choice_text(c);
    choice_free(c);
    c = choice_read(text);
    free(text);
    assert_string_equal(c->good.sha256, "A");
    assert_string_equal(c->candidate.label, "build B");
    assert_string_equal(c->configured.path, "c.so");
    assert_string_equal(c->before[1].sha256, "E");
    assert_string_equal(c->before[2].sha256, "");
    assert_true(c->tried);
    assert_int_equal(c->next_swap, 42);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(c->swaps, 0), "id")), 41);
    choice_free(c);
}

static void test_damaged_notes_are_as_none(void **state)
{
    static const char *const texts[] = {"", "{", "[]", "{\"good\": 1, \"swaps\": 2}", "null"};
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct choice *c = choice_read(texts[i]);
        assert_non_null(c);
        assert_string_equal(c->good.sha256, "");
        assert_int_equal(json_array_size(c->swaps), 0);
        choice_free(c);
    }
}

static void then_ways_back(const struct choice *c, const char *expected)
{
    char found[64] = "";
    for (size_t i = 0; i < CHOICE_BEFORE_MAX; i++)
        strncat(found, c->before[i].sha256, sizeof found - strlen(found) - 1);
    assert_string_equal(found, expected);
}

static void left(struct choice *c, const char *sha256)
{
    struct chosen one = {0};
    set(&one, sha256, "x.so");
    choice_push_before(c, &one);
}

static void test_the_ways_back(void **state)
{
    (void)state;
    struct choice *c = choice_read(NULL);
    left(c, "A");
    left(c, "B");
    left(c, "C");
    then_ways_back(c, "CBA");
    left(c, "A"); /* once is enough */
    then_ways_back(c, "ACB");
    left(c, "D");
    left(c, "E");
    then_ways_back(c, "EDAC");
    choice_pop_before(c, "D"); /* in charge again: what was left for it is no way back */
    then_ways_back(c, "AC");
    choice_pop_before(c, "F");
    then_ways_back(c, "AC");
    choice_free(c);
}

static void test_swaps_are_bounded(void **state)
{
    (void)state;
    struct choice *c = choice_read(NULL);
    for (int i = 0; i < 3 * CHOICE_SWAPS_MAX; i++)
        choice_note_swap(c, json_pack("{s:i}", "id", i));
    assert_int_equal(json_array_size(c->swaps), CHOICE_SWAPS_MAX);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(c->swaps, 0), "id")),
                     3 * CHOICE_SWAPS_MAX - 1);
    choice_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_build),
        cmocka_unit_test(test_what_is_noted_is_read_again),
        cmocka_unit_test(test_damaged_notes_are_as_none),
        cmocka_unit_test(test_the_ways_back),
        cmocka_unit_test(test_swaps_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
