/* Symbol versions: DT_VERSYM gives each dynamic symbol an index into what DT_VERNEED (asked of
 * other libraries) and DT_VERDEF (defined here) declare.  The loader keeps an array up to the
 * highest declared index, and trusts DT_VERSYM to stay below that.
 */
#include "elf/elf_tables.h"

#include <inttypes.h>
#include <string.h>

enum { INDEX_MASK = 0x7fff, INDEXES = INDEX_MASK + 1 };

struct versions {
    const struct elf_dynamic *d;
    uint64_t entries;                 /* in both tables, so far */
    unsigned char known[INDEXES / 8]; /* a bit an index         */
};

static void declare(struct versions *v, unsigned index)
{
    v->known[index / 8] |= (unsigned char)(1u << index % 8);
}

static bool is_declared(const struct versions *v, unsigned index)
{
    return (v->known[index / 8] >> index % 8 & 1) != 0;
}

/* Copies what is at `address`; false when it is outside the file. */
static bool fetch(const struct versions *v, uint64_t address, void *out, size_t size)
{
    const unsigned char *bytes = elf_image_bytes(v->d->image, address, size);
    if (bytes == NULL || address % sizeof(uint32_t) != 0)
        return false;
    memcpy(out, bytes, size);
    return true;
}

/* A step of a chain: its last entry, and only that, has no next one. */
static bool goes_on_well(uint64_t i, uint64_t count, uint32_t next)
{
    return (i + 1 == count) == (next == 0);
}

/* There are no more versions than indexes; so tables that run into themselves end, too. */
static bool is_one_too_many(struct versions *v)
{
    return ++v->entries > INDEXES;
}

static bool read_needed_versions(struct versions *v, uint64_t at, unsigned count)
{
    Elf64_Vernaux version;
    for (unsigned i = 0; i < count; i++, at += version.vna_next) {
        if (is_one_too_many(v) || !fetch(v, at, &version, sizeof version) ||
            !goes_on_well(i, count, version.vna_next) ||
            elf_dynamic_string(v->d, version.vna_name) == NULL ||
            (version.vna_other & INDEX_MASK) <= VER_NDX_GLOBAL)
            return false;
        declare(v, version.vna_other & INDEX_MASK);
    }
    return true;
}

static int read_needed(struct versions *v, struct error *err)
{
    uint64_t at = v->d->value[TAG_VERNEED];
    uint64_t count = v->d->value[TAG_VERNEEDNUM];
    Elf64_Verneed need;
    for (uint64_t i = 0; i < count; i++, at += need.vn_next) {
        if (is_one_too_many(v) || !fetch(v, at, &need, sizeof need) || need.vn_version != 1 ||
            !goes_on_well(i, count, need.vn_next) || need.vn_cnt == 0 ||
            !read_needed_versions(v, at + need.vn_aux, need.vn_cnt))
            return ELF_DAMAGED(err, "DT_VERNEED: entry %" PRIu64 " of %" PRIu64, i, count);
        const char *file = elf_dynamic_string(v->d, need.vn_file);
        if (file == NULL || !elf_dynamic_needs(v->d, file))
            return ELF_DAMAGED(err, "DT_VERNEED: no DT_NEEDED for the file of entry %" PRIu64, i);
    }
    return 0;
}

static bool read_names(struct versions *v, uint64_t at, unsigned count)
{
    Elf64_Verdaux name;
    for (unsigned i = 0; i < count; i++, at += name.vda_next)
        if (is_one_too_many(v) || !fetch(v, at, &name, sizeof name) ||
            !goes_on_well(i, count, name.vda_next) ||
            elf_dynamic_string(v->d, name.vda_name) == NULL)
            return false;
    return true;
}

static int read_defined(struct versions *v, struct error *err)
{
    uint64_t at = v->d->value[TAG_VERDEF];
    uint64_t count = v->d->value[TAG_VERDEFNUM];
    Elf64_Verdef def;
    for (uint64_t i = 0; i < count; i++, at += def.vd_next) {
        if (is_one_too_many(v) || !fetch(v, at, &def, sizeof def) || def.vd_version != 1 ||
            !goes_on_well(i, count, def.vd_next) || def.vd_cnt == 0 ||
            (def.vd_ndx & INDEX_MASK) == VER_NDX_LOCAL ||
            !read_names(v, at + def.vd_aux, def.vd_cnt))
            return ELF_DAMAGED(err, "DT_VERDEF: entry %" PRIu64 " of %" PRIu64, i, count);
        declare(v, def.vd_ndx & INDEX_MASK);
    }
    return 0;
}

static int check_indexes(const struct versions *v, const struct elf_symbols *s, struct error *err)
{
    uint64_t address = v->d->value[TAG_VERSYM];
    const unsigned char *indexes =
        elf_image_bytes(v->d->image, address, s->count * sizeof(Elf64_Versym));
    if (indexes == NULL || address % sizeof(Elf64_Versym) != 0)
        return ELF_DAMAGED(err, "DT_VERSYM (0x%" PRIx64 ") has no version for each symbol",
                           address);
    for (uint64_t i = 0; i < s->count; i++) {
        Elf64_Versym index;
        memcpy(&index, indexes + i * sizeof index, sizeof index);
        if (!is_declared(v, index & INDEX_MASK))
            return ELF_DAMAGED(err, "DT_VERSYM: symbol %" PRIu64 " has the unknown version %u", i,
                               index & INDEX_MASK);
    }
    return 0;
}

int elf_versions_check(const struct elf_dynamic *d, const struct elf_symbols *s, struct error *err)
{
    struct versions v = {.d = d};
    bool some = d->value[TAG_VERNEEDNUM] > 0 || d->value[TAG_VERDEFNUM] > 0;
    if (d->has[TAG_VERSYM] != some)
        return ELF_DAMAGED(err, "DT_VERSYM goes with DT_VERNEED or DT_VERDEF");
    if (!some)
        return 0;
    declare(&v, VER_NDX_LOCAL);
    declare(&v, VER_NDX_GLOBAL);
    if (read_needed(&v, err) != 0 || read_defined(&v, err) != 0)
        return -1;
    return check_indexes(&v, s, err);
}
