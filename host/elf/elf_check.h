/* elf_check.h: may this file be loaded as a plugin?  Answered from its bytes; nothing is run.
 *
 * Promise: the loader cannot crash on a file that passes for being cut short or for pointing
 *          outside of itself, and the file keeps to the policy (elf_policy.h).  Code that is bad is
 *          not found here, and a damaged instruction is not either: the probe process is for that.
 * Fails:   ENOEXEC and one line for the operator; *out is untouched then.
 * Thread:  any.  Pure: nothing is allocated, read or kept.
 * Knows:   elf_image, elf_dynamic, elf_tables, elf_policy.  Not: files, dlopen.
 */
#ifndef ELF_CHECK_H
#define ELF_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct elf_facts {
    char build_id[65]; /* hex; "" when the file has none                                  */
    char needed[256];  /* the libraries that it asks for, with a space between; may be cut */
    uint64_t entry;    /* of WT_ENTRY_SYMBOL: the loaded one is at the load base plus this */
    uint64_t memory;   /* bytes of address space that it will take                         */
};

/* `bytes` is the whole file. */
int elf_check(const void *bytes, size_t size, struct elf_facts *out, struct error *err);

#endif
