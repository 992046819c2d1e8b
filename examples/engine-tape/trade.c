/* A row is cut into its fields, the fields are checked in the order in which a reader would
 * look for them: its time (a later row is nobody's concern), who and what, the amounts.
 */
#include "trade.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instant.h"

static const char *const column_names[COLUMN_COUNT] = {
    [COLUMN_TIME] = "time",
    [COLUMN_TOKEN] = "token",
    [COLUMN_WALLET] = "wallet",
    [COLUMN_SIDE] = "side",
    [COLUMN_TOKEN_AMOUNT] = "token_amount",
    [COLUMN_USD_AMOUNT] = "usd_amount",
    [COLUMN_NATIVE_AMOUNT] = "native_amount",
    [COLUMN_SYMBOL] = "symbol",
};

struct fields {
    char *text[TRADE_FIELDS_LIMIT];
    int count;
};

struct shown {
    char text[48];
};

/* A field's text for a message: printable, cut when long. */
static struct shown show(const char *text)
{
    struct shown s;
    size_t n = 0;
    for (; text[n] != '\0' && n < sizeof s.text - 4; n++)
        s.text[n] = text[n] >= ' ' && text[n] <= '~' ? text[n] : '?';
    memcpy(s.text + n, text[n] == '\0' ? "" : "...", text[n] == '\0' ? 1 : 4);
    return s;
}

/* Unwraps "a ""quoted"" field" in place; returns what follows the closing quote, or NULL. */
static char *unquote(char *field)
{
    char *to = field;
    for (char *from = field + 1; *from != '\0'; from++) {
        if (*from == '"' && *++from != '"') {
            *to = '\0';
            return from;
        }
        *to++ = *from;
    }
    return NULL;
}

static int split(char *line, size_t length, struct fields *out, struct error *err)
{
    out->count = 0;
    if (memchr(line, '\0', length) != NULL)
        return error_set(err, EINVAL, "holds a NUL byte");
    for (char *at = line;; at++) {
        if (out->count == TRADE_FIELDS_LIMIT)
            return error_set(err, EINVAL, "has more than %d fields", TRADE_FIELDS_LIMIT);
        char *field = at;
        out->text[out->count++] = field;
        at = *field == '"' ? unquote(field) : strchrnul(field, ',');
        if (at == NULL || (*at != '\0' && *at != ','))
            return error_set(err, EINVAL, "field %d: a quote is not closed as it should be",
                             out->count);
        if (*at == '\0')
            return 0;
        *at = '\0';
    }
}

/* ---- the header --------------------------------------------------------------------- */

static bool is_needed(int column, const struct trade_rules *rules)
{
    return column < COLUMN_NATIVE_AMOUNT ||
           (column == COLUMN_NATIVE_AMOUNT && rules->usd_per_native > 0);
}

static int find_columns(const struct fields *f, struct trade_columns *out, struct error *err)
{
    for (int column = 0; column < COLUMN_COUNT; column++) {
        out->at[column] = -1;
        for (int i = 0; i < f->count; i++) {
            if (strcmp(f->text[i], column_names[column]) != 0)
                continue;
            if (out->at[column] >= 0)
                return error_set(err, EINVAL, "column '%s' is there twice", column_names[column]);
            out->at[column] = i;
        }
    }
    return 0;
}

static int check_complete(const struct trade_columns *c, const struct trade_rules *rules,
                          struct error *err)
{
    char missing[160] = "";
    size_t used = 0;
    for (int column = 0; column < COLUMN_COUNT; column++)
        if (c->at[column] < 0 && is_needed(column, rules))
            used += (size_t)snprintf(missing + used, sizeof missing - used, " %s",
                                     column_names[column]);
    if (used > 0)
        return error_set(err, EINVAL, "columns are missing:%s", missing);
    return 0;
}

int trade_columns(char *line, size_t length, const struct trade_rules *rules,
                  struct trade_columns *out, struct error *err)
{
    struct fields f;
    struct trade_columns found = {0};
    if (split(line, length, &f, err) != 0 || find_columns(&f, &found, err) != 0 ||
        check_complete(&found, rules, err) != 0)
        return -1;
    found.count = f.count;
    *out = found;
    return 0;
}

/* ---- a row -------------------------------------------------------------------------- */

static int check_address(enum trade_column column, const char *text, struct error *err)
{
    size_t length = strlen(text);
    bool good = length >= 1 && length <= TRADE_ADDRESS_LIMIT;
    for (size_t i = 0; good && i < length; i++)
        good = text[i] > ' ' && text[i] <= '~';
    if (!good)
        return error_set(err, EINVAL, "%s '%s' is not 1 to %d printable characters",
                         column_names[column], show(text).text, TRADE_ADDRESS_LIMIT);
    return 0;
}

static int check_amount(enum trade_column column, double amount, const char *text,
                        struct error *err)
{
    if (amount >= TRADE_AMOUNT_MIN && amount <= TRADE_AMOUNT_MAX)
        return 0;
    return error_set(err, ERANGE, "%s %s is outside %g..%g", column_names[column], show(text).text,
                     TRADE_AMOUNT_MIN, TRADE_AMOUNT_MAX);
}

static int read_amount(enum trade_column column, const char *text, double *out, struct error *err)
{
    char *end = NULL;
    if (strspn(text, "+-.0123456789eE") == strlen(text))
        *out = strtod(text, &end);
    if (end == NULL || end == text || *end != '\0')
        return error_set(err, EINVAL, "%s '%s' is not a number", column_names[column],
                         show(text).text);
    return check_amount(column, *out, text, err);
}

static int read_usd(const struct fields *f, const struct trade_columns *columns,
                    const struct trade_rules *rules, double *usd, struct error *err)
{
    const char *text = f->text[columns->at[COLUMN_USD_AMOUNT]];
    if (text[0] != '\0')
        return read_amount(COLUMN_USD_AMOUNT, text, usd, err);
    if (rules->usd_per_native <= 0)
        return error_set(err, EINVAL, "usd_amount is empty, and no rate prices native_amount");
    text = f->text[columns->at[COLUMN_NATIVE_AMOUNT]];
    if (read_amount(COLUMN_NATIVE_AMOUNT, text, usd, err) != 0)
        return -1;
    *usd *= rules->usd_per_native;
    return check_amount(COLUMN_NATIVE_AMOUNT, *usd, text, err);
}

static int read_side(const char *text, bool *is_buy, struct error *err)
{
    *is_buy = strcmp(text, "buy") == 0;
    if (!*is_buy && strcmp(text, "sell") != 0)
        return error_set(err, EINVAL, "side '%s' is neither buy nor sell", show(text).text);
    return 0;
}

/* The bytes of the UTF-8 character at `text`, or 0 if it is none that may stand in a symbol. */
static size_t character_size(const unsigned char *text)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t lowest; /* a longer form of a smaller number is not UTF-8 */
    } sizes[] = {
        {0x80, 0x00, 0x20}, {0xe0, 0xc0, 0xa0}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t size = 1; size <= 4; size++) {
        if ((text[0] & sizes[size - 1].mask) != sizes[size - 1].lead)
            continue;
        uint32_t number = text[0] & (unsigned char)~sizes[size - 1].mask;
        for (size_t i = 1; i < size; i++) {
            if ((text[i] & 0xc0) != 0x80)
                return 0;
            number = number << 6 | (text[i] & 0x3fu);
        }
        bool fits = number >= sizes[size - 1].lowest && number != 0x7f && number <= 0x10ffff &&
                    (number < 0xd800 || number > 0xdfff);
        return fits ? size : 0;
    }
    return 0;
}

/* Only decoration, so an unfit symbol is no reason to lose the trade. */
static const char *read_symbol(const struct fields *f, const struct trade_columns *columns)
{
    if (columns->at[COLUMN_SYMBOL] < 0)
        return NULL;
    const char *text = f->text[columns->at[COLUMN_SYMBOL]];
    size_t length = strlen(text);
    size_t size = length <= TRADE_SYMBOL_LIMIT;
    for (size_t i = 0; size > 0 && i < length; i += size)
        size = character_size((const unsigned char *)text + i);
    return size > 0 && length > 0 ? text : NULL;
}

static int read_fields(const struct fields *f, const struct trade_columns *columns,
                       const struct trade_rules *rules, struct trade *out, struct error *err)
{
    const char *token = f->text[columns->at[COLUMN_TOKEN]];
    if (check_address(COLUMN_TOKEN, token, err) != 0)
        return -1;
    out->token = token;
    out->wallet = f->text[columns->at[COLUMN_WALLET]];
    out->symbol = read_symbol(f, columns);
    if (check_address(COLUMN_WALLET, out->wallet, err) != 0 ||
        read_side(f->text[columns->at[COLUMN_SIDE]], &out->is_buy, err) != 0)
        return -1;
    const char *amount = f->text[columns->at[COLUMN_TOKEN_AMOUNT]];
    return read_amount(COLUMN_TOKEN_AMOUNT, amount, &out->token_amount, err) != 0 ||
                   read_usd(f, columns, rules, &out->usd, err) != 0
               ? -1
               : 0;
}

enum trade_result trade_read(char *line, size_t length, const struct trade_columns *columns,
                             const struct trade_rules *rules, struct trade *out, struct error *err)
{
    struct fields f;
    out->token = NULL;
    if (split(line, length, &f, err) != 0)
        return TRADE_BAD;
    if (f.count != columns->count) {
        error_set(err, EINVAL, "has %d fields where the header has %d", f.count, columns->count);
        return TRADE_BAD;
    }
    const char *time = f.text[columns->at[COLUMN_TIME]];
    if (!instant_parse(time, &out->time_us)) {
        error_set(err, EINVAL, "time '%s' is not RFC 3339", show(time).text);
        return TRADE_BAD;
    }
    if (out->time_us > rules->until_us)
        return TRADE_LATER;
    return read_fields(&f, columns, rules, out, err) == 0 ? TRADE_READ : TRADE_BAD;
}
