#include "ids.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <uuid/uuid.h>

/* Random bytes are fetched a page at a time: a system call for each id would cost more
 * than all else that happens to a wallet. */
static struct {
    unsigned char bytes[4096];
    size_t used;
} pool = {.used = sizeof pool.bytes};

static void random_bytes(void *out, size_t size)
{
    if (size > sizeof pool.bytes - pool.used) {
        size_t filled = 0;
        while (filled < sizeof pool.bytes) {
            ssize_t n = getrandom(pool.bytes + filled, sizeof pool.bytes - filled, 0);
            if (n < 0)
                abort(); /* the kernel has had its random numbers since boot */
            filled += (size_t)n;
        }
        pool.used = 0;
    }
    memcpy(out, pool.bytes + pool.used, size);
    pool.used += size;
}

wt_uuid id_make(void)
{
    static uint64_t last_ms;
    static uint32_t counter; /* 26 bits: a fresh random start each millisecond, then +1 */

    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;

    wt_uuid id;
    random_bytes(id.bytes + 8, 8);
    if (ms > last_ms) {
        last_ms = ms;
        memcpy(&counter, id.bytes + 8, sizeof counter);
        counter &= 0x1ffffff; /* the top bit stays free, so that 32 million follow */
    } else if (++counter > 0x3ffffff) {
        last_ms++;
        counter = 0;
    }
    for (int i = 0; i < 6; i++)
        id.bytes[i] = (unsigned char)(last_ms >> (40 - 8 * i));
    id.bytes[6] = (unsigned char)(0x70 | (counter >> 22));
    id.bytes[7] = (unsigned char)(counter >> 14);
    id.bytes[8] = (unsigned char)(0x80 | ((counter >> 8) & 0x3f));
    id.bytes[9] = (unsigned char)counter;
    return id;
}

wt_uuid id_random(void)
{
    wt_uuid id;
    random_bytes(id.bytes, sizeof id.bytes);
    id.bytes[6] = (unsigned char)(0x40 | (id.bytes[6] & 0x0f));
    id.bytes[8] = (unsigned char)(0x80 | (id.bytes[8] & 0x3f));
    return id;
}

bool id_parse(const char *text, wt_uuid *out)
{
    return uuid_parse(text, out->bytes) == 0;
}

bool id_equal(const wt_uuid *a, const wt_uuid *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

bool id_is_zero(const wt_uuid *id)
{
    static const wt_uuid zero;
    return id_equal(id, &zero);
}
