/* probe_heard.h: what was heard of a probe's child, and what it means.
 *
 * Promise: whatever the child sends, and however much, takes this much room and no more; the
 * verdict is a report, or a reason of one line in valid UTF-8. Thread:  any; no state beyond the
 * struct. Knows:   the messages.  Not: pipes, processes.
 */
#ifndef PLUGIN_PROBE_HEARD_H
#define PLUGIN_PROBE_HEARD_H

#include <stddef.h>

#include "plugin/probe_message.h"

enum { PROBE_TAIL_SIZE = 2048 };

/* All zero is a good beginning. */
struct probe_heard {
    enum probe_step step; /* reached */
    bool passed;
    struct error refusal; /* what the child says; code 0: nothing */
    struct probe_report report;
    size_t received; /* bytes of message */
    struct probe_message message;
    size_t tail_used;
    char tail[PROBE_TAIL_SIZE]; /* of its standard error */
};

/* How the child has ended. */
struct probe_end {
    uint64_t timeout_ms;
    bool timed_out; /* and was killed, unless it exited just then */
    bool exited;
    int exit_status;
    int signal; /* 0: none */
};

/* Where the next bytes of the report pipe go, and that n of them have come. */
char *probe_heard_room(struct probe_heard *h, size_t *size);
void probe_heard_take(struct probe_heard *h, size_t n);

/* The end of what it writes to standard error is kept. */
void probe_heard_complaint(struct probe_heard *h, const char *data, size_t size);

/* True when the build has passed; otherwise err says why not. */
bool probe_heard_verdict(const struct probe_heard *h, const struct probe_end *end,
                         struct error *err);

#endif
