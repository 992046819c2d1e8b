/* A tape as a file: packed or plain, lines of any length, and files that are no tapes. */
/* links: engine_tape */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "tape.h"

#define HEADER "time,token,wallet,side,token_amount,usd_amount,note\n"
#define ROW(token) "2026-06-28T13:14:45Z," token ",W,buy,1,1,\n"

static char path[64];

static int setup(void **state)
{
    (void)state;
    strcpy(path, "/tmp/walltrack-tape-XXXXXX");
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

static void given_bytes(const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static void given_text(const char *text)
{
    given_bytes(text, strlen(text));
}

static void given_packed(const char *text)
{
    gzFile file = gzopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(gzputs(file, text), strlen(text));
    assert_int_equal(gzclose(file), Z_OK);
}

static struct tape *open_tape(void)
{
    const struct trade_rules rules = {.until_us = INT64_MAX};
    struct tape *tape;
    struct error err = {0};
    if (tape_open(path, &rules, &tape, &err) != 0)
        fail_msg("%s", err.msg);
    return tape;
}

/* What is in the tape, such as "2:T1 3:! 5:T2": row number and token, or ! for a bad row. */
static void then_rows(const char *expected)
{
    char rows[256] = "";
    size_t used = 0;
    struct tape *tape = open_tape();
    struct trade trade;
    struct error err = {0};
    enum tape_result result;
    while ((result = tape_next(tape, &trade, &err)) == TAPE_TRADE || result == TAPE_BAD_ROW)
        used += (size_t)snprintf(rows + used, sizeof rows - used, "%s%d:%s", used > 0 ? " " : "",
                                 (int)tape_row(tape), result == TAPE_TRADE ? trade.token : "!");
    assert_int_equal(result, TAPE_END);
    assert_int_equal(tape_next(tape, &trade, &err), TAPE_END);
    tape_close(tape);
    assert_string_equal(rows, expected);
}

static void then_no_tape(const char *why)
{
    const struct trade_rules rules = {.until_us = INT64_MAX};
    struct tape *tape = NULL;
    struct error err = {0};
    assert_int_equal(tape_open(path, &rules, &tape, &err), -1);
    assert_null(tape);
    if (strstr(err.msg, why) == NULL || strstr(err.msg, path) == NULL)
        fail_msg("'%s' does not say '%s' and the path", err.msg, why);
}

static void test_plain_and_packed_tapes_are_the_same(void **state)
{
    (void)state;
    given_text(HEADER ROW("T1") ROW("T2"));
    then_rows("2:T1 3:T2");
    given_packed(HEADER ROW("T1") ROW("T2"));
    then_rows("2:T1 3:T2");
}

static void test_line_ends_and_empty_lines_of_all_kinds(void **state)
{
    (void)state;
    given_text("\xef\xbb\xbf" HEADER "\n" ROW("T1") "\r\n2026-06-28T13:14:45Z,T2,W,buy,1,1,\r\n"
                                                    "\n\n2026-06-28T13:14:45Z,T3,W,sell,1,1,end");
    then_rows("3:T1 5:T2 8:T3");
}

static void test_a_bad_row_is_counted_and_reading_goes_on(void **state)
{
    (void)state;
    given_text(HEADER "nonsense\n" ROW("T1") "\"\n" ROW("T2"));
    then_rows("2:! 3:T1 4:! 5:T2");
}

static void test_a_header_alone_is_an_empty_tape(void **state)
{
    (void)state;
    given_text(HEADER);
    then_rows("");
}

static void test_a_nul_byte_spoils_only_its_row(void **state)
{
    (void)state;
    static const char text[] = HEADER ROW("T1") "2026-06-28T13:14:45Z,T2,W,buy,1,1,\0\n" ROW("T3");
    given_bytes(text, sizeof text - 1);
    then_rows("2:T1 3:! 4:T3");
}

/* Rows of every length around the limit and around the window's edges, one after another. */
static void test_rows_up_to_the_limit_are_read_and_longer_ones_are_bad(void **state)
{
    (void)state;
    static const int lengths[] = {
        60,    TAPE_ROW_LIMIT - 1, TAPE_ROW_LIMIT, 61, 100000, 300000, TAPE_ROW_LIMIT + 1, 62,
        40000, TAPE_ROW_LIMIT,     1000000,        63};
    enum { COUNT = sizeof lengths / sizeof *lengths, ROUNDS = 20 };
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(HEADER, file);
    for (int i = 0; i < COUNT * ROUNDS; i++) {
        int used = fprintf(file, "2026-06-28T13:14:45Z,T%d,W,buy,1,1,", i);
        fprintf(file, "%0*d%s", lengths[i % COUNT] - used, 0, i + 1 < COUNT * ROUNDS ? "\n" : "");
    }
    assert_int_equal(fclose(file), 0);

    struct tape *tape = open_tape();
    struct trade trade;
    struct error err;
    for (int i = 0; i < COUNT * ROUNDS; i++) {
        char token[16];
        snprintf(token, sizeof token, "T%d", i);
        bool fits = lengths[i % COUNT] <= TAPE_ROW_LIMIT;
        assert_int_equal(tape_next(tape, &trade, &err), fits ? TAPE_TRADE : TAPE_BAD_ROW);
        assert_int_equal(tape_row(tape), i + 2);
        if (fits)
            assert_string_equal(trade.token, token);
        else
            assert_string_equal(err.msg, "is longer than 65536 bytes");
    }
    assert_int_equal(tape_next(tape, &trade, &err), TAPE_END);
    tape_close(tape);
}

static void test_files_that_are_no_tapes(void **state)
{
    (void)state;
    given_text("");
    then_no_tape("is empty: a header row is needed");
    given_text("time,token,wallet\n" ROW("T1"));
    then_no_tape("row 1: columns are missing: side token_amount usd_amount");
    unlink(path);
    then_no_tape("cannot be opened: No such file");
    given_text("");
}

/* Cut anywhere, a packed tape never ends as if it were whole. */
static void test_a_packed_tape_that_is_cut_or_damaged_is_broken(void **state)
{
    (void)state;
    unsigned char bytes[512];
    given_packed(HEADER ROW("T1") ROW("T2") "nonsense\n" ROW("T3"));
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    for (size_t cut = 2; cut < size; cut++) {
        const struct trade_rules rules = {.until_us = INT64_MAX};
        struct tape *tape;
        struct trade trade;
        struct error err;
        enum tape_result result = TAPE_BROKEN;
        given_bytes(bytes, cut);
        if (tape_open(path, &rules, &tape, &err) == 0) {
            while ((result = tape_next(tape, &trade, &err)) < TAPE_END)
                ;
            tape_close(tape);
        }
        assert_int_equal(result, TAPE_BROKEN);
        assert_non_null(strstr(err.msg, "cannot be unpacked: unexpected end of file"));
    }
    bytes[size - 5] ^= 1; /* the checksum */
    given_bytes(bytes, size);
    then_no_tape("cannot be unpacked: incorrect data check");
}

#define story(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        story(test_plain_and_packed_tapes_are_the_same),
        story(test_line_ends_and_empty_lines_of_all_kinds),
        story(test_a_bad_row_is_counted_and_reading_goes_on),
        story(test_a_header_alone_is_an_empty_tape),
        story(test_a_nul_byte_spoils_only_its_row),
        story(test_rows_up_to_the_limit_are_read_and_longer_ones_are_bad),
        story(test_files_that_are_no_tapes),
        story(test_a_packed_tape_that_is_cut_or_damaged_is_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
