/* An engine for the soak: prints what the source says, at a given pace.
 *
 *     soak-engine [--seed N] [--lines N] [--undecided N] [--rate N]
 *
 *     --seed N    what all lines are made from, with the run's id (default 1)
 *     --lines N   about so many lines a run (default 10000)
 *     --undecided N  percent of wallets of which it does not say whether they are new (default 0)
 *     --rate N    lines a second; 0: as fast as they are read (default 0)
 *
 * It reads the host's request from standard input for the run's id and ends with status 0. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "source.h"

enum { REQUEST_SIZE = 64 * 1024, ID_SIZE = 36, PIECE = 64 * 1024, PAUSE_NS = 2000000 };

struct options {
    struct source_plan plan;
    uint64_t rate;
};

static _Noreturn void die(const char *why, const char *what)
{
    (void)fprintf(stderr, "soak-engine: %s: %s\n", why, what);
    exit(2);
}

static uint64_t number(const char *text)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || text[0] == '-')
        die("not a number", text);
    return value;
}

static void read_options(int argc, char **argv, struct options *o)
{
    const struct {
        const char *name;
        uint64_t *value;
    } known[] = {{"--seed", &o->plan.seed},
                 {"--lines", &o->plan.lines},
                 {"--undecided", &o->plan.undecided},
                 {"--rate", &o->rate}};
    for (int i = 1; i < argc; i += 2) {
        size_t k = 0;
        while (k < 4 && strcmp(argv[i], known[k].name) != 0)
            k++;
        if (k == 4 || i + 1 == argc)
            die(k == 4 ? "unknown option" : "lacks its value", argv[i]);
        *known[k].value = number(argv[i + 1]);
    }
}

static void read_run_id(char id[ID_SIZE + 1])
{
    static char request[REQUEST_SIZE];
    static const char key[] = "\"run_id\":\"";
    if (fgets(request, sizeof request, stdin) == NULL)
        die("standard input", "no request");
    const char *at = strstr(request, key);
    if (at == NULL || strlen(at + strlen(key)) < ID_SIZE)
        die("the request has no run_id", request);
    memcpy(id, at + strlen(key), ID_SIZE);
    id[ID_SIZE] = '\0';
}

static void write_all(const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = write(STDOUT_FILENO, bytes, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            die("standard output", strerror(errno));
        bytes += n;
        size -= (size_t)n;
    }
}

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* How many lines should have been printed by now; waits a little when that is none. */
static uint64_t await_due(uint64_t start_ns, uint64_t printed, uint64_t rate)
{
    for (;;) {
        uint64_t passed = now_ns() - start_ns;
        uint64_t due = (uint64_t)((double)passed / 1e9 * (double)rate);
        if (due > printed)
            return due;
        (void)nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
}

static void print_lines(const struct source *s, uint64_t rate)
{
    static char out[PIECE + SOURCE_LINE_MAX];
    struct source_line line;
    uint64_t start_ns = now_ns();
    for (uint64_t n = 0; n < s->lines;) {
        uint64_t due = rate == 0 ? s->lines : await_due(start_ns, n, rate);
        size_t used = 0;
        for (; n < s->lines && n < due && used < PIECE; n++) {
            source_line(s, n, &line);
            used += source_print(s, &line, out + used);
        }
        write_all(out, used);
    }
}

int main(int argc, char **argv)
{
    struct options o = {.plan = {.seed = 1, .lines = 10000}};
    struct source s;
    char id[ID_SIZE + 1];
    read_options(argc, argv, &o);
    read_run_id(id);
    source_start(&s, &o.plan, id);
    print_lines(&s, o.rate);
    return 0;
}
