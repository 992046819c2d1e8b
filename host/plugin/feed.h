/* feed.h: the journal's events, one by one, to one receiver.
 *
 * Promise: events are offered in the order of their numbers, each only after it is durable; one
 *          that the receiver refuses for now is offered again first.  None is left out: one that is
 *          no longer in the journal ends the feed.  A turn of the loop is never held for
 *          longer than about a millisecond.  At most two blocks (512 KiB) are in memory.
 * Thread:  loop thread only.
 * Knows:   journal.  Not: plugins.
 */
#ifndef PLUGIN_FEED_H
#define PLUGIN_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "journal/journal.h"

struct feed;

struct feed_receiver {
    /* False: enough for now; the same event comes again after feed_resume(). */
    bool (*offer)(void *arg, const struct event *e);
    /* Reading the journal failed, or there is a hole in it; the feed has stopped. */
    void (*failed)(void *arg, const char *why);
    void *arg;
};

struct feed *feed_new(uv_loop_t *loop, struct journal *j, const struct feed_receiver *receiver);

/* Offers event `first` and on, in later turns, until feed_stop(). */
void feed_start(struct feed *f, uint64_t first);
void feed_stop(struct feed *f); /* harmless when stopped */
void feed_resume(struct feed *f);

/* Stops, frees f in a later turn, then calls `closed`. */
void feed_close(struct feed *f, void (*closed)(void *arg), void *arg);

#endif
