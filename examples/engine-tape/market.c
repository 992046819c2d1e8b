#include "market.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void market_init(struct market *m, int64_t max_age_us)
{
    *m = (struct market){.max_age_us = max_age_us};
}

/* Room for entry `number` of an array; intern.c keeps numbers far from overflowing. */
static void *with_room(void *array, uint32_t *room, uint32_t number, size_t size)
{
    if (number < *room)
        return array;
    uint32_t wanted = *room == 0 ? 32 : 2 * *room;
    void *grown = reallocarray(array, wanted, size);
    if (grown != NULL)
        *room = wanted;
    return grown;
}

static struct market_token *token_of(struct market *m, const struct trade *trade)
{
    uint32_t known = m->token_names.count;
    uint32_t number = intern_add(&m->token_names, trade->token, strlen(trade->token));
    if (number == INTERN_FAILED)
        return NULL;
    if (number < known)
        return &m->tokens[number];
    struct market_token *tokens = with_room(m->tokens, &m->token_room, number, sizeof *tokens);
    if (tokens == NULL)
        return NULL;
    m->tokens = tokens;
    tokens[number] = (struct market_token){.first_us = trade->time_us,
                                           .first_price = trade->usd / trade->token_amount,
                                           .symbol = MARKET_NONE,
                                           .first_position = MARKET_NONE,
                                           .last_position = MARKET_NONE};
    return &tokens[number];
}

static void append_position(struct market *m, struct market_token *token, uint32_t number)
{
    if (token->first_position == MARKET_NONE)
        token->first_position = number;
    else
        m->positions[token->last_position].next = number;
    token->last_position = number;
}

static struct market_position *position_of(struct market *m, struct market_token *token,
                                           const struct trade *trade)
{
    uint32_t pair[2] = {(uint32_t)(token - m->tokens)};
    pair[1] = intern_add(&m->wallet_names, trade->wallet, strlen(trade->wallet));
    if (pair[1] == INTERN_FAILED)
        return NULL;
    uint32_t known = m->pairs.count;
    uint32_t number = intern_add(&m->pairs, pair, sizeof pair);
    if (number == INTERN_FAILED)
        return NULL;
    if (number < known)
        return &m->positions[number];
    struct market_position *positions =
        with_room(m->positions, &m->position_room, number, sizeof *positions);
    if (positions == NULL)
        return NULL;
    m->positions = positions;
    positions[number] = (struct market_position){.wallet = pair[1],
                                                 .next = MARKET_NONE,
                                                 .first_us = trade->time_us - token->first_us,
                                                 .first_is_buy = trade->is_buy};
    append_position(m, token, number);
    return &positions[number];
}

static int note_symbol(struct market *m, struct market_token *token, const char *symbol)
{
    if (symbol == NULL || token->symbol != MARKET_NONE)
        return 0;
    token->symbol = intern_add(&m->symbols, symbol, strlen(symbol));
    return token->symbol == INTERN_FAILED ? -1 : 0;
}

int market_add(struct market *m, const struct trade *trade, struct error *err)
{
    struct market_token *token = token_of(m, trade);
    if (token == NULL)
        return error_set(err, ENOMEM, "out of memory");
    if (trade->time_us - token->first_us > m->max_age_us)
        return 0;
    struct market_position *position = position_of(m, token, trade);
    if (position == NULL || note_symbol(m, token, trade->symbol) != 0)
        return error_set(err, ENOMEM, "out of memory");

    token->last_price = trade->usd / trade->token_amount;
    token->volume_usd += trade->usd;
    position->buys += trade->is_buy;
    position->sells += !trade->is_buy;
    *(trade->is_buy ? &position->cost_usd : &position->proceeds_usd) += trade->usd;
    return 0;
}

void market_free(struct market *m)
{
    intern_free(&m->token_names);
    intern_free(&m->wallet_names);
    intern_free(&m->symbols);
    intern_free(&m->pairs);
    free(m->tokens);
    free(m->positions);
    *m = (struct market){0};
}

const char *market_token_name(const struct market *m, uint32_t token)
{
    return intern_text(&m->token_names, token);
}

const char *market_wallet_name(const struct market *m, uint32_t wallet)
{
    return intern_text(&m->wallet_names, wallet);
}

const char *market_symbol(const struct market *m, uint32_t token)
{
    uint32_t symbol = m->tokens[token].symbol;
    return symbol == MARKET_NONE ? NULL : intern_text(&m->symbols, symbol);
}
