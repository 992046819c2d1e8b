/* What a run has found already. */
/* links: run */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "run/seen.h"

static void test_a_pair_is_new_once(void **state)
{
    struct seen *s = seen_new();
    (void)state;
    assert_int_equal(seen_add(s, "wallet", "token"), SEEN_FIRST);
    assert_int_equal(seen_add(s, "wallet", "token"), SEEN_BEFORE);
    assert_int_equal(seen_add(s, "wallet", "token2"), SEEN_FIRST);
    assert_int_equal(seen_add(s, "token", "wallet"), SEEN_FIRST);
    assert_int_equal(seen_add(s, "wallett", "oken"), SEEN_FIRST);
    assert_int_equal(seen_add(s, "", ""), SEEN_FIRST);
    assert_int_equal(seen_add(s, "", ""), SEEN_BEFORE);
    assert_int_equal(seen_count(s), 5);
    seen_free(s);
}

static void test_many_pairs_are_kept_apart_and_found_again(void **state)
{
    enum { MANY = 200000 };
    struct seen *s = seen_new();
    char wallet[32], token[32];
    (void)state;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < MANY; i++) {
            snprintf(wallet, sizeof wallet, "wallet-%d", i / 3);
            snprintf(token, sizeof token, "token-%d", i % 3);
            if (seen_add(s, wallet, token) != (round == 0 ? SEEN_FIRST : SEEN_BEFORE))
                fail_msg("pair %d in round %d", i, round);
        }
    }
    assert_int_equal(seen_count(s), MANY);
    seen_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pair_is_new_once),
        cmocka_unit_test(test_many_pairs_are_kept_apart_and_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
