/* A build that is taken into service and breaks, or breaks the host, or will not go: what recorded
 * before records again, in the middle of a run, with nothing lost and nothing twice.  One row is
 * one animal; they share a host. */
#include "story/zoo.h"
#include "support/process.h"
#include "support/scratch.h"

static struct zoo zoo;

static int number_of(const char *pointer)
{
    then_status(zoo.world, ZOO_PLUGIN, 200);
    return (int)strtol(world_value(zoo.world, pointer), NULL, 10);
}

/* ---- rolled back ---- */

struct broken {
    const char *animal;
    const char *step, *reason; /* a part of it */
};

static void test_rolled_back_before_it_is_live(void **state)
{
    const struct broken *row = *state;
    zoo_run_and_hold(&zoo);

    then_answered(&zoo, zoo_swap_to(&zoo, row->animal), 422);

    then_problem(&zoo, "ROLLED BACK", row->step, row->reason);
    await_the_good_build(&zoo);
    zoo_release(&zoo);
    then_recording_goes_on(&zoo);
    assert_int_equal(number_of("/leaked"), 0);
}

static void test_rolled_back_in_probation(void **state)
{
    const struct broken *row = *state;
    zoo_run_and_hold(&zoo);

    then_live(&zoo, zoo_swap_to(&zoo, row->animal));
    const char *id = world_value(zoo.world, "/id");
    zoo_release(&zoo);

    await_verdict(&zoo, id, "ROLLED BACK", row->step, row->reason);
    await_the_good_build(&zoo);
    then_recording_goes_on(&zoo);
    assert_int_equal(number_of("/leaked"), 0);
}

static const struct broken at_once[] = {
    {"claim-fails-FENCED", "claim", "the animal says WT_E_FENCED"},
    {"claim-fails-INTERNAL", "claim", "the animal says WT_E_INTERNAL"},
    {"claim-never", "claim", "not claimed in time"},
    {"claim-ahead", "claim", "ahead of the journal's last event"},
    {"event-fails-INTERNAL", "catch_up", "the animal says WT_E_INTERNAL"},
    {"event-fails-POISON", "catch_up", "the animal says WT_E_POISON"},
    {"event-acks-ahead", "catch_up", "acknowledged an event that was not delivered"},
    {"event-enough", "catch_up", "no acknowledgement for"},
    {"event-never-acked", "catch_up", "no acknowledgement for"},
    {"event-closes-itself", "catch_up", "it closed itself"},
};

static const struct broken later[] = {
    {"live-never-acks", "probation", "no acknowledgement for"},
    {"live-fails-in-probation", "probation", "the animal says WT_E_INTERNAL"},
    {"live-fails-again", "probation", "the animal says WT_E_AGAIN"},
};

/* ---- builds that do not go as they should ---- */

struct rude {
    const char *animal;
    const char *figure; /* of the plugin, that rises */
    int by;             /* at least                  */
    const char *log;    /* or NULL                   */
};

struct risen {
    const char *figure;
    int to;
};

static bool has_risen(struct world *w, void *arg)
{
    const struct risen *wanted = arg;
    (void)w;
    return number_of(wanted->figure) >= wanted->to;
}

static void test_taken_out_of_service(void **state)
{
    const struct rude *row = *state;
    struct risen wanted = {row->figure, number_of(row->figure) + row->by};
    size_t logged = strlen(world_log(zoo.world));

    then_live(&zoo, zoo_swap_to(&zoo, row->animal));
    zoo_run_and_end(&zoo);
    then_live(&zoo, zoo_swap_to_file(&zoo, "recorder.so"));

    await_the_good_build(&zoo);
    then_recording_goes_on(&zoo);
    await(zoo.world, row->figure, has_risen, &wanted);
    const char *log = world_log(zoo.world) + logged;
    assert_true(row->log == NULL || strstr(log, row->log) != NULL);
    assert_null(strstr(log, "a callback came too late"));
}

static const struct rude rude[] = {
    {"good", "/leaked", 0, NULL},
    {"close-never", "/leaked", 1, "its code stays loaded"},
    {"close-leaves-watch", "/leaks", 1, "took back what it left: 1 watch"},
    {"close-leaves-timer", "/leaks", 1, "took back what it left: 1 timer"},
    {"close-leaves-offload", "/leaks", 1, "took back what it left: 1 offload"},
    {"close-leaves-lookup", "/leaks", 1, "took back what it left: 1 lookup"},
    {"close-twice", "/violations", 1, "broke the contract"},
    {"close-talks", "/violations", 1, "broke the contract"},
    {"destroy-talks", "/violations", 1, "broke the contract"},
    {"live-reports-again", "/violations", 3, "claimed() without a claim() under way"},
};

/* The next build answers what it was asked. */
static void test_it_never_answers(void **state)
{
    struct world *w = zoo.world;
    int status = -1;
    (void)state;
    const char *const ask[] = {TEST_WALLTRACKCTL, "--socket", world_path(w, "admin.sock"), "runs",
                               "--json",          NULL};
    const struct process_options options = {.log = world_path(w, "ask.log"),
                                            .output = world_path(w, "ask.out")};
    then_live(&zoo, zoo_swap_to(&zoo, "live-never-answers"));
    pid_t pid = process_start(ask, &options);
    await_log(w, "animal 1.0");
    await_log(w, ": runs");

    then_live(&zoo, zoo_swap_to_file(&zoo, "recorder.so"));

    assert_true(process_wait(pid, WORLD_MS, &status));
    assert_int_equal(status, 0);
    char *answer = scratch_read(options.output);
    assert_non_null(answer);
    assert_non_null(strstr(answer, "\"runs\""));
    free(answer);
    await_the_good_build(&zoo);
    then_recording_goes_on(&zoo);
}

/* ---- builds that the host does not survive ---- */

/* It is started again, as a service is.  `swap` is the number of the one that it died of. */
static void then_it_starts_with_the_good_build(int swap)
{
    zoo_begin(&zoo);
    await_log(zoo.world, "was on trial: going on with ");
    await_the_good_build(&zoo);
    then_value(&zoo, "/swaps/0/kind", "start");
    assert_true(number_of("/swaps/0/id") > swap);
    then_value_has(&zoo, "/swaps/0/reason", "the host ended while ");
    zoo_release(&zoo);
    then_recording_goes_on(&zoo);
    /* And so it stays. */
    world_stop(zoo.world);
    zoo_begin(&zoo);
    await_the_good_build(&zoo);
    then_recording_goes_on(&zoo);
}

static void test_it_crashes_the_host_in_a_hook(void **state)
{
    (void)state;
    zoo_run_and_hold(&zoo);

    then_live(&zoo, zoo_swap_to(&zoo, "live-segfaults"));
    int swap = (int)strtol(world_value(zoo.world, "/id"), NULL, 10);
    zoo_run(&zoo);

    zoo.runs_cut_off += 2;
    assert_int_equal(world_wait_end(zoo.world, WORLD_MS), 128 + SIGSEGV);
    then_it_starts_with_the_good_build(swap);
}

static void test_it_crashes_the_host_in_open(void **state)
{
    (void)state;
    zoo_run_and_hold(&zoo);
    int swap = number_of("/swaps/0/id") + 1;

    then_answered(&zoo, zoo_swap_to(&zoo, "open-aborts"), 0);

    zoo.runs_cut_off++;
    assert_int_equal(world_wait_end(zoo.world, WORLD_MS), 128 + SIGABRT);
    then_it_starts_with_the_good_build(swap);
}

/* ---- a stop in the middle ---- */

struct stopped {
    const char *animal, *state; /* of the swap, when the host is asked to stop */
};

static void test_stopped_during_a_swap(void **state)
{
    const struct stopped *row = *state;
    const char *const headers[] = {"Prefer: respond-async", NULL};
    char body[128], path[96];
    zoo_catch(&zoo, row->animal);
    (void)snprintf(body, sizeof body, "{\"path\": \"%s.so\"}", row->animal);
    const struct world_request request = {"PUT", ZOO_PLUGIN, body, headers};
    then_answered(&zoo, world_ask(zoo.world, &request), 202);
    (void)snprintf(path, sizeof path, ZOO_PLUGIN "/swaps/%s", world_value(zoo.world, "/id"));
    await_get(zoo.world, path, "/state", row->state);

    world_stop(zoo.world);
    zoo_begin(&zoo);

    await_get(zoo.world, path, "/state", "ended");
    await_get(zoo.world, ZOO_PLUGIN, "/build", zoo.good);
    await_the_good_build(&zoo);
    then_recording_goes_on(&zoo);
}

static const struct stopped stopped[] = {
    {"constructor-loops", "probe"},
    {"open-never-prepares", "prepare"},
    {"claim-never", "claim"},
    {"event-never-acked", "catch_up"},
};

/* ---- a build that is slow ---- */

static void test_it_blocks_the_loop(void **state)
{
    enum { RUNS = 12 };
    char line[256];
    (void)state;
    then_live(&zoo, zoo_swap_to(&zoo, "live-blocks"));
    (void)snprintf(line, sizeof line, "%s #%s blocked the loop in on_wallet for ",
                   world_value(zoo.world, "/to"), world_value(zoo.world, "/generation"));
    /* Not every call of a hook is timed. */
    for (int i = 0; i < RUNS && strstr(world_log(zoo.world), line) == NULL; i++)
        zoo_run_and_end(&zoo);
    assert_non_null(strstr(world_log(zoo.world), line));
    then_live(&zoo, zoo_swap_to_file(&zoo, "recorder.so"));
    await_the_good_build(&zoo);
    then_recording_goes_on(&zoo);
}

/* ---- good builds ---- */

static void test_another_build_of_the_recorder(void **state)
{
    (void)state;
    zoo_run_and_hold(&zoo);
    then_live(&zoo, zoo_swap_to(&zoo, "recorder-next"));
    then_get(zoo.world, ZOO_PLUGIN, "/version", "9.9.9");
    zoo_release(&zoo);
    then_recording_goes_on(&zoo);
    then_query(world_postgres(zoo.world),
               "SELECT build LIKE 'recorder 9.9.9 (%' FROM " ZOO_RUNS
               " ORDER BY started_at DESC LIMIT 1",
               "t");
    then_live(&zoo, zoo_swap_to_file(&zoo, "recorder.so"));
    await_the_good_build(&zoo);
    then_recording_goes_on(&zoo);
}

static void test_the_same_path_with_another_content(void **state)
{
    (void)state;
    given_plugin(zoo.world, TEST_ZOO_DIR "/recorder-next.so", "recorder.so");
    then_live(&zoo, zoo_swap_to_file(&zoo, "recorder.so"));
    then_get(zoo.world, ZOO_PLUGIN, "/version", "9.9.9");
    then_recording_goes_on(&zoo);
    given_plugin(zoo.world, TEST_RECORDER, "recorder.so");
    then_live(&zoo, zoo_swap_to_file(&zoo, "recorder.so"));
    await_the_good_build(&zoo);
    then_recording_goes_on(&zoo);
}

static void test_the_same_build_by_force(void **state)
{
    (void)state;
    int before = number_of("/generation");
    then_live(&zoo,
              world_put(zoo.world, ZOO_PLUGIN, "{\"path\": \"recorder.so\", \"force\": true}"));
    await_the_good_build(&zoo);
    assert_in_range(number_of("/generation"), before + 1, before + 1);
    then_recording_goes_on(&zoo);
}

/* Both export a function of that name. */
static void test_two_builds_with_the_same_global(void **state)
{
    (void)state;
    then_live(&zoo, zoo_swap_to(&zoo, "number-1"));
    await_log(zoo.world, "the number is 1");
    then_live(&zoo, zoo_swap_to(&zoo, "number-2"));
    await_log(zoo.world, "the number is 2");
    then_live(&zoo, zoo_swap_to_file(&zoo, "recorder.so"));
    await_the_good_build(&zoo);
    then_recording_goes_on(&zoo);
}

/* A file that is written while it is read is refused, or it was whole. */
static void test_a_file_that_is_being_rewritten(void **state)
{
    static const char script[] = "while :; do cat \"$1\" >\"$0\"; cat \"$2\" >\"$0\"; done";
    static const char next[] = TEST_ZOO_DIR "/recorder-next.so";
    enum { SWAPS = 12 };
    (void)state;
    const char *file = world_path(zoo.world, "plugins/rewritten.so");
    const char *const writer[] = {"sh", "-c", script, file, TEST_RECORDER, next, NULL};
    const struct process_options options = {.log = world_path(zoo.world, "writer.log")};
    pid_t pid = process_start(writer, &options);
    int live = 0, refused = 0;
    for (int i = 0; i < SWAPS; i++) {
        int status = zoo_swap_to_file(&zoo, "rewritten.so");
        live += status == 200;
        refused += status == 422 && strcmp(world_value(zoo.world, "/step"), "verify") == 0;
    }
    (void)process_stop(pid, SIGKILL, WORLD_MS);
    assert_int_equal(live + refused, SWAPS);
    then_live(&zoo, zoo_swap_to_file(&zoo, "recorder.so"));
    await_the_good_build(&zoo);
    then_recording_goes_on(&zoo);
}

/* ---- all of them ---- */

static int setup(void **state)
{
    zoo_open(&zoo, state,
             "{\"drain_ms\": 100, \"open_seconds\": 5, \"claim_seconds\": 1, \"ack_seconds\": 1, "
             "\"probation_seconds\": 3}");
    then_recording_goes_on(&zoo);
    return 0;
}

static int teardown(void **state)
{
    return zoo_close(&zoo, state);
}

static int calm(void **state)
{
    (void)state;
    zoo_calm(&zoo);
    return 0;
}

/* `row` goes to the test as its state. */
static struct CMUnitTest test_of(const char *name, CMUnitTestFunction function, const void *row)
{
    return (struct CMUnitTest){name, function, calm, NULL, (void *)row};
}

#define STORY(test) test_of(#test, test, NULL)
#define ADD_ROWS(rows, function)                                                                   \
    for (size_t i = 0; i < sizeof(rows) / sizeof *(rows); i++)                                     \
    tests[n++] = test_of((rows)[i].animal, function, &(rows)[i])

int main(void)
{
    struct CMUnitTest tests[64] = {
        STORY(test_another_build_of_the_recorder),
        STORY(test_the_same_path_with_another_content),
        STORY(test_the_same_build_by_force),
        STORY(test_two_builds_with_the_same_global),
        STORY(test_a_file_that_is_being_rewritten),
        STORY(test_it_blocks_the_loop),
        STORY(test_it_never_answers),
        STORY(test_it_crashes_the_host_in_open),
        STORY(test_it_crashes_the_host_in_a_hook),
    };
    size_t n = 0;
    while (tests[n].name != NULL)
        n++;
    ADD_ROWS(at_once, test_rolled_back_before_it_is_live);
    ADD_ROWS(later, test_rolled_back_in_probation);
    ADD_ROWS(rude, test_taken_out_of_service);
    ADD_ROWS(stopped, test_stopped_during_a_swap);
    return _cmocka_run_group_tests("bad builds, live", tests, n, setup, teardown);
}
