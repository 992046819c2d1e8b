/* Where things are when the file does not say: for a service in the system's places, for a user in
 * the user's own. */
#include "config/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *config_absolute(const char *folder, const char *path)
{
    char *joined;
    if (path[0] == '/')
        return strdup(path);
    while (strncmp(path, "./", 2) == 0)
        path += 2;
    const char *slash = strcmp(folder, "/") == 0 ? "" : "/";
    return asprintf(&joined, "%s%s%s", folder, slash, path) < 0 ? NULL : joined;
}

/* A variable that holds an absolute path, up to the first colon; "" if there is none. */
static void variable(const char *name, char *out, size_t size)
{
    const char *value = getenv(name);
    out[0] = '\0';
    if (value != NULL && value[0] == '/' && strlen(value) < size)
        memcpy(out, value, strlen(value) + 1);
    out[strcspn(out, ":")] = '\0';
}

/* `out` becomes `folder` and `rest`, when there is a folder. */
static bool join(char **out, const char *folder, const char *rest)
{
    if (folder[0] == '\0')
        return false;
    if (asprintf(out, "%s%s", folder, rest) < 0)
        *out = NULL;
    return true;
}

static int fill_state_dir(const struct config_reading *r)
{
    char service[2048], state[2048], home[2048];
    char **out = &r->config->state_dir;
    variable("STATE_DIRECTORY", service, sizeof service);
    variable("XDG_STATE_HOME", state, sizeof state);
    variable("HOME", home, sizeof home);
    if (join(out, service, "") || (geteuid() == 0 && join(out, "/var/lib/walltrack", "")) ||
        join(out, state, "/walltrack") || join(out, home, "/.local/state/walltrack")) {
        if (*out != NULL)
            return 0;
        config_out_of_memory(r);
        return -1;
    }
    struct config_place place = {NULL, "state_dir", 0};
    config_fail(r, &place, "is missing, and neither XDG_STATE_HOME nor HOME is set");
    return -1;
}

static int fill_socket(const struct config_reading *r)
{
    char service[2048], runtime[2048];
    char **out = &r->config->admin.socket;
    variable("RUNTIME_DIRECTORY", service, sizeof service);
    variable("XDG_RUNTIME_DIR", runtime, sizeof runtime);
    if (!join(out, service, "/admin.sock") &&
        !(geteuid() == 0 && join(out, "/run/walltrack/admin.sock", "")) &&
        !join(out, runtime, "/walltrack/admin.sock"))
        join(out, r->config->state_dir, "/admin.sock");
    if (*out == NULL)
        return config_out_of_memory(r);
    struct config_place place = {&(struct config_place){NULL, "admin", 0}, "socket", 0};
    if (strlen(*out) > 107)
        return config_fail(r, &place, "%.100s has more than 107 bytes", *out);
    return 0;
}

static int fill_host_name(const struct config_reading *r)
{
    char name[254];
    struct config_place place = {NULL, "host_name", 0};
    if (gethostname(name, sizeof name) != 0 || memchr(name, '\0', sizeof name) == NULL ||
        name[0] == '\0')
        return config_fail(r, &place, "is missing, and the machine has no name");
    r->config->host_name = strdup(name);
    return r->config->host_name != NULL ? 0 : config_out_of_memory(r);
}

int config_fill_in(const struct config_reading *r)
{
    struct config *c = r->config;
    if (c->state_dir == NULL && fill_state_dir(r) != 0)
        return -1;
    if (c->admin.socket == NULL && fill_socket(r) != 0)
        return -1;
    if (c->host_name == NULL && fill_host_name(r) != 0)
        return -1;
    if (c->plugin_dir == NULL && (c->plugin_dir = strdup(WALLTRACK_PLUGIN_DIR)) == NULL)
        return config_out_of_memory(r);
    return 0;
}

/* ---- programs ---- */

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* Sets *out to the first program with that name in a folder of PATH, NULL if there is none.
 * Relative folders there are passed over.  False when out of memory. */
static bool look_up(const char *name, const char *folders, char **out)
{
    *out = NULL;
    for (const char *at = folders; *at != '\0'; at += *at == ':') {
        size_t size = strcspn(at, ":");
        if (*at == '/' && asprintf(out, "%.*s/%s", (int)size, at, name) < 0)
            return false;
        if (*out != NULL && is_program(*out))
            return true;
        free(*out);
        *out = NULL;
        at += size;
    }
    return true;
}

int config_find_program(const struct config_reading *r, const struct config_place *place,
                        char **command)
{
    const char *name = command[0];
    const char *folders = getenv("PATH");
    char *found;
    if (name[0] == '\0')
        return config_fail(r, place, "is empty");
    if (strchr(name, '/') != NULL) {
        found = config_absolute(r->folder, name);
        if (found == NULL)
            return config_out_of_memory(r);
        if (!is_program(found)) {
            config_fail(r, place, "%.200s is not a program: %s", found,
                        access(found, F_OK) != 0 ? strerror(errno) : "not an executable file");
            free(found);
            return -1;
        }
    } else {
        if (folders == NULL)
            folders = "/usr/local/bin:/usr/bin:/bin";
        if (!look_up(name, folders, &found))
            return config_out_of_memory(r);
        if (found == NULL)
            return config_fail(r, place, "no program '%.60s' in PATH (%.200s)", name, folders);
    }
    free(command[0]);
    command[0] = found;
    return 0;
}
