#include "run/seen.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { PARTS = 256, FIRST_ROOM = 16 };

struct key {
    uint64_t high, low; /* both 0 marks a free place */
};

struct part {
    struct key *places;
    size_t used, room; /* room is a power of two */
};

struct seen {
    struct part parts[PARTS];
    uint64_t secret[4]; /* so that no engine can aim its addresses at one place */
    size_t count;
};

struct seen *seen_new(void)
{
    struct seen *s = calloc(1, sizeof *s);
    if (s != NULL && getrandom(s->secret, sizeof s->secret, 0) != (ssize_t)sizeof s->secret)
        abort(); /* up to 256 bytes always come whole */
    return s;
}

void seen_free(struct seen *s)
{
    if (s == NULL)
        return;
    for (size_t i = 0; i < PARTS; i++)
        free(s->parts[i].places);
    free(s);
}

/* Multiplies to 128 bits and folds: every input bit reaches every output bit. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static void hash_text(struct key *k, const struct seen *s, const char *text)
{
    size_t size = strlen(text);
    for (size_t at = 0; at < size; at += 8) {
        uint64_t word = 0;
        memcpy(&word, text + at, size - at < 8 ? size - at : 8);
        k->high = mix(k->high ^ word, s->secret[0] | 1) + word;
        k->low = mix(k->low ^ word, s->secret[1] | 1) + (word << 1);
    }
    /* The length keeps ("ab", "c") apart from ("a", "bc"). */
    k->high = mix(k->high ^ size, s->secret[2] | 1);
    k->low = mix(k->low ^ size, s->secret[3] | 1);
}

static bool is_free(const struct key *k)
{
    return k->high == 0 && k->low == 0;
}

static struct key *find_place(const struct part *p, const struct key *k)
{
    size_t i = (size_t)(k->low >> 8) & (p->room - 1);
    while (!is_free(&p->places[i]) && (p->places[i].high != k->high || p->places[i].low != k->low))
        i = (i + 1) & (p->room - 1);
    return &p->places[i];
}

static bool grow(struct part *p)
{
    struct part bigger = {.used = p->used, .room = p->room > 0 ? p->room * 2 : FIRST_ROOM};
    bigger.places = calloc(bigger.room, sizeof *bigger.places);
    if (bigger.places == NULL)
        return false;
    for (size_t i = 0; i < p->room; i++)
        if (!is_free(&p->places[i]))
            *find_place(&bigger, &p->places[i]) = p->places[i];
    free(p->places);
    *p = bigger;
    return true;
}

enum seen_answer seen_add(struct seen *s, const char *a, const char *b)
{
    struct key k = {s->secret[0], s->secret[1]};
    hash_text(&k, s, a);
    hash_text(&k, s, b);
    if (is_free(&k))
        k.low = 1;

    struct part *p = &s->parts[k.low & (PARTS - 1)];
    if (p->used * 2 >= p->room && !grow(p))
        return SEEN_NO_MEMORY;
    struct key *place = find_place(p, &k);
    if (!is_free(place))
        return SEEN_BEFORE;
    *place = k;
    p->used++;
    s->count++;
    return SEEN_FIRST;
}

size_t seen_count(const struct seen *s)
{
    return s->count;
}
