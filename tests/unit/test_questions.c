/* Questions: each answered once, by whoever can, in time. */
/* links: plugin_host */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/questions.h"

/* ---- an instance that is asked and answers when the test says so ---- */

struct instance {
    bool can;
    wt_query *asked; /* the last question */
    unsigned times, cancelled;
};

bool instance_can_answer(const struct instance *i)
{
    return i->can;
}

void instance_query(struct instance *i, wt_query *q, const wt_query_args *args)
{
    assert_string_equal(args->name, "runs");
    assert_string_equal(args->args, "{}");
    i->asked = q;
    i->times++;
}

void instance_query_cancel(struct instance *i, wt_query *q)
{
    (void)q;
    i->cancelled++;
}

/* ---- the stories ---- */

struct story {
    uv_loop_t loop;
    struct questions *questions;
    unsigned answers;
    wt_status status;
    char message[128], body[128];
};

static void on_answer(void *arg, wt_status status, const char *message, const char *body,
                      size_t size)
{
    struct story *s = arg;
    s->answers++;
    s->status = status;
    snprintf(s->message, sizeof s->message, "%s", message != NULL ? message : "");
    snprintf(s->body, sizeof s->body, "%.*s", (int)size, body != NULL ? body : "");
}

static int start(void **state)
{
    struct story *s = calloc(1, sizeof *s);
    uv_loop_init(&s->loop);
    s->questions = questions_new(&s->loop);
    *state = s;
    return 0;
}

static int end(void **state)
{
    struct story *s = *state;
    questions_close(s->questions);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&s->loop), 0);
    free(s);
    return 0;
}

static struct plugins_question *ask(struct story *s, uint64_t timeout_ms)
{
    return questions_ask(s->questions, "runs", "{}", timeout_ms, on_answer, s);
}

static void turn(struct story *s)
{
    uv_run(&s->loop, UV_RUN_NOWAIT);
    uv_run(&s->loop, UV_RUN_NOWAIT);
}

static void test_a_question_is_asked_and_answered(void **state)
{
    struct story *s = *state;
    struct instance one = {.can = true};
    ask(s, 10000);
    turn(s);
    assert_int_equal(one.times, 0);
    questions_use(s->questions, &one);
    turn(s);
    assert_int_equal(one.times, 1);
    questions_reply(s->questions, &one, one.asked, "[1,", 3);
    questions_reply(s->questions, &one, one.asked, "2]", 2);
    questions_reply_end(s->questions, &one, one.asked, WT_OK, NULL);
    assert_int_equal(s->answers, 0); /* never inside the plugin's call */
    turn(s);
    assert_int_equal(s->answers, 1);
    assert_int_equal(s->status, WT_OK);
    assert_string_equal(s->body, "[1,2]");
}

static void test_the_next_instance_is_asked_again(void **state)
{
    struct story *s = *state;
    struct instance one = {.can = true}, two = {.can = true};
    questions_use(s->questions, &one);
    ask(s, 10000);
    turn(s);
    questions_reply(s->questions, &one, one.asked, "half", 4);
    questions_leave(s->questions, &one, "it broke");
    turn(s);
    assert_int_equal(s->answers, 0);
    /* What the broken one still says is nobody's answer. */
    questions_reply_end(s->questions, &one, one.asked, WT_OK, NULL);
    questions_use(s->questions, &two);
    turn(s);
    assert_int_equal(two.times, 1);
    questions_reply(s->questions, &two, two.asked, "whole", 5);
    questions_reply_end(s->questions, &two, two.asked, WT_OK, NULL);
    turn(s);
    assert_int_equal(s->answers, 1);
    assert_string_equal(s->body, "whole");
}

static void test_without_an_instance_the_reason_is_told_in_time(void **state)
{
    struct story *s = *state;
    struct instance one = {.can = true};
    questions_use(s->questions, &one);
    questions_leave(s->questions, &one, "the database is away");
    ask(s, 10000);
    while (s->answers == 0)
        uv_run(&s->loop, UV_RUN_ONCE);
    assert_int_equal(s->status, WT_E_AGAIN);
    assert_string_equal(s->message, "the database is away");
}

static void test_an_answer_that_takes_too_long_is_cancelled(void **state)
{
    struct story *s = *state;
    struct instance one = {.can = true};
    questions_use(s->questions, &one);
    ask(s, 20);
    while (s->answers == 0)
        uv_run(&s->loop, UV_RUN_ONCE);
    assert_int_equal(s->status, WT_E_CANCELLED);
    assert_int_equal(one.cancelled, 1);
    questions_reply_end(s->questions, &one, one.asked, WT_OK, NULL);
    turn(s);
    assert_int_equal(s->answers, 1);
}

static void test_nobody_hears_of_a_question_that_was_cancelled(void **state)
{
    struct story *s = *state;
    struct instance one = {.can = true};
    questions_use(s->questions, &one);
    struct plugins_question *question = ask(s, 10000);
    turn(s);
    questions_cancel(question);
    assert_int_equal(one.cancelled, 1);
    turn(s);
    assert_int_equal(s->answers, 0);
}

static void test_there_is_a_bound(void **state)
{
    struct story *s = *state;
    unsigned taken = 0;
    while (taken < 1000 && ask(s, 10000) != NULL)
        taken++;
    assert_int_equal(taken, 256);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_question_is_asked_and_answered, start, end),
        cmocka_unit_test_setup_teardown(test_the_next_instance_is_asked_again, start, end),
        cmocka_unit_test_setup_teardown(test_without_an_instance_the_reason_is_told_in_time, start,
                                        end),
        cmocka_unit_test_setup_teardown(test_an_answer_that_takes_too_long_is_cancelled, start,
                                        end),
        cmocka_unit_test_setup_teardown(test_nobody_hears_of_a_question_that_was_cancelled, start,
                                        end),
        cmocka_unit_test_setup_teardown(test_there_is_a_bound, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
