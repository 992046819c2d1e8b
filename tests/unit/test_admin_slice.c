/* links: admin */
/* Parts of a JSON text, found where they stand; and nothing outside of it, whatever it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "admin/rows.h"

static struct slice slice_of(const char *text)
{
    return (struct slice){text, strlen(text)};
}

static void then_member(const char *object, const char *key, const char *expected)
{
    struct slice found;
    bool is_there = slice_member(slice_of(object), key, &found);
    assert_int_equal(is_there, expected != NULL);
    if (expected != NULL)
        assert_true(slice_is(found, expected));
}

static void test_members(void **state)
{
    (void)state;
    then_member("{\"a\":1,\"b\":2}", "b", "2");
    then_member(" {\n\"a\" : [1, {\"b\": 3}] , \"b\"\t: \"x,}\" }", "b", "\"x,}\"");
    then_member("{\"c\":\"\\\"b\\\":1\",\"b\":null}", "b", "null");
    then_member("{\"a\":{\"b\":1}}", "b", NULL);
    then_member("{\"bb\":1}", "b", NULL);
    then_member("{}", "b", NULL);
    then_member("[]", "b", NULL);
    then_member("", "b", NULL);
}

static void test_items(void **state)
{
    static const char *const expected[] = {"1", "[2, [3]]", "{\"a\": \"]\"}", "\"\\\"\"", "null"};
    struct slice rest, item;
    size_t n = 0;
    (void)state;
    assert_true(slice_items(slice_of("[1, [2, [3]],{\"a\": \"]\"}\n,\"\\\"\", null ]"), &rest));
    while (slice_next(&rest, &item))
        assert_true(slice_is(item, expected[n++]));
    assert_int_equal(n, 5);
    assert_true(slice_items(slice_of("[]"), &rest));
    assert_false(slice_next(&rest, &item));
    assert_false(slice_items(slice_of("{}"), &rest));
    assert_false(slice_items(slice_of("[1"), &rest));
}

static void test_plain_strings(void **state)
{
    struct slice plain;
    (void)state;
    assert_true(slice_plain_string(slice_of("\"abc\""), &plain));
    assert_true(slice_is(plain, "abc"));
    assert_false(slice_plain_string(slice_of("\"a\\n\""), &plain));
    assert_false(slice_plain_string(slice_of("null"), &plain));
    assert_false(slice_plain_string(slice_of("\""), &plain));
}

/* A text of its own size, so that reading past its end is seen. */
static void try_all(const char *text, size_t size)
{
    static const struct column columns[] = {{"a", NULL}, {"b", "a"}};
    char *own = malloc(size > 0 ? size : 1);
    struct slice whole = {own, size}, part, rest;
    GString *out = g_string_new(NULL);
    memcpy(own, text, size);
    slice_member(whole, "a", &part);
    if (slice_items(whole, &rest))
        while (slice_next(&rest, &part))
            rows_csv(out, columns, 2, part);
    rows_csv(out, columns, 2, whole);
    rows_json(out, whole);
    g_string_free(out, TRUE);
    free(own);
}

static void test_any_bytes_are_survived(void **state)
{
    static const char seed[] = "[{\"a\": {\"b\": \"x\\\"\\u00e9\"}, \"c\": [1.5e3, null, true]}]";
    static const char bytes[] = "{}[]\",:\\ \n0n";
    (void)state;
    for (size_t cut = 0; cut < sizeof seed; cut++)
        try_all(seed, cut);
    for (size_t at = 0; at < sizeof seed - 1; at++)
        for (size_t i = 0; i < sizeof bytes; i++) {
            char text[sizeof seed];
            memcpy(text, seed, sizeof seed);
            text[at] = bytes[i];
            try_all(text, sizeof seed - 1);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_items),
        cmocka_unit_test(test_plain_strings),
        cmocka_unit_test(test_any_bytes_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
