/* From an engine's output to committed rows, against raw COPY of the same rows.
 *
 *     bench_end_to_end [ROWS [ROUNDS]]        (default 400000 rows, 5 rounds; a release build)
 *
 * Each round, on one server: the engine prints ROWS wallet lines, and the clock runs from the
 * request until the last of them is committed (H).  Then the same rows are read back, pre-encoded,
 * and written by one connection with COPY BINARY, 20,000 rows a transaction: once into the same
 * tables (S), once into the base tables as they are given, with random ids and a B-tree on
 * wallet_address (G).  All tables are empty at the start of each, the server checkpoints in
 * between, and only the ratios of one round mean anything.
 */
#include <inttypes.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "support/postgres.h"
#include "support/world.h"

enum { COPY_ROWS = 20000, ROUNDS_MAX = 50, HEADER_SIZE = 19 };

static const char *const server_settings[] = {"shared_buffers=1GB", "max_wal_size=8GB",
                                              "checkpoint_timeout=1h", NULL};

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* CPU seconds of a process, all its threads, from /proc/PID/stat. */
static double cpu_seconds(pid_t pid)
{
    char path[64], text[1024];
    unsigned long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    const char *at = strrchr(text, ')');
    if (at != NULL)
        sscanf(at + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* ---- the rows, pre-encoded ---- */

struct rows {
    char *bytes; /* COPY BINARY tuples, without header and trailer */
    size_t size;
    size_t *starts; /* of each tuple */
    size_t count;
};

static void die(PGconn *c, const char *what)
{
    fprintf(stderr, "%s: %s", what, PQerrorMessage(c));
    exit(1);
}

static void run_sql(PGconn *c, const char *sql)
{
    PGresult *result = PQexec(c, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        die(c, sql);
    PQclear(result);
}

/* The server sends one tuple a message; header and trailer come along with the first and last. */
static void read_rows(PGconn *c, const char *copy, size_t expected, struct rows *out)
{
    char *piece;
    int n;
    PGresult *result = PQexec(c, copy);
    if (PQresultStatus(result) != PGRES_COPY_OUT)
        die(c, copy);
    PQclear(result);
    *out = (struct rows){.bytes = malloc(expected * 400),
                         .starts = calloc(expected + 1, sizeof(size_t))};
    while ((n = PQgetCopyData(c, &piece, 0)) > 0) {
        size_t skip = out->count == 0 && out->size == 0 ? HEADER_SIZE : 0;
        if ((size_t)n > skip && !(n == 2 && out->count > 0)) {
            out->starts[out->count++] = out->size;
            memcpy(out->bytes + out->size, piece + skip, (size_t)n - skip);
            out->size += (size_t)n - skip;
        }
        PQfreemem(piece);
    }
    while ((result = PQgetResult(c)) != NULL)
        PQclear(result);
    out->starts[out->count] = out->size;
}

static void free_rows(struct rows *r)
{
    free(r->bytes);
    free(r->starts);
}

static void copy_some(PGconn *c, const char *copy, const struct rows *r, size_t from, size_t to)
{
    static const char header[HEADER_SIZE] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0";
    static const char trailer[2] = {'\377', '\377'};
    PGresult *result = PQexec(c, copy);
    if (PQresultStatus(result) != PGRES_COPY_IN)
        die(c, copy);
    PQclear(result);
    PQputCopyData(c, header, sizeof header);
    for (size_t at = r->starts[from]; at < r->starts[to]; at += 65536) {
        size_t left = r->starts[to] - at;
        PQputCopyData(c, r->bytes + at, (int)(left < 65536 ? left : 65536));
    }
    PQputCopyData(c, trailer, sizeof trailer);
    PQputCopyEnd(c, NULL);
    while ((result = PQgetResult(c)) != NULL) {
        if (PQresultStatus(result) != PGRES_COMMAND_OK)
            die(c, "COPY");
        PQclear(result);
    }
}

static double time_raw_copy(PGconn *c, const char *copy, const struct rows *r)
{
    double begin = seconds();
    for (size_t at = 0; at < r->count; at += COPY_ROWS)
        copy_some(c, copy, r, at, at + COPY_ROWS < r->count ? at + COPY_ROWS : r->count);
    return seconds() - begin;
}

/* ---- the sides ---- */

/* 1.3 rows a wallet, 20 tokens, as in a real run; the lines are made outside the clock. */
static void given_lines(struct world *w, size_t rows)
{
    char script[2048];
    FILE *file = fopen(world_path(w, "lines"), "w");
    for (size_t i = 0; file != NULL && i < rows; i++) {
        uint64_t wallet = (i * 10 / 13) * 0x9e3779b97f4a7c15u;
        fprintf(file,
                "{\"event\":\"wallet\",\"wallet_address\":\"W%016" PRIx64 "%026" PRIx64 "\","
                "\"source_token\":\"T%043zu\",\"is_new\":true,\"initial_score\":0.%04zu}\n",
                wallet, wallet ^ 0x5bd1e995u, i % 20 + (i / 20) % 7 * 20, i % 10000);
    }
    if (file == NULL || fclose(file) != 0)
        exit(1);
    snprintf(script, sizeof script, "#!/bin/sh\nexec cat %s\n", world_path(w, "lines"));
    given_engine(w, script);
}

/* Looks every 5 ms, on one connection, so that looking costs nothing that counts. */
static double await_true(PGconn *c, const char *sql, double begin)
{
    for (;;) {
        PGresult *result = PQexec(c, sql);
        if (PQresultStatus(result) != PGRES_TUPLES_OK)
            die(c, sql);
        bool seen = PQntuples(result) == 1 && PQgetvalue(result, 0, 0)[0] == 't';
        PQclear(result);
        if (seen || seconds() - begin > 300)
            return seconds() - begin;
        usleep(5000);
    }
}

struct round {
    double rows; /* till the last row was committed, seconds */
    double end;  /* till the run's end with its totals was   */
    double cpu;  /* of the host, seconds                     */
    double same, base;
};

static void time_host(struct world *w, PGconn *c, size_t rows, struct round *r)
{
    char sql[256];
    PGresult *before = PQexec(c, "SELECT seq FROM walltrack.recorder_cursor");
    uint64_t cursor = strtoull(PQgetvalue(before, 0, 0), NULL, 10);
    PQclear(before);
    double cpu_before = cpu_seconds(world_pid(w));
    double begin = seconds();
    when_run(w, NULL);
    /* The run's start is one event, then come the wallets. */
    snprintf(sql, sizeof sql, "SELECT seq >= %" PRIu64 " FROM walltrack.recorder_cursor",
             cursor + rows + 1);
    r->rows = await_true(c, sql, begin);
    r->cpu = cpu_seconds(world_pid(w)) - cpu_before;
    r->end = await_true(c, "SELECT status = 'completed' FROM walltrack.discovery_runs", begin);
}

#define BASE_TABLES                                                                                \
    "DROP SCHEMA IF EXISTS base CASCADE; CREATE SCHEMA base;"                                      \
    "CREATE TABLE base.discovery_runs (id UUID PRIMARY KEY);"                                      \
    "CREATE TABLE base.discovery_run_wallets (id UUID PRIMARY KEY, run_id UUID NOT NULL "          \
    "REFERENCES base.discovery_runs, wallet_address VARCHAR(44) NOT NULL, source_token "           \
    "VARCHAR(44) NOT NULL, is_new BOOLEAN DEFAULT TRUE, initial_score DECIMAL(5,4), created_at "   \
    "TIMESTAMPTZ DEFAULT NOW());"                                                                  \
    "CREATE INDEX ON base.discovery_run_wallets (run_id);"                                         \
    "CREATE INDEX ON base.discovery_run_wallets (wallet_address);"                                 \
    "INSERT INTO base.discovery_runs SELECT id FROM walltrack.discovery_runs"

static void one_round(struct world *w, PGconn *c, size_t rows, struct round *r)
{
    struct rows encoded = {0};
    run_sql(c, "TRUNCATE walltrack.discovery_runs CASCADE");
    run_sql(c, "CHECKPOINT");
    time_host(w, c, rows, r);

    read_rows(c, "COPY walltrack.discovery_run_wallets TO STDOUT (FORMAT BINARY)", rows, &encoded);
    if (encoded.count != rows) {
        fprintf(stderr, "%zu rows were recorded, not %zu\n", encoded.count, rows);
        exit(1);
    }
    run_sql(c, "TRUNCATE walltrack.discovery_run_wallets");
    run_sql(c, "CHECKPOINT");
    r->same = time_raw_copy(c, "COPY walltrack.discovery_run_wallets FROM STDIN (FORMAT BINARY)",
                            &encoded);
    free_rows(&encoded);

    run_sql(c, BASE_TABLES);
    read_rows(c,
              "COPY (SELECT gen_random_uuid(), run_id, wallet_address, source_token, is_new, "
              "initial_score, created_at FROM walltrack.discovery_run_wallets) TO STDOUT (FORMAT "
              "BINARY)",
              rows, &encoded);
    run_sql(c, "CHECKPOINT");
    r->base =
        time_raw_copy(c, "COPY base.discovery_run_wallets FROM STDIN (FORMAT BINARY)", &encoded);
    free_rows(&encoded);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_ratio(const char *what, const double *values, size_t n)
{
    double sorted[ROUNDS_MAX];
    memcpy(sorted, values, n * sizeof *values);
    qsort(sorted, n, sizeof *sorted, by_value);
    printf("%-58s %8.2f  (%.2f to %.2f)\n", what, sorted[n / 2], sorted[0], sorted[n - 1]);
}

/* The smallest bucket that holds half of the sampled calls, and the mean. */
static void print_hook_times(struct world *w)
{
    const char *bound;
    json_t *below;
    world_get(w, "/api/plugins/recorder/stats");
    const json_t *hooks = json_object_get(json_object_get(world_json(w), "stats"), "hook_seconds");
    double count = json_number_value(json_object_get(hooks, "count"));
    json_object_foreach (json_object_get(hooks, "le"), bound, below) {
        if (json_number_value(below) >= count / 2) {
            printf("%-58s %8.0f  (mean %.0f)\n", "on_wallet, every 16th call: median at most, ns",
                   strtod(bound, NULL) * 1e9,
                   json_number_value(json_object_get(hooks, "sum")) / count * 1e9);
            return;
        }
    }
}

/* How far the disk is behind what engines say. */
static void print_journal_times(struct world *w)
{
    static const char sum[] = "\nwalltrack_journal_commit_microseconds_total ";
    static const char most[] = "\nwalltrack_journal_commit_seconds_max ";
    static const char commits[] = "\nwalltrack_journal_commits_total ";
    world_get(w, "/metrics");
    const char *text = world_text(w);
    const char *a = strstr(text, sum), *b = strstr(text, most), *c = strstr(text, commits);
    if (a != NULL && b != NULL && c != NULL)
        printf("%-58s %8.1f  (longest %.1f)\n", "journal commit, mean ms",
               strtod(a + strlen(sum), NULL) / strtod(c + strlen(commits), NULL) / 1000,
               strtod(b + strlen(most), NULL) * 1000);
}

int main(int argc, char **argv)
{
    size_t rows = argc > 1 ? strtoul(argv[1], NULL, 10) : 400000;
    size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 5;
    rounds = rounds < 1 ? 1 : rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds;
    struct postgres_options server = {.settings = server_settings};
    struct postgres *pg = postgres_new(&server);
    postgres_fresh_database(pg);
    struct world_options options = {
        .pg = pg,
        .config = "{\"journal\": {\"retain_bytes\": 67108864}, \"engine\": {\"max_discoveries\": "
                  "10000000}}"};
    struct world *w = world_new(&options);
    world_start(w);
    given_lines(w, rows);
    await_plugin(w, "recorder", "live");
    PGconn *c = PQconnectdb(postgres_conninfo(pg));
    run_sql(c, "SET client_min_messages = warning");

    double same[ROUNDS_MAX], base[ROUNDS_MAX], cpu[ROUNDS_MAX];
    printf("%zu rows a round: H host, S raw COPY into the same tables, G into the base tables\n",
           rows);
    for (size_t i = 0; i < rounds; i++) {
        struct round r;
        one_round(w, c, rows, &r);
        same[i] = r.same / r.rows;
        base[i] = r.base / r.rows;
        cpu[i] = r.cpu / (double)rows * 1e6;
        printf(
            "round %zu: H %.2f s (%.1f krows/s; %.2f s with the run's totals)  S %.2f s  G %.2f s  "
            "H/S %.2f  H/G %.2f  host %.2f us CPU an event\n",
            i + 1, r.rows, (double)rows / r.rows / 1000, r.end, r.same, r.base, same[i], base[i],
            cpu[i]);
        fflush(stdout);
    }
    print_ratio("speed against raw COPY into the same tables (H/S)", same, rounds);
    print_ratio("speed against raw COPY into the base tables (H/G)", base, rounds);
    print_ratio("host CPU an event, all threads, with the recorder, us", cpu, rounds);
    print_hook_times(w);
    print_journal_times(w);
    PQfinish(c);
    world_free(w);
    postgres_free(pg);
    return 0;
}
