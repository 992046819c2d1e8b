/* What section headers add: symbols for debuggers, and a second opinion on what the loader calls.
 * The loader never looks at them, and a stripped or cut file may not have them: then, or when they
 * are damaged, there is nothing to say.
 */
#include "elf/elf_tables.h"

#include <inttypes.h>
#include <string.h>

static Elf64_Shdr section_at(const struct elf_image *image, unsigned i)
{
    Elf64_Shdr section;
    memcpy(&section, image->bytes + image->header.e_shoff + (size_t)i * sizeof section,
           sizeof section);
    return section;
}

static bool is_inside(const struct elf_image *image, const Elf64_Shdr *section)
{
    return section->sh_type == SHT_NOBITS || (section->sh_offset <= image->size &&
                                              section->sh_size <= image->size - section->sh_offset);
}

static bool are_sound(const struct elf_image *image)
{
    const Elf64_Ehdr *h = &image->header;
    if (h->e_shentsize != sizeof(Elf64_Shdr) || h->e_shnum == 0 || h->e_shoff > image->size ||
        h->e_shnum > (image->size - h->e_shoff) / sizeof(Elf64_Shdr) ||
        section_at(image, 0).sh_type != SHT_NULL || h->e_shstrndx >= h->e_shnum ||
        section_at(image, h->e_shstrndx).sh_type != SHT_STRTAB)
        return false;
    for (unsigned i = 1; i < h->e_shnum; i++) {
        Elf64_Shdr section = section_at(image, i);
        if (!is_inside(image, &section))
            return false;
    }
    return true;
}

/* ---- symbols ---- */

static bool names_are_inside(const struct elf_symbols *s)
{
    if (s->names_size == 0 || s->names[s->names_size - 1] != '\0')
        return false;
    for (uint64_t i = 0; i < s->count; i++)
        if (elf_symbol(s, i).st_name >= s->names_size)
            return false;
    return true;
}

static bool read_symbols(const struct elf_image *image, const Elf64_Shdr *table,
                         struct elf_symbols *out)
{
    if (table->sh_entsize != sizeof(Elf64_Sym) || table->sh_link >= image->header.e_shnum)
        return false;
    Elf64_Shdr names = section_at(image, table->sh_link);
    if (names.sh_type != SHT_STRTAB)
        return false;
    *out = (struct elf_symbols){
        .table = image->bytes + table->sh_offset,
        .count = table->sh_size / sizeof(Elf64_Sym),
        .names = (const char *)image->bytes + names.sh_offset,
        .names_size = names.sh_size,
    };
    return names_are_inside(out);
}

bool elf_symbols_find_static(const struct elf_image *image, struct elf_symbols *out)
{
    if (!are_sound(image))
        return false;
    for (unsigned i = 1; i < image->header.e_shnum; i++) {
        Elf64_Shdr section = section_at(image, i);
        if (section.sh_type == SHT_SYMTAB)
            return read_symbols(image, &section, out);
    }
    return false;
}

/* ---- what the loader maps and calls ---- */

static bool is_mapped(const struct elf_image *image, const Elf64_Shdr *section)
{
    if (section->sh_type == SHT_NOBITS)
        return elf_image_holds(image, section->sh_addr, section->sh_size, PF_R);
    const unsigned char *bytes = elf_image_bytes(image, section->sh_addr, section->sh_size);
    return bytes != NULL && (uint64_t)(bytes - image->bytes) == section->sh_offset;
}

static int check_segments(const struct elf_image *image, struct error *err)
{
    for (unsigned i = 1; i < image->header.e_shnum; i++) {
        Elf64_Shdr section = section_at(image, i);
        bool lives = (section.sh_flags & SHF_ALLOC) != 0 && section.sh_size > 0;
        if (lives && !is_mapped(image, &section))
            return ELF_DAMAGED(err,
                               "section %u (%" PRIu64 " bytes at 0x%" PRIx64
                               ") is not where the segments have it",
                               i, section.sh_size, section.sh_addr);
    }
    return 0;
}

static bool begins_section(const struct elf_image *image, uint64_t address)
{
    for (unsigned i = 1; i < image->header.e_shnum; i++) {
        Elf64_Shdr section = section_at(image, i);
        if ((section.sh_flags & SHF_ALLOC) != 0 && section.sh_addr == address)
            return true;
    }
    return false;
}

static int check_calls(const struct elf_dynamic *d, struct error *err)
{
    static const struct {
        enum elf_tag tag;
        const char *name;
    } called[] = {
        {TAG_INIT, "DT_INIT"},
        {TAG_FINI, "DT_FINI"},
        {TAG_INIT_ARRAY, "DT_INIT_ARRAY"},
        {TAG_FINI_ARRAY, "DT_FINI_ARRAY"},
    };
    for (size_t i = 0; i < sizeof called / sizeof called[0]; i++)
        if (d->has[called[i].tag] && !begins_section(d->image, d->value[called[i].tag]))
            return ELF_DAMAGED(err,
                               "%s (0x%" PRIx64 ") is not where a section begins; for functions "
                               "of your own use __attribute__((constructor)), not -init or -fini",
                               called[i].name, d->value[called[i].tag]);
    return 0;
}

int elf_sections_check(const struct elf_dynamic *d, struct error *err)
{
    if (!are_sound(d->image))
        return 0;
    if (check_segments(d->image, err) != 0)
        return -1;
    return check_calls(d, err);
}
