/* A tape may hold anything: what is taken from it is within bounds, what is not is said in words
 * that fit into JSON. */
/* links: engine_tape */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "trade.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void check_text(const char *text, size_t limit)
{
    check(text[0] != '\0' && strlen(text) <= limit);
    for (; *text != '\0'; text++)
        check(*text >= ' ' && *text <= '~');
}

/* jansson has its own opinion of what is UTF-8. */
static void check_utf8(const char *text)
{
    json_t *string = json_string(text);
    check(string != NULL);
    json_decref(string);
}

static void check_row(char *row, size_t size, const struct trade_columns *columns,
                      const struct trade_rules *rules)
{
    struct error err;
    struct trade t;
    switch (trade_read(row, size, columns, rules, &t, &err)) {
    case TRADE_READ:
        check_text(t.token, TRADE_ADDRESS_LIMIT);
        check_text(t.wallet, TRADE_ADDRESS_LIMIT);
        if (t.symbol != NULL)
            check_utf8(t.symbol);
        check(t.time_us <= rules->until_us);
        check(t.token_amount >= TRADE_AMOUNT_MIN && t.token_amount <= TRADE_AMOUNT_MAX);
        check(t.usd >= TRADE_AMOUNT_MIN && t.usd <= TRADE_AMOUNT_MAX);
        break;
    case TRADE_BAD:
        check_text(err.msg, sizeof err.msg);
        if (t.token != NULL)
            check_text(t.token, TRADE_ADDRESS_LIMIT);
        break;
    case TRADE_LATER:
        check(t.time_us > rules->until_us);
        break;
    }
}

/* The first byte picks the rules, the next line is the header, every other one is a row.  Each is
 * a block of its own, so that a step beyond its end is noticed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const struct trade_rules rules = {.usd_per_native = data[0] & 1 ? 150 : 0,
                                      .until_us =
                                          data[0] & 2 ? INT64_C(1782652485000000) : INT64_MAX};
    struct trade_columns columns;
    bool is_header = true;
    for (data++, size--; size > 0;) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t length = end != NULL ? (size_t)(end - data) : size;
        char *line = malloc(length + 1);
        check(line != NULL);
        memcpy(line, data, length);
        line[length] = '\0';
        struct error err;
        if (!is_header)
            check_row(line, length, &columns, &rules);
        else if (trade_columns(line, length, &rules, &columns, &err) != 0)
            size = length; /* no more lines */
        free(line);
        is_header = false;
        data += length + (end != NULL);
        size -= size > length ? length + 1 : length;
    }
    return 0;
}
