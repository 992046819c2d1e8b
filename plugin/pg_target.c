/* Happy path: parse, name/answer until no name is left, finish.  Failure: only memory. */
#include "pg_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the operator may overrule, and what he may not. */
static const struct {
    const char *key, *value;
    bool always;
} extras[] = {
    {"client_encoding", "UTF8", true},      {"gssencmode", "disable", false},
    {"tcp_user_timeout", "5000", false},    {"keepalives_idle", "5", false},
    {"keepalives_interval", "2", false},    {"keepalives_count", "3", false},
    {"host", "/var/run/postgresql", false},
};

static PQconninfoOption *option(const struct pg_target *t, const char *key)
{
    for (PQconninfoOption *o = t->options; o->keyword != NULL; o++)
        if (strcmp(o->keyword, key) == 0)
            return o;
    return NULL;
}

static const char *value_of(const struct pg_target *t, const char *key)
{
    const PQconninfoOption *o = option(t, key);
    return o != NULL && o->val != NULL && o->val[0] != '\0' ? o->val : NULL;
}

int pg_target_parse(struct pg_target *t, const char *conninfo, const char *application_name)
{
    *t = (struct pg_target){.options = PQconninfoParse(conninfo, NULL)};
    if (t->options == NULL)
        return -1;
    snprintf(t->application_name, sizeof t->application_name, "%s", application_name);
    const char *hosts = value_of(t, "host");
    if (hosts == NULL || value_of(t, "hostaddr") != NULL)
        return 0;
    t->hosts = strdup(hosts);
    t->hosts_size = strlen(hosts) + 1;
    for (char *p = t->hosts; p != NULL && *p != '\0'; p++)
        if (*p == ',')
            *p = '\0';
    return t->hosts != NULL ? 0 : -1;
}

void pg_target_free(struct pg_target *t)
{
    PQconninfoFree(t->options);
    free(t->hosts);
    free(t->names);
    free(t->addresses);
    free(t->ports);
    *t = (struct pg_target){0};
}

/* Adds an item to a list with commas; the first makes the list. */
static int append(char **list, const char *item, size_t size)
{
    char *longer = NULL;
    int n = *list == NULL ? asprintf(&longer, "%.*s", (int)size, item)
                          : asprintf(&longer, "%s,%.*s", *list, (int)size, item);
    if (n < 0)
        return -1;
    free(*list);
    *list = longer;
    return 0;
}

/* The port of the n-th host, if each has one of its own. */
static const char *port_at(const struct pg_target *t, size_t n)
{
    const char *port = value_of(t, "port");
    if (port == NULL || strchr(port, ',') == NULL)
        return NULL;
    while (n-- > 0 && strchr(port, ',') != NULL)
        port = strchr(port, ',') + 1;
    return port;
}

/* One more place to try: the host being looked up, at that address. */
static int append_entry(struct pg_target *t, const char *address, size_t size)
{
    const char *name = t->hosts + t->next;
    const char *port = port_at(t, t->place);
    if (append(&t->names, name, strlen(name)) != 0 || append(&t->addresses, address, size) != 0)
        return -1;
    return port == NULL ? 0 : append(&t->ports, port, strcspn(port, ","));
}

static void go_on(struct pg_target *t)
{
    t->next += strlen(t->hosts + t->next) + 1;
    t->place++;
}

static bool is_socket(const char *host)
{
    return host[0] == '/' || host[0] == '@' || host[0] == '\0';
}

/* A socket's directory keeps its place in the list with an empty address. */
const char *pg_target_name(struct pg_target *t)
{
    while (t->hosts != NULL && t->next < t->hosts_size) {
        const char *name = t->hosts + t->next;
        if (!is_socket(name))
            return name;
        if (append_entry(t, "", 0) != 0)
            return NULL;
        go_on(t);
    }
    return NULL;
}

int pg_target_answer(struct pg_target *t, const char *addresses)
{
    for (const char *at = addresses; *at != '\0'; at += strspn(at, ",")) {
        size_t size = strcspn(at, ",");
        if (append_entry(t, at, size) != 0)
            return -1;
        at += size;
    }
    go_on(t);
    return 0;
}

static void add(struct pg_target *t, int *n, const char *key, const char *value)
{
    if (*n == PG_TARGET_KEYS)
        return;
    t->keys[*n] = key;
    t->values[(*n)++] = value;
}

static bool is_ours(const char *key)
{
    for (size_t i = 0; i < sizeof extras / sizeof extras[0]; i++)
        if (extras[i].always && strcmp(extras[i].key, key) == 0)
            return true;
    return strcmp(key, "application_name") == 0;
}

void pg_target_finish(struct pg_target *t)
{
    int n = 0;
    for (const PQconninfoOption *o = t->options; o->keyword != NULL; o++) {
        bool replaced = (t->names != NULL && strcmp(o->keyword, "host") == 0) ||
                        (t->ports != NULL && strcmp(o->keyword, "port") == 0);
        if (o->val != NULL && !is_ours(o->keyword) && !replaced)
            add(t, &n, o->keyword, o->val);
    }
    if (t->names != NULL)
        add(t, &n, "host", t->names);
    if (t->ports != NULL)
        add(t, &n, "port", t->ports);
    for (size_t i = 0; i < sizeof extras / sizeof extras[0]; i++)
        if (extras[i].always || value_of(t, extras[i].key) == NULL)
            add(t, &n, extras[i].key, extras[i].value);
    add(t, &n, "application_name", t->application_name);
    /* All sockets: no address at all, rather than a list of nothing. */
    if (t->addresses != NULL && strspn(t->addresses, ",") != strlen(t->addresses))
        add(t, &n, "hostaddr", t->addresses);
    t->keys[n] = NULL;
    t->values[n] = NULL;
}
