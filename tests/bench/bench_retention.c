/* What a sweep costs the writer: the same recording with and without one beside it, in turns.
 *
 *     bench_retention [old runs [wallets [rounds]]] */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <uv.h>

#include "support/plugin_driver.h"
#include "support/postgres.h"

enum { RUN_WALLETS = 1000, OLD_WALLETS = 10, ROUNDS_MOST = 50 };

static char config[2][512]; /* without and with a sweep */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of this year, if it is not too young: the figures of the year are what both write. */
static void add_old_runs(struct postgres *pg, int runs)
{
    char sql[1024];
    snprintf(sql, sizeof sql,
             "INSERT INTO walltrack.discovery_runs (id, started_at, status, trigger_type,"
             " schedule, duration_seconds, new_wallets)"
             " SELECT gen_random_uuid(), now() - interval '100 days' + i * interval '1 minute',"
             " 'completed', 'scheduled', 'nightly', i %% 1000, %d FROM generate_series(1, %d) i;"
             "INSERT INTO walltrack.discovery_run_wallets (id, run_id, wallet_address,"
             " source_token) SELECT gen_random_uuid(), id, md5(id::text || i), 'mint'"
             " FROM walltrack.discovery_runs, generate_series(1, %d) i;"
             "ANALYZE; CHECKPOINT",
             OLD_WALLETS, runs, OLD_WALLETS);
    postgres_query(pg, sql);
}

static void add_events(struct driver *d, int wallets)
{
    static int made;
    char address[64];
    wt_uuid run = {{0}};
    for (int i = 0; i < wallets; i++) {
        if (i % RUN_WALLETS == 0)
            run = driver_start_run(d);
        snprintf(address, sizeof address, "W%dxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", made++);
        driver_wallet(d, run, address, "mint", 1, 8712, NULL);
        if (i % RUN_WALLETS == RUN_WALLETS - 1)
            driver_end_run(d, run, WT_RUN_COMPLETED, NULL);
    }
}

/* Wallets a second. */
static double record(struct driver *d, int wallets, bool swept)
{
    wt_host *h = driver_live(d, config[swept]);
    while (swept && driver_figure(h, "retention_removed_runs", NULL) < 1)
        driver_turn(d);
    double before = driver_figure(h, "retention_removed_runs", NULL);
    driver_feed(h, false);
    add_events(d, wallets);
    uint64_t start = uv_hrtime();
    driver_feed(h, true);
    driver_await_acks(h);
    double seconds = (double)(uv_hrtime() - start) / 1e9;
    if (swept)
        printf("  %.0f runs a second removed meanwhile\n",
               (driver_figure(h, "retention_removed_runs", NULL) - before) / seconds);
    driver_close(h, WT_CLOSE_DRAIN);
    return wallets / seconds;
}

int main(int argc, char **argv)
{
    int runs = argc > 1 ? atoi(argv[1]) : 50000, wallets = argc > 2 ? atoi(argv[2]) : 200000;
    int rounds = argc > 3 ? atoi(argv[3]) : 5;
    static const char *const settings[] = {"shared_buffers=512MB", "max_wal_size=8GB", NULL};
    double ratios[ROUNDS_MOST];
    struct postgres *pg = postgres_new(&(struct postgres_options){.settings = settings});
    postgres_fresh_database(pg);
    for (int i = 0; i < 2; i++)
        snprintf(config[i], sizeof config[i],
                 "{\"conninfo\": \"%s\", \"retention\": {\"older_than_days\": 30,"
                 " \"delay_seconds\": %d}}",
                 postgres_conninfo(pg), i == 0 ? 86400 : 0);
    struct driver *d = driver_new(TEST_RECORDER);
    driver_close(driver_live(d, config[0]), WT_CLOSE_DRAIN); /* makes the tables */
    driver_set_time(d, (int64_t)time(NULL) * 1000000);
    add_old_runs(pg, runs);

    for (int i = 0; i < rounds && i < ROUNDS_MOST; i++) {
        double with = i % 2 == 0 ? record(d, wallets, true) : 0;
        double without = record(d, wallets, false);
        with = i % 2 == 0 ? with : record(d, wallets, true);
        ratios[i] = with / without;
        printf("round %d: alone %.1f, beside a sweep %.1f krows/s (%.2f)\n", i + 1, without / 1e3,
               with / 1e3, ratios[i]);
        fflush(stdout);
    }
    qsort(ratios, (size_t)rounds, sizeof *ratios, compare);
    printf("median of the ratios: %.2f\n", ratios[rounds / 2]);
    driver_free(d);
    postgres_free(pg);
    return 0;
}
