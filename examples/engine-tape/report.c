#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

/* Twelve digits hold every figure and leave out the noise of binary arithmetic. */
#define LINE_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(12))

static const char bad_row[] = "bad_row"; /* the error code */

/* Takes the line over; NULL means that there was no memory to make it. */
static void print(struct report *r, json_t *line)
{
    if (line == NULL) {
        r->out_of_memory = true;
        return;
    }
    json_dumpf(line, r->out, LINE_FLAGS); /* errors of the stream stay in the stream */
    putc('\n', r->out);
    json_decref(line);
}

void report_bad_row(struct report *r, uint64_t row, const char *token, const char *why)
{
    r->bad_rows++;
    r->last_bad_row = row;
    if (r->bad_rows > REPORT_BAD_ROWS_LIMIT)
        return;
    char message[640];
    snprintf(message, sizeof message, "row %" PRIu64 ": %s", row, why);
    print(r, json_pack("{s:s, s:s, s:s*, s:s}", "event", "error", "message", message, "token",
                       token, "code", bad_row));
}

void report_more_bad_rows(struct report *r)
{
    if (r->bad_rows <= REPORT_BAD_ROWS_LIMIT)
        return;
    char message[128];
    snprintf(message, sizeof message, "%" PRIu64 " more bad rows, the last is row %" PRIu64,
             r->bad_rows - REPORT_BAD_ROWS_LIMIT, r->last_bad_row);
    print(r, json_pack("{s:s, s:s, s:s}", "event", "error", "message", message, "code", bad_row));
}

void report_token(struct report *r, const struct market *m, const struct discover_token *token)
{
    const char *symbol = market_symbol(m, token->token);
    json_t *text = symbol == NULL ? NULL : json_string(symbol); /* NULL too if not UTF-8 */
    print(r, json_pack("{s:s, s:s, s:o*, s:f, s:f}", "event", "token", "token",
                       market_token_name(m, token->token), "symbol", text, "price_change_pct",
                       token->price_change_pct, "volume_usd", token->volume_usd));
}

void report_wallet(struct report *r, const struct market *m, uint32_t token,
                   const struct market_position *p, const struct discover_wallet *wallet,
                   bool profile)
{
    json_t *figures = NULL;
    if (profile)
        figures = json_pack("{s:f, s:f, s:f, s:I, s:I, s:f}", "profit_pct", wallet->profit_pct,
                            "cost_usd", p->cost_usd, "proceeds_usd", p->proceeds_usd, "buys",
                            (json_int_t)p->buys, "sells", (json_int_t)p->sells, "first_buy_seconds",
                            wallet->first_buy_seconds);
    r->out_of_memory |= profile && figures == NULL;
    print(r,
          json_pack("{s:s, s:s, s:s, s:f, s:o*}", "event", "wallet", "wallet_address",
                    market_wallet_name(m, p->wallet), "source_token", market_token_name(m, token),
                    "initial_score", wallet->score, "profile", figures));
}

void report_progress(struct report *r, size_t done, size_t total)
{
    print(r, json_pack("{s:s, s:I, s:I, s:s}", "event", "progress", "done", (json_int_t)done,
                       "total", (json_int_t)total, "stage", "tokens"));
}

int report_flush(struct report *r, struct error *err)
{
    if (fflush(r->out) != 0 || ferror(r->out))
        return error_set(err, EIO, "stdout: cannot be written: %s", strerror(errno));
    if (r->out_of_memory)
        return error_set(err, ENOMEM, "out of memory");
    return 0;
}
