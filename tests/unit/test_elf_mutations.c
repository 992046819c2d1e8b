/* Files cut at any length and with any byte of their headers changed: the check never stumbles
 * over them, and neither does the loader over those that pass.
 *
 * The loader is tried in child processes.  A changed byte may well make a file that loads and runs
 * into the wrong code; those few are counted and printed, and are what the host's probe is for.
 */
/* links: elf test_support */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "elf_object.h"

#if defined __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

static bool passes(const unsigned char *bytes, size_t size)
{
    struct elf_facts facts;
    struct error err;
    return elf_check(bytes, size, &facts, &err) == 0;
}

/* ---- the loader, in a child ---- */

enum verdict { LOADED, REFUSED_BY_LOADER, DIED };
enum { CHILD_SECONDS = 5, CHILD_REFUSED = 3 };

static _Noreturn void load_and_end(const char *path)
{
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    int null = open("/dev/null", O_WRONLY);
    (void)dup2(null, STDOUT_FILENO);
    (void)dup2(null, STDERR_FILENO);
    for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++)
        (void)signal(fatal[i], SIG_DFL); /* not the sanitizer's report, which takes long */
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)alarm(CHILD_SECONDS);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    _exit(handle != NULL && dlsym(handle, WT_ENTRY_SYMBOL) != NULL ? 0 : CHILD_REFUSED);
}

static enum verdict load(const unsigned char *bytes, size_t size)
{
    const char *path = object_path("mutated.so");
    FILE *file = fopen(path, "wb");
    int status = -1;
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        load_and_end(path);
    assert_true(process_wait(pid, 2 * CHILD_SECONDS * 1000, &status));
    return status == 0 ? LOADED : status == CHILD_REFUSED ? REFUSED_BY_LOADER : DIED;
}

/* The libraries of our plugins stay in memory, so that the children need not load them again. */
static int mutations_start(void **state)
{
    (void)dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    (void)dlopen("libjansson.so.4", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    return objects_start(state);
}

/* ---- cut ---- */

static void then_passes_only_if_loadable(const unsigned char *bytes, size_t size, size_t needed)
{
    if (passes(bytes, size) != (size >= needed))
        fail_msg("%s at %zu bytes; the loader needs %zu", size < needed ? "accepted" : "refused",
                 size, needed);
}

/* From the whole file downwards; what has been cut off may not be touched.  The check of a whole
 * file takes its time, so of the lengths that only cut section headers and debugging information
 * every `stride`th is tried. */
static void cut(struct object *o, size_t stride)
{
    size_t needed = object_loaded_size(o);
    for (size_t size = o->size + 1; size-- > 0;) {
        ASAN_POISON_MEMORY_REGION(o->bytes + size, o->size - size);
        if (size <= needed || (o->size - size) % stride == 0)
            then_passes_only_if_loadable(o->bytes, size, needed);
    }
    ASAN_UNPOISON_MEMORY_REGION(o->bytes, o->size);
}

static void load_some_cuts(const struct object *o, size_t count)
{
    size_t needed = object_loaded_size(o);
    for (size_t i = 0; i <= count; i++) {
        size_t size = needed + (o->size - needed) / count * i;
        if (load(o->bytes, size) != LOADED)
            fail_msg("does not load at %zu of %zu bytes, although it needs only %zu", size, o->size,
                     needed);
    }
}

static void test_the_recorder_is_refused_at_every_length_that_the_loader_needs(void **state)
{
    struct object o = object_read(TEST_RECORDER);
    (void)state;
    cut(&o, o.size / 64);
    load_some_cuts(&o, 20);
    object_free(&o);
}

static void test_a_small_object_is_cut_at_every_length(void **state)
{
    struct object o = object_compile(OBJECT_SOURCE, "-shared -fPIC -g -Wl,--hash-style=both");
    (void)state;
    cut(&o, 1);
    object_free(&o);
}

/* ---- changed ---- */

enum { PATTERNS = 11 };

static unsigned char changed(unsigned char byte, unsigned pattern)
{
    static const unsigned char flips[PATTERNS - 1] = {1, 2, 4, 8, 16, 32, 64, 128, 0x11, 0xff};
    return pattern < PATTERNS - 1 ? byte ^ flips[pattern] : 0;
}

struct tally {
    unsigned tried, passed, loads, loaded, refused, died;
    unsigned stride; /* every so manieth that passes is loaded */
};

static void change(struct object *o, size_t at, unsigned pattern, struct tally *t)
{
    unsigned char original = o->bytes[at];
    o->bytes[at] = changed(original, pattern);
    t->tried++;
    if (o->bytes[at] != original && passes(o->bytes, o->size) && t->passed++ % t->stride == 0) {
        enum verdict verdict = load(o->bytes, o->size);
        t->loads++;
        t->loaded += verdict == LOADED;
        t->refused += verdict == REFUSED_BY_LOADER;
        t->died += verdict == DIED;
        if (verdict == DIED)
            print_message("dies with byte %zu changed from %02x to %02x\n", at, original,
                          o->bytes[at]);
    }
    o->bytes[at] = original;
}

static void change_range(struct object *o, size_t from, size_t size, unsigned step, struct tally *t)
{
    for (size_t at = from; at < from + size; at++)
        for (unsigned pattern = 0; pattern < PATTERNS; pattern += step)
            change(o, at, pattern, t);
}

/* Those in a hundred that may die; a check that lets a whole kind of damage pass has far more. */
enum { DEATHS_PERCENT = 5 };

static void change_headers(struct object *o, const char *what, unsigned step, unsigned stride)
{
    struct tally t = {.stride = stride};
    const Elf64_Phdr dynamic = *object_segment(o, PT_DYNAMIC, 0);
    change_range(o, 0, sizeof(Elf64_Ehdr), step, &t);
    change_range(o, object_header(o)->e_phoff, object_header(o)->e_phnum * sizeof(Elf64_Phdr), step,
                 &t);
    change_range(o, dynamic.p_offset, dynamic.p_filesz, step, &t);
    print_message("%s: %u changes, %u pass, %u of these tried: %u load, %u are refused by the "
                  "loader, %u die\n",
                  what, t.tried, t.passed, t.loads, t.loaded, t.refused, t.died);
    if (t.died * 100 > t.loads * DEATHS_PERCENT)
        fail_msg("%u of %u die", t.died, t.loads);
}

static void test_a_small_object_with_each_header_byte_changed(void **state)
{
    struct object o = object_compile(OBJECT_SOURCE, "-shared -fPIC -g -Wl,--hash-style=both "
                                                    "-Wl,--defsym=" OBJECT_IMPORT "=0");
    (void)state;
    assert_int_equal(load(o.bytes, o.size), LOADED);
    change_headers(&o, "small object", 1, 25);
    object_free(&o);
}

static void test_the_recorder_with_each_header_byte_changed(void **state)
{
    struct object o = object_read(TEST_RECORDER);
    (void)state;
    assert_int_equal(load(o.bytes, o.size), LOADED);
    change_headers(&o, "recorder", 5, 10);
    object_free(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_recorder_is_refused_at_every_length_that_the_loader_needs),
        cmocka_unit_test(test_a_small_object_is_cut_at_every_length),
        cmocka_unit_test(test_a_small_object_with_each_header_byte_changed),
        cmocka_unit_test(test_the_recorder_with_each_header_byte_changed),
    };
    return cmocka_run_group_tests(tests, mutations_start, objects_stop);
}
