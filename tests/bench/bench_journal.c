/* links: journal */
/* What the journal costs: events a second, and processor time by thread.
 *
 *     bench_journal [events] [directory]
 *
 * Appends wallet events of about 200 bytes as fast as there is room, reads them all back, and
 * opens the journal again with all of them in it. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ids.h"
#include "journal/journal.h"
#include "log.h"

enum { APPENDS_A_TURN = 500 };

static struct bench {
    uv_loop_t loop;
    uv_idle_t turn;
    struct journal *journal;
    struct journal_waiter waiter;
    struct journal_reader *reader;
    wt_uuid run;
    uint64_t wanted, durable, read;
    uint64_t append_ns; /* of the loop's thread, in journal_append() alone */
} bench;

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void fail(const char *why)
{
    fprintf(stderr, "bench_journal: %s\n", why);
    exit(1);
}

/* Processor time of the thread with that name, in nanoseconds. */
static uint64_t thread_ns(const char *name)
{
    uint64_t ns = 0;
    DIR *tasks = opendir("/proc/self/task");
    if (tasks == NULL)
        fail("no /proc");
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        char path[512], text[64] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        FILE *f = fopen(path, "re");
        if (f == NULL)
            continue;
        bool found = fgets(text, sizeof text, f) != NULL && strncmp(text, name, strlen(name)) == 0;
        fclose(f);
        snprintf(path, sizeof path, "/proc/self/task/%s/schedstat", task->d_name);
        if (found && (f = fopen(path, "re")) != NULL) {
            if (fgets(text, sizeof text, f) != NULL)
                ns = strtoull(text, NULL, 10);
            fclose(f);
        }
    }
    closedir(tasks);
    return ns;
}

static void on_done(void *arg, int status, const struct error *err)
{
    (void)arg;
    if (status != 0)
        fail(err->msg);
    bench.durable++;
}

static void on_room(void *arg);

static void on_turn(uv_idle_t *turn)
{
    struct event e;
    event_init(&e, WT_WALLET, &bench.run);
    e.u.wallet.is_new = 1;
    e.u.wallet.score_e4 = 8712;
    e.u.wallet.address = "7xKXtg2CW87d97TXJSDpbD5jBkheTqA83TZRuJosgAsU";
    e.u.wallet.source_token = "DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263";
    e.u.wallet.profile = "{\"profit_pct\":676.4,\"cost_usd\":120.5,\"proceeds_usd\":935.6,"
                         "\"buys\":2,\"sells\":3,\"first_buy_seconds\":12}";
    uint64_t begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    for (int i = 0; i < APPENDS_A_TURN && bench.wanted > 0; i++, bench.wanted--)
        if (journal_append(bench.journal, &e, on_done, NULL) == 0)
            fail("refused");
    bench.append_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
    if (bench.wanted == 0 || !journal_has_room(bench.journal))
        uv_idle_stop(turn);
    if (bench.wanted > 0 && !journal_has_room(bench.journal))
        journal_wait_for_room(bench.journal, &bench.waiter);
}

static void on_room(void *arg)
{
    (void)arg;
    uv_idle_start(&bench.turn, on_turn);
}

static void on_block(void *arg, struct journal_block *block, const struct error *err)
{
    (void)arg;
    if (err != NULL)
        fail(err->msg);
    if (block == NULL) {
        uv_stop(&bench.loop);
        return;
    }
    bench.read += block->count;
    uint64_t next = block->first + block->count;
    journal_block_free(block);
    journal_reader_read(bench.reader, next, on_block, NULL);
}

static void on_closed(void *arg)
{
    (void)arg;
}

static void open_journal(const char *dir)
{
    struct journal_limits limits = {3600, INT64_C(1) << 28, INT64_C(1) << 33};
    struct error err;
    if (journal_open(&bench.loop, dir, &limits, &bench.journal, &err) != 0)
        fail(err.msg);
}

static void close_journal(void)
{
    journal_close(bench.journal, on_closed, NULL);
    uv_run(&bench.loop, UV_RUN_DEFAULT);
}

static void bench_append(uint64_t n)
{
    uint64_t begin = clock_ns(CLOCK_MONOTONIC), loop = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    bench.wanted = n;
    uv_idle_start(&bench.turn, on_turn);
    while (bench.durable < n)
        uv_run(&bench.loop, UV_RUN_ONCE);
    double seconds = (double)(clock_ns(CLOCK_MONOTONIC) - begin) / 1e9;
    double count = (double)n;
    struct journal_stats stats;
    journal_stats(bench.journal, &stats);
    printf("append: %.0f events/s; µs of processor an event: %.3f in journal_append, "
           "%.3f on the loop in all, %.3f on the writer's thread\n",
           count / seconds, (double)bench.append_ns / 1e3 / count,
           (double)(clock_ns(CLOCK_THREAD_CPUTIME_ID) - loop) / 1e3 / count,
           (double)thread_ns("journal-write") / 1e3 / count);
    printf("commits: %" PRIu64 ", %.0f events each, mean %.2f ms, slowest %.2f ms; body %.0f "
           "bytes\n",
           stats.commits, count / (double)stats.commits,
           (double)stats.commit_us_sum / 1e3 / (double)stats.commits,
           (double)stats.commit_us_max / 1e3, (double)stats.bytes / count);
}

static void bench_read(void)
{
    uint64_t begin = clock_ns(CLOCK_MONOTONIC);
    bench.reader = journal_reader_new(bench.journal);
    if (bench.reader == NULL)
        fail("out of memory");
    journal_reader_read(bench.reader, 1, on_block, NULL);
    uv_run(&bench.loop, UV_RUN_DEFAULT);
    journal_reader_free(bench.reader);
    double seconds = (double)(clock_ns(CLOCK_MONOTONIC) - begin) / 1e9;
    double count = (double)bench.read;
    printf("read: %.0f events/s; %.3f µs of processor an event on the reading thread\n",
           count / seconds, (double)thread_ns("journal-read") / 1e3 / count);
}

static void bench_open(const char *dir)
{
    uint64_t begin = clock_ns(CLOCK_MONOTONIC);
    open_journal(dir);
    double ms = (double)(clock_ns(CLOCK_MONOTONIC) - begin) / 1e6;
    struct journal_stats stats;
    journal_stats(bench.journal, &stats);
    printf("open: %.1f ms with %" PRIu64 " events, %.0f MiB of bodies\n", ms,
           stats.head + 1 - stats.oldest, (double)stats.bytes / 1048576);
    close_journal();
}

static void remove_files(const char *dir)
{
    static const char *const names[] = {"journal.db", "journal.db-wal", "journal.db-shm", "lock"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[4200];
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
}

int main(int argc, char **argv)
{
    uint64_t n = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    char dir[4096];
    snprintf(dir, sizeof dir, "%s/bench_journal.XXXXXX", argc > 2 ? argv[2] : "/tmp");
    if (n == 0 || mkdtemp(dir) == NULL)
        fail("usage: bench_journal [events] [directory]");
    log_setup(LOG_WARNING, LOG_TEXT);
    uv_loop_init(&bench.loop);
    uv_idle_init(&bench.loop, &bench.turn);
    bench.waiter.room = on_room;
    bench.run = id_make();

    open_journal(dir);
    bench_append(n);
    bench_read();
    close_journal();
    bench_open(dir);

    remove_files(dir);
    uv_close((uv_handle_t *)&bench.turn, NULL);
    uv_run(&bench.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&bench.loop) == 0 ? 0 : 1;
}
