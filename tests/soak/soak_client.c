#include "soak_client.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "support/failure.h"

struct client {
    CURL *curl;
    struct curl_slist *headers;
    char *text;
    size_t size;
    json_t *json;
};

static size_t take(char *bytes, size_t one, size_t size, void *arg)
{
    (void)one;
    struct client *c = arg;
    char *longer = realloc(c->text, c->size + size + 1);
    if (longer == NULL)
        return 0;
    memcpy(longer + c->size, bytes, size);
    c->text = longer;
    c->size += size;
    longer[c->size] = '\0';
    return size;
}

struct client *client_new(const char *socket)
{
    struct client *c = calloc(1, sizeof *c);
    if (c == NULL || (c->curl = curl_easy_init()) == NULL)
        cannot_go_on("out of memory");
    c->headers = curl_slist_append(NULL, "Content-Type: application/json");
    (void)curl_easy_setopt(c->curl, CURLOPT_UNIX_SOCKET_PATH, socket);
    (void)curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take);
    (void)curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, c);
    (void)curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, c->headers);
    return c;
}

static void forget(struct client *c)
{
    free(c->text);
    json_decref(c->json);
    c->text = NULL;
    c->json = NULL;
    c->size = 0;
}

void client_free(struct client *c)
{
    forget(c);
    curl_slist_free_all(c->headers);
    curl_easy_cleanup(c->curl);
    free(c);
}

int client_ask(struct client *c, const char *method, const char *path, const char *body, long ms)
{
    char url[512];
    long status = 0;
    forget(c);
    (void)snprintf(url, sizeof url, "http://localhost%s", path);
    (void)curl_easy_setopt(c->curl, CURLOPT_URL, url);
    (void)curl_easy_setopt(c->curl, CURLOPT_TIMEOUT_MS, ms);
    (void)curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, method);
    if (strcmp(method, "GET") == 0)
        (void)curl_easy_setopt(c->curl, CURLOPT_HTTPGET, 1L);
    else
        (void)curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, body != NULL ? body : "");
    if (curl_easy_perform(c->curl) == CURLE_OK)
        (void)curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
    c->json = c->text != NULL ? json_loads(c->text, 0, NULL) : NULL;
    return (int)status;
}

const json_t *client_json(const struct client *c)
{
    return c->json;
}

const char *client_text(const struct client *c)
{
    return c->text != NULL ? c->text : "";
}

double client_metric(struct client *c, const char *name)
{
    size_t size = strlen(name);
    double sum = -1;
    if (client_ask(c, "GET", "/metrics", NULL, 5000) != 200)
        return -1;
    for (const char *line = client_text(c); line != NULL && *line != '\0';) {
        if (strncmp(line, name, size) == 0 && (line[size] == ' ' || line[size] == '{')) {
            const char *value = strchr(line, ' ');
            sum = (sum < 0 ? 0 : sum) + (value != NULL ? strtod(value, NULL) : 0);
        }
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    return sum;
}
