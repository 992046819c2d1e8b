/* One thread accepts; each connection has one that polls both sides.  What the client sends is
 * gathered into whole messages first; what the server sends passes as it comes. */
#include "proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "support/failure.h"
#include "support/process.h"

enum { PIECE = 64 * 1024, TURN_MS = 20, ANSWER_MS = 5000, TRICKLE_BYTES = 512 };

struct proxy {
    char folder[80], server[108];
    int listener;
    pthread_t accepting;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    enum cut_kind kind; /* under the mutex, as are: */
    unsigned long n;
    bool done;
    unsigned links;
    atomic_bool stop;
    atomic_long silent_until, slow_until; /* of process_now_ms() */
};

struct link {
    struct proxy *proxy;
    int client, server;
    char *message; /* from the client, not whole yet */
    size_t used, room;
    bool past_startup;
    unsigned copies; /* to come before the commit of this query; 0: none is open */
};

/* ---- orders ---- */

/* Whether the order is of that kind and its moment has come. */
static bool is_due(struct proxy *p, enum cut_kind kind, unsigned long passed, unsigned long *left)
{
    bool due = false;
    pthread_mutex_lock(&p->mutex);
    if (p->kind == kind && !p->done) {
        due = p->n <= passed;
        *left = p->n;
        p->n -= due ? 0 : passed;
    }
    pthread_mutex_unlock(&p->mutex);
    return due;
}

/* Takes the order to cut a commit, if there is one. */
static enum cut_kind take_commit_order(struct proxy *p, unsigned long *n)
{
    pthread_mutex_lock(&p->mutex);
    bool mine = !p->done && p->kind >= CUT_COMMIT_UNSENT && p->kind <= CUT_COMMIT_LATE;
    enum cut_kind kind = mine ? p->kind : CUT_NONE;
    *n = p->n;
    if (mine)
        p->kind = CUT_NONE; /* no other connection's */
    pthread_mutex_unlock(&p->mutex);
    return kind;
}

static void report_done(struct proxy *p)
{
    pthread_mutex_lock(&p->mutex);
    p->done = true;
    p->kind = CUT_NONE;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->mutex);
}

void proxy_order(struct proxy *p, enum cut_kind kind, unsigned long n)
{
    pthread_mutex_lock(&p->mutex);
    p->kind = kind;
    p->n = n;
    p->done = false;
    pthread_mutex_unlock(&p->mutex);
}

bool proxy_await(struct proxy *p, long ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += ms / 1000 + 1;
    int code = 0;
    pthread_mutex_lock(&p->mutex);
    while (!p->done && code == 0)
        code = pthread_cond_timedwait(&p->changed, &p->mutex, &until);
    bool done = p->done;
    p->kind = CUT_NONE;
    pthread_mutex_unlock(&p->mutex);
    return done;
}

void proxy_silence(struct proxy *p, long ms)
{
    p->silent_until = process_now_ms() + ms;
}

void proxy_trickle(struct proxy *p, long ms)
{
    p->slow_until = process_now_ms() + ms;
}

/* ---- passing on ---- */

static bool pass(struct proxy *p, int to, const char *bytes, size_t size)
{
    while (size > 0) {
        bool slow = process_now_ms() < p->slow_until;
        ssize_t n =
            send(to, bytes, slow && size > TRICKLE_BYTES ? TRICKLE_BYTES : size, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR)
            return false;
        bytes += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
        if (slow)
            process_pause_ms(1);
    }
    return true;
}

/* Reads until the server is ready for the next query, or gone. */
static void hear_answer(struct link *l)
{
    char bytes[PIECE];
    struct pollfd watched = {.fd = l->server, .events = POLLIN};
    while (poll(&watched, 1, ANSWER_MS) == 1) {
        ssize_t n = recv(l->server, bytes, sizeof bytes, 0);
        /* ReadyForQuery is the last message, six bytes long. */
        if (n <= 0 || (n >= 6 && bytes[n - 6] == 'Z'))
            return;
    }
}

static void close_side(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Ends the connection around this message, which makes the server commit. */
static void cut_commit(struct link *l, enum cut_kind kind, unsigned long n, size_t size)
{
    if (kind == CUT_COMMIT_ANSWERED) {
        (void)pass(l->proxy, l->server, l->message, size);
        hear_answer(l);
    } else if (kind == CUT_COMMIT_UNHEARD) {
        (void)pass(l->proxy, l->server, l->message, size);
    }
    close_side(&l->client);
    report_done(l->proxy);
    if (kind != CUT_COMMIT_LATE)
        return;
    process_pause_ms((long)n);
    (void)pass(l->proxy, l->server, l->message, size);
    hear_answer(l);
}

/* ---- the client's messages ---- */

static bool ends_with(const char *text, size_t size, const char *end)
{
    size_t wanted = strlen(end);
    while (size > 0 && (text[size - 1] == '\0' || text[size - 1] == '\n' || text[size - 1] == ' '))
        size--;
    return size >= wanted && memcmp(text + size - wanted, end, wanted) == 0;
}

static unsigned count_copies(const char *text, size_t size)
{
    static const char words[] = "FROM STDIN";
    unsigned count = 0;
    const char *end = text + size;
    while ((text = memmem(text, (size_t)(end - text), words, sizeof words - 1)) != NULL) {
        count++;
        text++;
    }
    return count;
}

/* A query that ends with COMMIT commits by itself, or when the last of its COPYs is complete. */
static bool commits(struct link *l, size_t size)
{
    if (l->message[0] == 'c' && l->copies > 0)
        return --l->copies == 0;
    if (l->message[0] != 'Q')
        return false;
    const char *text = l->message + 5;
    bool has_commit = ends_with(text, size - 5, "COMMIT");
    l->copies = has_commit ? count_copies(text, size - 5) : 0;
    return has_commit && l->copies == 0;
}

/* The size of the message at the front, 0 when it is not whole yet. */
static size_t whole_message(const struct link *l)
{
    uint32_t size;
    size_t head = l->past_startup ? 1 : 0;
    if (l->used < head + sizeof size)
        return 0;
    memcpy(&size, l->message + head, sizeof size);
    size_t whole = head + ntohl(size);
    return whole <= l->used ? whole : 0;
}

static bool pass_message(struct link *l, size_t size)
{
    struct proxy *p = l->proxy;
    unsigned long n = 0, left = size;
    bool is_commit = l->past_startup && commits(l, size);
    enum cut_kind kind = is_commit ? take_commit_order(p, &n) : CUT_NONE;
    l->past_startup = true;
    if (kind != CUT_NONE) {
        cut_commit(l, kind, n, size);
        return false;
    }
    bool cut = is_due(p, CUT_MESSAGES, 1, &n) || is_due(p, CUT_BYTES_UP, size, &left);
    bool good = pass(p, l->server, l->message, left < size ? left : size);
    if (cut)
        report_done(p);
    return good && !cut;
}

static bool pass_messages(struct link *l)
{
    size_t size;
    while ((size = whole_message(l)) > 0) {
        if (!pass_message(l, size))
            return false;
        l->used -= size;
        memmove(l->message, l->message + size, l->used);
    }
    return true;
}

static bool take_from_client(struct link *l)
{
    if (l->room - l->used < PIECE) {
        l->room = l->room * 2 + 2 * (size_t)PIECE;
        l->message = realloc(l->message, l->room);
        if (l->message == NULL)
            cannot_go_on("out of memory");
    }
    ssize_t n = recv(l->client, l->message + l->used, PIECE, 0);
    if (n <= 0)
        return false;
    l->used += (size_t)n;
    return pass_messages(l);
}

static bool take_from_server(struct link *l)
{
    char bytes[PIECE];
    unsigned long left = 0;
    ssize_t n = recv(l->server, bytes, sizeof bytes, 0);
    if (n <= 0)
        return false;
    bool cut = is_due(l->proxy, CUT_BYTES_DOWN, (unsigned long)n, &left);
    bool good = pass(l->proxy, l->client, bytes, cut ? left : (size_t)n);
    if (cut)
        report_done(l->proxy);
    return good && !cut;
}

/* ---- connections ---- */

static bool turn(struct link *l)
{
    struct pollfd watched[] = {{.fd = l->client, .events = POLLIN},
                               {.fd = l->server, .events = POLLIN}};
    if (l->proxy->stop)
        return false;
    if (process_now_ms() < l->proxy->silent_until) {
        process_pause_ms(1);
        return true;
    }
    if (poll(watched, 2, TURN_MS) <= 0)
        return true;
    if (watched[1].revents != 0 && !take_from_server(l))
        return false;
    return watched[0].revents == 0 || take_from_client(l);
}

static void *serve(void *arg)
{
    struct link *l = arg;
    struct proxy *p = l->proxy;
    while (l->server >= 0 && turn(l))
        ;
    close_side(&l->client);
    close_side(&l->server);
    free(l->message);
    free(l);
    pthread_mutex_lock(&p->mutex);
    p->links--;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->mutex);
    return NULL;
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close_side(&fd);
    return -1;
}

static void begin_link(struct proxy *p, int client)
{
    pthread_t thread;
    struct link *l = calloc(1, sizeof *l);
    if (l == NULL)
        cannot_go_on("out of memory");
    *l = (struct link){.proxy = p, .client = client, .server = connect_to(p->server)};
    pthread_mutex_lock(&p->mutex);
    p->links++;
    pthread_mutex_unlock(&p->mutex);
    if (pthread_create(&thread, NULL, serve, l) != 0)
        cannot_go_on("no thread");
    pthread_detach(thread);
}

static void *accept_all(void *arg)
{
    struct proxy *p = arg;
    struct pollfd watched = {.fd = p->listener, .events = POLLIN};
    while (!p->stop) {
        if (poll(&watched, 1, TURN_MS) != 1)
            continue;
        int client = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
        if (client >= 0)
            begin_link(p, client);
    }
    return NULL;
}

/* ---- the proxy ---- */

static void listen_in(struct proxy *p)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.5432", p->folder);
    p->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (mkdir(p->folder, 0755) != 0 || p->listener < 0 ||
        bind(p->listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(p->listener, 64) != 0)
        cannot_go_on("%s: %s", address.sun_path, strerror(errno));
}

struct proxy *proxy_new(const char *directory, const char *server)
{
    struct proxy *p = calloc(1, sizeof *p);
    if (p == NULL)
        cannot_go_on("out of memory");
    (void)snprintf(p->folder, sizeof p->folder, "%s/proxy", directory);
    (void)snprintf(p->server, sizeof p->server, "%s/.s.PGSQL.5432", server);
    listen_in(p);
    if (pthread_mutex_init(&p->mutex, NULL) != 0 || pthread_cond_init(&p->changed, NULL) != 0 ||
        pthread_create(&p->accepting, NULL, accept_all, p) != 0)
        cannot_go_on("no thread");
    return p;
}

void proxy_free(struct proxy *p)
{
    if (p == NULL)
        return;
    p->stop = true;
    pthread_join(p->accepting, NULL);
    pthread_mutex_lock(&p->mutex);
    while (p->links > 0)
        pthread_cond_wait(&p->changed, &p->mutex);
    pthread_mutex_unlock(&p->mutex);
    close(p->listener);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->mutex);
    free(p);
}

const char *proxy_folder(const struct proxy *p)
{
    return p->folder;
}
