/* Builds in the store and in memory: what is refused, what is copied, what the loader gives, and
 * what is left when a build goes. */
/* links: plugin_host test_support */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <glib.h>

#include "plugin/build.h"
#include "plugin/build_store.h"
#include "support/scratch.h"

static char folder[SCRATCH_PATH_SIZE];

/* A plugin of which the version is known; enough to be loaded, not to live. */
#define PLUGIN                                                                                     \
    "#include <walltrack/plugin.h>\n"                                                              \
    "static wt_status o(const wt_host_api *a, wt_host *h, const wt_open_args *g, void **s)"        \
    "{ (void)a; (void)h; (void)g; (void)s; return WT_E_INTERNAL; }\n"                              \
    "static void c(void *s, const wt_claim_args *a) { (void)s; (void)a; }\n"                       \
    "static void x(void *s, uint32_t m) { (void)s; (void)m; }\n"                                   \
    "static void d(void *s) { (void)s; }\n"                                                        \
    "static const wt_plugin p = {.magic = WT_MAGIC, .struct_size = sizeof p,\n"                    \
    "  .abi_major = WT_ABI_MAJOR, .name = \"made\", .version = VERSION,\n"                         \
    "  .open = o, .claim = c, .close = x, .destroy = d};\n"                                        \
    "const wt_plugin *walltrack_plugin_v1(void) { return &p; }\n"

static char *in(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

/* Compiles it as plugins/NAME, atomically. */
static void make(const char *name, const char *version, const char *more)
{
    char *command = g_strdup_printf(
        "cc -shared -fPIC -fvisibility=hidden -I%s/include '-DVERSION=\"%s\"' %s -o %s/fresh "
        "%s/made.c && mv %s/fresh %s/plugins/%s",
        TEST_SOURCE_DIR, version, more, folder, folder, folder, folder, name);
    assert_int_equal(system(command), 0);
    g_free(command);
}

static int take(const char *path, struct stored_build *out, struct error *err)
{
    char *state = in("state"), *plugins = in("plugins");
    struct build_order order = {.state_dir = state, .plugin_dir = plugins, .path = path};
    int status = build_store_take(&order, out, err);
    g_free(state);
    g_free(plugins);
    return status;
}

static void then_refused(const char *path, const char *words)
{
    struct stored_build stored;
    struct error err;
    assert_int_equal(take(path, &stored, &err), -1);
    if (strstr(err.msg, words) == NULL)
        fail_msg("%s: '%s' is not in '%s'", path, words, err.msg);
}

static void test_files_that_are_refused(void **state)
{
    (void)state;
    char *plain = in("plugins/plain.so"), *link = in("plugins/link.so");
    char *out = in("plugins/out.so"), *fifo = in("plugins/fifo.so"), *sub = in("plugins/sub");
    char *outside = in("outside.so");
    make("plain.so", "1", "");
    then_refused("missing.so", "cannot open missing.so: No such file");
    then_refused("../plain.so", "not inside the plugin folder");
    then_refused("..", "not the name of a file");
    then_refused("", "not the name of a file");
    then_refused(outside, "not inside the plugin folder");
    assert_int_equal(symlink("../outside.so", out), 0);
    then_refused("out.so", "leads out of the plugin folder");
    assert_int_equal(symlink("/etc/passwd", link), 0);
    then_refused("link.so", "leads out of the plugin folder");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    then_refused("fifo.so", "not a regular file");
    assert_int_equal(mkdir(sub, 0755), 0);
    then_refused("sub", "is a directory");
    assert_int_equal(close(open(outside, O_WRONLY | O_CREAT, 0644)), 0);
    char *plugins = in("plugins");
    scratch_write(plugins, "empty.so", "");
    then_refused("empty.so", "the file is empty");
    scratch_write(plugins, "script.so", "#!/bin/sh\n");
    then_refused("script.so", "not an ELF shared object");
    assert_int_equal(chmod(plain, 0666), 0);
    then_refused("plain.so", "chmod go-w");
    assert_int_equal(chmod(plain, 0644), 0);
    assert_int_equal(chmod(plugins, 0777), 0);
    then_refused("plain.so", "the plugin folder can be written by others");
    assert_int_equal(chmod(plugins, 0755), 0);
    char *texts[] = {plain, link, out, fifo, sub, outside, plugins};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        g_free(texts[i]);
}

static void test_a_file_is_copied_once_and_never_changed(void **state)
{
    (void)state;
    struct stored_build first, again, found;
    struct error err;
    struct stat before, after;
    char *state_dir = in("state");
    make("copied.so", "1", "");
    assert_int_equal(take("copied.so", &first, &err), 0);
    assert_int_equal(stat(first.path, &before), 0);
    assert_int_equal(before.st_mode & 07777, 0444);
    assert_int_equal(take("copied.so", &again, &err), 0);
    assert_int_equal(stat(again.path, &after), 0);
    assert_string_equal(first.path, again.path);
    assert_true(before.st_ino == after.st_ino);

    /* A copy that was damaged is found out, and made anew when the file is there. */
    assert_int_equal(chmod(first.path, 0600), 0);
    assert_int_equal(truncate(first.path, 1000), 0);
    assert_int_equal(build_store_find(state_dir, first.sha256, &found, &err), -1);
    assert_int_equal(err.code, EIO);
    g_free(again.path);
    assert_int_equal(take("copied.so", &again, &err), 0);
    assert_int_equal(build_store_find(state_dir, first.sha256, &found, &err), 0);

    struct builds_kept kept = {.n = 0};
    build_store_sweep(state_dir, &kept, 60); /* it was asked for just now */
    g_free(found.path);
    assert_int_equal(build_store_find(state_dir, first.sha256, &found, &err), 0);
    builds_keep(&kept, first.sha256);
    build_store_sweep(state_dir, &kept, 0);
    g_free(found.path);
    assert_int_equal(build_store_find(state_dir, first.sha256, &found, &err), 0);
    kept.n = 0;
    build_store_sweep(state_dir, &kept, 0);
    g_free(found.path);
    assert_int_equal(build_store_find(state_dir, first.sha256, &found, &err), -1);
    assert_int_equal(err.code, ENOENT);
    g_free(first.path);
    g_free(again.path);
    g_free(state_dir);
}

static void test_a_hash_that_was_asked_for(void **state)
{
    (void)state;
    struct stored_build stored;
    struct error err;
    char *state_dir = in("state"), *plugins = in("plugins");
    char zeros[BUILD_SHA256_SIZE];
    memset(zeros, '0', sizeof zeros - 1);
    zeros[sizeof zeros - 1] = '\0';
    make("hashed.so", "1", "");
    struct build_order order = {state_dir, plugins, "hashed.so", zeros};
    assert_int_equal(build_store_take(&order, &stored, &err), -1);
    assert_non_null(strstr(err.msg, "its SHA-256 is"));
    g_free(state_dir);
    g_free(plugins);
}

/* Swapped a hundred times by the same name: each time the code is that of the file. */
static void test_the_same_name_with_another_content(void **state)
{
    (void)state;
    struct build *before = NULL;
    for (int i = 0; i < 100; i++) {
        char version[16];
        struct stored_build stored;
        struct build *b;
        struct error err;
        snprintf(version, sizeof version, "v%d", i % 10);
        make("same.so", version, "");
        assert_int_equal(take("same.so", &stored, &err), 0);
        assert_int_equal(build_load_content(stored.path, stored.sha256, &b, &err), 0);
        assert_string_equal(b->api->version, version);
        build_release(before);
        before = b;
        g_free(stored.path);
    }
    build_release(before);
}

/* The control: by its plain path the loader gives the old code, and that is noticed. */
static void test_by_plain_path_it_is_the_old_code(void **state)
{
    (void)state;
    struct build *old, *fresh = NULL;
    struct error err;
    char *path = in("plugins/plain-path.so");
    make("plain-path.so", "old", "");
    assert_int_equal(build_load(path, &old, &err), 0);
    make("plain-path.so", "new", "");
    void *again = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    assert_ptr_equal(again, old->handle);
    dlclose(again);

    assert_int_equal(build_load(path, &fresh, &err), -1);
    assert_null(fresh);
    assert_int_equal(err.code, ELOOP);
    assert_non_null(strstr(err.msg, "the loader returned the code of made old"));
    build_release(old);
    g_free(path);
}

static void load_and_release(const char *name, const char *version, const char *more)
{
    struct build *b;
    struct error err;
    char *place = g_strconcat("plugins/", name, NULL);
    char *path = in(place);
    make(name, version, more);
    assert_int_equal(build_load(path, &b, &err), 0);
    build_release(b);
    g_free(place);
    g_free(path);
}

static void test_the_last_few_stay_and_the_others_go(void **state)
{
    (void)state;
    build_keep(0);
    build_keep(4);
    for (int i = 0; i < 12; i++) {
        char name[16];
        snprintf(name, sizeof name, "few%d.so", i);
        load_and_release(name, name, "");
    }
    assert_int_equal(build_counts().mapped, 4);
    build_keep(0);
    assert_int_equal(build_counts().mapped, 0);
    assert_int_equal(build_counts().pinned, 0);
    build_keep(BUILD_KEEP_USUAL);
}

static void test_what_the_loader_keeps_is_pinned(void **state)
{
    (void)state;
    build_keep(0);
    size_t before = build_counts().pinned;
    load_and_release("kept.so", "kept", "-Wl,-z,nodelete");
    assert_int_equal(build_counts().pinned, before + 1);
    build_keep(BUILD_KEEP_USUAL);
}

static int setup(void **state)
{
    (void)state;
    scratch_new(folder);
    char *plugins = in("plugins"), *state_dir = in("state");
    mkdir(plugins, 0755);
    mkdir(state_dir, 0700);
    scratch_write(folder, "made.c", PLUGIN);
    g_free(plugins);
    g_free(state_dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    scratch_remove(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_that_are_refused),
        cmocka_unit_test(test_a_file_is_copied_once_and_never_changed),
        cmocka_unit_test(test_a_hash_that_was_asked_for),
        cmocka_unit_test(test_the_same_name_with_another_content),
        cmocka_unit_test(test_by_plain_path_it_is_the_old_code),
        cmocka_unit_test(test_the_last_few_stay_and_the_others_go),
        cmocka_unit_test(test_what_the_loader_keeps_is_pinned),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
