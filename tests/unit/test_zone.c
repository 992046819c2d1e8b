/* links: schedule */
/* Local times and instants, across clock changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schedule/zone.h"
#include "utc.h"

static void then_reads_(const char *zone, const char *text, enum zone_edge edge,
                        const char *expected, const char *file, int line)
{
    struct zone *z;
    struct error err = {0};
    int64_t instant;
    char shown[UTC_TEXT_SIZE];
    if (zone_open(zone, &z, &err) != 0 || zone_read(z, text, edge, &instant, &err) != 0) {
        print_error("%s\n", err.msg);
        _fail(file, line);
        return;
    }
    zone_close(z);
    _assert_string_equal(utc_text(instant, shown), expected, file, line);
}
#define then_reads(zone, text, edge, expected)                                                     \
    then_reads_(zone, text, edge, expected, __FILE__, __LINE__)

static void test_instants_need_no_zone(void **state)
{
    (void)state;
    then_reads("Europe/Berlin", "2026-06-30T12:30:00.5Z", ZONE_START,
               "2026-06-30T12:30:00.500000Z");
    then_reads("UTC", "2026-06-30t12:30:00.1234567+02:00", ZONE_START,
               "2026-06-30T10:30:00.123456Z");
    then_reads("UTC", "2026-06-30T12:30:00 02:00", ZONE_END, "2026-06-30T10:30:00.000000Z");
    then_reads("UTC", "2026-01-01T00:00-03:30", ZONE_START, "2026-01-01T03:30:00.000000Z");
    then_reads("UTC", "1969-12-31T23:59:59.999999Z", ZONE_START, "1969-12-31T23:59:59.999999Z");
}

static void test_local_times_are_in_the_zone(void **state)
{
    (void)state;
    then_reads("Europe/Berlin", "2026-06-30T12:30:00", ZONE_START, "2026-06-30T10:30:00.000000Z");
    then_reads("Europe/Berlin", "2026-01-30 12:30", ZONE_START, "2026-01-30T11:30:00.000000Z");
    then_reads("+05:30", "2026-01-30 12:30", ZONE_START, "2026-01-30T07:00:00.000000Z");
    then_reads("Pacific/Kiritimati", "2026-01-30 12:30", ZONE_START, "2026-01-29T22:30:00.000000Z");
}

static void then_shows_(const char *zone, const char *instant, const char *expected,
                        const char *file, int line)
{
    struct zone *z;
    struct error err;
    int64_t at;
    char shown[UTC_TEXT_SIZE];
    assert_int_equal(zone_open(zone, &z, &err), 0);
    assert_int_equal(zone_read(z, instant, ZONE_START, &at, &err), 0);
    _assert_string_equal(utc_text(zone_local(z, at), shown), expected, file, line);
    zone_close(z);
}
#define then_shows(zone, instant, expected) then_shows_(zone, instant, expected, __FILE__, __LINE__)

static void test_what_a_local_clock_shows(void **state)
{
    (void)state;
    then_shows("UTC", "2026-06-30T12:30:00.5Z", "2026-06-30T12:30:00.500000Z");
    then_shows("Asia/Kolkata", "2026-06-30T18:30:00Z", "2026-07-01T00:00:00.000000Z");
    then_shows("Europe/Berlin", "2026-03-29T00:59:59.999999Z", "2026-03-29T01:59:59.999999Z");
    then_shows("Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29T03:00:00.000000Z");
    then_shows("America/New_York", "1969-12-31T23:59:59.999999Z", "1969-12-31T18:59:59.999999Z");
}

static void test_a_day_counts_whole(void **state)
{
    (void)state;
    then_reads("UTC", "2026-06-30", ZONE_START, "2026-06-30T00:00:00.000000Z");
    then_reads("UTC", "2026-06-30", ZONE_END, "2026-07-01T00:00:00.000000Z");
    /* 23 and 25 hours long */
    then_reads("Europe/Berlin", "2026-03-29", ZONE_START, "2026-03-28T23:00:00.000000Z");
    then_reads("Europe/Berlin", "2026-03-29", ZONE_END, "2026-03-29T22:00:00.000000Z");
    then_reads("Europe/Berlin", "2026-10-25", ZONE_START, "2026-10-24T22:00:00.000000Z");
    then_reads("Europe/Berlin", "2026-10-25", ZONE_END, "2026-10-25T23:00:00.000000Z");
    then_reads("UTC", "2028-02-29", ZONE_END, "2028-03-01T00:00:00.000000Z");
}

static void test_a_skipped_time_is_the_first_after_the_gap(void **state)
{
    (void)state;
    then_reads("Europe/Berlin", "2026-03-29T02:30:00", ZONE_START, "2026-03-29T01:00:00.000000Z");
    then_reads("Europe/Berlin", "2026-03-29T02:00:00", ZONE_START, "2026-03-29T01:00:00.000000Z");
    then_reads("Europe/Berlin", "2026-03-29T03:00:00", ZONE_START, "2026-03-29T01:00:00.000000Z");
    then_reads("Europe/Berlin", "2026-03-29T01:59:59", ZONE_START, "2026-03-29T00:59:59.000000Z");
    /* midnight itself is skipped, and a whole day */
    then_reads("America/Havana", "2026-03-08", ZONE_START, "2026-03-08T05:00:00.000000Z");
    then_reads("Pacific/Apia", "2011-12-30", ZONE_START, "2011-12-30T10:00:00.000000Z");
}

static void test_a_doubled_time_is_the_first(void **state)
{
    (void)state;
    then_reads("Europe/Berlin", "2026-10-25T02:30:00", ZONE_START, "2026-10-25T00:30:00.000000Z");
    then_reads("Europe/Berlin", "2026-10-25T03:00:00", ZONE_START, "2026-10-25T02:00:00.000000Z");
    then_reads("Australia/Lord_Howe", "2026-04-05T01:45:00", ZONE_START,
               "2026-04-04T14:45:00.000000Z");
}

static void test_what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        "today",
        "2026-02-29",
        "2026-13-01",
        "2026-6-30",
        "2026-06-30T",
        "2026-06-30T24:00:00",
        "2026-06-30T12:60",
        "2026-06-30T12:30:00.",
        "2026-06-30T12:30:00Zx",
        "2026-06-30T12:30:00+2:00",
        "2026-06-30T12:30:00+24:00",
        "0026-06-30",
        "2026-06-30 ",
    };
    struct zone *z;
    assert_int_equal(zone_open("UTC", &z, NULL), 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct error err = {0};
        int64_t out = 42;
        assert_int_equal(zone_read(z, wrong[i], ZONE_START, &out, &err), -1);
        assert_int_equal(out, 42);
        assert_non_null(strstr(err.msg, wrong[i]));
    }
    zone_close(z);
}

static void test_what_is_no_zone_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "", "Mars/Olympus", "../../../etc/passwd", "/etc/localtime", "a//b", "UTC\n", ":UTC"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct zone *z = NULL;
        assert_int_equal(zone_open(wrong[i], &z, NULL), -1);
        assert_null(z);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_instants_need_no_zone),
        cmocka_unit_test(test_local_times_are_in_the_zone),
        cmocka_unit_test(test_what_a_local_clock_shows),
        cmocka_unit_test(test_a_day_counts_whole),
        cmocka_unit_test(test_a_skipped_time_is_the_first_after_the_gap),
        cmocka_unit_test(test_a_doubled_time_is_the_first),
        cmocka_unit_test(test_what_is_no_time_is_refused),
        cmocka_unit_test(test_what_is_no_zone_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
