#include "elf/elf_policy.h"

#include <string.h>
#include <walltrack/plugin.h>

/* ---- names ---- */

/* Forbidden imports.  A name that ends in * stands for all that begin so. */
static const struct imports {
    const char *reason;
    const char *names; /* with one space between */
} forbidden[] = {
    {"a plugin starts no threads; use offload()",
     "pthread_create thrd_create clone clone3 __clone getaddrinfo_a aio_* lio_listio lio_listio64 "
     "GOMP_* __kmpc_*"},
    {"the thread is the host's", "pthread_exit thrd_exit pthread_cancel pthread_kill"},
    {"what runs at the end of a thread may not be in a plugin",
     "pthread_key_create __pthread_key_create tss_create __cxa_thread_atexit "
     "__cxa_thread_atexit_impl"},
    {"what runs at fork() may not be in a plugin", "pthread_atfork __register_atfork"},
    {"what runs at exit may not be in a plugin; free things in destroy()",
     "atexit __cxa_atexit at_quick_exit __cxa_at_quick_exit on_exit"},
    {"it ends the host; use fail()",
     "exit _exit _Exit quick_exit err errx verr verrx error error_at_line"},
    {"signal handlers belong to the host",
     "signal sigaction __sigaction bsd_signal sysv_signal __sysv_signal ssignal sigset sigignore "
     "sighold sigrelse sigvec sigaltstack siginterrupt"},
    {"it is not defined in a process with threads; use pthread_sigmask and put the mask back",
     "sigprocmask sigblock sigsetmask"},
    {"a timer that sends signals or starts threads; use timer()",
     "timer_create setitimer alarm ualarm mq_notify"},
    {"a plugin starts no processes",
     "fork _Fork __fork vfork __vfork forkpty daemon posix_spawn posix_spawnp system popen execl "
     "execle execlp execv execve execveat execvp execvpe fexecve wordexp"},
    {"child processes are the host's to wait for", "wait wait3 wait4 waitid waitpid"},
    {"the loader is the host's; link what is needed", "dlopen dlmopen dlclose __libc_dlopen_mode"},
    {"the environment belongs to the whole process", "setenv unsetenv putenv clearenv"},
    {"the locale belongs to the whole process; use uselocale", "setlocale"},
    {"the working directory and the file mode mask belong to the whole process",
     "chdir fchdir chroot pivot_root umask"},
    {"the user and group belong to the whole process",
     "setuid seteuid setreuid setresuid setfsuid setgid setegid setregid setresgid setfsgid "
     "setgroups initgroups capset"},
    {"it belongs to the whole process",
     "setrlimit setrlimit64 prlimit prlimit64 setpriority nice setsid setpgid setpgrp "
     "sched_setaffinity close_range closefrom"},
    {"libuv belongs to the host; use watch(), timer() and offload()", "uv_*"},
    {"it keeps a pointer into the plugin's memory for the whole process",
     "openlog register_printf_function register_printf_specifier register_printf_modifier "
     "register_printf_type json_set_alloc_funcs json_set_alloc_funcs2 PQregisterThreadLock "
     "PQsetSSLKeyPassHook_OpenSSL"},
    {"the host has set up libpq's TLS for all", "PQinitSSL PQinitOpenSSL"},
    {"it comes with thread-local data; keep such data in the instance", "__tls_get_addr"},
};

/* Defined in a plugin, they betray a copy of a library that is to be shared. */
static const struct {
    const char *symbol, *library, *advice;
} statics[] = {
    {"PQconnectStart", "libpq", "link the shared libpq.so.5"},
    {"OPENSSL_init_crypto", "OpenSSL", "use that of the shared libpq.so.5"},
    {"uv_run", "libuv", "use the host's watch(), timer() and offload()"},
};

static const struct {
    const char *prefix, *allowed; /* allowed: the one name that may begin so, or NULL */
    const char *reason;
} libraries[] = {
    {"libuv.so", NULL, "libuv belongs to the host"},
    {"libpq.so", "libpq.so.5", "the host shares libpq.so.5 with all plugins"},
};

/* ---- what it asks of the loader ---- */

/* Tags with a text, and what is wrong with it. */
static const struct {
    int64_t tag;
    const char *name, *advice;
} texts[] = {
    {DT_SONAME, "SONAME", "the loader would take another build for this one; link without -soname"},
    {DT_RPATH, "RPATH", "link without -rpath"},
    {DT_RUNPATH, "RUNPATH", "link without -rpath"},
    {DT_AUDIT, "AUDIT", "link without --audit"},
    {DT_DEPAUDIT, "DEPAUDIT", "link without --depaudit"},
    {DT_FILTER, "FILTER", "link without --filter"},
    {DT_AUXILIARY, "AUXILIARY", "link without --auxiliary"},
};

/* Tags whose bits mean something that a plugin may not have. */
static const struct flag {
    int64_t tag;
    uint64_t bits; /* any of these; 0: the tag itself */
    const char *message;
} flags[] = {
    {DT_FLAGS_1, DF_1_PIE, "an executable (PIE), not a shared object: link it with -shared"},
    {DT_TEXTREL, 0, "text relocations: compile it with -fPIC"},
    {DT_FLAGS, DF_TEXTREL, "text relocations: compile it with -fPIC"},
    {DT_FLAGS, DF_STATIC_TLS, "static thread-local data: keep such data in the instance"},
    {DT_FLAGS_1, DF_1_NODELETE, "it could never be unloaded: link without -z nodelete"},
    {DT_FLAGS_1, DF_1_NOOPEN, "it forbids dlopen: link without -z nodlopen"},
    {DT_FLAGS_1, DF_1_INITFIRST, "it wants to be first: link without -z initfirst"},
    {DT_FLAGS_1, DF_1_GLOBAL, "its symbols would be everybody's: link without -z global"},
    {DT_FLAGS_1, DF_1_INTERPOSE, "it wants to replace symbols: link without -z interpose"},
    {DT_FLAGS_1, DF_1_LOADFLTR, "it wants to be a filter: link without -z loadfltr"},
    {DT_REL, 0, "relocations of a kind that this machine does not have (DT_REL)"},
    {DT_PREINIT_ARRAY, 0, "DT_PREINIT_ARRAY is for executables"},
};

static bool is_set(const struct flag *f, const Elf64_Dyn *entry)
{
    return f->tag == entry->d_tag && (f->bits == 0 || (f->bits & entry->d_un.d_val) != 0);
}

static int check_library(const char *name, size_t size, struct error *err)
{
    for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++) {
        if (strncmp(name, libraries[i].prefix, strlen(libraries[i].prefix)) != 0)
            continue;
        if (libraries[i].allowed == NULL || strcmp(name, libraries[i].allowed) != 0)
            return error_set(err, ENOEXEC, "it needs %s: %s", elf_shown(name, size).text,
                             libraries[i].reason);
    }
    return 0;
}

static int check_entry_of_dynamic(const struct elf_dynamic *d, const Elf64_Dyn *entry,
                                  struct error *err)
{
    const char *text = elf_dynamic_string(d, entry->d_un.d_val);
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (is_set(&flags[i], entry))
            return error_set(err, ENOEXEC, "%s", flags[i].message);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].tag == entry->d_tag)
            return error_set(err, ENOEXEC, "%s \"%s\": %s", texts[i].name,
                             elf_shown(text, text != NULL ? d->strings_size : 0).text,
                             texts[i].advice);
    return entry->d_tag == DT_NEEDED ? check_library(text, d->strings_size, err) : 0;
}

static int check_headers(const struct elf_image *image, struct error *err)
{
    const Elf64_Phdr *stack = elf_image_segment(image, PT_GNU_STACK);
    if (stack == NULL || (stack->p_flags & PF_X) != 0)
        return error_set(err, ENOEXEC,
                         "executable stack%s: build it with -Wl,-z,noexecstack, and end "
                         "assembler files with .section .note.GNU-stack,\"\",%%progbits",
                         stack == NULL ? " (no PT_GNU_STACK)" : "");
    const Elf64_Phdr *tls = elf_image_segment(image, PT_TLS);
    if (tls != NULL)
        return error_set(err, ENOEXEC,
                         "thread-local data (%llu bytes): keep such data in the instance",
                         (unsigned long long)tls->p_memsz);
    return 0;
}

int elf_policy_check_demands(const struct elf_dynamic *d, struct error *err)
{
    for (size_t i = 0; i < d->n_entries; i++) {
        Elf64_Dyn entry = elf_dynamic_entry(d, i);
        if (check_entry_of_dynamic(d, &entry, err) != 0)
            return -1;
    }
    return check_headers(d->image, err);
}

/* ---- symbols ---- */

int elf_policy_check_entry(const struct elf_image *image, const struct elf_symbols *s,
                           uint64_t *entry, struct error *err)
{
    for (uint64_t i = 0; i < s->count; i++) {
        Elf64_Sym symbol = elf_symbol(s, i);
        if (symbol.st_shndx == SHN_UNDEF ||
            strcmp(elf_symbol_name(s, &symbol), WT_ENTRY_SYMBOL) != 0)
            continue;
        if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_shndx == SHN_ABS ||
            !elf_image_is_code(image, symbol.st_value))
            return error_set(err, ENOEXEC,
                             "not a walltrack plugin: " WT_ENTRY_SYMBOL " is not a function");
        *entry = symbol.st_value;
        return 0;
    }
    return error_set(err, ENOEXEC, "not a walltrack plugin: it does not export " WT_ENTRY_SYMBOL);
}

static bool matches(const char *name, const char *pattern, size_t size)
{
    if (pattern[size - 1] == '*')
        return strncmp(name, pattern, size - 1) == 0;
    return strncmp(name, pattern, size) == 0 && name[size] == '\0';
}

static bool is_among(const char *name, const char *patterns)
{
    while (*patterns != '\0') {
        size_t size = strcspn(patterns, " ");
        if (matches(name, patterns, size))
            return true;
        patterns += size;
        patterns += *patterns == ' ';
    }
    return false;
}

static int check_import(const struct elf_symbols *s, const Elf64_Sym *symbol, struct error *err)
{
    const char *name = elf_symbol_name(s, symbol);
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++)
        if (is_among(name, forbidden[i].names))
            return error_set(err, ENOEXEC, "forbidden import %s: %s",
                             elf_shown(name, s->names_size).text, forbidden[i].reason);
    return 0;
}

static int check_definitions(const struct elf_symbols *s, struct error *err)
{
    for (uint64_t i = 0; i < s->count; i++) {
        Elf64_Sym symbol = elf_symbol(s, i);
        if (symbol.st_shndx == SHN_UNDEF)
            continue;
        for (size_t k = 0; k < sizeof statics / sizeof statics[0]; k++)
            if (strcmp(elf_symbol_name(s, &symbol), statics[k].symbol) == 0)
                return error_set(err, ENOEXEC, "it contains a copy of %s (it defines %s): %s",
                                 statics[k].library, statics[k].symbol, statics[k].advice);
    }
    return 0;
}

static int check_dynamic_symbol(const struct elf_symbols *s, const Elf64_Sym *symbol,
                                struct error *err)
{
    struct elf_shown name = elf_shown(elf_symbol_name(s, symbol), s->names_size);
    if (ELF64_ST_TYPE(symbol->st_info) == STT_TLS)
        return error_set(err, ENOEXEC, "thread-local data (%s): keep such data in the instance",
                         name.text);
    if (ELF64_ST_BIND(symbol->st_info) == STB_GNU_UNIQUE)
        return error_set(err, ENOEXEC,
                         "unique symbol %s, with which it could never be unloaded: compile it "
                         "with -fno-gnu-unique",
                         name.text);
    return symbol->st_shndx == SHN_UNDEF ? check_import(s, symbol, err) : 0;
}

int elf_policy_check_symbols(const struct elf_image *image, const struct elf_symbols *s,
                             struct error *err)
{
    struct elf_symbols all;
    /* First, because such a copy imports much of what is forbidden. */
    if (check_definitions(s, err) != 0 ||
        (elf_symbols_find_static(image, &all) && check_definitions(&all, err) != 0))
        return -1;
    for (uint64_t i = 0; i < s->count; i++) {
        Elf64_Sym symbol = elf_symbol(s, i);
        if (check_dynamic_symbol(s, &symbol, err) != 0)
            return -1;
    }
    return 0;
}
