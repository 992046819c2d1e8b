/* Errors in words, and lines of the log that nobody can forge. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "error.h"
#include "log.h"

static void test_an_error_is_set_and_wrapped(void **state)
{
    (void)state;
    struct error err;
    assert_int_equal(error_set(&err, ENOENT, "no %s", "file"), -1);
    assert_int_equal(error_wrap(&err, "load %d", 7), -1);
    assert_int_equal(err.code, ENOENT);
    assert_string_equal(err.msg, "load 7: no file");
    assert_int_equal(error_set(NULL, EIO, "x"), -1);
    assert_int_equal(error_wrap(NULL, "x"), -1);
}

static void test_a_long_error_is_cut(void **state)
{
    (void)state;
    struct error err;
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    error_set(&err, EIO, "%s", text);
    assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
    error_wrap(&err, "before");
    assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
    assert_memory_equal(err.msg, "before: xxx", 11);
    error_wrap(&err, "%s", text);
    assert_int_equal(strlen(err.msg), sizeof err.msg - 1);
}

/* What one call writes to standard error. */
static size_t logged(char *out, size_t room, enum log_format format, const char *text)
{
    int fds[2], before = dup(STDERR_FILENO);
    assert_true(before >= 0);
    assert_int_equal(pipe(fds), 0);
    assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
    log_setup(LOG_INFO, format);
    log_line(LOG_DEBUG, "part", "not wanted");
    log_line(LOG_INFO, "part", "%s", text);
    assert_true(dup2(before, STDERR_FILENO) >= 0);
    close(fds[1]);
    close(before);
    ssize_t n = read(fds[0], out, room - 1);
    close(fds[0]);
    assert_true(n > 0);
    out[n] = '\0';
    return (size_t)n;
}

static void test_a_line_stays_one_line(void **state)
{
    (void)state;
    char out[8192];
    size_t n = logged(out, sizeof out, LOG_TEXT, "a\nb\x1b[31m\x7f");
    assert_ptr_equal(strchr(out, '\n'), out + n - 1);
    assert_non_null(strstr(out, "info    part: a\\x0ab\\x1b[31m\\x7f\n"));
    assert_null(strstr(out, "not wanted"));
}

static void test_a_line_of_json_is_json(void **state)
{
    (void)state;
    static const char text[] = "a \"quoted\" \\ and a\nnew line";
    char out[8192];
    logged(out, sizeof out, LOG_JSON, text);
    json_t *line = json_loads(out, 0, NULL);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "message")), text);
    assert_string_equal(json_string_value(json_object_get(line, "level")), "info");
    assert_string_equal(json_string_value(json_object_get(line, "part")), "part");
    json_decref(line);
}

static void test_a_long_line_is_cut_and_still_json(void **state)
{
    (void)state;
    char out[16384], text[10000];
    memset(text, '\n', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    size_t n = logged(out, sizeof out, LOG_JSON, text);
    assert_in_range(n, 4000, 4400);
    json_t *line = json_loads(out, 0, NULL);
    assert_non_null(line);
    json_decref(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_error_is_set_and_wrapped),
        cmocka_unit_test(test_a_long_error_is_cut),
        cmocka_unit_test(test_a_line_stays_one_line),
        cmocka_unit_test(test_a_line_of_json_is_json),
        cmocka_unit_test(test_a_long_line_is_cut_and_still_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
