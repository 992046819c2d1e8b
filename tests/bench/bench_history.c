/* links: recorder_parts */
/* Questions about a long history, as the recorder asks them (BEGIN READ ONLY, question, ROLLBACK;
 * planning included), while it records at full speed beside them; and each the way in which the
 * program before asked it (OFFSET, rows counted in the client, at most 1,000 of them), or by plain
 * SQL where it could not.
 *
 *     bench_history [--runs N] [--wallets N] [--times N] [--idle] [--only WORD] [--explain]
 *
 * The history covers two years until now, in ten usual kinds of runs and some rare ones.  The first
 * two migrations are applied before it is there and the others after: that is timed, too.  --idle
 * leaves the writer out, --explain prints the plans instead.
 * `server` is the time of a core that the server needs for a question. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libpq-fe.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "history_questions.h"
#include "question.h"
#include "support/plugin_driver.h"
#include "support/postgres.h"

enum { TIMES_MOST = 10000, RUN_WALLETS = 2000, ROUND_RUNS = 100 };

static struct {
    int runs, wallets, times;
    bool idle, explain;
    const char *only;
} options = {.runs = 1000000, .wallets = 10000000, .times = 200};

/* ---- the writer ---- */

static void record_round(struct driver *d, wt_host *h)
{
    char address[64];
    for (int r = 0; r < ROUND_RUNS; r++) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        driver_set_time(d, now.tv_sec * 1000000 + now.tv_nsec / 1000);
        wt_uuid id = driver_start_run(d);
        for (int w = 0; w < RUN_WALLETS; w++) {
            snprintf(address, sizeof address, "N%043d", rand());
            driver_wallet(d, id, address, "mint", 1, 5000, NULL);
        }
        driver_end_run(d, id, WT_RUN_COMPLETED, NULL);
        if (r % 10 == 9)
            driver_await_acks(h);
    }
}

/* Records until it is killed.  Each round has a journal and a stream of its own: the driver's
 * memory is its journal. */
static void record(struct postgres *pg, int to)
{
    char config[512];
    struct driver *d = driver_new(TEST_RECORDER);
    for (int round = 0;; round++) {
        snprintf(config, sizeof config, "{\"conninfo\": \"%s\", \"stream\": \"s%d\"}",
                 postgres_conninfo(pg), round);
        driver_replace_journal(d);
        wt_host *h = driver_live(d, config);
        double start = seconds();
        record_round(d, h);
        double rate = ROUND_RUNS * RUN_WALLETS / (seconds() - start);
        if (write(to, &rate, sizeof rate) != sizeof rate)
            break;
        driver_close(h, WT_CLOSE_DRAIN);
    }
}

static pid_t start_writer(struct postgres *pg, int *rates)
{
    int ends[2];
    if (pipe(ends) != 0)
        cannot_go_on("pipe");
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        record(pg, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    *rates = ends[0];
    return pid;
}

static void stop_writer(pid_t pid, int rates)
{
    double rate, sum = 0;
    int rounds = 0;
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    while (read(rates, &rate, sizeof rate) == sizeof rate) {
        sum += rate;
        rounds++;
    }
    close(rates);
    if (rounds > 0)
        printf("the writer recorded %.1f thousand wallets a second beside this\n",
               sum / rounds / 1e3);
}

/* ---- asking ---- */

static void check(PGconn *conn, PGresult *r)
{
    if (PQresultStatus(r) != PGRES_TUPLES_OK)
        cannot_go_on("%s", PQerrorMessage(conn));
    PQclear(r);
}

/* Milliseconds. */
static double ask(PGconn *conn, const struct asked *a, int sample)
{
    struct question q;
    char why[WHY_SIZE], text[8192];
    char *args = filled(a->args, sample);
    snprintf(text, sizeof text, "{%s}", args);
    if (question_parse(a->question, text, &q, why) != WT_OK)
        cannot_go_on("%s: %s", a->what, why);
    double start = seconds();
    char *sql = sql_prepare(q.text, SCHEMA);
    Oid types[QUESTION_PARAMS];
    for (int i = 0; i < q.n; i++)
        types[i] = 25;
    run(conn, "BEGIN READ ONLY; SET LOCAL jit = off; SET LOCAL statement_timeout = 10000");
    check(conn, PQexecParams(conn, sql, q.n, types, (const char *const *)q.values, NULL, NULL, 0));
    run(conn, "ROLLBACK");
    double ms = (seconds() - start) * 1e3;
    free(sql);
    free(args);
    question_free(&q);
    return ms;
}

static double ask_before(PGconn *conn, const struct asked *a, int sample)
{
    char *sql = filled(a->before, sample);
    double start = seconds();
    check(conn, PQexec(conn, sql));
    double ms = (seconds() - start) * 1e3;
    free(sql);
    return ms;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Returns the median and, if `p99` is not NULL, the 99th percentile. */
static double measure(PGconn *conn, const struct asked *a, int times,
                      double (*how)(PGconn *, const struct asked *, int), double *p99)
{
    static double ms[TIMES_MOST];
    for (int i = 0; i < times; i++)
        ms[i] = how(conn, a, (i * 37) % SAMPLES);
    qsort(ms, (size_t)times, sizeof *ms, compare);
    if (p99 != NULL)
        *p99 = ms[times * 99 / 100];
    return ms[times / 2];
}

/* Milliseconds of a core that the server has spent for this connection. */
static double server_ms(PGconn *conn)
{
    char path[64];
    long long ns = 0;
    snprintf(path, sizeof path, "/proc/%d/schedstat", PQbackendPID(conn));
    FILE *f = fopen(path, "r");
    if (f != NULL && fscanf(f, "%lld", &ns) != 1)
        ns = 0;
    if (f != NULL)
        fclose(f);
    return (double)ns / 1e6;
}

static void ask_all(PGconn *conn)
{
    double slowest = 0;
    printf("%-34s %8s %8s %8s   %9s %7s\n", "milliseconds", "p50", "p99", "server", "before",
           "ratio");
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        double p99;
        if (options.only != NULL && strstr(list[i].what, options.only) == NULL)
            continue;
        /* The first ones plan the functions, once for the life of the connection. */
        measure(conn, &list[i], 10, ask, NULL);
        double server = server_ms(conn);
        double p50 = measure(conn, &list[i], options.times, ask, &p99);
        server = (server_ms(conn) - server) / options.times;
        double before = measure(conn, &list[i], 9, ask_before, NULL);
        printf("%-34s %8.2f %8.2f %8.2f   %9.2f %6.1fx\n", list[i].what, p50, p99, server, before,
               before / p50);
        fflush(stdout);
        slowest = p99 > slowest ? p99 : slowest;
    }
    printf("the slowest of all at p99: %.2f ms\n", slowest);
}

static void explain_all(PGconn *conn)
{
    run(conn, "LOAD 'auto_explain'; SET auto_explain.log_nested_statements = on;"
              " SET auto_explain.log_analyze = on; SET auto_explain.log_level = notice");
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        if (options.only != NULL && strstr(list[i].what, options.only) == NULL)
            continue;
        fflush(stdout);
        fprintf(stderr, "\n==== %s\n", list[i].what);
        run(conn, "SET auto_explain.log_min_duration = -1");
        measure(conn, &list[i], 10, ask, NULL);
        run(conn, "SET auto_explain.log_min_duration = 0");
        ask(conn, &list[i], 0);
    }
}

static void read_options(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--idle") == 0)
            options.idle = true;
        else if (strcmp(argv[i], "--explain") == 0)
            options.explain = true;
        else if (strcmp(argv[i], "--only") == 0)
            options.only = value, i++;
        else if (strcmp(argv[i], "--runs") == 0)
            options.runs = atoi(value), i++;
        else if (strcmp(argv[i], "--wallets") == 0)
            options.wallets = atoi(value), i++;
        else if (strcmp(argv[i], "--times") == 0)
            options.times = atoi(value), i++;
        else
            cannot_go_on("unknown option %s", argv[i]);
    }
    if (options.runs < SAMPLES || options.wallets < options.runs || options.times < 1 ||
        options.times > TIMES_MOST)
        cannot_go_on("at least %d runs, a wallet for each, 1 to %d times", SAMPLES, TIMES_MOST);
}

int main(int argc, char **argv)
{
    static const char *const settings[] = {"shared_buffers=4GB", "max_wal_size=16GB", NULL};
    read_options(argc, argv);
    struct postgres *pg = postgres_new(&(struct postgres_options){.settings = settings});
    postgres_fresh_database(pg);
    fill(pg, options.runs, options.wallets);
    PGconn *conn = PQconnectdb(postgres_conninfo(pg));
    choose(conn, options.runs);
    if (options.explain) {
        explain_all(conn);
    } else {
        int rates = -1;
        pid_t writer = options.idle ? -1 : start_writer(pg, &rates);
        ask_all(conn);
        if (writer > 0)
            stop_writer(writer, rates);
    }
    PQfinish(conn);
    for (size_t i = 0; i < SAID; i++)
        free(said_values[i]);
    postgres_free(pg);
    return 0;
}
