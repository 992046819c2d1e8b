/* The tape is read to its end first, because volume decides which tokens are looked at; then
 * each token goes out as a whole, so that whoever reads along sees it at once.
 */
#include "engine.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "discover.h"
#include "market.h"
#include "report.h"
#include "tape.h"

static int read_tape(const struct options *o, struct market *m, struct report *r, struct error *err)
{
    struct tape *tape;
    if (tape_open(o->tape, &o->rules, &tape, err) != 0)
        return -1;
    int failed = 0;
    for (bool more = true; more && !failed;) {
        struct trade trade;
        switch (tape_next(tape, &trade, err)) {
        case TAPE_TRADE:
            failed = market_add(m, &trade, err);
            break;
        case TAPE_BAD_ROW:
            report_bad_row(r, tape_row(tape), trade.token, err->msg);
            break;
        case TAPE_END:
            more = false;
            break;
        case TAPE_BROKEN:
            failed = error_wrap(err, "tape %s", o->tape);
            break;
        }
    }
    tape_close(tape);
    return failed;
}

static void wait_ms(int ms)
{
    struct timespec left = {ms / 1000, ms % 1000 * 1000000L};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

static void report_wallets(struct report *r, const struct market *m, uint32_t token,
                           const struct request *request)
{
    uint32_t next = m->tokens[token].first_position;
    for (; next != MARKET_NONE; next = m->positions[next].next) {
        struct discover_wallet wallet;
        const struct market_position *p = &m->positions[next];
        if (discover_wallet(p, &request->params, &wallet))
            report_wallet(r, m, token, p, &wallet, request->profile);
    }
}

static int report_tokens(struct report *r, const struct market *m, const struct request *request,
                         int delay_ms, struct error *err)
{
    struct discover_token *tokens;
    size_t count;
    if (discover_tokens(m, &request->params, &tokens, &count, err) != 0)
        return -1;
    int failed = report_flush(r, err);
    for (size_t i = 0; i < count && !failed; i++) {
        report_token(r, m, &tokens[i]);
        report_wallets(r, m, tokens[i].token, request);
        report_progress(r, i + 1, count);
        failed = report_flush(r, err);
        if (delay_ms > 0 && i + 1 < count && !failed)
            wait_ms(delay_ms);
    }
    free(tokens);
    return failed;
}

int engine_run(const struct options *o, const struct request *request, FILE *out, struct error *err)
{
    struct market market;
    struct report report = {.out = out};
    market_init(&market, discover_max_age_us(&request->params));
    int failed = read_tape(o, &market, &report, err);
    if (!failed) {
        report_more_bad_rows(&report);
        failed = report_tokens(&report, &market, request, o->delay_ms, err);
    }
    market_free(&market);
    return failed;
}
