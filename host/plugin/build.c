#include "plugin/build.h"

#include <dlfcn.h>
#include <errno.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

int build_pin_libraries(struct error *err)
{
    if (dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) != NULL)
        return 0;
    return error_set(err, ENOENT, "%s: install the package libpq5", dlerror());
}

static int hash_file(const char *path, char out[65], struct error *err)
{
    char *data;
    gsize size;
    GError *failure = NULL;
    if (!g_file_get_contents(path, &data, &size, &failure)) {
        error_set(err, ENOENT, "%s", failure->message);
        g_error_free(failure);
        return -1;
    }
    char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)data, size);
    g_strlcpy(out, sum, 65);
    g_free(sum);
    g_free(data);
    return 0;
}

static int check_contract(const wt_plugin *api, struct error *err)
{
    if (api == NULL || api->magic != WT_MAGIC)
        return error_set(err, EPROTO,
                         "not a walltrack plugin: " WT_ENTRY_SYMBOL "() gives no plugin structure");
    if (api->abi_major != WT_ABI_MAJOR)
        return error_set(err, EPROTO,
                         "made for plugin contract %u.%u, this host has %u.%u: build it again",
                         api->abi_major, api->abi_minor, WT_ABI_MAJOR, WT_ABI_MINOR);
    if (api->min_host_minor > WT_ABI_MINOR)
        return error_set(err, EPROTO, "needs a host with plugin contract %u.%u, this one has %u.%u",
                         WT_ABI_MAJOR, api->min_host_minor, WT_ABI_MAJOR, WT_ABI_MINOR);
    if (!WT_HAS(api, get_extension))
        return error_set(err, EPROTO, "its plugin structure is too short (%u bytes)",
                         api->struct_size);
    if (api->open == NULL || api->claim == NULL || api->close == NULL || api->destroy == NULL)
        return error_set(err, EPROTO, "open, claim, close and destroy are required");
    if (api->name == NULL || api->version == NULL)
        return error_set(err, EPROTO, "a name and a version are required");
    return 0;
}

static int load(struct build *b, struct error *err)
{
    if (hash_file(b->path, b->sha256, err) != 0)
        return -1;
    b->handle = dlopen(b->path, RTLD_NOW | RTLD_LOCAL);
    if (b->handle == NULL)
        return error_set(err, ENOEXEC, "%s", dlerror());
    /* POSIX lets dlsym() give functions through a data pointer; ISO C does not say how. */
    union {
        void *data;
        wt_entry entry;
    } symbol = {.data = dlsym(b->handle, WT_ENTRY_SYMBOL)};
    if (symbol.data == NULL)
        return error_set(err, EPROTO,
                         "not a walltrack plugin: it does not export " WT_ENTRY_SYMBOL);
    b->api = symbol.entry();
    return check_contract(b->api, err);
}

/* Sanitizers name the place of a leak at exit only while its code is still mapped. */
static void unload(void *handle)
{
#ifndef __SANITIZE_ADDRESS__
    if (handle != NULL)
        dlclose(handle);
#else
    (void)handle;
#endif
}

static void build_free(struct build *b)
{
    unload(b->handle);
    g_free(b->path);
    g_free(b->name);
    g_free(b->version);
    g_free(b->label);
    free(b);
}

int build_load(const char *path, struct build **out, struct error *err)
{
    struct build *b = calloc(1, sizeof *b);
    if (b == NULL)
        return error_set(err, ENOMEM, "out of memory");
    b->path = g_strdup(path);
    if (load(b, err) != 0) {
        build_free(b);
        return error_wrap(err, "plugin %s", path);
    }
    b->name = g_strdup(b->api->name);
    b->version = g_strdup(b->api->version);
    b->label = g_strdup_printf("%s %s (%.8s)", b->name, b->version, b->sha256);
    b->references = 1;
    log_line(LOG_INFO, "plugin", "loaded %s from %s at %p", b->label, path, (const void *)b->api);
    *out = b;
    return 0;
}

struct build *build_retain(struct build *b)
{
    b->references++;
    return b;
}

void build_release(struct build *b)
{
    if (b != NULL && --b->references == 0)
        build_free(b);
}
