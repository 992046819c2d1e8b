/* /openapi.json is what the host does: real answers of every request, good and bad, are as the
 * document has them, and every one that it names has been seen here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/postgres.h"
#include "support/schema.h"
#include "support/world.h"

/* The document, and which of its answers have come: {"GET /path": {"200": true}}. */
static json_t *document, *seen;

#define D "/api/discovery"
#define P "/api/plugins"
#define NO_RUN D "/runs/00000000-0000-7000-8000-000000000000"

/* One request of the story. */
struct exchange {
    const char *method, *template; /* as in the document */
    const char *path;              /* NULL: the same */
    const char *body;
    int status;
    const char *header;
};

static const json_t *operation_of(const struct exchange *x)
{
    char method[16];
    size_t n = 0;
    for (; x->method[n] != '\0'; n++)
        method[n] = (char)(x->method[n] | 0x20);
    method[n] = '\0';
    return json_object_get(json_object_get(json_object_get(document, "paths"), x->template),
                           method);
}

static void note(const struct exchange *x, const char *status)
{
    char key[128];
    snprintf(key, sizeof key, "%s %s", x->method, x->template);
    if (json_object_get(seen, key) == NULL)
        json_object_set_new(seen, key, json_object());
    json_object_set_new(json_object_get(seen, key), status, json_true());
}

/* The answer that has just come has a schema for its status and type, and keeps to it. */
static void then_as_described(struct world *w, const struct exchange *x)
{
    char status[16], why[SCHEMA_WHY_SIZE], type[128];
    const json_t *responses = json_object_get(operation_of(x), "responses");
    snprintf(status, sizeof status, "%d", x->status);
    const json_t *response = json_object_get(responses, status);
    if (response == NULL)
        world_fail(w, __FILE__, __LINE__, "%s %s: %d is not described", x->method, x->template,
                   x->status);
    snprintf(type, sizeof type, "%s", world_header(w, "Content-Type"));
    type[strcspn(type, ";")] = '\0';
    const json_t *content = json_object_get(json_object_get(response, "content"), type);
    if (content == NULL)
        world_fail(w, __FILE__, __LINE__, "%s %s: %d has the type %s", x->method, x->template,
                   x->status, type);
    if (strstr(type, "json") != NULL && strstr(type, "ndjson") == NULL &&
        !schema_accepts(document, json_object_get(content, "schema"), world_json(w), why))
        world_fail(w, __FILE__, __LINE__, "%s %s: %d: %s in %s", x->method, x->template, x->status,
                   why, world_text(w));
    note(x, status);
}

/* A body that the host takes is one that the document allows. */
static void then_body_is_described(struct world *w, const struct exchange *x)
{
    char why[SCHEMA_WHY_SIZE];
    const json_t *content =
        json_object_get(json_object_get(json_object_get(operation_of(x), "requestBody"), "content"),
                        "application/json");
    json_t *body = json_loads(x->body, 0, NULL);
    if (!schema_accepts(document, json_object_get(content, "schema"), body, why))
        world_fail(w, __FILE__, __LINE__, "%s %s: body: %s", x->method, x->template, why);
    json_decref(body);
}

static void when_asked_at(struct world *w, const struct exchange *x, int line)
{
    const char *path = x->path != NULL ? x->path : x->template;
    const char *const headers[] = {x->header, NULL};
    const struct world_request request = {
        .method = x->method, .path = path, .body = x->body, .headers = headers};
    int status = world_ask(w, &request);
    if (status != x->status)
        world_fail(w, __FILE__, line, "%s %s: %d, not %d: %s", x->method, path, status, x->status,
                   world_text(w));
    then_as_described(w, x);
    if (x->body != NULL && x->body[0] != '\0' && status < 300)
        then_body_is_described(w, x);
}
#define when_asked(w, ...) when_asked_at((w), &(struct exchange){__VA_ARGS__}, __LINE__)

static void when_all_asked(struct world *w, const struct exchange *rows, size_t count, int line)
{
    for (size_t i = 0; i < count; i++)
        when_asked_at(w, &rows[i], line);
}
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- the document itself ---- */

static void then_references_lead_somewhere(struct world *w, const json_t *in)
{
    const char *key;
    json_t *part;
    size_t i;
    if (json_is_array(in)) {
        json_array_foreach (in, i, part)
            then_references_lead_somewhere(w, part);
        return;
    }
    json_object_foreach ((json_t *)in, key, part) {
        if (strcmp(key, "$ref") == 0 && schema_resolve(document, json_string_value(part)) == NULL)
            world_fail(w, __FILE__, __LINE__, "%s leads nowhere", json_string_value(part));
        then_references_lead_somewhere(w, part);
    }
}

static void then_operations_have_names_of_their_own(struct world *w)
{
    const char *path, *method;
    json_t *methods, *operation, *ids = json_object();
    json_object_foreach (json_object_get(document, "paths"), path, methods)
        json_object_foreach (methods, method, operation) {
            const char *id = json_string_value(json_object_get(operation, "operationId"));
            if (id == NULL || json_object_get(ids, id) != NULL)
                world_fail(w, __FILE__, __LINE__, "%s %s: operationId %s", method, path, id);
            json_object_set_new(ids, id, json_true());
        }
    json_decref(ids);
}

static void given_document(struct world *w)
{
    assert_int_equal(world_get(w, "/openapi.json"), 200);
    json_decref(document);
    document = json_deep_copy(world_json(w));
    assert_non_null(document);
}

/* ---- the story ---- */

/* Finds something, fails at something, says how far it is, and waits for the file "go". */
#define ENGINE                                                                                     \
    "#!/bin/sh\n"                                                                                  \
    "echo '{\"event\":\"token\",\"token\":\"T\",\"symbol\":\"S\",\"price_change_pct\":1.5}'\n"     \
    "for w in 1 2 3; do echo \"{\\\"event\\\":\\\"wallet\\\",\\\"wallet_address\\\":\\\"W$w\\\","  \
    "\\\"source_token\\\":\\\"T\\\",\\\"initial_score\\\":0.5,"                                    \
    "\\\"profile\\\":{\\\"buys\\\":2}}\"; done\n"                                                  \
    "echo '{\"event\":\"error\",\"message\":\"no price\",\"token\":\"U\"}'\n"                      \
    "echo '{\"event\":\"progress\",\"done\":3,\"total\":20,\"stage\":\"reading\"}'\n"              \
    "until [ -e $(dirname \"$0\")/go ]; do sleep 0.01; done\n"

static void when_runs_are_made(struct world *w, char first[64], char second[64])
{
    char path[160];
    given_engine(w, ENGINE);
    when_asked(w, "POST", D "/run", .body = "{\"max_tokens\": 5, \"min_profit_pct\": 12.5}",
               .status = 200);
    snprintf(first, 64, "%s", world_value(w, "/run_id"));
    when_asked(w, "POST", D "/run", .body = "{}", .status = 409);
    snprintf(path, sizeof path, D "/runs/%s", first);
    await_get(w, path, "/progress/stage", "reading");
    when_asked(w, "GET", D "/runs/{id}", path, .status = 200);
    when_asked(w, "GET", D "/runs", .status = 200);
    world_touch(w, "go");
    await_run(w, first, "completed");

    given_engine(w, "#!/bin/sh\nuntil [ -e $(dirname \"$0\")/never ]; do sleep 0.01; done\n");
    when_asked(w, "POST", D "/run", .body = "{\"max_tokens\": 6}", .status = 200);
    snprintf(second, 64, "%s", world_value(w, "/run_id"));
    snprintf(path, sizeof path, D "/runs/%s/cancel", second);
    when_asked(w, "POST", D "/runs/{id}/cancel", path, .status = 202);
    await_run(w, second, "cancelled");
    when_asked(w, "POST", D "/runs/{id}/cancel", path, .status = 409);
    when_asked(w, "POST", D "/runs/{id}/cancel", NO_RUN "/cancel", .status = 404);
}

static void when_history_is_asked(struct world *w, const char *first, const char *second)
{
    static const char *const lists[] = {"wallets", "tokens", "errors"};
    char path[256], template[64];
    snprintf(path, sizeof path, D "/runs/%s", first);
    when_asked(w, "GET", D "/runs/{id}", path, .status = 200);
    for (size_t i = 0; i < COUNT(lists); i++) {
        snprintf(path, sizeof path, D "/runs/%s/%s?page_size=2", first, lists[i]);
        snprintf(template, sizeof template, D "/runs/{id}/%s", lists[i]);
        when_asked(w, "GET", template, path, .status = 200);
    }
    snprintf(path, sizeof path, D "/compare?a=%s&b=%s&page_size=2", first, second);
    when_asked(w, "GET", D "/compare", path, .status = 200);
    static const struct exchange rows[] = {
        {"GET", D "/runs", D "/runs?page_size=1&status=completed", .status = 200},
        {"GET", D "/runs", D "/runs?wallet=nobody", .status = 200},
        {"GET", D "/runs.csv", .status = 200},
        {"GET", D "/runs.ndjson", .status = 200},
        {"GET", D "/wallets.csv", .status = 200},
        {"GET", D "/wallets.ndjson", .status = 200},
        {"GET", D "/wallets/{address}", D "/wallets/W1", .status = 200},
        {"GET", D "/stats", D "/stats?max_tokens_min=1&duration_min=0", .status = 200},
        {"GET", D "/stats", D "/stats?status=failed", .status = 200},
        {"GET", D "/trend", D "/trend?timezone=Europe/Berlin&count=3", .status = 200},
        {"GET", D "/trend", D "/trend?period=day&count=400", .status = 200},
        {"GET", D "/retention", D "/retention?older_than_days=1", .status = 200},
        {"GET", "/", .status = 200},
        {"GET", "/health", .status = 200},
        {"GET", "/metrics", .status = 200},
        {"GET", "/openapi.json", .status = 200},
    };
    when_all_asked(w, rows, COUNT(rows), __LINE__);
}

/* What clients do wrong. */
static const struct exchange mistakes[] = {
    {"POST", D "/run", .body = "{", .status = 400},
    {"POST", D "/run", .body = "{\"max_tokens\": 0}", .status = 422},
    {"POST", D "/run", .body = "a", .status = 415, .header = "Content-Type: text/plain"},
    {"GET", D "/runs", D "/runs?status=x", .status = 400},
    {"GET", D "/runs", D "/runs?page=0", .status = 422},
    {"GET", D "/runs.csv", D "/runs.csv?status=x", .status = 400},
    {"GET", D "/runs.csv", D "/runs.csv?page=1", .status = 422},
    {"GET", D "/runs.ndjson", D "/runs.ndjson?status=x", .status = 400},
    {"GET", D "/runs.ndjson", D "/runs.ndjson?page=1", .status = 422},
    {"GET", D "/wallets.csv", D "/wallets.csv?trigger_type=x", .status = 400},
    {"GET", D "/wallets.csv", D "/wallets.csv?page=1", .status = 422},
    {"GET", D "/wallets.ndjson", D "/wallets.ndjson?trigger_type=x", .status = 400},
    {"GET", D "/wallets.ndjson", D "/wallets.ndjson?page=1", .status = 422},
    {"GET", D "/runs/{id}", NO_RUN, .status = 404},
    {"GET", D "/runs/{id}/wallets", NO_RUN "/wallets", .status = 404},
    {"GET", D "/runs/{id}/wallets", NO_RUN "/wallets?page_size=0", .status = 422},
    {"GET", D "/runs/{id}/tokens", NO_RUN "/tokens", .status = 404},
    {"GET", D "/runs/{id}/tokens", NO_RUN "/tokens?cursor=", .status = 422},
    {"GET", D "/runs/{id}/errors", NO_RUN "/errors", .status = 404},
    {"GET", D "/runs/{id}/errors", NO_RUN "/errors?cursor=x", .status = 422},
    {"GET", D "/wallets/{address}", D "/wallets/nobody", .status = 404},
    {"GET", D "/wallets/{address}", D "/wallets/W1?page_size=x", .status = 422},
    {"GET", D "/stats", D "/stats?status=x", .status = 400},
    {"GET", D "/stats", D "/stats?start_date=x", .status = 422},
    {"GET", D "/trend", D "/trend?status=x", .status = 400},
    {"GET", D "/trend", D "/trend?count=0", .status = 422},
    {"GET", D "/compare", .status = 422},
    {"GET", D "/compare",
     D "/compare?a=00000000-0000-7000-8000-000000000000&b=00000000-0000-7000-8000-000000000001",
     .status = 404},
    {"GET", D "/retention", D "/retention?older_than_days=0", .status = 422},
    {"PUT", D "/config", .body = "{", .status = 400},
    {"PUT", D "/config", .body = "{\"enabled\": 1}", .status = 422},
    {"PUT", D "/config", .body = "a", .status = 415, .header = "Content-Type: text/plain"},
    {"GET", P "/{name}", P "/other", .status = 404},
    {"GET", P "/{name}/stats", P "/other/stats", .status = 404},
    {"GET", P "/{name}/swaps", P "/other/swaps", .status = 404},
    {"GET", P "/{name}/swaps/{id}", P "/recorder/swaps/999", .status = 404},
    {"PUT", P "/{name}", P "/other", "{\"path\": \"a.so\"}", .status = 404},
    {"PUT", P "/{name}", P "/recorder", "{", .status = 400},
    {"PUT", P "/{name}", P "/recorder", "{}", .status = 422},
    {"PUT", P "/{name}", P "/recorder", "a", 415, "Content-Type: text/plain"},
    {"POST", P "/{name}/rollback", P "/other/rollback", "", .status = 404},
    {"POST", P "/{name}/rollback", P "/recorder/rollback", "", .status = 409},
    {"POST", P "/{name}/cancel", P "/other/cancel", "", .status = 404},
    {"POST", P "/{name}/cancel", P "/recorder/cancel", "", .status = 409},
};

static void when_bodies_are_too_large(struct world *w)
{
    char *body = malloc(100001);
    memset(body, ' ', 100000);
    body[100000] = '\0';
    when_asked(w, "POST", D "/run", .body = body, .status = 413);
    when_asked(w, "PUT", D "/config", .body = body, .status = 413);
    when_asked(w, "PUT", P "/{name}", P "/recorder", .body = body, .status = 413);
    free(body);
}

static void when_builds_are_swapped(struct world *w)
{
    static const char async[] = "Prefer: respond-async";
    char path[96];
    given_build(w, "next", "next.so");
    given_build(w, "third", "third.so");
    when_asked(w, "PUT", P "/{name}", P "/recorder", "{\"path\": \"absent.so\"}", .status = 422);
    when_asked(w, "PUT", P "/{name}", P "/recorder", "{\"path\": \"next.so\", \"force\": true}",
               .status = 200);
    when_asked(w, "GET", P "/{name}", P "/recorder", .status = 200);
    when_asked(w, "POST", P "/{name}/rollback", P "/recorder/rollback", "", .status = 202,
               .header = async);
    snprintf(path, sizeof path, P "/recorder/swaps/%s", world_value(w, "/id"));
    await_get(w, path, "/verdict", "LIVE");
    when_asked(w, "PUT", P "/{name}", P "/recorder", "{\"path\": \"next.so\"}", .status = 200);
    when_asked(w, "POST", P "/{name}/rollback", P "/recorder/rollback", "", .status = 200);
    when_asked(w, "PUT", P "/{name}", P "/recorder", "{\"path\": \"third.so\"}", .status = 202,
               .header = async);
    snprintf(path, sizeof path, P "/recorder/swaps/%s", world_value(w, "/id"));
    when_asked(w, "POST", P "/{name}/cancel", P "/recorder/cancel", "", .status = 200);
    when_asked(w, "GET", P "/{name}/swaps/{id}", path, .status = 200);
    when_asked(w, "GET", P, .status = 200);
    when_asked(w, "GET", P "/{name}/swaps", P "/recorder/swaps", .status = 200);
    when_asked(w, "GET", P "/{name}/stats", P "/recorder/stats", .status = 200);
}

static void when_the_schedule_is_changed(struct world *w)
{
    when_asked(w, "GET", D "/config", .status = 200);
    when_asked(w, "PUT", D "/config",
               .body = "{\"schedule_hours\": 0.5, \"enabled\": false, \"params\": "
                       "{\"max_tokens\": 7}}",
               .status = 200);
}

/* All that the recorder is needed for, answered with `status`. */
static void then_history_is(struct world *w, const char *run, int status)
{
    char id[128], wallets[160], tokens[160], errors[160], cancel[160], compare[160];
    snprintf(id, sizeof id, D "/runs/%s", run);
    snprintf(wallets, sizeof wallets, "%s/wallets", id);
    snprintf(tokens, sizeof tokens, "%s/tokens", id);
    snprintf(errors, sizeof errors, "%s/errors", id);
    snprintf(cancel, sizeof cancel, "%s/cancel", id);
    snprintf(compare, sizeof compare, D "/compare?a=%s&b=%s", run, run);
    const struct exchange rows[] = {
        {"GET", D "/runs", .status = status},
        {"GET", D "/runs.csv", .status = status},
        {"GET", D "/runs.ndjson", .status = status},
        {"GET", D "/wallets.csv", .status = status},
        {"GET", D "/wallets.ndjson", .status = status},
        {"GET", D "/runs/{id}", id, .status = status},
        {"GET", D "/runs/{id}/wallets", wallets, .status = status},
        {"GET", D "/runs/{id}/tokens", tokens, .status = status},
        {"GET", D "/runs/{id}/errors", errors, .status = status},
        {"POST", D "/runs/{id}/cancel", cancel, .status = status},
        {"GET", D "/wallets/{address}", D "/wallets/W1", .status = status},
        {"GET", D "/stats", .status = status},
        {"GET", D "/trend", .status = status},
        {"GET", D "/compare", compare, .status = status},
        {"GET", D "/retention", D "/retention?older_than_days=1", .status = status},
    };
    when_all_asked(w, rows, COUNT(rows), __LINE__);
}

/* ---- what has been seen ---- */

/* Answers that this story does not provoke: they take a disk that fails, two clients at once, ten
 * seconds, or HTTP/1.0.  The unit tests of the API have them. */
static const struct {
    const char *operation, *status; /* NULL: any */
} elsewhere[] = {
    {NULL, "504"},
    {NULL, "505"},
    {NULL, "default"},
    {"POST " D "/run", "503"},
    {"PUT " D "/config", "503"},
    {"PUT " P "/{name}", "409"},
    {"POST " P "/{name}/rollback", "422"},
    {"GET /health", "503"},
};

static bool is_elsewhere(const char *operation, const char *status)
{
    for (size_t i = 0; i < COUNT(elsewhere); i++)
        if (strcmp(elsewhere[i].status, status) == 0 &&
            (elsewhere[i].operation == NULL || strcmp(elsewhere[i].operation, operation) == 0))
            return true;
    return false;
}

static void then_every_answer_has_been_seen(struct world *w)
{
    const char *path, *method, *status;
    json_t *methods, *operation, *response;
    json_object_foreach (json_object_get(document, "paths"), path, methods)
        json_object_foreach (methods, method, operation)
            json_object_foreach (json_object_get(operation, "responses"), status, response) {
                char key[128];
                size_t n = strlen(method);
                snprintf(key, sizeof key, "%s %s", method, path);
                for (size_t i = 0; i < n; i++)
                    key[i] = (char)(key[i] & ~0x20);
                if (json_object_get(json_object_get(seen, key), status) == NULL &&
                    !is_elsewhere(key, status))
                    world_fail(w, __FILE__, __LINE__, "%s: no %s has been seen", key, status);
            }
}

/* A recorder that answers nothing: there is none. */
static void when_there_is_no_recorder(const char *run)
{
    struct world *w = world_new(&(struct world_options){0});
    world_start(w);
    then_history_is(w, run, 501);
    when_asked(w, "GET", D "/config", .status = 409);
    when_asked(w, "PUT", D "/config", .body = "{}", .status = 409);
    world_stop(w);
    world_free(w);
}

static void test_every_answer_is_as_described(void **state)
{
    struct world *w = *state;
    char first[64], second[64];
    given_config(w, "{\"max_concurrent_runs\": 1, \"schedules\": [{\"name\": \"default\", "
                    "\"every\": \"6h\", \"enabled\": false}]}");
    world_restart(w);
    await_plugin(w, "recorder", "live");
    given_document(w);
    seen = json_object();
    then_references_lead_somewhere(w, document);
    then_operations_have_names_of_their_own(w);

    when_runs_are_made(w, first, second);
    when_history_is_asked(w, first, second);
    when_all_asked(w, mistakes, COUNT(mistakes), __LINE__);
    when_bodies_are_too_large(w);
    when_the_schedule_is_changed(w);
    when_builds_are_swapped(w);
    world_restart(w); /* what the host still knew of the runs is gone */
    postgres_stop(world_postgres(w), POSTGRES_FAST);
    then_history_is(w, first, 503);
    postgres_start(world_postgres(w));
    when_there_is_no_recorder(first);
    then_every_answer_has_been_seen(w);
    json_decref(document);
    json_decref(seen);
    document = seen = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_answer_is_as_described, world_setup,
                                        world_teardown),
    };
    return cmocka_run_group_tests(tests, postgres_group_setup, postgres_group_teardown);
}
