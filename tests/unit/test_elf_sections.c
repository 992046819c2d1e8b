/* Section headers: where they are sound they are believed, and else nobody minds. */
/* links: elf test_support */
#include "elf_object.h"

/* The copy of libpq shows only in the symbols for debuggers. */
#define HIDDEN_COPY                                                                                \
    "void *walltrack_plugin_v1(void) { return 0; }\n"                                              \
    "__attribute__((visibility(\"hidden\"))) void PQconnectStart(void) {}\n"

#define COPY_FOUND "it contains a copy of libpq (it defines PQconnectStart)"

static Elf64_Shdr *section_of_type(const struct object *o, uint32_t type)
{
    Elf64_Shdr *s = (Elf64_Shdr *)(o->bytes + object_header(o)->e_shoff);
    for (unsigned i = 0; i < object_header(o)->e_shnum; i++)
        if (s[i].sh_type == type)
            return &s[i];
    fail_msg("the object has no section of type %u", type);
    return NULL;
}

static Elf64_Shdr *names_of_symbols(const struct object *o)
{
    Elf64_Shdr *s = (Elf64_Shdr *)(o->bytes + object_header(o)->e_shoff);
    return &s[section_of_type(o, SHT_SYMTAB)->sh_link];
}

static void strip(struct object *o)
{
    object_header(o)->e_shoff = 0;
    object_header(o)->e_shnum = 0;
}

static void move_headers(struct object *o)
{
    object_header(o)->e_shoff++;
}

static void move_headers_out(struct object *o)
{
    object_header(o)->e_shoff = UINT64_MAX - 7;
}

static void count_more_headers(struct object *o)
{
    object_header(o)->e_shnum++;
}

static void resize_headers(struct object *o)
{
    object_header(o)->e_shentsize--;
}

static void lose_section_names(struct object *o)
{
    object_header(o)->e_shstrndx = 1;
}

static void erase_headers(struct object *o)
{
    memset(o->bytes + object_header(o)->e_shoff, 0, object_header(o)->e_shnum * sizeof(Elf64_Shdr));
}

static void move_symbols_out(struct object *o)
{
    section_of_type(o, SHT_SYMTAB)->sh_offset = UINT64_MAX - 7;
}

static void grow_symbols_out(struct object *o)
{
    section_of_type(o, SHT_SYMTAB)->sh_size = UINT64_MAX;
}

static void resize_symbols(struct object *o)
{
    section_of_type(o, SHT_SYMTAB)->sh_entsize = 1;
}

static void link_symbols_to_nothing(struct object *o)
{
    section_of_type(o, SHT_SYMTAB)->sh_link = UINT32_MAX;
}

static void link_symbols_to_themselves(struct object *o)
{
    Elf64_Shdr *symbols = section_of_type(o, SHT_SYMTAB);
    symbols->sh_link = (uint32_t)(symbols - (Elf64_Shdr *)(o->bytes + object_header(o)->e_shoff));
}

static void empty_names(struct object *o)
{
    names_of_symbols(o)->sh_size = 0;
}

static void leave_names_open(struct object *o)
{
    const Elf64_Shdr *names = names_of_symbols(o);
    o->bytes[names->sh_offset + names->sh_size - 1] = 'x';
}

static void name_beyond(struct object *o)
{
    ((Elf64_Sym *)(o->bytes + section_of_type(o, SHT_SYMTAB)->sh_offset))[1].st_name = UINT32_MAX;
}

static void test_damaged_section_headers_are_passed_over(void **state)
{
    static const struct {
        const char *what;
        void (*damage)(struct object *);
    } damages[] = {
        {"strip", strip},
        {"move headers", move_headers},
        {"move headers out", move_headers_out},
        {"count more headers", count_more_headers},
        {"resize headers", resize_headers},
        {"lose section names", lose_section_names},
        {"erase headers", erase_headers},
        {"move symbols out", move_symbols_out},
        {"grow symbols out", grow_symbols_out},
        {"resize symbols", resize_symbols},
        {"link symbols to nothing", link_symbols_to_nothing},
        {"link symbols to themselves", link_symbols_to_themselves},
        {"empty names", empty_names},
        {"leave names open", leave_names_open},
        {"name beyond", name_beyond},
    };
    struct object o = object_compile(HIDDEN_COPY, "-shared -fPIC");
    unsigned char *copy = malloc(o.size);
    (void)state;
    assert_non_null(copy);
    memcpy(copy, o.bytes, o.size);
    then_refused(&o, "as built", COPY_FOUND);
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        damages[i].damage(&o);
        then_accepted(&o, damages[i].what);
        memcpy(o.bytes, copy, o.size);
    }
    free(copy);
    object_free(&o);
}

static void test_a_stripped_file_shows_no_hidden_copy(void **state)
{
    (void)state;
    struct object o = object_compile(HIDDEN_COPY, "-shared -fPIC -s");
    then_accepted(&o, "stripped");
    object_free(&o);
}

static Elf64_Phdr *writable_segment(const struct object *o)
{
    for (unsigned i = 0;; i++) {
        Elf64_Phdr *s = object_segment(o, PT_LOAD, i);
        if ((s->p_flags & PF_W) != 0)
            return s;
    }
}

/* Without section headers nothing says how much data there was. */
static void test_sections_are_where_the_segments_have_them(void **state)
{
    (void)state;
    struct object o = object_compile(OBJECT_SOURCE, "-shared -fPIC");
    Elf64_Phdr *data = writable_segment(&o);
    data->p_filesz -= 8;
    then_refused(&o, "less of the file", "damaged: section ");
    data->p_filesz += 8;
    data->p_memsz -= 4096;
    then_refused(&o, "less memory", "damaged: section ");
    strip(&o);
    then_accepted(&o, "less memory, stripped");
    object_free(&o);
}

static void test_constructors_begin_a_section(void **state)
{
    (void)state;
    struct object o = object_compile(OBJECT_SOURCE, "-shared -fPIC");
    object_dynamic(&o, DT_INIT)->d_un.d_val += 4;
    then_refused(&o, "inside a section", "damaged: DT_INIT (0x");
    strip(&o);
    then_accepted(&o, "inside a section, stripped");
    object_free(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damaged_section_headers_are_passed_over),
        cmocka_unit_test(test_a_stripped_file_shows_no_hidden_copy),
        cmocka_unit_test(test_sections_are_where_the_segments_have_them),
        cmocka_unit_test(test_constructors_begin_a_section),
    };
    return cmocka_run_group_tests(tests, objects_start, objects_stop);
}
