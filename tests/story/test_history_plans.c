/* links: recorder_parts */
/* No question reads a whole table of runs or wallets, whatever it asks for: the plans of all that
 * runs inside say so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "question.h"
#include "sql.h"
#include "support/failure.h"
#include "support/plugin_driver.h"
#include "support/postgres.h"

#define RUN "00000000-0000-4000-8000-000000000007"
#define EDGES "2026-05-31T18:30:00Z,2026-06-07T18:30:00Z,2026-06-14T18:30:00Z"

static const struct asked {
    const char *question, *args;
} list[] = {
    {"runs", ""},
    {"runs", "\"page\": 400"},
    {"runs", "\"cursor\": \"1780000000000000_" RUN "\""},
    {"runs", "\"start\": \"2026-05-01T00:00:00Z\", \"end\": \"2026-06-01T00:00:00Z\""},
    {"runs", "\"status\": \"failed\""},
    {"runs", "\"status\": \"running\""},
    {"runs", "\"schedule\": \"plan1\", \"page\": 100"},
    {"runs", "\"max_tokens_min\": \"1\""},
    {"runs", "\"has_errors\": \"true\", \"duration_min\": \"61.5\""},
    {"runs", "\"duration_min\": \"61.5\", \"duration_max\": \"3000\", \"page\": 100"},
    {"runs", "\"wallet\": \"w77\""},
    {"runs_only", "\"page_size\": 1000"},
    {"stats", ""},
    {"stats", "\"start\": \"2026-06-01T11:22:33Z\""},
    {"stats", "\"wallet\": \"w77\""},
    {"trend", "\"edges\": \"" EDGES "\""},
    {"trend", "\"trigger_type\": \"api\", \"edges\": \"" EDGES "\""},
    {"run", "\"run_id\": \"" RUN "\""},
    {"run_wallets", "\"run_id\": \"" RUN "\""},
    {"run_tokens", "\"run_id\": \"" RUN "\""},
    {"run_errors", "\"run_id\": \"" RUN "\""},
    {"wallet", "\"address\": \"w77\""},
    {"wallets_only", "\"status\": \"completed\", \"page_size\": 300"},
    {"compare", "\"a\": \"" RUN "\", \"b\": \"00000000-0000-4000-8000-000000000009\""},
};

static const char fill[] =
    "INSERT INTO walltrack.discovery_runs (id, started_at, status, trigger_type, schedule,"
    " max_tokens, duration_seconds, error_count) SELECT ('00000000-0000-4000-8000-' ||"
    " lpad(to_hex(n), 12, '0'))::uuid, '2026-06-21Z'::timestamptz - n * interval '1 h',"
    " CASE WHEN n % 20 = 0 THEN 'failed' WHEN n % 400 = 7 THEN 'running' ELSE 'completed' END,"
    " (ARRAY['api', 'manual', 'scheduled'])[1 + n % 3], 'plan' || n % 3, n % 4, n * 0.37 + 1, 0"
    " FROM generate_series(1, 20000) n;"
    "INSERT INTO walltrack.discovery_run_wallets (id, run_id, wallet_address, source_token)"
    " SELECT gen_random_uuid(), ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,"
    " 'w' || n * m % 9973, 'mint' FROM generate_series(1, 20000) n, generate_series(1, 3) m;"
    "INSERT INTO walltrack.discovery_run_tokens (id, run_id, token)"
    " SELECT gen_random_uuid(), id, 'mint' FROM walltrack.discovery_runs;"
    "INSERT INTO walltrack.discovery_run_errors (id, run_id, message)"
    " SELECT gen_random_uuid(), id, 'no' FROM walltrack.discovery_runs;"
    "ANALYZE";

/* ---- plans ---- */

struct plans {
    const struct asked *asked;
    int seen;
    char bad[256]; /* a line of a plan */
};

static void look_at_line(struct plans *plans, const char *line, size_t size)
{
    static const char *const tables[] = {"discovery_runs", "discovery_run_wallets",
                                         "discovery_run_tokens", "discovery_run_errors",
                                         "discovery_figures"};
    char text[256];
    snprintf(text, sizeof text, "%.*s", (int)size, line);
    const char *scan = strstr(text, "Seq Scan on ");
    for (size_t i = 0; scan != NULL && i < sizeof tables / sizeof tables[0]; i++) {
        size_t n = strlen(tables[i]);
        const char *name = scan + strlen("Seq Scan on ");
        if (strncmp(name, tables[i], n) == 0 && (name[n] == ' ' || name[n] == '\0'))
            snprintf(plans->bad, sizeof plans->bad, "%s", text);
    }
}

static void on_notice(void *arg, const PGresult *r)
{
    struct plans *plans = arg;
    const char *line = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    plans->seen += strstr(line, "plan:") != NULL;
    while (*line != '\0') {
        size_t size = strcspn(line, "\n");
        look_at_line(plans, line, size);
        line += size + (line[size] == '\n');
    }
}

static void run(PGconn *conn, const char *sql)
{
    PGresult *r = PQexec(conn, sql);
    if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK)
        cannot_go_on("%s", PQerrorMessage(conn));
    PQclear(r);
}

static void ask(PGconn *conn, const struct asked *a)
{
    struct question q;
    char why[WHY_SIZE], args[512];
    Oid types[QUESTION_PARAMS];
    snprintf(args, sizeof args, "{%s}", a->args);
    assert_int_equal(question_parse(a->question, args, &q, why), WT_OK);
    for (int i = 0; i < q.n; i++)
        types[i] = 25;
    char *sql = sql_prepare(q.text, "walltrack");
    PGresult *r = PQexecParams(conn, sql, q.n, types, (const char *const *)q.values, NULL, NULL, 0);
    if (PQresultStatus(r) != PGRES_TUPLES_OK || PQntuples(r) != 1)
        fail_msg("%s %s: %s", a->question, a->args, PQerrorMessage(conn));
    PQclear(r);
    free(sql);
    question_free(&q);
}

static PGconn *given_a_history_and_its_reader(struct postgres *pg, struct plans *plans)
{
    char config[512];
    postgres_fresh_database(pg);
    snprintf(config, sizeof config, "{\"conninfo\": \"%s\"}", postgres_conninfo(pg));
    struct driver *d = driver_new(TEST_RECORDER);
    driver_close(driver_live(d, config), WT_CLOSE_DRAIN);
    driver_free(d);
    postgres_query(pg, fill);
    PGconn *conn = PQconnectdb(postgres_conninfo(pg));
    run(conn, "LOAD 'auto_explain'; SET auto_explain.log_nested_statements = on;"
              " SET auto_explain.log_level = notice; SET auto_explain.log_min_duration = 0");
    PQsetNoticeReceiver(conn, on_notice, plans);
    return conn;
}

static void test_no_question_reads_a_whole_table(void **state)
{
    struct plans plans = {0};
    PGconn *conn = given_a_history_and_its_reader(*state, &plans);
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        plans.seen = 0;
        ask(conn, &list[i]);
        assert_true(plans.seen > 0);
        if (plans.bad[0] != '\0')
            fail_msg("%s {%s}: %s", list[i].question, list[i].args, plans.bad);
    }
    PQfinish(conn);
}

static void test_reading_a_whole_table_would_be_seen(void **state)
{
    struct plans plans = {0};
    PGconn *conn = given_a_history_and_its_reader(*state, &plans);
    run(conn, "SELECT count(*) FROM walltrack.discovery_runs r WHERE reason IS NULL");
    assert_non_null(strstr(plans.bad, "Seq Scan on discovery_runs"));
    PQfinish(conn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_question_reads_a_whole_table),
        cmocka_unit_test(test_reading_a_whole_table_would_be_seen),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
