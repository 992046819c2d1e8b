/* links: plugin_host */
/* Watches: a descriptor with an error on it goes on being watched till the instance lets go. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "plugin/ledger.h"

enum { SAID = 6, A_TURN = 2, DEADLINE_MS = 5000 };

struct reader {
    int fd;
    wt_watch *watch;
    size_t read;
    int error; /* what ended it; 0: its end */
    bool over, saw_error;
};

/* Reads a little each time, as a client does that has more to do. */
static void on_io(void *user, uint32_t events)
{
    struct reader *r = user;
    char bytes[A_TURN];
    r->saw_error |= (events & WT_IO_ERROR) != 0;
    ssize_t n = recv(r->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n > 0) {
        r->read += (size_t)n;
        return;
    }
    r->error = n < 0 ? errno : 0;
    r->over = true;
    ledger_unwatch(r->watch);
}

static void on_late(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

static void turn_until_over(uv_loop_t *loop, const struct reader *r)
{
    bool late = false;
    uv_timer_t deadline;
    uv_timer_init(loop, &deadline);
    deadline.data = &late;
    uv_timer_start(&deadline, on_late, DEADLINE_MS, 0);
    while (!r->over && !late)
        uv_run(loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&deadline, NULL);
    uv_run(loop, UV_RUN_NOWAIT);
    assert_false(late);
}

static void on_closed(void *arg)
{
    *(bool *)arg = true;
}

/* A peer that ends without having read all leaves an error on our side, behind what it said. */
static void test_a_reset_is_seen_behind_the_last_words(void **state)
{
    int ends[2];
    bool closed = false;
    uv_loop_t loop;
    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    struct ledger *l = ledger_new(&loop, NULL, "reader");
    assert_non_null(l);
    struct reader r = {.fd = ends[0]};
    r.watch = ledger_watch(l, r.fd, WT_IO_READ, on_io, &r);
    assert_non_null(r.watch);
    assert_int_equal(write(ends[0], "unread", 6), 6);
    assert_int_equal(write(ends[1], "adieu!", SAID), SAID);
    close(ends[1]);

    turn_until_over(&loop, &r);

    assert_int_equal(r.read, SAID);
    assert_int_equal(r.error, ECONNRESET);
    assert_true(r.saw_error);
    ledger_close(l, on_closed, &closed);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_true(closed);
    close(ends[0]);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_reset_is_seen_behind_the_last_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
