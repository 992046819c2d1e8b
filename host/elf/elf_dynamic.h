/* elf_dynamic.h: the dynamic section of a shared object: where the loader finds its tables.
 *
 * Promise: after elf_dynamic_read() every table that has an address also has its size, has
 *          entries of the right size, and is inside the bytes that the file gives to a loadable
 *          segment; strings end inside their table; constructors and destructors are code.
 *          What the tables say is looked at by elf_tables.h.
 * Fails:   ENOEXEC, naming the tag.
 * Thread:  any.  Nothing is allocated; the image is borrowed.
 * Knows:   elf_image.
 */
#ifndef ELF_DYNAMIC_H
#define ELF_DYNAMIC_H

#include "elf/elf_image.h"

/* The tags that lead the loader somewhere, each at most once in a file. */
enum elf_tag {
    TAG_STRTAB,
    TAG_STRSZ,
    TAG_SYMTAB,
    TAG_SYMENT,
    TAG_HASH,
    TAG_GNU_HASH,
    TAG_RELA,
    TAG_RELASZ,
    TAG_RELAENT,
    TAG_RELACOUNT,
    TAG_JMPREL,
    TAG_PLTRELSZ,
    TAG_PLTREL,
    TAG_PLTGOT,
    TAG_RELR,
    TAG_RELRSZ,
    TAG_RELRENT,
    TAG_INIT,
    TAG_FINI,
    TAG_INIT_ARRAY,
    TAG_INIT_ARRAYSZ,
    TAG_FINI_ARRAY,
    TAG_FINI_ARRAYSZ,
    TAG_VERSYM,
    TAG_VERNEED,
    TAG_VERNEEDNUM,
    TAG_VERDEF,
    TAG_VERDEFNUM,
    TAG_COUNT
};

struct elf_dynamic {
    const struct elf_image *image;
    const unsigned char *entries;
    size_t n_entries; /* without the DT_NULL at the end */
    bool has[TAG_COUNT];
    uint64_t value[TAG_COUNT]; /* 0 when it is not there */
    const char *strings;       /* ends in a NUL          */
    uint64_t strings_size;
};

int elf_dynamic_read(const struct elf_image *image, struct elf_dynamic *out, struct error *err);

Elf64_Dyn elf_dynamic_entry(const struct elf_dynamic *d, size_t i); /* i < n_entries */

/* Borrowed from the file; NULL when the offset is outside the table. */
const char *elf_dynamic_string(const struct elf_dynamic *d, uint64_t offset);

/* Is there a DT_NEEDED with exactly this name? */
bool elf_dynamic_needs(const struct elf_dynamic *d, const char *name);

#endif
