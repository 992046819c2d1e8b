/* Times as they stand in tapes and on the command line. */
/* links: engine_tape */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "instant.h"

static const struct good_case {
    const char *text;
    int64_t us;
} good_cases[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"1970-01-01T00:00:00.000001Z", 1},
    {"1969-12-31T23:59:59.5Z", -500000},
    {"2026-06-28T13:14:45.000Z", INT64_C(1782652485000000)},
    {"2026-06-28T13:14:45.250Z", INT64_C(1782652485250000)},
    {"2026-06-28t13:14:45.2500009z", INT64_C(1782652485250000)},
    {"2026-06-28 15:14:45+02:00", INT64_C(1782652485000000)},
    {"2026-06-28T07:44:45-05:30", INT64_C(1782652485000000)},
    {"2024-02-29T00:00:00Z", INT64_C(1709164800000000)},
    {"2000-02-29T23:59:60Z", INT64_C(951868800000000)},
    {"2100-03-01T00:00:00Z", INT64_C(4107542400000000)},
    {"0001-01-01T00:00:00Z", INT64_C(-62135596800000000)},
    {"9999-12-31T23:59:59.999999Z", INT64_C(253402300799999999)},
};

static void test_rfc3339_is_microseconds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good_cases / sizeof *good_cases; i++) {
        int64_t us = 0;
        if (!instant_parse(good_cases[i].text, &us) || us != good_cases[i].us)
            fail_msg("%s: %lld", good_cases[i].text, (long long)us);
    }
}

static const char *const bad_cases[] = {
    "",
    "now",
    "1782652485",
    "2026-06-28",
    "2026-06-28T13:14:45",
    "2026-06-28T13:14Z",
    "2026-6-28T13:14:45Z",
    "0000-01-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-06-31T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "2100-02-29T00:00:00Z",
    "2026-06-28T24:00:00Z",
    "2026-06-28T13:60:00Z",
    "2026-06-28T13:14:61Z",
    "2026-06-28T13:14:45.Z",
    "2026-06-28T13:14:45,5Z",
    "2026-06-28T13:14:45+0200",
    "2026-06-28T13:14:45+24:00",
    "2026-06-28T13:14:45+02:60",
    "2026-06-28T13:14:45Zulu",
    " 2026-06-28T13:14:45Z",
    "-026-06-28T13:14:45Z",
};

static void test_all_else_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad_cases / sizeof *bad_cases; i++) {
        int64_t us = 42;
        if (instant_parse(bad_cases[i], &us) || us != 42)
            fail_msg("'%s' was taken", bad_cases[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc3339_is_microseconds),
        cmocka_unit_test(test_all_else_is_refused_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
