/* elf_tables.h: what the loader reads through the dynamic section: symbols, versions, relocations.
 *
 * Promise: the loader can walk these tables without leaving the file's own segments, without
 *          going in circles, and writes only where the object is writable.  Symbols, their names
 *          and the hash table that finds them agree.
 * Fails:   ENOEXEC, naming the table and the entry's number or symbol.
 * Thread:  any.  Nothing is allocated; everything is borrowed.  Time grows with the file's size.
 * Knows:   elf_image, elf_dynamic.
 */
#ifndef ELF_TABLES_H
#define ELF_TABLES_H

#include "elf/elf_dynamic.h"

struct elf_symbols {
    const unsigned char *table;
    uint64_t count;
    const char *names; /* ends in a NUL */
    uint64_t names_size;
};

/* The dynamic symbols. */
int elf_symbols_read(const struct elf_dynamic *d, struct elf_symbols *out, struct error *err);

/* The symbols for debuggers, which a stripped file does not have: false then, and also when the
 * section headers that lead there are damaged, because the loader does not need them. */
bool elf_symbols_find_static(const struct elf_image *image, struct elf_symbols *out);

Elf64_Sym elf_symbol(const struct elf_symbols *s, uint64_t i); /* i < count */
const char *elf_symbol_name(const struct elf_symbols *s, const Elf64_Sym *symbol);

/* Symbol versions, by index; elf_symbols_read() has been there. */
int elf_versions_check(const struct elf_dynamic *d, const struct elf_symbols *s, struct error *err);

int elf_relocations_check(const struct elf_dynamic *d, const struct elf_symbols *s,
                          struct error *err);

/* Where section headers are sound, they must agree with the segments, and what the loader calls
 * must begin a section. */
int elf_sections_check(const struct elf_dynamic *d, struct error *err);

#endif
