/* Where to connect: names, their addresses and their ports stay together. */
/* links: recorder_parts */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pg_target.h"

static const struct {
    const char *conninfo;
    const char *names, *answers;        /* what is asked for, and what it is told: by semicolons */
    const char *host, *hostaddr, *port; /* "" for none */
} cases[] = {
    {"host=db port=5433", "db", "10.0.0.1", "db", "10.0.0.1", "5433"},
    {"host=db", "db", "::1,127.0.0.1", "db,db", "::1,127.0.0.1", ""},
    {"host=a,b port=1,2", "a;b", "10.0.0.1,10.0.0.2;10.0.0.3", "a,a,b",
     "10.0.0.1,10.0.0.2,10.0.0.3", "1,1,2"},
    {"host=a,b port=7", "a;b", "10.0.0.1,10.0.0.2;10.0.0.3", "a,a,b", "10.0.0.1,10.0.0.2,10.0.0.3",
     "7"},
    {"host=/run/x,db port=1,2", "db", "::1,127.0.0.1", "/run/x,db,db", ",::1,127.0.0.1", "1,2,2"},
    {"host=/run/x", "", "", "/run/x", "", ""},
    {"host=db hostaddr=10.0.0.9", "", "", "db", "10.0.0.9", ""},
};

static const char *value(const struct pg_target *t, const char *key)
{
    for (int i = 0; t->keys[i] != NULL; i++)
        if (strcmp(t->keys[i], key) == 0)
            return t->values[i];
    return "";
}

/* The n-th part of a list by semicolons. */
static const char *part(const char *list, int n, char out[128])
{
    while (n-- > 0)
        list = strchr(list, ';') + 1;
    size_t size = strcspn(list, ";");
    memcpy(out, list, size);
    out[size] = '\0';
    return out;
}

static void test_lists_stay_in_step(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pg_target t;
        char text[128];
        const char *name;
        int asked = 0;
        assert_int_equal(pg_target_parse(&t, cases[i].conninfo, "test"), 0);
        while ((name = pg_target_name(&t)) != NULL) {
            assert_string_equal(name, part(cases[i].names, asked, text));
            assert_int_equal(pg_target_answer(&t, part(cases[i].answers, asked, text)), 0);
            asked++;
        }
        assert_int_equal(asked > 0, cases[i].names[0] != '\0');
        pg_target_finish(&t);
        assert_string_equal(value(&t, "host"), cases[i].host);
        assert_string_equal(value(&t, "hostaddr"), cases[i].hostaddr);
        assert_string_equal(value(&t, "port"), cases[i].port);
        assert_string_equal(value(&t, "client_encoding"), "UTF8");
        pg_target_free(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_stay_in_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
