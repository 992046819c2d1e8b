/* How long events wait while one instance of the recorder takes over from another: the *feed gap*,
 * from the stop of the old one's feed to the new one's claimed().  Its parts: the old one closes
 * (the batch in flight, then the connections), the new one, opened beforehand, claims.
 *
 *     bench_claim [rounds [events a second [settings [recorder.so …]]]]
 *
 * At that rate, and with a backlog that is never empty; with a drain (as the host does it: an abort
 * after 200 ms), and with an abort.  Beside them the server's own commit of one row, in the same
 * rounds.  `settings` are members of the configuration such as '"batch_ms": 20'.  Several builds
 * are measured in turns, round by round, each in a schema of its own. */
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

#include "support/failure.h"
#include "support/plugin_driver.h"
#include "support/postgres.h"

enum { DRAIN_MS = 200, BACKLOG = 30000, BENCHES_MOST = 32, MODES = 4, LOG_FILES = 160 };
enum { OLD_CLOSED, NEW_CLAIMED, FEED_GAP, REPLAYED, CAUGHT_UP, ONE_ROW, FIGURES };

static const char *const figure_names[FIGURES] = {
    [OLD_CLOSED] = "old closed", [NEW_CLAIMED] = "new claimed", [FEED_GAP] = "feed gap",
    [REPLAYED] = "replayed",     [CAUGHT_UP] = "caught up",     [ONE_ROW] = "one row",
};

static const struct mode {
    const char *name;
    bool backlog;
    uint32_t close;
} modes[MODES] = {
    {"drain at the rate", false, WT_CLOSE_DRAIN},
    {"abort at the rate", false, WT_CLOSE_ABORT},
    {"drain with a backlog", true, WT_CLOSE_DRAIN},
    {"abort with a backlog", true, WT_CLOSE_ABORT},
};

/* One build in one mode. */
struct bench {
    const struct mode *mode;
    const char *path;
    char config[512];
    struct driver *d;
    wt_host *live;
    wt_uuid run;
    uint64_t since_ns, made, rate; /* of the round */
    double *figures[FIGURES];
    int rounds;
};

static PGconn *server;

static double ms_since(uint64_t start_ns)
{
    return (double)(uv_hrtime() - start_ns) / 1e6;
}

/* ---- events ---- */

static void add_wallet(struct bench *b)
{
    static uint64_t n;
    char address[64];
    snprintf(address, sizeof address, "W%043llu", (unsigned long long)(++n * 2654435761u % 99991));
    driver_wallet(b->d, b->run, address, "T000000000000000000000000000000000000000001", 1, 8712,
                  NULL);
    b->made++;
}

static void on_tick(void *arg)
{
    struct bench *b = arg;
    uint64_t due = (uint64_t)(ms_since(b->since_ns) * (double)b->rate / 1000);
    while (b->made < due)
        add_wallet(b);
}

static void start_events(struct bench *b, uint64_t rate)
{
    b->since_ns = uv_hrtime();
    b->made = 0;
    b->rate = b->mode->backlog ? 0 : rate;
    for (int i = 0; b->mode->backlog && i < BACKLOG; i++)
        add_wallet(b);
}

/* ---- a round ---- */

static void turn_for(struct bench *b, double ms)
{
    uint64_t start = uv_hrtime();
    while (ms_since(start) < ms)
        driver_turn(b->d);
}

static double commit_one_row(void)
{
    uint64_t start = uv_hrtime();
    PGresult *r = PQexec(server, "UPDATE public.one_row SET n = n + 1");
    if (PQresultStatus(r) != PGRES_COMMAND_OK)
        cannot_go_on("%s", PQerrorMessage(server));
    PQclear(r);
    return ms_since(start);
}

static void close_as_the_host_does(struct bench *b, wt_host *h)
{
    uint64_t start = uv_hrtime();
    driver_send_close(h, b->mode->close);
    while (!driver_is_closed(h) && ms_since(start) < DRAIN_MS)
        driver_turn(b->d);
    driver_close(h, WT_CLOSE_ABORT);
}

static void change(struct bench *b)
{
    int i = b->rounds++;
    wt_host *next = driver_open(b->d, b->config);
    turn_for(b, rand() % 30);
    uint64_t start = uv_hrtime(), delivered = driver_delivered(b->live);
    close_as_the_host_does(b, b->live);
    b->live = next;
    uint64_t closed = uv_hrtime();
    driver_claim(next);
    if (!driver_is_claimed(next))
        cannot_go_on("not claimed");
    b->figures[OLD_CLOSED][i] = (double)(closed - start) / 1e6;
    b->figures[NEW_CLAIMED][i] = ms_since(closed);
    b->figures[FEED_GAP][i] = ms_since(start);
    b->figures[REPLAYED][i] = (double)(delivered - driver_cursor(next));
    driver_feed(next, true);
    while (driver_acked(next) < delivered)
        driver_turn(b->d);
    b->figures[CAUGHT_UP][i] = ms_since(start);
}

static void run_round(struct bench *b, uint64_t rate)
{
    start_events(b, rate);
    turn_for(b, 60 + rand() % 100);
    change(b);
    b->rate = 0;
    driver_await_acks(b->live);
    b->figures[ONE_ROW][b->rounds - 1] = commit_one_row();
}

/* ---- all of it ---- */

static void begin(struct bench *b, struct postgres *pg, const char *settings, int n, int rounds)
{
    for (int f = 0; f < FIGURES; f++)
        if ((b->figures[f] = calloc((size_t)rounds, sizeof(double))) == NULL)
            cannot_go_on("out of memory");
    snprintf(b->config, sizeof b->config, "{\"conninfo\": \"%s\", \"schema\": \"s%d\"%s%s}",
             postgres_conninfo(pg), n, settings[0] != '\0' ? ", " : "", settings);
    b->d = driver_new(b->path);
    driver_every(b->d, 1, on_tick, b);
    b->live = driver_live(b->d, b->config);
    b->run = driver_start_run(b->d);
    driver_await_acks(b->live);
}

/* A server that has run for a while has the files of its log made already: those of before are used
 * again.  Making one takes a writer longer than all that is measured here. */
static void age(struct postgres *pg)
{
    for (int i = 0; i < LOG_FILES; i++)
        postgres_query(pg, "SELECT pg_logical_emit_message(false, 'age', 'x');"
                           "SELECT pg_switch_wal()");
    postgres_query(pg, "CHECKPOINT");
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void end(struct bench *b)
{
    printf("%s, %s, %d rounds: p50 / p90 / p99 / max\n", b->mode->name, b->path, b->rounds);
    for (int f = 0; f < FIGURES; f++) {
        double *v = b->figures[f];
        int n = b->rounds;
        qsort(v, (size_t)n, sizeof *v, compare);
        printf("  %-12s %8.2f %8.2f %8.2f %8.2f %s\n", figure_names[f], v[n / 2], v[n * 90 / 100],
               v[n * 99 / 100], v[n - 1], f == REPLAYED ? "events" : "ms");
        free(v);
    }
    driver_free(b->d);
}

int main(int argc, char **argv)
{
    static const char *const server_settings[] = {"shared_buffers=1GB", "max_wal_size=8GB",
                                                  "min_wal_size=4GB", NULL};
    static const char *const only[] = {TEST_RECORDER};
    static struct bench benches[BENCHES_MOST];
    int rounds = argc > 1 ? atoi(argv[1]) : 200, n = 0;
    uint64_t rate = argc > 2 ? strtoull(argv[2], NULL, 10) : 20000;
    const char *settings = argc > 3 ? argv[3] : "";
    const char *const *paths = argc > 4 ? (const char *const *)argv + 4 : only;
    int builds = argc > 4 ? argc - 4 : 1;
    if (builds * MODES > BENCHES_MOST)
        cannot_go_on("more than %d builds", BENCHES_MOST / MODES);
    struct postgres *pg = postgres_new(&(struct postgres_options){.settings = server_settings});
    postgres_fresh_database(pg);
    age(pg);
    postgres_query(pg, "CREATE TABLE public.one_row AS SELECT 1 AS n");
    server = PQconnectdb(postgres_conninfo(pg));
    for (int m = 0; m < MODES; m++)
        for (int p = 0; p < builds; p++, n++) {
            benches[n] = (struct bench){.mode = &modes[m], .path = paths[p]};
            begin(&benches[n], pg, settings, n, rounds);
        }
    for (int i = 0; i < n;
         i += builds) /* a backlog's batches would weigh on the disk of the others */
        for (int r = 0; r < (benches[i].mode->backlog ? rounds / 4 : rounds); r++)
            for (int p = 0; p < builds; p++)
                run_round(&benches[i + p], rate);
    for (int i = 0; i < n; i++)
        end(&benches[i]);
    PQfinish(server);
    postgres_free(pg);
    return 0;
}
