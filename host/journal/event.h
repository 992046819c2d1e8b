/* event.h: events as structs, and the same events as bytes.
 *
 * Promise: decoding what was encoded gives the same values; strings of a decoded event
 *          point into the bytes.  Bytes of any other origin are refused, never overrun.
 * Thread:  any; no state.  event_init(), which makes an id: loop thread only.
 * Knows:   the plugin contract, ids.  Not: SQLite, files.
 *
 * Format, version 1 of every kind: the fields of the struct in order, integers and doubles
 * little-endian and unaligned, a string as its size with the NUL (uint32, 0 for NULL)
 * followed by its bytes and the NUL.  struct_size, reserved fields and profile_size, which
 * the profile's own size gives, are left out.  The head (seq, kind, version, time, ids) is kept in
 * columns of its own by the journal and is not part of the body.
 */
#ifndef JOURNAL_EVENT_H
#define JOURNAL_EVENT_H

#include <stdbool.h>
#include <stddef.h>

#include <walltrack/plugin.h>

enum { EVENT_BODY_VERSION = 1 };

/* The largest body that event_encode() can make: a line of 64 KiB and some. */
enum { EVENT_BODY_MAX = 128 * 1024 };

/* Any event; `kind` in the head says which member counts. */
struct event {
    wt_event head;
    union {
        wt_run_start run_start;
        wt_token token;
        wt_wallet wallet;
        wt_run_error run_error;
        wt_run_end run_end;
        wt_slot slot;
    } u;
};

const char *event_kind_name(int kind); /* "run_start" …, or "unknown" */

/* An event of that kind, otherwise empty: sizes set, absent values absent, head.id made (a
 * run's start has the run's).  run_id may be NULL for a slot that started no run. */
void event_init(struct event *e, int kind, const wt_uuid *run_id);

/* Writes the body of `e`; returns its size, or 0 when `room` is too small or a field has no
 * business there: a required string that is NULL, a number out of its range. */
size_t event_encode(const struct event *e, unsigned char *out, size_t room);

/* Fills e->u from `size` bytes for the kind and version in e->head, and points head.body at
 * them.  False when they are not such a body. */
bool event_decode(struct event *e, const void *body, size_t size);

#endif
