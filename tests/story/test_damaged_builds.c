/* A good build cut short, or with one byte of its headers turned over, given to the running host:
 * it is refused, or it is sound after all; the host does not fall, and goes on recording. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/failure.h"
#include "support/postgres.h"
#include "support/world.h"

#define PLUGIN "/api/plugins/recorder"

#define ENGINE                                                                                     \
    "#!/bin/sh\n"                                                                                  \
    "echo '{\"event\":\"wallet\",\"wallet_address\":\"W\",\"source_token\":\"T\"}'\n"

struct file {
    unsigned char *bytes;
    size_t size;
};

static struct file read_build(void)
{
    struct file f = {.bytes = malloc(64 << 20)};
    FILE *in = fopen(TEST_RECORDER, "rb");
    if (f.bytes == NULL || in == NULL)
        cannot_go_on("%s: %s", TEST_RECORDER, strerror(errno));
    f.size = fread(f.bytes, 1, 64 << 20, in);
    fclose(in);
    return f;
}

static void put_damaged(struct world *w, const unsigned char *bytes, size_t size)
{
    FILE *out = fopen(world_path(w, "plugins/damaged.new"), "wb");
    if (out == NULL || fwrite(bytes, 1, size, out) != size || fclose(out) != 0 ||
        rename(world_path(w, "plugins/damaged.new"), world_path(w, "plugins/damaged.so")) != 0)
        cannot_go_on("damaged.so: %s", strerror(errno));
}

/* True when it was taken. */
static bool is_taken(struct world *w, const char *what, size_t where)
{
    int status = world_put(w, PLUGIN, "{\"path\": \"damaged.so\"}");
    if (status != 200 && status != 422)
        world_fail(w, __FILE__, __LINE__, "%s %zu: %d %s", what, where, status, world_text(w));
    if (status == 422)
        assert_string_equal(world_value(w, "/verdict"), "REFUSED");
    return status == 200;
}

static void then_the_host_records_on(struct world *w, pid_t pid)
{
    assert_int_equal(world_pid(w), pid);
    await_run(w, when_run(w, NULL), "completed");
}

/* What the program headers say is needed of the file. */
static size_t loaded_size(const struct file *f)
{
    size_t most = 0;
    uint64_t table;
    uint16_t count;
    memcpy(&table, f->bytes + 32, sizeof table);
    memcpy(&count, f->bytes + 56, sizeof count);
    for (size_t i = 0; i < count; i++) {
        const unsigned char *header = f->bytes + table + i * 56;
        uint32_t type;
        uint64_t offset, size;
        memcpy(&type, header, sizeof type);
        memcpy(&offset, header + 8, sizeof offset);
        memcpy(&size, header + 32, sizeof size);
        if (type == 1 && offset + size > most)
            most = offset + size;
    }
    return most;
}

static void test_cut_short(void **state)
{
    struct world *w = *state;
    struct file f = read_build();
    pid_t pid = world_pid(w);
    size_t loaded = loaded_size(&f);
    given_engine(w, ENGINE);
    for (size_t i = 0; i < 60; i++) {
        size_t size = i < 10 ? i * 13 : loaded * (i - 9) / 51;
        size -= size == loaded; /* the last byte is needed as well */
        put_damaged(w, f.bytes, size);
        if (is_taken(w, "cut at", size))
            world_fail(w, __FILE__, __LINE__, "taken with %zu of %zu bytes", size, loaded);
        assert_string_equal(world_value(w, "/step"), "verify");
    }
    then_the_host_records_on(w, pid);
    free(f.bytes);
}

static void test_a_header_byte_turned_over(void **state)
{
    struct world *w = *state;
    struct file f = read_build();
    pid_t pid = world_pid(w);
    size_t taken = 0;
    given_engine(w, ENGINE);
    for (size_t i = 0; i < 64 + 56 * 8; i += i < 64 ? 3 : 7) {
        f.bytes[i] ^= 0xff;
        put_damaged(w, f.bytes, f.size);
        taken += is_taken(w, "turned at", i);
        f.bytes[i] ^= 0xff;
    }
    print_message("%zu of them were sound after all\n", taken);
    then_the_host_records_on(w, pid);
    free(f.bytes);
}

#define STORY(name) cmocka_unit_test_setup_teardown(test_##name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {STORY(cut_short), STORY(a_header_byte_turned_over)};
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
