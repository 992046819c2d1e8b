/* What is no plugin's file, what a plugin may not ask for, and what is damaged: each refused in
 * words.  What compilers and linkers make of a plain plugin is taken. */
/* links: elf test_support */
#include <dlfcn.h>

#include "elf_object.h"

#define SHARED "-shared -fPIC "
#define ENTRY "void *walltrack_plugin_v1(void) { return 0; }\n"

/* ---- what is not a plugin ---- */

static void test_files_of_other_kinds_are_named(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *message;
    } others[] = {
        {"", 0, "the file is empty"},
        {"#!/bin/sh\n", 10, "not an ELF shared object (starts \"#!/b\")"},
        {"a\"\n\xff", 4, "not an ELF shared object (starts \"a\\x22\\x0a\\xff\")"},
        {"\x7f"
         "E",
         2, "not an ELF shared object (starts \"\\x7fE\")"},
        {"\x7f"
         "ELF",
         4, "truncated: the ELF header needs 64 bytes, file has 4"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct object o = {malloc(others[i].size + 1), others[i].size};
        memcpy(o.bytes, others[i].bytes, o.size);
        then_refused(&o, others[i].message, others[i].message);
        object_free(&o);
    }
}

/* ---- what it may not be or ask for ---- */

static const struct {
    const char *source, *flags;
    const char *message;
} built[] = {
    {"int main(void) { return 0; }", "-no-pie",
     "an executable, not a shared object: link it with -shared"},
    {"int main(void) { return 0; }", "-pie -fPIE",
     "an executable, not a shared object: link it with -shared"},
    {ENTRY, "-c", "an object file, not a shared object: link it with -shared"},
    {ENTRY, "-static-pie -nostdlib -fPIE -Wl,-e,walltrack_plugin_v1,--export-dynamic",
     "an executable (PIE), not a shared object: link it with -shared"},
    {"int other(void) { return 0; }", SHARED,
     "not a walltrack plugin: it does not export walltrack_plugin_v1"},
    {ENTRY, SHARED "-fvisibility=hidden",
     "not a walltrack plugin: it does not export walltrack_plugin_v1"},
    {"extern void *walltrack_plugin_v1(void); void *f(void) { return walltrack_plugin_v1(); }",
     SHARED, "not a walltrack plugin: it does not export walltrack_plugin_v1"},
    {"int walltrack_plugin_v1 = 1;", SHARED,
     "not a walltrack plugin: walltrack_plugin_v1 is not a function"},
    {ENTRY, SHARED "-Wl,-z,execstack",
     "executable stack: build it with -Wl,-z,noexecstack, and end assembler files with .section"},
    {ENTRY "__asm__(\".text\\n.quad walltrack_plugin_v1\");", SHARED "-Wl,-z,notext",
     "text relocations: compile it with -fPIC"},
    {ENTRY, SHARED "-Wl,-rpath,/opt/x,--disable-new-dtags",
     "RPATH \"/opt/x\": link without -rpath"},
    {ENTRY, SHARED "-Wl,-rpath,'/opt/\"y',--enable-new-dtags",
     "RUNPATH \"/opt/\\x22y\": link without -rpath"},
    {ENTRY, SHARED "-Wl,-soname,rec.so", "SONAME \"rec.so\": the loader would take another build"},
    {ENTRY, SHARED "-Wl,--audit,a.so", "AUDIT \"a.so\": link without --audit"},
    {ENTRY, SHARED "-Wl,--depaudit,a.so", "DEPAUDIT \"a.so\": link without --depaudit"},
    {ENTRY, SHARED "-Wl,--filter,a.so", "FILTER \"a.so\": link without --filter"},
    {ENTRY, SHARED "-Wl,--auxiliary,a.so", "AUXILIARY \"a.so\": link without --auxiliary"},
    {ENTRY "_Thread_local int t; int *f(void) { return &t; }", SHARED,
     "thread-local data (4 bytes): keep such data in the instance"},
    {ENTRY "extern _Thread_local int theirs; int f(void) { return theirs; }", SHARED,
     "thread-local data (theirs): keep such data in the instance"},
    {ENTRY "extern _Thread_local int theirs; int f(void) { return theirs; }",
     SHARED "-ftls-model=initial-exec", "static thread-local data: keep such data in the instance"},
    {ENTRY "__asm__(\".data\\n.globl one\\n.type one, %gnu_unique_object\\none: .long 1\\n"
           ".size one, 4\\n\");",
     SHARED, "unique symbol one, with which it could never be unloaded: compile it with -fno-gnu"},
    {ENTRY, SHARED "-Wl,-z,nodelete", "it could never be unloaded: link without -z nodelete"},
    {ENTRY, SHARED "-Wl,-z,nodlopen", "it forbids dlopen: link without -z nodlopen"},
    {ENTRY, SHARED "-Wl,-z,initfirst", "it wants to be first: link without -z initfirst"},
    {ENTRY, SHARED "-Wl,-z,interpose", "it wants to replace symbols: link without -z interpose"},
    {ENTRY, SHARED "-Wl,-z,global", "its symbols would be everybody's: link without -z global"},
    {ENTRY, SHARED "-Wl,-z,loadfltr", "it wants to be a filter: link without -z loadfltr"},
    {ENTRY "void PQconnectStart(void) {}", SHARED,
     "it contains a copy of libpq (it defines PQconnectStart): link the shared libpq.so.5"},
    {ENTRY "__attribute__((visibility(\"hidden\"))) void PQconnectStart(void) {}", SHARED,
     "it contains a copy of libpq (it defines PQconnectStart): link the shared libpq.so.5"},
    {ENTRY "void OPENSSL_init_crypto(void) {}", SHARED,
     "it contains a copy of OpenSSL (it defines OPENSSL_init_crypto): use that of the shared"},
    {ENTRY "int uv_run(void) { return 0; }", SHARED,
     "it contains a copy of libuv (it defines uv_run): use the host's watch(), timer()"},
    {ENTRY "void setup(void) {}", SHARED "-Wl,-init=setup", "damaged: DT_INIT (0x"},
};

static void test_bad_builds_are_refused_with_what_to_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof built / sizeof built[0]; i++) {
        struct object o = object_compile(built[i].source, built[i].flags);
        then_refused(&o, built[i].flags, built[i].message);
        object_free(&o);
    }
}

static void test_libraries_that_are_the_hosts_are_refused(void **state)
{
    static const struct {
        const char *soname, *message; /* NULL: fine */
    } needed[] = {
        {"libuv.so.1", "it needs libuv.so.1: libuv belongs to the host"},
        {"libpq.so.6", "it needs libpq.so.6: the host shares libpq.so.5 with all plugins"},
        {"libpq.so.5", NULL},
        {"libpthread.so.0", NULL},
        {"libstdc++.so.6", NULL},
    };
    char flags[128];
    (void)state;
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        (void)snprintf(flags, sizeof flags, SHARED "-o stub.so -Wl,-soname,%s", needed[i].soname);
        assert_true(object_can_compile("int x;", flags));
        struct object o = object_compile(ENTRY, SHARED "-Wl,--no-as-needed ./stub.so");
        if (needed[i].message == NULL)
            then_accepted(&o, needed[i].soname);
        else
            then_refused(&o, needed[i].soname, needed[i].message);
        object_free(&o);
    }
}

/* ---- imports ---- */

static const struct {
    const char *name, *reason; /* NULL: allowed */
} imports[] = {
    {"pthread_create", "a plugin starts no threads; use offload()"},
    {"thrd_create", "a plugin starts no threads; use offload()"},
    {"aio_read64", "a plugin starts no threads; use offload()"},
    {"pthread_exit", "the thread is the host's"},
    {"pthread_key_create", "what runs at the end of a thread may not be in a plugin"},
    {"tss_create", "what runs at the end of a thread may not be in a plugin"},
    {"__cxa_thread_atexit", "what runs at the end of a thread may not be in a plugin"},
    {"__cxa_thread_atexit_impl", "what runs at the end of a thread may not be in a plugin"},
    {"pthread_atfork", "what runs at fork() may not be in a plugin"},
    {"__register_atfork", "what runs at fork() may not be in a plugin"},
    {"atexit", "what runs at exit may not be in a plugin; free things in destroy()"},
    {"__cxa_atexit", "what runs at exit may not be in a plugin; free things in destroy()"},
    {"__cxa_at_quick_exit", "what runs at exit may not be in a plugin; free things in destroy()"},
    {"on_exit", "what runs at exit may not be in a plugin; free things in destroy()"},
    {"exit", "it ends the host; use fail()"},
    {"_exit", "it ends the host; use fail()"},
    {"_Exit", "it ends the host; use fail()"},
    {"quick_exit", "it ends the host; use fail()"},
    {"signal", "signal handlers belong to the host"},
    {"__sysv_signal", "signal handlers belong to the host"},
    {"sigaction", "signal handlers belong to the host"},
    {"sigaltstack", "signal handlers belong to the host"},
    {"sigprocmask", "it is not defined in a process with threads; use pthread_sigmask"},
    {"timer_create", "a timer that sends signals or starts threads; use timer()"},
    {"setitimer", "a timer that sends signals or starts threads; use timer()"},
    {"alarm", "a timer that sends signals or starts threads; use timer()"},
    {"fork", "a plugin starts no processes"},
    {"vfork", "a plugin starts no processes"},
    {"posix_spawnp", "a plugin starts no processes"},
    {"system", "a plugin starts no processes"},
    {"popen", "a plugin starts no processes"},
    {"execve", "a plugin starts no processes"},
    {"clone", "a plugin starts no threads; use offload()"},
    {"waitpid", "child processes are the host's to wait for"},
    {"dlopen", "the loader is the host's; link what is needed"},
    {"dlmopen", "the loader is the host's; link what is needed"},
    {"dlclose", "the loader is the host's; link what is needed"},
    {"setenv", "the environment belongs to the whole process"},
    {"putenv", "the environment belongs to the whole process"},
    {"setlocale", "the locale belongs to the whole process; use uselocale"},
    {"chdir", "the working directory and the file mode mask belong to the whole process"},
    {"umask", "the working directory and the file mode mask belong to the whole process"},
    {"setuid", "the user and group belong to the whole process"},
    {"setresgid", "the user and group belong to the whole process"},
    {"setrlimit", "it belongs to the whole process"},
    {"uv_timer_init", "libuv belongs to the host; use watch(), timer() and offload()"},
    {"openlog", "it keeps a pointer into the plugin's memory for the whole process"},
    {"PQinitOpenSSL", "the host has set up libpq's TLS for all"},
    {"__tls_get_addr", "it comes with thread-local data; keep such data in the instance"},
    {"pthread_mutex_lock", NULL},
    {"pthread_sigmask", NULL},
    {"pthread_creat", NULL},
    {"pthread_create_", NULL},
    {"exits", NULL},
    {"abort", NULL},
    {"uv", NULL},
    {"dlsym", NULL},
    {"getenv", NULL},
    {"__cxa_finalize", NULL},
};

static void test_each_forbidden_import_is_named(void **state)
{
    struct object o = object_compile(OBJECT_SOURCE, SHARED "-O1");
    char *name = memmem(o.bytes, o.size, OBJECT_IMPORT, sizeof OBJECT_IMPORT);
    char message[256];
    (void)state;
    assert_non_null(name);
    /* So that the copy of the name for debuggers is out of the way. */
    assert_true(object_loaded_size(&o) > (size_t)((unsigned char *)name - o.bytes));
    for (size_t i = 0; i < sizeof imports / sizeof imports[0]; i++) {
        (void)snprintf(name, sizeof OBJECT_IMPORT, "%s", imports[i].name);
        (void)snprintf(message, sizeof message, "forbidden import %s: %s", imports[i].name,
                       imports[i].reason != NULL ? imports[i].reason : "");
        if (imports[i].reason == NULL)
            then_accepted(&o, imports[i].name);
        else
            then_refused(&o, imports[i].name, message);
    }
    object_free(&o);
}

/* ---- what is fine ---- */

/* Copied first, because the loader knows files by their names. */
static void then_loads(const struct object *o, const char *what)
{
    static unsigned number;
    char name[32];
    (void)snprintf(name, sizeof name, "loaded-%u.so", number++);
    FILE *file = fopen(object_path(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(o->bytes, 1, o->size, file), o->size);
    assert_int_equal(fclose(file), 0);
    void *handle = dlopen(object_path(name), RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        fail_msg("%s: %s", what, dlerror());
    (void)dlclose(handle);
}

static void test_plain_plugins_of_all_tools_are_taken(void **state)
{
    static const struct {
        const char *flags;
        bool optional; /* when the tool knows it */
    } plain[] = {
        {"-O0", false},
        {"-O3 -g", false},
        {"-O2 -s -Wl,-z,defs,-z,now", false},
        {"-O2 -Wl,--hash-style=sysv", false},
        {"-O2 -Wl,--hash-style=both", false},
        {"-O2 -Wl,--build-id=none -Wl,-z,lazy", false},
        {"-O2 -Wl,-z,noseparate-code", false},
        {"-O2 -Wl,-z,norelro", false},
        {"-O2 -Wl,-z,pack-relative-relocs", true},
        {"-O2 -fcf-protection=full", true},
        {"-O2 -fsanitize=undefined -fsanitize-undefined-trap-on-error", true},
        {"-O2 -fuse-ld=gold", true},
        {"-O2 -fuse-ld=lld -Wl,--hash-style=both", true},
        {"-O2 -fuse-ld=lld -s", true},
    };
    static const char source[] = "#include <stdlib.h>\nstatic int counter;\n"
                                 "__attribute__((constructor)) static void begin(void)"
                                 " { counter++; }\n"
                                 "void *table[] = {malloc, &counter};\n"
                                 "void *walltrack_plugin_v1(void) { return table; }\n";
    char flags[256];
    (void)state;
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        (void)snprintf(flags, sizeof flags, SHARED "%s", plain[i].flags);
        if (plain[i].optional && !object_can_compile(source, flags)) {
            print_message("skipped: cc does not know %s\n", plain[i].flags);
            continue;
        }
        struct object o = object_compile(source, flags);
        then_accepted(&o, flags);
        then_loads(&o, flags);
        object_free(&o);
    }
}

static void test_our_own_plugins_are_taken(void **state)
{
    static const char *const ours[] = {TEST_RECORDER, TEST_PLUGIN_LOG};
    (void)state;
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        struct object o = object_read(ours[i]);
        then_accepted(&o, ours[i]);
        object_free(&o);
    }
}

/* ---- facts ---- */

static void test_facts_are_those_of_the_loaded_object(void **state)
{
    static const char id[] = "0123456789abcdef0123456789abcdef01234567";
    struct elf_facts facts;
    struct error err;
    Dl_info place;
    (void)state;
    struct object o = object_compile(ENTRY, SHARED "-Wl,--no-as-needed -lc -lm "
                                                   "-Wl,--build-id=0x0123456789abcdef0123456789ab"
                                                   "cdef01234567");
    assert_int_equal(elf_check(o.bytes, o.size, &facts, &err), 0);
    assert_string_equal(facts.build_id, id);
    assert_string_equal(facts.needed, "libc.so.6 libm.so.6");
    assert_true(facts.memory >= 3 * 4096 && facts.memory < 1 << 20);
    void *handle = dlopen(object_path("object.so"), RTLD_NOW | RTLD_LOCAL);
    assert_non_null(handle);
    char *entry = dlsym(handle, "walltrack_plugin_v1");
    assert_int_not_equal(dladdr(entry, &place), 0);
    assert_int_equal(entry - (char *)place.dli_fbase, facts.entry);
    (void)dlclose(handle);
    object_free(&o);
}

static void test_a_build_without_an_id_has_none(void **state)
{
    struct elf_facts facts;
    struct error err;
    (void)state;
    struct object o = object_compile(ENTRY, SHARED "-nostdlib -Wl,--build-id=none");
    assert_int_equal(elf_check(o.bytes, o.size, &facts, &err), 0);
    assert_string_equal(facts.build_id, "");
    assert_string_equal(facts.needed, "");
    object_free(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_of_other_kinds_are_named),
        cmocka_unit_test(test_bad_builds_are_refused_with_what_to_do),
        cmocka_unit_test(test_libraries_that_are_the_hosts_are_refused),
        cmocka_unit_test(test_each_forbidden_import_is_named),
        cmocka_unit_test(test_plain_plugins_of_all_tools_are_taken),
        cmocka_unit_test(test_our_own_plugins_are_taken),
        cmocka_unit_test(test_facts_are_those_of_the_loaded_object),
        cmocka_unit_test(test_a_build_without_an_id_has_none),
    };
    return cmocka_run_group_tests(tests, objects_start, objects_stop);
}
