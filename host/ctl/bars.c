#include "ctl/bars.h"

#include <math.h>
#include <string.h>

enum { EIGHTHS = 8, BLOCK_BYTES = 3 };

/* U+2588 is the whole block; U+2589 to U+258F are seven eighths down to one, from the left. */
static void add_block(char **out, size_t eighths)
{
    memcpy(*out, "\u2588", BLOCK_BYTES);
    (*out)[2] = (char)((*out)[2] + (char)(EIGHTHS - eighths));
    *out += BLOCK_BYTES;
}

const char *bar_text(double fraction, size_t columns, char out[BAR_SIZE])
{
    char *end = out;
    if (columns > BAR_COLUMNS_MAX)
        columns = BAR_COLUMNS_MAX;
    fraction = fraction >= 1 ? 1 : fraction > 0 ? fraction : 0;
    size_t eighths = (size_t)lround(fraction * (double)(columns * EIGHTHS));
    if (eighths == 0 && fraction > 0)
        eighths = 1;
    for (; eighths > EIGHTHS; eighths -= EIGHTHS)
        add_block(&end, EIGHTHS);
    if (eighths > 0)
        add_block(&end, eighths);
    *end = '\0';
    return out;
}

const char *spark_text(const double *values, size_t count, double most,
                       char out[SPARKS_MAX * 3 + 1])
{
    char *end = out;
    size_t first = count > SPARKS_MAX ? count - SPARKS_MAX : 0;
    for (size_t i = first; i < count; i++) {
        if (!(values[i] >= 0)) {
            *end++ = ' ';
            continue;
        }
        double fraction = most > 0 && values[i] < most ? values[i] / most : most > 0 ? 1 : 0;
        memcpy(end, "\u2581", BLOCK_BYTES); /* U+2581 is one eighth from below, U+2588 all */
        end[2] = (char)(end[2] + lround(fraction * (EIGHTHS - 1)));
        end += BLOCK_BYTES;
    }
    *end = '\0';
    return out;
}
