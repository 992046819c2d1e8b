/* One life of a plugin: the order of its calls, its deadlines, and what is taken back by force. */
/* links: plugin_host */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "log.h"
#include "plugin/instance.h"

/* ---- a plugin that does what the test tells it ---- */

static struct {
    const wt_host_api *api;
    wt_host *host;
    char calls[512]; /* "open claim close(0) …" */
    wt_status open_status;
    bool deaf;         /* never says closed() */
    bool leaves_timer; /* … says it with a timer open */
    wt_answer answer;
    bool inside; /* one of its functions is running */
} play;

static void note(const char *what)
{
    assert_false(play.inside); /* never re-entered */
    strncat(play.calls, what, sizeof play.calls - strlen(play.calls) - 1);
}

static wt_status play_open(const wt_host_api *api, wt_host *host, const wt_open_args *args,
                           void **self)
{
    note("open ");
    assert_true(args->token <= INT64_MAX);
    play.api = api;
    play.host = host;
    *self = &play;
    return play.open_status;
}

static void play_claim(void *self, const wt_claim_args *args)
{
    assert_ptr_equal(self, &play);
    assert_int_equal(args->head, 9);
    note("claim ");
}

static void nothing(void *user)
{
    (void)user;
    fail_msg("a callback ran after it was taken back");
}

static void play_close(void *self, uint32_t mode)
{
    (void)self;
    note(mode == WT_CLOSE_DRAIN ? "drain " : "abort ");
    if (play.leaves_timer)
        play.api->timer(play.host, 20, nothing, NULL);
    play.inside = true;
    if (!play.deaf)
        play.api->closed(play.host);
    play.inside = false;
}

static void play_destroy(void *self)
{
    (void)self;
    note("destroy ");
}

static wt_answer play_wallet(void *self, const wt_event *e, const wt_wallet *w)
{
    (void)self;
    (void)w;
    note("wallet ");
    play.inside = true;
    if (play.answer == WT_TAKEN)
        play.api->ack(play.host, e->seq);
    play.inside = false;
    return play.answer;
}

static const wt_plugin play_plugin = {
    .magic = WT_MAGIC,
    .struct_size = sizeof play_plugin,
    .abi_major = WT_ABI_MAJOR,
    .name = "play",
    .version = "1",
    .open = play_open,
    .claim = play_claim,
    .on_wallet = play_wallet,
    .close = play_close,
    .destroy = play_destroy,
};

static struct build build = {.api = &play_plugin, .label = (char *)"play 1 (0)", .references = 1};

/* ---- its owner ---- */

struct story {
    uv_loop_t loop;
    struct resolver *resolver;
    struct instance *instance;
    char told[512];
    uint64_t acked;
    bool gone, leaked;
    struct instance_figures figures;
};

static void tell(struct story *s, const char *what)
{
    assert_false(play.inside); /* reports come from a host-only stack */
    strncat(s->told, what, sizeof s->told - strlen(s->told) - 1);
}

static void on_prepared(void *arg, const char *server)
{
    (void)server;
    tell(arg, "prepared ");
}

static void on_claimed(void *arg, uint64_t cursor)
{
    struct story *s = arg;
    tell(s, "claimed ");
    instance_start_at(s->instance, cursor);
}

static void on_acked(void *arg, uint64_t seq)
{
    struct story *s = arg;
    s->acked = seq;
    tell(s, "acked ");
}

static void on_resumed(void *arg)
{
    tell(arg, "resumed ");
}

static void on_failed(void *arg, wt_status status, const char *message)
{
    char text[128];
    snprintf(text, sizeof text, "failed(%d %s) ", status, message);
    tell(arg, text);
}

static wt_status on_reply(void *arg, wt_query *q, const void *bytes, size_t size)
{
    (void)arg;
    (void)q;
    (void)bytes;
    (void)size;
    return WT_OK;
}

static void on_reply_end(void *arg, wt_query *q, wt_status status, const char *message)
{
    (void)arg;
    (void)q;
    (void)status;
    (void)message;
}

static void on_closed(void *arg, struct metric_set *figures, bool leaked)
{
    struct story *s = arg;
    (void)figures;
    s->leaked = leaked;
    tell(s, "closed ");
}

static void on_gone(void *arg, const struct instance_figures *figures)
{
    struct story *s = arg;
    s->figures = *figures;
    s->gone = true;
    tell(s, "gone");
}

static const struct instance_events events = {on_prepared,  on_claimed, on_acked,
                                              on_resumed,   on_failed,  on_reply,
                                              on_reply_end, on_closed,  on_gone};

static int open_it(struct story *s, struct error *err)
{
    struct instance_spec spec = {&build, "play", "{}", "host", 1, 50, 50, 50, WT_OPEN_LIVE};
    return instance_open(&s->loop, s->resolver, &spec, &events, s, &s->instance, err);
}

static int start(void **state)
{
    struct story *s = calloc(1, sizeof *s);
    memset(&play, 0, sizeof play);
    uv_loop_init(&s->loop);
    s->resolver = resolver_new(&s->loop);
    *state = s;
    return 0;
}

static int end(void **state)
{
    struct story *s = *state;
    resolver_close(s->resolver);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&s->loop), 0);
    assert_true(build.references >= 1);
    build.references = 1;
    free(s);
    return 0;
}

static void until_told(struct story *s, const char *what)
{
    for (int i = 0; i < 10000 && strstr(s->told, what) == NULL; i++)
        uv_run(&s->loop, UV_RUN_ONCE);
    if (strstr(s->told, what) == NULL)
        fail_msg("never told '%s', but '%s'", what, s->told);
}

static void live(struct story *s)
{
    static const wt_claim_args args = {.struct_size = sizeof args, .oldest = 1, .head = 9};
    struct error err;
    assert_int_equal(open_it(s, &err), 0);
    play.api->prepared(play.host, NULL);
    until_told(s, "prepared");
    instance_claim(s->instance, &args);
    play.api->claimed(play.host, 4);
    until_told(s, "claimed");
}

static bool offer(struct story *s, uint64_t seq)
{
    struct event e = {.head = {.struct_size = sizeof e.head, .kind = WT_WALLET, .seq = seq},
                      .u.wallet = {.struct_size = sizeof e.u.wallet}};
    return instance_offer(s->instance, &e);
}

/* ---- the stories ---- */

static void test_a_life_in_order(void **state)
{
    struct story *s = *state;
    live(s);
    assert_true(offer(s, 5));
    until_told(s, "acked");
    assert_int_equal(s->acked, 5);
    instance_close(s->instance, WT_CLOSE_DRAIN);
    until_told(s, "gone");
    assert_string_equal(play.calls, "open claim wallet drain destroy ");
    assert_string_equal(s->told, "prepared claimed acked closed gone");
    assert_int_equal(s->figures.violations + s->figures.leaks, 0);
}

static void test_enough_is_enough(void **state)
{
    struct story *s = *state;
    live(s);
    play.answer = WT_ENOUGH;
    assert_false(offer(s, 5));
    assert_int_equal(instance_figures(s->instance)->events[WT_WALLET], 0);
    play.api->resume(play.host);
    until_told(s, "resumed");
    instance_close(s->instance, WT_CLOSE_ABORT);
    until_told(s, "gone");
}

static void test_open_that_refuses_leaves_nothing(void **state)
{
    struct story *s = *state;
    struct error err;
    play.open_status = WT_E_CONFIG;
    assert_int_equal(open_it(s, &err), -1);
    assert_string_equal(play.calls, "open ");
}

static void test_every_step_has_a_deadline(void **state)
{
    static const wt_claim_args args = {.struct_size = sizeof args, .oldest = 1, .head = 9};
    struct story *s = *state;
    struct error err;
    assert_int_equal(open_it(s, &err), 0);
    until_told(s, "failed(1 open: not prepared in time)");
    instance_close(s->instance, WT_CLOSE_ABORT);
    until_told(s, "gone");

    s->told[0] = '\0';
    assert_int_equal(open_it(s, &err), 0);
    play.api->prepared(play.host, NULL);
    until_told(s, "prepared");
    instance_claim(s->instance, &args);
    until_told(s, "failed(1 claim: not claimed in time)");
    instance_close(s->instance, WT_CLOSE_ABORT);
    until_told(s, "gone");
}

static void test_a_drain_that_takes_too_long_becomes_an_abort_and_then_a_leak(void **state)
{
    struct story *s = *state;
    live(s);
    play.deaf = true;
    instance_close(s->instance, WT_CLOSE_DRAIN);
    until_told(s, "gone");
    assert_string_equal(play.calls, "open claim drain abort "); /* and no destroy */
    assert_true(s->leaked);
}

static void test_what_is_left_is_taken_back(void **state)
{
    struct story *s = *state;
    live(s);
    play.leaves_timer = true;
    instance_close(s->instance, WT_CLOSE_ABORT);
    until_told(s, "gone");
    assert_int_equal(s->figures.leaks, 1);
    assert_string_equal(s->figures.left, "1 timer");
    assert_false(s->leaked);
}

static void test_an_ack_of_what_was_not_delivered_is_a_violation(void **state)
{
    struct story *s = *state;
    live(s);
    play.api->ack(play.host, 5);
    until_told(s, "failed(9 it acknowledged an event that was not delivered)");
    instance_close(s->instance, WT_CLOSE_ABORT);
    until_told(s, "gone");
    assert_int_equal(s->figures.violations, 1);
    assert_null(strstr(s->told, "acked"));
}

static void test_only_the_first_failure_counts(void **state)
{
    struct story *s = *state;
    live(s);
    (play.api->fail)(play.host, WT_E_FENCED, "fenced");
    (play.api->fail)(play.host, WT_E_AGAIN, "again");
    until_told(s, "failed(5 fenced)");
    (play.api->fail)(play.host, WT_E_AGAIN, "again");
    instance_close(s->instance, WT_CLOSE_ABORT);
    until_told(s, "gone");
    assert_null(strstr(s->told, "again"));
}

static void test_reports_out_of_order_are_violations(void **state)
{
    struct story *s = *state;
    struct error err;
    assert_int_equal(open_it(s, &err), 0);
    play.api->claimed(play.host, 1);
    play.api->prepared(play.host, NULL);
    play.api->prepared(play.host, NULL);
    play.api->closed(play.host);
    until_told(s, "failed(9 it closed itself)");
    instance_close(s->instance, WT_CLOSE_ABORT);
    until_told(s, "gone");
    assert_int_equal(s->figures.violations, 3);
    assert_string_equal(s->figures.rule, "closed() without close()");
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, start, end)

int main(void)
{
    log_setup(LOG_ERROR, LOG_TEXT);
    const struct CMUnitTest tests[] = {
        STORY(test_a_life_in_order),
        STORY(test_enough_is_enough),
        STORY(test_open_that_refuses_leaves_nothing),
        STORY(test_every_step_has_a_deadline),
        STORY(test_a_drain_that_takes_too_long_becomes_an_abort_and_then_a_leak),
        STORY(test_what_is_left_is_taken_back),
        STORY(test_an_ack_of_what_was_not_delivered_is_a_violation),
        STORY(test_only_the_first_failure_counts),
        STORY(test_reports_out_of_order_are_violations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
