#include "ctl/client.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>

enum { CALL_SECONDS = 30, IDLE_SECONDS = 60, ANSWER_MAX = 64 * 1024 * 1024, URL_SIZE = 4200 };

struct client {
    CURL *curl;
    char socket[256];
};

/* Where an answer goes. */
struct buffer {
    const struct call *call;
    CURL *curl;
    char *text;
    size_t size;
    bool sink_failed;
};

static void choose_socket(char *out, size_t room, const char *given)
{
    const char *from_environment = getenv("WALLTRACK_SOCKET");
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (given == NULL && from_environment != NULL && from_environment[0] != '\0')
        given = from_environment;
    if (given != NULL) {
        snprintf(out, room, "%s", given);
        return;
    }
    if (runtime != NULL && runtime[0] == '/') {
        snprintf(out, room, "%s/walltrack/admin.sock", runtime);
        if (access(out, F_OK) == 0)
            return;
    }
    snprintf(out, room, "/run/walltrack/admin.sock");
}

struct client *client_new(const char *socket)
{
    struct client *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    choose_socket(c->socket, sizeof c->socket, socket);
    c->curl = curl_easy_init();
    if (c->curl == NULL) {
        free(c);
        return NULL;
    }
    return c;
}

void client_free(struct client *c)
{
    if (c == NULL)
        return;
    curl_easy_cleanup(c->curl);
    free(c);
}

void reply_free(struct reply *r)
{
    free(r->text);
    json_decref(r->json);
    *r = (struct reply){0};
}

static bool is_for_sink(const struct buffer *b)
{
    long status = 0;
    curl_easy_getinfo(b->curl, CURLINFO_RESPONSE_CODE, &status);
    return b->call->sink != NULL && status >= 200 && status < 300;
}

static size_t collect(char *data, size_t one, size_t count, void *arg)
{
    struct buffer *b = arg;
    size_t size = one * count;
    if (is_for_sink(b)) {
        b->sink_failed = !b->call->sink(b->call->sink_arg, data, size);
        return b->sink_failed ? 0 : size;
    }
    if (size > ANSWER_MAX - b->size)
        return 0;
    char *text = realloc(b->text, b->size + size + 1);
    if (text == NULL)
        return 0;
    memcpy(text + b->size, data, size);
    b->text = text;
    b->size += size;
    b->text[b->size] = '\0';
    return size;
}

static enum status unreachable(const struct client *c, CURLcode code, long seconds,
                               struct error *err)
{
    if (code == CURLE_OPERATION_TIMEDOUT)
        error_set(err, ETIMEDOUT,
                  "no answer from %s within %ld seconds\n"
                  "look at walltrackd's log, or try again",
                  c->socket, seconds);
    else if (code == CURLE_COULDNT_CONNECT && access(c->socket, F_OK) == 0 &&
             access(c->socket, W_OK) != 0)
        error_set(err, EACCES,
                  "cannot connect to %s: permission denied\n"
                  "join the group that admin.group names, or ask as another user",
                  c->socket);
    else if (code == CURLE_COULDNT_CONNECT)
        error_set(err, ECONNREFUSED,
                  "cannot connect to %s: is walltrackd running?\n"
                  "start it with `walltrackd --config FILE`, or name its socket with --socket",
                  c->socket);
    else
        error_set(err, EIO,
                  "lost the answer from %s: %s\n"
                  "look at `walltrackctl health` and try again",
                  c->socket, curl_easy_strerror(code));
    return STATUS_AWAY;
}

/* A second line that says what to do: the first row that fits. */
static const struct {
    long status; /* 0: any */
    const char *path, *words;
} advices[] = {
    {404, "/api/plugins", "`walltrackctl plugins` lists the plugins"},
    {409, "/api/plugins", "`walltrackctl plugins` shows what is going on"},
    {404, "/api/discovery/wallets/", "no run that is recorded has found it; check the address"},
    {404, "", "`walltrackctl runs` lists the runs"},
    {409, "", "`walltrackctl runs --status running` shows what is going on"},
    {422, "", "`walltrackctl help` shows what can be given"},
    {400, "", "`walltrackctl help` shows what can be given"},
    {503, "", "`walltrackctl health` says what is away; try again later"},
    {504, "", "`walltrackctl health` says what is away; try again later"},
    {0, "", "walltrackd's log says more"},
};

static const char *advice(long status, const char *path)
{
    size_t i = 0;
    while ((advices[i].status != 0 && advices[i].status != status) ||
           strncmp(path, advices[i].path, strlen(advices[i].path)) != 0)
        i++;
    return advices[i].words;
}

/* The exit status and the words for an answer that is not 2xx. */
static enum status refusal(const struct reply *r, const char *path, struct error *err)
{
    const char *detail = json_string_value(json_object_get(r->json, "detail"));
    char words[64];
    snprintf(words, sizeof words, "walltrackd answered with status %ld", r->status);
    error_set(err, EPROTO, "%.380s\n%s", detail != NULL ? detail : words, advice(r->status, path));
    if (r->status == 404)
        return STATUS_NOT_FOUND;
    return r->status < 500 || r->status == 501 ? STATUS_REFUSED : STATUS_AWAY;
}

static int ask_whether_to_go_on(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    const struct call *call = arg;
    (void)a, (void)b, (void)c, (void)d;
    return call->give_up() ? 1 : 0;
}

static void prepare(struct client *c, const char *url, const struct call *call,
                    struct buffer *answer)
{
    curl_easy_reset(c->curl);
    curl_easy_setopt(c->curl, CURLOPT_URL, url);
    curl_easy_setopt(c->curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(c->curl, CURLOPT_UNIX_SOCKET_PATH, c->socket);
    curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, call->method);
    curl_easy_setopt(c->curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    if (call->sink == NULL) {
        curl_easy_setopt(c->curl, CURLOPT_TIMEOUT, call->seconds);
    } else {
        curl_easy_setopt(c->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(c->curl, CURLOPT_LOW_SPEED_TIME, call->seconds);
    }
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, answer);
    if (call->give_up != NULL) {
        curl_easy_setopt(c->curl, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(c->curl, CURLOPT_XFERINFOFUNCTION, ask_whether_to_go_on);
        curl_easy_setopt(c->curl, CURLOPT_XFERINFODATA, call);
    }
}

/* The body and the headers; both are the caller's to free after the call. */
static void prepare_body(struct client *c, const struct call *call, char **text,
                         struct curl_slist **headers)
{
    *text = NULL;
    *headers = call->header != NULL ? curl_slist_append(NULL, call->header) : NULL;
    if (strcmp(call->method, "GET") != 0) {
        if (call->body != NULL)
            *text = json_dumps(call->body, JSON_COMPACT | JSON_REAL_PRECISION(15));
        *headers = curl_slist_append(*headers, "Content-Type: application/json");
        curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, *text != NULL ? *text : "");
    }
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, *headers);
}

enum status client_perform(struct client *c, const struct call *given, struct reply *out,
                           struct error *err)
{
    char url[URL_SIZE], *text;
    struct call call = *given;
    struct buffer answer = {.call = &call, .curl = c->curl};
    struct curl_slist *headers;
    *out = (struct reply){0};
    if (call.seconds <= 0)
        call.seconds = call.sink != NULL ? IDLE_SECONDS : CALL_SECONDS;
    snprintf(url, sizeof url, "http://walltrack%s", call.path);
    prepare(c, url, &call, &answer);
    prepare_body(c, &call, &text, &headers);
    CURLcode code = curl_easy_perform(c->curl);
    curl_slist_free_all(headers);
    free(text);
    if (code != CURLE_OK) {
        free(answer.text);
        if (answer.sink_failed)
            return STATUS_AWAY;
        return code == CURLE_ABORTED_BY_CALLBACK ? STATUS_INTERRUPTED
                                                 : unreachable(c, code, call.seconds, err);
    }
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &out->status);
    out->text = answer.text;
    out->json = answer.text != NULL ? json_loads(answer.text, JSON_DECODE_ANY, NULL) : NULL;
    return out->status >= 200 && out->status < 300 ? STATUS_OK : refusal(out, call.path, err);
}

enum status client_call(struct client *c, const char *method, const char *path, const json_t *body,
                        struct reply *out, struct error *err)
{
    const struct call call = {.method = method, .path = path, .body = body};
    return client_perform(c, &call, out, err);
}

/* Appends what curl has escaped, and frees it; `before` is what stands in front. */
static int add_escaped(char *path, size_t room, const char *before, const char *value)
{
    size_t used = strlen(path);
    char *escaped = curl_easy_escape(NULL, value, 0);
    if (escaped == NULL)
        return -1;
    int n = snprintf(path + used, room - used, "%s%s", before, escaped);
    curl_free(escaped);
    return n > 0 && (size_t)n < room - used ? 0 : -1;
}

int client_add_parameter(char *path, size_t room, const char *name, const char *value)
{
    char before[64];
    snprintf(before, sizeof before, "%c%s=", strchr(path, '?') == NULL ? '?' : '&', name);
    return add_escaped(path, room, before, value);
}

int client_add_part(char *path, size_t room, const char *part)
{
    return add_escaped(path, room, "/", part);
}
