/* Happy path: dlopen, the entry symbol, its structure; the build joins the list.  After the last
 * release it waits in the list till a few others have been released after it, and goes: dlclose,
 * then the loader and the process's mappings are asked whether it is really gone.
 *
 * Failure modes: the loader matches by name, SONAME and inode before it looks at the content, so
 * it may give the code of a build that is still mapped; that shows in the handle.  It may also
 * keep a library that was closed; such a build stays in `pinned`, and costs only its memory. */
#include "plugin/build.h"

#include <dlfcn.h>
#include <errno.h>
#include <glib.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "watch/call.h"
#include "watch/crash.h"

#ifdef __SANITIZE_ADDRESS__
enum { KEEP_USUAL = INT_MAX };
#else
enum { KEEP_USUAL = 4 };
#endif

static struct {
    struct build *list; /* all that are mapped; the last one released first */
    size_t pinned;
    int keep;
} mapped = {.keep = KEEP_USUAL};

int build_pin_libraries(struct error *err)
{
    if (dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) != NULL)
        return 0;
    return error_set(err, ENOENT, "%s: install the package libpq5", dlerror());
}

/* ---- the list ---- */

static void join(struct build *b)
{
    b->next = mapped.list;
    mapped.list = b;
}

static void leave(struct build *b)
{
    struct build **at = &mapped.list;
    while (*at != b)
        at = &(*at)->next;
    *at = b->next;
}

struct build *build_find(const char *sha256)
{
    for (struct build *b = mapped.list; b != NULL; b = b->next)
        if (strcmp(b->sha256, sha256) == 0)
            return build_retain(b);
    return NULL;
}

struct build_counts build_counts(void)
{
    struct build_counts counts = {.pinned = mapped.pinned};
    for (const struct build *b = mapped.list; b != NULL; b = b->next)
        counts.mapped++;
    return counts;
}

/* ---- loading ---- */

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

/* The loader must not have given the code of a build that is mapped already. */
static int check_new(const struct build *b, struct error *err)
{
    for (const struct build *other = mapped.list; other != NULL; other = other->next)
        if (other->handle == b->handle)
            return error_set(err, ELOOP, "the loader returned the code of %s for it", other->label);
    return 0;
}

struct extent {
    uintptr_t base, end;
};

static int look_for_end(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct extent *e = arg;
    (void)size;
    if (info->dlpi_addr != e->base)
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t end = e->base + segment->p_vaddr + segment->p_memsz;
        if (segment->p_type == PT_LOAD && end > e->end)
            e->end = end;
    }
    return 1;
}

static struct extent extent_of(void *handle)
{
    struct extent e = {0, 0};
    struct link_map *map = NULL;
    if (dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0)
        e.base = (uintptr_t)map->l_addr;
    dl_iterate_phdr(look_for_end, &e);
    return e;
}

static int load(struct build *b, struct error *err)
{
    call_begin(b->path, "its constructors");
    b->handle = dlopen(b->path, RTLD_NOW | RTLD_LOCAL);
    call_end();
    if (b->handle == NULL)
        return error_set(err, ENOEXEC, "%s", dlerror());
    if (check_new(b, err) != 0)
        return -1;
    /* POSIX lets dlsym() give functions through a data pointer; ISO C does not say how. */
    union {
        void *data;
        wt_entry entry;
    } symbol = {.data = dlsym(b->handle, WT_ENTRY_SYMBOL)};
    if (symbol.data == NULL)
        return error_set(err, EPROTO,
                         "not a walltrack plugin: it does not export " WT_ENTRY_SYMBOL);
    call_begin(b->path, "its entry function");
    b->api = symbol.entry();
    call_end();
    return check_contract(b->api, err);
}

static void build_free(struct build *b)
{
    g_free(b->path);
    g_free(b->name);
    g_free(b->version);
    g_free(b->label);
    free(b);
}

int build_load_content(const char *path, const char *sha256, struct build **out, struct error *err)
{
    struct build *b = build_find(sha256);
    if (b != NULL) {
        *out = b;
        return 0;
    }
    b = calloc(1, sizeof *b);
    if (b == NULL)
        return error_set(err, ENOMEM, "out of memory");
    b->path = g_strdup(path);
    g_strlcpy(b->sha256, sha256, sizeof b->sha256);
    if (load(b, err) != 0) {
        if (b->handle != NULL)
            dlclose(b->handle);
        build_free(b);
        return error_wrap(err, "plugin %s", path);
    }
    b->name = g_strdup(b->api->name);
    b->version = g_strdup(b->api->version);
    b->label = g_strdup_printf("%s %s (%.8s)", b->name, b->version, b->sha256);
    b->references = 1;
    struct extent extent = extent_of(b->handle);
    b->base = extent.base;
    crash_note_build(b->label, extent.base, extent.end);
    join(b);
    log_line(LOG_DEBUG, "plugin", "loaded %s from %s at 0x%jx", b->label, path, (uintmax_t)b->base);
    *out = b;
    return 0;
}

int build_load(const char *path, struct build **out, struct error *err)
{
    char *data;
    gsize size;
    GError *failure = NULL;
    if (!g_file_get_contents(path, &data, &size, &failure)) {
        error_set(err, ENOENT, "plugin %s: %s", path, failure->message);
        g_error_free(failure);
        return -1;
    }
    char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)data, size);
    g_free(data);
    int status = build_load_content(path, sum, out, err);
    g_free(sum);
    return status;
}

/* ---- unloading ---- */

struct search {
    const char *path;
    bool found;
};

static int look_at_object(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct search *s = arg;
    (void)size;
    s->found |= info->dlpi_name != NULL && strcmp(info->dlpi_name, s->path) == 0;
    return s->found;
}

/* dlclose() returning 0 proves nothing. */
static bool is_mapped(const char *path)
{
    struct search s = {.path = path};
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
    if (handle != NULL) {
        dlclose(handle);
        return true;
    }
    dl_iterate_phdr(look_at_object, &s);
    return s.found;
}

static void unload(struct build *b)
{
    leave(b);
    call_begin(b->label, "its destructors");
    dlclose(b->handle);
    call_end();
    crash_forget_build(b->base);
    if (is_mapped(b->path)) {
        mapped.pinned++;
        log_line(LOG_WARNING, "plugin",
                 "%s stays in memory: the loader kept it when it was closed (%zu such builds)",
                 b->label, mapped.pinned);
    } else {
        log_line(LOG_DEBUG, "plugin", "unloaded %s", b->label);
    }
    build_free(b);
}

/* The one that was released first of those that wait, when more than `most` do. */
static struct build *one_too_many(int most)
{
    struct build *last = NULL;
    int waiting = 0;
    for (struct build *b = mapped.list; b != NULL; b = b->next) {
        if (b->references > 0)
            continue;
        waiting++;
        last = b;
    }
    return waiting > most ? last : NULL;
}

static void unload_all_but(int most)
{
    struct build *b;
    while ((b = one_too_many(most)) != NULL)
        unload(b);
}

struct build *build_retain(struct build *b)
{
    b->references++;
    return b;
}

void build_release(struct build *b)
{
    if (b == NULL || --b->references > 0)
        return;
    leave(b);
    join(b);
    unload_all_but(mapped.keep);
}

void build_keep(int most)
{
    mapped.keep = most >= 0 ? most : KEEP_USUAL;
    unload_all_but(mapped.keep);
}
