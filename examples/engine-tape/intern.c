#include "intern.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct intern_entry {
    size_t at; /* in bytes[] */
    uint32_t size;
    uint32_t hash;
};

static uint64_t mix(uint64_t x)
{
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    return x ^ (x >> 32);
}

static uint32_t hash_of(const unsigned char *key, size_t size)
{
    uint64_t hash = size;
    for (; size > 0; hash = mix(hash)) {
        uint64_t word = 0;
        size_t step = size < sizeof word ? size : sizeof word;
        memcpy(&word, key, step);
        hash ^= word;
        key += step;
        size -= step;
    }
    return (uint32_t)mix(hash);
}

/* The slot that holds the key, or the free one where it belongs. */
static size_t slot_of(const struct intern *t, const void *key, size_t size, uint32_t hash)
{
    size_t slot = hash & (t->slot_count - 1);
    for (; t->slots[slot] != 0; slot = (slot + 1) & (t->slot_count - 1)) {
        const struct intern_entry *e = &t->entries[t->slots[slot] - 1];
        if (e->hash == hash && e->size == size && memcmp(t->bytes + e->at, key, size) == 0)
            break;
    }
    return slot;
}

static bool grow_slots(struct intern *t)
{
    size_t count = t->slot_count == 0 ? 64 : 2 * t->slot_count;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (slots == NULL)
        return false;
    free(t->slots);
    t->slots = slots;
    t->slot_count = count;
    for (uint32_t i = 0; i < t->count; i++) {
        size_t slot = t->entries[i].hash & (count - 1);
        while (slots[slot] != 0)
            slot = (slot + 1) & (count - 1);
        slots[slot] = i + 1;
    }
    return true;
}

static bool grow_entries(struct intern *t)
{
    if (t->count >= UINT32_MAX / 2)
        return false;
    uint32_t room = t->entry_room == 0 ? 32 : 2 * t->entry_room;
    struct intern_entry *entries = reallocarray(t->entries, room, sizeof *entries);
    if (entries == NULL)
        return false;
    t->entries = entries;
    t->entry_room = room;
    return true;
}

static bool grow_bytes(struct intern *t, size_t more)
{
    size_t room = 2 * t->room + more;
    char *bytes = realloc(t->bytes, room);
    if (bytes == NULL)
        return false;
    t->bytes = bytes;
    t->room = room;
    return true;
}

static bool make_room(struct intern *t, size_t size)
{
    return (2 * ((size_t)t->count + 1) <= t->slot_count || grow_slots(t)) &&
           (t->count < t->entry_room || grow_entries(t)) &&
           (size + 1 <= t->room - t->used || grow_bytes(t, size + 1));
}

uint32_t intern_add(struct intern *t, const void *key, size_t size)
{
    if (size >= UINT32_MAX || !make_room(t, size))
        return INTERN_FAILED;
    uint32_t hash = hash_of(key, size);
    size_t slot = slot_of(t, key, size, hash);
    if (t->slots[slot] != 0)
        return t->slots[slot] - 1;

    t->entries[t->count] = (struct intern_entry){t->used, (uint32_t)size, hash};
    memcpy(t->bytes + t->used, key, size);
    t->bytes[t->used + size] = '\0';
    t->used += size + 1;
    t->slots[slot] = ++t->count;
    return t->count - 1;
}

const char *intern_text(const struct intern *t, uint32_t number)
{
    return t->bytes + t->entries[number].at;
}

void intern_free(struct intern *t)
{
    free(t->entries);
    free(t->slots);
    free(t->bytes);
    *t = (struct intern){0};
}
