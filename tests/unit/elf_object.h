/* elf_object.h: shared objects for tests of the plugin file check: compiled on the spot, and their
 * bytes to be spoiled in memory.
 *
 * The compiler is `cc`, with whatever linker it takes; objects_start() and objects_stop() go
 * around a group of tests.
 */
#ifndef ELF_OBJECT_H
#define ELF_OBJECT_H

#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "elf/elf_check.h"
#include "support/process.h"
#include "support/scratch.h"
#include <walltrack/plugin.h>

/* As a plugin has them: an import, data, relocations of each kind, a constructor. */
#define OBJECT_SOURCE                                                                              \
    "extern void *malloc(unsigned long);\n"                                                        \
    "extern int placeholder_for_a_long_import(void);\n"                                            \
    "static int counter;\n"                                                                        \
    "static char room[5000];\n"                                                                    \
    "__attribute__((constructor)) static void begin(void) { counter++; }\n"                        \
    "__attribute__((destructor)) static void end(void) { counter--; }\n"                           \
    "void *table[] = {malloc, &counter, room, begin, placeholder_for_a_long_import};\n"            \
    "void *walltrack_plugin_v1(void) { return malloc(1) != 0 ? table : 0; }\n"

#define OBJECT_IMPORT "placeholder_for_a_long_import"

struct object {
    unsigned char *bytes;
    size_t size;
};

static char object_dir[SCRATCH_PATH_SIZE];

static inline int objects_start(void **state)
{
    (void)state;
    scratch_new(object_dir);
    return 0;
}

static inline int objects_stop(void **state)
{
    (void)state;
    scratch_remove(object_dir);
    return 0;
}

/* A name in the scratch folder; static. */
static inline const char *object_path(const char *name)
{
    static char path[SCRATCH_PATH_SIZE + 64];
    (void)snprintf(path, sizeof path, "%s/%s", object_dir, name);
    return path;
}

/* Compiles `source` to object.so in the scratch folder; `flags` also say what kind of thing it
 * shall be, such as "-shared -fPIC". */
static inline bool object_can_compile(const char *source, const char *flags)
{
    const struct process_options quiet = {.log = object_path("log"), .directory = object_dir};
    char log[SCRATCH_PATH_SIZE + 64], command[1024];
    (void)snprintf(log, sizeof log, "%s", quiet.log);
    (void)snprintf(command, sizeof command, "cc -o object.so object.c %s", flags);
    const char *const argv[] = {"sh", "-c", command, NULL};
    scratch_write(object_dir, "object.c", source);
    const struct process_options options = {.log = log, .directory = object_dir};
    return process_run(argv, &options) == 0;
}

static inline struct object object_read(const char *path)
{
    struct object o = {0};
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        fail_msg("%s: %s", path, strerror(errno));
    o.size = (size_t)ftell(file);
    o.bytes = malloc(o.size + 1);
    rewind(file);
    if (o.bytes == NULL || fread(o.bytes, 1, o.size, file) != o.size)
        fail_msg("%s cannot be read", path);
    (void)fclose(file);
    return o;
}

static inline struct object object_compile(const char *source, const char *flags)
{
    if (!object_can_compile(source, flags)) {
        scratch_print_tail(object_path("log"), 2000);
        fail_msg("cc %s", flags);
    }
    return object_read(object_path("object.so"));
}

static inline void object_free(struct object *o)
{
    free(o->bytes);
    o->bytes = NULL;
}

/* ---- its parts; all tables that the loader reads are in the first loadable segment, which begins
 * with the file, so that there an address is an offset ---- */

static inline Elf64_Ehdr *object_header(const struct object *o)
{
    return (Elf64_Ehdr *)o->bytes;
}

/* The segment number `nth` of that type. */
static inline Elf64_Phdr *object_segment(const struct object *o, uint32_t type, unsigned nth)
{
    Elf64_Phdr *s = (Elf64_Phdr *)(o->bytes + object_header(o)->e_phoff);
    for (unsigned i = 0; i < object_header(o)->e_phnum; i++)
        if (s[i].p_type == type && nth-- == 0)
            return &s[i];
    fail_msg("the object has no segment of type 0x%x", type);
    return NULL;
}

static inline Elf64_Dyn *object_dynamic(const struct object *o, int64_t tag)
{
    Elf64_Dyn *d = (Elf64_Dyn *)(o->bytes + object_segment(o, PT_DYNAMIC, 0)->p_offset);
    for (; d->d_tag != DT_NULL; d++)
        if (d->d_tag == tag)
            return d;
    fail_msg("the object has no dynamic entry 0x%llx", (unsigned long long)tag);
    return NULL;
}

static inline void *object_table(const struct object *o, int64_t tag)
{
    uint64_t address = object_dynamic(o, tag)->d_un.d_val;
    assert_true(address < object_segment(o, PT_LOAD, 0)->p_filesz);
    return o->bytes + address;
}

/* Where the loadable segments end in the file. */
static inline size_t object_loaded_size(const struct object *o)
{
    size_t end = 0;
    const Elf64_Phdr *s = (const Elf64_Phdr *)(o->bytes + object_header(o)->e_phoff);
    for (unsigned i = 0; i < object_header(o)->e_phnum; i++)
        if (s[i].p_type == PT_LOAD && s[i].p_offset + s[i].p_filesz > end)
            end = s[i].p_offset + s[i].p_filesz;
    return end;
}

/* ---- verdicts ---- */

static inline void then_accepted(const struct object *o, const char *what)
{
    struct elf_facts facts;
    struct error err = {0};
    if (elf_check(o->bytes, o->size, &facts, &err) != 0)
        fail_msg("%s: %s", what, err.msg);
}

/* The message begins with `message`, and the facts were left alone. */
static inline void then_refused(const struct object *o, const char *what, const char *message)
{
    struct elf_facts facts, before;
    struct error err = {0};
    memset(&before, 0x5a, sizeof before);
    memcpy(&facts, &before, sizeof facts);
    if (elf_check(o->bytes, o->size, &facts, &err) == 0)
        fail_msg("%s: accepted", what);
    if (strncmp(err.msg, message, strlen(message)) != 0)
        fail_msg("%s:\n  says     %s\n  expected %s", what, err.msg, message);
    assert_int_equal(err.code, ENOEXEC);
    assert_memory_equal(&facts, &before, sizeof facts);
}

#endif
