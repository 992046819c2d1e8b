/* links: run */
/* How fast an engine goes on, from what it says of its progress. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "run/pace.h"

static void test_nothing_is_known_at_first(void **state)
{
    struct pace p = {0};
    (void)state;
    assert_true(pace_rate(&p, 1000) < 0);
    pace_note(&p, 1000, 0);
    assert_true(pace_rate(&p, 5000) < 0);
    pace_note(&p, 1200, 3);
    assert_true(pace_rate(&p, 1300) < 0);
    assert_float_equal(pace_rate(&p, 2000), 3, 1e-9);
}

static void test_a_steady_engine_has_its_rate(void **state)
{
    struct pace p = {0};
    (void)state;
    for (uint64_t ms = 0; ms <= 60000; ms += 20)
        pace_note(&p, ms, (int64_t)ms / 10); /* 100 a second, told 50 times a second */
    assert_float_equal(pace_rate(&p, 60000), 100, 1);
}

static void test_only_the_last_seconds_count(void **state)
{
    struct pace p = {0};
    (void)state;
    for (uint64_t s = 0; s <= 60; s++)
        pace_note(&p, s * 1000, (int64_t)s * 100);
    for (uint64_t s = 61; s <= 75; s++)
        pace_note(&p, s * 1000, 6000 + ((int64_t)s - 60));
    assert_float_equal(pace_rate(&p, 75000), 1, 0.1);
}

static void test_silence_lowers_the_rate(void **state)
{
    struct pace p = {0};
    (void)state;
    pace_note(&p, 0, 0);
    pace_note(&p, 10000, 100);
    assert_float_equal(pace_rate(&p, 10000), 10, 1e-9);
    assert_float_equal(pace_rate(&p, 20000), 5, 1e-9);
    /* Who speaks every half minute has a rate all the time. */
    pace_note(&p, 40000, 400);
    assert_float_equal(pace_rate(&p, 41000), 300.0 / 31, 1e-9);
}

static void test_a_new_stage_begins_anew(void **state)
{
    struct pace p = {0};
    (void)state;
    pace_note(&p, 0, 0);
    pace_note(&p, 5000, 5000);
    pace_note(&p, 6000, 0);
    assert_true(pace_rate(&p, 7000) < 0);
    pace_note(&p, 8000, 4);
    assert_float_equal(pace_rate(&p, 8000), 2, 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_known_at_first),
        cmocka_unit_test(test_a_steady_engine_has_its_rate),
        cmocka_unit_test(test_only_the_last_seconds_count),
        cmocka_unit_test(test_silence_lowers_the_rate),
        cmocka_unit_test(test_a_new_stage_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
