#include "watch/call.h"

#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <uv.h>

#include "log.h"

enum { SLOW_CALL_MS = 5, PAGE = 4096 /* no page is smaller */ };

_Thread_local struct call call_here;

static uint64_t since_ns; /* the loop thread's call */

void call_begin(const char *who, const char *what)
{
    call_enter(who, what);
    since_ns = uv_hrtime();
}

uint64_t call_end(void)
{
    uint64_t took = uv_hrtime() - since_ns;
    const char *who = atomic_load_explicit(&call_here.who, memory_order_relaxed);
    const char *what = atomic_load_explicit(&call_here.what, memory_order_relaxed);
    call_leave();
    if (took > SLOW_CALL_MS * 1000000ULL)
        log_line(LOG_WARNING, "plugin", "%s blocked the loop in %s for %.1f ms", who, what,
                 (double)took / 1e6);
    return took;
}

/* The kernel copies, so that an address that is no longer mapped is an error and not a fault.  The
 * text may end right before a page that is not mapped: each page is asked for by itself.  Where a
 * sandbox forbids that call the text is trusted. */
static void read_text(const char *from, char *to, size_t size)
{
    size_t first = PAGE - (uintptr_t)from % PAGE;
    if (first > size - 1)
        first = size - 1;
    struct iovec local = {to, size - 1};
    struct iovec remote[2] = {{(void *)from, first}, {(void *)(from + first), size - 1 - first}};
    memset(to, '\0', size);
    if (process_vm_readv(getpid(), &local, 1, remote, 2, 0) > 0)
        return;
    if (errno == EFAULT)
        to[0] = '?';
    else
        strncat(to, from, size - 1);
}

bool call_name(const struct call *c, struct call_name *out)
{
    const char *who = atomic_load_explicit(&c->who, memory_order_relaxed);
    const char *what = atomic_load_explicit(&c->what, memory_order_relaxed);
    if (who == NULL)
        return false;
    int before = errno;
    read_text(who, out->who, sizeof out->who);
    read_text(what, out->what, sizeof out->what);
    errno = before;
    return true;
}
