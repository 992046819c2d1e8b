/* links: journal */
/* The journal on a disk that fills up, and has room again: a small file system of the test's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "journal_world.h"

enum { SKIPPED = 77, EVENTS = 40 };

static void fill_disk(struct world *w)
{
    char path[128], block[4096] = "";
    snprintf(path, sizeof path, "%s/ballast", w->dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    while (write(fd, block, sizeof block) > 0)
        ;
    assert_int_equal(errno, ENOSPC);
    close(fd);
}

static void free_disk(struct world *w)
{
    char path[128];
    snprintf(path, sizeof path, "%s/ballast", w->dir);
    unlink(path);
}

static int start(void **state)
{
    world_start(state);
    struct world *w = *state;
    assert_int_equal(mount("tmpfs", w->dir, "tmpfs", 0, "size=8m"), 0);
    given_journal(w);
    return 0;
}

static int stop(void **state)
{
    struct world *w = *state;
    free_disk(w);
    if (w->journal != NULL)
        when_closed(w);
    umount2(w->dir, MNT_DETACH);
    return world_stop(state);
}

static bool is_full(struct world *w)
{
    return journal_is_full(w->journal);
}

static bool is_over(struct world *w)
{
    return w->done + w->failed == EVENTS;
}

/* More than the log's file has room for without growing. */
static void when_appended(struct world *w)
{
    wt_uuid run = id_make();
    append_start(w, &run);
    for (int i = 1; i < EVENTS; i++)
        append_wallet(w, &run, 8000);
}

static void test_a_full_disk_is_waited_for(void **state)
{
    struct world *w = *state;
    fill_disk(w);
    when_appended(w);
    await(w, is_full, "the journal to be full");
    assert_int_equal(w->done + w->failed, 0);
    assert_false(journal_has_room(w->journal));
    assert_false(stats_of(w).failed);

    free_disk(w);
    await(w, is_over, "the events to be durable");
    assert_int_equal(w->done, EVENTS);
    assert_false(journal_is_full(w->journal));
    when_reopened(w);
    assert_int_equal(stats_of(w).head, EVENTS);
}

static void test_again_and_again_nothing_is_lost(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 5; i++) {
        w->done = 0;
        fill_disk(w);
        when_appended(w);
        await(w, is_full, "the journal to be full");
        free_disk(w);
        await(w, is_over, "the events to be durable");
    }
    when_reopened(w);
    assert_int_equal(stats_of(w).head, 5 * EVENTS);
    struct answer a = when_read(w, 5 * EVENTS);
    assert_int_equal(a.block->events[0].head.seq, 5 * EVENTS);
    journal_block_free(a.block);
}

static void test_who_hurries_does_not_wait(void **state)
{
    struct world *w = *state;
    fill_disk(w);
    when_appended(w);
    await(w, is_full, "the journal to be full");
    journal_hurry(w->journal);
    await(w, is_over, "the events to be refused");
    assert_int_equal(w->failed, EVENTS);
    assert_int_equal(w->last_status, ENOSPC);
    assert_true(stats_of(w).failed);
}

static void test_a_journal_that_waits_can_be_closed(void **state)
{
    struct world *w = *state;
    fill_disk(w);
    when_appended(w);
    await(w, is_full, "the journal to be full");
    when_closed(w);
    assert_int_equal(w->failed, EVENTS);
    free_disk(w);
    given_journal(w);
    assert_int_equal(stats_of(w).head, 0);
}

#define ON_A_SMALL_DISK(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_SMALL_DISK(test_a_full_disk_is_waited_for),
        ON_A_SMALL_DISK(test_again_and_again_nothing_is_lost),
        ON_A_SMALL_DISK(test_who_hurries_does_not_wait),
        ON_A_SMALL_DISK(test_a_journal_that_waits_can_be_closed),
    };
    /* Mounts of our own, which nobody else sees. */
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        print_message("no file system can be mounted here: %s\n", strerror(errno));
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
