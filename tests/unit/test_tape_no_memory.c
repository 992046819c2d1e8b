/* A run that has no memory at any one moment says so, or it has all of its output. */
/* links: engine_tape -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine.h"

static long left = -1; /* allocations that succeed before one fails; below 0: all do */

static bool fails(void)
{
    return left >= 0 && left-- == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t count, size_t size)
{
    return fails() ? NULL : __real_reallocarray(old, count, size);
}

static char path[64];

/* A hundred wallets that buy and sell each of three tokens, one bad row, one symbol. */
static int setup(void **state)
{
    (void)state;
    strcpy(path, "/tmp/walltrack-tape-XXXXXX");
    int fd = mkstemp(path);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (file == NULL)
        return -1;
    fputs("time,token,wallet,side,token_amount,usd_amount,symbol\nrubbish\n", file);
    for (int i = 0; i < 600; i++)
        fprintf(file, "2026-01-01T00:%02d:00Z,T%d,W%d,%s,1,%d,%s\n", i / 20, i % 3, i / 3 % 100,
                i < 300 ? "buy" : "sell", 1 + i, i % 3 == 1 ? "ONE" : "");
    return fclose(file);
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

/* The result of a run, with its output in *text, which is the caller's to free. */
static int run_failing_at(long moment, char **text, struct error *err)
{
    static const char wish[] =
        "{\"protocol\":1,\"params\":{\"min_price_change_pct\":0,\"min_volume_usd\":0}}";
    const struct options options = {.tape = path, .rules = {.until_us = INT64_MAX}};
    struct request request;
    size_t size;
    FILE *out = open_memstream(text, &size);
    assert_non_null(out);
    assert_int_equal(request_parse(wish, sizeof wish - 1, &request, err), 0);
    left = moment;
    int result = engine_run(&options, &request, out, err);
    bool has_failed = left < 0;
    left = -1;
    fclose(out);
    return has_failed ? result : 1;
}

static void then_same(const char *text, const char *whole, long moment)
{
    size_t same = 0;
    while (text[same] != '\0' && text[same] == whole[same])
        same++;
    if (text[same] != whole[same])
        fail_msg("without memory at %ld the output goes on with '%.60s' for '%.60s'", moment,
                 text + same, whole + same);
}

static void test_without_memory_a_run_fails_and_never_lies(void **state)
{
    (void)state;
    struct error err = {0};
    char *whole, *text;
    assert_int_equal(run_failing_at(1000000, &whole, &err), 1);
    assert_non_null(strstr(whole, "\"symbol\":\"ONE\""));
    assert_non_null(strstr(whole, "\"done\":3,\"total\":3"));
    long moment = 0;
    for (int result = -1; result <= 0; moment++) {
        result = run_failing_at(moment, &text, &err);
        if (result < 0)
            assert_int_equal(err.code, ENOMEM);
        else
            then_same(text, whole, moment);
        assert_true(text[0] == '\0' || text[strlen(text) - 1] == '\n'); /* whole lines only */
        free(text);
    }
    assert_true(moment > 20);
    free(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_without_memory_a_run_fails_and_never_lies, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
