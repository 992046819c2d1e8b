/* links: schedule */
/* What the API has set of a schedule, until the file is edited. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "params.h"
#include "schedule/override.h"

static const char source[] = "{\"every\":\"6h\",\"name\":\"default\"}";

static void test_what_was_set_comes_back(void **state)
{
    (void)state;
    struct schedule_change change = {.has_enabled = true,
                                     .has_every = true,
                                     .every_seconds = 7200,
                                     .has_params = true,
                                     .has_profile = true,
                                     .profile_immediately = true};
    struct schedule_change back;
    const char *why;
    params_default(&change.params);
    change.params.value[WT_PARAM_MIN_PROFIT_PCT] = 1234;
    change.params.value[WT_PARAM_MIN_VOLUME_USD] = INT64_C(99999999999999);
    char *text = override_make(NULL, source, &change);

    assert_true(override_read(text, source, &back, &why));

    assert_true(back.has_enabled && !back.enabled);
    assert_true(back.has_every && back.every_seconds == 7200);
    assert_true(back.has_profile && back.profile_immediately);
    assert_true(back.has_params);
    assert_memory_equal(&back.params, &change.params, sizeof back.params);
    free(text);
}

static void test_changes_add_up(void **state)
{
    (void)state;
    struct schedule_change pause = {.has_enabled = true, .enabled = false};
    struct schedule_change slower = {.has_every = true, .every_seconds = 60};
    struct schedule_change both;
    const char *why;
    char *first = override_make(NULL, source, &pause);
    char *second = override_make(first, source, &slower);

    assert_true(override_read(second, source, &both, &why));

    assert_true(both.has_enabled && !both.enabled);
    assert_true(both.has_every && both.every_seconds == 60);
    assert_false(both.has_params || both.has_profile);
    free(first);
    free(second);
}

static void test_an_edited_file_has_the_last_word(void **state)
{
    (void)state;
    static const char edited[] = "{\"every\":\"1h\",\"name\":\"default\"}";
    struct schedule_change pause = {.has_enabled = true, .enabled = false};
    struct schedule_change slower = {.has_every = true, .every_seconds = 60};
    struct schedule_change back;
    const char *why = NULL;
    char *text = override_make(NULL, source, &pause);

    assert_false(override_read(text, edited, &back, &why));
    assert_string_equal(why, "the entry in the configuration file was edited");
    assert_false(back.has_enabled);

    char *renewed = override_make(text, edited, &slower); /* the old one is not carried over */
    assert_true(override_read(renewed, edited, &back, &why));
    assert_false(back.has_enabled);
    assert_true(back.has_every);
    free(text);
    free(renewed);
}

static void test_damaged_texts_are_refused(void **state)
{
    (void)state;
    static const char *const damaged[] = {
        "",
        "nonsense",
        "{\"base\":1,\"set\":{}}",
        "{\"base\":\"b\"}",
        "{\"base\":\"b\",\"set\":[]}",
        "{\"base\":\"b\",\"set\":{\"every_seconds\":0}}",
        "{\"base\":\"b\",\"set\":{\"every_seconds\":31622401}}",
        "{\"base\":\"b\",\"set\":{\"params\":{\"max_tokens\":1}}}",
        ("{\"base\":\"b\",\"set\":{\"params\":{\"max_tokens\":1,\"min_profit_pct\":-1,"
         "\"min_volume_usd\":1,\"max_token_age_hours\":1,\"early_window_minutes\":1,"
         "\"min_price_change_pct\":1}}}"),
    };
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        struct schedule_change back;
        const char *why = NULL;
        assert_false(override_read(damaged[i], "b", &back, &why));
        assert_string_equal(why, "what was set is damaged");
        assert_false(back.has_enabled || back.has_every || back.has_params || back.has_profile);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_set_comes_back),
        cmocka_unit_test(test_changes_add_up),
        cmocka_unit_test(test_an_edited_file_has_the_last_word),
        cmocka_unit_test(test_damaged_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
