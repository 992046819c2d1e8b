/* elf_image.h: the file of a shared object, seen as the loader will lay it out in memory.
 *
 * Promise: what elf_image_read() takes has its loadable segments inside the file, in order, apart
 *          from each other and with sane flags; the segments that describe parts of these
 *          (dynamic section, notes, unwinding table …) lie inside them.
 * Fails:   ENOEXEC, with the segment's number as `readelf -l` counts.
 * Thread:  any.  Nothing is allocated, and the bytes are only borrowed.
 * Knows:   the ELF format of this machine.  Not: symbols, plugins.
 */
#ifndef ELF_IMAGE_H
#define ELF_IMAGE_H

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum { ELF_SEGMENTS_MAX = 64 };

struct elf_image {
    const unsigned char *bytes;
    size_t size;
    Elf64_Ehdr header;
    Elf64_Phdr segments[ELF_SEGMENTS_MAX];
    unsigned n_segments;
    uint64_t memory; /* bytes of address space from the first loadable segment to the last */
};

/* On success *out borrows `bytes`. */
int elf_image_read(const void *bytes, size_t size, struct elf_image *out, struct error *err);

/* The bytes of the file that the loader maps to `address`, or NULL when there are none; *rest is
 * how many there are from there to the end of their segment. */
const unsigned char *elf_image_from(const struct elf_image *image, uint64_t address,
                                    uint64_t *rest);

/* As above, NULL unless there are at least `size`. */
const unsigned char *elf_image_bytes(const struct elf_image *image, uint64_t address,
                                     uint64_t size);

/* Is all of the range inside one loadable segment (in memory) that has all these flags (PF_…)? */
bool elf_image_holds(const struct elf_image *image, uint64_t address, uint64_t size,
                     uint32_t flags);

/* Can the loader call what is there: bytes of the file, executable? */
bool elf_image_is_code(const struct elf_image *image, uint64_t address);

/* The only segment of that type (not PT_LOAD, PT_NOTE …), or NULL. */
const Elf64_Phdr *elf_image_segment(const struct elf_image *image, uint32_t type);

/* Text from the file, made fit for a message: unprintable bytes and quotes are escaped, what is
 * too long ends in "...".  Reads at most `size` bytes, or to a NUL before that. */
struct elf_shown {
    char text[96];
};
struct elf_shown elf_shown(const void *bytes, size_t size);

/* The file contradicts itself or points outside of itself. */
#define ELF_DAMAGED(err, ...) error_set(err, ENOEXEC, "damaged: " __VA_ARGS__)

#endif
