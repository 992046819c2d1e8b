/* Engines that mean harm, or behave as if: each run comes to its end in time with its reason, what
 * it found is its own, nothing that it started is left, and the host works on. */
#include <ctype.h>
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/postgres.h"
#include "support/world.h"

#define RUNS "walltrack.discovery_runs"
#define WALLET(n)                                                                                  \
    "echo '{\"event\":\"wallet\",\"wallet_address\":\"W" n "\",\"source_token\":\"T\"}'\n"
#define FOREVER(n) "while :; do\n" WALLET(n) "sleep 0.01\ndone"

static const struct {
    const char *name, *script, *status;
    const char *reason; /* LIKE; NULL: none */
    int wallets;        /* -1: any number */
} engines[] = {
    {"fails", WALLET("1") "exit 1", "failed", "%status 1%", 1},
    {"crashes", WALLET("1") "kill -SEGV $$", "failed", "%signal 11%", 1},
    {"hangs", WALLET("1") "exec sleep 600", "failed", "timed out%", 1},
    {"stops itself", WALLET("1") "kill -STOP $$", "failed", "timed out%", 1},
    {"ignores SIGTERM", "trap '' TERM HUP INT\n" WALLET("1") "while :; do sleep 1; done", "failed",
     "timed out%", 1},
    {"floods its output", "exec yes nonsense", "failed", "timed out%", 0},
    {"floods its errors", WALLET("1") "head -c 50000000 /dev/zero >&2", "completed", NULL, 1},
    {"ends without a newline",
     WALLET("1") "printf '{\"event\":\"wallet\",\"wallet_address\":\"W2\",\"source_token\":\"T\"}'",
     "completed", NULL, 2},
    {"prints NUL", "head -c 1000000 /dev/zero\necho\n" WALLET("1"), "completed", NULL, 1},
    {"prints what is no text", "head -c 1000000 /dev/urandom\necho\n" WALLET("1"), "completed",
     NULL, 1},
    {"prints a line of 256 MB", "head -c 268435456 /dev/zero | tr '\\0' x\necho\n" WALLET("1"),
     "completed", NULL, 1},
    {"closes its output and stays", WALLET("1") "exec >&- 2>&- <&-\nexec sleep 600", "failed",
     "timed out%", 1},
    {"closes its output and ends", WALLET("1") "exec >&- 2>&- <&-\nexit 0", "completed", NULL, 1},
    {"does not read its request", "exec <&-\n" WALLET("1"), "completed", NULL, 1},
    {"leaves a child behind", WALLET("1") "sleep 600 &\nexit 0", "completed", NULL, 1},
    {"leaves a session of its own that prints on",
     WALLET("1") "trap '' HUP\nsetsid sh -c '(" FOREVER("$$") ") &' &\nexit 0", "completed", NULL,
     -1},
    {"leaves two hundred sessions",
     "for i in $(seq 200); do setsid sleep 600 & done\n" WALLET("1") "exit 0", "completed", NULL,
     1},
    {"kills its parent", WALLET("1") "kill -KILL $PPID\nexec sleep 600", "failed", "%signal 9%",
     -1},
    {"kills its group", WALLET("1") "kill -KILL 0\nexec sleep 600", "failed", "%signal 9%", 1},
    {"names another run",
     "echo '{\"event\":\"wallet\",\"run_id\":\"00000000-0000-7000-8000-000000000000\","
     "\"wallet_address\":\"W1\",\"source_token\":\"T\"}'",
     "completed", NULL, -1},
    {"takes all memory", WALLET("1") "exec tail /dev/zero", "failed", "%memory%", 1},
    {"takes all processor time", WALLET("1") "while :; do :; done", "failed", "%signal 24%", 1},
    {"fills the disk", WALLET("1") "exec head -c 100000000 /dev/zero > $(dirname \"$0\")/big",
     "failed", "%signal 25%", 1},
    {"opens all files", WALLET("1") "[ $(ulimit -n) = 64 ] && [ $(ulimit -Hn) = 64 ] && exit 7",
     "failed", "%status 7%", 1},
};

/* ---- what is left ---- */

static bool contains(const char *text, size_t size, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= size; i++)
        if (memcmp(text + i, word, n) == 0)
            return true;
    return false;
}

/* Whether the process has our mark in its environment. */
static bool is_marked(const char *pid, const char *mark)
{
    static char text[65536];
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%.20s/environ", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    size_t size = fread(text, 1, sizeof text, file);
    (void)fclose(file);
    return contains(text, size, mark);
}

static bool nothing_is_left(struct world *w, void *arg)
{
    DIR *proc = opendir("/proc");
    bool left = false;
    (void)w;
    assert_non_null(proc);
    for (struct dirent *entry; (entry = readdir(proc)) != NULL && !left;)
        left = isdigit((unsigned char)entry->d_name[0]) && is_marked(entry->d_name, arg);
    (void)closedir(proc);
    return !left;
}

/* ---- the stories ---- */

static int strict_setup(void **state)
{
    if (world_setup(state) != 0)
        return -1;
    struct world *w = *state;
    char config[512];
    (void)snprintf(config, sizeof config,
                   "{\"engine\": {\"timeout_seconds\": 3, \"kill_grace_seconds\": 1, "
                   "\"memory_bytes\": 300000000, \"cpu_seconds\": 1, \"file_bytes\": 1000000, "
                   "\"open_files\": 64, \"environment\": {\"HOSTILE_MARK\": \"%s\"}}}",
                   world_path(w, "mark"));
    given_config(w, config);
    world_restart(w);
    await_plugin(w, "recorder", "live");
    return 0;
}

/* The address sanitizer keeps what is freed for a while. */
#ifdef __SANITIZE_ADDRESS__
static const double growth_most = 400e6;
#else
static const double growth_most = 32e6;
#endif

static double resident_bytes(struct world *w)
{
    static const char key[] = "\nwalltrack_resident_bytes ";
    assert_int_equal(world_get(w, "/metrics"), 200);
    const char *at = strstr(world_text(w), key);
    assert_non_null(at);
    return strtod(at + strlen(key), NULL);
}

static void then_the_run_ended(struct world *w, size_t i, const char *id)
{
    char sql[512];
    struct postgres *pg = world_postgres(w);
    if (engines[i].reason == NULL)
        (void)snprintf(sql, sizeof sql, "SELECT reason IS NULL FROM " RUNS " WHERE id = '%s'", id);
    else
        (void)snprintf(sql, sizeof sql,
                       "SELECT CASE WHEN reason LIKE '%s' THEN 't' ELSE reason END FROM " RUNS
                       " WHERE id = '%s'",
                       engines[i].reason, id);
    then_query(pg, sql, "t");
    (void)snprintf(sql, sizeof sql,
                   "SELECT count(*) FILTER (WHERE run_id = '%s') FROM "
                   "walltrack.discovery_run_wallets",
                   id);
    if (engines[i].wallets >= 0) {
        char expected[16];
        (void)snprintf(expected, sizeof expected, "%d", engines[i].wallets);
        then_query(pg, sql, expected);
    }
}

static void test_hostile_engines_harm_nobody(void **state)
{
    struct world *w = *state;
    double before = resident_bytes(w);
    char mark[300];
    (void)snprintf(mark, sizeof mark, "HOSTILE_MARK=%s", world_path(w, "mark"));
    for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++) {
        char script[1024];
        print_message("    %s\n", engines[i].name);
        (void)snprintf(script, sizeof script, "#!/bin/sh\n%s\n", engines[i].script);
        given_engine(w, script);
        const char *id = when_run(w, NULL);
        await_run(w, id, engines[i].status);
        await(w, "the end of all that it started", nothing_is_left, mark);
        then_the_run_ended(w, i, id);
    }
    /* No wallet of a run that is not the one whose engine printed it. */
    then_query(world_postgres(w),
               "SELECT count(*) FROM walltrack.discovery_run_wallets i LEFT JOIN " RUNS
               " r ON r.id = i.run_id WHERE r.id IS NULL",
               "0");
    assert_true(resident_bytes(w) < before + growth_most);

    given_engine(w, "#!/bin/sh\n" WALLET("1") WALLET("2") WALLET("3"));
    const char *id = when_run(w, NULL);
    char sql[256];
    await_run(w, id, "completed");
    (void)snprintf(sql, sizeof sql,
                   "SELECT count(*), max(wallet_address) FROM walltrack.discovery_run_wallets "
                   "WHERE run_id = '%s'",
                   id);
    then_query(world_postgres(w), sql, "3|W3");
}

static bool has_started(struct world *w, void *arg)
{
    (void)arg;
    return access(world_path(w, "started"), F_OK) == 0;
}

/* The host dies as hard as it can, with an engine that resists. */
static void test_nothing_survives_the_host(void **state)
{
    struct world *w = *state;
    char mark[300];
    (void)snprintf(mark, sizeof mark, "HOSTILE_MARK=%s", world_path(w, "mark"));
    given_engine(w, "#!/bin/sh\ntrap '' TERM HUP INT PIPE\n"
                    "for i in 1 2 3; do setsid sh -c 'trap \"\" TERM HUP PIPE; sleep 600' & done\n"
                    "touch $(dirname \"$0\")/started\n" FOREVER("1"));
    const char *id = when_run(w, NULL);
    await(w, "a start", has_started, NULL);
    world_kill(w);
    await(w, "the end of all that it started", nothing_is_left, mark);
    world_start(w);
    await_run(w, id, "failed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_hostile_engines_harm_nobody, strict_setup,
                                        world_teardown),
        cmocka_unit_test_setup_teardown(test_nothing_survives_the_host, strict_setup,
                                        world_teardown),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
