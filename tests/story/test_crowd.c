/* Clients that want more than their share of the API. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/world.h"

enum { ASKED = 3000 };

static int dial(struct world *w)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s", world_path(w, "admin.sock"));
    assert_true(fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0);
    return fd;
}

/* How many answers begin in what has come so far. */
static int answers_by_now(int fd)
{
    static const char begin[] = "HTTP/1.1 200";
    static char text[1 << 20];
    int answers = 0;
    ssize_t n;
    while ((n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT)) > 0) {
        text[n] = '\0';
        for (const char *at = text; (at = strstr(at, begin)) != NULL; at++)
            answers++;
    }
    return answers;
}

static void test_who_asks_without_waiting_does_not_make_others_wait(void **state)
{
    static const char request[] = "GET /health HTTP/1.1\r\nHost: h\r\n\r\n";
    const struct world_options options = {0};
    struct world *w = world_new(&options);
    (void)state;
    world_start(w);
    int fd = dial(w);
    int asked = 0;
    while (asked < ASKED && send(fd, request, sizeof request - 1, MSG_DONTWAIT) > 0)
        asked++; /* as many as there is room for */

    then_status(w, "/health", 200);

    assert_true(answers_by_now(fd) < asked);
    close(fd);
    then_status(w, "/health", 200);
    world_stop(w);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_asks_without_waiting_does_not_make_others_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
