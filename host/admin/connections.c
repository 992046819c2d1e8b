/* Connections are accepted here, not by libmicrohttpd: who connects is known before a slot is
 * given, some slots are kept for root and the host's own user, and each phase of a connection has
 * an absolute deadline, which one byte a second does not move. */
#include "admin/core.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"

/* So many in one turn, so that a flood does not hold the loop. */
enum { ACCEPTS_A_TURN = 128 };

void connection_set_deadline(struct connection *c, uint64_t ms)
{
    c->deadline = ms == 0 ? 0 : uv_now(c->admin->loop) + ms;
    c->unread = -1;
}

/* Bytes that the socket keeps until the client reads them; -1 when it cannot tell. */
static int unread_bytes(const struct connection *c)
{
    int bytes;
    return ioctl(c->fd, SIOCOUTQ, &bytes) == 0 ? bytes : -1;
}

void connection_await_reader(struct connection *c)
{
    connection_set_deadline(c, SEND_MS);
    c->unread = unread_bytes(c);
}

static struct connection *connection_new(struct admin *a, int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    struct connection *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        free(c);
        return NULL;
    }
    c->admin = a;
    c->fd = fd;
    c->uid = peer.uid;
    c->next = a->connections;
    c->link = &a->connections;
    if (c->next != NULL)
        c->next->link = &c->next;
    a->connections = c;
    a->stats.connections++;
    a->stats.connections_open++;
    connection_set_deadline(c, READ_MS);
    return c;
}

static void connection_free(struct connection *c)
{
    *c->link = c->next;
    if (c->next != NULL)
        c->next->link = c->link;
    c->admin->stats.connections_open--;
    free(c);
}

void connection_notify(void *arg, struct MHD_Connection *http, void **context,
                       enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(http, MHD_CONNECTION_INFO_CONNECTION_FD);
        *context = info != NULL ? connection_new(arg, info->connect_fd) : NULL;
    } else if (*context != NULL) {
        connection_free(*context);
        *context = NULL;
    }
}

/* ---- accepting ------------------------------------------------------------------------ */

bool connections_are_full(const struct admin *a)
{
    return a->stats.connections_open >= CONNECTIONS_MAX - CONNECTIONS_RESERVED;
}

static bool has_slot(const struct admin *a, int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        return false;
    bool reserved = peer.uid == 0 || peer.uid == geteuid();
    uint64_t limit = CONNECTIONS_MAX - (reserved ? 0 : CONNECTIONS_RESERVED);
    return a->stats.connections_open < limit;
}

/* Says so in HTTP, as far as the socket takes it at once. */
static void refuse(struct admin *a, int fd)
{
    static const char body[] = "{\"status\":503,\"title\":\"Service Unavailable\","
                               "\"detail\":\"too many connections are open\"}";
    char words[512];
    int size = snprintf(words, sizeof words,
                        "HTTP/1.1 503 Service Unavailable\r\n"
                        "Content-Type: application/problem+json\r\n"
                        "Content-Length: %zu\r\n"
                        "Retry-After: 1\r\n"
                        "Connection: close\r\n"
                        "\r\n%s",
                        sizeof body - 1, body);
    a->stats.refused++;
    ssize_t ignored = send(fd, words, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)ignored;
    close(fd);
}

/* Without a descriptor for it, the connection at the head of the queue would wake the loop for
 * ever: the spare one is given up to take and drop it. */
static void drop_one(struct admin *a)
{
    a->stats.refused++;
    if (a->spare_fd >= 0)
        close(a->spare_fd);
    int fd = accept4(listener_fd(a->listener), NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    a->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void hand_over(struct admin *a, int fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    /* It closes fd when it fails. */
    if (MHD_add_connection(a->http, fd, (const struct sockaddr *)&address,
                           sizeof address.sun_family) != MHD_YES)
        a->stats.refused++;
}

void connections_accept(struct admin *a)
{
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        int fd = accept4(listener_fd(a->listener), NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0 && has_slot(a, fd)) {
            hand_over(a, fd);
        } else if (fd >= 0) {
            refuse(a, fd);
        } else if (errno == EMFILE || errno == ENFILE) {
            drop_one(a);
        } else if (errno == ECONNABORTED || errno == EINTR) {
            continue;
        } else {
            if (errno != EAGAIN)
                log_line(LOG_ERROR, "admin", "accept: %m");
            return;
        }
    }
}

/* ---- ending --------------------------------------------------------------------------- */

/* The socket has room only when most of it has been read, so that a slow client's progress is seen
 * there first. */
static bool still_reads(struct connection *c)
{
    int unread = c->unread > 0 ? unread_bytes(c) : -1;
    if (unread < 0 || unread >= c->unread)
        return false;
    connection_await_reader(c);
    return true;
}

/* libmicrohttpd sees the end of the stream, and closes. */
static void end(struct connection *c)
{
    shutdown(c->fd, SHUT_RDWR);
    c->deadline = 0;
}

void connections_sweep(struct admin *a)
{
    uint64_t now = uv_now(a->loop);
    for (struct connection *c = a->connections; c != NULL; c = c->next) {
        if (c->deadline == 0 || now < c->deadline || still_reads(c))
            continue;
        a->stats.overdue += c->busy || !c->served;
        end(c);
    }
}

void connections_end_idle(struct admin *a)
{
    for (struct connection *c = a->connections; c != NULL; c = c->next)
        if (!c->busy)
            end(c);
}
