#include "undecided.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

bool undecided_any(const struct batch *b, size_t from, size_t to)
{
    for (size_t i = from; b->undecided > 0 && i < to; i++)
        if (b->entries[i].undecided)
            return true;
    return false;
}

static size_t count(const struct batch *b, size_t from, size_t to)
{
    size_t n = 0;
    for (size_t i = from; i < to; i++)
        n += b->entries[i].undecided;
    return n;
}

bool undecided_arrays(const struct batch *b, size_t from, size_t to, struct rows *wallets,
                      struct rows *runs)
{
    size_t n = count(b, from, to), size;
    copy_array(wallets, COPY_TEXT_TYPE, n);
    copy_array(runs, COPY_UUID_TYPE, n);
    for (size_t i = from; i < to; i++) {
        if (!b->entries[i].undecided)
            continue;
        const char *address = batch_address(b, i, &size);
        copy_bytes(wallets, address, size);
        copy_uuid(runs, &b->entries[i].run_id);
    }
    return !wallets->failed && !runs->failed;
}

/* ---- the wallets of the range, by address ---- */

struct seen {
    size_t entry; /* the first with that address, + 1; 0: free */
    bool others;  /* a later one was of another run            */
};

static uint64_t hash(const char *p, size_t size)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < size; i++)
        h = (h ^ (unsigned char)p[i]) * 1099511628211u;
    return h ^ h >> 32;
}

static struct seen *find(const struct batch *b, struct seen *table, size_t mask, size_t entry)
{
    size_t size, other_size;
    const char *address = batch_address(b, entry, &size);
    for (size_t i = hash(address, size) & mask;; i = (i + 1) & mask) {
        if (table[i].entry == 0)
            return &table[i];
        const char *other = batch_address(b, table[i].entry - 1, &other_size);
        if (size == other_size && memcmp(address, other, size) == 0)
            return &table[i];
    }
}

/* Whether another run found the wallet earlier in the range; notes that this one has. */
static bool seen_before(const struct batch *b, struct seen *table, size_t mask, size_t entry)
{
    struct seen *seen = find(b, table, mask, entry);
    if (seen->entry == 0) {
        seen->entry = entry + 1;
        return false;
    }
    bool same_run = memcmp(&b->entries[seen->entry - 1].run_id, &b->entries[entry].run_id,
                           sizeof(wt_uuid)) == 0;
    bool known = seen->others || !same_run;
    seen->others |= !same_run;
    return known;
}

static size_t table_size(size_t n)
{
    size_t size = 64;
    while (size < 2 * n)
        size *= 2;
    return size;
}

/* The place in the arrays that row `row` of the answer names. */
static size_t place(const PGresult *known, int row)
{
    uint32_t value;
    memcpy(&value, PQgetvalue(known, row, 0), sizeof value);
    return ntohl(value);
}

static void mark_known(const PGresult *known, bool *marks, size_t n)
{
    for (int row = 0; row < PQntuples(known); row++)
        if (place(known, row) >= 1 && place(known, row) <= n)
            marks[place(known, row) - 1] = true;
}

bool undecided_decide(struct batch *b, size_t from, size_t to, const PGresult *known)
{
    size_t n = count(b, from, to), size = table_size(to - from), next = 0;
    struct seen *table = calloc(size, sizeof *table);
    bool *marks = calloc(n + 1, sizeof *marks);
    bool ok = table != NULL && marks != NULL;
    if (ok)
        mark_known(known, marks, n);
    for (size_t i = from; ok && i < to; i++) {
        if (b->entries[i].table != TABLE_WALLETS)
            continue;
        bool before = seen_before(b, table, size - 1, i);
        if (b->entries[i].undecided)
            batch_set_new(b, i, !marks[next++] && !before);
    }
    free(table);
    free(marks);
    return ok;
}
