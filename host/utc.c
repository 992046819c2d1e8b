#include "utc.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum { SECOND_US = 1000000 };

const char *utc_text(int64_t instant_us, char out[UTC_TEXT_SIZE])
{
    int64_t fraction = instant_us % SECOND_US;
    if (fraction < 0)
        fraction += SECOND_US;
    time_t second = (time_t)((instant_us - fraction) / SECOND_US);
    struct tm tm;
    gmtime_r(&second, &tm);
    size_t n = strftime(out, UTC_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + n, UTC_TEXT_SIZE - n, ".%06" PRId64 "Z", fraction);
    return out;
}
