#include "plugin/call.h"

#include <uv.h>

#include "log.h"

enum { SLOW_CALL_MS = 5 };

static struct call current;

void call_begin(const char *who, const char *what)
{
    current = (struct call){who, what, uv_hrtime()};
}

uint64_t call_end(void)
{
    uint64_t took = uv_hrtime() - current.since_ns;
    if (took > SLOW_CALL_MS * 1000000ULL)
        log_line(LOG_WARNING, "plugin", "%s blocked the loop in %s for %.1f ms", current.who,
                 current.what, (double)took / 1e6);
    current.who = NULL;
    return took;
}

const struct call *call_current(void)
{
    return &current;
}
