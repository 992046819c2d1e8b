/* elf_policy.h: what a plugin's file may ask of the loader and of the process.
 *
 * Promise: what passes can be unloaded again, shares libpq with the host, exports the entry
 *          symbol, and imports nothing that starts threads or processes, ends the process, leaves
 *          pointers to itself behind or changes what belongs to all.
 * Fails:   ENOEXEC, naming the symbol, tag or library, and what to do instead.
 * Thread:  any.  Nothing is allocated; everything is borrowed.
 * Knows:   the rules, one table each.  Works on tables that elf_tables.h has verified.
 */
#ifndef ELF_POLICY_H
#define ELF_POLICY_H

#include "elf/elf_tables.h"

/* *entry is where the entry symbol is, counted from the object's address 0. */
int elf_policy_check_entry(const struct elf_image *image, const struct elf_symbols *s,
                           uint64_t *entry, struct error *err);

/* The program headers and the dynamic section. */
int elf_policy_check_demands(const struct elf_dynamic *d, struct error *err);

/* What it imports and what it defines. */
int elf_policy_check_symbols(const struct elf_image *image, const struct elf_symbols *s,
                             struct error *err);

#endif
