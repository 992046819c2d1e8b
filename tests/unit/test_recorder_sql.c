/* links: recorder_parts */
/* What is decided about SQL without a server: preparing it, migrations, reactions, questions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <walltrack/params.h>

#include "question.h"
#include "reaction.h"
#include "run_builds.h"
#include "schema.h"
#include "sql.h"

static void then_prepared(const char *text, const char *expected)
{
    char *sql = sql_prepare(text, "\"my schema\"");
    if (expected == NULL) {
        assert_null(sql);
    } else {
        assert_non_null(sql);
        assert_string_equal(sql, expected);
    }
    free(sql);
}

static void test_variables_become_numbers_in_the_order_of_the_list(void **state)
{
    (void)state;
    then_prepared("-- parameters: one two\nSELECT :'two'::text, :'one', :'two' FROM :\"schema\".t",
                  "-- parameters: one two\nSELECT $2::text, $1, $2 FROM \"my schema\".t");
    then_prepared("SELECT ':', a::text, b[1:2]", "SELECT ':', a::text, b[1:2]");
    then_prepared("-- parameters: one\n-- parameters: two\nSELECT :'two'",
                  "-- parameters: one\n-- parameters: two\nSELECT $2");
    then_prepared("-- parameters: one\nSELECT :'two'", NULL);
}

static void test_literals_take_the_place_of_the_numbers(void **state)
{
    static const char text[] = "-- parameters: one two\nSELECT :'two', :'one' FROM :\"schema\".t";
    static const char *const literals[] = {"'a $2 :''two'' '", "'b'"};
    (void)state;
    char *sql = sql_fill(text, "\"s\"", literals);
    assert_string_equal(sql, "-- parameters: one two\nSELECT 'b', 'a $2 :''two'' ' FROM \"s\".t");
    free(sql);
    assert_null(sql_fill("-- parameters: one two\nSELECT :'three'", "\"s\"", literals));
}

static void test_every_embedded_file_can_be_prepared(void **state)
{
    (void)state;
    assert_true(sql_file_count >= 10);
    for (size_t i = 0; i < sql_file_count; i++) {
        char *sql = sql_prepare(sql_files[i].text, "\"s\"");
        assert_non_null(sql);
        assert_null(strstr(sql, ":\"schema\""));
        free(sql);
    }
    assert_null(sql_find("weather"));
}

/* psql cannot include a part of a statement: what files share they repeat, between two marks. */
static void test_what_files_share_is_the_same_in_each(void **state)
{
    static const char mark[] = "-- shared: ", end[] = "-- end of shared";
    const char *first[16];
    size_t sizes[16], known = 0, copies = 0;
    (void)state;
    for (size_t i = 0; i < sql_file_count; i++)
        for (const char *p = sql_files[i].text; (p = strstr(p, mark)) != NULL; p++) {
            size_t size = (size_t)(strstr(p, end) - p), name = strcspn(p, "\n"), n = 0;
            while (n < known && strncmp(first[n], p, name + 1) != 0)
                n++;
            if (n == known) {
                assert_true(known < 16);
                first[known] = p;
                sizes[known++] = size;
            }
            copies++;
            assert_int_equal(size, sizes[n]);
            assert_memory_equal(p, first[n], size);
        }
    assert_int_equal(known, 5);
    assert_int_equal(copies, 17);
}

static void test_migrations_are_numbered_without_a_hole(void **state)
{
    (void)state;
    for (size_t i = 0; i < sql_migration_count; i++) {
        assert_int_equal(schema_version(&sql_migrations[i]), i + 1);
        assert_int_equal(strlen(sql_migrations[i].sha256), 64);
    }
    assert_int_equal(schema_latest(), sql_migration_count);
}

static void test_a_database_without_our_schema_lacks_everything(void **state)
{
    struct schema_state found;
    char why[WHY_SIZE];
    (void)state;
    assert_int_equal(schema_compare(NULL, &found, why), WT_OK);
    assert_int_equal(found.found, 0);
    assert_int_equal(found.missing, sql_migration_count);
    assert_int_equal(found.next, 0);
}

/* ---- which runs lack the build ---- */

static void add_event(struct batch *b, uint8_t run, int kind)
{
    wt_event e = {
        .struct_size = sizeof e, .kind = (uint16_t)kind, .seq = b->count + 1, .run_id = {{run}}};
    wt_run_start start = {.struct_size = sizeof start, .slot_at_us = WT_NO_TIME};
    wt_run_error error = {.struct_size = sizeof error, .message = "no"};
    wt_run_end end = {.struct_size = sizeof end};
    wt_slot slot = {.struct_size = sizeof slot, .schedule = "nightly"};
    assert_true(kind == WT_RUN_START ? batch_run_start(b, &e, &start, "build")
                : kind == WT_RUN_END ? batch_run_end(b, &e, &end)
                : kind == WT_SLOT    ? batch_slot(b, &e, &slot)
                                     : batch_run_error(b, &e, &error));
}

/* The runs are named by their first byte; "" is none. */
static void then_lacking(const struct run_builds *known, const struct range *r, const char *runs)
{
    char *sql, list[64] = "";
    assert_true(run_builds_statement(known, r, "\"s\"", "'b'", &sql));
    for (char *p = sql != NULL ? strstr(sql, "'{") + 2 : list; *p != '\0' && *p != '}';
         p += 36 + (p[36] == ','))
        snprintf(list + strlen(list), sizeof list - strlen(list), "%.2s ", p);
    assert_string_equal(list, runs);
    free(sql);
}

static void test_a_run_of_another_instance_is_named_until_it_is_recorded(void **state)
{
    struct batch b = {0};
    struct run_builds known = {0};
    struct rows raw = {0};
    struct range r = {.batch = &b};
    (void)state;
    add_event(&b, 1, WT_RUN_ERROR);
    add_event(&b, 2, WT_RUN_START); /* its row has the build */
    add_event(&b, 2, WT_RUN_ERROR);
    add_event(&b, 3, WT_SLOT); /* says nothing of the run that it fired */
    add_event(&b, 4, WT_RUN_END);
    add_event(&b, 1, WT_RUN_ERROR);
    r.to = b.count;
    then_lacking(&known, &r, "01 04 ");
    then_lacking(&known, &(struct range){.batch = &b, .from = 2, .to = 5}, "02 04 ");
    then_lacking(&known, &(struct range){.batch = &b, .to = 6, .raw = &raw}, "");

    run_builds_recorded(&known, &r);
    then_lacking(&known, &r, "04 "); /* forgotten with its end */
    then_lacking(&known, &(struct range){.batch = &b, .from = 2, .to = 4}, "");
    batch_free(&b);
}

static void test_more_runs_than_can_be_known_are_named_again(void **state)
{
    struct batch b = {0};
    struct run_builds known = {0};
    char *sql;
    (void)state;
    for (int i = 0; i < 3 * RUN_BUILDS_MOST; i++) {
        add_event(&b, 0, WT_RUN_ERROR);
        b.entries[i].run_id.bytes[1] = (uint8_t)(i >> 8);
        b.entries[i].run_id.bytes[2] = (uint8_t)i;
    }
    struct range r = {.batch = &b, .to = b.count};
    run_builds_recorded(&known, &r);
    assert_true(known.count <= RUN_BUILDS_MOST);
    assert_true(run_builds_statement(&known, &r, "\"s\"", "'b'", &sql));
    assert_non_null(sql);
    free(sql);
    batch_free(&b);
}

static void test_each_kind_of_error_has_its_reaction(void **state)
{
    static const struct {
        const char *sqlstate;
        enum reaction reaction;
    } cases[] = {
        {"08P01", REACT_DATA},     {"08006", REACT_AGAIN},    {"21000", REACT_DATA},
        {"22021", REACT_DATA},     {"22P05", REACT_DATA},     {"22003", REACT_DATA},
        {"23502", REACT_DATA},     {"23514", REACT_DATA},     {"23503", REACT_DATA},
        {"23505", REACT_INTERNAL}, {"25006", REACT_AGAIN},    {"28P01", REACT_CONFIG},
        {"3F000", REACT_CONFIG},   {"40001", REACT_RETRY},    {"40P01", REACT_RETRY},
        {"42P01", REACT_CONFIG},   {"42501", REACT_CONFIG},   {"53100", REACT_AGAIN},
        {"53300", REACT_AGAIN},    {"54000", REACT_DATA},     {"54001", REACT_DATA},
        {"55P03", REACT_RETRY},    {"57014", REACT_RETRY},    {"57P01", REACT_AGAIN},
        {"57P03", REACT_AGAIN},    {"XX000", REACT_INTERNAL}, {NULL, REACT_AGAIN},
        {"", REACT_AGAIN},         {"25P02", REACT_AGAIN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(reaction_to(cases[i].sqlstate), cases[i].reaction);
}

/* The value of the question's parameter of that name. */
static const char *value_of(const struct question *q, const char *name)
{
    char known[64];
    for (int i = 0; sql_parameter(q->text, i, known, sizeof known) > 0; i++)
        if (strcmp(known, name) == 0)
            return q->values[i];
    fail_msg("no parameter %s", name);
    return NULL;
}

static void test_a_question_becomes_the_parameters_of_its_file(void **state)
{
    struct question q;
    char why[WHY_SIZE];
    (void)state;
    assert_int_equal(question_parse("runs",
                                    "{\"status\": \"failed\", \"page\": 3, \"start\": null,"
                                    " \"duration_max\": \"12.5\", \"has_errors\": \"false\","
                                    " \"now\": \"2026-06-21T00:00:00Z\"}",
                                    &q, why),
                     WT_OK);
    assert_int_equal(q.n, 25);
    assert_string_equal(value_of(&q, "start"), "");
    assert_string_equal(value_of(&q, "status"), "failed");
    assert_string_equal(value_of(&q, "page_size"), "20");
    assert_string_equal(value_of(&q, "page"), "3");
    assert_string_equal(value_of(&q, "duration_max"), "12.5");
    assert_string_equal(value_of(&q, "max_tokens_min"), "");
    question_free(&q);
}

static void test_each_parameter_has_a_lower_and_an_upper_limit(void **state)
{
#define NAME(SYMBOL, name, ...) #name,
    static const char *const names[] = {WT_PARAMS(NAME)};
#undef NAME
    static const char *const questions[] = {"runs", "runs_only", "stats", "trend", "wallets_only"};
    struct question q;
    char why[WHY_SIZE], limit[64];
    (void)state;
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        assert_int_equal(question_parse(questions[i], "{\"edges\": \"a,b\"}", &q, why), WT_OK);
        for (size_t n = 0; n < WT_PARAM_COUNT; n++) {
            snprintf(limit, sizeof limit, "%s_min", names[n]);
            value_of(&q, limit);
            snprintf(limit, sizeof limit, "%s_max", names[n]);
            value_of(&q, limit);
        }
        question_free(&q);
    }
}

static void test_wrong_arguments_are_named(void **state)
{
    static const struct {
        const char *name, *args, *words;
    } cases[] = {
        {"runs", "{\"duration_min\": \"soon\"}", "duration_min: \"soon\" is not a number"},
        {"runs", "{\"max_tokens_max\": \"1.\"}", "max_tokens_max: \"1.\" is not a number"},
        {"runs", "{\"has_errors\": \"yes\"}", "has_errors: \"yes\" is not true or false"},
        {"runs", "{\"cursor\": \"1\"}", "cursor: \"1\""},
        {"runs_only", "{\"page_size\": 1001}", "page_size: \"1001\""},
        {"wallets_only", "{\"cursor\": \"1_01900000-0000-7000-8000-000000000002\"}", "cursor: "},
        {"wallets_only", "{\"cursor\": \"1_x\"}", "cursor: "},
        {"wallet", "{}", "address: \"\" is not an address"},
        {"trend", "{\"edges\": \"2026-06-21T00:00:00Z\"}", "edges: "},
        {"compare", "{\"a\": \"01900000-0000-7000-8000-000000000002\"}", "b: \"\" is not an id"},
        {"compare",
         "{\"a\": \"01900000-0000-7000-8000-000000000002\","
         " \"b\": \"01900000-0000-7000-8000-000000000002\", \"side\": \"c\"}",
         "side: \"c\" is not only_a, only_b or both"},
    };
    struct question q;
    char why[WHY_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(question_parse(cases[i].name, cases[i].args, &q, why), WT_E_ARGUMENT);
        if (strstr(why, cases[i].words) == NULL)
            fail_msg("%s %s: %s", cases[i].name, cases[i].args, why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variables_become_numbers_in_the_order_of_the_list),
        cmocka_unit_test(test_literals_take_the_place_of_the_numbers),
        cmocka_unit_test(test_every_embedded_file_can_be_prepared),
        cmocka_unit_test(test_what_files_share_is_the_same_in_each),
        cmocka_unit_test(test_migrations_are_numbered_without_a_hole),
        cmocka_unit_test(test_a_database_without_our_schema_lacks_everything),
        cmocka_unit_test(test_a_run_of_another_instance_is_named_until_it_is_recorded),
        cmocka_unit_test(test_more_runs_than_can_be_known_are_named_again),
        cmocka_unit_test(test_each_kind_of_error_has_its_reaction),
        cmocka_unit_test(test_a_question_becomes_the_parameters_of_its_file),
        cmocka_unit_test(test_each_parameter_has_a_lower_and_an_upper_limit),
        cmocka_unit_test(test_wrong_arguments_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
