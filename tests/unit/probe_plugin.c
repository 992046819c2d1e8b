/* A plugin for the probe: good, but for what the compiler's -D options switch on. */
#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <walltrack/plugin.h>

#ifndef MAJOR
#define MAJOR WT_ABI_MAJOR
#endif
#ifndef MIN_HOST_MINOR
#define MIN_HOST_MINOR 0
#endif
#ifndef MAGIC
#define MAGIC WT_MAGIC
#endif
#ifndef SIZE
#define SIZE sizeof(wt_plugin)
#endif
#ifndef NAME
#define NAME "probed"
#endif
#ifndef VERSION
#define VERSION "1.2"
#endif
#ifndef WALLET_VERSION
#define WALLET_VERSION 1
#endif
#ifndef FIFO
#define FIFO ""
#endif

static struct {
    const wt_host_api *api;
    wt_host *host;
} me;

static void nothing(void *user)
{
    (void)user;
}

/* ---- what it may do in any of its functions ---- */

static void abort_with_words(void)
{
    setvbuf(stderr, NULL, _IONBF, 0);
    fputs("first words\nprobed.c:1: the sky has fallen\n\n", stderr);
    abort();
}

static void loop(void)
{
    for (volatile unsigned i = 0;; i++)
        ;
}

static void crash(void)
{
    raise(SIGSEGV);
}

static void exit_0(void)
{
    exit(0);
}

static void exit_3(void)
{
    fputs("cannot go on\n", stderr);
    exit(3);
}

/* Ten megabytes on each, without the end of a line. */
static void print(void)
{
    static char text[65536];
    memset(text, 'x', sizeof text);
    for (int i = 0; i < 160; i++)
        if (write(1, text, sizeof text) < 0 || write(2, text, sizeof text) < 0)
            abort();
}

static void print_and_abort(void)
{
    print();
    abort();
}

static void say_rubbish(void)
{
    static const char rubbish[] = "\x1b[31m\xff\xfe\x01 red\n";
    if (write(2, rubbish, sizeof rubbish - 1) > 0)
        abort();
}

static void close_all(void)
{
    for (int fd = 3; fd < 64; fd++)
        close(fd);
}

static void write_everywhere(void)
{
    static char zeros[16384];
    memset(zeros, 0x55, sizeof zeros);
    if (write(3, zeros, sizeof zeros) < 0)
        abort();
}

/* A process that has the pipes open and lives until somebody kills it, or, out of the group where
 * nobody reaches it, until nobody reads the FIFO any more.  It is there when this returns. */
static void fork_sleeper(int escape)
{
    int fds[2];
    char byte;
    if (pipe(fds) != 0)
        abort();
    if (fork() == 0) {
        signal(SIGPIPE, SIG_DFL);
        if (escape)
            setsid();
        int fifo = open(FIFO, O_WRONLY | O_CLOEXEC);
        if (write(fds[1], "!", 1) == 1)
            while (!escape || write(fifo, "!", 1) == 1)
                usleep(10000);
        _exit(1);
    }
    if (read(fds[0], &byte, 1) != 1)
        abort();
}

static void leave_sleeper(void)
{
    fork_sleeper(0);
}

static void leave_sleeper_and_crash(void)
{
    fork_sleeper(0);
    crash();
}

static void leave_escaper_and_exit(void)
{
    fork_sleeper(1);
    _exit(3);
}

/* Whoever reads the FIFO hears that this process is there, and when it is gone. */
static void announce_and_loop(void)
{
    int fd = open(FIFO, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "!", 1) != 1)
        abort();
    loop();
}

static void leave_timers(void)
{
    me.api->timer(me.host, 60000, nothing, NULL);
    me.api->timer(me.host, 60000, nothing, NULL);
}

static void prepare_again(void)
{
    me.api->prepared(me.host, NULL);
}

static void fail_softly(void)
{
    me.api->fail(me.host, WT_E_CONFIG, "conninfo: no such key 'hots'");
}

#ifdef MISSING_SYMBOL
void nobody_has_this_one(void);
#define IN_ENTRY nobody_has_this_one
#endif
#ifdef MISSING_LIBRARY
void probe_library(void);
#define IN_ENTRY probe_library
#endif

#ifndef IN_CONSTRUCTOR
#define IN_CONSTRUCTOR() (void)0
#endif
#ifndef IN_DESTRUCTOR
#define IN_DESTRUCTOR() (void)0
#endif
#ifndef IN_ENTRY
#define IN_ENTRY() (void)0
#endif
#ifndef IN_OPEN
#define IN_OPEN() (void)0
#endif
#ifndef IN_CLOSE
#define IN_CLOSE() (void)0
#endif

__attribute__((constructor)) static void on_load(void)
{
    IN_CONSTRUCTOR();
}

__attribute__((destructor)) static void on_unload(void)
{
    IN_DESTRUCTOR();
}

/* ---- the plugin ---- */

static wt_status probed_open(const wt_host_api *api, wt_host *host, const wt_open_args *args,
                             void **self)
{
    me.api = api;
    me.host = host;
    *self = &me;
    IN_OPEN();
#ifdef REFUSE_AT_ONCE
    return WT_E_CONFIG;
#endif
    assert(args->mode == WT_OPEN_PROBE);
    assert(strcmp(args->name, "the plugin") == 0 && strcmp(args->host_name, "here") == 0);
    assert(strcmp(args->config, "{\"secret\": \"\xc3\xa4\"}") == 0);
    assert(strncmp(args->build, NAME " " VERSION " (", strlen(NAME " " VERSION " (")) == 0);
    assert(getenv("PGPASSWORD") == NULL);
#ifndef NEVER_PREPARED
    api->prepared(host, NULL);
#endif
    return WT_OK;
}

static void probed_claim(void *self, const wt_claim_args *args)
{
    (void)self;
    (void)args;
    abort(); /* a probe claims nothing */
}

static void probed_close(void *self, uint32_t mode)
{
    (void)self;
    assert(mode == WT_CLOSE_ABORT);
    IN_CLOSE();
#ifndef NEVER_CLOSED
    me.api->closed(me.host);
#endif
}

static void probed_destroy(void *self)
{
    (void)self;
}

static const uint32_t kinds[] = {
    WT_KIND(WT_RUN_START, 1), WT_KIND(WT_TOKEN, 1),   WT_KIND(WT_WALLET, WALLET_VERSION),
    WT_KIND(WT_RUN_ERROR, 1), WT_KIND(WT_RUN_END, 2),
#ifndef NO_SLOTS
    WT_KIND(WT_SLOT, 1),
#endif
};

static const wt_plugin plugin = {
    .magic = MAGIC,
    .struct_size = SIZE,
    .abi_major = MAJOR,
    .min_host_minor = MIN_HOST_MINOR,
    .schema_min = 3,
    .schema_max = 5,
#ifndef NO_KINDS
    .kinds = kinds,
    .n_kinds = sizeof kinds / sizeof kinds[0],
#endif
    .name = NAME,
    .version = VERSION,
    .open = probed_open,
    .claim = probed_claim,
    .close = probed_close,
    .destroy = probed_destroy,
};

#ifdef NO_ENTRY
#define walltrack_plugin_v1 walltrack_plugin_v0
const wt_plugin *walltrack_plugin_v0(void);
#endif

const wt_plugin *walltrack_plugin_v1(void)
{
    IN_ENTRY();
#ifdef NO_PLUGIN
    return NULL;
#endif
    return &plugin;
}
