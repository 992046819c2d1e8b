/* What goes wrong without the recorder's guarantees: the same two scripts with the real build and
 * with one that has a planted fault.  A suite that finds nothing wrong with those proves nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "support/plugin_driver.h"
#include "support/postgres.h"
#include "support/process.h"

static char config[1024];

/* A database in which every batch with wallets stands still until the gate is opened, and in which
 * rows may be there twice. */
struct gate {
    struct postgres *pg;
    PGconn *keeper;
};

static void when_told(struct gate *g, const char *sql)
{
    PGresult *r = PQexec(g->keeper, sql);
    if (PQresultStatus(r) != PGRES_TUPLES_OK)
        fail_msg("%s", PQerrorMessage(g->keeper));
    PQclear(r);
}

static struct gate shut_gate(struct postgres *pg)
{
    struct gate g = {pg, PQconnectdb(postgres_conninfo(pg))};
    when_told(&g, "SELECT pg_advisory_lock(42)");
    postgres_query(pg, "CREATE FUNCTION stand() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                       " PERFORM pg_advisory_xact_lock_shared(42); RETURN NEW; END $$;"
                       "CREATE TRIGGER stand BEFORE INSERT ON walltrack.discovery_run_wallets"
                       " FOR EACH ROW EXECUTE FUNCTION public.stand();"
                       "ALTER TABLE walltrack.discovery_run_wallets"
                       " DROP CONSTRAINT IF EXISTS discovery_run_wallets_pkey");
    return g;
}

static void open_gate(struct gate *g)
{
    when_told(g, "SELECT pg_advisory_unlock(42)");
    PQfinish(g->keeper);
}

/* Turns the loop until a backend waits in that way. */
static void await_waiting(struct driver *d, struct gate *g, const char *event)
{
    char sql[128];
    long end_ms = process_now_ms() + 20000;
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM pg_stat_activity"
             " WHERE wait_event_type = 'Lock' AND wait_event = '%s'",
             event);
    while (strcmp(postgres_query(g->pg, sql), "1") != 0) {
        if (process_now_ms() > end_ms)
            fail_msg("no backend waits for %s", event);
        driver_turn_nowait(d);
    }
}

/* An instance of the build that has a run, and a hundred wallets in flight before a shut gate. */
static wt_host *given_batch_in_flight(struct postgres *pg, struct driver **d, struct gate *gate,
                                      const char *path)
{
    postgres_fresh_database(pg);
    snprintf(config, sizeof config, "{\"conninfo\": \"%s\"}", postgres_conninfo(pg));
    *d = driver_new(path);
    wt_host *h = driver_live(*d, config);
    wt_uuid run = driver_start_run(*d);
    driver_await_acks(h);
    *gate = shut_gate(pg);
    for (int i = 0; i < 100; i++)
        driver_wallet(*d, run, "alice", "mint1", 1, WT_NO_SCORE, NULL);
    await_waiting(*d, gate, "advisory");
    return h;
}

/* The old instance is cut off, and its batch is committed when the new one has been at the cursor:
 * that, or its first batch, waits for the cursor's row. */
static void play_late_commit(struct postgres *pg, const char *path)
{
    struct driver *d;
    struct gate gate;
    wt_host *old = given_batch_in_flight(pg, &d, &gate, path);

    wt_host *next = driver_open(d, config);
    driver_close(old, WT_CLOSE_ABORT);
    driver_feed(next, true);
    driver_send_claim(next);
    await_waiting(d, &gate, "transactionid");
    open_gate(&gate);
    driver_await_acks(next);
    driver_free(d);
}

/* The old instance is cut off before its batch is committed. */
static uint64_t play_cut(struct postgres *pg, const char *path)
{
    struct driver *d;
    struct gate gate;
    wt_host *old = given_batch_in_flight(pg, &d, &gate, path);

    uint64_t acked = driver_acked(old);
    driver_close(old, WT_CLOSE_ABORT);
    open_gate(&gate);
    wt_host *next = driver_live(d, config);
    driver_await_acks(next);
    driver_free(d);
    return acked;
}

static const char wallets[] = "SELECT count(*), count(DISTINCT id)"
                              " FROM walltrack.discovery_run_wallets";

static void test_a_late_commit_is_waited_for(void **state)
{
    play_late_commit(*state, TEST_RECORDER);
    then_query(*state, wallets, "100|100");
}

static void test_without_a_fence_a_late_commit_is_there_twice(void **state)
{
    play_late_commit(*state, TEST_RECORDER_NO_FENCE);
    then_query(*state, wallets, "200|100");
}

static void test_what_is_cut_off_comes_again(void **state)
{
    assert_int_equal(play_cut(*state, TEST_RECORDER), 1);
    then_query(*state, wallets, "100|100");
}

static void test_what_is_acknowledged_early_is_lost(void **state)
{
    assert_int_equal(play_cut(*state, TEST_RECORDER_ACK_EARLY), 101);
    then_query(*state, wallets, "0|0");
    then_query(*state, "SELECT seq FROM walltrack.recorder_cursor", "101");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_late_commit_is_waited_for),
        cmocka_unit_test(test_without_a_fence_a_late_commit_is_there_twice),
        cmocka_unit_test(test_what_is_cut_off_comes_again),
        cmocka_unit_test(test_what_is_acknowledged_early_is_lost),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
