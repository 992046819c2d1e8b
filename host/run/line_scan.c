/* The fast way in for a plain wallet line.
 *
 * It accepts a subset of JSON and refuses, without judging, whatever lies outside: escapes,
 * bytes beyond printable ASCII, unknown or repeated keys, exponents, long numbers, nesting
 * inside the profile.  So it never has to report an error, and what it accepts means exactly what
 * jansson would make of it.  The text is changed (a NUL behind each string) only when all of
 * it has been accepted.
 */
#include <string.h>

#include "run/line.h"

struct slice {
    char *start;
    size_t size;
};

struct scan {
    char *at, *end;
};

enum { PROFILE_KEYS_MAX = 16, DIGITS_MAX = 15 };

static bool take(struct scan *s, char c)
{
    while (s->at < s->end && *s->at == ' ')
        s->at++;
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

static bool take_string(struct scan *s, struct slice *out)
{
    if (!take(s, '"'))
        return false;
    out->start = s->at;
    while (s->at < s->end && *s->at != '"') {
        if (*s->at < 0x20 || *s->at > 0x7e || *s->at == '\\')
            return false;
        s->at++;
    }
    if (s->at == s->end)
        return false;
    out->size = (size_t)(s->at - out->start);
    s->at++;
    return true;
}

static bool take_word(struct scan *s, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(s->end - s->at) < size || memcmp(s->at, word, size) != 0)
        return false;
    s->at += size;
    return true;
}

static size_t take_digits(struct scan *s)
{
    char *start = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return (size_t)(s->at - start);
}

/* A JSON number of at most 15 digits and no exponent, which every reader takes the same way. */
static bool take_number(struct scan *s, struct slice *out)
{
    out->start = s->at;
    if (s->at < s->end && *s->at == '-')
        s->at++;
    char *first = s->at;
    size_t digits = take_digits(s);
    if (digits == 0 || (digits > 1 && *first == '0'))
        return false;
    if (s->at < s->end && *s->at == '.') {
        s->at++;
        size_t places = take_digits(s);
        if (places == 0)
            return false;
        digits += places;
    }
    out->size = (size_t)(s->at - out->start);
    return digits <= DIGITS_MAX && s->at < s->end && *s->at != 'e' && *s->at != 'E';
}

static bool take_scalar(struct scan *s)
{
    struct slice ignored;
    while (s->at < s->end && *s->at == ' ')
        s->at++;
    if (s->at == s->end)
        return false;
    switch (*s->at) {
    case '"':
        return take_string(s, &ignored);
    case 't':
        return take_word(s, "true");
    case 'f':
        return take_word(s, "false");
    case 'n':
        return take_word(s, "null");
    default:
        return take_number(s, &ignored);
    }
}

static bool is_repeated(const struct slice *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (keys[i].size == keys[n].size && memcmp(keys[i].start, keys[n].start, keys[n].size) == 0)
            return true;
    return false;
}

/* An object of scalars, kept as it stands. */
static bool take_profile(struct scan *s, struct slice *out)
{
    struct slice keys[PROFILE_KEYS_MAX];
    size_t n = 0;
    if (!take(s, '{'))
        return false;
    out->start = s->at - 1;
    if (!take(s, '}')) {
        do {
            if (n == PROFILE_KEYS_MAX || !take_string(s, &keys[n]) || is_repeated(keys, n) ||
                !take(s, ':') || !take_scalar(s))
                return false;
            n++;
        } while (take(s, ','));
        if (!take(s, '}'))
            return false;
    }
    out->size = (size_t)(s->at - out->start);
    return true;
}

static bool take_is_new(struct scan *s, int8_t *out)
{
    while (s->at < s->end && *s->at == ' ')
        s->at++;
    *out = take_word(s, "true") ? 1 : 0;
    return *out == 1 || take_word(s, "false");
}

/* "0", "1", "0.8712": what has at most four places is exact without any rounding. */
static bool take_score(struct scan *s, int32_t *out)
{
    struct slice number;
    while (s->at < s->end && *s->at == ' ')
        s->at++;
    if (!take_number(s, &number) || number.size > 6 || (number.size > 1 && number.start[1] != '.'))
        return false;
    int32_t value = (number.start[0] - '0') * 10000;
    int32_t place = 1000;
    for (size_t i = 2; i < number.size; i++, place /= 10)
        value += (number.start[i] - '0') * place;
    *out = value;
    return number.start[0] >= '0' && value <= 10000;
}

static bool is_address(const struct slice *s)
{
    return s->size >= 1 && s->size <= ADDRESS_CHARACTERS_MAX &&
           memchr(s->start, ' ', s->size) == NULL;
}

static bool is_key(const struct slice *key, const char *name)
{
    return key->size == strlen(name) && memcmp(key->start, name, key->size) == 0;
}

enum {
    SAW_EVENT = 1,
    SAW_ADDRESS = 2,
    SAW_TOKEN = 4,
    SAW_NEW = 8,
    SAW_SCORE = 16,
    SAW_PROFILE = 32
};

struct found {
    struct slice event, address, token, profile;
};

/* Reads the value of one key; returns its SAW_ bit, or 0 when it is not plain. */
static unsigned take_field(struct scan *s, const struct slice *key, struct found *f, wt_wallet *w)
{
    if (is_key(key, "wallet_address"))
        return take_string(s, &f->address) && is_address(&f->address) ? SAW_ADDRESS : 0;
    if (is_key(key, "source_token"))
        return take_string(s, &f->token) && is_address(&f->token) ? SAW_TOKEN : 0;
    if (is_key(key, "initial_score"))
        return take_score(s, &w->score_e4) ? SAW_SCORE : 0;
    if (is_key(key, "is_new"))
        return take_is_new(s, &w->is_new) ? SAW_NEW : 0;
    if (is_key(key, "profile"))
        return take_profile(s, &f->profile) ? SAW_PROFILE : 0;
    if (is_key(key, "event"))
        return take_string(s, &f->event) && is_key(&f->event, "wallet") ? SAW_EVENT : 0;
    return 0;
}

static const char *terminate(const struct slice *s)
{
    s->start[s->size] = '\0';
    return s->start;
}

bool line_scan_wallet(char *text, size_t size, struct line *out)
{
    struct scan s = {text, text + size};
    struct found f = {0};
    wt_wallet w = {.struct_size = sizeof w, .is_new = -1, .score_e4 = WT_NO_SCORE};
    unsigned saw = 0;

    if (!take(&s, '{'))
        return false;
    do {
        struct slice key;
        if (!take_string(&s, &key) || !take(&s, ':'))
            return false;
        unsigned bit = take_field(&s, &key, &f, &w);
        if (bit == 0 || (saw & bit) != 0)
            return false;
        saw |= bit;
    } while (take(&s, ','));
    const unsigned needed = SAW_EVENT | SAW_ADDRESS | SAW_TOKEN;
    if (!take(&s, '}') || s.at != s.end || (saw & needed) != needed)
        return false;

    w.address = terminate(&f.address);
    w.source_token = terminate(&f.token);
    if ((saw & SAW_PROFILE) != 0) {
        w.profile = terminate(&f.profile);
        w.profile_size = (uint32_t)f.profile.size;
    }
    *out = (struct line){.kind = LINE_WALLET, .u.wallet = w};
    return true;
}
