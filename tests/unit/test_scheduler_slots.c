/* links: schedule */
/* Which slots are due, and what becomes of each: a table of situations, and the clock moved at
 * random. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "schedule/slots.h"

/* Times in seconds; NONE for no time. */
#define NONE INT64_MIN
#define HOUR INT64_C(3600)

struct situation {
    const char *name;
    int64_t every, last, now;
    bool paused, none, was_down; /* none: catch_up is "none" */
    /* expected */
    size_t missed;
    int64_t missed_from, earlier, fire, dealt, wake;
};

static const struct situation situations[] = {
    {"nothing is due", HOUR, 10 * HOUR, 10 * HOUR + 5, 0, 0, 0, 0, NONE, 0, NONE, 10 * HOUR,
     11 * HOUR},
    {"a moment before the slot", HOUR, 10 * HOUR, 11 * HOUR - 1, 0, 0, 0, 0, NONE, 0, NONE,
     10 * HOUR, 11 * HOUR},
    {"at the slot", HOUR, 10 * HOUR, 11 * HOUR, 0, 0, 0, 0, NONE, 0, 11 * HOUR, 11 * HOUR,
     12 * HOUR},
    {"a little late is on time", HOUR, 10 * HOUR, 11 * HOUR + 60, 0, 1, 0, 0, NONE, 0, 11 * HOUR,
     11 * HOUR, 12 * HOUR},
    {"too late without catching up", HOUR, 10 * HOUR, 11 * HOUR + 61, 0, 1, 0, 1, 11 * HOUR, 0,
     NONE, 11 * HOUR, 12 * HOUR},
    {"too late, made up for", HOUR, 10 * HOUR, 11 * HOUR + 61, 0, 0, 0, 0, NONE, 0, 11 * HOUR,
     11 * HOUR, 12 * HOUR},
    {"down, the latest is made up for", HOUR, 10 * HOUR, 15 * HOUR + 9, 0, 0, 1, 4, 11 * HOUR, 0,
     15 * HOUR, 15 * HOUR, 16 * HOUR},
    {"down, nothing is made up for", HOUR, 10 * HOUR, 15 * HOUR + 9, 0, 1, 1, 5, 11 * HOUR, 0, NONE,
     15 * HOUR, 16 * HOUR},
    {"down for long: the newest hundred one by one", HOUR, 0, 1000 * HOUR, 0, 0, 1, 100, 900 * HOUR,
     899, 1000 * HOUR, 1000 * HOUR, 1001 * HOUR},
    {"down for long, nothing made up for", HOUR, 0, 1000 * HOUR, 0, 1, 1, 100, 901 * HOUR, 900,
     NONE, 1000 * HOUR, 1001 * HOUR},
    {"exactly a hundred missed", HOUR, 0, 100 * HOUR, 0, 1, 1, 100, HOUR, 0, NONE, 100 * HOUR,
     101 * HOUR},
    {"paused", HOUR, 10 * HOUR, 11 * HOUR, 1, 0, 0, 1, 11 * HOUR, 0, NONE, 11 * HOUR, 12 * HOUR},
    {"paused and down", HOUR, 10 * HOUR, 13 * HOUR + 1, 1, 0, 1, 3, 11 * HOUR, 0, NONE, 13 * HOUR,
     14 * HOUR},
    {"the clock was set back an hour", HOUR, 10 * HOUR, 9 * HOUR + 5, 0, 0, 0, 0, NONE, 0, NONE,
     10 * HOUR, 11 * HOUR},
    {"the clock was set back a year", HOUR, 10000 * HOUR, 1240 * HOUR, 0, 0, 0, 0, NONE, 0, NONE,
     10000 * HOUR, 10001 * HOUR},
    {"the clock was set forward an hour", HOUR, 10 * HOUR, 11 * HOUR + 1800, 0, 0, 0, 0, NONE, 0,
     11 * HOUR, 11 * HOUR, 12 * HOUR},
    {"a first start between slots", HOUR, 10 * HOUR + 1234, 10 * HOUR + 1234, 0, 0, 1, 0, NONE, 0,
     NONE, 10 * HOUR + 1234, 11 * HOUR},
    {"an interval that does not divide a day", 7 * HOUR, 14 * HOUR, 21 * HOUR + 1, 0, 0, 0, 0, NONE,
     0, 21 * HOUR, 21 * HOUR, 28 * HOUR},
    {"held up for some short intervals", 1, 100, 103, 0, 0, 0, 2, 101, 0, 103, 103, 104},
    {"before 1970", HOUR, -10 * HOUR - 5, -10 * HOUR + 3, 0, 0, 0, 0, NONE, 0, -10 * HOUR,
     -10 * HOUR, -9 * HOUR},
};

static int64_t us(int64_t seconds)
{
    return seconds == NONE ? WT_NO_TIME : seconds * 1000000;
}

static void test_each_situation(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof situations / sizeof *situations; i++) {
        const struct situation *s = &situations[i];
        struct slots_state before = {us(s->every), !s->paused,
                                     s->none ? CATCH_UP_NONE : CATCH_UP_LATEST, us(s->last),
                                     s->was_down};
        struct slots_plan plan;
        slots_plan(&before, us(s->now), &plan);
        if (plan.missed != s->missed || plan.missed_us != us(s->missed_from) ||
            plan.earlier != s->earlier || plan.fire_us != us(s->fire) ||
            plan.dealt_us != us(s->dealt) || plan.wake_us != us(s->wake))
            fail_msg("%s: missed %zu from %lld and %lld, fire %lld, dealt %lld, wake %lld", s->name,
                     plan.missed, (long long)plan.missed_us, (long long)plan.earlier,
                     (long long)plan.fire_us, (long long)plan.dealt_us, (long long)plan.wake_us);
    }
}

/* The same numbers each time. */
static int64_t number_below(int64_t limit)
{
    static uint64_t state = 7;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int64_t)(state >> 33) % limit;
}

/* However the clock is moved, slots are dealt with in order, each once, and it is always known
 * when to look again. */
static void test_no_slot_is_dealt_with_twice_or_left_out(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        int64_t every = (1 + number_below(5000)) * INT64_C(1000000);
        int64_t now = number_below(100000) * INT64_C(1000000);
        struct slots_state s = {every, true, round % 2 ? CATCH_UP_NONE : CATCH_UP_LATEST, now,
                                false};
        int64_t expected = now - now % every + every; /* the next slot to be dealt with */
        for (int step = 0; step < 100; step++) {
            struct slots_plan plan;
            now += (number_below(40000) - 18000) * INT64_C(1000000);
            s.enabled = number_below(4) != 0;
            slots_plan(&s, now, &plan);
            int64_t n = (int64_t)plan.missed + plan.earlier + (plan.fire_us != WT_NO_TIME ? 1 : 0);
            if (plan.missed > 0)
                assert_int_equal(plan.missed_us, expected + plan.earlier * every);
            if (plan.fire_us != WT_NO_TIME)
                assert_int_equal(plan.fire_us, expected + (n - 1) * every);
            assert_true(n == 0 || expected + (n - 1) * every <= now);
            expected += n * every;
            assert_int_equal(plan.wake_us, expected);
            assert_true(plan.wake_us > now);
            s.last_us = plan.dealt_us;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_situation),
        cmocka_unit_test(test_no_slot_is_dealt_with_twice_or_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
