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

/* All lines as one JSON array, which the caller gives back; NULL when one is not JSON. */
static json_t *read_events(struct world *w)
{
    char *text = scratch_read(world_path(w, "events"));
    char *rest = NULL;
    json_t *events = json_array();
    char *line = text != NULL ? strtok_r(text, "\n", &rest) : NULL;
    for (; line != NULL; line = strtok_r(NULL, "\n", &rest))
        if (json_array_append_new(events, json_loads(line, 0, NULL)) != 0)
            break;
    free(text);
    return events;
}

static bool ends_with_run_end(struct world *w, void *runs)
{
    json_t *events = read_events(w);
    size_t ends = 0;
    size_t i = 0;
    const json_t *event = NULL;
    json_array_foreach (events, i, event) {
        const char *name = json_string_value(json_object_get(event, "event"));
        ends += name != NULL && strcmp(name, "run_end") == 0;
    }
    json_decref(events);
    return ends == *(const size_t *)runs;
}

static void await_ended_runs(struct world *w, size_t runs)
{
    await(w, "the end of the run in the file", ends_with_run_end, &runs);
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
    json_t *events = read_events(w);
    assert_int_equal(json_array_size(events), 6);
    for (size_t i = 0; i < 6; i++) {
        const json_t *seq = json_object_get(json_array_get(events, i), "seq");
        assert_int_equal(json_integer_value(seq), i + 1);
        then_event(events, i, "event", expected[i]);
        then_event(events, i, "run_id", id);
    }
    then_event(events, 0, "triggered_by", "ada");
    then_event(events, 1, "symbol", "ONE");
    then_event(events, 2, "wallet_address", "W1");
    then_event(events, 4, "code", "odd");
    then_event(events, 5, "status", "completed");
    json_decref(events);
}

/* What the engine did not say is not in the line: absent, zero and false are three things. */
static void test_absent_values_are_left_out(void **state)
{
    struct world *w = *state;
    when_run(w, NULL);
    await_ended_runs(w, 1);

    json_t *events = read_events(w);
    const json_t *said = json_array_get(events, 2);
    const json_t *silent = json_array_get(events, 3);

    assert_true(json_is_true(json_object_get(said, "is_new")));
    assert_true(json_real_value(json_object_get(said, "initial_score")) == 0.8712);
    assert_non_null(json_object_get(json_object_get(said, "profile"), "buys"));
    assert_null(json_object_get(silent, "is_new"));
    assert_null(json_object_get(silent, "initial_score"));
    assert_null(json_object_get(silent, "profile"));
    json_decref(events);
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
    json_t *events = read_events(w);
    json_int_t last = 0;
    size_t i = 0;
    const json_t *event = NULL;
    json_array_foreach (events, i, event) {
        json_int_t seq = json_integer_value(json_object_get(event, "seq"));
        assert_true(seq <= last + 1); /* repeated perhaps, but never left out */
        last = seq > last ? seq : last;
    }
    assert_int_equal(last, 12);
    json_decref(events);
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
        cmocka_unit_test_setup_teardown(test_every_event_is_a_line_in_order, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_absent_values_are_left_out, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_nothing_is_missing_after_a_crash, setup,
                                        world_teardown),
        cmocka_unit_test(test_a_wrong_configuration_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
