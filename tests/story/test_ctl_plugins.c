/* walltrackctl swaps the recorder's build as an operator does, and looks at what became of it. */
#include "ctl_command.h"

#include <unistd.h>

#define PLUGIN "/api/plugins/recorder"
#define COUNT(table) (sizeof(table) / sizeof(table)[0])

#define ENGINE_OF_ONE                                                                              \
    "#!/bin/sh\n"                                                                                  \
    "echo '{\"event\":\"wallet\",\"wallet_address\":\"W\",\"source_token\":\"T\"}'\n"

/* ---- a world ---- */

/* A probation that ends when a test can see it. */
static void given_swap_times(struct world *w, const char *swap)
{
    char patch[1024];
    snprintf(patch, sizeof patch,
             "{\"plugins\": [{\"name\": \"recorder\", \"path\": \"recorder.so\", \"config\": "
             "{\"conninfo\": \"%s\"}, \"swap\": %s}]}",
             postgres_conninfo(world_postgres(w)), swap);
    given_config(w, patch);
    world_restart(w);
    await_plugin(w, "recorder", "live");
}

static int setup(void **state)
{
    if (!postgres_is_running(*state))
        postgres_start(*state);
    return world_setup(state);
}

static int teardown(void **state)
{
    forget_what_was_said();
    return world_teardown(state);
}

/* A build of tests/zoo. */
static void given_animal(struct world *w, const char *name)
{
    char from[512];
    snprintf(from, sizeof from, "%s/%s", TEST_ZOO_DIR, name);
    given_plugin(w, from, name);
}

static const char *build_of(struct world *w)
{
    then_status(w, PLUGIN, 200);
    return world_value(w, "/build");
}

static void then_a_run_is_recorded(struct world *w)
{
    given_engine(w, ENGINE_OF_ONE);
    await_run(w, when_run(w, NULL), "completed");
}

static int ctl(struct world *w, const char *command)
{
    return finish(w, begin(w, command, NULL));
}

/* ---- what passes ---- */

static void test_a_build_is_swapped(void **state)
{
    struct world *w = *state;
    given_build(w, "next", "next.so");
    const char *before = build_of(w);

    then_ctl(w, 0, "plugin", "swap", "next.so");

    char line[256];
    then_says(w, " LIVE in ");
    then_says(w, ": feed gap ");
    then_says(w, " ms, replayed 0 events\n");
    snprintf(line, sizeof line, "`walltrackctl plugin rollback recorder` goes back to %s\n",
             before);
    then_says(w, line);
    const char *after = build_of(w);
    assert_string_not_equal(after, before);
    then_a_run_is_recorded(w);

    then_ctl(w, 0, "plugins");
    then_says(w, after);
    snprintf(line, sizeof line, "\nrecorder: rollback to %s possible\n", before);
    then_says(w, line);
    then_ctl(w, 0, "status");
    then_says(w, "RECORDING  recorder ");
    then_says(w, "\nlast swap  #");
    snprintf(line, sizeof line, "rollback to %s possible\n", before);
    then_says(w, line);

    then_ctl(w, 0, "plugin", "swap", "next.so");
    then_says(w, " LIVE: already live as generation ");
    then_says(w, "nothing was done; --force opens it afresh\n");
    then_ctl(w, 0, "plugin", "swap", "next.so", "--force");
    then_says(w, " LIVE in ");

    then_ctl(w, 0, "plugin", "rollback");
    then_says(w, "rollback ");
    then_says(w, " LIVE in ");
    then_get(w, PLUGIN, "/build", before);
}

/* The steps as they pass, each once, in order. */
static void then_steps_were_told(struct world *w)
{
    static const char *const steps[] = {"\nverify ",  "\nprobe ", "\nload ",     "\nprepare ",
                                        "\ncutover ", "\nclaim ", "\ncatch_up ", "\nLIVE in "};
    const char *at = said.out;
    for (size_t i = 0; i < COUNT(steps); i++) {
        const char *found = strstr(at, steps[i]);
        if (found == NULL || strstr(found + 1, steps[i]) != NULL)
            world_fail(w, __FILE__, __LINE__, "no '%s', or not in its place: %s", steps[i] + 1,
                       said.out);
        at = found + 1;
    }
}

static void test_a_swap_is_followed_through_its_probation(void **state)
{
    struct world *w = *state;
    given_swap_times(w, "{\"probation_seconds\": 1}");
    given_build(w, "next", "next.so");
    assert_int_equal(ctl(w, "walltrackctl plugin swap next.so --wait --probation"), 0);
    then_steps_were_told(w);
    then_printed(w, "\nin probation");
    then_printed(w, "\nthe probation is over\n");
    then_get(w, PLUGIN, "/good", build_of(w));

    given_build(w, "third", "next.so");
    static const char *const coloured[] = {"NO_COLOR=", "TERM=xterm", NULL};
    const char *command = "walltrackctl plugin swap next.so --wait";
    assert_int_equal(finish(w, begin_on_terminal(w, command, coloured)), 0);
    then_printed(w, "\033[32mLIVE\033[0m in ");
}

static void test_a_path_may_lead_to_the_folder(void **state)
{
    struct world *w = *state;
    char command[512], says[512];
    given_build(w, "next", "next.so");
    given_build(w, "third", "third.so");
    snprintf(command, sizeof command, "walltrackctl plugin swap %s",
             world_path(w, "plugins/../plugins/next.so"));
    assert_int_equal(ctl(w, command), 0);
    const char *next = build_of(w);
    snprintf(command, sizeof command, "sh -c \"cd %s && walltrackctl plugin swap ./third.so\"",
             world_path(w, "plugins"));
    assert_int_equal(ctl(w, command), 0);
    const char *third = build_of(w);
    assert_string_not_equal(third, next);

    /* A folder that looks the same is another one. */
    assert_int_equal(rename(world_path(w, "plugins/next.so"), world_path(w, "next.so")), 0);
    snprintf(command, sizeof command, "walltrackctl plugin swap %s", world_path(w, "next.so"));
    assert_int_equal(ctl(w, command), 4);
    then_complained(w, " REFUSED verify: ");
    then_complained(w, "is not inside the plugin folder ");
    snprintf(says, sizeof says, "\n`install -m 755 %s %s/` puts it there\n",
             world_path(w, "next.so"), world_path(w, "plugins"));
    then_complained(w, says);
    assert_string_equal(build_of(w), third);
}

/* ---- what does not ---- */

static const struct {
    const char *command;
    int status;
    const char *says[2];
} refusals[] = {
    {"walltrackctl plugin swap nowhere.so", 4, {" REFUSED verify: ", " stays in charge"}},
    {"walltrackctl plugin swap text.so", 4, {" REFUSED verify: ", " stays in charge"}},
    {"walltrackctl plugin swap text.so --wait", 4, {" REFUSED verify: ", " stays in charge"}},
    {"walltrackctl plugin swap constructor-aborts.so", 4, {" REFUSED probe: ", " stays"}},
    {"walltrackctl plugin swap recorder.so --sha256 ab", 4, {"sha256", "walltrackctl help plugin"}},
    {"walltrackctl plugin swap recorder.so --plugin other",
     3,
     {"Plugin not found", "plugins` lis"}},
    {"walltrackctl plugin show other", 3, {"Plugin not found", "`walltrackctl plugins` lists"}},
    {"walltrackctl plugin history ../recorder", 3, {"Plugin not found", "plugins` lists"}},
    {"walltrackctl plugin rollback",
     4,
     {"there is no build before ", "walltrackctl plugins` shows"}},
    {"walltrackctl plugin cancel", 4, {"walltrackctl: ", "`walltrackctl plugins` shows what is"}},
};

static void test_what_is_refused_leaves_the_old_build(void **state)
{
    struct world *w = *state;
    const char *before = build_of(w);
    given_animal(w, "constructor-aborts.so");
    scratch_write(world_path(w, "plugins"), "text.so", "#!/bin/sh\nexit 0\n");
    for (size_t i = 0; i < COUNT(refusals); i++) {
        int status = ctl(w, refusals[i].command);
        if (status != refusals[i].status || strstr(said.err, refusals[i].says[0]) == NULL ||
            strstr(said.err, refusals[i].says[1]) == NULL)
            world_fail(w, __FILE__, __LINE__, "%s: status %d, not %d with '%s' and '%s': %s%s",
                       refusals[i].command, status, refusals[i].status, refusals[i].says[0],
                       refusals[i].says[1], said.out, said.err);
    }
    assert_string_equal(build_of(w), before);
    then_a_run_is_recorded(w);

    then_ctl(w, 0, "plugin", "history", "--limit", "1");
    then_says(w, "REFUSED");
    then_says(w, "probe");
    then_ctl(w, 4, "plugin", "swap", "text.so", "--json");
    then_says(w, "{\"status\":422,");
    then_says(w, "\"verdict\":\"REFUSED\"");
}

/* What the host says of a file cannot steer the terminal. */
static void test_what_is_said_is_harmless(void **state)
{
    struct world *w = *state;
    then_ctl(w, 4, "plugin", "swap", "/tmp/a\033[2Jb\007.so");
    then_says(w, "a?[2Jb?.so");
    assert_null(strchr(world_text(w), '\033'));
    then_ctl(w, 0, "plugin", "history");
    then_says(w, "a?[2Jb?.so");
    assert_null(strchr(world_text(w), '\033'));
    assert_null(strchr(world_text(w), '\007'));
}

static void test_a_build_that_breaks_in_probation_is_told_of(void **state)
{
    struct world *w = *state;
    const char *before = build_of(w);
    char says[256];
    given_animal(w, "live-fails-in-probation.so");
    assert_int_equal(
        ctl(w, "walltrackctl plugin swap live-fails-in-probation.so --wait --probation"), 4);
    then_printed(w, "\nLIVE in ");
    then_complained(w, " ROLLED BACK probation: ");
    snprintf(says, sizeof says, "\n%s is in charge again; ", before);
    then_complained(w, says);
    await_get(w, PLUGIN, "/live", "true");
    then_get(w, PLUGIN, "/build", before);
    then_ctl(w, 0, "plugin", "show");
    then_says(w, "\nlast swap  #");
    then_says(w, " ROLLED BACK probation: ");
}

/* ---- waiting ---- */

/* The database is away, so a swap stays in `prepare`. */
static pid_t begin_a_swap_that_waits(struct world *w, const char *command)
{
    given_build(w, "next", "next.so");
    postgres_stop(world_postgres(w), POSTGRES_FAST);
    await_get(w, PLUGIN, "/live", "false");
    pid_t pid = begin(w, command, NULL);
    await_get(w, PLUGIN, "/swap/state", "prepare");
    return pid;
}

static void test_a_swap_under_way_is_cancelled(void **state)
{
    struct world *w = *state;
    pid_t pid = begin_a_swap_that_waits(w, "walltrackctl plugin swap next.so --wait");
    await(w, "what it waits for", has_printed, (void *)"prepare: ");
    then_ctl(w, 0, "status");
    then_says(w, "NOT RECORDING  recorder ");
    then_says(w, "\nswap now   #");
    then_ctl(w, 0, "plugins");
    then_says(w, "\nrecorder: swap ");
    then_says(w, " prepare: ");

    then_ctl(w, 0, "plugin", "cancel");
    then_says(w, " CANCELLED prepare: by ");
    assert_int_equal(finish(w, pid), 4);
    then_printed(w, "\nprobe ");
    then_complained(w, " CANCELLED prepare: by ");
}

static void test_the_end_of_the_waiting_is_not_the_end_of_the_swap(void **state)
{
    struct world *w = *state;
    pid_t pid = begin_a_swap_that_waits(w, "walltrackctl plugin swap next.so");
    const char *id = world_value(w, "/swap/id");
    char path[64];
    assert_int_equal(kill(pid, SIGINT), 0);
    assert_int_equal(finish(w, pid), 130);
    then_complained(w, "interrupted; the swap goes on\n`walltrackctl plugin show recorder` shows");
    then_get(w, PLUGIN, "/swap/id", id);

    /* The next one waits behind it, and the one after that takes its place. */
    given_build(w, "third", "third.so");
    pid = begin(w, "walltrackctl plugin swap third.so --wait", NULL);
    await(w, "its number", has_printed, (void *)" of recorder\n");
    then_ctl(w, 0, "plugin", "swap", "third.so", "--no-wait");
    then_says(w, " is under way: queued");
    assert_int_equal(finish(w, pid), 4);
    then_complained(w, " SUPERSEDED ");
    then_ctl(w, 1, "plugin", "swap", "third.so", "--wait", "--timeout", "0.2");
    then_says(w, "it has no verdict in time; the swap goes on\n");
    then_ctl(w, 0, "plugin", "show");
    then_says(w, "\nqueued     #");

    postgres_start(world_postgres(w));
    snprintf(path, sizeof path, PLUGIN "/swaps/%s", id);
    await_get(w, path, "/verdict", "LIVE");
    await_get(w, PLUGIN, "/swaps/0/path", "third.so");
    await_get(w, PLUGIN, "/swaps/0/verdict", "LIVE");
}

static void test_the_host_goes_while_a_swap_is_followed(void **state)
{
    struct world *w = *state;
    pid_t pid = begin_a_swap_that_waits(w, "walltrackctl plugin swap next.so --wait");
    world_kill(w);
    assert_int_equal(finish(w, pid), 5);
    then_complained(w, "walltrackctl: swap ");
    then_complained(w, "/admin.sock");
}

/* ---- several ---- */

static void test_one_of_two_plugins_must_be_named(void **state)
{
    struct world *w = *state;
    char patch[1024];
    given_animal(w, "good.so");
    snprintf(patch, sizeof patch,
             "{\"plugins\": [{\"name\": \"recorder\", \"path\": \"recorder.so\", \"config\": "
             "{\"conninfo\": \"%s\"}}, {\"name\": \"other\", \"path\": \"good.so\", \"config\": "
             "{\"conninfo\": \"%s\", \"stream\": \"other\"}}]}",
             postgres_conninfo(world_postgres(w)), postgres_conninfo(world_postgres(w)));
    given_config(w, patch);
    world_restart(w);
    await_plugin(w, "other", "live");
    await_plugin(w, "recorder", "live");
    given_build(w, "next", "next.so");

    then_ctl(w, 2, "plugin", "swap", "next.so");
    then_says(w, "there are 2 plugins, recorder and other\n"
                 "say which: `walltrackctl plugin swap PATH --plugin NAME`\n");
    then_ctl(w, 2, "plugin", "history");
    then_says(w, "say which: `walltrackctl plugin history NAME`\n");
    then_ctl(w, 0, "plugin", "swap", "next.so", "--plugin", "recorder");
    then_says(w, " LIVE in ");
    then_ctl(w, 0, "plugin", "rollback", "recorder");
    then_ctl(w, 0, "status");
    then_says(w, "RECORDING  recorder ");
    then_says(w, "\nRECORDING  other ");
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(test_a_build_is_swapped),
        STORY(test_a_swap_is_followed_through_its_probation),
        STORY(test_a_path_may_lead_to_the_folder),
        STORY(test_what_is_refused_leaves_the_old_build),
        STORY(test_what_is_said_is_harmless),
        STORY(test_a_build_that_breaks_in_probation_is_told_of),
        STORY(test_a_swap_under_way_is_cancelled),
        STORY(test_the_end_of_the_waiting_is_not_the_end_of_the_swap),
        STORY(test_the_host_goes_while_a_swap_is_followed),
        STORY(test_one_of_two_plugins_must_be_named),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
