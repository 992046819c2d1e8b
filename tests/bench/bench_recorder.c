/* links: recorder_parts */
/* The recorder against the raw limit: the same rows, encoded beforehand, by COPY BINARY on one
 * connection, 20,000 a transaction, into the same tables.  Both sides in every round, in turns.
 *
 *     bench_recorder [wallets [rounds]] */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libpq-fe.h>
#include <uv.h>

#include "copy_rows.h"
#include "support/failure.h"
#include "support/plugin_driver.h"
#include "support/postgres.h"

enum { BATCH = 20000, RUN_WALLETS = 1000, ROUNDS_MOST = 50 };

static char config[512];

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare);
    return values[n / 2];
}

static void address_of(int i, char out[64])
{
    /* about 1.3 rows a wallet */
    snprintf(out, 64, "W%05uxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx%05u",
             (unsigned)(i * 10 / 13) * 2654435761u % 99991, (unsigned)(i * 10 / 13) % 100000);
}

static void token_of(int i, char out[64])
{
    snprintf(out, 64, "T%02dxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", i % 20);
}

static void empty(struct postgres *pg)
{
    postgres_query(pg, "TRUNCATE walltrack.discovery_runs CASCADE; CHECKPOINT");
}

/* ---- the recorder ---- */

static double record(struct postgres *pg, int wallets, int is_new)
{
    struct driver *d = driver_new(TEST_RECORDER);
    char address[64], token[64];
    postgres_query(pg, "DELETE FROM walltrack.recorder_cursor");
    empty(pg);
    wt_host *h = driver_live(d, config);
    wt_uuid run = {{0}};
    for (int i = 0; i < wallets; i++) {
        if (i % RUN_WALLETS == 0)
            run = driver_start_run(d);
        if (i == 0) {
            driver_await_acks(h);
            driver_feed(h, false);
        }
        address_of(i, address);
        token_of(i, token);
        driver_wallet(d, run, address, token, is_new, 8712, NULL);
    }
    uint64_t start = uv_hrtime();
    driver_feed(h, true);
    driver_await_acks(h);
    double seconds = (double)(uv_hrtime() - start) / 1e9;
    printf("  %.0f batches, %.0f %% of the time in transactions\n",
           driver_figure(h, "batches", NULL),
           driver_figure(h, "commit_seconds", NULL) / seconds * 100);
    driver_free(d);
    return wallets / seconds;
}

/* ---- the raw limit ---- */

static void check(PGconn *conn, PGresult *r, ExecStatusType expected)
{
    if (PQresultStatus(r) != expected)
        cannot_go_on("%s", PQerrorMessage(conn));
    PQclear(r);
}

static void copy(PGconn *conn, const char *sql, const struct rows *rows)
{
    check(conn, PQexec(conn, sql), PGRES_COPY_IN);
    for (size_t at = 0; at < rows->size; at += 65536)
        PQputCopyData(conn, (const char *)rows->data + at,
                      (int)(rows->size - at < 65536 ? rows->size - at : 65536));
    PQputCopyEnd(conn, NULL);
    PGresult *r;
    while ((r = PQgetResult(conn)) != NULL)
        check(conn, r, PGRES_COMMAND_OK);
}

static void encode_wallet(struct rows *rows, struct driver *d, const wt_uuid *run, int i)
{
    char address[64], token[64];
    wt_uuid id = driver_uuid(d);
    address_of(i, address);
    token_of(i, token);
    copy_row(rows, 8);
    copy_uuid(rows, &id);
    copy_uuid(rows, run);
    copy_bool(rows, true);
    copy_text(rows, address);
    copy_text(rows, token);
    copy_numeric(rows, 8712, 4);
    copy_time(rows, 1782000000000000);
    copy_json(rows, NULL, 0);
}

static void encode_run(struct rows *rows, const wt_uuid *run)
{
    copy_row(rows, 3);
    copy_uuid(rows, run);
    copy_time(rows, 1782000000000000);
    copy_text(rows, "manual");
}

static double raw(struct postgres *pg, int wallets)
{
    struct driver *d = driver_new(TEST_RECORDER); /* for its ids */
    size_t batches = (size_t)(wallets + BATCH - 1) / BATCH;
    struct rows runs = {0}, *rows = calloc(batches, sizeof *rows);
    PGconn *conn = PQconnectdb(postgres_conninfo(pg));
    wt_uuid run = {{0}};
    if (rows == NULL)
        cannot_go_on("out of memory");
    empty(pg);
    copy_bytes(&runs, NULL, 0); /* makes room; its size is cut off again */
    rows_cut(&runs, 0);
    for (int i = 0; i < wallets; i++) {
        if (i % RUN_WALLETS == 0) {
            run = driver_uuid(d);
            encode_run(&runs, &run);
        }
        encode_wallet(&rows[i / BATCH], d, &run, i);
    }
    PQexec(conn, "BEGIN");
    check(conn,
          PQexec(conn, "COPY walltrack.discovery_runs (id, started_at, trigger_type) FROM"
                       " STDIN (FORMAT BINARY)"),
          PGRES_COPY_IN);
    PQputCopyData(conn, (const char *)copy_header, sizeof copy_header);
    PQputCopyData(conn, (const char *)runs.data, (int)runs.size);
    PQputCopyData(conn, (const char *)copy_trailer, sizeof copy_trailer);
    PQputCopyEnd(conn, NULL);
    for (PGresult *r; (r = PQgetResult(conn)) != NULL;)
        check(conn, r, PGRES_COMMAND_OK);
    PQexec(conn, "COMMIT");
    for (size_t b = 0; b < batches; b++) {
        struct rows framed = {0};
        unsigned char *data = malloc(sizeof copy_header + rows[b].size + sizeof copy_trailer);
        if (data == NULL)
            cannot_go_on("out of memory");
        memcpy(data, copy_header, sizeof copy_header);
        memcpy(data + sizeof copy_header, rows[b].data, rows[b].size);
        memcpy(data + sizeof copy_header + rows[b].size, copy_trailer, sizeof copy_trailer);
        framed.data = data;
        framed.size = sizeof copy_header + rows[b].size + sizeof copy_trailer;
        rows_free(&rows[b]);
        rows[b] = framed;
    }

    uint64_t start = uv_hrtime();
    for (size_t b = 0; b < batches; b++) {
        check(conn, PQexec(conn, "BEGIN"), PGRES_COMMAND_OK);
        copy(conn,
             "COPY walltrack.discovery_run_wallets (id, run_id, is_new, wallet_address,"
             " source_token, initial_score, created_at, profile) FROM STDIN (FORMAT BINARY)",
             &rows[b]);
        check(conn, PQexec(conn, "COMMIT"), PGRES_COMMAND_OK);
    }
    double seconds = (double)(uv_hrtime() - start) / 1e9;
    for (size_t b = 0; b < batches; b++)
        rows_free(&rows[b]);
    rows_free(&runs);
    free(rows);
    PQfinish(conn);
    driver_free(d);
    return wallets / seconds;
}

/* ---- one hook call ---- */

static void time_hook(struct postgres *pg)
{
    static double ns[BATCH];
    struct driver *d = driver_new(TEST_RECORDER);
    char address[64], token[64], body[160] = {0};
    postgres_query(pg, "DELETE FROM walltrack.recorder_cursor");
    empty(pg);
    wt_host *h = driver_live(d, config);
    driver_start_run(d);
    driver_await_acks(h);
    size_t n = 0;
    for (int i = 0; i < BATCH; i++) {
        wt_event e = {.struct_size = sizeof e,
                      .kind = WT_WALLET,
                      .body_version = 1,
                      .seq = (uint64_t)i + 2,
                      .body = body,
                      .body_size = sizeof body};
        wt_wallet w = {.struct_size = sizeof w,
                       .is_new = 1,
                       .score_e4 = 8712,
                       .address = address,
                       .source_token = token};
        address_of(i, address);
        token_of(i, token);
        uint64_t start = uv_hrtime();
        wt_answer answer = driver_plugin(d)->on_wallet(driver_self(h), &e, &w);
        ns[n++] = (double)(uv_hrtime() - start);
        if (answer == WT_ENOUGH)
            break;
    }
    double half = median(ns, n);
    printf("on_wallet: median %.0f ns, p99 %.0f ns, max %.0f ns of %zu calls\n", half,
           ns[n * 99 / 100], ns[n - 1], n);
    driver_free(d);
}

int main(int argc, char **argv)
{
    int wallets = argc > 1 ? atoi(argv[1]) : 400000, rounds = argc > 2 ? atoi(argv[2]) : 5;
    static const char *const settings[] = {"shared_buffers=1GB", "max_wal_size=8GB", NULL};
    double ratios[ROUNDS_MOST], undecided[ROUNDS_MOST];
    struct postgres *pg = postgres_new(&(struct postgres_options){.settings = settings});
    postgres_fresh_database(pg);
    snprintf(config, sizeof config, "{\"conninfo\": \"%s\"}", postgres_conninfo(pg));
    struct driver *d = driver_new(TEST_RECORDER);
    driver_close(driver_live(d, config), WT_CLOSE_DRAIN); /* makes the tables */
    driver_free(d);

    for (int i = 0; i < rounds && i < ROUNDS_MOST; i++) {
        bool raw_first = i % 2 == 0;
        double limit = raw_first ? raw(pg, wallets) : 0;
        double ours = record(pg, wallets, 1);
        limit = raw_first ? limit : raw(pg, wallets);
        double asked = record(pg, wallets, -1);
        ratios[i] = ours / limit;
        undecided[i] = asked / limit;
        printf(
            "round %d: raw %.1f, recorder %.1f (%.2f), with is_new to decide %.1f (%.2f) krows/s\n",
            i + 1, limit / 1e3, ours / 1e3, ratios[i], asked / 1e3, undecided[i]);
        fflush(stdout);
    }
    printf("median of the ratios: %.2f, with is_new to decide %.2f\n",
           median(ratios, (size_t)rounds), median(undecided, (size_t)rounds));
    time_hook(pg);
    postgres_free(pg);
    return 0;
}
