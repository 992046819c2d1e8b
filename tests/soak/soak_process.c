#include "soak_process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long status_number(pid_t pid, const char *key)
{
    char path[64], line[256];
    long value = -1;
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    while (f != NULL && value < 0 && fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, key, strlen(key)) == 0)
            value = strtol(line + strlen(key), NULL, 10);
    if (f != NULL)
        (void)fclose(f);
    return value;
}

static long entries(pid_t pid, const char *folder)
{
    char path[64];
    long count = -2; /* "." and ".." */
    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, folder);
    DIR *d = opendir(path);
    if (d == NULL)
        return -1;
    while (readdir(d) != NULL)
        count++;
    (void)closedir(d);
    return count;
}

static void count_mappings(pid_t pid, struct holdings *h)
{
    char path[64], line[1024];
    (void)snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return;
    h->mappings = h->libraries = 0;
    while (fgets(line, sizeof line, f) != NULL) {
        h->mappings++;
        h->libraries += strstr(line, "r-xp") != NULL;
    }
    (void)fclose(f);
}

struct holdings process_holdings(pid_t pid)
{
    struct holdings h = {-1, -1, -1, -1, -1};
    h.resident_kib = status_number(pid, "RssAnon:");
    h.threads = status_number(pid, "Threads:");
    h.descriptors = entries(pid, "fd");
    count_mappings(pid, &h);
    return h;
}
