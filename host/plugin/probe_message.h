/* probe_message.h: what a probe's two sides say to each other.
 *
 * The host writes one JSON object to the child's standard input and closes it:
 * {"host": its process id, "timeout_ms", "name", "config" (JSON as text), "host_name"}.
 *
 * The child writes messages of one size to descriptor 3, each in one write() that is small enough
 * to be whole.  Both sides are the same program, so the structure is the format.
 */
#ifndef PLUGIN_PROBE_MESSAGE_H
#define PLUGIN_PROBE_MESSAGE_H

#include <stdint.h>

#include "plugin/probe.h"

enum { PROBE_REPORT_FD = 3 };

/* In this order. */
enum probe_step {
    PROBE_STARTS,     /* nothing of the build has run yet */
    PROBE_CONSTRUCTS, /* dlopen()                         */
    PROBE_ENTERS,     /* the entry symbol's function      */
    PROBE_OPENS,
    PROBE_CLOSES,
    PROBE_UNLOADS,
    PROBE_STEPS
};

enum probe_word { PROBE_REACHED, PROBE_REFUSED, PROBE_PASSED };

struct probe_message {
    uint32_t word; /* which one of the following counts */
    uint32_t step;
    int32_t code; /* of a refusal: EINVAL or EPROTO, as in probe.h */
    char reason[512];
    struct probe_report report;
};

#endif
