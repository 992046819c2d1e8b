/* links: admin */
/* The edges of days, weeks and months in time zones, across clock changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "admin/periods.h"
#include "utc.h"

enum { EDGES_MAX = 401 };

/* The edges of `count` periods around an instant are `expected`, to the minute. */
static void then_edges_(const char *zone, enum period period, const char *now, int count,
                        const char *const *expected, const char *file, int line)
{
    int64_t edges[EDGES_MAX], instant;
    struct zone *z;
    struct error err;
    char text[UTC_TEXT_SIZE];
    assert_int_equal(zone_open(zone, &z, &err), 0);
    assert_int_equal(zone_read(z, now, ZONE_START, &instant, &err), 0);
    periods_edges(z, period, instant, count, edges);
    zone_close(z);
    for (int i = 0; i <= count; i++) {
        utc_text(edges[i], text);
        memcpy(text + 16, "Z", 2);
        _assert_string_equal(text, expected[i], file, line);
    }
}
#define then_edges(zone, period, now, ...)                                                         \
    then_edges_(zone, period, now,                                                                 \
                (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)) - 1,                 \
                (const char *const[]){__VA_ARGS__}, __FILE__, __LINE__)

static void test_the_last_period_is_going_on(void **state)
{
    (void)state;
    then_edges("UTC", PERIOD_DAY, "2026-06-30T12:00:00Z", "2026-06-29T00:00Z", "2026-06-30T00:00Z",
               "2026-07-01T00:00Z");
    then_edges("UTC", PERIOD_DAY, "2026-06-30T00:00:00Z", "2026-06-30T00:00Z", "2026-07-01T00:00Z");
    then_edges("UTC", PERIOD_DAY, "2026-06-29T23:59:59.999999Z", "2026-06-29T00:00Z",
               "2026-06-30T00:00Z");
}

static void test_weeks_begin_on_monday(void **state)
{
    (void)state;
    /* 29 June 2026 is a Monday. */
    then_edges("UTC", PERIOD_WEEK, "2026-06-29T00:00:00Z", "2026-06-22T00:00Z", "2026-06-29T00:00Z",
               "2026-07-06T00:00Z");
    then_edges("UTC", PERIOD_WEEK, "2026-06-28T23:59:59Z", "2026-06-22T00:00Z",
               "2026-06-29T00:00Z");
    /* In Kolkata it is Monday already. */
    then_edges("Asia/Kolkata", PERIOD_WEEK, "2026-06-28T18:30:00Z", "2026-06-28T18:30Z",
               "2026-07-05T18:30Z");
    then_edges("UTC", PERIOD_WEEK, "1969-12-31T12:00:00Z", "1969-12-29T00:00Z",
               "1970-01-05T00:00Z");
}

static void test_months_have_their_length(void **state)
{
    (void)state;
    then_edges("UTC", PERIOD_MONTH, "2024-03-31T12:00:00Z", "2023-11-01T00:00Z",
               "2023-12-01T00:00Z", "2024-01-01T00:00Z", "2024-02-01T00:00Z", "2024-03-01T00:00Z",
               "2024-04-01T00:00Z");
    then_edges("America/New_York", PERIOD_MONTH, "2026-12-15T00:00:00Z", "2026-10-01T04:00Z",
               "2026-11-01T04:00Z", "2026-12-01T05:00Z", "2027-01-01T05:00Z");
}

static void test_days_across_a_clock_change(void **state)
{
    (void)state;
    /* 23 hours, and 25 */
    then_edges("Europe/Berlin", PERIOD_DAY, "2026-03-29T12:00:00Z", "2026-03-27T23:00Z",
               "2026-03-28T23:00Z", "2026-03-29T22:00Z");
    then_edges("Europe/Berlin", PERIOD_DAY, "2026-10-25T22:59:00Z", "2026-10-24T22:00Z",
               "2026-10-25T23:00Z");
    /* Half an hour is possible, too. */
    then_edges("Australia/Lord_Howe", PERIOD_DAY, "2026-04-05T01:00:00Z", "2026-04-04T13:00Z",
               "2026-04-05T13:30Z");
    then_edges("Europe/Berlin", PERIOD_WEEK, "2026-04-01T12:00:00Z", "2026-03-22T23:00Z",
               "2026-03-29T22:00Z", "2026-04-05T22:00Z");
}

static void test_midnights_that_do_not_exist(void **state)
{
    (void)state;
    /* At midnight the clock went to 01:00: the day begins with its first moment. */
    then_edges("America/Sao_Paulo", PERIOD_DAY, "2018-11-04T12:00:00Z", "2018-11-03T03:00Z",
               "2018-11-04T03:00Z", "2018-11-05T02:00Z");
    /* At midnight it went back to 23:00: the second of these hours still belongs to the old day. */
    then_edges("America/Sao_Paulo", PERIOD_DAY, "2018-02-18T02:30:00Z", "2018-02-17T02:00Z",
               "2018-02-18T03:00Z");
    /* Samoa had no 30 December 2011. */
    then_edges("Pacific/Apia", PERIOD_DAY, "2011-12-31T00:00:00Z", "2011-12-29T10:00Z",
               "2011-12-30T10:00Z", "2011-12-30T10:00Z", "2011-12-31T10:00Z");
}

static void test_the_most_periods_ascend(void **state)
{
    static const char *const zones[] = {
        "UTC", "Europe/Berlin", "Asia/Kolkata", "America/Havana", "Pacific/Apia", "-03:30"};
    (void)state;
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++)
        for (enum period period = PERIOD_DAY; period <= PERIOD_MONTH; period++) {
            int64_t edges[EDGES_MAX], now = INT64_C(1782820800000000);
            struct zone *z;
            struct error err;
            assert_int_equal(zone_open(zones[i], &z, &err), 0);
            periods_edges(z, period, now, EDGES_MAX - 1, edges);
            zone_close(z);
            for (int k = 1; k < EDGES_MAX; k++)
                assert_true(edges[k - 1] <= edges[k]);
            assert_true(edges[EDGES_MAX - 2] <= now && now < edges[EDGES_MAX - 1]);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_period_is_going_on),
        cmocka_unit_test(test_weeks_begin_on_monday),
        cmocka_unit_test(test_months_have_their_length),
        cmocka_unit_test(test_days_across_a_clock_change),
        cmocka_unit_test(test_midnights_that_do_not_exist),
        cmocka_unit_test(test_the_most_periods_ascend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
