/* A plugin's file with one thing wrong in its headers or tables: refused in words. */
/* links: elf test_support */

#include "elf_object.h"

/* Four loadable segments: headers and tables, code, constants, data. */
#define LAYOUT                                                                                     \
    "-shared -fPIC -O1 -Wl,-z,lazy,-z,separate-code,-z,max-page-size=4096 -Wl,--hash-style=gnu "

/* ---- single faults, each with its own words ---- */

enum place { HEADER, SEGMENT, TAG, VALUE };

/* One field of the file, and what it becomes. */
static const struct fault {
    enum place place;
    int64_t key;  /* SEGMENT: its type; TAG, VALUE: the dynamic entry's tag */
    unsigned nth; /* SEGMENT: which one of that type                        */
    size_t offset, size;
    uint64_t value;
    const char *message;
} faults[] = {
#define IN_HEADER(field, value)                                                                    \
    HEADER, 0, 0, offsetof(Elf64_Ehdr, field), sizeof(((Elf64_Ehdr *)0)->field), value
#define IN_IDENT(index, value) HEADER, 0, 0, index, 1, value
#define IN_SEGMENT(type, nth, field, value)                                                        \
    SEGMENT, type, nth, offsetof(Elf64_Phdr, field), sizeof(((Elf64_Phdr *)0)->field), value
#define IN_VALUE(tag, value) VALUE, tag, 0, 0, 8, value
#define IN_TAG(tag, value) TAG, tag, 0, 0, 8, (uint64_t)(value)
    {IN_IDENT(EI_CLASS, ELFCLASS32), "ELF class 1, this host loads 64-bit objects (class 2)"},
    {IN_IDENT(EI_DATA, 7), "ELF byte order 7, this host has "},
    {IN_IDENT(EI_VERSION, 0), "damaged: ELF version 0"},
    {IN_IDENT(EI_OSABI, ELFOSABI_FREEBSD), "made for another system (ELF OSABI 9.0)"},
    {IN_HEADER(e_machine, EM_RISCV), "built for machine 243 (riscv), this host is "},
    {IN_HEADER(e_machine, 0xabcd), "built for machine 43981 (unknown), this host is "},
    {IN_HEADER(e_version, 7), "damaged: ELF version 7"},
    {IN_HEADER(e_type, ET_CORE), "not a shared object (ELF type 4)"},
    {IN_HEADER(e_phentsize, 32), "damaged: program headers of 32 bytes instead of 56"},
    {IN_HEADER(e_phnum, 0), "damaged: 0 program headers"},
    {IN_HEADER(e_phnum, 65535), "damaged: 65535 program headers"},
    {IN_HEADER(e_phoff, UINT64_MAX - 7), "damaged: program headers at offset 18446744073709551608"},
    {IN_HEADER(e_phoff, 1 << 30), "truncated: the program headers need 1073742"},
    {IN_SEGMENT(PT_LOAD, 1, p_filesz, 208328), "truncated: segment 1 needs 212424 bytes, file has"},
    {IN_SEGMENT(PT_LOAD, 1, p_offset, UINT64_MAX), "damaged: segment 1 has offset 18446744073709"},
    {IN_SEGMENT(PT_LOAD, 1, p_memsz, 0), "damaged: segment 1 has "},
    {IN_SEGMENT(PT_LOAD, 3, p_memsz, 2u << 30), "damaged: segment 3 takes 2147483648 bytes at "},
    {IN_SEGMENT(PT_LOAD, 3, p_vaddr, UINT64_MAX & ~UINT64_C(4095)), "damaged: segment 3 takes "},
    {IN_SEGMENT(PT_LOAD, 1, p_align, 3 << 12), "damaged: segment 1 is aligned to 12288 bytes"},
    {IN_SEGMENT(PT_LOAD, 1, p_align, 16), "damaged: segment 1 is aligned to 16 bytes"},
    {IN_SEGMENT(PT_LOAD, 1, p_vaddr, 0x1010), "damaged: segment 1: offset 4096 and address 0x1010"},
    {IN_SEGMENT(PT_LOAD, 1, p_vaddr, 0), "damaged: segments 0 and 1 overlap in memory or are not"},
    {IN_SEGMENT(PT_LOAD, 1, p_vaddr, 1 << 20), "damaged: segments 1 and 2 overlap in memory"},
    {IN_SEGMENT(PT_LOAD, 1, p_offset, 0), "damaged: segments 0 and 1 overlap in the file or are"},
    {IN_SEGMENT(PT_LOAD, 1, p_flags, PF_R | PF_W | PF_X),
     "segment 1 is both writable and executable"},
    {IN_SEGMENT(PT_LOAD, 1, p_flags, PF_X), "segment 1 is not readable"},
    {IN_SEGMENT(PT_LOAD, 1, p_memsz, 4095), "damaged: read-only segment 1 has "},
    {IN_SEGMENT(PT_LOAD, 3, p_flags, PF_R), "damaged: read-only segment 3 has "},
    {IN_SEGMENT(PT_DYNAMIC, 0, p_vaddr, 0x123450), "damaged: segment "},
    {IN_SEGMENT(PT_DYNAMIC, 0, p_type, PT_NULL), "no dynamic section: link it with -shared"},
    {IN_SEGMENT(PT_NOTE, 0, p_type, PT_DYNAMIC), "damaged: segment "},
    {IN_SEGMENT(PT_NOTE, 0, p_offset, 8), "damaged: segment "},
    {IN_SEGMENT(PT_NOTE, 0, p_filesz, 1 << 20), "damaged: segment "},
    {IN_SEGMENT(PT_NOTE, 0, p_memsz, 1 << 20), "damaged: segment "},
    {IN_SEGMENT(PT_NOTE, 0, p_type, PT_PHDR), "damaged: the program headers say that they are"},
    {IN_SEGMENT(PT_GNU_EH_FRAME, 0, p_vaddr, 1 << 20), "damaged: segment "},
    {IN_SEGMENT(PT_GNU_RELRO, 0, p_memsz, 1 << 20), "damaged: segment "},
    {IN_SEGMENT(PT_GNU_RELRO, 0, p_vaddr, 0x1000), "damaged: segment "},
    {IN_SEGMENT(PT_NOTE, 0, p_type, PT_GNU_STACK), "damaged: segment "},
    {IN_SEGMENT(PT_GNU_STACK, 0, p_type, PT_NULL), "executable stack (no PT_GNU_STACK): build it"},
    {IN_SEGMENT(PT_GNU_EH_FRAME, 0, p_type, PT_TLS), "thread-local data ("},
    {IN_SEGMENT(PT_GNU_EH_FRAME, 0, p_type, PT_INTERP), "an executable, not a shared object"},
    {IN_TAG(DT_STRTAB, DT_DEBUG), "damaged: DT_STRSZ without DT_STRTAB"},
    {IN_TAG(DT_STRSZ, DT_DEBUG), "damaged: DT_STRTAB without DT_STRSZ"},
    {IN_TAG(DT_SYMENT, DT_DEBUG), "damaged: DT_SYMTAB without DT_SYMENT"},
    {IN_TAG(DT_FINI, DT_INIT), "damaged: DT_INIT comes twice in the dynamic section"},
    {IN_TAG(DT_GNU_HASH, DT_DEBUG), "damaged: no symbol can be found in it"},
    {IN_TAG(DT_GNU_HASH, DT_NULL), "damaged: "},
    {IN_TAG(DT_FINI, DT_REL), "relocations of a kind that this machine does not have (DT_REL)"},
    {IN_TAG(DT_VERSYM, DT_DEBUG), "damaged: DT_VERSYM goes with DT_VERNEED or DT_VERDEF"},
    {IN_TAG(DT_VERNEEDNUM, DT_DEBUG), "damaged: DT_VERNEED without DT_VERNEEDNUM"},
    {IN_VALUE(DT_STRTAB, 1 << 20), "damaged: DT_STRTAB ("},
    {IN_VALUE(DT_STRSZ, 1), "damaged: a needed library (DT_NEEDED) has no name"},
    {IN_VALUE(DT_STRSZ, 30), "damaged: the string table (DT_STRTAB) does not end in a NUL"},
    {IN_VALUE(DT_STRSZ, UINT64_MAX), "damaged: DT_STRTAB (18446744073709551615 bytes at "},
    {IN_VALUE(DT_SYMTAB, 1 << 20), "damaged: DT_SYMTAB: "},
    {IN_VALUE(DT_SYMTAB, 0xff8), "damaged: DT_SYMTAB: "},
    {IN_VALUE(DT_SYMENT, 16), "damaged: DT_SYMENT is 16 instead of 24"},
    {IN_VALUE(DT_GNU_HASH, 1 << 20), "damaged: DT_GNU_HASH (0x100000) points outside the file"},
    {IN_VALUE(DT_RELA, 1 << 20), "damaged: DT_RELA ("},
    {IN_VALUE(DT_RELASZ, 25), "damaged: DT_RELA is 0x"},
    {IN_VALUE(DT_RELAENT, 16), "damaged: DT_RELAENT is 16 instead of 24"},
    {IN_VALUE(DT_RELACOUNT, 1000), "damaged: DT_RELACOUNT is 1000, more than DT_RELASZ has room"},
    {IN_VALUE(DT_JMPREL, 1), "damaged: DT_JMPREL is 0x1 and DT_PLTRELSZ "},
    {IN_VALUE(DT_PLTREL, DT_REL), "damaged: DT_PLTREL is 17 instead of 7"},
    {IN_VALUE(DT_PLTGOT, 0), "damaged: DT_PLTGOT (0x0) is not in writable memory"},
    {IN_VALUE(DT_INIT, 0), "damaged: DT_INIT (0x0) points at no code"},
    {IN_VALUE(DT_INIT, 0x1004), "damaged: DT_INIT (0x1004) is not where a section begins"},
    {IN_VALUE(DT_FINI, 1 << 20), "damaged: DT_FINI (0x100000) points at no code"},
    {IN_VALUE(DT_INIT_ARRAY, 64), "damaged: DT_INIT_ARRAY has 2 functions, but 0 relocations"},
    {IN_VALUE(DT_INIT_ARRAYSZ, 24), "damaged: DT_FINI_ARRAY has 2 functions, but 1 relocations"},
    {IN_VALUE(DT_FINI_ARRAYSZ, 4096), "damaged: DT_FINI_ARRAY (4096 bytes at "},
    {IN_VALUE(DT_VERSYM, 1 << 20), "damaged: DT_VERSYM (0x100000) has no version for each symbol"},
    {IN_VALUE(DT_VERNEED, 1 << 20), "damaged: DT_VERNEED: entry 0 of 1"},
    {IN_VALUE(DT_VERNEEDNUM, 2), "damaged: DT_VERNEED: entry 0 of 2"},
    {IN_VALUE(DT_VERNEEDNUM, 0), "damaged: DT_VERSYM goes with DT_VERNEED or DT_VERDEF"},
    {IN_VALUE(DT_NEEDED, 0), "damaged: a needed library (DT_NEEDED) has no name"},
    {IN_VALUE(DT_NEEDED, 1 << 20), "damaged: a needed library (DT_NEEDED) has no name"},
    {IN_VALUE(DT_NEEDED, 1), "damaged: DT_VERNEED: no DT_NEEDED for the file of entry 0"},
};

static unsigned char *place_of(const struct object *o, const struct fault *f)
{
    switch (f->place) {
    case HEADER:
        return o->bytes + f->offset;
    case SEGMENT:
        return (unsigned char *)object_segment(o, (uint32_t)f->key, f->nth) + f->offset;
    case TAG:
        return (unsigned char *)&object_dynamic(o, f->key)->d_tag;
    default:
        return (unsigned char *)&object_dynamic(o, f->key)->d_un;
    }
}

static void test_each_fault_is_refused_in_words(void **state)
{
    struct object o = object_compile(OBJECT_SOURCE, LAYOUT);
    unsigned char *copy = malloc(o.size);
    (void)state;
    assert_non_null(copy);
    memcpy(copy, o.bytes, o.size);
    then_accepted(&o, "the object as built");
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        unsigned char *place = place_of(&o, &faults[i]);
        memcpy(place, &faults[i].value, faults[i].size);
        then_refused(&o, faults[i].message, faults[i].message);
        memcpy(o.bytes, copy, o.size);
    }
    free(copy);
    object_free(&o);
}

/* ---- faults inside tables ---- */

static uint64_t symbol_named(const struct object *o, const char *name)
{
    const Elf64_Sym *symbols = object_table(o, DT_SYMTAB);
    const char *names = object_table(o, DT_STRTAB);
    for (uint64_t i = 1; i < 64; i++)
        if (strcmp(names + symbols[i].st_name, name) == 0)
            return i;
    fail_msg("no symbol %s", name);
    return 0;
}

static void spoil_name(struct object *o)
{
    char *names = object_table(o, DT_STRTAB);
    Elf64_Sym *symbols = object_table(o, DT_SYMTAB);
    names[symbols[symbol_named(o, "table")].st_name]++;
}

static void spoil_name_offset(struct object *o)
{
    ((Elf64_Sym *)object_table(o, DT_SYMTAB))[1].st_name = 1 << 20;
}

static void make_data_a_resolver(struct object *o)
{
    Elf64_Sym *symbols = object_table(o, DT_SYMTAB);
    symbols[symbol_named(o, "table")].st_info = ELF64_ST_INFO(STB_GLOBAL, STT_GNU_IFUNC);
}

static void spoil_filter(struct object *o)
{
    ((uint32_t *)object_table(o, DT_GNU_HASH))[2] = 3;
}

static void start_bucket_early(struct object *o)
{
    uint32_t *words = object_table(o, DT_GNU_HASH);
    words[4 + 2 * words[2]] = 1;
}

static void never_end_chain(struct object *o)
{
    uint32_t *words = object_table(o, DT_GNU_HASH);
    uint64_t end = object_segment(o, PT_LOAD, 0)->p_filesz;
    for (uint32_t *at = words + 4 + 2 * words[2] + words[0];
         (unsigned char *)(at + 1) <= o->bytes + end; at++)
        *at &= ~1u;
}

static void spoil_version_index(struct object *o)
{
    ((Elf64_Versym *)object_table(o, DT_VERSYM))[1] = 77;
}

static void spoil_version_file(struct object *o)
{
    ((Elf64_Verneed *)object_table(o, DT_VERNEED))->vn_file++;
}

static void go_on_with_versions(struct object *o)
{
    Elf64_Verneed *need = object_table(o, DT_VERNEED);
    ((Elf64_Vernaux *)((char *)need + need->vn_aux))->vna_next = 4;
}

static void write_into_code(struct object *o)
{
    ((Elf64_Rela *)object_table(o, DT_RELA))->r_offset = 0x1000;
}

static void write_into_dynamic_section(struct object *o)
{
    Elf64_Rela *r = object_table(o, DT_RELA);
    r->r_offset = object_segment(o, PT_DYNAMIC, 0)->p_vaddr + 8;
}

static void spoil_relocation_type(struct object *o)
{
    ((Elf64_Rela *)object_table(o, DT_JMPREL))->r_info |= 0xff;
}

static void spoil_relocation_symbol(struct object *o)
{
    ((Elf64_Rela *)object_table(o, DT_JMPREL))->r_info |= UINT64_C(0xffff) << 32;
}

/* The loader takes the first ones for relative without a look. */
static void count_too_many_relative(struct object *o)
{
    object_dynamic(o, DT_RELACOUNT)->d_un.d_val++;
}

static void jump_by_relative(struct object *o)
{
    object_dynamic(o, DT_JMPREL)->d_un.d_val = object_dynamic(o, DT_RELA)->d_un.d_val;
}

static void call_data_at_start(struct object *o)
{
    ((Elf64_Rela *)object_table(o, DT_RELA))->r_addend = 64;
}

static void spoil_note(struct object *o)
{
    ((Elf64_Nhdr *)(o->bytes + object_segment(o, PT_NOTE, 0)->p_offset))->n_descsz = 1 << 20;
}

/* Sizes whose sum is nothing. */
static void wrap_note(struct object *o)
{
    Elf64_Phdr *s = object_segment(o, PT_NOTE, 0);
    s->p_offset = UINT64_MAX - 64;
    s->p_memsz = UINT64_MAX - s->p_filesz + 1;
}

static void misalign_dynamic_section(struct object *o)
{
    Elf64_Phdr *s = object_segment(o, PT_DYNAMIC, 0);
    s->p_vaddr += 4;
    s->p_offset += 4;
}

static void describe_headers_as_dynamic(struct object *o)
{
    Elf64_Phdr *s = object_segment(o, PT_DYNAMIC, 0);
    s->p_vaddr = s->p_offset = sizeof(Elf64_Ehdr);
}

static void forget_strings(struct object *o)
{
    object_dynamic(o, DT_STRTAB)->d_tag = DT_DEBUG;
    object_dynamic(o, DT_STRSZ)->d_tag = DT_DEBUG;
}

static void spread_segments(struct object *o)
{
    object_segment(o, PT_LOAD, 3)->p_vaddr += 1 << 30;
}

static void make_circle(struct object *o)
{
    uint32_t *words = object_table(o, DT_HASH);
    uint32_t *chains = words + 2 + words[0];
    for (uint32_t i = 1; i < words[1]; i++)
        chains[i] = i;
}

static void leave_chains(struct object *o)
{
    uint32_t *words = object_table(o, DT_HASH);
    words[2 + words[0] + symbol_named(o, "walltrack_plugin_v1")] = 1 << 20;
    words[2 + words[0] + symbol_named(o, "table")] = 1 << 20;
}

static void take_all_for_buckets(struct object *o)
{
    *(uint32_t *)object_table(o, DT_HASH) = UINT32_MAX;
}

static void count_fewer_symbols(struct object *o)
{
    uint32_t *words = object_table(o, DT_HASH);
    words[1] = 3;
    memset(words + 2, 0, words[0] * sizeof *words);
}

static void name_no_version(struct object *o)
{
    ((Elf64_Verdef *)object_table(o, DT_VERDEF))->vd_aux = 1 << 20;
}

static void name_version_outside(struct object *o)
{
    Elf64_Verdef *definition = object_table(o, DT_VERDEF);
    ((Elf64_Verdaux *)((char *)definition + definition->vd_aux))->vda_name = 1 << 20;
}

static void begin_with_bitmap(struct object *o)
{
    *(Elf64_Relr *)object_table(o, DT_RELR) = 3;
}

static void shift_what_is_not_in_the_file(struct object *o)
{
    const Elf64_Phdr *data = object_segment(o, PT_LOAD, 3);
    *(Elf64_Relr *)object_table(o, DT_RELR) = (data->p_vaddr + data->p_memsz - 64) & ~UINT64_C(7);
}

static void shift_code(struct object *o)
{
    *(Elf64_Relr *)object_table(o, DT_RELR) = 0x1000;
}

static const struct {
    void (*spoil)(struct object *);
    const char *flags, *message;
} spoiled[] = {
    {spoil_name, "", "damaged: DT_GNU_HASH does not fit the name of symbol "},
    {spoil_name_offset, "", "damaged: the name of dynamic symbol 1 is outside DT_STRTAB"},
    {make_data_a_resolver, "", "damaged: dynamic symbol "},
    {spoil_filter, "", "damaged: DT_GNU_HASH has "},
    {start_bucket_early, "", "damaged: DT_GNU_HASH: bucket 0 starts at symbol 1, before "},
    {never_end_chain, "", "damaged: DT_GNU_HASH: the chain from symbol "},
    {spoil_version_index, "", "damaged: DT_VERSYM: symbol 1 has the unknown version 77"},
    {spoil_version_file, "", "damaged: DT_VERNEED: no DT_NEEDED for the file of entry 0"},
    {go_on_with_versions, "", "damaged: DT_VERNEED: entry 0 of 1"},
    {write_into_code, "", "damaged: DT_RELA: relocation 0 (type "},
    {write_into_dynamic_section, "", "damaged: DT_RELA: relocation 0 (type "},
    {spoil_relocation_type, "", "damaged: DT_JMPREL: relocation 0 (type "},
    {spoil_relocation_symbol, "", "damaged: DT_JMPREL: relocation 0 names symbol "},
    {count_too_many_relative, "", "damaged: DT_RELA: relocation "},
    {jump_by_relative, "", "damaged: DT_JMPREL: relocation 0 (type "},
    {misalign_dynamic_section, "", "damaged: the dynamic section is at address 0x"},
    {describe_headers_as_dynamic, "", "damaged: the dynamic section is not writable"},
    {forget_strings, "", "damaged: no dynamic symbols (DT_SYMTAB, DT_STRTAB)"},
    {spread_segments, "", "damaged: its segments span 107"},
    {call_data_at_start, "", "damaged: DT_RELA: relocation 0 (type "},
    {spoil_note, "", "damaged: segment "},
    {wrap_note, "", "damaged: segment "},
    {make_circle, "-Wl,--hash-style=sysv", "damaged: DT_HASH goes in circles"},
    {leave_chains, "-Wl,--hash-style=both", "damaged: DT_HASH names symbol 1048576 of "},
    {take_all_for_buckets, "-Wl,--hash-style=sysv", "damaged: DT_HASH needs 1717986"},
    {count_fewer_symbols, "-Wl,--hash-style=both", "damaged: DT_HASH has 3 symbols, DT_GNU_HASH"},
    {name_no_version, "-Wl,--default-symver", "damaged: DT_VERDEF: entry 0 of 2"},
    {name_version_outside, "-Wl,--default-symver", "damaged: DT_VERDEF: entry 0 of 2"},
    {begin_with_bitmap, "-Wl,-z,pack-relative-relocs", "damaged: DT_RELR: entry 0 leads outside"},
    {shift_what_is_not_in_the_file, "-Wl,-z,pack-relative-relocs", "damaged: DT_RELR: entry 0"},
    {shift_code, "-Wl,-z,pack-relative-relocs", "damaged: DT_RELR: entry 0 leads outside"},
};

static void test_spoiled_tables_are_refused(void **state)
{
    char flags[128];
    (void)state;
    for (size_t i = 0; i < sizeof spoiled / sizeof spoiled[0]; i++) {
        (void)snprintf(flags, sizeof flags, LAYOUT "%s", spoiled[i].flags);
        struct object o = object_compile(OBJECT_SOURCE, flags);
        spoiled[i].spoil(&o);
        then_refused(&o, spoiled[i].message, spoiled[i].message);
        object_free(&o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_fault_is_refused_in_words),
        cmocka_unit_test(test_spoiled_tables_are_refused),
    };
    return cmocka_run_group_tests(tests, objects_start, objects_stop);
}
