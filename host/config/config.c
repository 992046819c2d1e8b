#include "config/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 1024 * 1024 };

static char *absolute_path(const char *path)
{
    if (path[0] == '/')
        return strdup(path);
    char *here = getcwd(NULL, 0);
    char *full = here != NULL ? config_absolute(here, path) : NULL;
    free(here);
    return full;
}

/* Reads the parsed text into a configuration whose path is set. */
static int read_root(struct config_reading *r, json_t *root)
{
    char *folder = strdup(r->config->path);
    if (folder == NULL)
        return config_out_of_memory(r);
    char *slash = strrchr(folder, '/');
    slash[slash == folder ? 1 : 0] = '\0';
    r->folder = folder;
    int status = config_read(r, root);
    if (status == 0)
        status = config_fill_in(r);
    free(folder);
    return status;
}

int config_parse(const char *text, size_t size, const char *path, struct config **out,
                 struct error *err)
{
    json_error_t json;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &json);
    if (root == NULL)
        return error_set(err, EINVAL, "%s:%d: %s", path, json.line, json.text);
    struct config *c = calloc(1, sizeof *c);
    struct config_reading r = {path, text, size, NULL, c, err};
    if (c == NULL || (c->path = absolute_path(path)) == NULL) {
        config_out_of_memory(&r);
        goto fail;
    }
    if (read_root(&r, root) != 0)
        goto fail;
    json_decref(root);
    *out = c;
    return 0;
fail:
    json_decref(root);
    config_free(c);
    return -1;
}

/* All bytes of a file, malloc'd. */
static char *slurp(const char *path, size_t *size, struct error *err)
{
    char *text = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        error_set(err, errno, "%s: %s", path, strerror(errno));
    } else if (!S_ISREG(st.st_mode)) {
        error_set(err, EINVAL, "%s: not a regular file", path);
    } else if ((text = malloc(FILE_BYTES_MAX + 1)) == NULL) {
        error_set(err, ENOMEM, "%s: out of memory", path);
    } else {
        ssize_t n = 0;
        *size = 0;
        while (*size <= FILE_BYTES_MAX &&
               (n = read(fd, text + *size, FILE_BYTES_MAX + 1 - *size)) > 0)
            *size += (size_t)n;
        if (n < 0 || *size > FILE_BYTES_MAX) {
            error_set(err, n < 0 ? errno : EFBIG, "%s: %s", path,
                      n < 0 ? strerror(errno) : "larger than 1 MiB");
            free(text);
            text = NULL;
        }
    }
    if (fd >= 0)
        close(fd);
    return text;
}

int config_load(const char *path, struct config **out, struct error *err)
{
    size_t size;
    char *text = slurp(path, &size, err);
    if (text == NULL)
        return -1;
    int status = config_parse(text, size, path, out, err);
    free(text);
    return status;
}

static void free_texts(char **texts)
{
    for (char **t = texts; t != NULL && *t != NULL; t++)
        free(*t);
    free(texts);
}

void config_free(struct config *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->n_schedules; i++) {
        free(c->schedules[i].name);
        free(c->schedules[i].source);
    }
    for (size_t i = 0; i < c->n_plugins; i++) {
        free(c->plugins[i].name);
        free(c->plugins[i].path);
        free(c->plugins[i].config);
    }
    free(c->schedules);
    free(c->plugins);
    free_texts(c->engine.command);
    free_texts(c->engine.environment);
    free(c->path);
    free(c->state_dir);
    free(c->host_name);
    free(c->plugin_dir);
    free(c->admin.socket);
    free(c->admin.group);
    free(c);
}
