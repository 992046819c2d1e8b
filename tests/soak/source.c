#include "source.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BACK = 3000 };
#define OWN_TOKENS (UINT64_C(1) << 40) /* above: tokens of one line each */

/* A permutation of 64 bits after which neighbours have nothing in common. */
static uint64_t scramble(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static uint64_t pair(uint64_t a, uint64_t b)
{
    return scramble(scramble(a) ^ b);
}

/* Takes a number below `of` out of *chance. */
static unsigned draw(uint64_t *chance, unsigned of)
{
    unsigned drawn = (unsigned)(*chance % of);
    *chance = scramble(*chance);
    return drawn;
}

void source_start(struct source *s, const struct source_plan *plan, const char *run_id)
{
    uint64_t run = scramble(plan->seed);
    for (const char *c = run_id; *c != '\0'; c++)
        run = pair(run, (unsigned char)*c);
    uint64_t chance = run;
    bool is_short = draw(&chance, 8) == 0;
    *s = (struct source){.run = run, .undecided = plan->undecided};
    s->lines = is_short ? draw(&chance, 50) : plan->lines / 2 + chance % (plan->lines + 1);
    s->stride = 1 + scramble(run ^ 1) % (SOURCE_WALLETS - 1);
    s->offset = scramble(run ^ 2) % SOURCE_WALLETS;
}

/* ---- names ---- */

static const char digits[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/* 32 to 44 characters; another number gives another name. */
static void make_name(char letter, uint64_t number, char out[SOURCE_NAME_SIZE])
{
    uint64_t more = scramble(number);
    size_t size = 32 + more % 13;
    out[0] = letter;
    uint64_t left = number;
    for (size_t i = 1; i < size; i++) {
        if (i == 12)
            left = more;
        else if (i == 22)
            left = scramble(more);
        else if (i == 32)
            left = scramble(~more);
        out[i] = digits[left % 58];
        left /= 58;
    }
    out[size] = '\0';
}

static uint32_t wallet_of(const struct source *s, uint64_t n)
{
    return (uint32_t)((s->stride * (n % SOURCE_WALLETS) + s->offset) % SOURCE_WALLETS);
}

/* ---- lines ---- */

static enum source_kind kind_of(uint64_t chance)
{
    unsigned percent = (unsigned)(chance >> 32) % 100;
    return percent < 92   ? SOURCE_WALLET
           : percent < 96 ? SOURCE_TOKEN
           : percent < 97 ? SOURCE_ERROR
           : percent < 98 ? SOURCE_PROGRESS
                          : SOURCE_REPEAT;
}

static uint64_t chance_of(const struct source *s, uint64_t n)
{
    return pair(s->run, n);
}

/* Quarters are exact in binary and in decimal, and short in both. */
static double quarters(uint64_t *chance, unsigned of)
{
    return (double)draw(chance, of) / 4 - 1000;
}

static void make_token(struct source_line *l, const struct source *s, uint64_t *chance)
{
    make_name('T', pair(s->run, l->n), l->token);
    if (draw(chance, 3) > 0)
        (void)snprintf(l->symbol, sizeof l->symbol, "S%u", draw(chance, 100000));
    if (draw(chance, 4) > 0)
        l->change_pct = quarters(chance, 1000000);
    if (draw(chance, 4) > 0)
        l->volume_usd = quarters(chance, 100000000);
}

static void make_error(struct source_line *l, uint64_t *chance)
{
    (void)snprintf(l->message, sizeof l->message, "line %llu could not be priced (%u)",
                   (unsigned long long)l->n, draw(chance, 1000000));
    if (draw(chance, 2) > 0)
        make_name('T', draw(chance, 1000), l->token);
    if (draw(chance, 2) > 0)
        (void)snprintf(l->code, sizeof l->code, "code_%u", draw(chance, 20));
}

/* The wallet and token of line n; no other line of the run has both.  One wallet in eight was there
 * before and is found through another token now. */
static void make_pair(struct source_line *l, const struct source *s, uint64_t n)
{
    uint64_t chance = scramble(chance_of(s, n) ^ 4);
    uint64_t reach = n < BACK ? n : BACK;
    bool is_again = draw(&chance, 8) == 0 && n > 0;
    l->wallet = wallet_of(s, is_again ? n - 1 - chance % reach : n);
    make_name('W', pair(1, l->wallet), l->address); /* the same in every run */
    if (is_again)
        make_name('T', OWN_TOKENS + n, l->token);
    else
        make_name('T', n / SOURCE_WALLETS * 64 + chance % 64, l->token);
}

static void make_wallet(struct source_line *l, const struct source *s, uint64_t n, uint64_t *chance)
{
    make_pair(l, s, n);
    l->is_new = draw(chance, 100) < s->undecided ? -1 : (int)draw(chance, 2);
    if (draw(chance, 5) > 0)
        l->score_e4 = (int)draw(chance, 10001);
    l->has_profile = draw(chance, 5) > 0;
}

void source_line(const struct source *s, uint64_t n, struct source_line *l)
{
    uint64_t chance = chance_of(s, n);
    l->n = n;
    l->kind = kind_of(chance);
    l->is_new = l->score_e4 = -1;
    l->has_profile = false;
    l->change_pct = l->volume_usd = (double)NAN;
    l->address[0] = l->token[0] = l->symbol[0] = l->code[0] = l->message[0] = '\0';
    uint64_t earlier = n - 1 - (chance >> 8) % (n > 0 ? n : 1);
    if (l->kind == SOURCE_REPEAT && (n == 0 || kind_of(chance_of(s, earlier)) != SOURCE_WALLET))
        l->kind = SOURCE_PROGRESS;
    chance = scramble(chance);
    l->chance = chance;
    if (l->kind == SOURCE_WALLET)
        make_wallet(l, s, n, &chance);
    else if (l->kind == SOURCE_REPEAT)
        make_wallet(l, s, earlier, &chance);
    else if (l->kind == SOURCE_TOKEN)
        make_token(l, s, &chance);
    else if (l->kind == SOURCE_ERROR)
        make_error(l, &chance);
}

bool source_is_recorded(const struct source_line *l)
{
    return l->kind == SOURCE_WALLET || l->kind == SOURCE_TOKEN || l->kind == SOURCE_ERROR;
}

/* ---- profiles ---- */

/* How long the padding of a profile is: mostly little, now and then as much as a line holds. */
static size_t padding(uint64_t *chance)
{
    unsigned percent = draw(chance, 100);
    if (percent < 80)
        return 0;
    if (percent < 97)
        return draw(chance, 400);
    if (percent < 99 || draw(chance, 20) > 0)
        return draw(chance, 4000);
    return draw(chance, SOURCE_PROFILE_MAX - 1024);
}

/* Keys are in the order in which JSONB keeps them: the shorter first, then by their bytes. */
size_t source_profile(const struct source_line *l, bool as_stored, char *out)
{
    const char *colon = as_stored ? ": " : ":", *comma = as_stored ? ", " : ",";
    uint64_t chance = scramble(l->chance ^ 3);
    size_t used = (size_t)sprintf(out, "{\"n\"%s%llu", colon, (unsigned long long)l->n);
    if (draw(&chance, 2) > 0)
        used += (size_t)sprintf(out + used, "%s\"ok\"%s%s", comma, colon,
                                draw(&chance, 2) > 0 ? "true" : "false");
    used +=
        (size_t)sprintf(out + used, "%s\"usd\"%s%d.%s", comma, colon,
                        (int)draw(&chance, 2000000) - 1000000, draw(&chance, 2) > 0 ? "25" : "5");
    /* What a reader of plain lines does not understand, and another has to. */
    if (draw(&chance, 16) == 0)
        used += (size_t)sprintf(out + used, "%s\"list\"%s[1%s2.5%snull%s{\"a\"%s[]}]", comma, colon,
                                comma, comma, comma, colon);
    if (draw(&chance, 16) == 0)
        used += (size_t)sprintf(out + used, "%s\"note\"%s\"\\\"q\\\" \\\\ \\n /\u00e9\u4e16\"",
                                comma, colon);
    size_t filling = padding(&chance);
    if (filling > 0) {
        used += (size_t)sprintf(out + used, "%s\"padding\"%s\"", comma, colon);
        for (size_t i = 0; i < filling; i++)
            out[used++] = digits[(chance + i * i) % 58];
        out[used++] = '"';
    }
    out[used++] = '}';
    out[used] = '\0';
    return used;
}

/* ---- as an engine says it ---- */

static size_t print_wallet(const struct source_line *l, char *out)
{
    static const char *const words[] = {"false", "true"};
    size_t used = (size_t)sprintf(
        out, "{\"event\":\"wallet\",\"wallet_address\":\"%s\",\"source_token\":\"%s\"", l->address,
        l->token);
    if (l->is_new >= 0)
        used += (size_t)sprintf(out + used, ",\"is_new\":%s", words[l->is_new]);
    if (l->score_e4 >= 0)
        used += (size_t)sprintf(out + used, ",\"initial_score\":%d.%04d", l->score_e4 / 10000,
                                l->score_e4 % 10000);
    if (l->has_profile) {
        used += (size_t)sprintf(out + used, ",\"profile\":");
        used += source_profile(l, false, out + used);
    }
    return used;
}

static size_t print_token(const struct source_line *l, char *out)
{
    size_t used = (size_t)sprintf(out, "{\"event\":\"token\",\"token\":\"%s\"", l->token);
    if (l->symbol[0] != '\0')
        used += (size_t)sprintf(out + used, ",\"symbol\":\"%s\"", l->symbol);
    if (!isnan(l->change_pct))
        used += (size_t)sprintf(out + used, ",\"price_change_pct\":%.2f", l->change_pct);
    if (!isnan(l->volume_usd))
        used += (size_t)sprintf(out + used, ",\"volume_usd\":%.2f", l->volume_usd);
    return used;
}

static size_t print_error(const struct source_line *l, char *out)
{
    size_t used = (size_t)sprintf(out, "{\"event\":\"error\",\"message\":\"%s\"", l->message);
    if (l->token[0] != '\0')
        used += (size_t)sprintf(out + used, ",\"token\":\"%s\"", l->token);
    if (l->code[0] != '\0')
        used += (size_t)sprintf(out + used, ",\"code\":\"%s\"", l->code);
    return used;
}

size_t source_print(const struct source *s, const struct source_line *l, char *out)
{
    size_t used = 0;
    switch (l->kind) {
    case SOURCE_WALLET:
    case SOURCE_REPEAT:
        used = print_wallet(l, out);
        break;
    case SOURCE_TOKEN:
        used = print_token(l, out);
        break;
    case SOURCE_ERROR:
        used = print_error(l, out);
        break;
    case SOURCE_PROGRESS:
        used = (size_t)sprintf(out, "{\"event\":\"progress\",\"done\":%llu,\"total\":%llu",
                               (unsigned long long)l->n, (unsigned long long)s->lines);
        break;
    }
    memcpy(out + used, "}\n", 3);
    return used + 2;
}
