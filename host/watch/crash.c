/* The handler runs in whatever state the process is in.  So it takes no lock, asks neither malloc
 * nor the loader, reads names of calls only in a way that cannot fault, and knows modules from a
 * table that was filled beforehand. */
#include "watch/crash.h"

#include <errno.h>
#include <link.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <ucontext.h>

#include "log.h"
#include "watch/call.h"

enum { MODULES = 128, STACK_SIZE = 65536, TEXT_SIZE = 768 };

static const struct {
    int number;
    const char *name;
} signals[] = {
    {SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"},   {SIGILL, "SIGILL"},
    {SIGFPE, "SIGFPE"},   {SIGABRT, "SIGABRT"},
};

enum { SIGNALS = sizeof signals / sizeof signals[0] };

/* ---- what is loaded where ---- */

struct module {
    uintptr_t base;
    _Atomic uintptr_t end; /* 0: free; written last */
    char label[96];
};

static struct module modules[MODULES];

static void note(const char *label, uintptr_t base, uintptr_t end)
{
    for (size_t i = 0; i < MODULES; i++) {
        struct module *m = &modules[i];
        if (m->end != 0)
            continue;
        memset(m->label, '\0', sizeof m->label);
        strncat(m->label, label, sizeof m->label - 1);
        m->base = base;
        m->end = end;
        return;
    }
}

void crash_note_build(const char *label, uintptr_t base, uintptr_t end)
{
    note(label, base, end);
}

void crash_forget_build(uintptr_t base)
{
    for (size_t i = 0; i < MODULES; i++)
        if (modules[i].end != 0 && modules[i].base == base)
            modules[i].end = 0;
}

static const struct module *module_at(uintptr_t address)
{
    for (size_t i = 0; i < MODULES; i++)
        if (address < modules[i].end && address >= modules[i].base)
            return &modules[i];
    return NULL;
}

static int note_loaded(struct dl_phdr_info *info, size_t size, void *arg)
{
    const char *slash = strrchr(info->dlpi_name, '/');
    const char *name = slash != NULL ? slash + 1 : info->dlpi_name;
    uintptr_t end = 0;
    (void)size;
    (void)arg;
    for (size_t i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t last = info->dlpi_addr + segment->p_vaddr + segment->p_memsz;
        if (segment->p_type == PT_LOAD && last > end)
            end = last;
    }
    note(*name != '\0' ? name : program_invocation_short_name, info->dlpi_addr, end);
    return 0;
}

/* ---- the line ---- */

struct text {
    char bytes[TEXT_SIZE];
    size_t size;
};

/* Names come from plugins: only what is printable and harmless in every format stays. */
static void put(struct text *t, const char *words)
{
    for (const char *c = words; *c != '\0' && t->size < TEXT_SIZE - 1; c++)
        t->bytes[t->size++] = *c >= ' ' && *c <= '~' && *c != '"' && *c != '\\' ? *c : '?';
}

static void put_number(struct text *t, uintptr_t value, unsigned base)
{
    char digits[24];
    size_t at = sizeof digits;
    digits[--at] = '\0';
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value > 0);
    put(t, digits + at);
}

static void put_address(struct text *t, const char *before, uintptr_t address)
{
    put(t, before);
    put_number(t, address, 16);
}

static void put_signal(struct text *t, int number)
{
    put(t, "walltrackd crashed: signal ");
    put_number(t, (uintptr_t)number, 10);
    for (size_t i = 0; i < SIGNALS; i++) {
        if (signals[i].number != number)
            continue;
        put(t, " (");
        put(t, signals[i].name);
        put(t, ")");
    }
}

static uintptr_t instruction_of(const ucontext_t *context)
{
#if defined(__x86_64__)
    return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (uintptr_t)context->uc_mcontext.pc;
#else
    (void)context;
    return 0;
#endif
}

static void put_instruction(struct text *t, uintptr_t address)
{
    const struct module *m = module_at(address);
    if (m == NULL) {
        put_address(t, ", instruction at 0x", address);
        return;
    }
    put(t, ", ");
    put(t, m->label);
    put_address(t, "+0x", address - m->base);
}

/* A signal that a process has sent (also itself, by abort()) has no address, and its instruction
 * says nothing. */
static bool is_fault(const siginfo_t *info)
{
    return info->si_code > 0 && info->si_signo != SIGABRT;
}

static void tell(int number, const siginfo_t *info, const ucontext_t *context)
{
    struct text t = {.size = 0};
    struct call_name call;
    bool in_plugin = call_name(&call_here, &call);
    put_signal(&t, number);
    if (is_fault(info) && info->si_code != SI_KERNEL) /* the kernel does not always know */
        put_address(&t, " at 0x", (uintptr_t)info->si_addr);
    put(&t, " in ");
    put(&t, in_plugin ? call.who : "the host itself");
    if (in_plugin) {
        put(&t, " ");
        put(&t, call.what);
    }
    if (is_fault(info))
        put_instruction(&t, instruction_of(context));
    put(&t, "; the journal is safe");
    put(&t, in_plugin ? ", the next start uses the last good build" : "");
    log_text(LOG_ERROR, "daemon", t.bytes);
}

/* A fault happens again when the handler returns, and then leaves a core that shows its true
 * address.  What was sent must be sent again. */
static void on_crash(int number, siginfo_t *info, void *context)
{
    tell(number, info, context);
    signal(number, SIG_DFL);
    if (!is_fault(info))
        raise(number);
}

/* A thread that has run out of stack needs another one to say so.  The sanitizer has its own. */
static void give_stack(void)
{
#ifndef __SANITIZE_ADDRESS__
    static char stack[STACK_SIZE];
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&other, NULL);
#endif
}

static bool is_ours(int number)
{
#ifdef __SANITIZE_ADDRESS__
    return number == SIGABRT;
#else
    return number != 0;
#endif
}

void crash_watch(void)
{
    struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigfillset(&action.sa_mask); /* a fault in the handler ends the process at once */
    dl_iterate_phdr(note_loaded, NULL);
    give_stack();
    for (size_t i = 0; i < SIGNALS; i++)
        if (is_ours(signals[i].number))
            sigaction(signals[i].number, &action, NULL);
}
