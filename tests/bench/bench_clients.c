/* How long the owner's requests take while others do what they like with the admin socket: clients
 * of another user that trickle a byte a time, keep silent, or ask without a pause.
 *
 *     bench_clients [clients [seconds]]          512 and 10, unless told
 *
 * Prints p50, p99 and the maximum of GET /health, alone and beside them, in milliseconds, and the
 * ratio; and what the others got.  As root the others are the user nobody, otherwise the same user:
 * then the places that are reserved for the owner are theirs, too, and nothing is promised. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/failure.h"
#include "support/world.h"

enum { CLIENTS_MOST = 4096, NOBODY = 65534, TURN_MS = 20, ASK_EVERY_MS = 5 };

static double now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int dial(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* ---- the others ---- */

enum habit { TRICKLES, IS_SILENT, FLOODS, HABITS };

static const char request[] = "GET /health HTTP/1.1\r\nHost: h\r\n\r\n";

struct other {
    enum habit habit;
    int fd; /* -1: not connected */
    size_t sent;
};

struct told {
    unsigned long connections, answers;
};

static void live_a_turn(struct other *o, const char *path, struct told *told)
{
    char answer[4096];
    ssize_t n = 0;
    if (o->fd < 0) {
        o->fd = dial(path);
        o->sent = 0;
        told->connections += o->fd >= 0;
        return;
    }
    while ((n = recv(o->fd, answer, sizeof answer, 0)) > 0)
        told->answers++;
    if (n == 0 || errno != EAGAIN) {
        close(o->fd);
        o->fd = -1;
        return;
    }
    if (o->habit == TRICKLES)
        (void)send(o->fd, &request[o->sent++ % (sizeof request - 1)], 1, MSG_NOSIGNAL);
    if (o->habit == FLOODS)
        for (int i = 0; i < 20; i++)
            (void)send(o->fd, request, sizeof request - 1, MSG_NOSIGNAL);
}

static _Noreturn void be_others(const char *path, int count, int out)
{
    static struct other others[CLIENTS_MOST];
    struct told told = {0, 0};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
        _exit(1);
    for (int i = 0; i < count; i++)
        others[i] = (struct other){(enum habit)(i % HABITS), -1, 0};
    for (;;) {
        double begin = now_ms();
        for (int i = 0; i < count; i++)
            live_a_turn(&others[i], path, &told);
        if (write(out, &told, sizeof told) < 0)
            _exit(0);
        double left = TURN_MS - (now_ms() - begin);
        if (left > 0)
            (void)poll(NULL, 0, (int)left);
    }
}

/* ---- the owner ---- */

struct taken {
    double ms[100000];
    size_t n, failed;
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double percentile(const struct taken *t, double percent)
{
    return t->n == 0 ? 0 : t->ms[(size_t)((double)(t->n - 1) * percent / 100)];
}

static void ask(struct world *w, int seconds, struct taken *t)
{
    double until = now_ms() + seconds * 1e3;
    t->n = t->failed = 0;
    while (now_ms() < until && t->n < sizeof t->ms / sizeof t->ms[0]) {
        double begin = now_ms();
        int status = world_get(w, "/health");
        t->ms[t->n++] = now_ms() - begin;
        if (status != 200 && t->failed++ == 0)
            printf("status %d: %s\n", status, world_text(w));
        (void)poll(NULL, 0, ASK_EVERY_MS);
    }
    qsort(t->ms, t->n, sizeof t->ms[0], by_value);
}

static void print(const char *what, const struct taken *t)
{
    printf("%-22s p50 %7.2f  p99 %7.2f  max %7.2f ms  (%zu requests, %zu without an answer)\n",
           what, percentile(t, 50), percentile(t, 99), percentile(t, 100), t->n, t->failed);
}

static double longest_turn_ms(struct world *w)
{
    static const char key[] = "\nwalltrack_loop_turn_seconds_max ";
    const char *at = world_get(w, "/metrics") == 200 ? strstr(world_text(w), key) : NULL;
    return at != NULL ? strtod(at + sizeof key - 1, NULL) * 1e3 : -1;
}

int main(int argc, char **argv)
{
    static struct taken alone, beside;
    int count = argc > 1 ? atoi(argv[1]) : 512, seconds = argc > 2 ? atoi(argv[2]) : 10;
    if (count < 1 || count > CLIENTS_MOST || seconds < 1)
        cannot_go_on("usage: bench_clients [clients (1..%d) [seconds]]", CLIENTS_MOST);
    const struct world_options options = {.config = "{\"admin\": {\"mode\": \"0666\"}}"};
    struct world *w = world_new(&options);
    const char *path = world_path(w, "admin.sock");
    int ends[2];
    if (chmod(world_path(w, "."), 0755) != 0 || pipe(ends) != 0)
        cannot_go_on("the stage: %s", strerror(errno));
    world_start(w);
    ask(w, seconds, &alone);

    pid_t others = fork();
    if (others == 0)
        be_others(path, count, ends[1]);
    (void)poll(NULL, 0, 1000);
    ask(w, seconds, &beside);
    struct told told = {0, 0};
    (void)kill(others, SIGKILL);
    (void)waitpid(others, NULL, 0);
    close(ends[1]);
    while (read(ends[0], &told, sizeof told) == (ssize_t)sizeof told)
        continue;

    print("the owner alone", &alone);
    printf("beside %4d others    ", count);
    print("", &beside);
    printf("p99 beside / alone     %.1f\n", percentile(&beside, 99) / percentile(&alone, 99));
    printf("longest loop turn      %.1f ms\n", longest_turn_ms(w));
    printf("the others             %lu connections, %lu pieces of answers\n", told.connections,
           told.answers);
    world_stop(w);
    world_free(w);
    return 0;
}
