/* animal.c: a plugin that keeps nothing, and the one thing about it that is wrong.
 *
 * Built as it is, it is well-behaved: it takes every event, acknowledges it, and closes when it is
 * asked to.  Each animal of CMakeLists.txt differs in what it defines:
 *
 *     HABITS       what it does instead, at a point of its life: .event = die_of_it
 *     HEAD         fields of its structure: .magic = 0
 *     ENTRY        the name of its one symbol, and STRUCTURE what that gives
 *     CONSTRUCTOR  what runs while it is being loaded
 *     IMPORT       a symbol that it wants from elsewhere
 *     STATUS       why it fails, where a habit is to fail
 *     EXPORT       a function that it exports, and that says NUMBER
 *
 * A habit that an animal does not have is not in its file, nor is what it would import. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <walltrack/plugin.h>

#ifndef HABITS
#define HABITS 0
#endif
#ifndef HEAD
#define HEAD .reserved = 0
#endif
#ifndef ENTRY
#define ENTRY walltrack_plugin_v1
#endif
#ifndef STRUCTURE
#define STRUCTURE &plugin
#endif
#ifndef STATUS
#define STATUS WT_E_INTERNAL
#endif
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

enum { SOON_MS = 50, IN_PROBATION_MS = 300, BLOCKING_MS = 30, OFFLOAD_MS = 200, FAR = 1000 };

struct animal {
    const wt_host_api *api;
    wt_host *host;
    uint32_t mode;
    int fd; /* -1, or what it watches */
    bool closed;
};

/* What it does instead of what is good.  NULL: what is good. */
struct habits {
    wt_status (*probe)(struct animal *);  /* open() in a throw-away process  */
    void (*probe_close)(struct animal *); /* close() there; the rest is in the host */
    wt_status (*open)(struct animal *);
    void (*claim)(struct animal *, const wt_claim_args *);
    wt_answer (*event)(struct animal *, const wt_event *);
    void (*close)(struct animal *);
    void (*destroy)(struct animal *); /* before its memory is freed */
};

/* Inline: those that nobody has are left out. */
#define HABIT static inline __attribute__((unused))

/* ---- what many do ---- */

/* In a way that the compiler does not see through. */
HABIT void segfault(void)
{
    int *volatile nowhere = (int *)sizeof(int);
    *nowhere = 1;
}

HABIT void loop_for_ever(void)
{
    for (volatile bool for_ever = true; for_ever;)
        ;
}

/* As exit() would end it, which no plugin may import. */
HABIT void exit_with_0(void)
{
    syscall(SYS_exit_group, 0);
}

HABIT void exit_with_3(void)
{
    syscall(SYS_exit_group, 3);
}

HABIT void sleep_ms(long ms)
{
    const struct timespec time = {.tv_nsec = ms * 1000000};
    (void)nanosleep(&time, NULL);
}

HABIT void fail_now(void *user)
{
    struct animal *a = user;
    a->api->fail(a->host, STATUS, "the animal says " TEXT(STATUS));
}

/* Where a callback comes that must not come any more. */
HABIT void too_late(void *user)
{
    struct animal *a = user;
    a->api->log(a->host, WT_LOG_ERROR, "a callback came too late");
    a->closed = false;
}

HABIT void too_late_for_io(void *user, uint32_t events)
{
    (void)events;
    too_late(user);
}

HABIT void too_late_for_a_name(void *user, const char *addresses, const char *error)
{
    (void)addresses;
    (void)error;
    too_late(user);
}

/* ---- opening ---- */

static wt_status prepare(struct animal *a)
{
    a->api->prepared(a->host,
                     &(wt_prepared){.struct_size = sizeof(wt_prepared), .server = "a zoo"});
    return WT_OK;
}

HABIT wt_status refuse_to_open(struct animal *a)
{
    (void)a;
    return STATUS;
}

HABIT wt_status fail_to_open(struct animal *a)
{
    fail_now(a);
    return WT_OK;
}

HABIT wt_status fail_to_open_later(struct animal *a)
{
    a->api->timer(a->host, SOON_MS, fail_now, a);
    return WT_OK;
}

HABIT wt_status never_prepare(struct animal *a)
{
    (void)a;
    return WT_OK;
}

HABIT wt_status die_in_open(struct animal *a)
{
    segfault();
    return prepare(a);
}

HABIT wt_status abort_in_open(struct animal *a)
{
    (void)a;
    abort();
}

HABIT wt_status prepare_twice(struct animal *a)
{
    prepare(a);
    return prepare(a);
}

/* ---- claiming ---- */

static void claim_where_the_host_says(struct animal *a, const wt_claim_args *args)
{
    (void)args;
    a->api->claimed(a->host, WT_CURSOR_OF_HOST);
}

/* So that events wait for it, whatever was recorded before. */
HABIT void claim_from_the_first(struct animal *a, const wt_claim_args *args)
{
    a->api->claimed(a->host, args->oldest - 1);
}

/* With what the loader found under the name, which another animal exports as well. */
#ifdef EXPORT
__attribute__((visibility("default"))) int EXPORT(void);
int EXPORT(void)
{
    return NUMBER;
}

HABIT void claim_and_say_the_number(struct animal *a, const wt_claim_args *args)
{
    char line[32];
    (void)snprintf(line, sizeof line, "the number is %d", EXPORT());
    a->api->log(a->host, WT_LOG_INFO, line);
    claim_where_the_host_says(a, args);
}
#endif

HABIT void claim_ahead(struct animal *a, const wt_claim_args *args)
{
    a->api->claimed(a->host, args->head + FAR);
}

HABIT void fail_to_claim(struct animal *a, const wt_claim_args *args)
{
    (void)args;
    fail_now(a);
}

HABIT void never_claim(struct animal *a, const wt_claim_args *args)
{
    (void)a;
    (void)args;
}

HABIT void claim_and_fail_soon(struct animal *a, const wt_claim_args *args)
{
    claim_where_the_host_says(a, args);
    a->api->timer(a->host, SOON_MS, fail_now, a);
}

HABIT void claim_and_fail_in_probation(struct animal *a, const wt_claim_args *args)
{
    claim_where_the_host_says(a, args);
    a->api->timer(a->host, IN_PROBATION_MS, fail_now, a);
}

/* ---- events ---- */

static wt_answer take(struct animal *a, const wt_event *e)
{
    a->api->ack(a->host, e->seq);
    return WT_TAKEN;
}

HABIT wt_answer fail_at_an_event(struct animal *a, const wt_event *e)
{
    (void)e;
    fail_now(a);
    return WT_ENOUGH;
}

HABIT wt_answer acknowledge_the_future(struct animal *a, const wt_event *e)
{
    a->api->ack(a->host, e->seq + FAR);
    return WT_TAKEN;
}

HABIT wt_answer say_enough(struct animal *a, const wt_event *e)
{
    (void)a;
    (void)e;
    return WT_ENOUGH;
}

HABIT wt_answer take_without_ack(struct animal *a, const wt_event *e)
{
    (void)a;
    (void)e;
    return WT_TAKEN;
}

HABIT wt_answer die_of_a_wallet(struct animal *a, const wt_event *e)
{
    if (e->kind == WT_WALLET)
        segfault();
    return take(a, e);
}

HABIT wt_answer block_at_a_wallet(struct animal *a, const wt_event *e)
{
    if (e->kind == WT_WALLET)
        sleep_ms(BLOCKING_MS);
    return take(a, e);
}

/* Reports on a life that has long gone on. */
HABIT wt_answer report_its_life_again(struct animal *a, const wt_event *e)
{
    prepare(a);
    a->api->claimed(a->host, e->seq + FAR);
    return take(a, e);
}

HABIT wt_answer close_itself(struct animal *a, const wt_event *e)
{
    (void)e;
    a->api->closed(a->host);
    return WT_ENOUGH;
}

/* ---- closing ---- */

static void report_closed(struct animal *a)
{
    a->api->closed(a->host);
}

/* What is left for good must still be found from somewhere. */
HABIT void never_close(struct animal *a)
{
    static struct animal *left;
    left = a;
    (void)left;
}

HABIT void close_and_leave_watch(struct animal *a)
{
    a->fd = eventfd(1, EFD_CLOEXEC);
    a->api->watch(a->host, a->fd, WT_IO_READ, too_late_for_io, a);
    report_closed(a);
}

/* It is due at once. */
HABIT void close_and_leave_timer(struct animal *a)
{
    a->api->timer(a->host, 0, too_late, a);
    report_closed(a);
}

HABIT void work(void *user)
{
    (void)user;
    sleep_ms(OFFLOAD_MS);
}

HABIT void close_and_leave_offload(struct animal *a)
{
    a->api->offload(a->host, work, too_late, a);
    report_closed(a);
}

HABIT void close_and_leave_lookup(struct animal *a)
{
    a->api->resolve(a->host, "localhost", too_late_for_a_name, a);
    report_closed(a);
}

HABIT void close_twice(struct animal *a)
{
    report_closed(a);
    report_closed(a);
}

HABIT void talk_after_closed(struct animal *a)
{
    report_closed(a);
    a->api->resume(a->host);
    a->api->ack(a->host, UINT64_MAX);
    a->api->claimed(a->host, 0);
    prepare(a);
    fail_now(a);
}

/* Borrows from a ledger that has been closed. */
HABIT void talk_in_destroy(struct animal *a)
{
    a->api->resume(a->host);
    a->api->ack(a->host, UINT64_MAX);
    a->api->timer(a->host, 1, too_late, a);
    a->api->offload(a->host, work, too_late, a);
    report_closed(a);
    fail_now(a);
}

/* ---- questions ---- */

HABIT void never_answer(void *self, wt_query *query, const wt_query_args *args)
{
    struct animal *a = self;
    (void)query;
    a->api->log(a->host, WT_LOG_INFO, args->name);
}

HABIT void never_end(void *self, wt_query *query)
{
    (void)self;
    (void)query;
}

/* ---- the good plugin around it ---- */

static const struct habits habits = {HABITS};

static wt_status animal_open(const wt_host_api *api, wt_host *host, const wt_open_args *args,
                             void **self)
{
    struct animal *a = calloc(1, sizeof *a);
    if (a == NULL)
        return WT_E_AGAIN;
    *a = (struct animal){.api = api, .host = host, .mode = args->mode, .fd = -1};
    wt_status (*habit)(struct animal *) = a->mode == WT_OPEN_PROBE ? habits.probe : habits.open;
    wt_status status = habit != NULL ? habit(a) : prepare(a);
    if (status == WT_OK)
        *self = a;
    else
        free(a);
    return status;
}

static void animal_claim(void *self, const wt_claim_args *args)
{
    struct animal *a = self;
    if (habits.claim != NULL)
        habits.claim(a, args);
    else
        claim_where_the_host_says(a, args);
}

static wt_answer on_event(struct animal *a, const wt_event *e)
{
    return habits.event != NULL ? habits.event(a, e) : take(a, e);
}

#define HOOK(name)                                                                                 \
    static wt_answer on_##name(void *self, const wt_event *e, const wt_##name *fact)               \
    {                                                                                              \
        (void)fact;                                                                                \
        return on_event(self, e);                                                                  \
    }

HOOK(run_start)
HOOK(token)
HOOK(wallet)
HOOK(run_error)
HOOK(run_end)
HOOK(slot)

static void animal_close(void *self, uint32_t mode)
{
    struct animal *a = self;
    void (*habit)(struct animal *) = a->mode == WT_OPEN_PROBE ? habits.probe_close : habits.close;
    (void)mode;
    if (a->closed)
        return;
    a->closed = true;
    if (habit != NULL)
        habit(a);
    else
        report_closed(a);
}

static void animal_destroy(void *self)
{
    struct animal *a = self;
    if (habits.destroy != NULL && a->mode != WT_OPEN_PROBE)
        habits.destroy(a);
    if (a->fd >= 0)
        close(a->fd);
    free(a);
}

static const uint32_t kinds[] = {
    WT_KIND(WT_RUN_START, 1), WT_KIND(WT_TOKEN, 1),   WT_KIND(WT_WALLET, 1),
    WT_KIND(WT_RUN_ERROR, 1), WT_KIND(WT_RUN_END, 1), WT_KIND(WT_SLOT, 1),
};

/* HEAD says some fields a second time. */
#pragma GCC diagnostic ignored "-Woverride-init"
static const wt_plugin plugin = {
    .magic = WT_MAGIC,
    .struct_size = sizeof plugin,
    .abi_major = WT_ABI_MAJOR,
    .abi_minor = WT_ABI_MINOR,
    .kinds = kinds,
    .n_kinds = sizeof kinds / sizeof *kinds,
    .name = "animal",
    .version = "1.0",
    .open = animal_open,
    .claim = animal_claim,
    .on_run_start = on_run_start,
    .on_token = on_token,
    .on_wallet = on_wallet,
    .on_run_error = on_run_error,
    .on_run_end = on_run_end,
    .on_slot = on_slot,
    .close = animal_close,
    .destroy = animal_destroy,
    HEAD,
};

__attribute__((visibility("default"))) const wt_plugin *ENTRY(void);
const wt_plugin *ENTRY(void)
{
    return STRUCTURE;
}

/* ---- what a file can have ---- */

#ifdef CONSTRUCTOR
static __attribute__((constructor)) void construct(void)
{
    CONSTRUCTOR();
}
#endif

#ifdef IMPORT
extern const char imported[] __asm__(TEXT(IMPORT));
const char *volatile import = imported;
#endif

#ifdef THREAD_LOCAL
__attribute__((visibility("default"))) __thread int of_each_thread = 1;
#endif

/* The loader keeps one of these for the whole process, and its library with it. */
#ifdef UNIQUE
__asm__(".pushsection .data\n"
        ".globl zoo_unique\n"
        ".type zoo_unique, %gnu_unique_object\n"
        ".size zoo_unique, 8\n"
        "zoo_unique: .quad 1\n"
        ".popsection");
#endif

/* An address in the code, which the loader would have to write there. */
#ifdef TEXT_RELOCATION
__asm__(".pushsection .text\n.quad walltrack_plugin_v1\n.popsection");
#endif
