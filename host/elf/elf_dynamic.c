#include "elf/elf_dynamic.h"

#include <inttypes.h>
#include <string.h>

/* Linkers write about thirty. */
enum { ENTRIES_MAX = 4096 };

static const struct {
    int64_t tag;
    const char *name;
} tags[TAG_COUNT] = {
    [TAG_STRTAB] = {DT_STRTAB, "DT_STRTAB"},
    [TAG_STRSZ] = {DT_STRSZ, "DT_STRSZ"},
    [TAG_SYMTAB] = {DT_SYMTAB, "DT_SYMTAB"},
    [TAG_SYMENT] = {DT_SYMENT, "DT_SYMENT"},
    [TAG_HASH] = {DT_HASH, "DT_HASH"},
    [TAG_GNU_HASH] = {DT_GNU_HASH, "DT_GNU_HASH"},
    [TAG_RELA] = {DT_RELA, "DT_RELA"},
    [TAG_RELASZ] = {DT_RELASZ, "DT_RELASZ"},
    [TAG_RELAENT] = {DT_RELAENT, "DT_RELAENT"},
    [TAG_RELACOUNT] = {DT_RELACOUNT, "DT_RELACOUNT"},
    [TAG_JMPREL] = {DT_JMPREL, "DT_JMPREL"},
    [TAG_PLTRELSZ] = {DT_PLTRELSZ, "DT_PLTRELSZ"},
    [TAG_PLTREL] = {DT_PLTREL, "DT_PLTREL"},
    [TAG_PLTGOT] = {DT_PLTGOT, "DT_PLTGOT"},
    [TAG_RELR] = {DT_RELR, "DT_RELR"},
    [TAG_RELRSZ] = {DT_RELRSZ, "DT_RELRSZ"},
    [TAG_RELRENT] = {DT_RELRENT, "DT_RELRENT"},
    [TAG_INIT] = {DT_INIT, "DT_INIT"},
    [TAG_FINI] = {DT_FINI, "DT_FINI"},
    [TAG_INIT_ARRAY] = {DT_INIT_ARRAY, "DT_INIT_ARRAY"},
    [TAG_INIT_ARRAYSZ] = {DT_INIT_ARRAYSZ, "DT_INIT_ARRAYSZ"},
    [TAG_FINI_ARRAY] = {DT_FINI_ARRAY, "DT_FINI_ARRAY"},
    [TAG_FINI_ARRAYSZ] = {DT_FINI_ARRAYSZ, "DT_FINI_ARRAYSZ"},
    [TAG_VERSYM] = {DT_VERSYM, "DT_VERSYM"},
    [TAG_VERNEED] = {DT_VERNEED, "DT_VERNEED"},
    [TAG_VERNEEDNUM] = {DT_VERNEEDNUM, "DT_VERNEEDNUM"},
    [TAG_VERDEF] = {DT_VERDEF, "DT_VERDEF"},
    [TAG_VERDEFNUM] = {DT_VERDEFNUM, "DT_VERDEFNUM"},
};

Elf64_Dyn elf_dynamic_entry(const struct elf_dynamic *d, size_t i)
{
    Elf64_Dyn entry;
    memcpy(&entry, d->entries + i * sizeof entry, sizeof entry);
    return entry;
}

const char *elf_dynamic_string(const struct elf_dynamic *d, uint64_t offset)
{
    return offset < d->strings_size ? d->strings + offset : NULL;
}

bool elf_dynamic_needs(const struct elf_dynamic *d, const char *name)
{
    for (size_t i = 0; i < d->n_entries; i++) {
        Elf64_Dyn entry = elf_dynamic_entry(d, i);
        const char *needed = elf_dynamic_string(d, entry.d_un.d_val);
        if (entry.d_tag == DT_NEEDED && needed != NULL && strcmp(needed, name) == 0)
            return true;
    }
    return false;
}

/* ---- the section itself ---- */

static int note_tag(struct elf_dynamic *d, Elf64_Dyn entry, struct error *err)
{
    for (unsigned t = 0; t < TAG_COUNT; t++) {
        if (tags[t].tag != entry.d_tag)
            continue;
        if (d->has[t])
            return ELF_DAMAGED(err, "%s comes twice in the dynamic section", tags[t].name);
        d->has[t] = true;
        d->value[t] = entry.d_un.d_val;
    }
    return 0;
}

/* The loader goes on to the DT_NULL, whatever the size of the section. */
static int read_entries(struct elf_dynamic *d, uint64_t size, struct error *err)
{
    for (; d->n_entries < ENTRIES_MAX && (d->n_entries + 1) * sizeof(Elf64_Dyn) <= size;
         d->n_entries++) {
        Elf64_Dyn entry = elf_dynamic_entry(d, d->n_entries);
        if (entry.d_tag == DT_NULL)
            return 0;
        if (note_tag(d, entry, err) != 0)
            return -1;
    }
    return ELF_DAMAGED(err, "the dynamic section does not end in DT_NULL");
}

static int find_section(const struct elf_image *image, struct elf_dynamic *d, struct error *err)
{
    const Elf64_Phdr *section = elf_image_segment(image, PT_DYNAMIC);
    if (section == NULL)
        return error_set(err, ENOEXEC, "no dynamic section: link it with -shared");
    if (section->p_vaddr % _Alignof(Elf64_Dyn) != 0)
        return ELF_DAMAGED(err, "the dynamic section is at address 0x%" PRIx64, section->p_vaddr);
    /* The loader turns the offsets in it into pointers, in place. */
    if (!elf_image_holds(image, section->p_vaddr, section->p_memsz, PF_W))
        return ELF_DAMAGED(err, "the dynamic section is not writable");
    d->entries = elf_image_bytes(image, section->p_vaddr, section->p_filesz);
    return d->entries != NULL ? read_entries(d, section->p_filesz, err)
                              : ELF_DAMAGED(err, "the dynamic section is not in the file");
}

/* ---- the tables that it names ---- */

static const struct table {
    enum elf_tag address, size; /* both or neither */
    enum elf_tag entry;         /* TAG_COUNT: none; else it goes with the two above */
    uint64_t entry_value;
    unsigned unit; /* size is a multiple of it  */
    unsigned alignment;
} tables[] = {
    {TAG_STRTAB, TAG_STRSZ, TAG_COUNT, 0, 1, 1},
    {TAG_RELA, TAG_RELASZ, TAG_RELAENT, sizeof(Elf64_Rela), sizeof(Elf64_Rela), 8},
    {TAG_JMPREL, TAG_PLTRELSZ, TAG_PLTREL, DT_RELA, sizeof(Elf64_Rela), 8},
    {TAG_RELR, TAG_RELRSZ, TAG_RELRENT, sizeof(Elf64_Relr), sizeof(Elf64_Relr), 8},
    {TAG_INIT_ARRAY, TAG_INIT_ARRAYSZ, TAG_COUNT, 0, sizeof(Elf64_Addr), 8},
    {TAG_FINI_ARRAY, TAG_FINI_ARRAYSZ, TAG_COUNT, 0, sizeof(Elf64_Addr), 8},
};

static int check_together(const struct elf_dynamic *d, enum elf_tag a, enum elf_tag b,
                          struct error *err)
{
    if (d->has[a] == d->has[b])
        return 0;
    return ELF_DAMAGED(err, "%s without %s", tags[d->has[a] ? a : b].name,
                       tags[d->has[a] ? b : a].name);
}

static int check_table(const struct elf_dynamic *d, const struct table *t, struct error *err)
{
    uint64_t address = d->value[t->address];
    uint64_t size = d->value[t->size];
    if (check_together(d, t->address, t->size, err) != 0)
        return -1;
    if (t->entry != TAG_COUNT && check_together(d, t->address, t->entry, err) != 0)
        return -1;
    if (!d->has[t->address])
        return 0;
    if (t->entry != TAG_COUNT && d->value[t->entry] != t->entry_value)
        return ELF_DAMAGED(err, "%s is %" PRIu64 " instead of %" PRIu64, tags[t->entry].name,
                           d->value[t->entry], t->entry_value);
    if (size % t->unit != 0 || address % t->alignment != 0)
        return ELF_DAMAGED(err, "%s is 0x%" PRIx64 " and %s %" PRIu64 ": not whole entries",
                           tags[t->address].name, address, tags[t->size].name, size);
    if (size > 0 && elf_image_bytes(d->image, address, size) == NULL)
        return ELF_DAMAGED(err, "%s (%" PRIu64 " bytes at 0x%" PRIx64 ") points outside the file",
                           tags[t->address].name, size, address);
    return 0;
}

static int check_tables(const struct elf_dynamic *d, struct error *err)
{
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        if (check_table(d, &tables[i], err) != 0)
            return -1;
    if (check_together(d, TAG_VERNEED, TAG_VERNEEDNUM, err) != 0 ||
        check_together(d, TAG_VERDEF, TAG_VERDEFNUM, err) != 0 ||
        check_together(d, TAG_SYMTAB, TAG_SYMENT, err) != 0)
        return -1;
    if (d->has[TAG_RELACOUNT] &&
        d->value[TAG_RELACOUNT] > d->value[TAG_RELASZ] / sizeof(Elf64_Rela))
        return ELF_DAMAGED(err, "DT_RELACOUNT is %" PRIu64 ", more than DT_RELASZ has room for",
                           d->value[TAG_RELACOUNT]);
    return 0;
}

static int check_code(const struct elf_dynamic *d, enum elf_tag tag, struct error *err)
{
    if (!d->has[tag] || elf_image_is_code(d->image, d->value[tag]))
        return 0;
    return ELF_DAMAGED(err, "%s (0x%" PRIx64 ") points at no code", tags[tag].name, d->value[tag]);
}

/* The procedure linkage table writes its own words, beside those that are relocated. */
static int check_places(const struct elf_dynamic *d, struct error *err)
{
    if (check_code(d, TAG_INIT, err) != 0 || check_code(d, TAG_FINI, err) != 0)
        return -1;
    if (d->has[TAG_PLTGOT] && d->has[TAG_JMPREL] &&
        !elf_image_holds(d->image, d->value[TAG_PLTGOT], sizeof(Elf64_Addr), PF_W))
        return ELF_DAMAGED(err, "DT_PLTGOT (0x%" PRIx64 ") is not in writable memory",
                           d->value[TAG_PLTGOT]);
    return 0;
}

static int read_strings(struct elf_dynamic *d, struct error *err)
{
    if (!d->has[TAG_STRTAB] || !d->has[TAG_SYMTAB] || d->value[TAG_STRSZ] == 0)
        return ELF_DAMAGED(err, "no dynamic symbols (DT_SYMTAB, DT_STRTAB)");
    if (d->value[TAG_SYMENT] != sizeof(Elf64_Sym))
        return ELF_DAMAGED(err, "DT_SYMENT is %" PRIu64 " instead of %zu", d->value[TAG_SYMENT],
                           sizeof(Elf64_Sym));
    d->strings_size = d->value[TAG_STRSZ];
    d->strings = (const char *)elf_image_bytes(d->image, d->value[TAG_STRTAB], d->strings_size);
    if (d->strings == NULL || d->strings[d->strings_size - 1] != '\0')
        return ELF_DAMAGED(err, "the string table (DT_STRTAB) does not end in a NUL");
    return 0;
}

static int check_needed(const struct elf_dynamic *d, struct error *err)
{
    for (size_t i = 0; i < d->n_entries; i++) {
        Elf64_Dyn entry = elf_dynamic_entry(d, i);
        if (entry.d_tag != DT_NEEDED)
            continue;
        const char *name = elf_dynamic_string(d, entry.d_un.d_val);
        if (name == NULL || *name == '\0')
            return ELF_DAMAGED(err, "a needed library (DT_NEEDED) has no name");
    }
    return 0;
}

int elf_dynamic_read(const struct elf_image *image, struct elf_dynamic *out, struct error *err)
{
    *out = (struct elf_dynamic){.image = image};
    if (find_section(image, out, err) != 0 || check_tables(out, err) != 0 ||
        check_places(out, err) != 0 || read_strings(out, err) != 0)
        return -1;
    return check_needed(out, err);
}
