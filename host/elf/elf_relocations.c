/* Relocations: where the loader writes, and what it needs for that.
 *
 * Those of constructors and destructors are also counted: one without a relocation would be called
 * at the address that it has in the file.
 */
#include "elf/elf_tables.h"

#include <inttypes.h>
#include <string.h>

#if defined __x86_64__
enum {
    RELOC_NONE = R_X86_64_NONE,
    RELOC_WORD = R_X86_64_64,
    RELOC_GLOBAL = R_X86_64_GLOB_DAT,
    RELOC_JUMP = R_X86_64_JUMP_SLOT,
    RELOC_RELATIVE = R_X86_64_RELATIVE,
    RELOC_RESOLVED = R_X86_64_IRELATIVE
};
#else
enum {
    RELOC_NONE = R_AARCH64_NONE,
    RELOC_WORD = R_AARCH64_ABS64,
    RELOC_GLOBAL = R_AARCH64_GLOB_DAT,
    RELOC_JUMP = R_AARCH64_JUMP_SLOT,
    RELOC_RELATIVE = R_AARCH64_RELATIVE,
    RELOC_RESOLVED = R_AARCH64_IRELATIVE
};
#endif

/* DT_INIT_ARRAY or DT_FINI_ARRAY. */
struct calls {
    const char *name;
    uint64_t address, size;
    uint64_t relocated; /* words */
};

struct walk {
    const struct elf_dynamic *d;
    const struct elf_symbols *symbols;
    const Elf64_Phdr *dynamic;
    struct calls init, fini;
};

struct relocations {
    const char *name;
    enum elf_tag address, size;
    uint64_t relative; /* so many at its start are relative: the loader does not look */
    bool only_jumps;   /* of the procedure linkage table                              */
};

static struct calls *calls_at(struct walk *w, uint64_t target)
{
    struct calls *both[] = {&w->init, &w->fini};
    for (size_t i = 0; i < 2; i++)
        if (target >= both[i]->address && target - both[i]->address < both[i]->size)
            return both[i];
    return NULL;
}

/* The word at `target` will be written; `callable`: what it will hold then can be called. */
static bool may_write(struct walk *w, uint64_t target, bool callable)
{
    if (!elf_image_holds(w->d->image, target, sizeof(Elf64_Addr), PF_W) ||
        (target + sizeof(Elf64_Addr) > w->dynamic->p_vaddr &&
         target < w->dynamic->p_vaddr + w->dynamic->p_memsz))
        return false;
    struct calls *calls = calls_at(w, target);
    if (calls == NULL)
        return true;
    calls->relocated++;
    return callable && (target - calls->address) % sizeof(Elf64_Addr) == 0;
}

/* ---- DT_RELA and DT_JMPREL ---- */

/* What another library will give cannot be known here. */
static bool is_callable(const struct walk *w, const Elf64_Rela *r)
{
    Elf64_Sym symbol = elf_symbol(w->symbols, ELF64_R_SYM(r->r_info));
    return symbol.st_shndx == SHN_UNDEF ||
           elf_image_is_code(w->d->image, symbol.st_value + (uint64_t)r->r_addend);
}

static bool is_fine(struct walk *w, const struct relocations *table, const Elf64_Rela *r)
{
    if (ELF64_R_SYM(r->r_info) >= w->symbols->count)
        return false;
    switch (ELF64_R_TYPE(r->r_info)) {
    case RELOC_NONE: /* left over; its place says whether it is an entry at all */
        return r->r_offset == 0 || elf_image_holds(w->d->image, r->r_offset, 1, PF_R);
    case RELOC_JUMP:
        return may_write(w, r->r_offset, is_callable(w, r));
    case RELOC_RESOLVED:
        return elf_image_is_code(w->d->image, (uint64_t)r->r_addend) &&
               may_write(w, r->r_offset, true);
    case RELOC_WORD:
    case RELOC_GLOBAL:
        return !table->only_jumps && may_write(w, r->r_offset, is_callable(w, r));
    case RELOC_RELATIVE:
        return !table->only_jumps &&
               may_write(w, r->r_offset, elf_image_is_code(w->d->image, (uint64_t)r->r_addend));
    default:
        return false;
    }
}

static int refuse(const struct walk *w, const struct relocations *table, uint64_t i,
                  const Elf64_Rela *r, struct error *err)
{
    uint64_t n = ELF64_R_SYM(r->r_info);
    if (n >= w->symbols->count)
        return ELF_DAMAGED(err, "%s: relocation %" PRIu64 " names symbol %" PRIu64 " of %" PRIu64,
                           table->name, i, n, w->symbols->count);
    Elf64_Sym symbol = elf_symbol(w->symbols, n);
    struct elf_shown name = elf_shown(elf_symbol_name(w->symbols, &symbol), w->symbols->names_size);
    return ELF_DAMAGED(err,
                       "%s: relocation %" PRIu64 " (type %u, symbol \"%s\") at 0x%" PRIx64
                       " is not one that it may have there",
                       table->name, i, (unsigned)ELF64_R_TYPE(r->r_info), name.text, r->r_offset);
}

static int check_rela(struct walk *w, const struct relocations *table, struct error *err)
{
    uint64_t size = w->d->value[table->size];
    const unsigned char *bytes = elf_image_bytes(w->d->image, w->d->value[table->address], size);
    for (uint64_t i = 0; bytes != NULL && i < size / sizeof(Elf64_Rela); i++) {
        Elf64_Rela r;
        memcpy(&r, bytes + i * sizeof r, sizeof r);
        if (!is_fine(w, table, &r) ||
            (i < table->relative && ELF64_R_TYPE(r.r_info) != RELOC_RELATIVE))
            return refuse(w, table, i, &r, err);
    }
    return 0;
}

/* ---- DT_RELR: an even word is an address, an odd one a bitmap of the 63 words that follow ---- */

static bool may_shift(struct walk *w, uint64_t target)
{
    uint64_t value;
    const unsigned char *word = elf_image_bytes(w->d->image, target, sizeof value);
    if (word == NULL)
        return false;
    memcpy(&value, word, sizeof value);
    return may_write(w, target, elf_image_is_code(w->d->image, value));
}

static bool may_shift_all(struct walk *w, uint64_t base, uint64_t bitmap)
{
    for (unsigned i = 0; (bitmap >>= 1) != 0; i++)
        if ((bitmap & 1) != 0 && !may_shift(w, base + i * sizeof(Elf64_Addr)))
            return false;
    return true;
}

static int check_relr(struct walk *w, struct error *err)
{
    uint64_t size = w->d->value[TAG_RELRSZ];
    const unsigned char *bytes = elf_image_bytes(w->d->image, w->d->value[TAG_RELR], size);
    uint64_t next = 0; /* where the next bitmap begins; 0: no address has come yet */
    for (uint64_t i = 0; bytes != NULL && i < size / sizeof(Elf64_Relr); i++) {
        Elf64_Relr entry;
        memcpy(&entry, bytes + i * sizeof entry, sizeof entry);
        bool is_address = (entry & 1) == 0;
        if (is_address ? !may_shift(w, entry) : next == 0 || !may_shift_all(w, next, entry))
            return ELF_DAMAGED(err, "DT_RELR: entry %" PRIu64 " leads outside writable memory", i);
        next = is_address ? entry + sizeof(Elf64_Addr) : next + 63 * sizeof(Elf64_Addr);
    }
    return 0;
}

/* ---- all ---- */

static int check_calls(const struct calls *c, struct error *err)
{
    if (c->relocated * sizeof(Elf64_Addr) == c->size)
        return 0;
    return ELF_DAMAGED(err, "%s has %" PRIu64 " functions, but %" PRIu64 " relocations", c->name,
                       c->size / sizeof(Elf64_Addr), c->relocated);
}

int elf_relocations_check(const struct elf_dynamic *d, const struct elf_symbols *s,
                          struct error *err)
{
    struct walk w = {
        .d = d,
        .symbols = s,
        .dynamic = elf_image_segment(d->image, PT_DYNAMIC),
        .init = {"DT_INIT_ARRAY", d->value[TAG_INIT_ARRAY], d->value[TAG_INIT_ARRAYSZ], 0},
        .fini = {"DT_FINI_ARRAY", d->value[TAG_FINI_ARRAY], d->value[TAG_FINI_ARRAYSZ], 0},
    };
    const struct relocations all = {"DT_RELA", TAG_RELA, TAG_RELASZ, d->value[TAG_RELACOUNT],
                                    false};
    const struct relocations jumps = {"DT_JMPREL", TAG_JMPREL, TAG_PLTRELSZ, 0, true};
    if (check_rela(&w, &all, err) != 0 || check_rela(&w, &jumps, err) != 0 ||
        check_relr(&w, err) != 0 || check_calls(&w.init, err) != 0)
        return -1;
    return check_calls(&w.fini, err);
}
