/* The servers that other stories stand on: they start, crash, come back and leave nothing. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "support/pgbouncer.h"
#include "support/postgres.h"
#include "support/process.h"
#include "support/scratch.h"

static void test_committed_rows_survive_a_crash(void **state)
{
    struct postgres *pg = *state;
    postgres_fresh_database(pg);
    postgres_query(pg, "CREATE TABLE t (n int); INSERT INTO t VALUES (1), (2)");

    postgres_restart(pg, POSTGRES_IMMEDIATE);

    then_query(pg, "SELECT sum(n) FROM t", "3");
    then_query(pg, "SHOW fsync", "on");
}

static void test_each_fresh_database_is_empty(void **state)
{
    struct postgres *pg = *state;
    postgres_fresh_database(pg);
    postgres_query(pg, "CREATE TABLE t ()");

    postgres_fresh_database(pg);

    then_query(pg, "SELECT to_regclass('t') IS NULL", "t");
    assert_non_null(strstr(postgres_try(pg, "SELECT * FROM t"), "does not exist"));
    then_query(pg, "SELECT count(*) FROM pg_database WHERE datname LIKE 't\\_%'", "1");
}

static void test_a_stopped_server_refuses_connections(void **state)
{
    struct postgres *pg = *state;
    postgres_stop(pg, POSTGRES_FAST);
    assert_false(postgres_is_running(pg));

    assert_int_equal(PQping(postgres_conninfo(pg)), PQPING_NO_RESPONSE);

    postgres_start(pg);
    then_query(pg, "SELECT 1", "1");
}

static void test_tcp_and_settings_on_request(void **state)
{
    (void)state;
    const char *const settings[] = {"synchronous_commit = off", NULL};
    const struct postgres_options options = {.no_fsync = true, .tcp = true, .settings = settings};
    struct postgres *pg = postgres_new(&options);

    then_query(pg, "SHOW synchronous_commit", "off");
    assert_int_equal(PQping(postgres_tcp_conninfo(pg)), PQPING_OK);

    postgres_free(pg);
}

/* Two clients in one transaction each, with a pool of one: the second has to wait; and
 * what a session sets may meet another client, as poolers have it. */
static void test_pgbouncer_shares_server_connections(void **state)
{
    struct postgres *pg = *state;
    if (!pgbouncer_exists())
        skip();
    postgres_fresh_database(pg);
    struct pgbouncer *bouncer = pgbouncer_new(pg, 1);
    PGconn *one = PQconnectdb(pgbouncer_conninfo(bouncer));
    PGconn *two = PQconnectdb(pgbouncer_conninfo(bouncer));

    PGresult *first = PQexec(one, "SELECT pg_backend_pid(), current_database()");
    PGresult *second = PQexec(two, "SELECT pg_backend_pid()");

    assert_int_equal(PQntuples(first), 1);
    assert_string_equal(PQgetvalue(first, 0, 0), PQgetvalue(second, 0, 0));
    then_query(pg, "SELECT current_database()", PQgetvalue(first, 0, 1));
    PQclear(first);
    PQclear(second);
    PQfinish(one);
    PQfinish(two);
    pgbouncer_free(bouncer);
}

/* A server whose files are gone ends by itself, but not that soon. */
enum { SWEPT_MS = 8000 };

static bool exists(pid_t pid, const char *path)
{
    return kill(pid, 0) == 0 || access(path, F_OK) == 0;
}

struct remains {
    char directory[SCRATCH_PATH_SIZE];
    pid_t server;
};

/* Ends by SIGKILL, as a test program does that CTest has lost patience with. */
static _Noreturn void start_server_and_die(int tell)
{
    scratch_forget();
    const struct postgres *pg = postgres_new(NULL);
    struct remains remains = {.server = postgres_pid(pg)};
    memcpy(remains.directory, postgres_directory(pg), SCRATCH_PATH_SIZE);
    if (write(tell, &remains, sizeof remains) == sizeof remains)
        (void)raise(SIGKILL);
    _exit(1);
}

static void test_nothing_survives_a_killed_program(void **state)
{
    (void)state;
    int fds[2];
    struct remains remains = {.server = -1};
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0)
        start_server_and_die(fds[1]);
    close(fds[1]);
    assert_int_equal(read(fds[0], &remains, sizeof remains), sizeof remains);
    close(fds[0]);
    assert_true(exists(remains.server, remains.directory));

    assert_int_equal(waitpid(child, NULL, 0), child);

    long deadline = process_now_ms() + SWEPT_MS;
    while (exists(remains.server, remains.directory) && process_now_ms() < deadline)
        process_pause_ms(10);
    assert_false(exists(remains.server, remains.directory));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_committed_rows_survive_a_crash),
        cmocka_unit_test(test_each_fresh_database_is_empty),
        cmocka_unit_test(test_a_stopped_server_refuses_connections),
        cmocka_unit_test(test_tcp_and_settings_on_request),
        cmocka_unit_test(test_pgbouncer_shares_server_connections),
        cmocka_unit_test(test_nothing_survives_a_killed_program),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
