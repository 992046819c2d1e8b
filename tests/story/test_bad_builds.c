/* A build that cannot be used is refused, with the step and the reason, and the one that records is
 * not touched by it.  One row is one animal; they share a host. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "story/zoo.h"
#include "support/process.h"

enum { NOBODY = 65534, MACHINE_OFFSET = 18, OTHER_MACHINE = 0xb7 };

static struct zoo zoo;

/* ---- one row ---- */

struct row {
    const char *name;               /* of the animal, or of what is made                  */
    const char *step, *reason;      /* a part of it                                       */
    bool (*make)(const char *path); /* makes the file instead; false: not here            */
};

/* The generation tells that it is the same instance, not another of the same build. */
static void refused(const char *file, const char *step, const char *reason)
{
    then_status(zoo.world, ZOO_PLUGIN, 200);
    const char *generation = world_value(zoo.world, "/generation");

    then_answered(&zoo, zoo_swap_to_file(&zoo, file), 422);

    then_problem(&zoo, "REFUSED", step, reason);
    await_the_good_build(&zoo);
    then_value(&zoo, "/generation", generation);
    then_value(&zoo, "/swap", "null");
    then_value(&zoo, "/leaked", "0");
    then_value(&zoo, "/pinned", "0");
    then_recording_goes_on(&zoo);
}

static void test_refused(void **state)
{
    const struct row *row = *state;
    char file[128], place[160];
    (void)snprintf(file, sizeof file, "%s.so", row->name);
    (void)snprintf(place, sizeof place, "plugins/%s", file);
    if (row->make == NULL)
        zoo_catch(&zoo, row->name);
    else if (!row->make(world_path(zoo.world, place)))
        skip();
    refused(file, row->step, row->reason);
}

/* ---- files that nobody compiled ---- */

static void must(int status, const char *path)
{
    if (status < 0)
        cannot_go_on("%s: %s", path, strerror(errno));
}

static void write_file(const char *path, const void *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    must(fd, path);
    if (write(fd, bytes, size) != (ssize_t)size)
        cannot_go_on("%s: %s", path, strerror(errno));
    close(fd);
}

static unsigned char *read_recorder(size_t *size)
{
    struct stat s;
    int fd = open(TEST_RECORDER, O_RDONLY | O_CLOEXEC);
    must(fd, TEST_RECORDER);
    must(fstat(fd, &s), TEST_RECORDER);
    unsigned char *bytes = malloc((size_t)s.st_size);
    *size = (size_t)s.st_size;
    if (bytes == NULL || read(fd, bytes, *size) != s.st_size)
        cannot_go_on("%s: %s", TEST_RECORDER, strerror(errno));
    close(fd);
    return bytes;
}

/* The recorder up to that length, with one byte changed where `at` is not 0. */
static void write_recorder(const char *path, size_t length, size_t at, unsigned char byte)
{
    size_t size = 0;
    unsigned char *bytes = read_recorder(&size);
    if (at > 0)
        bytes[at] = byte;
    write_file(path, bytes, length < size ? length : size);
    free(bytes);
}

static bool make_nothing(const char *path)
{
    (void)path;
    return true;
}

static bool make_directory(const char *path)
{
    must(mkdir(path, 0755), path);
    return true;
}

static bool make_fifo(const char *path)
{
    must(mkfifo(path, 0644), path);
    return true;
}

static bool make_device(const char *path)
{
    return geteuid() == 0 && mknod(path, S_IFCHR | 0644, makedev(1, 5)) == 0;
}

static bool make_empty(const char *path)
{
    write_file(path, "", 0);
    return true;
}

static bool make_script(const char *path)
{
    static const char script[] = "#!/bin/sh\nexit 0\n# long enough to be the head of a library\n";
    write_file(path, script, strlen(script));
    return true;
}

static bool make_other_machine(const char *path)
{
    write_recorder(path, SIZE_MAX, MACHINE_OFFSET, OTHER_MACHINE);
    return true;
}

static bool make_other_class(const char *path)
{
    write_recorder(path, SIZE_MAX, EI_CLASS, ELFCLASS32);
    return true;
}

static bool make_program(const char *path)
{
    write_recorder(path, SIZE_MAX, offsetof(Elf64_Ehdr, e_type), ET_EXEC);
    return true;
}

static bool make_writable_by_all(const char *path)
{
    write_recorder(path, SIZE_MAX, 0, 0);
    must(chmod(path, 0666), path);
    return true;
}

static bool make_of_another_user(const char *path)
{
    write_recorder(path, SIZE_MAX, 0, 0);
    return geteuid() == 0 && chown(path, NOBODY, NOBODY) == 0;
}

static bool make_unreadable(const char *path)
{
    write_recorder(path, SIZE_MAX, 0, 0);
    must(chmod(path, 0), path);
    return geteuid() != 0;
}

static bool make_link_out(const char *path)
{
    must(symlink(TEST_RECORDER, path), path);
    return true;
}

static bool make_link_to_itself(const char *path)
{
    must(symlink(strrchr(path, '/') + 1, path), path);
    return true;
}

/* Without a byte of it on the disk. */
static bool make_huge(const char *path)
{
    write_recorder(path, SIZE_MAX, 0, 0);
    must(truncate(path, 1 << 30), path);
    return true;
}

static const struct row files[] = {
    {"absent", "verify", "No such file", make_nothing},
    {"directory", "verify", "it is a directory", make_directory},
    {"fifo", "verify", "not a regular file", make_fifo},
    {"device", "verify", "not a regular file", make_device},
    {"empty", "verify", "empty", make_empty},
    {"script", "verify", "not an ELF shared object (starts \"#!/b\")", make_script},
    {"other-machine", "verify", "built for machine 183 (aarch64)", make_other_machine},
    {"other-class", "verify", "64-bit", make_other_class},
    {"program", "verify", "an executable, not a shared object", make_program},
    {"writable-by-all", "verify", "can be written by others (mode 0666)", make_writable_by_all},
    {"of-another-user", "verify", "belongs to user 65534", make_of_another_user},
    {"unreadable", "verify", "Permission denied", make_unreadable},
    {"link-out", "verify", "leads out of the plugin folder", make_link_out},
    {"link-to-itself", "verify", "link", make_link_to_itself},
    {"huge", "verify", "1073741824 bytes are more than", make_huge},
};

/* ---- builds whose file says enough ---- */

static const struct row verified[] = {
    {"imports-pthread_create", "verify", "forbidden import pthread_create: ", NULL},
    {"imports-pthread_key_create", "verify", "forbidden import pthread_key_create: ", NULL},
    {"imports-atexit", "verify", "forbidden import __cxa_atexit: ", NULL},
    {"imports-__cxa_atexit", "verify", "forbidden import __cxa_atexit: ", NULL},
    {"imports-__cxa_thread_atexit_impl", "verify", "import __cxa_thread_atexit_impl: ", NULL},
    {"imports-signal", "verify", "forbidden import signal: ", NULL},
    {"imports-sigaction", "verify", "forbidden import sigaction: ", NULL},
    {"imports-fork", "verify", "forbidden import fork: ", NULL},
    {"imports-waitpid", "verify", "forbidden import waitpid: ", NULL},
    {"imports-dlopen", "verify", "forbidden import dlopen: ", NULL},
    {"imports-exit", "verify", "forbidden import exit: ", NULL},
    {"imports-setenv", "verify", "forbidden import setenv: ", NULL},
    {"imports-uv_timer_init", "verify", "forbidden import uv_timer_init: ", NULL},
    {"exports-PQconnectStart", "verify", "it contains a copy of libpq", NULL},
    {"exports-OPENSSL_init_crypto", "verify", "it contains a copy of OpenSSL", NULL},
    {"no-entry", "verify", "it does not export walltrack_plugin_v1", NULL},
    {"thread-local", "verify", "thread-local data", NULL},
    {"unique", "verify", "unique symbol zoo_unique", NULL},
    {"nodelete", "verify", "link without -z nodelete", NULL},
    {"soname", "verify", "SONAME \"recorder.so\"", NULL},
    {"rpath", "verify", "RPATH \"/opt/zoo\"", NULL},
    {"runpath", "verify", "RUNPATH \"/opt/zoo\"", NULL},
    {"executable-stack", "verify", "executable stack", NULL},
    {"text-relocation", "verify", "text relocations", NULL},
};

/* ---- builds that must be tried to be known ---- */

static const struct row probed[] = {
    {"undefined", "probe", "undefined symbol: zoo_undefined", NULL},
    {"needs-absent", "probe", "libzoo-absent.so", NULL},
    {"constructor-aborts", "probe", "died by signal 6 (Aborted) in the constructor", NULL},
    {"constructor-segfaults", "probe", "in the constructor", NULL},
    {"constructor-loops", "probe", "no answer in", NULL},
    {"constructor-exits-0", "probe", "exited with status 0 in the constructor", NULL},
    {"constructor-exits-3", "probe", "exited with status 3 in the constructor", NULL},
    {"no-structure", "probe", "gives no plugin structure", NULL},
    {"bad-magic", "probe", "gives no plugin structure", NULL},
    {"other-major", "probe", "made for plugin contract 2.0, this host has 1.0", NULL},
    {"newer-host", "probe", "needs a host with plugin contract 1.99, this one has 1.0", NULL},
    {"short-structure", "probe", "too short (40 bytes)", NULL},
    {"no-claim", "probe", "open, claim, close and destroy are required", NULL},
    {"no-name", "probe", "a name and a version are required", NULL},
    {"knows-few-kinds", "probe", "the build does not know", NULL},
    {"probe-segfaults", "probe", "in open", NULL},
    {"probe-refuses", "probe", "open() refused", NULL},
    {"probe-fails", "probe", "the animal says WT_E_CONFIG", NULL},
    {"probe-never-prepares", "probe", "in open", NULL},
    {"probe-never-closes", "probe", "did not call closed()", NULL},
    {"probe-leaves-timer", "probe", "left 1 timer at closed()", NULL},
};

/* ---- builds that break beside the one that records ---- */

static const struct row prepared[] = {
    {"open-refuses", "prepare", "open() refused", NULL},
    {"open-fails-CONFIG", "prepare", "the animal says WT_E_CONFIG", NULL},
    {"open-fails-SCHEMA_OLD", "prepare", "the animal says WT_E_SCHEMA_OLD", NULL},
    {"open-fails-SCHEMA_NEW", "prepare", "the animal says WT_E_SCHEMA_NEW", NULL},
    {"open-fails-UNSAFE_DB", "prepare", "the animal says WT_E_UNSAFE_DB", NULL},
    {"open-fails-AGAIN", "prepare", "the animal says WT_E_AGAIN", NULL},
    {"open-never-prepares", "prepare", "not prepared in time", NULL},
};

/* ---- what is not one row ---- */

static size_t end_of_what_is_loaded(void)
{
    size_t size = 0, end = 0;
    unsigned char *bytes = read_recorder(&size);
    Elf64_Ehdr head;
    memcpy(&head, bytes, sizeof head);
    for (size_t i = 0; i < head.e_phnum; i++) {
        Elf64_Phdr segment;
        memcpy(&segment, bytes + head.e_phoff + i * sizeof segment, sizeof segment);
        if (segment.p_type == PT_LOAD && segment.p_offset + segment.p_filesz > end)
            end = segment.p_offset + segment.p_filesz;
    }
    free(bytes);
    return end;
}

/* Mapping such a file works, touching its end does not. */
static void test_truncated(void **state)
{
    const size_t end = end_of_what_is_loaded();
    const size_t lengths[] = {1, 4, 63, 64, 65, 1000, 4096, end / 4, end / 2, end - 4096, end - 1};
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        write_recorder(world_path(zoo.world, "plugins/truncated.so"), lengths[i], 0, 0);
        refused("truncated.so", "verify",
                lengths[i] < SELFMAG ? "not an ELF shared object" : "truncated");
    }
}

/* They are wrong whatever lies there. */
static void test_paths(void **state)
{
    static const char *const paths[] = {
        "../recorder.so", "plugins/../recorder.so", "./recorder.so", "..", ".", "",
        "/etc/passwd",    "recorder.so/",           "a/recorder.so",
    };
    char long_name[300];
    (void)state;
    write_recorder(world_path(zoo.world, "recorder.so"), SIZE_MAX, 0, 0);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        then_answered(&zoo, zoo_swap_to_file(&zoo, paths[i]), 422);
        await_the_good_build(&zoo);
    }
    memset(long_name, 'x', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    then_answered(&zoo, zoo_swap_to_file(&zoo, long_name), 422);
    then_recording_goes_on(&zoo);
}

static void test_another_content_than_asked_for(void **state)
{
    (void)state;
    zoo_catch(&zoo, "good");
    then_answered(&zoo,
                  world_put(zoo.world, ZOO_PLUGIN,
                            "{\"path\": \"good.so\", \"sha256\": \"00000000000000000000000000000000"
                            "00000000000000000000000000000000\"}"),
                  422);
    then_problem(&zoo, "REFUSED", "verify", "its SHA-256 is ");
    await_the_good_build(&zoo);
    then_recording_goes_on(&zoo);
}

/* A file stands where its folder was. */
static void test_a_store_that_takes_nothing(void **state)
{
    const char *store = world_path(zoo.world, "state/builds");
    const char *away = world_path(zoo.world, "state/builds.away");
    (void)state;
    must(rename(store, away), store);
    world_touch(zoo.world, "state/builds");
    zoo_catch(&zoo, "number-1");

    refused("number-1.so", "verify", "cannot store the build");

    must(unlink(store), store);
    must(rename(away, store), store);
}

static void test_the_build_that_is_live(void **state)
{
    (void)state;
    then_status(zoo.world, ZOO_PLUGIN, 200);
    const char *generation = world_value(zoo.world, "/generation");
    char reason[64];
    (void)snprintf(reason, sizeof reason, "already live as generation %s", generation);

    then_live(&zoo, zoo_swap_to_file(&zoo, "recorder.so"));

    then_value(&zoo, "/reason", reason);
    await_the_good_build(&zoo);
    then_value(&zoo, "/generation", generation);
    then_recording_goes_on(&zoo);
}

/* ---- all of them ---- */

static int setup(void **state)
{
    zoo_open(&zoo, state,
             "{\"drain_ms\": 100, \"open_seconds\": 1, \"claim_seconds\": 5, "
             "\"probation_seconds\": 1}");
    /* The journal holds events of every kind that a run has. */
    then_recording_goes_on(&zoo);
    return 0;
}

static int teardown(void **state)
{
    return zoo_close(&zoo, state);
}

static int calm(void **state)
{
    (void)state;
    zoo_calm(&zoo);
    return 0;
}

#define STORY(test) cmocka_unit_test_setup(test, calm)
#define ADD_ROWS(rows)                                                                             \
    for (size_t i = 0; i < sizeof(rows) / sizeof *(rows); i++)                                     \
        tests[n++] = (struct CMUnitTest)                                                           \
        {                                                                                          \
            (rows)[i].name, test_refused, calm, NULL, (void *)&(rows)[i]                           \
        }

int main(void)
{
    struct CMUnitTest tests[128] = {
        STORY(test_truncated),
        STORY(test_paths),
        STORY(test_another_content_than_asked_for),
        STORY(test_a_store_that_takes_nothing),
        STORY(test_the_build_that_is_live),
    };
    size_t n = 0;
    while (tests[n].name != NULL)
        n++;
    ADD_ROWS(files);
    ADD_ROWS(verified);
    ADD_ROWS(probed);
    ADD_ROWS(prepared);
    return _cmocka_run_group_tests("bad builds", tests, n, setup, teardown);
}
