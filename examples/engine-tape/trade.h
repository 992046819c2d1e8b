/* trade.h: one row of a tape as a trade.
 *
 * A tape is CSV as in RFC 4180 with a header row, but a row is a line: no line break inside
 * quotes.  Columns are found by their names in the header; others than these are ignored.
 *
 *      time          RFC 3339
 *      token wallet  1 to 44 printable ASCII characters without spaces
 *      side          buy or sell (of the token)
 *      token_amount  above zero
 *      usd_amount    above zero, or empty when native_amount and a rate price the row
 *      native_amount only needed with a rate
 *      symbol        only if there: 1 to 64 bytes of UTF-8 without control characters
 *
 * Thread: any; no state.  Knows: instant, error.  Not: files.
 */
#ifndef TRADE_H
#define TRADE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum { TRADE_ADDRESS_LIMIT = 44, TRADE_SYMBOL_LIMIT = 64, TRADE_FIELDS_LIMIT = 64 };

/* Amounts outside of these are refused, so that no price, sum or percentage made of amounts
 * that were accepted can overflow or be divided by zero. */
#define TRADE_AMOUNT_MIN 1e-30
#define TRADE_AMOUNT_MAX 1e30

enum trade_column {
    COLUMN_TIME,
    COLUMN_TOKEN,
    COLUMN_WALLET,
    COLUMN_SIDE,
    COLUMN_TOKEN_AMOUNT,
    COLUMN_USD_AMOUNT,
    COLUMN_NATIVE_AMOUNT,
    COLUMN_SYMBOL,
    COLUMN_COUNT
};

/* How rows are read. */
struct trade_rules {
    double usd_per_native; /* prices rows without usd_amount; 0: there is no rate */
    int64_t until_us;      /* rows later than this are passed over; INT64_MAX: none are */
};

/* Where the columns are; made by trade_columns(). */
struct trade_columns {
    int at[COLUMN_COUNT]; /* field number, or -1 */
    int count;            /* fields in each row  */
};

struct trade {
    int64_t time_us;
    const char *token;
    const char *wallet;
    const char *symbol; /* or NULL */
    bool is_buy;
    double token_amount;
    double usd;
};

enum trade_result { TRADE_READ, TRADE_LATER, TRADE_BAD };

/* Reads the header row, without its line end, which is cut up in place.  -1 with all missing
 * columns named. */
int trade_columns(char *line, size_t length, const struct trade_rules *rules,
                  struct trade_columns *out, struct error *err);

/* Reads a row, without its line end, which is cut up in place: the texts of *out point into
 * it.  TRADE_BAD says in err which field is wrong and what it holds (always printable ASCII);
 * out->token is then the token if that much could be read, else NULL. */
enum trade_result trade_read(char *line, size_t length, const struct trade_columns *columns,
                             const struct trade_rules *rules, struct trade *out, struct error *err);

#endif
