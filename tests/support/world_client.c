/* world_client.c: requests to the host, and waiting for what they shall answer. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/failure.h"
#include "support/process.h"
#include "support/world.h"
#include "support/world_parts.h"

enum { REQUEST_MS = 30000 };

void world_forget_answer(struct world *w)
{
    free(w->answer.text);
    free(w->answer.headers);
    json_decref(w->answer.json);
    memset(&w->answer, 0, sizeof w->answer);
}

/* ---- one request ---- */

struct buffer {
    char *text;
    size_t size;
};

static size_t append(char *bytes, size_t one, size_t size, void *arg)
{
    (void)one;
    struct buffer *b = arg;
    char *grown = realloc(b->text, b->size + size + 1);
    if (grown == NULL)
        return 0;
    memcpy(grown + b->size, bytes, size);
    b->text = grown;
    b->size += size;
    grown[b->size] = '\0';
    return size;
}

static bool names_type(const struct world_request *r)
{
    for (size_t i = 0; r->headers != NULL && r->headers[i] != NULL; i++)
        if (strncasecmp(r->headers[i], "Content-Type", strlen("Content-Type")) == 0)
            return true;
    return false;
}

static struct curl_slist *header_list(const struct world_request *r)
{
    struct curl_slist *list = NULL;
    if (r->body != NULL && !names_type(r))
        list = curl_slist_append(list, "Content-Type: application/json");
    for (size_t i = 0; r->headers != NULL && r->headers[i] != NULL; i++)
        list = curl_slist_append(list, r->headers[i]);
    return list;
}

static void prepare(CURL *curl, struct world *w, const struct world_request *r)
{
    char url[2048];
    (void)snprintf(url, sizeof url, "http://localhost%s", r->path);
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, world_path(w, "admin.sock"));
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)REQUEST_MS);
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    if (r->method != NULL)
        (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, r->method);
    if (r->body != NULL)
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, r->body);
}

int world_ask(struct world *w, const struct world_request *request)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = header_list(request);
    struct buffer body = {0};
    struct buffer head = {0};
    long status = 0;
    if (curl == NULL)
        cannot_go_on("out of memory");
    prepare(curl, w, request);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, append);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, &head);
    if (curl_easy_perform(curl) == CURLE_OK)
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    world_forget_answer(w);
    w->answer.text = body.text;
    w->answer.headers = head.text;
    w->answer.json = body.text != NULL ? json_loads(body.text, JSON_DECODE_ANY, NULL) : NULL;
    return (int)status;
}

int world_get(struct world *w, const char *path)
{
    return world_ask(w, &(struct world_request){.path = path});
}

int world_post(struct world *w, const char *path, const char *body)
{
    return world_ask(w, &(struct world_request){.method = "POST", .path = path, .body = body});
}

int world_put(struct world *w, const char *path, const char *body)
{
    return world_ask(w, &(struct world_request){.method = "PUT", .path = path, .body = body});
}

/* ---- the last answer ---- */

const char *world_text(const struct world *w)
{
    return w->answer.text != NULL ? w->answer.text : "";
}

const json_t *world_json(const struct world *w)
{
    return w->answer.json;
}

/* One step of a JSON pointer; keys with "/" or "~" in them do not occur here. */
static const json_t *step(const json_t *in, const char *key)
{
    if (!json_is_array(in))
        return json_object_get(in, key);
    char *end = NULL;
    unsigned long index = strtoul(key, &end, 10);
    return *key != '\0' && *end == '\0' ? json_array_get(in, index) : NULL;
}

static const json_t *find(const json_t *in, const char *pointer)
{
    char keys[256];
    char *rest = NULL;
    (void)snprintf(keys, sizeof keys, "%s", pointer);
    for (char *key = strtok_r(keys, "/", &rest); key != NULL; key = strtok_r(NULL, "/", &rest))
        in = step(in, key);
    return in;
}

const char *world_value(struct world *w, const char *pointer)
{
    const json_t *value = find(w->answer.json, pointer);
    if (value == NULL)
        return "(absent)";
    if (json_is_string(value))
        return world_lend(w, strdup(json_string_value(value)));
    return world_lend(w,
                      json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15)));
}

const char *world_header(struct world *w, const char *name)
{
    size_t size = strlen(name);
    const char *line = w->answer.headers;
    while (line != NULL && !(strncasecmp(line, name, size) == 0 && line[size] == ':')) {
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    if (line == NULL)
        return "";
    line += size + 1;
    line += strspn(line, " ");
    return world_lend(w, strndup(line, strcspn(line, "\r\n")));
}

/* ---- what a story does ---- */

const char *when_run_at(struct world *w, const char *body, const char *file, int line)
{
    int status = world_post(w, "/api/discovery/run", body);
    if (status != 200)
        world_fail(w, file, line, "POST /api/discovery/run: %d %s", status, world_text(w));
    return world_value(w, "/run_id");
}

#ifdef TEST_WALLTRACKCTL
static const char ctl_program[] = TEST_WALLTRACKCTL;
#else
static const char ctl_program[] = "walltrackctl";
#endif

int when_ctl_at(struct world *w, const char *const arguments[], const char *file, int line)
{
    enum { ROOM = 32 };
    const char *argv[ROOM] = {ctl_program, "--socket", world_path(w, "admin.sock")};
    size_t n = 3;
    for (; *arguments != NULL; arguments++) {
        if (n + 1 == ROOM)
            world_fail(w, file, line, "too many arguments for walltrackctl");
        argv[n++] = *arguments;
    }
    const char *output = world_path(w, "ctl.out");
    (void)remove(output);
    const char *const set[] = {"TZ=UTC", "NO_COLOR=1", NULL};
    const struct process_options options = {.log = output, .set = set};
    int status = process_run(argv, &options);
    world_forget_answer(w);
    w->answer.text = scratch_read(output);
    if (w->answer.text != NULL)
        w->answer.json = json_loads(w->answer.text, JSON_DECODE_ANY, NULL);
    return status;
}

/* ---- what it expects ---- */

void then_ctl_at(struct world *w, int status, const char *const arguments[], const char *file,
                 int line)
{
    int got = when_ctl_at(w, arguments, file, line);
    if (got != status)
        world_fail(w, file, line, "walltrackctl %s …: status %d, not %d: %s", arguments[0], got,
                   status, world_text(w));
}

void then_status_at(struct world *w, const char *path, int status, const char *file, int line)
{
    int got = world_get(w, path);
    if (got != status)
        world_fail(w, file, line, "GET %s: %d, not %d: %s", path, got, status, world_text(w));
}

void await_get_at(struct world *w, const char *path, const char *pointer, const char *expected,
                  int ms, const char *file, int line)
{
    long deadline = process_now_ms() + ms;
    for (;;) {
        int status = world_get(w, path);
        if (status == 200 && strcmp(world_value(w, pointer), expected) == 0)
            return;
        if (process_now_ms() >= deadline)
            world_fail(w, file, line, "GET %s: %d, %s is '%s', not '%s', in %s", path, status,
                       pointer, world_value(w, pointer), expected, world_text(w));
        process_pause_ms(WORLD_POLL_MS);
    }
}

struct wanted_run {
    char path[96];
    const char *status;
};

/* The host answers for a run that it remembers and the recorder has not recorded; "build" is the
 * recorder's. */
static bool run_is(struct world *w, void *arg)
{
    const struct wanted_run *wanted = arg;
    if (world_get(w, wanted->path) != 200 || strcmp(world_value(w, "/status"), wanted->status) != 0)
        return false;
    return w->pg == NULL || !postgres_is_running(w->pg) || strcmp(wanted->status, "running") == 0 ||
           strcmp(world_value(w, "/build"), "null") != 0;
}

void await_run_at(struct world *w, const char *id, const char *status, const char *file, int line)
{
    struct wanted_run wanted = {.status = status};
    char what[160];
    (void)snprintf(wanted.path, sizeof wanted.path, "/api/discovery/runs/%s", id);
    (void)snprintf(what, sizeof what, "run %s to be recorded as %s", id, status);
    await_at(w, what, run_is, &wanted, WORLD_MS, file, line);
}

struct named_state {
    const char *name, *state;
};

static bool plugin_is(struct world *w, void *arg)
{
    const struct named_state *wanted = arg;
    size_t i = 0;
    const json_t *plugin = NULL;
    if (world_get(w, "/api/plugins") != 200)
        return false;
    json_array_foreach (json_object_get(w->answer.json, "plugins"), i, plugin) {
        const char *name = json_string_value(json_object_get(plugin, "name"));
        const char *state = json_string_value(json_object_get(plugin, "state"));
        if (name != NULL && state != NULL && strcmp(name, wanted->name) == 0)
            return strcmp(state, wanted->state) == 0;
    }
    return false;
}

void await_plugin_at(struct world *w, const char *name, const char *state, const char *file,
                     int line)
{
    struct named_state wanted = {.name = name, .state = state};
    char what[128];
    (void)snprintf(what, sizeof what, "plugin %s to be %s", name, state);
    await_at(w, what, plugin_is, &wanted, WORLD_MS, file, line);
}

static bool log_has(struct world *w, void *arg)
{
    const char *text = arg;
    return strstr(world_log(w), text) != NULL;
}

void await_log_at(struct world *w, const char *text, const char *file, int line)
{
    char what[256];
    (void)snprintf(what, sizeof what, "'%s' in the log", text);
    await_at(w, what, log_has, (void *)text, WORLD_MS, file, line);
}

void await_at(struct world *w, const char *what, bool (*seen)(struct world *, void *), void *arg,
              int ms, const char *file, int line)
{
    long deadline = process_now_ms() + ms;
    while (!seen(w, arg)) {
        if (process_now_ms() >= deadline)
            world_fail(w, file, line, "waited %d ms for %s; last answer: %s", ms, what,
                       world_text(w));
        process_pause_ms(WORLD_POLL_MS);
    }
}
