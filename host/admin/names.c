#include "admin/names.h"

#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More users than this on one host are named by their number. */
enum { NAMES_MAX = 64 };

struct name {
    uid_t uid;
    char text[101]; /* "" while it is looked up */
};

struct names {
    uv_loop_t *loop;
    void (*known)(void *arg, uid_t uid);
    void *arg;
    struct lookup *lookups;
    size_t count;
    struct name items[NAMES_MAX];
    char number[32]; /* the answer for one too many */
};

struct lookup {
    uv_work_t work;
    struct names *owner; /* NULL when it was freed meanwhile */
    struct lookup *next;
    uid_t uid;
    char text[101];
};

static void look_up(uv_work_t *work)
{
    struct lookup *l = work->data;
    struct passwd entry;
    struct passwd *found = NULL;
    char buffer[4096];
    if (getpwuid_r(l->uid, &entry, buffer, sizeof buffer, &found) == 0 && found != NULL &&
        found->pw_name[0] != '\0' && strlen(found->pw_name) < sizeof l->text)
        snprintf(l->text, sizeof l->text, "%s", found->pw_name);
    else
        snprintf(l->text, sizeof l->text, "uid %ld", (long)l->uid);
}

static void looked_up(uv_work_t *work, int status)
{
    struct lookup *l = work->data;
    struct names *n = l->owner;
    (void)status; /* it is never cancelled */
    if (n == NULL) {
        free(l);
        return;
    }
    for (size_t i = 0; i < n->count; i++)
        if (n->items[i].uid == l->uid)
            memcpy(n->items[i].text, l->text, sizeof l->text);
    struct lookup **link = &n->lookups;
    while (*link != l)
        link = &(*link)->next;
    *link = l->next;
    uid_t uid = l->uid;
    free(l);
    n->known(n->arg, uid);
}

static bool begin(struct names *n, uid_t uid)
{
    struct lookup *l = calloc(1, sizeof *l);
    if (l == NULL)
        return false;
    l->work.data = l;
    l->owner = n;
    l->uid = uid;
    if (uv_queue_work(n->loop, &l->work, look_up, looked_up) != 0) {
        free(l);
        return false;
    }
    l->next = n->lookups;
    n->lookups = l;
    return true;
}

struct names *names_new(uv_loop_t *loop, void (*known)(void *arg, uid_t uid), void *arg)
{
    struct names *n = calloc(1, sizeof *n);
    if (n == NULL)
        return NULL;
    n->loop = loop;
    n->known = known;
    n->arg = arg;
    return n;
}

void names_free(struct names *n)
{
    if (n == NULL)
        return;
    for (struct lookup *l = n->lookups; l != NULL; l = l->next)
        l->owner = NULL;
    free(n);
}

const char *names_find(struct names *n, uid_t uid)
{
    for (size_t i = 0; i < n->count; i++)
        if (n->items[i].uid == uid)
            return n->items[i].text[0] != '\0' ? n->items[i].text : NULL;
    if (n->count < NAMES_MAX && begin(n, uid)) {
        n->items[n->count++] = (struct name){.uid = uid};
        return NULL;
    }
    snprintf(n->number, sizeof n->number, "uid %ld", (long)uid);
    return n->number;
}
