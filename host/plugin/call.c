#include "plugin/call.h"

#include <uv.h>

#include "log.h"

enum { SLOW_CALL_MS = 5 };

static struct {
    const char *who, *what;
    uint64_t since_ns;
} current; /* calls do not nest: a plugin is never re-entered */

void call_begin(const char *who, const char *what)
{
    current.who = who;
    current.what = what;
    current.since_ns = uv_hrtime();
}

uint64_t call_end(void)
{
    uint64_t took = uv_hrtime() - current.since_ns;
    if (took > SLOW_CALL_MS * 1000000ULL)
        log_line(LOG_WARNING, "plugin", "%s blocked the loop in %s for %.1f ms", current.who,
                 current.what, (double)took / 1e6);
    return took;
}
