/* Identifiers: their order, their form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "ids.h"

static void test_later_ids_compare_greater(void **state)
{
    (void)state;
    wt_uuid last = id_make();
    for (int i = 0; i < 200000; i++) {
        wt_uuid id = id_make();
        assert_true(memcmp(&last, &id, sizeof id) < 0);
        last = id;
    }
}

static void test_ids_have_version_variant_and_time(void **state)
{
    (void)state;
    int64_t before = time(NULL);
    wt_uuid id = id_make();
    uint64_t ms = 0;
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | id.bytes[i];

    assert_int_equal(id.bytes[6] >> 4, 7);
    assert_int_equal(id.bytes[8] >> 6, 2);
    assert_in_range(ms / 1000, before - 1, before + 60); /* ahead of the clock after a burst */
}

static void test_random_ids_tell_nothing(void **state)
{
    (void)state;
    wt_uuid a = id_random(), b = id_random();
    assert_int_equal(a.bytes[6] >> 4, 4);
    assert_int_equal(a.bytes[8] >> 6, 2);
    assert_false(id_equal(&a, &b));
    assert_memory_not_equal(a.bytes, b.bytes, 6);
}

static void test_text_and_back(void **state)
{
    (void)state;
    wt_uuid id = id_make(), back;
    char text[ID_TEXT_SIZE];
    wt_uuid_text(&id, text);
    assert_int_equal(strlen(text), ID_TEXT_SIZE - 1);
    assert_true(id_parse(text, &back));
    assert_true(id_equal(&id, &back));
    for (char *c = text; *c != '\0'; c++)
        if (*c >= 'a' && *c <= 'f')
            *c = (char)(*c - 32);
    assert_true(id_parse(text, &back));
    assert_true(id_equal(&id, &back));
}

static void test_other_texts_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "x",
        "00000000-0000-0000-0000-00000000000",
        "00000000-0000-0000-0000-0000000000000",
        "00000000-0000-0000-0000-00000000000g",
        "000000000000-0000-0000-00000000000000",
        "{0000000-0000-0000-0000-00000000000}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        wt_uuid id;
        if (id_parse(bad[i], &id))
            fail_msg("accepted: '%s'", bad[i]);
    }
}

static void test_zero_is_told_from_others(void **state)
{
    (void)state;
    wt_uuid zero = {0}, id = id_make();
    assert_true(id_is_zero(&zero));
    assert_false(id_is_zero(&id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_later_ids_compare_greater),
        cmocka_unit_test(test_ids_have_version_variant_and_time),
        cmocka_unit_test(test_random_ids_tell_nothing),
        cmocka_unit_test(test_text_and_back),
        cmocka_unit_test(test_other_texts_are_refused),
        cmocka_unit_test(test_zero_is_told_from_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
