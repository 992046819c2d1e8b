/* Pages neither skip nor repeat a run, by cursor and by number, whatever the filter, and while
 * others write. */
#include "history_rows.h"

#include <libpq-fe.h>

static char config[1024];

static wt_host *given_recorder(struct postgres *pg, struct driver **d)
{
    postgres_fresh_database(pg);
    snprintf(config, sizeof config, "{\"conninfo\": \"%s\"}", postgres_conninfo(pg));
    *d = driver_new(TEST_RECORDER);
    return driver_live(*d, config);
}

/* ---- ids, each with a newline behind it ---- */

struct ids {
    char *text;
    size_t size, room;
};

static void add_ids(struct ids *ids, const json_t *page, const char *list)
{
    size_t i;
    json_t *item;
    json_array_foreach (json_object_get(page, list), i, item) {
        const char *id = json_string_value(json_object_get(item, "id"));
        if (ids->size + 64 > ids->room) {
            ids->room = 2 * ids->room + 4096;
            ids->text = realloc(ids->text, ids->room);
            assert_non_null(ids->text);
        }
        ids->size += (size_t)snprintf(ids->text + ids->size, 64, "%s\n", id);
    }
}

static void then_ids(struct postgres *pg, const struct ids *ids, const char *from,
                     const char *about)
{
    char sql[8192];
    snprintf(sql, sizeof sql, "SELECT string_agg(id || E'\\n', '' ORDER BY %s", from);
    const char *right = postgres_query(pg, sql);
    if (strcmp(ids->text != NULL ? ids->text : "", right) != 0)
        fail_msg("%s: the pages show\n%.400s…\nplain SQL\n%.400s…", about,
                 ids->text != NULL ? ids->text : "", right);
}

/* Asks from page to page until there is no more. */
static struct ids walked(wt_host *h, const char *question, const char *list, const char *args,
                         int size)
{
    struct ids ids = {0};
    char cursor[256] = "", all[3072];
    bool more = true;
    for (int page = 0; more; page++) {
        snprintf(all, sizeof all, "{%s%s\"page_size\": %d}", args, cursor, size);
        json_t *answer = asked(h, question, all);
        assert_true(json_array_size(json_object_get(answer, list)) <= (size_t)size);
        add_ids(&ids, answer, list);
        more = json_is_true(json_object_get(answer, "has_more"));
        json_t *next = json_object_get(answer, "next_cursor");
        assert_int_equal(json_is_string(next), more);
        if (more)
            snprintf(cursor, sizeof cursor, "\"cursor\": \"%s\", ", json_string_value(next));
        json_decref(answer);
        assert_true(page < 10000);
    }
    return ids;
}

static struct ids numbered(wt_host *h, const char *args, int size)
{
    struct ids ids = {0};
    char all[3072];
    bool more = true;
    for (int page = 1; more; page++) {
        snprintf(all, sizeof all, "{%s\"page_size\": %d, \"page\": %d}", args, size, page);
        json_t *answer = asked(h, "runs", all);
        add_ids(&ids, answer, "runs");
        more = json_is_true(json_object_get(answer, "has_more"));
        json_decref(answer);
    }
    return ids;
}

/* ---- the stories ---- */

static void test_all_ways_from_page_to_page_show_the_same(void **state)
{
    struct postgres *pg = *state;
    struct driver *d;
    char from[4096];
    wt_host *h = given_recorder(pg, &d);
    given_runs(pg, 1, 2500);
    for (int i = 0; i < 40; i++) {
        struct filter f = any_filter(true);
        snprintf(from, sizeof from, "started_at DESC, id DESC) FROM " RUNS " r WHERE %s", f.where);
        struct ids ids = i % 4 == 0   ? numbered(h, f.args, 90)
                         : i % 4 == 1 ? walked(h, "runs", "runs", f.args, 1 + any(100))
                                      : walked(h, "runs_only", "runs", f.args, 1 + any(1000));
        then_ids(pg, &ids, from, f.args);
        free(ids.text);
    }
    driver_free(d);
}

/* Every third run starts when another does, and the pages end in between. */
static void test_runs_that_start_at_once(void **state)
{
    struct postgres *pg = *state;
    struct driver *d;
    wt_host *h = given_recorder(pg, &d);
    given_runs(pg, 1, 300);
    postgres_query(pg, "UPDATE " RUNS " SET started_at = date_trunc('month', started_at)"
                       " WHERE started_at < '2026-05-01'");
    for (int size = 1; size < 12; size += 5) {
        struct ids ids = walked(h, "runs", "runs", "", size);
        then_ids(pg, &ids, "started_at DESC, id DESC) FROM " RUNS, "all");
        free(ids.text);
        ids = walked(h, "runs", "runs", "\"trigger_type\": \"api\", ", size);
        then_ids(pg, &ids, "started_at DESC, id DESC) FROM " RUNS " WHERE trigger_type = 'api'",
                 "by API");
        free(ids.text);
    }
    driver_free(d);
}

static void send_insert(PGconn *conn)
{
    char sql[4096];
    snprintf(sql, sizeof sql, HISTORY_ROWS, 1, 15);
    if (!PQsendQuery(conn, sql))
        fail_msg("%s", PQerrorMessage(conn));
}

static void finish_insert(PGconn *conn)
{
    for (PGresult *r; (r = PQgetResult(conn)) != NULL; PQclear(r))
        if (PQresultStatus(r) != PGRES_COMMAND_OK)
            fail_msg("%s", PQerrorMessage(conn));
}

/* While runs appear before, within and behind what was shown, each that was there at the beginning
 * is shown once. */
static void test_a_walk_while_others_write(void **state)
{
    struct postgres *pg = *state;
    struct driver *d;
    char cursor[256] = "", args[512];
    struct ids ids = {0};
    bool more = true;
    wt_host *h = given_recorder(pg, &d);
    given_runs(pg, 1, 800);
    postgres_query(pg, "CREATE TABLE before AS SELECT id FROM " RUNS);
    PGconn *conn = PQconnectdb(postgres_conninfo(pg));
    while (more) {
        send_insert(conn);
        snprintf(args, sizeof args, "{%s\"page_size\": 23}", cursor);
        json_t *page = asked(h, "runs", args);
        add_ids(&ids, page, "runs");
        more = json_is_true(json_object_get(page, "has_more"));
        snprintf(cursor, sizeof cursor, "\"cursor\": \"%s\", ",
                 more ? json_string_value(json_object_get(page, "next_cursor")) : "");
        json_decref(page);
        finish_insert(conn);
    }
    PQfinish(conn);
    char *sql = NULL;
    assert_true(asprintf(&sql,
                         "CREATE TABLE shown AS SELECT id::uuid FROM"
                         " regexp_split_to_table(trim('%s'), E'\\n') id WHERE id <> ''",
                         ids.text) > 0);
    postgres_query(pg, sql);
    free(sql);
    free(ids.text);
    then_query(pg, "SELECT count(*) FROM before WHERE id NOT IN (SELECT id FROM shown)", "0");
    then_query(pg, "SELECT count(*) - count(DISTINCT id) FROM shown", "0");
    then_query(pg, "SELECT (SELECT count(*) FROM " RUNS ") > (SELECT count(*) FROM before)", "t");
    driver_free(d);
}

static void given_wallets(struct postgres *pg)
{
    postgres_query(pg, "INSERT INTO walltrack.discovery_run_wallets (id, run_id, wallet_address,"
                       " source_token, initial_score) SELECT md5(r.id::text || n)::uuid, r.id,"
                       " 'w' || n, 'mint' || n % 3, CASE WHEN n % 2 = 0 THEN 0.5 END FROM " RUNS
                       " r, generate_series(1, 12) n WHERE hashtext(r.id::text) % 4 = 0"
                       " AND hashtext(r.id::text || n) % 3 <> 0");
}

static void test_wallets_of_the_runs_that_match(void **state)
{
    struct postgres *pg = *state;
    struct driver *d;
    char sql[4096];
    wt_host *h = given_recorder(pg, &d);
    given_runs(pg, 1, 800);
    given_wallets(pg);
    for (int i = 0; i < 25; i++) {
        struct filter f = any_filter(true);
        struct ids ids = walked(h, "wallets_only", "wallets", f.args, 1 + any(300));
        snprintf(sql, sizeof sql,
                 "SELECT string_agg(w.id || E'\\n', '' ORDER BY r.started_at DESC, r.id DESC, w.id)"
                 " FROM walltrack.discovery_run_wallets w JOIN " RUNS
                 " r ON r.id = w.run_id WHERE %s",
                 f.where);
        const char *right = postgres_query(pg, sql);
        assert_string_equal(ids.text != NULL ? ids.text : "", right);
        free(ids.text);
    }
    driver_free(d);
}

static void test_a_wallets_own_history(void **state)
{
    struct postgres *pg = *state;
    struct driver *d;
    wt_host *h = given_recorder(pg, &d);
    given_runs(pg, 1, 800);
    given_wallets(pg);
    struct ids ids = walked(h, "wallet", "discoveries", "\"address\": \"w4\", ", 7);
    then_ids(pg, &ids,
             "created_at DESC, id DESC) FROM walltrack.discovery_run_wallets"
             " WHERE wallet_address = 'w4'",
             "w4");
    free(ids.text);
    json_t *told = asked(h, "wallet", "{\"address\": \"w4\"}");
    json_t *right = parsed(
        "w4", postgres_query(
                  pg, "SELECT json_build_object('wallet_address',"
                      " 'w4', 'run_count', count(DISTINCT run_id), 'token_count', count(DISTINCT"
                      " source_token), 'discovery_count', count(*), 'first_score', 0.5,"
                      " 'last_score', 0.5) FROM walltrack.discovery_run_wallets WHERE"
                      " wallet_address = 'w4'"));
    then_same_figures(told, right, "w4");
    json_decref(told);
    json_decref(right);
    told = asked(h, "wallet", "{\"address\": \"nobody\"}");
    assert_true(json_is_null(told));
    json_decref(told);
    driver_free(d);
}

/* ---- two runs beside each other ---- */

#define RUN_A "00000000-0000-4000-8000-00000000000a"
#define RUN_B "00000000-0000-4000-8000-00000000000b"

static void given_two_runs(struct postgres *pg)
{
    postgres_query(pg, "INSERT INTO " RUNS " (id, started_at, status, trigger_type, max_tokens,"
                       " min_volume_usd, new_wallets, duration_seconds) VALUES ('" RUN_A
                       "', '2026-06-01Z', 'completed', 'api', 20, 5, 30, 12.5), ('" RUN_B
                       "', '2026-06-02Z', 'running', 'api', NULL, 5, 0, NULL)");
    postgres_query(pg, "INSERT INTO walltrack.discovery_run_wallets (id, run_id, wallet_address,"
                       " source_token, initial_score) SELECT gen_random_uuid(), run::uuid,"
                       " CASE WHEN n % 2 = 0 THEN 'W' ELSE 'w' END || lpad(n::text, 2, '0'), token,"
                       " n / 100.0 + extra FROM (VALUES ('" RUN_A "', 1, 25, 'x', 0), ('" RUN_A
                       "', 5, 9, 'y', 0.1), ('" RUN_B "', 20, 44, 'x', 0.2)) v (run, f, l, token,"
                       " extra), generate_series(f, l) n");
}

static void test_two_runs_are_compared(void **state)
{
    struct postgres *pg = *state;
    struct driver *d;
    char args[512];
    wt_host *h = given_recorder(pg, &d);
    given_two_runs(pg);
    json_t *c =
        asked(h, "compare", "{\"a\": \"" RUN_A "\", \"b\": \"" RUN_B "\", \"page_size\": 5}");
    json_t *right =
        parsed("compare",
               "{\"params\": [{\"name\": \"max_tokens\", \"a\": 20, \"b\": null}], \"counts\": ["
               "{\"name\": \"tokens_analyzed\", \"a\": 0, \"b\": 0, \"change\": 0},"
               "{\"name\": \"new_wallets\", \"a\": 30, \"b\": 25, \"change\": -5},"
               "{\"name\": \"updated_wallets\", \"a\": 0, \"b\": 0, \"change\": 0},"
               "{\"name\": \"profiled_wallets\", \"a\": 0, \"b\": 25, \"change\": 25},"
               "{\"name\": \"error_count\", \"a\": 0, \"b\": 0, \"change\": 0},"
               "{\"name\": \"duration_seconds\", \"a\": 12.5, \"b\": null, \"change\": null}],"
               "\"has_more\": true, \"next_cursor\": null}");
    then_same_figures(c, right, "compare");
    static const struct {
        const char *side, *score, *first;
        int count;
        double value;
    } sides[] = {{"only_a", "score_a", "W02", 19, 0.02},
                 {"only_b", "score_b", "W26", 19, 0.46},
                 {"both", "score_b", "W20", 6, 0.4}};
    for (size_t i = 0; i < 3; i++) {
        json_t *side = json_object_get(c, sides[i].side), *list = json_object_get(side, "wallets");
        assert_int_equal(json_integer_value(json_object_get(side, "count")), sides[i].count);
        assert_int_equal(json_array_size(list), 5);
        json_t *first = json_array_get(list, 0);
        assert_string_equal(json_string_value(json_object_get(first, "wallet_address")),
                            sides[i].first);
        double score = json_number_value(json_object_get(first, sides[i].score));
        assert_true(fabs(score - sides[i].value) < 1e-9);
    }
    json_decref(c);
    json_decref(right);

    char cursor[64] = "", all[1024] = "";
    for (bool more = true; more;) {
        snprintf(args, sizeof args,
                 "{\"a\": \"" RUN_A "\", \"b\": \"" RUN_B "\", \"side\": \"only_a\","
                 " \"page_size\": 4, \"cursor\": \"%s\"}",
                 cursor);
        c = asked(h, "compare", args);
        size_t i;
        json_t *w;
        json_array_foreach (json_object_get(json_object_get(c, "only_a"), "wallets"), i, w) {
            strcat(all, json_string_value(json_object_get(w, "wallet_address")));
            strcat(all, " ");
        }
        assert_int_equal(json_array_size(json_object_get(json_object_get(c, "both"), "wallets")),
                         0);
        more = json_is_true(json_object_get(c, "has_more"));
        snprintf(cursor, sizeof cursor, "%s",
                 more ? json_string_value(json_object_get(c, "next_cursor")) : "");
        json_decref(c);
    }
    assert_string_equal(all, "W02 W04 W06 W08 W10 W12 W14 W16 W18 w01 w03 w05 w07 w09 w11 w13 w15"
                             " w17 w19 ");
    c = asked(h, "compare",
              "{\"a\": \"" RUN_A "\", \"b\": \"00000000-0000-4000-8000-00000000000c\"}");
    assert_true(json_is_null(c));
    json_decref(c);
    driver_free(d);
}

static int start(void **state)
{
    history_seed();
    return postgres_group_setup(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_ways_from_page_to_page_show_the_same),
        cmocka_unit_test(test_runs_that_start_at_once),
        cmocka_unit_test(test_a_walk_while_others_write),
        cmocka_unit_test(test_wallets_of_the_runs_that_match),
        cmocka_unit_test(test_a_wallets_own_history),
        cmocka_unit_test(test_two_runs_are_compared),
    };
    return cmocka_run_group_tests(tests, start, postgres_group_teardown);
}
