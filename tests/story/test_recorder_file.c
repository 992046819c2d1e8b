/* The recorder's file: what a host must be able to load beside another build of it, and to unload.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const unsigned char *file;
static size_t file_size;

static int map_file(void **state)
{
    struct stat s;
    int fd = open(TEST_RECORDER, O_RDONLY | O_CLOEXEC);
    (void)state;
    if (fd < 0 || fstat(fd, &s) != 0)
        return -1;
    file_size = (size_t)s.st_size;
    file = mmap(NULL, file_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    return file == MAP_FAILED ? -1 : 0;
}

static const Elf64_Ehdr *header(void)
{
    return (const Elf64_Ehdr *)(const void *)file;
}

static const Elf64_Shdr *section(size_t i)
{
    return (const Elf64_Shdr *)(const void *)(file + header()->e_shoff) + i;
}

static const char *section_name(size_t i)
{
    return (const char *)file + section(header()->e_shstrndx)->sh_offset + section(i)->sh_name;
}

/* The section of that type, or NULL. */
static const Elf64_Shdr *section_of_type(uint32_t type)
{
    for (size_t i = 0; i < header()->e_shnum; i++)
        if (section(i)->sh_type == type)
            return section(i);
    return NULL;
}

static const char *strings_of(const Elf64_Shdr *s)
{
    return (const char *)file + section(s->sh_link)->sh_offset;
}

/* Calls `look` with every dynamic symbol. */
static void each_symbol(void (*look)(const char *name, const Elf64_Sym *symbol))
{
    const Elf64_Shdr *s = section_of_type(SHT_DYNSYM);
    assert_non_null(s);
    const Elf64_Sym *symbols = (const Elf64_Sym *)(const void *)(file + s->sh_offset);
    for (size_t i = 1; i < s->sh_size / sizeof *symbols; i++)
        look(strings_of(s) + symbols[i].st_name, &symbols[i]);
}

static size_t exported;

static void look_at_symbol(const char *name, const Elf64_Sym *symbol)
{
    static const char *const forbidden[] = {
        "pthread_create",
        "pthread_key_create",
        "__cxa_atexit",
        "__cxa_thread_atexit",
        "__cxa_thread_atexit_impl",
        "atexit",
        "on_exit",
        "signal",
        "sigaction",
        "fork",
        "vfork",
        "posix_spawn",
        "exit",
        "_exit",
        "setenv",
        "putenv",
        "dlopen",
        "dlmopen",
        "__tls_get_addr",
        "getaddrinfo",
        "PQexec",
        "PQconnectdb",
        "PQreset",
        "PQcancel",
    };
    if (symbol->st_shndx != SHN_UNDEF) {
        exported++;
        assert_string_equal(name, "walltrack_plugin_v1");
        return;
    }
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++)
        if (strcmp(name, forbidden[i]) == 0)
            fail_msg("it imports %s", name);
    if (strncmp(name, "uv_", 3) == 0)
        fail_msg("it imports %s", name);
}

static void test_it_imports_nothing_that_outlives_it_and_exports_one_symbol(void **state)
{
    (void)state;
    exported = 0;
    each_symbol(look_at_symbol);
    assert_int_equal(exported, 1);
}

static void test_it_needs_libpq_by_name_and_has_no_name_itself(void **state)
{
    const Elf64_Shdr *s = section_of_type(SHT_DYNAMIC);
    bool needs_libpq = false, binds_now = false;
    (void)state;
    assert_non_null(s);
    const Elf64_Dyn *d = (const Elf64_Dyn *)(const void *)(file + s->sh_offset);
    for (; d->d_tag != DT_NULL; d++) {
        const char *text = strings_of(s) + d->d_un.d_val;
        if (d->d_tag == DT_SONAME || d->d_tag == DT_RPATH || d->d_tag == DT_RUNPATH)
            fail_msg("it has the name or path \"%s\"", text);
        assert_int_not_equal(d->d_tag, DT_TEXTREL);
        if (d->d_tag == DT_NEEDED && strncmp(text, "libuv", 5) == 0)
            fail_msg("it needs %s", text);
        needs_libpq |= d->d_tag == DT_NEEDED && strcmp(text, "libpq.so.5") == 0;
        binds_now |= d->d_tag == DT_FLAGS_1 && (d->d_un.d_val & DF_1_NOW) != 0;
        if (d->d_tag == DT_FLAGS_1)
            assert_int_equal(d->d_un.d_val & DF_1_NODELETE, 0);
    }
    assert_true(needs_libpq);
    assert_true(binds_now);
}

static void test_it_has_no_thread_local_data_and_no_executable_stack(void **state)
{
    const Elf64_Phdr *p = (const Elf64_Phdr *)(const void *)(file + header()->e_phoff);
    (void)state;
    for (size_t i = 0; i < header()->e_phnum; i++) {
        assert_int_not_equal(p[i].p_type, PT_TLS);
        if (p[i].p_type == PT_GNU_STACK)
            assert_int_equal(p[i].p_flags & PF_X, 0);
    }
}

/* … or the fault points', which only test builds have. */
static bool is_the_compilers(const char *name)
{
    static const char *const prefixes[] = {"completed.", "__dso_handle", "__TMC_END__",
                                           "__odr_asan.", "fault_point_"};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return name[0] == '\0';
}

/* Left writable once the loader is done with it, unlike .data.rel.ro. */
static bool is_writable(uint16_t index)
{
    if (index == SHN_UNDEF || index >= header()->e_shnum)
        return false;
    const char *name = section_name(index);
    return strcmp(name, ".data") == 0 || strcmp(name, ".bss") == 0;
}

/* All that an instance knows is in its own memory. */
static void test_instances_share_nothing_that_can_be_written(void **state)
{
    const Elf64_Shdr *s = section_of_type(SHT_SYMTAB);
    (void)state;
    assert_non_null(s);
    const Elf64_Sym *symbols = (const Elf64_Sym *)(const void *)(file + s->sh_offset);
    for (size_t i = 0; i < s->sh_size / sizeof *symbols; i++) {
        const char *name = strings_of(s) + symbols[i].st_name;
        if (is_writable(symbols[i].st_shndx) && !is_the_compilers(name) &&
            ELF64_ST_TYPE(symbols[i].st_info) != STT_SECTION)
            fail_msg("%s is shared and can be written", name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_imports_nothing_that_outlives_it_and_exports_one_symbol),
        cmocka_unit_test(test_it_needs_libpq_by_name_and_has_no_name_itself),
        cmocka_unit_test(test_it_has_no_thread_local_data_and_no_executable_stack),
        cmocka_unit_test(test_instances_share_nothing_that_can_be_written),
    };
    return cmocka_run_group_tests(tests, map_file, NULL);
}
