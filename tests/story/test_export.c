/* A history as files: what is in them is what is recorded, and one that breaks off says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <curl/curl.h>

#include "support/postgres.h"
#include "support/world.h"

#define RUNS "walltrack.discovery_runs"
#define WALLETS "walltrack.discovery_run_wallets"

/* 2,500 runs, many of which started at the same moment, and five wallets for each fifth of them. */
#define A_HISTORY                                                                                  \
    "INSERT INTO " RUNS " (id, started_at, completed_at, status, trigger_type, triggered_by, "     \
    "min_price_change_pct, max_tokens, new_wallets, duration_seconds, error_count, errors, "       \
    "reason) SELECT gen_random_uuid(), t, t, CASE WHEN i % 4 = 0 THEN 'failed' ELSE 'completed' "  \
    "END, 'api', '=somebody, \"else\"', i / 100.0, i, i, i / 1000.0, i % 2, "                      \
    "CASE WHEN i % 2 = 1 THEN '[{\"message\": \"a \\\"b\\\", c\"}]'::jsonb ELSE '[]' END, "        \
    "CASE WHEN i % 4 = 0 THEN E'two\\nlines' END FROM (SELECT i, now() - i / 7 * interval "        \
    "'1 minute' AS t FROM generate_series(1, 2500) i) g; "                                         \
    "INSERT INTO " WALLETS " (id, run_id, wallet_address, source_token, initial_score, profile) "  \
    "SELECT gen_random_uuid(), r.id, 'W' || n, 'T', 0.25, '{\"buys\": 1, \"a\": \"x, y\"}' "       \
    "FROM " RUNS " r, generate_series(1, 5) n WHERE r.max_tokens % 5 = 0"

/* Writes what came into a file of the world. */
static const char *saved(struct world *w, const char *name)
{
    const char *path = world_path(w, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(world_text(w), file);
    fclose(file);
    return path;
}

/* Reads a table back as PostgreSQL itself reads CSV; its rows go into `name`, all as text. */
static void when_read_back(struct world *w, const char *name)
{
    struct postgres *pg = world_postgres(w);
    char sql[8192], columns[4096] = "";
    size_t header = strcspn(world_text(w), "\r");
    char *names = strndup(world_text(w), header), *rest = NULL;
    for (char *one = strtok_r(names, ",", &rest); one != NULL; one = strtok_r(NULL, ",", &rest))
        snprintf(columns + strlen(columns), sizeof columns - strlen(columns), "%s%s text",
                 columns[0] != '\0' ? ", " : "", one);
    free(names);
    const char *file = saved(w, name);
    snprintf(sql, sizeof sql, "chmod 0755 %s; chmod 0644 %s", world_path(w, "."), file);
    assert_int_equal(system(sql), 0);
    snprintf(sql, sizeof sql, "CREATE TABLE %s (%s); COPY %s FROM '%s' WITH (FORMAT csv, HEADER)",
             name, columns, name, file);
    postgres_query(pg, sql);
}

static void test_a_table_is_what_is_recorded(void **state)
{
    struct world *w = *state;
    struct postgres *pg = world_postgres(w);
    postgres_query(pg, A_HISTORY);
    then_status(w, "/api/discovery/runs.csv", 200);
    when_read_back(w, "runs_file");
    then_query(pg, "SELECT count(*), count(DISTINCT id) FROM runs_file", "2500|2500");
    then_query(pg,
               "SELECT count(*) FROM runs_file f JOIN " RUNS " r ON r.id = f.id::uuid WHERE "
               "f.started_at::timestamptz = r.started_at AND f.status = r.status AND "
               "f.triggered_by = '''' || r.triggered_by AND f.min_price_change_pct::numeric = "
               "r.min_price_change_pct AND f.min_volume_usd IS NULL AND f.max_tokens::int = "
               "r.max_tokens AND f.duration_seconds::numeric = r.duration_seconds AND "
               "f.error_count::int = r.error_count AND f.reason IS NOT DISTINCT FROM r.reason AND "
               "coalesce(f.errors::jsonb->0->>'message', '') = "
               "coalesce(r.errors->0->>'message', '')",
               "2500");

    then_status(w, "/api/discovery/wallets.csv?max_tokens_max=100", 200);
    when_read_back(w, "wallets_file");
    then_query(pg,
               "SELECT count(*), count(DISTINCT f.id), bool_and(f.initial_score::numeric = "
               "w.initial_score AND f.profile::jsonb = w.profile AND f.run_id::uuid = w.run_id AND "
               "f.wallet_address = w.wallet_address) FROM wallets_file f JOIN " WALLETS
               " w ON w.id = f.id::uuid",
               "100|100|t");
}

/* The ids of lines of JSON, a line each. */
static char *ids_of(const char *lines)
{
    char *ids = calloc(1, strlen(lines) + 1), *end = ids;
    assert_non_null(ids);
    for (const char *line = lines; *line != '\0'; line += strcspn(line, "\n") + 1) {
        json_t *item = json_loadb(line, strcspn(line, "\n"), 0, NULL);
        assert_non_null(item);
        end += sprintf(end, "%s%s", end == ids ? "" : "\n",
                       json_string_value(json_object_get(item, "id")));
        json_decref(item);
    }
    return ids;
}

static void then_lines_are(struct world *w, const char *path, const char *sql)
{
    then_status(w, path, 200);
    char *ids = ids_of(world_text(w));
    assert_string_equal(ids, postgres_query(world_postgres(w), sql));
    free(ids);
}

static void test_lines_are_in_order_and_filtered(void **state)
{
    struct world *w = *state;
    postgres_query(world_postgres(w), A_HISTORY);
    then_lines_are(w, "/api/discovery/runs.ndjson",
                   "SELECT id FROM " RUNS " ORDER BY started_at DESC, id DESC");
    then_lines_are(w, "/api/discovery/runs.ndjson?status=failed&has_errors=false&duration_min=1",
                   "SELECT id FROM " RUNS " WHERE status = 'failed' AND error_count = 0 AND "
                   "duration_seconds >= 1 ORDER BY started_at DESC, id DESC");
    then_lines_are(w, "/api/discovery/wallets.ndjson?max_tokens_min=1000",
                   "SELECT w.id FROM " WALLETS " w JOIN " RUNS " r ON r.id = w.run_id WHERE "
                   "r.max_tokens >= 1000 ORDER BY r.started_at DESC, r.id DESC, w.id");
    then_status(w, "/api/discovery/runs.ndjson?wallet=nobody", 200);
    assert_string_equal(world_text(w), "");
}

/* ---- on the way ---- */

/* A client that does something when the first bytes have come, and counts lines. */
struct slow_client {
    struct world *world;
    void (*then)(struct world *w);
    size_t lines;
};

static size_t on_bytes(char *bytes, size_t one, size_t size, void *arg)
{
    struct slow_client *c = arg;
    (void)one;
    if (c->then != NULL)
        c->then(c->world);
    c->then = NULL;
    for (size_t i = 0; i < size; i++)
        c->lines += bytes[i] == '\n';
    return size;
}

static CURLcode when_exported(struct slow_client *c, const char *path)
{
    char url[256];
    CURL *curl = curl_easy_init();
    assert_non_null(curl);
    snprintf(url, sizeof url, "http://localhost%s", path);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, world_path(c->world, "admin.sock"));
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 60000L);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, c);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_cleanup(curl);
    return code;
}

static void stop_database(struct world *w)
{
    postgres_stop(world_postgres(w), POSTGRES_FAST);
}

static void test_a_database_that_goes_away_breaks_it_off(void **state)
{
    struct world *w = *state;
    struct slow_client c = {.world = w, .then = stop_database};
    postgres_query(world_postgres(w), A_HISTORY);
    CURLcode code = when_exported(&c, "/api/discovery/runs.csv");
    assert_int_not_equal(code, CURLE_OK);
    assert_true(c.lines > 10 && c.lines < 2501);
    await_log(w, "an export of runs ends early");
    then_status(w, "/api/discovery/runs.csv", 503);
    postgres_start(world_postgres(w));
    await_plugin(w, "recorder", "live");
}

static void add_runs(struct world *w)
{
    postgres_query(world_postgres(w),
                   "INSERT INTO " RUNS " (id, started_at, status, trigger_type) SELECT "
                   "gen_random_uuid(), now(), 'running', 'api' FROM generate_series(1, 500)");
}

static void test_runs_that_begin_meanwhile_do_not_move_the_others(void **state)
{
    struct world *w = *state;
    struct slow_client c = {.world = w, .then = add_runs};
    postgres_query(world_postgres(w), A_HISTORY);
    assert_int_equal(when_exported(&c, "/api/discovery/runs.ndjson"), CURLE_OK);
    assert_int_equal(c.lines, 2500);
}

static void swap_the_build(struct world *w)
{
    given_build(w, "next", "next.so");
    assert_int_equal(world_put(w, "/api/plugins/recorder", "{\"path\": \"next.so\"}"), 200);
}

static void test_a_swap_meanwhile_is_not_noticed(void **state)
{
    struct world *w = *state;
    struct slow_client c = {.world = w, .then = swap_the_build};
    postgres_query(world_postgres(w), A_HISTORY);
    assert_int_equal(when_exported(&c, "/api/discovery/runs.ndjson"), CURLE_OK);
    assert_int_equal(c.lines, 2500);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(test_a_table_is_what_is_recorded),
        STORY(test_lines_are_in_order_and_filtered),
        STORY(test_a_database_that_goes_away_breaks_it_off),
        STORY(test_runs_that_begin_meanwhile_do_not_move_the_others),
        STORY(test_a_swap_meanwhile_is_not_noticed),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
