#include "plugin/feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "fault_point.h"

/* So many events between two looks at the clock, and so long in one turn. */
enum { EVENTS_A_LOOK = 64, TURN_NS = 1000000 };

struct feed {
    uv_loop_t *loop;
    struct journal *journal;
    struct feed_receiver receiver;
    struct journal_reader *reader;
    struct journal_listener listener;
    struct journal_block *block; /* being offered, from `at` on */
    size_t at;
    struct journal_block *ahead; /* read in advance */
    uint64_t next;               /* to be offered */
    uint64_t head;               /* the last durable event, as far as told */
    bool started;
    bool paused;   /* the receiver has enough */
    bool reading;  /* a read is outstanding */
    bool outdated; /* … and its answer is not wanted: the feed was stopped meanwhile */
    bool at_head;  /* the last read found nothing; the listener will tell */
    uv_idle_t turn;
    void (*closed)(void *arg);
    void *closed_arg;
};

static void on_turn(uv_idle_t *idle);

static void wake(struct feed *f)
{
    if (f->started && !f->paused)
        uv_idle_start(&f->turn, on_turn);
}

/* ---- reading ---- */

static void finish_close(struct feed *f);
static void read_ahead(struct feed *f);

/* What follows the last event in memory. */
static uint64_t first_unread(const struct feed *f)
{
    return f->block != NULL ? f->block->first + f->block->count : f->next;
}

static void fail(struct feed *f, const char *why)
{
    feed_stop(f);
    f->receiver.failed(f->receiver.arg, why);
}

/* A step of trimming that had begun before a claim held the journal back may end after it: what was
 * there then is gone now, and the next claim has to know. */
static void miss(struct feed *f, struct journal_block *block)
{
    char why[128];
    snprintf(why, sizeof why, "events %" PRIu64 " to %" PRIu64 " are no longer in the journal",
             first_unread(f), block->first - 1);
    journal_block_free(block);
    fail(f, why);
}

static void on_block(void *arg, struct journal_block *block, const struct error *err)
{
    struct feed *f = arg;
    f->reading = false;
    if (f->outdated || f->closed != NULL) {
        journal_block_free(block);
        f->outdated = false;
        if (f->closed != NULL)
            finish_close(f);
        else if (f->started)
            read_ahead(f);
        return;
    }
    if (err != NULL) {
        fail(f, err->msg);
        return;
    }
    if (block != NULL && block->first != first_unread(f)) {
        miss(f, block);
        return;
    }
    f->ahead = block;
    FAULT_POINT("feed-block");
    /* The head may have moved while nothing was found. */
    f->at_head = block == NULL && f->head < first_unread(f);
    if (block != NULL)
        wake(f);
    else
        read_ahead(f);
}

static void read_ahead(struct feed *f)
{
    if (f->reading || f->ahead != NULL || f->at_head)
        return;
    f->reading = true;
    journal_reader_read(f->reader, first_unread(f), on_block, f);
}

static void on_head_moved(void *arg, uint64_t head)
{
    struct feed *f = arg;
    f->head = head;
    if (!f->started || !f->at_head)
        return;
    f->at_head = false;
    read_ahead(f);
}

/* ---- offering ---- */

/* Makes f->block hold the next event; false when it has yet to be read. */
static bool have_block(struct feed *f)
{
    if (f->block != NULL && f->at < f->block->count)
        return true;
    journal_block_free(f->block);
    f->block = f->ahead;
    f->ahead = NULL;
    f->at = 0;
    read_ahead(f);
    return f->block != NULL;
}

/* Offers up to EVENTS_A_LOOK events; false when there is nothing more to do for now. */
static bool offer_some(struct feed *f)
{
    for (int i = 0; i < EVENTS_A_LOOK; i++) {
        if (!f->started || !have_block(f))
            return false;
        if (!f->receiver.offer(f->receiver.arg, &f->block->events[f->at])) {
            f->paused = true;
            return false;
        }
        f->at++;
        f->next++;
    }
    return true;
}

static void on_turn(uv_idle_t *idle)
{
    struct feed *f = idle->data;
    uint64_t until = uv_hrtime() + TURN_NS;
    do {
        if (!offer_some(f)) {
            uv_idle_stop(idle);
            return;
        }
    } while (uv_hrtime() < until);
}

void feed_start(struct feed *f, uint64_t first)
{
    feed_stop(f);
    f->next = first;
    f->started = true;
    read_ahead(f);
}

void feed_stop(struct feed *f)
{
    journal_block_free(f->block);
    journal_block_free(f->ahead);
    f->block = f->ahead = NULL;
    f->at = 0;
    f->started = f->paused = f->at_head = false;
    f->outdated = f->reading;
    uv_idle_stop(&f->turn);
}

void feed_resume(struct feed *f)
{
    f->paused = false;
    wake(f);
}

struct feed *feed_new(uv_loop_t *loop, struct journal *j, const struct feed_receiver *receiver)
{
    struct feed *f = calloc(1, sizeof *f);
    if (f == NULL)
        return NULL;
    f->reader = journal_reader_new(j);
    if (f->reader == NULL) {
        free(f);
        return NULL;
    }
    f->loop = loop;
    f->journal = j;
    f->receiver = *receiver;
    f->listener = (struct journal_listener){.moved = on_head_moved, .arg = f};
    journal_listen(j, &f->listener);
    uv_idle_init(loop, &f->turn);
    f->turn.data = f;
    return f;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct feed *f = handle->data;
    void (*closed)(void *) = f->closed;
    void *arg = f->closed_arg;
    free(f);
    closed(arg);
}

static void finish_close(struct feed *f)
{
    journal_reader_free(f->reader);
    uv_close((uv_handle_t *)&f->turn, on_handle_closed);
}

void feed_close(struct feed *f, void (*closed)(void *arg), void *arg)
{
    feed_stop(f);
    journal_unlisten(f->journal, &f->listener);
    f->closed = closed;
    f->closed_arg = arg;
    if (!f->reading)
        finish_close(f);
}
