/* admin_world.h: the admin API on a real socket, asked by libcurl; the parts that it speaks about
 * are those of admin_parts.h.
 */
#ifndef ADMIN_WORLD_H
#define ADMIN_WORLD_H

#include <curl/curl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "admin_parts.h"

static char folder[] = "/tmp/walltrack-admin-XXXXXX";
static struct config config;
static struct admin *admin;
static bool closed;

static const struct admin_ports ports = {
    .host_name = "here", .version = "0.1.0", .stopping = is_stopping};

static inline void on_closed(void *arg)
{
    *(bool *)arg = true;
}

static inline int world_start(void **state)
{
    (void)state;
    memset(&play, 0, sizeof play);
    play.answer = "{}";
    play.plugin_live = true;
    memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
    assert_non_null(mkdtemp(folder));
    assert_true(asprintf(&config.admin.socket, "%s/run/admin.sock", folder) > 0);
    config.admin.mode = 0600;
    assert_int_equal(uv_loop_init(&loop), 0);
    uv_timer_init(&loop, &later);
    struct error err = {0};
    if (admin_new(&loop, &config, &ports, &admin, &err) != 0)
        fail_msg("%s", err.msg);
    return 0;
}

static inline void close_admin(void)
{
    closed = false;
    admin_close(admin, on_closed, &closed);
    admin = NULL;
    while (!closed)
        uv_run(&loop, UV_RUN_ONCE);
}

static inline int world_stop(void **state)
{
    (void)state;
    struct stat st;
    char path[256];
    if (admin != NULL)
        close_admin();
    assert_int_not_equal(lstat(config.admin.socket, &st), 0);
    uv_close((uv_handle_t *)&later, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    swap_free(play.swap);
    snprintf(path, sizeof path, "%s.lock", config.admin.socket);
    unlink(path);
    snprintf(path, sizeof path, "%s/run", folder);
    rmdir(path);
    rmdir(folder);
    free(config.admin.socket);
    return 0;
}

/* One request of a client, on a thread of its own. */
struct call {
    const char *method, *path, *body, *headers[4];
    long status;  /* 0: there was no whole answer */
    size_t total; /* bytes of the body, also of what has no room below */
    char answer[262144], got_headers[8192];
    bool done;
    uv_work_t work;
};

static inline size_t keep(char *out, size_t room, const char *data, size_t size)
{
    size_t used = strlen(out);
    if (used + size < room) {
        memcpy(out + used, data, size);
        out[used + size] = '\0';
    }
    return size;
}

static inline size_t keep_answer(char *data, size_t one, size_t size, void *arg)
{
    struct call *c = arg;
    c->total += one * size;
    return keep(c->answer, sizeof c->answer, data, one * size);
}

static inline size_t keep_header(char *data, size_t one, size_t size, void *arg)
{
    struct call *c = arg;
    return keep(c->got_headers, sizeof c->got_headers, data, one * size);
}

static inline void call_work(uv_work_t *work)
{
    struct call *c = work->data;
    char url[4096];
    struct curl_slist *headers = NULL;
    CURL *curl = curl_easy_init();
    snprintf(url, sizeof url, "http://walltrack%s", c->path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, config.admin.socket);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, keep_answer);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, c);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, keep_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, c);
    if (c->body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, c->body);
        if (c->headers[0] == NULL || strstr(c->headers[0], "Content-Type") == NULL)
            headers = curl_slist_append(headers, "Content-Type: application/json");
    }
    if (strcmp(c->method, "HEAD") == 0)
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, c->method);
    for (int i = 0; i < 4 && c->headers[i] != NULL; i++)
        headers = curl_slist_append(headers, c->headers[i]);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (curl_easy_perform(curl) == CURLE_OK)
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &c->status);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
}

static inline void call_done(uv_work_t *work, int status)
{
    struct call *c = work->data;
    (void)status;
    c->done = true;
}

static inline void call_begin(struct call *c)
{
    c->work.data = c;
    uv_queue_work(&loop, &c->work, call_work, call_done);
}

static inline void call_wait(struct call *c)
{
    while (!c->done)
        uv_run(&loop, UV_RUN_ONCE);
}

static struct call last;

static inline long ask(const char *method, const char *path, const char *body)
{
    last = (struct call){.method = method, .path = path, .body = body};
    call_begin(&last);
    call_wait(&last);
    return last.status;
}

static inline void then_answer_has_(const char *text, const char *file, int line)
{
    if (strstr(last.answer, text) == NULL) {
        print_error("no '%s' in: %s\n", text, last.answer);
        _fail(file, line);
    }
}
#define then_answer_has(text) then_answer_has_(text, __FILE__, __LINE__)

static inline void then_header_is_(const char *text, const char *file, int line)
{
    if (strstr(last.got_headers, text) == NULL) {
        print_error("no '%s' in: %s\n", text, last.got_headers);
        _fail(file, line);
    }
}
#define then_header_is(text) then_header_is_(text, __FILE__, __LINE__)

/* ---- clients that no library would make ---- */

static inline int connect_raw(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", config.admin.socket);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

#endif
