/* The smallest plugin, in a real host: it gets every event, in order, across a crash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/scratch.h"
#include "support/world.h"

static const char two_discoveries[] =
    "#!/bin/sh\n"
    "echo '{\"event\":\"token\",\"token\":\"T1\",\"symbol\":\"ONE\",\"price_change_pct\":150.5}'\n"
    "echo '{\"event\":\"wallet\",\"wallet_address\":\"W1\",\"source_token\":\"T1\",\"is_new\":true,"
    "\"initial_score\":0.8712,\"profile\":{\"buys\":2}}'\n"
    "echo '{\"event\":\"wallet\",\"wallet_address\":\"W2\",\"source_token\":\"T1\"}'\n"
    "echo '{\"event\":\"error\",\"message\":\"one trade was odd\",\"code\":\"odd\"}'\n";

static int setup(void **state)
{
    const struct world_options options = {0};
    struct world *w = world_new(&options);
    char patch[256];
    given_plugin(w, TEST_PLUGIN_LOG, "plugin-log.so");
    (void)snprintf(patch, sizeof patch,
                   "{\"plugins\":[{\"name\":\"log\",\"path\":\"plugin-log.so\","
                   "\"config\":{\"file\":\"%s\"}}]}",
                   world_path(w, "events"));
    given_config(w, patch);
    given_engine(w, two_discoveries);
    world_start(w);
    await_plugin(w, "log", "live");
    *state = w;
    return 0;
}

/* All lines as one JSON array; static, so that a failing test leaves nothing behind. */
static json_t *events;

static void forget_events(void)
{
    json_decref(events);
    events = NULL;
}

static void read_events(struct world *w)
{
    char *text = scratch_read(world_path(w, "events"));
    char *rest = NULL;
    forget_events();
    events = json_array();
    char *line = text != NULL ? strtok_r(text, "\n", &rest) : NULL;
    for (; line != NULL; line = strtok_r(NULL, "\n", &rest))
        if (json_array_append_new(events, json_loads(line, 0, NULL)) != 0)
            break;
    free(text);
}

static int teardown(void **state)
{
    forget_events();
    return world_teardown(state);
}

/* A run of the engine above makes six events. */
enum { EVENTS_PER_RUN = 6 };

static json_int_t seq_of(size_t i)
{
    return json_integer_value(json_object_get(json_array_get(events, i), "seq"));
}

static bool last_seq_is(struct world *w, void *seq)
{
    read_events(w);
    size_t n = json_array_size(events);
    return n > 0 && seq_of(n - 1) == *(const json_int_t *)seq;
}

static void await_ended_runs(struct world *w, int runs)
{
    json_int_t last = (json_int_t)runs * EVENTS_PER_RUN;
    await(w, "the end of the run in the file", last_seq_is, &last);
}

#define then_event(events, i, key, expected)                                                       \
    assert_string_equal(json_string_value(json_object_get(json_array_get((events), (i)), (key))),  \
                        (expected))

static void test_every_event_is_a_line_in_order(void **state)
{
    static const char *const expected[] = {"run_start", "token",     "wallet",
                                           "wallet",    "run_error", "run_end"};
    struct world *w = *state;

    const char *id = when_run(w, "{\"triggered_by\": \"ada\", \"min_profit_pct\": 12.5}");

    await_ended_runs(w, 1);
    assert_int_equal(json_array_size(events), EVENTS_PER_RUN);
    for (size_t i = 0; i < EVENTS_PER_RUN; i++) {
        assert_int_equal(seq_of(i), i + 1);
        then_event(events, i, "event", expected[i]);
        then_event(events, i, "run_id", id);
    }
    then_event(events, 0, "triggered_by", "ada");
    then_event(events, 1, "symbol", "ONE");
    then_event(events, 2, "wallet_address", "W1");
    then_event(events, 4, "code", "odd");
    then_event(events, 5, "status", "completed");
}

/* What the engine did not say is not in the line: absent, zero and false are three things. */
static void test_absent_values_are_left_out(void **state)
{
    struct world *w = *state;
    when_run(w, NULL);
    await_ended_runs(w, 1);

    const json_t *said = json_array_get(events, 2);
    const json_t *silent = json_array_get(events, 3);

    assert_true(json_is_true(json_object_get(said, "is_new")));
    assert_true(json_real_value(json_object_get(said, "initial_score")) == 0.8712);
    assert_non_null(json_object_get(json_object_get(said, "profile"), "buys"));
    assert_null(json_object_get(silent, "is_new"));
    assert_null(json_object_get(silent, "initial_score"));
    assert_null(json_object_get(silent, "profile"));
}

static void test_nothing_is_missing_after_a_crash(void **state)
{
    struct world *w = *state;
    when_run(w, NULL);
    await_ended_runs(w, 1);

    world_kill(w);
    world_start(w);
    await_plugin(w, "log", "live");
    when_run(w, NULL);

    await_ended_runs(w, 2);
    json_int_t last = 0;
    for (size_t i = 0; i < json_array_size(events); i++) {
        assert_true(seq_of(i) <= last + 1); /* repeated perhaps, but never left out */
        last = seq_of(i) > last ? seq_of(i) : last;
    }
}

static void test_a_wrong_configuration_is_said(void **state)
{
    (void)state;
    const struct world_options options = {
        .config = "{\"plugins\":[{\"name\":\"log\",\"path\":\"plugin-log.so\","
                  "\"config\":{\"files\":\"x\"}}]}"};
    struct world *w = world_new(&options);
    given_plugin(w, TEST_PLUGIN_LOG, "plugin-log.so");

    world_start(w);

    await_log(w, "config: must be {\"file\"");
    when_run(w, NULL); /* a run does not need a plugin */
    world_stop(w);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_event_is_a_line_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_absent_values_are_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_is_missing_after_a_crash, setup, teardown),
        cmocka_unit_test(test_a_wrong_configuration_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
