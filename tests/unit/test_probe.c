/* Builds that are good, and builds that a host must not load: all are tried in a process of their
 * own, and the answer says what was wrong and where. */
/* links: plugin_host test_support */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <uv.h>
#include <walltrack/plugin.h>

#include "log.h"
#include "plugin/probe_heard.h"
#include "support/process.h"
#include "support/scratch.h"

#define SOURCE TEST_SOURCE_DIR "/tests/unit/probe_plugin.c"
#define CONFIG "{\"secret\": \"\xc3\xa4\"}"

enum { TIMEOUT_MS = 30000, SHORT_MS = 1500, PATH_SIZE = SCRATCH_PATH_SIZE + 64 };

static char scratch[SCRATCH_PATH_SIZE];
static char plugin[PATH_SIZE], fifo[PATH_SIZE]; /* the one that compile() makes, and its FIFO */

/* The crashes of a plugin are meant; the child must die of them as it does without sanitizers. */
const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
    return "handle_segv=0:handle_abort=0";
}

/* ---- building builds ---- */

/* The path of a file in the scratch directory; borrowed from `path`. */
static const char *in_scratch(const char *name, char path[PATH_SIZE])
{
    (void)snprintf(path, PATH_SIZE, "%s/%s", scratch, name);
    return path;
}

/* Compiles the plugin with up to four more arguments, separated by blanks, to "plugin.so". */
static const char *compile(const char *arguments)
{
    char words[256], fifo_too[PATH_SIZE + 16];
    (void)snprintf(words, sizeof words, "%s", arguments);
    (void)snprintf(fifo_too, sizeof fifo_too, "-DFIFO=\"%s\"", fifo);
    const char *argv[16] = {
        "cc",     "-shared", "-fPIC", "-D_GNU_SOURCE", "-I" TEST_SOURCE_DIR "/include",
        fifo_too, SOURCE,    "-o",    plugin};
    size_t n = 9;
    char *rest = NULL;
    for (char *word = strtok_r(words, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        argv[n++] = word;
    assert_true(n < 16);
    assert_int_equal(process_run(argv, &(struct process_options){0}), 0);
    return plugin;
}

/* ---- probing ---- */

struct story {
    int descriptors; /* open before all */
    uv_loop_t loop;
    struct probe *probe;
    int answers;
    bool passed;
    struct probe_report report;
    struct error err;
};

static void on_done(void *arg, const struct probe_report *report, const struct error *err)
{
    struct story *s = arg;
    s->answers++;
    s->passed = report != NULL;
    assert_true((report == NULL) != (err == NULL));
    if (report != NULL)
        s->report = *report;
    else
        s->err = *err;
}

static int open_descriptors(void)
{
    int n = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n;
}

static void start(struct story *s, const char *path, const char *config, uint64_t timeout_ms)
{
    struct probe_spec spec = {
        .path = path,
        .name = "the plugin",
        .config = config,
        .host_name = "here",
        .build_label = "plugin.so",
        .timeout_ms = timeout_ms,
    };
    *s = (struct story){.descriptors = open_descriptors()};
    assert_int_equal(uv_loop_init(&s->loop), 0);
    s->probe = probe_start(&s->loop, &spec, on_done, s, &s->err);
}

/* Everything of it is gone: handles, descriptors, and the process, for nobody waits to be reaped.
 */
static void end(struct story *s)
{
    int status;
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&s->loop), 0);
    assert_int_equal(open_descriptors(), s->descriptors);
    assert_true(waitpid(-1, &status, WNOHANG) <= 0);
}

static void probe(struct story *s, const char *path, const char *config, uint64_t timeout_ms)
{
    start(s, path, config, timeout_ms);
    if (s->probe == NULL)
        fail_msg("%s", s->err.msg);
    end(s);
    assert_int_equal(s->answers, 1);
}

/* ---- good ones ---- */

static void test_a_good_build_passes_and_is_described(void **state)
{
    struct story s;
    (void)state;
    setenv("PGPASSWORD", "secret", 1); /* the plugin looks whether it can see it */
    probe(&s, compile(""), CONFIG, TIMEOUT_MS);
    unsetenv("PGPASSWORD");
    if (!s.passed)
        fail_msg("%s", s.err.msg);
    assert_string_equal(s.report.name, "probed");
    assert_string_equal(s.report.version, "1.2");
    assert_int_equal(s.report.abi_major, WT_ABI_MAJOR);
    assert_int_equal(s.report.abi_minor, 0);
    assert_int_equal(s.report.schema_min, 3);
    assert_int_equal(s.report.schema_max, 5);
    assert_false(s.report.answers_questions);
}

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void test_our_own_plugins_pass(void **state)
{
    enum { ROUNDS = 9 };
    struct story s;
    double ms[ROUNDS];
    (void)state;
    probe(&s, TEST_PLUGIN_LOG, "{\"file\": \"/no/such/folder/events\"}", TIMEOUT_MS);
    if (!s.passed)
        fail_msg("%s", s.err.msg);
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t since = uv_hrtime();
        probe(&s, TEST_RECORDER, "{\"conninfo\": \"host=127.0.0.1 port=1\"}", TIMEOUT_MS);
        ms[i] = (double)(uv_hrtime() - since) / 1e6;
        if (!s.passed)
            fail_msg("%s", s.err.msg);
    }
    assert_string_equal(s.report.name, "recorder");
    assert_true(s.report.answers_questions);
    qsort(ms, ROUNDS, sizeof ms[0], by_number);
    print_message("probe of the recorder: median %.1f ms, longest %.1f ms\n", ms[ROUNDS / 2],
                  ms[ROUNDS - 1]);
}

static void test_what_is_printed_neither_blocks_nor_counts(void **state)
{
    struct story s;
    (void)state;
    probe(&s, compile("-DIN_CONSTRUCTOR=print -DIN_OPEN=print"), CONFIG, TIMEOUT_MS);
    if (!s.passed)
        fail_msg("%s", s.err.msg);
}

/* ---- bad ones ---- */

#define DIED "died by signal "
#define JOURNAL "the journal may hold "
#define SIXTY_FIVE "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg"

static const struct {
    const char *arguments, *reason; /* as for fnmatch() */
} bad[] = {
    /* before anything of it can be called */
    {"-DIN_CONSTRUCTOR=abort_with_words",
     DIED "6 (Aborted) in the constructor: probed.c:1: the sky has fallen"},
    {"-DIN_CONSTRUCTOR=crash", DIED "11 (Segmentation fault) in the constructor"},
    {"-DIN_CONSTRUCTOR=exit_0", "exited with status 0 in the constructor"},
    {"-DIN_CONSTRUCTOR=exit_3", "exited with status 3 in the constructor: cannot go on"},
    {"-DIN_CONSTRUCTOR=close_all",
     "exited with status 2 in the constructor: cannot report: Bad file descriptor"},
    {"-DIN_CONSTRUCTOR=write_everywhere",
     "wrote to a descriptor that is not its own in the constructor"},
    {"-DMISSING_SYMBOL", "/tmp/*/plugin.so: undefined symbol: nobody_has_this_one"},

    /* its description */
    {"-DNO_ENTRY", "not a walltrack plugin: it does not export walltrack_plugin_v1"},
    {"-DIN_ENTRY=exit_3", "exited with status 3 in the entry function: cannot go on"},
    {"-DNO_PLUGIN", "not a walltrack plugin: walltrack_plugin_v1() gives no plugin structure"},
    {"-DMAGIC=0x1234", "not a walltrack plugin: walltrack_plugin_v1() gives no plugin structure"},
    {"-DMAJOR=2", "made for plugin contract 2.0, this host has 1.0: build it again"},
    {"-DMIN_HOST_MINOR=7", "needs a host with plugin contract 1.7, this one has 1.0"},
    {"-DSIZE=64", "its plugin structure is too short (64 bytes)"},
    {"-DNO_SLOTS", JOURNAL "slot events of version 1, the build does not know slot events"},
    {"-DNO_KINDS",
     JOURNAL "run_start events of version 1, the build does not know run_start events"},
    {"-DWALLET_VERSION=0", JOURNAL "wallet events of version 1, the build knows version 0 at most"},
    {"-DNAME=\"\"", "its name is not 1 to 64 bytes long"},
    {"-DVERSION=\"" SIXTY_FIVE "\"", "its version is not 1 to 64 bytes long"},
    {"-DVERSION=\"1\\n2\"", "its version is not printable UTF-8"},
    {"-DNAME=\"\\xff\"", "its name is not printable UTF-8"},

    /* its life */
    {"-DIN_OPEN=crash", DIED "11 (Segmentation fault) in open"},
    {"-DIN_OPEN=abort_with_words", DIED "6 (Aborted) in open: probed.c:1: the sky has fallen"},
    {"-DIN_OPEN=say_rubbish", DIED "6 (Aborted) in open:  ?31m\xef\xbf\xbd\xef\xbf\xbd  red"},
    {"-DIN_OPEN=print_and_abort", DIED "6 (Aborted) in open: xxxxxxxx*x"},
    {"-DIN_OPEN=exit_0", "exited with status 0 in open"},
    {"-DIN_OPEN=fail_softly", "open failed: conninfo: no such key 'hots' (WT_E_CONFIG)"},
    {"-DREFUSE_AT_ONCE -DIN_OPEN=fail_softly", "open() refused: conninfo: no such key 'hots'"},
    {"-DIN_OPEN=prepare_again", "broke the contract: prepared() without an open() under way"},
    {"-DIN_OPEN=leave_timers", "left 2 timers at closed()"},
    {"-DNEVER_CLOSED", "did not call closed() after close()"},
    {"-DIN_CLOSE=crash", DIED "11 (Segmentation fault) in close"},
};

static void test_a_bad_build_is_refused_with_the_step_and_the_reason(void **state)
{
    struct story s;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        probe(&s, compile(bad[i].arguments), CONFIG, TIMEOUT_MS);
        if (s.passed)
            fail_msg("%s: passed", bad[i].arguments);
        if (fnmatch(bad[i].reason, s.err.msg, 0) != 0)
            fail_msg("%s: '%s', not '%s'", bad[i].arguments, s.err.msg, bad[i].reason);
        bool configured_badly = strstr(s.err.msg, "(WT_E_CONFIG)") != NULL;
        assert_int_equal(s.err.code, configured_badly ? EINVAL : EPROTO);
        assert_true(strlen(s.err.msg) < 300);
    }
}

static void test_a_destructor_that_crashes_is_found(void **state)
{
    struct story s;
    (void)state;
    probe(&s, compile("-DIN_DESTRUCTOR=crash"), CONFIG, TIMEOUT_MS);
    assert_false(s.passed);
    assert_string_equal(s.err.msg, "died by signal 11 (Segmentation fault) in the destructor");
}

static void test_a_missing_library_is_named(void **state)
{
    struct story s;
    (void)state;
    char library[PATH_SIZE], source[PATH_SIZE];
    scratch_write(scratch, "library.c", "void probe_library(void);void probe_library(void){}\n");
    const char *argv[] = {"cc",
                          "-shared",
                          "-fPIC",
                          in_scratch("library.c", source),
                          "-o",
                          in_scratch("libprobe_missing.so", library),
                          "-Wl,-soname=libprobe_missing.so",
                          NULL};
    assert_int_equal(process_run(argv, &(struct process_options){0}), 0);
    char arguments[PATH_SIZE + 32];
    (void)snprintf(arguments, sizeof arguments, "-DMISSING_LIBRARY %s", library);
    const char *path = compile(arguments);
    assert_int_equal(unlink(library), 0);
    probe(&s, path, CONFIG, TIMEOUT_MS);
    assert_false(s.passed);
    assert_string_equal(s.err.msg, "libprobe_missing.so: cannot open shared object file: "
                                   "No such file or directory");
}

static void test_a_file_that_is_not_there_or_no_library_is_refused(void **state)
{
    struct story s;
    char path[PATH_SIZE];
    (void)state;
    probe(&s, in_scratch("nothing.so", path), CONFIG, TIMEOUT_MS);
    assert_non_null(strstr(s.err.msg, "nothing.so: cannot open shared object file"));
    scratch_write(scratch, "text.so", "#!/bin/sh\n");
    probe(&s, in_scratch("text.so", path), CONFIG, TIMEOUT_MS);
    assert_non_null(strstr(s.err.msg, "text.so: file too short"));
}

static void test_a_build_that_does_not_answer_is_killed(void **state)
{
    static const struct {
        const char *arguments, *reason;
    } slow[] = {
        {"-DIN_CONSTRUCTOR=loop", "no answer in 1.5 s (in the constructor)"},
        {"-DIN_ENTRY=loop", "no answer in 1.5 s (in the entry function)"},
        {"-DNEVER_PREPARED", "no answer in 1.5 s (in open)"},
    };
    struct story s;
    (void)state;
    for (size_t i = 0; i < sizeof slow / sizeof slow[0]; i++) {
        probe(&s, compile(slow[i].arguments), CONFIG, SHORT_MS);
        assert_false(s.passed);
        assert_string_equal(s.err.msg, slow[i].reason);
        assert_int_equal(s.err.code, ETIMEDOUT);
    }
}

/* ---- what is heard ---- */

static void test_last_words_may_come_in_any_pieces(void **state)
{
    static const struct probe_end end = {.exited = true, .signal = SIGABRT};
    char text[3 * PROBE_TAIL_SIZE];
    (void)state;
    memset(text, 'x', sizeof text);
    memcpy(text + sizeof text - 15, "\nthe last line\n", 15);
    for (size_t piece = 1; piece <= sizeof text; piece = piece * 3 - 1) {
        struct probe_heard heard = {.step = PROBE_OPENS};
        struct error err;
        for (size_t at = 0; at < sizeof text; at += piece)
            probe_heard_complaint(&heard, text + at,
                                  piece < sizeof text - at ? piece : sizeof text - at);
        assert_false(probe_heard_verdict(&heard, &end, &err));
        assert_string_equal(err.msg, "died by signal 6 (Aborted) in open: the last line");
    }
}

static bool hear(struct probe_heard *heard, const struct probe_message *message, size_t piece,
                 const struct probe_end *end, struct error *err)
{
    for (size_t at = 0; at < sizeof *message; at += piece) {
        size_t room;
        size_t size = piece < sizeof *message - at ? piece : sizeof *message - at;
        char *place = probe_heard_room(heard, &room);
        assert_true(size <= room);
        memcpy(place, (const char *)message + at, size);
        probe_heard_take(heard, size);
    }
    return probe_heard_verdict(heard, end, err);
}

/* A loop that stood still sees the time run out before it sees the answer. */
static void test_an_answer_counts_although_the_time_ran_out(void **state)
{
    static const struct probe_message passed = {.word = PROBE_PASSED, .report.name = "it"};
    static const struct probe_message refused = {.word = PROBE_REFUSED, .reason = "no good"};
    static const struct probe_end end = {.timed_out = true, .exited = true};
    struct probe_heard a = {0}, b = {0}, c = {0};
    struct error err;
    (void)state;
    assert_true(hear(&a, &passed, 7, &end, &err));
    assert_string_equal(a.report.name, "it");
    assert_false(hear(&b, &refused, sizeof refused, &end, &err));
    assert_string_equal(err.msg, "no good");
    assert_false(probe_heard_verdict(&c, &end, &err));
    assert_int_equal(err.code, ETIMEDOUT);
}

static void test_a_pass_does_not_count_when_the_process_died_after_it(void **state)
{
    static const struct probe_message passed = {.word = PROBE_PASSED};
    static const struct probe_end ends[] = {
        {.exited = false}, {.exited = true, .exit_status = 1}, {.exited = true, .signal = SIGBUS}};
    struct error err;
    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct probe_heard heard = {0};
        assert_false(hear(&heard, &passed, sizeof passed, &ends[i], &err));
    }
}

/* ---- what they leave behind ---- */

static int listen_to_fifo(void)
{
    (void)unlink(fifo);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    int fd = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* Waits until the plugin has said that it is there. */
static void until_somebody_is_there(int fd)
{
    struct pollfd one = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&one, 1, 20000), 1);
}

/* Ends when everybody who held the FIFO is gone; else the alarm ends us. */
static void until_nobody_is_there(int fd)
{
    char bytes[64];
    assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
    alarm(20);
    while (read(fd, bytes, sizeof bytes) > 0)
        ;
    alarm(0);
    close(fd);
}

static void test_a_process_that_it_started_is_found_and_killed(void **state)
{
    struct story s;
    (void)state;
    int listener = listen_to_fifo();
    probe(&s, compile("-DIN_OPEN=leave_sleeper"), CONFIG, TIMEOUT_MS);
    assert_false(s.passed);
    assert_string_equal(s.err.msg, "left a process that it had started");
    until_nobody_is_there(listener);

    listener = listen_to_fifo();
    probe(&s, compile("-DIN_CONSTRUCTOR=leave_sleeper_and_crash"), CONFIG, TIMEOUT_MS);
    assert_string_equal(s.err.msg, "died by signal 11 (Segmentation fault) in the constructor");
    until_nobody_is_there(listener);
}

static void test_a_process_out_of_reach_does_not_hold_up_the_answer(void **state)
{
    struct story s;
    (void)state;
    int listener = listen_to_fifo();
    uint64_t since = uv_hrtime();
    probe(&s, compile("-DIN_CONSTRUCTOR=leave_escaper_and_exit"), CONFIG, TIMEOUT_MS);
    assert_string_equal(s.err.msg, "exited with status 3 in the constructor");
    assert_true(uv_hrtime() - since < TIMEOUT_MS / 2 * 1000000ULL);
    close(listener); /* which ends it */
}

/* ---- ends before the end ---- */

static void on_announced(uv_poll_t *poll, int status, int events)
{
    struct story *s = poll->data;
    assert_int_equal(status, 0);
    assert_true((events & UV_READABLE) != 0);
    probe_cancel(s->probe);
    uv_close((uv_handle_t *)poll, NULL);
}

static void test_a_cancelled_probe_says_nothing_and_is_gone(void **state)
{
    struct story s;
    uv_poll_t poll;
    (void)state;
    const char *path = compile("-DIN_CONSTRUCTOR=announce_and_loop");
    int listener = listen_to_fifo();
    uint64_t since = uv_hrtime();
    start(&s, path, CONFIG, TIMEOUT_MS);
    assert_non_null(s.probe);
    assert_int_equal(uv_poll_init(&s.loop, &poll, listener), 0);
    poll.data = &s;
    uv_poll_start(&poll, UV_READABLE, on_announced);
    end(&s);
    assert_int_equal(s.answers, 0);
    until_nobody_is_there(listener);

    start(&s, path, CONFIG, TIMEOUT_MS);
    assert_non_null(s.probe);
    probe_cancel(s.probe); /* at once */
    end(&s);
    assert_int_equal(s.answers, 0);
    probe_cancel(NULL);
    assert_true(uv_hrtime() - since < TIMEOUT_MS / 2 * 1000000ULL);
}

static void run_a_host(const char *path)
{
    struct story s;
    scratch_forget();
    start(&s, path, CONFIG, TIMEOUT_MS);
    uv_run(&s.loop, UV_RUN_DEFAULT);
    _exit(1); /* it was to be killed */
}

static void test_a_probe_does_not_outlive_its_host(void **state)
{
    (void)state;
    const char *path = compile("-DIN_CONSTRUCTOR=announce_and_loop");
    int listener = listen_to_fifo();
    pid_t host = fork();
    assert_true(host >= 0);
    if (host == 0)
        run_a_host(path);
    until_somebody_is_there(listener);
    assert_int_equal(kill(host, SIGKILL), 0);
    assert_int_equal(waitpid(host, NULL, 0), host);
    until_nobody_is_there(listener);
}

/* Fails at the first, second, third … descriptor, until there are enough. */
static void test_a_probe_that_cannot_start_says_so_and_leaves_nothing(void **state)
{
    struct rlimit normal;
    struct story s;
    int failures = 0;
    (void)state;
    const char *path = compile("");
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &normal), 0);
    for (bool started = false; !started; failures += !started) {
        struct probe_spec spec = {path, "the plugin", CONFIG, "here", "plugin.so", TIMEOUT_MS};
        s = (struct story){.descriptors = open_descriptors()};
        assert_int_equal(uv_loop_init(&s.loop), 0);
        int first_free = dup(STDIN_FILENO);
        close(first_free);
        struct rlimit few = {(rlim_t)(first_free + failures), normal.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        s.probe = probe_start(&s.loop, &spec, on_done, &s, &s.err);
        started = s.probe != NULL;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &normal), 0);
        if (!started)
            assert_int_equal(fnmatch("cannot *: too many open files", s.err.msg, 0), 0);
        end(&s);
        assert_int_equal(s.answers, started);
    }
    assert_true(failures > 6); /* three pipes, and what the process is started with */
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], PROBE_OPTION) == 0)
        _exit(probe_child_main(argc, argv));
    uv_loop_t first;
    assert_int_equal(uv_loop_init(&first), 0); /* some descriptors of libuv's stay from now on */
    assert_int_equal(uv_loop_close(&first), 0);
    (void)signal(SIGPIPE, SIG_IGN);
    log_setup(LOG_ERROR, LOG_TEXT);
    scratch_new(scratch);
    in_scratch("plugin.so", plugin);
    in_scratch("fifo", fifo);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_build_passes_and_is_described),
        cmocka_unit_test(test_our_own_plugins_pass),
        cmocka_unit_test(test_what_is_printed_neither_blocks_nor_counts),
        cmocka_unit_test(test_a_bad_build_is_refused_with_the_step_and_the_reason),
        cmocka_unit_test(test_a_destructor_that_crashes_is_found),
        cmocka_unit_test(test_a_missing_library_is_named),
        cmocka_unit_test(test_a_file_that_is_not_there_or_no_library_is_refused),
        cmocka_unit_test(test_a_build_that_does_not_answer_is_killed),
        cmocka_unit_test(test_last_words_may_come_in_any_pieces),
        cmocka_unit_test(test_an_answer_counts_although_the_time_ran_out),
        cmocka_unit_test(test_a_pass_does_not_count_when_the_process_died_after_it),
        cmocka_unit_test(test_a_process_that_it_started_is_found_and_killed),
        cmocka_unit_test(test_a_process_out_of_reach_does_not_hold_up_the_answer),
        cmocka_unit_test(test_a_cancelled_probe_says_nothing_and_is_gone),
        cmocka_unit_test(test_a_probe_does_not_outlive_its_host),
        cmocka_unit_test(test_a_probe_that_cannot_start_says_so_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
