/* Under a service manager: readiness, signs of life, reloads, the end; and with the manager's ban
 * on memory that is writable and executable. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/failure.h"
#include "support/postgres.h"
#include "support/scratch.h"
#include "support/world.h"

#ifndef PR_SET_MDWE /* since Linux 6.3 */
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

/* ---- the manager ---- */

struct manager {
    char folder[SCRATCH_PATH_SIZE];
    char environment[2][200];
    const char *set[3];
    int socket;
    char word[512]; /* the last message */
};

static void begin_manager(struct manager *m)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = WORLD_MS / 1000};
    scratch_new(m->folder);
    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s/notify", m->folder);
    m->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (m->socket < 0 || bind(m->socket, (struct sockaddr *)&at, sizeof at) != 0 ||
        setsockopt(m->socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0)
        cannot_go_on("the manager's socket");
    (void)snprintf(m->environment[0], sizeof m->environment[0], "NOTIFY_SOCKET=%s", at.sun_path);
    (void)snprintf(m->environment[1], sizeof m->environment[1], "WATCHDOG_USEC=200000");
    m->set[0] = m->environment[0];
    m->set[1] = m->environment[1];
    m->set[2] = NULL;
}

static void end_manager(struct manager *m)
{
    close(m->socket);
    scratch_remove(m->folder);
}

/* Waits for a message that begins so; those before it are let pass. */
static void await_word(struct manager *m, const char *begin)
{
    do {
        ssize_t n = recv(m->socket, m->word, sizeof m->word - 1, 0);
        if (n < 0)
            fail_msg("the manager heard nothing that begins with %s", begin);
        m->word[n] = '\0';
    } while (strncmp(m->word, begin, strlen(begin)) != 0);
}

static void test_the_manager_is_told(void **state)
{
    struct manager m;
    begin_manager(&m);
    const struct world_options options = {.set = m.set};
    struct world *w = world_new(&options);
    (void)state;

    world_start(w);
    await_word(&m, "READY=1");
    await_word(&m, "WATCHDOG=1");
    await_word(&m, "WATCHDOG=1");

    world_signal(w, SIGHUP);
    await_word(&m, "RELOADING=1");
    assert_non_null(strstr(m.word, "MONOTONIC_USEC="));
    await_word(&m, "READY=1");
    assert_non_null(strstr(m.word, "STATUS=serving"));

    FILE *config = fopen(world_path(w, "walltrack.json"), "w");
    assert_non_null(config);
    assert_true(fputs("{", config) >= 0 && fclose(config) == 0);
    world_signal(w, SIGHUP);
    await_word(&m, "READY=1");
    assert_non_null(strstr(m.word, "the configuration on disk is wrong"));

    world_stop(w);
    await_word(&m, "STOPPING=1");
    world_free(w);
    end_manager(&m);
}

static void test_a_start_that_fails_is_not_ready(void **state)
{
    struct manager m;
    begin_manager(&m);
    const struct world_options options = {
        .set = m.set, .config = "{\"plugins\": [{\"name\": \"recorder\", \"path\": \"none.so\"}]}"};
    struct world *w = world_new(&options);
    (void)state;
    world_start_fails(w);
    while (recv(m.socket, m.word, sizeof m.word - 1, MSG_DONTWAIT) > 0)
        assert_memory_not_equal(m.word, "READY=1", 7);
    world_free(w);
    end_manager(&m);
}

/* The last one: the ban stays with this process. */
static void test_builds_are_loaded_where_no_memory_may_become_executable(void **state)
{
    struct postgres *pg = *state;
    if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) != 0)
        skip(); /* an older kernel */
    postgres_fresh_database(pg);
    const struct world_options options = {.pg = pg};
    struct world *w = world_new(&options);
    world_start(w);
    await_plugin(w, "recorder", "live");
    given_build(w, "another", "another.so");
    assert_int_equal(world_put(w, "/api/plugins/recorder", "{\"path\": \"another.so\"}"), 200);
    assert_string_equal(world_value(w, "/verdict"), "LIVE");
    when_run(w, NULL);
    postgres_await(pg, "SELECT status FROM walltrack.discovery_runs", "completed", WORLD_MS);
    world_stop(w);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_manager_is_told),
        cmocka_unit_test(test_a_start_that_fails_is_not_ready),
        cmocka_unit_test(test_builds_are_loaded_where_no_memory_may_become_executable),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
