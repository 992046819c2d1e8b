/* links: recorder_parts */
/* Rows for COPY BINARY, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "batch.h"
#include "copy_rows.h"

static void then_bytes(struct rows *r, const char *expected, size_t size)
{
    assert_false(r->failed);
    assert_int_equal(r->size, size);
    assert_memory_equal(r->data, expected, size);
    rows_free(r);
}

#define THEN_BYTES(rows, literal) then_bytes(rows, literal, sizeof(literal) - 1)

static void test_fields_are_sizes_and_big_endian_bytes(void **state)
{
    struct rows r = {0};
    (void)state;
    copy_row(&r, 3);
    copy_int4(&r, -2);
    copy_text(&r, "ab");
    copy_text(&r, NULL);
    THEN_BYTES(&r, "\0\3"
                   "\0\0\0\4"
                   "\377\377\377\376"
                   "\0\0\0\2"
                   "ab"
                   "\377\377\377\377");
    copy_bool(&r, true);
    copy_int8(&r, 258);
    copy_json(&r, "{}", 2);
    copy_bytes(&r, "\0", 1);
    THEN_BYTES(&r, "\0\0\0\1\1"
                   "\0\0\0\10\0\0\0\0\0\0\1\2"
                   "\0\0\0\3\1{}"
                   "\0\0\0\1\0");
}

static void test_absent_values_are_null(void **state)
{
    struct rows r = {0};
    (void)state;
    copy_double(&r, NAN);
    copy_time(&r, WT_NO_TIME);
    copy_json(&r, NULL, 0);
    copy_null(&r);
    THEN_BYTES(&r, "\377\377\377\377"
                   "\377\377\377\377"
                   "\377\377\377\377"
                   "\377\377\377\377");
    copy_double(&r, 0);
    THEN_BYTES(&r, "\0\0\0\10\0\0\0\0\0\0\0\0");
}

static void test_times_start_in_2000_and_are_never_infinite(void **state)
{
    struct rows r = {0};
    (void)state;
    copy_time(&r, 946684800000001);
    THEN_BYTES(&r, "\0\0\0\10\0\0\0\0\0\0\0\1");
    copy_time(&r, INT64_MIN + 1);
    THEN_BYTES(&r, "\0\0\0\10\200\0\0\0\0\0\0\1");
}

static void test_numerics_have_digits_in_base_ten_thousand(void **state)
{
    static const struct {
        int64_t value;
        int scale;
        const char *bytes; /* count, weight, sign, scale, digits */
        size_t size;
    } cases[] = {
        {0, 2, "\0\0\0\0\0\0\0\2", 8},
        {1, 2, "\0\1\377\377\0\0\0\2\0\144", 10},         /* 0.01          */
        {100, 2, "\0\1\0\0\0\0\0\2\0\1", 10},             /* 1.00          */
        {123456, 2, "\0\2\0\0\0\0\0\2\4\322\25\340", 12}, /* 1234.56       */
        {8712, 4, "\0\1\377\377\0\0\0\4\42\10", 10},      /* 0.8712        */
        {10000, 4, "\0\1\0\0\0\0\0\4\0\1", 10},           /* 1.0000        */
        {100000000000000, 2, "\0\1\0\3\0\0\0\2\0\1", 10}, /* 10^12         */
        {10000000, 2, "\0\1\0\1\0\0\0\2\0\12", 10},       /* 100000.00     */
        {-150, 2, "\0\2\0\0\100\0\0\2\0\1\23\210", 12},   /* -1.50         */
        {INT64_MAX, 0, "\0\5\0\4\0\0\0\0\3\232\15\54\1\160\25\145\26\257", 18},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct rows r = {0};
        copy_numeric(&r, cases[i].value, cases[i].scale);
        assert_int_equal(r.size, 4 + cases[i].size);
        assert_memory_equal(r.data + 4, cases[i].bytes, cases[i].size);
        rows_free(&r);
    }
}

static void test_an_array_of_texts_is_one_field(void **state)
{
    static const char *const texts[] = {"ab", "c"};
    struct rows r = {0};
    (void)state;
    copy_texts(&r, texts, 2);
    THEN_BYTES(&r, "\0\0\0\37" /* 31 bytes: */
                   "\0\0\0\1"  /* one dimension, */
                   "\0\0\0\0"  /* no nulls, */
                   "\0\0\0\31" /* of text, */
                   "\0\0\0\2"  /* two of them, */
                   "\0\0\0\1"  /* the first is number one */
                   "\0\0\0\2"
                   "ab"
                   "\0\0\0\1"
                   "c");
}

static void test_rows_can_be_cut_back(void **state)
{
    struct rows r = {0};
    (void)state;
    copy_text(&r, "kept");
    size_t size = r.size;
    for (int i = 0; i < 10000; i++)
        copy_text(&r, "dropped");
    rows_cut(&r, size);
    THEN_BYTES(&r, "\0\0\0\4kept");
}

/* ---- batches ---- */

static wt_event event(int kind, uint64_t seq)
{
    return (wt_event){.struct_size = sizeof(wt_event),
                      .kind = (uint16_t)kind,
                      .body_version = 1,
                      .seq = seq,
                      .id = {{(uint8_t)seq}},
                      .run_id = {{1}},
                      .body = "raw",
                      .body_size = 3};
}

static void add_wallet(struct batch *b, uint64_t seq, int is_new)
{
    wt_event e = event(WT_WALLET, seq);
    wt_wallet w = {.struct_size = sizeof w,
                   .is_new = (int8_t)is_new,
                   .score_e4 = WT_NO_SCORE,
                   .address = "alice",
                   .source_token = "mint"};
    assert_true(batch_wallet(b, &e, &w));
}

static void add_token(struct batch *b, uint64_t seq)
{
    wt_event e = event(WT_TOKEN, seq);
    wt_token t = {
        .struct_size = sizeof t, .token = "mint", .price_change_pct = NAN, .volume_usd = NAN};
    assert_true(batch_token(b, &e, &t));
}

static void test_any_range_of_a_batch_is_one_piece_a_table(void **state)
{
    struct batch b = {0};
    size_t all, first, second, none;
    (void)state;
    add_wallet(&b, 1, 1);
    add_token(&b, 2);
    add_wallet(&b, 3, 1);
    add_wallet(&b, 4, 1);
    const unsigned char *start = batch_rows(&b, TABLE_WALLETS, 0, 4, &all);
    assert_ptr_equal(batch_rows(&b, TABLE_WALLETS, 0, 2, &first), start);
    assert_ptr_equal(batch_rows(&b, TABLE_WALLETS, 2, 4, &second), start + first);
    assert_int_equal(all, first + second);
    assert_int_equal(second, 2 * first);
    batch_rows(&b, TABLE_TOKENS, 2, 4, &none);
    assert_int_equal(none, 0);
    batch_rows(&b, TABLE_ERRORS, 0, 4, &none);
    assert_int_equal(none, 0);
    batch_free(&b);
}

static void test_an_end_is_kept_with_its_reason(void **state)
{
    struct batch b = {0};
    (void)state;
    add_wallet(&b, 1, 1);
    wt_event e = event(WT_RUN_END, 2);
    wt_run_end end = {.struct_size = sizeof end, .status = WT_RUN_FAILED, .reason = "exit 3"};
    assert_true(batch_run_end(&b, &e, &end));
    assert_int_equal(batch_first_end(&b, 1), 0);
    assert_int_equal(batch_first_end(&b, 2), 1);
    assert_string_equal((char *)b.bodies.data + b.ends[0].reason, "exit 3");
    struct rows raw = {0};
    batch_quarantine_row(&b, 1, "default", "22000", "no", &raw);
    assert_non_null(memmem(raw.data, raw.size, "\0\0\0\3raw", 7));
    rows_free(&raw);
    batch_clear(&b);
    assert_int_equal(batch_bytes(&b), 0);
    batch_free(&b);
}

static void test_whether_a_wallet_is_new_can_be_set_later(void **state)
{
    struct batch b = {0};
    size_t size, before;
    (void)state;
    add_wallet(&b, 1, -1);
    const unsigned char *row = batch_rows(&b, TABLE_WALLETS, 0, 1, &before);
    assert_int_equal(row[46], 1);
    batch_set_new(&b, 0, false);
    assert_int_equal(row[46], 0);
    assert_memory_equal(batch_address(&b, 0, &size), "alice", 5);
    assert_int_equal(size, 5);
    assert_int_equal(b.undecided, 1);
    batch_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_are_sizes_and_big_endian_bytes),
        cmocka_unit_test(test_absent_values_are_null),
        cmocka_unit_test(test_times_start_in_2000_and_are_never_infinite),
        cmocka_unit_test(test_numerics_have_digits_in_base_ten_thousand),
        cmocka_unit_test(test_an_array_of_texts_is_one_field),
        cmocka_unit_test(test_rows_can_be_cut_back),
        cmocka_unit_test(test_any_range_of_a_batch_is_one_piece_a_table),
        cmocka_unit_test(test_an_end_is_kept_with_its_reason),
        cmocka_unit_test(test_whether_a_wallet_is_new_can_be_set_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
