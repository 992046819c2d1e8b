/* The dynamic symbols, and the hash tables by which the loader finds them.
 *
 * Nothing in a file says how many dynamic symbols there are, only how far its hash tables reach.
 */
#include "elf/elf_tables.h"

#include <inttypes.h>
#include <string.h>

/* Longer names are valid, but not worth the time to verify them. */
enum { HASHED_NAME_MAX = 4096 };

Elf64_Sym elf_symbol(const struct elf_symbols *s, uint64_t i)
{
    Elf64_Sym symbol;
    memcpy(&symbol, s->table + i * sizeof symbol, sizeof symbol);
    return symbol;
}

const char *elf_symbol_name(const struct elf_symbols *s, const Elf64_Sym *symbol)
{
    return s->names + symbol->st_name;
}

static uint32_t word_at(const unsigned char *words, uint64_t i)
{
    uint32_t word;
    memcpy(&word, words + i * sizeof word, sizeof word);
    return word;
}

/* ---- DT_HASH: a chain a bucket, linked by symbol numbers ---- */

struct sysv_hash {
    uint32_t n_buckets, n_chains; /* as many chain links as symbols */
    const unsigned char *buckets, *chains;
};

/* In a sound table a symbol is in one chain at most: more steps than symbols mean a circle. */
static int walk_sysv(const struct sysv_hash *h, struct error *err)
{
    uint64_t steps = 0;
    for (uint64_t b = 0; b < h->n_buckets; b++) {
        for (uint32_t i = word_at(h->buckets, b); i != STN_UNDEF; i = word_at(h->chains, i)) {
            if (i >= h->n_chains)
                return ELF_DAMAGED(err, "DT_HASH names symbol %u of %u", i, h->n_chains);
            if (++steps > h->n_chains)
                return ELF_DAMAGED(err, "DT_HASH goes in circles");
        }
    }
    return 0;
}

static int read_sysv(const struct elf_dynamic *d, uint64_t *count, struct error *err)
{
    uint64_t address = d->value[TAG_HASH];
    const unsigned char *words = elf_image_bytes(d->image, address, 2 * sizeof(uint32_t));
    if (words == NULL || address % sizeof(uint32_t) != 0)
        return ELF_DAMAGED(err, "DT_HASH (0x%" PRIx64 ") points outside the file", address);
    struct sysv_hash h = {.n_buckets = word_at(words, 0), .n_chains = word_at(words, 1)};
    uint64_t size = (UINT64_C(2) + h.n_buckets + h.n_chains) * sizeof(uint32_t);
    if (elf_image_bytes(d->image, address, size) == NULL)
        return ELF_DAMAGED(err,
                           "DT_HASH needs %" PRIu64 " bytes at 0x%" PRIx64 ", beyond its segment",
                           size, address);
    h.buckets = words + 2 * sizeof(uint32_t);
    h.chains = h.buckets + (size_t)h.n_buckets * sizeof(uint32_t);
    *count = h.n_chains;
    return walk_sysv(&h, err);
}

/* ---- DT_GNU_HASH: symbols sorted by bucket, the last of a bucket has an odd hash ---- */

struct gnu_hash {
    uint32_t n_buckets, first; /* first: the symbols before it cannot be found */
    uint32_t bloom_words, bloom_shift;
    const unsigned char *buckets, *hashes; /* hashes[0] belongs to symbol `first` */
    uint64_t count;                        /* of all symbols that it reaches      */
};

static int check_gnu_head(const struct gnu_hash *h, struct error *err)
{
    if ((h->bloom_words & (h->bloom_words - 1)) != 0 || h->bloom_words == 0 ||
        h->bloom_shift >= 32 || h->n_buckets == 0)
        return ELF_DAMAGED(err, "DT_GNU_HASH has %u buckets, %u filter words and shift %u",
                           h->n_buckets, h->bloom_words, h->bloom_shift);
    return 0;
}

/* The chain that starts last ends at the last symbol; every other one ends before, or there. */
static int reach_end(struct gnu_hash *h, uint64_t n_hashes, struct error *err)
{
    uint64_t last = 0;
    for (uint64_t b = 0; b < h->n_buckets; b++) {
        uint32_t start = word_at(h->buckets, b);
        if (start != 0 && start < h->first)
            return ELF_DAMAGED(err,
                               "DT_GNU_HASH: bucket %" PRIu64 " starts at symbol %u, before %u", b,
                               start, h->first);
        last = start > last ? start : last;
    }
    h->count = h->first;
    if (last == 0)
        return 0;
    for (uint64_t i = last - h->first; i < n_hashes; i++) {
        if ((word_at(h->hashes, i) & 1) != 0) {
            h->count = h->first + i + 1;
            return 0;
        }
    }
    return ELF_DAMAGED(err, "DT_GNU_HASH: the chain from symbol %" PRIu64 " does not end", last);
}

static int read_gnu(const struct elf_dynamic *d, struct gnu_hash *h, struct error *err)
{
    enum { HEAD = 4 * sizeof(uint32_t) };
    uint64_t address = d->value[TAG_GNU_HASH];
    uint64_t rest = 0;
    const unsigned char *words = elf_image_from(d->image, address, &rest);
    if (words == NULL || rest < HEAD || address % sizeof(uint64_t) != 0)
        return ELF_DAMAGED(err, "DT_GNU_HASH (0x%" PRIx64 ") points outside the file", address);
    *h = (struct gnu_hash){
        .n_buckets = word_at(words, 0),
        .first = word_at(words, 1),
        .bloom_words = word_at(words, 2),
        .bloom_shift = word_at(words, 3),
    };
    uint64_t bloom = (uint64_t)h->bloom_words * sizeof(uint64_t);
    uint64_t buckets = (uint64_t)h->n_buckets * sizeof(uint32_t);
    if (check_gnu_head(h, err) != 0)
        return -1;
    if (HEAD + bloom + buckets > rest)
        return ELF_DAMAGED(
            err, "DT_GNU_HASH needs %" PRIu64 " bytes at 0x%" PRIx64 ", beyond its segment",
            HEAD + bloom + buckets, address);
    h->buckets = words + HEAD + bloom;
    h->hashes = h->buckets + buckets;
    return reach_end(h, (rest - HEAD - bloom - buckets) / sizeof(uint32_t), err);
}

static bool hash_of(const char *name, uint32_t *hash)
{
    *hash = 5381;
    for (size_t i = 0; i < HASHED_NAME_MAX; i++) {
        if (name[i] == '\0')
            return true;
        *hash = *hash * 33 + (unsigned char)name[i];
    }
    return false;
}

/* Symbols, names and hashes are three tables that nobody damages in the same way. */
static int check_gnu_hashes(const struct gnu_hash *h, const struct elf_symbols *s,
                            struct error *err)
{
    for (uint64_t i = h->first; i < h->count; i++) {
        Elf64_Sym symbol = elf_symbol(s, i);
        const char *name = elf_symbol_name(s, &symbol);
        uint32_t noted = word_at(h->hashes, i - h->first);
        uint32_t hash;
        if (!hash_of(name, &hash))
            continue;
        uint32_t start = word_at(h->buckets, hash % h->n_buckets);
        if ((hash ^ noted) > 1 || start == 0 || start > i)
            return ELF_DAMAGED(err, "DT_GNU_HASH does not fit the name of symbol %" PRIu64 ", %s",
                               i, elf_shown(name, s->names_size).text);
    }
    return 0;
}

/* ---- symbols ---- */

static int check_symbol(const struct elf_dynamic *d, const struct elf_symbols *s, uint64_t i,
                        struct error *err)
{
    Elf64_Sym symbol = elf_symbol(s, i);
    if (symbol.st_name >= s->names_size)
        return ELF_DAMAGED(err, "the name of dynamic symbol %" PRIu64 " is outside DT_STRTAB", i);
    /* The loader calls these to learn the address. */
    if (ELF64_ST_TYPE(symbol.st_info) == STT_GNU_IFUNC && symbol.st_shndx != SHN_UNDEF &&
        !elf_image_is_code(d->image, symbol.st_value))
        return ELF_DAMAGED(err, "dynamic symbol %" PRIu64 ", %s, is no code", i,
                           elf_shown(elf_symbol_name(s, &symbol), s->names_size).text);
    return 0;
}

static int read_table(const struct elf_dynamic *d, struct elf_symbols *s, struct error *err)
{
    uint64_t address = d->value[TAG_SYMTAB];
    uint64_t size = s->count * sizeof(Elf64_Sym); /* count is below 2^33 */
    s->names = d->strings;
    s->names_size = d->strings_size;
    s->table = elf_image_bytes(d->image, address, size);
    if (s->table == NULL || address % _Alignof(Elf64_Sym) != 0)
        return ELF_DAMAGED(
            err, "DT_SYMTAB: %" PRIu64 " symbols at 0x%" PRIx64 " are not all in the file",
            s->count, address);
    for (uint64_t i = 0; i < s->count; i++)
        if (check_symbol(d, s, i, err) != 0)
            return -1;
    return 0;
}

int elf_symbols_read(const struct elf_dynamic *d, struct elf_symbols *out, struct error *err)
{
    struct gnu_hash gnu = {0};
    *out = (struct elf_symbols){0};
    if (!d->has[TAG_HASH] && !d->has[TAG_GNU_HASH])
        return ELF_DAMAGED(err, "no symbol can be found in it (neither DT_HASH nor DT_GNU_HASH)");
    if (d->has[TAG_GNU_HASH] && read_gnu(d, &gnu, err) != 0)
        return -1;
    out->count = gnu.count;
    if (d->has[TAG_HASH] && read_sysv(d, &out->count, err) != 0)
        return -1;
    if (out->count < gnu.count)
        return ELF_DAMAGED(err, "DT_HASH has %" PRIu64 " symbols, DT_GNU_HASH has %" PRIu64,
                           out->count, gnu.count);
    if (read_table(d, out, err) != 0)
        return -1;
    return d->has[TAG_GNU_HASH] ? check_gnu_hashes(&gnu, out, err) : 0;
}
