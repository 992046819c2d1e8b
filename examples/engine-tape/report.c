#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Every line begins with its event and ends with end(); the calls between them each add a member.
 * Errors of the stream stay in the stream. */
static void begin(struct report *r, const char *event)
{
    fprintf(r->out, "{\"event\":\"%s\"", event);
}

static void end(struct report *r)
{
    fputs("}\n", r->out);
}

/* `text` has no control characters; NULL adds nothing. */
static void add_text(struct report *r, const char *key, const char *text)
{
    if (text == NULL)
        return;
    fprintf(r->out, ",\"%s\":\"", key);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            putc('\\', r->out);
        putc(*text, r->out);
    }
    putc('"', r->out);
}

/* Twelve digits hold every figure and leave out the noise of binary arithmetic. */
static void add_figure(struct report *r, const char *key, double figure)
{
    fprintf(r->out, ",\"%s\":%.12g", key, figure);
}

static void add_count(struct report *r, const char *key, uint64_t count)
{
    fprintf(r->out, ",\"%s\":%" PRIu64, key, count);
}

static void print_bad_row(struct report *r, const char *token, const char *message)
{
    begin(r, "error");
    add_text(r, "message", message);
    add_text(r, "token", token);
    add_text(r, "code", "bad_row");
    end(r);
}

void report_bad_row(struct report *r, uint64_t row, const char *token, const char *why)
{
    r->bad_rows++;
    r->last_bad_row = row;
    if (r->bad_rows > REPORT_BAD_ROWS_LIMIT)
        return;
    char message[640];
    snprintf(message, sizeof message, "row %" PRIu64 ": %s", row, why);
    print_bad_row(r, token, message);
}

void report_more_bad_rows(struct report *r)
{
    if (r->bad_rows <= REPORT_BAD_ROWS_LIMIT)
        return;
    char message[128];
    snprintf(message, sizeof message, "%" PRIu64 " more bad rows, the last is row %" PRIu64,
             r->bad_rows - REPORT_BAD_ROWS_LIMIT, r->last_bad_row);
    print_bad_row(r, NULL, message);
}

void report_token(struct report *r, const struct market *m, const struct discover_token *token)
{
    begin(r, "token");
    add_text(r, "token", market_token_name(m, token->token));
    add_text(r, "symbol", market_symbol(m, token->token));
    add_figure(r, "price_change_pct", token->price_change_pct);
    add_figure(r, "volume_usd", token->volume_usd);
    end(r);
}

static void add_profile(struct report *r, const struct market_position *p,
                        const struct discover_wallet *wallet)
{
    fprintf(r->out, ",\"profile\":{\"profit_pct\":%.12g", wallet->profit_pct);
    add_figure(r, "cost_usd", p->cost_usd);
    add_figure(r, "proceeds_usd", p->proceeds_usd);
    add_count(r, "buys", p->buys);
    add_count(r, "sells", p->sells);
    add_figure(r, "first_buy_seconds", wallet->first_buy_seconds);
    putc('}', r->out);
}

void report_wallet(struct report *r, const struct market *m, uint32_t token,
                   const struct market_position *p, const struct discover_wallet *wallet,
                   bool profile)
{
    begin(r, "wallet");
    add_text(r, "wallet_address", market_wallet_name(m, p->wallet));
    add_text(r, "source_token", market_token_name(m, token));
    add_figure(r, "initial_score", wallet->score);
    if (profile)
        add_profile(r, p, wallet);
    end(r);
}

void report_progress(struct report *r, size_t done, size_t total)
{
    begin(r, "progress");
    add_count(r, "done", done);
    add_count(r, "total", total);
    add_text(r, "stage", "tokens");
    end(r);
}

int report_flush(struct report *r, struct error *err)
{
    if (fflush(r->out) != 0 || ferror(r->out))
        return error_set(err, EIO, "stdout: cannot be written: %s", strerror(errno));
    return 0;
}
