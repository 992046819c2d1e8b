/* The last line of a host that crashes. */
/* links: watch */
#include "forked.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "log.h"
#include "watch/call.h"
#include "watch/crash.h"

/* AddressSanitizer keeps faults to itself. */
#ifdef __SANITIZE_ADDRESS__
enum { FAULTS = false };
#else
enum { FAULTS = true };
#endif

static const char label[] = "recorder 0.1.0 (9c1e2b4d)";
static const char who[] = "recorder 0.1.0 (9c1e2b4d) #41";
static volatile uintptr_t nowhere = 0;

static void watched(enum log_format format)
{
    log_setup(LOG_INFO, format);
    crash_watch();
}

static void write_to(uintptr_t address)
{
    *(volatile char *)address = 'x';
}

/* A child runs `body`; what it wrote is in *f, how it ended is returned. */
static int when_run(struct forked *f, void (*body)(const void *arg))
{
    forked_start(f, body, NULL);
    return forked_end(f);
}

static size_t lines_of(const struct forked *f)
{
    size_t n = 0;
    for (const char *c = f->text; *c != '\0'; c++)
        n += *c == '\n';
    return n;
}

/* ---- whose call it was ---- */

static void fault_in_a_call(const void *arg)
{
    (void)arg;
    watched(LOG_TEXT);
    call_enter(who, "on_wallet");
    write_to(nowhere);
}

static void test_a_fault_in_a_call_names_it(void **state)
{
    struct forked f;
    (void)state;
    if (!FAULTS)
        skip();
    assert_int_equal(when_run(&f, fault_in_a_call), -SIGSEGV);
    then_said(&f, " error   daemon: walltrackd crashed: signal 11 (SIGSEGV) at 0x0 in "
                  "recorder 0.1.0 (9c1e2b4d) #41 on_wallet, test_crash+0x");
    then_said(&f, "; the journal is safe, the next start uses the last good build\n");
    assert_int_equal(lines_of(&f), 1);
}

static void fault_after_a_call(const void *arg)
{
    (void)arg;
    watched(LOG_TEXT);
    call_begin(who, "open");
    call_end();
    write_to(nowhere);
}

static void test_a_fault_after_a_call_is_the_hosts(void **state)
{
    struct forked f;
    (void)state;
    if (!FAULTS)
        skip();
    assert_int_equal(when_run(&f, fault_after_a_call), -SIGSEGV);
    then_said(&f, "(SIGSEGV) at 0x0 in the host itself, test_crash+0x");
    then_said(&f, "; the journal is safe\n");
    then_never_said(&f, "recorder");
}

static void abort_in_a_call(const void *arg)
{
    (void)arg;
    watched(LOG_TEXT);
    call_begin(who, "claim");
    abort();
}

static void test_an_abort_in_a_call_names_it(void **state)
{
    struct forked f;
    (void)state;
    assert_int_equal(when_run(&f, abort_in_a_call), -SIGABRT);
    then_said(&f, "walltrackd crashed: signal 6 (SIGABRT) in recorder 0.1.0 (9c1e2b4d) #41 claim; "
                  "the journal is safe, the next start uses the last good build\n");
    assert_int_equal(lines_of(&f), 1);
}

static void *abort_thread(void *arg)
{
    if (arg != NULL)
        call_enter("other 2 (77777777) #1", "an offload");
    abort();
}

static void abort_beside_a_call(const void *arg)
{
    pthread_t thread;
    watched(LOG_TEXT);
    call_enter(who, "on_wallet");
    CHILD_CHECK(pthread_create(&thread, NULL, abort_thread, (void *)arg) == 0);
    pthread_join(thread, NULL);
}

static void test_another_threads_crash_is_not_blamed_on_the_loops_call(void **state)
{
    struct forked f;
    (void)state;
    forked_start(&f, abort_beside_a_call, NULL);
    assert_int_equal(forked_end(&f), -SIGABRT);
    then_said(&f, "in the host itself; the journal is safe\n");

    forked_start(&f, abort_beside_a_call, "within an offload");
    assert_int_equal(forked_end(&f), -SIGABRT);
    then_said(&f, "in other 2 (77777777) #1 an offload; ");
}

/* ---- where it was ---- */

/* A jump to a page that must not be executed faults with that page as its instruction. */
static void jump_into_a_build(const void *arg)
{
    watched(LOG_TEXT);
    char *code = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHILD_CHECK(code != MAP_FAILED);
    union {
        char *address;
        void (*call)(void);
    } function = {.address = code + 0x1c5};
    crash_note_build("before 1 (00000000)", (uintptr_t)code - 4096, (uintptr_t)code);
    crash_note_build(label, (uintptr_t)code, (uintptr_t)code + 4096);
    if (arg != NULL)
        crash_forget_build((uintptr_t)code);
    call_enter(who, "on_token");
    function.call();
}

static void test_the_instruction_is_named_by_build_and_offset(void **state)
{
    struct forked f;
    (void)state;
    if (!FAULTS)
        skip();
    assert_int_equal(when_run(&f, jump_into_a_build), -SIGSEGV);
    then_said(&f, "#41 on_token, recorder 0.1.0 (9c1e2b4d)+0x1c5; the journal");
}

static void test_a_build_that_is_gone_names_nothing(void **state)
{
    struct forked f;
    (void)state;
    if (!FAULTS)
        skip();
    forked_start(&f, jump_into_a_build, "forget it");
    assert_int_equal(forked_end(&f), -SIGSEGV);
    then_said(&f, "#41 on_token, instruction at 0x");
}

static void note_too_many(const void *arg)
{
    (void)arg;
    watched(LOG_TEXT);
    for (uintptr_t i = 1; i <= 1000; i++)
        crash_note_build("a label of more than a hundred bytes is cut, and does no harm to what "
                         "comes after it in the table of all that is loaded",
                         i * 4096, i * 4096 + 4096);
    for (uintptr_t i = 1; i <= 1000; i++)
        crash_forget_build(i * 4096);
    jump_into_a_build(NULL);
}

static void test_a_full_table_takes_builds_again_when_others_have_gone(void **state)
{
    struct forked f;
    (void)state;
    if (!FAULTS)
        skip();
    assert_int_equal(when_run(&f, note_too_many), -SIGSEGV);
    then_said(&f, ", recorder 0.1.0 (9c1e2b4d)+0x1c5; the journal");
}

/* ---- in whatever state the process is ---- */

static volatile bool endless = true;

static int fill_stack(int depth)
{
    volatile char frame[4096];
    frame[depth % 4096] = 'x';
    return endless ? fill_stack(depth + 1) + frame[0] : depth;
}

static void run_out_of_stack(const void *arg)
{
    (void)arg;
    watched(LOG_TEXT);
    call_enter(who, "query");
    fill_stack(0);
}

static void test_a_thread_without_stack_still_says_so(void **state)
{
    struct forked f;
    (void)state;
    if (!FAULTS)
        skip();
    assert_int_equal(when_run(&f, run_out_of_stack), -SIGSEGV);
    then_said(&f, "in recorder 0.1.0 (9c1e2b4d) #41 query, test_crash+0x");
}

static void lose_the_names(const void *arg)
{
    (void)arg;
    watched(LOG_TEXT);
    call_enter((const char *)(uintptr_t)8, (const char *)(uintptr_t)16);
    abort();
}

static void test_names_that_cannot_be_read_do_no_harm(void **state)
{
    struct forked f;
    (void)state;
    assert_int_equal(when_run(&f, lose_the_names), -SIGABRT);
    then_said(&f, "(SIGABRT) in ? ?; the journal");
}

static void end_a_name_at_a_mappings_end(const void *arg)
{
    (void)arg;
    watched(LOG_TEXT);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *at = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHILD_CHECK(at != MAP_FAILED && munmap(at + page, page) == 0);
    strcpy(at + page - sizeof "edge #1", "edge #1");
    call_enter(at + page - sizeof "edge #1", "stats");
    abort();
}

static void test_a_name_may_end_where_memory_does(void **state)
{
    struct forked f;
    (void)state;
    assert_int_equal(when_run(&f, end_a_name_at_a_mappings_end), -SIGABRT);
    then_said(&f, "(SIGABRT) in edge #1 stats; ");
}

static void wait_to_be_killed(const void *arg)
{
    (void)arg;
    watched(LOG_TEXT);
    child_says_it_is_there();
    for (;;)
        pause();
}

static void test_a_signal_that_was_sent_ends_the_process_as_well(void **state)
{
    struct forked f;
    (void)state;
    if (!FAULTS)
        skip();
    forked_start(&f, wait_to_be_killed, NULL);
    forked_await_there(&f);
    assert_int_equal(kill(f.pid, SIGBUS), 0);
    assert_int_equal(forked_end(&f), -SIGBUS);
    then_said(&f, "signal 7 (SIGBUS) in the host itself; the journal is safe\n");
}

/* ---- in the log's format ---- */

static void abort_in_an_odd_call(const void *arg)
{
    (void)arg;
    watched(LOG_JSON);
    call_enter("od\"d\\\n\xc3\xa9 1 (0) #1", "on_slot");
    abort();
}

static void test_the_line_is_json_when_the_log_is(void **state)
{
    struct forked f;
    (void)state;
    assert_int_equal(when_run(&f, abort_in_an_odd_call), -SIGABRT);
    json_t *line = json_loads(f.text, 0, NULL);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "level")), "error");
    assert_string_equal(json_string_value(json_object_get(line, "message")),
                        "walltrackd crashed: signal 6 (SIGABRT) in od?d???? 1 (0) #1 on_slot; the "
                        "journal is safe, the next start uses the last good build");
    json_decref(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fault_in_a_call_names_it),
        cmocka_unit_test(test_a_fault_after_a_call_is_the_hosts),
        cmocka_unit_test(test_an_abort_in_a_call_names_it),
        cmocka_unit_test(test_another_threads_crash_is_not_blamed_on_the_loops_call),
        cmocka_unit_test(test_the_instruction_is_named_by_build_and_offset),
        cmocka_unit_test(test_a_build_that_is_gone_names_nothing),
        cmocka_unit_test(test_a_full_table_takes_builds_again_when_others_have_gone),
        cmocka_unit_test(test_a_thread_without_stack_still_says_so),
        cmocka_unit_test(test_names_that_cannot_be_read_do_no_harm),
        cmocka_unit_test(test_a_name_may_end_where_memory_does),
        cmocka_unit_test(test_a_signal_that_was_sent_ends_the_process_as_well),
        cmocka_unit_test(test_the_line_is_json_when_the_log_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
