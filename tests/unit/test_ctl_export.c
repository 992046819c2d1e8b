/* links: ctl Threads::Threads */
/* Exports against a host that answers in pieces, to the end or not. */
#include "ctl_host.h"

#include <dirent.h>
#include <sys/stat.h>

#include "ctl/export_file.h"

#define HEAD                                                                                       \
    "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n"                  \
    "Connection: close\r\n\r\n"
/* A header, and two rows of which one has a line end in a cell. */
#define PIECES "9\r\nid,reason\r\n2\r\n\r\n\r\n14\r\n1,\"a \"\"b\"\"\nc\"\r\n2,d\r\n\r\n"
#define ROWS "id,reason\r\n1,\"a \"\"b\"\"\nc\"\r\n2,d\r\n"

static char file[128];

/* The names in the folder beside the socket, in no order. */
static size_t files_in_folder(void)
{
    size_t count = 0;
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    for (const struct dirent *e; (e = readdir(entries)) != NULL;)
        count += e->d_name[0] != '.' && strcmp(e->d_name, "s") != 0;
    closedir(entries);
    return count;
}

static void then_file_is(const char *expected)
{
    char content[4096];
    FILE *in = fopen(file, "r");
    assert_non_null(in);
    size_t size = fread(content, 1, sizeof content - 1, in);
    content[size] = '\0';
    fclose(in);
    assert_string_equal(content, expected);
}

static void given_file(const char *content)
{
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    fputs(content, out);
    fclose(out);
}

static enum status export(const char *words) {
    char line[512]; snprintf(line, sizeof line, "export runs %s --output %s", words, file);
    return run(line);
}

static int name_file(void **state)
{
    (void)state;
    snprintf(file, sizeof file, "%s/runs.csv", folder);
    return 0;
}

static int remove_file(void **state)
{
    unlink(file);
    return forget(state);
}

static void test_an_export_is_printed_as_it_comes(void **state)
{
    (void)state;
    given_raw(0, "GET /api/discovery/runs.csv?status=failed ", HEAD PIECES "0\r\n\r\n");
    assert_int_equal(run("export runs --status failed"), STATUS_OK);
    assert_string_equal(output, ROWS);
    assert_int_equal(run("export runs --status failed --output -"), STATUS_OK);
    assert_string_equal(output, ROWS);
}

static void test_an_export_becomes_a_file(void **state)
{
    (void)state;
    struct stat made;
    given_raw(0, "GET /api/discovery/runs.csv?has_errors=true ", HEAD PIECES "0\r\n\r\n");
    mode_t mask = umask(027);
    assert_int_equal(export("--has-errors"), STATUS_OK);
    umask(mask);
    then_output_has("runs.csv: 2 runs, 31 B, in 0.0s\n");
    then_file_is(ROWS);
    assert_int_equal(stat(file, &made), 0);
    assert_int_equal(made.st_mode & 0777, 0640);
    assert_int_equal(files_in_folder(), 1);
}

static void test_the_format_is_what_was_said_or_what_the_file_is_called(void **state)
{
    (void)state;
    given_raw(0, "GET /api/discovery/wallets.ndjson ", HEAD "3\r\n{}\n\r\n0\r\n\r\n");
    assert_int_equal(run("export wallets --format ndjson"), STATUS_OK);
    assert_string_equal(output, "{}\n");
    assert_int_equal(run("export wallets --json"), STATUS_OK);
    assert_string_equal(output, "{}\n");
    snprintf(file, sizeof file, "%s/w.ndjson", folder);
    char line[256];
    snprintf(line, sizeof line, "export wallets --output %s", file);
    assert_int_equal(run(line), STATUS_OK);
    then_output_has("w.ndjson: 1 wallets, 3 B");
    assert_int_equal(run("export wallets --format xlsx"), STATUS_USAGE);
    then_problem_has("--format: 'xlsx' is neither csv nor ndjson");
    assert_int_equal(run("export"), STATUS_USAGE);
    then_problem_has("export needs one more word: runs, wallets");
}

static void test_a_cut_export_leaves_the_file_alone(void **state)
{
    (void)state;
    static const char *const cuts[] = {HEAD PIECES, HEAD "ff\r\nid,rea", HEAD "zz\r\n"};
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        given_raw(0, "GET /api/discovery/runs.csv ", cuts[i]);
        given_file("before");
        assert_int_equal(export(""), STATUS_AWAY);
        then_problem_has("lost the answer from ");
        then_file_is("before");
        assert_int_equal(files_in_folder(), 1);
        unlink(file);
        assert_int_equal(export(""), STATUS_AWAY);
        assert_int_equal(files_in_folder(), 0);
    }
    given_raw(0, "GET /api/discovery/runs.csv ", HEAD PIECES);
    assert_int_equal(export(""), STATUS_AWAY);
    then_problem_has("runs.csv is as it was before");
    assert_int_equal(run("export runs"), STATUS_AWAY);
    assert_string_equal(output, ROWS);
    then_problem_has("\nwhat was printed is not whole: 2 runs");
}

static void test_a_refused_export_leaves_the_file_alone(void **state)
{
    (void)state;
    given(0, "GET /api/discovery/runs.csv", 503, "{\"detail\":\"4 exports are under way\"}");
    given_file("before");
    assert_int_equal(export(""), STATUS_AWAY);
    then_problem_has("4 exports are under way\n`walltrackctl health` says");
    then_file_is("before");
    assert_int_equal(run("export runs"), STATUS_AWAY);
    assert_string_equal(output, "");
    given(0, "GET /api/discovery/runs.csv", 400, "{\"detail\":\"Invalid status 'x'\"}");
    assert_int_equal(run("export runs --status x"), STATUS_REFUSED);
    assert_int_equal(run("export runs --status x --json --format csv"), STATUS_REFUSED);
    assert_string_equal(output, "{\"detail\":\"Invalid status 'x'\"}\n");
}

static void test_an_interrupted_export_leaves_the_file_alone(void **state)
{
    (void)state;
    given(0, "GET /api/discovery/runs.csv", INTERRUPTS, "");
    given_file("before");
    assert_int_equal(export(""), STATUS_INTERRUPTED);
    then_problem_has("interrupted\n");
    then_problem_has("runs.csv is as it was before");
    then_file_is("before");
    assert_int_equal(files_in_folder(), 1);
}

static void test_what_cannot_be_written_is_named(void **state)
{
    (void)state;
    given_raw(0, "GET /api/discovery/runs.csv ", HEAD PIECES "0\r\n\r\n");
    assert_int_equal(run("export runs --output /nonexistent/f.csv"), STATUS_USAGE);
    then_problem_has("cannot write /nonexistent/f.csv");
    /* Nothing of the system's: were it replaced, only this test would miss it. */
    char line[256], words[256];
    snprintf(file, sizeof file, "%s/fifo", folder);
    assert_int_equal(mkfifo(file, 0600), 0);
    snprintf(line, sizeof line, "export runs --output %s", file);
    assert_int_equal(run(line), STATUS_USAGE);
    snprintf(words, sizeof words,
             "cannot write %s: it is no regular file\nleave --output out to print", file);
    then_problem_has(words);
    snprintf(line, sizeof line, "export runs --output %s", folder);
    assert_int_equal(run(line), STATUS_USAGE);
    then_problem_has("it is no regular file");
}

/* A full disk is said at the end at the latest, and is no file. */
static void test_a_full_disk_makes_no_file(void **state)
{
    (void)state;
    struct export_file *f;
    struct error err = {0};
    FILE *full = fopen("/dev/full", "w");
    assert_int_equal(export_file_open(NULL, full, &f, &err), 0);
    export_file_write(f, "abc", 3);
    assert_int_equal(export_file_keep(f, &err), -1);
    assert_non_null(strstr(err.msg, "cannot write the output: No space left on device"));
    fclose(full);
}

static void test_a_file_behind_a_link_is_replaced_and_keeps_its_mode(void **state)
{
    (void)state;
    char link[160];
    struct stat made;
    given_raw(0, "GET /api/discovery/runs.csv ", HEAD PIECES "0\r\n\r\n");
    given_file("before");
    assert_int_equal(chmod(file, 0604), 0);
    snprintf(link, sizeof link, "%s/link.csv", folder);
    assert_int_equal(symlink("runs.csv", link), 0);
    char line[256];
    snprintf(line, sizeof line, "export runs --output %s", link);
    assert_int_equal(run(line), STATUS_OK);
    then_file_is(ROWS);
    assert_int_equal(lstat(link, &made), 0);
    assert_true(S_ISLNK(made.st_mode));
    assert_int_equal(stat(file, &made), 0);
    assert_int_equal(made.st_mode & 0777, 0604);
    unlink(link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, name_file, remove_file)
        TEST(test_an_export_is_printed_as_it_comes),
        TEST(test_an_export_becomes_a_file),
        TEST(test_the_format_is_what_was_said_or_what_the_file_is_called),
        TEST(test_a_cut_export_leaves_the_file_alone),
        TEST(test_a_refused_export_leaves_the_file_alone),
        TEST(test_an_interrupted_export_leaves_the_file_alone),
        TEST(test_what_cannot_be_written_is_named),
        TEST(test_a_full_disk_makes_no_file),
        TEST(test_a_file_behind_a_link_is_replaced_and_keeps_its_mode),
    };
    setlocale(LC_CTYPE, "C.UTF-8");
    setenv("TZ", "UTC", 1);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int failed = cmocka_run_group_tests(tests, host_start, host_stop);
    curl_global_cleanup();
    return failed;
}
