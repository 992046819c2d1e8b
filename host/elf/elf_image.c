#include "elf/elf_image.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#if defined __x86_64__
enum { OWN_MACHINE = EM_X86_64 };
#elif defined __aarch64__
enum { OWN_MACHINE = EM_AARCH64 };
#else
#error "the check of plugin files knows x86_64 and aarch64 only"
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { OWN_ORDER = ELFDATA2LSB };
#else
enum { OWN_ORDER = ELFDATA2MSB };
#endif

#define SPAN_MAX (UINT64_C(1) << 30)
#define ALIGN_MAX SPAN_MAX
#define ALIGN_MIN UINT64_C(4096)

static bool is_whole(char c)
{
    return c >= ' ' && c <= '~' && c != '"' && c != '\\';
}

struct elf_shown elf_shown(const void *bytes, size_t size)
{
    struct elf_shown shown;
    const char *from = bytes;
    enum { LONGEST_STEP = sizeof "\\xff" - 1, END = sizeof "..." };
    size_t used = 0;
    for (size_t i = 0; i < size && from[i] != '\0'; i++) {
        if (used + LONGEST_STEP + END > sizeof shown.text) {
            memcpy(shown.text + used, "...", 3);
            used += 3;
            break;
        }
        if (is_whole(from[i]))
            shown.text[used++] = from[i];
        else
            used += (size_t)sprintf(shown.text + used, "\\x%02x", (unsigned char)from[i]);
    }
    shown.text[used] = '\0';
    return shown;
}

/* ---- the ELF header ---- */

static const char *machine_name(unsigned machine)
{
    static const struct {
        unsigned machine;
        const char *name;
    } names[] = {
        {EM_X86_64, "x86_64"}, {EM_AARCH64, "aarch64"}, {EM_386, "i386"},   {EM_ARM, "arm"},
        {EM_RISCV, "riscv"},   {EM_PPC64, "ppc64"},     {EM_S390, "s390x"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].machine == machine)
            return names[i].name;
    return "unknown";
}

static int check_type(unsigned type, struct error *err)
{
    switch (type) {
    case ET_DYN:
        return 0;
    case ET_EXEC:
        return error_set(err, ENOEXEC, "an executable, not a shared object: link it with -shared");
    case ET_REL:
        return error_set(err, ENOEXEC, "an object file, not a shared object: link it with -shared");
    default:
        return error_set(err, ENOEXEC, "not a shared object (ELF type %u)", type);
    }
}

static int check_identity(const unsigned char *ident, struct error *err)
{
    if (ident[EI_CLASS] != ELFCLASS64)
        return error_set(err, ENOEXEC, "ELF class %u, this host loads 64-bit objects (class %d)",
                         ident[EI_CLASS], ELFCLASS64);
    if (ident[EI_DATA] != OWN_ORDER)
        return error_set(err, ENOEXEC, "ELF byte order %u, this host has %d", ident[EI_DATA],
                         OWN_ORDER);
    if (ident[EI_VERSION] != EV_CURRENT)
        return ELF_DAMAGED(err, "ELF version %u", ident[EI_VERSION]);
    if ((ident[EI_OSABI] != ELFOSABI_SYSV && ident[EI_OSABI] != ELFOSABI_GNU) ||
        ident[EI_ABIVERSION] != 0)
        return error_set(err, ENOEXEC, "made for another system (ELF OSABI %u.%u)", ident[EI_OSABI],
                         ident[EI_ABIVERSION]);
    return 0;
}

static int read_header(struct elf_image *image, struct error *err)
{
    if (image->size == 0)
        return error_set(err, ENOEXEC, "the file is empty");
    if (image->size < SELFMAG || memcmp(image->bytes, ELFMAG, SELFMAG) != 0)
        return error_set(err, ENOEXEC, "not an ELF shared object (starts \"%s\")",
                         elf_shown(image->bytes, image->size < 4 ? image->size : 4).text);
    if (image->size < sizeof image->header)
        return error_set(err, ENOEXEC, "truncated: the ELF header needs %zu bytes, file has %zu",
                         sizeof image->header, image->size);
    Elf64_Ehdr *h = &image->header;
    memcpy(h, image->bytes, sizeof *h);
    if (check_identity(h->e_ident, err) != 0)
        return -1;
    if (h->e_machine != OWN_MACHINE)
        return error_set(err, ENOEXEC, "built for machine %u (%s), this host is %s", h->e_machine,
                         machine_name(h->e_machine), machine_name(OWN_MACHINE));
    if (h->e_version != EV_CURRENT)
        return ELF_DAMAGED(err, "ELF version %u", h->e_version);
    return check_type(h->e_type, err);
}

static int read_segments(struct elf_image *image, struct error *err)
{
    const Elf64_Ehdr *h = &image->header;
    if (h->e_phentsize != sizeof(Elf64_Phdr))
        return ELF_DAMAGED(err, "program headers of %u bytes instead of %zu", h->e_phentsize,
                           sizeof(Elf64_Phdr));
    if (h->e_phnum == 0 || h->e_phnum > ELF_SEGMENTS_MAX)
        return ELF_DAMAGED(err, "%u program headers (1 to %d are understood)", h->e_phnum,
                           ELF_SEGMENTS_MAX);
    uint64_t size = h->e_phnum * sizeof(Elf64_Phdr);
    if (h->e_phoff > UINT64_MAX - size || h->e_phoff % _Alignof(Elf64_Phdr) != 0)
        return ELF_DAMAGED(err, "program headers at offset %" PRIu64, h->e_phoff);
    if (h->e_phoff + size > image->size)
        return error_set(err, ENOEXEC,
                         "truncated: the program headers need %" PRIu64 " bytes, file has %zu",
                         h->e_phoff + size, image->size);
    memcpy(image->segments, image->bytes + h->e_phoff, size);
    image->n_segments = h->e_phnum;
    return 0;
}

/* ---- loadable segments ---- */

static uint64_t page_size(void)
{
    return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Never wraps: the addresses of segments are far from the end once check_range() has passed. */
static uint64_t page_end(uint64_t address)
{
    return (address + page_size() - 1) & ~(page_size() - 1);
}

static int check_range(const struct elf_image *image, unsigned i, struct error *err)
{
    const Elf64_Phdr *s = &image->segments[i];
    if (s->p_offset > UINT64_MAX - s->p_filesz)
        return ELF_DAMAGED(err, "segment %u has offset %" PRIu64 " and size %" PRIu64, i,
                           s->p_offset, s->p_filesz);
    if (s->p_offset + s->p_filesz > image->size)
        return error_set(err, ENOEXEC,
                         "truncated: segment %u needs %" PRIu64 " bytes, file has %zu", i,
                         s->p_offset + s->p_filesz, image->size);
    if (s->p_filesz > s->p_memsz)
        return ELF_DAMAGED(
            err, "segment %u has %" PRIu64 " bytes in the file, but %" PRIu64 " in memory", i,
            s->p_filesz, s->p_memsz);
    if (s->p_memsz > SPAN_MAX || s->p_vaddr > UINT64_MAX / 2)
        return ELF_DAMAGED(err, "segment %u takes %" PRIu64 " bytes at 0x%" PRIx64, i, s->p_memsz,
                           s->p_vaddr);
    return 0;
}

static int check_alignment(const struct elf_image *image, unsigned i, struct error *err)
{
    const Elf64_Phdr *s = &image->segments[i];
    bool power_of_two = (s->p_align & (s->p_align - 1)) == 0;
    if (!power_of_two || s->p_align < ALIGN_MIN || s->p_align > ALIGN_MAX)
        return ELF_DAMAGED(err, "segment %u is aligned to %" PRIu64 " bytes", i, s->p_align);
    if (((s->p_vaddr - s->p_offset) & (s->p_align - 1)) != 0)
        return ELF_DAMAGED(err,
                           "segment %u: offset %" PRIu64 " and address 0x%" PRIx64
                           " do not fit its alignment",
                           i, s->p_offset, s->p_vaddr);
    return 0;
}

static int check_access(const Elf64_Phdr *s, unsigned i, struct error *err)
{
    if ((s->p_flags & PF_W) != 0 && (s->p_flags & PF_X) != 0)
        return error_set(err, ENOEXEC, "segment %u is both writable and executable", i);
    if ((s->p_flags & PF_R) == 0)
        return error_set(err, ENOEXEC, "segment %u is not readable", i);
    if ((s->p_flags & PF_W) == 0 && s->p_memsz != s->p_filesz)
        return ELF_DAMAGED(err,
                           "read-only segment %u has %" PRIu64 " bytes in the file, but %" PRIu64
                           " in memory",
                           i, s->p_filesz, s->p_memsz);
    return 0;
}

/* The loader maps whole pages, later segments over earlier ones. */
static int check_order(const struct elf_image *image, unsigned before, unsigned i,
                       struct error *err)
{
    const Elf64_Phdr *b = &image->segments[before];
    const Elf64_Phdr *s = &image->segments[i];
    if (page_end(b->p_vaddr + b->p_memsz) > (s->p_vaddr & ~(page_size() - 1)))
        return ELF_DAMAGED(err, "segments %u and %u overlap in memory or are not in order", before,
                           i);
    if (s->p_filesz > 0 && b->p_offset + b->p_filesz > s->p_offset)
        return ELF_DAMAGED(err, "segments %u and %u overlap in the file or are not in order",
                           before, i);
    return 0;
}

static int check_load(const struct elf_image *image, unsigned i, struct error *err)
{
    if (check_range(image, i, err) != 0 || check_alignment(image, i, err) != 0)
        return -1;
    return check_access(&image->segments[i], i, err);
}

static int check_loads(struct elf_image *image, struct error *err)
{
    const Elf64_Phdr *first = NULL;
    unsigned before = 0;
    for (unsigned i = 0; i < image->n_segments; i++) {
        const Elf64_Phdr *s = &image->segments[i];
        if (s->p_type != PT_LOAD)
            continue;
        if (check_load(image, i, err) != 0 ||
            (first != NULL && check_order(image, before, i, err) != 0))
            return -1;
        if (first == NULL)
            first = s;
        before = i;
        image->memory = s->p_vaddr + s->p_memsz - first->p_vaddr;
        if (image->memory > SPAN_MAX)
            return ELF_DAMAGED(
                err, "its segments span %" PRIu64 " bytes, at most %" PRIu64 " are allowed",
                image->memory, SPAN_MAX);
    }
    return first != NULL ? 0 : ELF_DAMAGED(err, "nothing in it is loadable");
}

/* ---- where an address is ---- */

static const Elf64_Phdr *load_at(const struct elf_image *image, uint64_t address)
{
    for (unsigned i = 0; i < image->n_segments; i++) {
        const Elf64_Phdr *s = &image->segments[i];
        if (s->p_type == PT_LOAD && address >= s->p_vaddr && address - s->p_vaddr < s->p_memsz)
            return s;
    }
    return NULL;
}

const unsigned char *elf_image_from(const struct elf_image *image, uint64_t address, uint64_t *rest)
{
    const Elf64_Phdr *s = load_at(image, address);
    if (s == NULL || address - s->p_vaddr >= s->p_filesz)
        return NULL;
    *rest = s->p_filesz - (address - s->p_vaddr);
    return image->bytes + s->p_offset + (address - s->p_vaddr);
}

const unsigned char *elf_image_bytes(const struct elf_image *image, uint64_t address, uint64_t size)
{
    uint64_t rest;
    const unsigned char *bytes = elf_image_from(image, address, &rest);
    return bytes != NULL && size <= rest ? bytes : NULL;
}

bool elf_image_holds(const struct elf_image *image, uint64_t address, uint64_t size, uint32_t flags)
{
    const Elf64_Phdr *s = load_at(image, address);
    return s != NULL && size <= s->p_memsz - (address - s->p_vaddr) &&
           (s->p_flags & flags) == flags;
}

bool elf_image_is_code(const struct elf_image *image, uint64_t address)
{
    return elf_image_holds(image, address, 1, PF_X) && elf_image_bytes(image, address, 1) != NULL;
}

const Elf64_Phdr *elf_image_segment(const struct elf_image *image, uint32_t type)
{
    for (unsigned i = 0; i < image->n_segments; i++)
        if (image->segments[i].p_type == type)
            return &image->segments[i];
    return NULL;
}

/* ---- segments that describe a part of the loadable ones ---- */

static const struct inner {
    const char *name;
    uint32_t type;
    bool single;
    bool whole; /* all of it is in the file */
} inners[] = {
    {"dynamic section", PT_DYNAMIC, true, true},
    {"program headers", PT_PHDR, true, true},
    {"unwinding table", PT_GNU_EH_FRAME, true, true},
    {"read-only-after-relocation", PT_GNU_RELRO, true, false},
    {"stack flags", PT_GNU_STACK, true, false},
    {"note", PT_NOTE, false, true},
    {"property note", PT_GNU_PROPERTY, true, true},
};

static const struct inner *inner_of(uint32_t type)
{
    for (size_t i = 0; i < sizeof inners / sizeof inners[0]; i++)
        if (inners[i].type == type)
            return &inners[i];
    return NULL;
}

/* The last page of the loadable segment belongs to it whole: some linkers count it in. */
static bool relro_is_inside(const struct elf_image *image, const Elf64_Phdr *s)
{
    const Elf64_Phdr *load = load_at(image, s->p_vaddr);
    return load != NULL && (load->p_flags & PF_W) != 0 && s->p_memsz <= SPAN_MAX &&
           s->p_vaddr + s->p_memsz <= page_end(load->p_vaddr + load->p_memsz);
}

static bool is_inside(const struct elf_image *image, const Elf64_Phdr *s, const struct inner *kind)
{
    if (s->p_type == PT_GNU_STACK)
        return true; /* it describes no part of the file */
    if (s->p_type == PT_GNU_RELRO)
        return relro_is_inside(image, s);
    if (kind->whole && s->p_filesz != s->p_memsz)
        return false;
    const unsigned char *mapped = elf_image_bytes(image, s->p_vaddr, s->p_filesz);
    return mapped != NULL && (uint64_t)(mapped - image->bytes) == s->p_offset;
}

static int check_inners(const struct elf_image *image, struct error *err)
{
    for (unsigned i = 0; i < image->n_segments; i++) {
        const Elf64_Phdr *s = &image->segments[i];
        const struct inner *kind = inner_of(s->p_type);
        if (kind == NULL)
            continue;
        if (kind->single && elf_image_segment(image, s->p_type) != s)
            return ELF_DAMAGED(err, "segment %u: a second %s", i, kind->name);
        bool empty = s->p_memsz == 0 && s->p_filesz == 0;
        if (!empty && !is_inside(image, s, kind))
            return ELF_DAMAGED(err, "segment %u (%s) lies outside the loadable segments", i,
                               kind->name);
    }
    /* A linker may have made room for one more than it needed. */
    const Elf64_Phdr *headers = elf_image_segment(image, PT_PHDR);
    if (headers != NULL && (headers->p_offset != image->header.e_phoff ||
                            headers->p_filesz < image->n_segments * sizeof(Elf64_Phdr)))
        return ELF_DAMAGED(err, "the program headers say that they are elsewhere");
    return 0;
}

int elf_image_read(const void *bytes, size_t size, struct elf_image *out, struct error *err)
{
    *out = (struct elf_image){.bytes = bytes, .size = size};
    if (read_header(out, err) != 0 || read_segments(out, err) != 0 || check_loads(out, err) != 0)
        return -1;
    if (elf_image_segment(out, PT_INTERP) != NULL)
        return error_set(err, ENOEXEC, "an executable, not a shared object: link it with -shared");
    return check_inners(out, err);
}
