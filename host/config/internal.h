/* internal.h: what the files of this folder share, and nobody else sees. */
#ifndef CONFIG_INTERNAL_H
#define CONFIG_INTERNAL_H

#include <jansson.h>

#include "config/config.h"
#include "config/keys.h"
#include "config/place.h"

/* One file being read. */
struct config_reading {
    const char *name; /* as it was given */
    const char *text;
    size_t size;
    const char *folder; /* absolute, for relative paths */
    struct config *config;
    struct error *err;
};

/* "file:line: place: message"; returns -1. */
int config_fail(const struct config_reading *r, const struct config_place *place,
                const char *format, ...) __attribute__((format(printf, 3, 4)));
int config_out_of_memory(const struct config_reading *r);

/* ---- read.c ---- */

/* Walks the root by the table of keys and fills in r->config. */
int config_read(const struct config_reading *r, json_t *root);

/* ---- value.c: one value, checked and stored where `out` is ---- */

int config_value(const struct config_reading *r, const struct config_place *place,
                 const struct config_key *row, const json_t *value, void *out);

/* ---- paths.c ---- */

/* malloc'd; NULL when out of memory. */
char *config_absolute(const char *folder, const char *path);
/* The defaults that come from the surroundings, where the file says nothing. */
int config_fill_in(const struct config_reading *r);
/* Replaces command[0] by the file that it names. */
int config_find_program(const struct config_reading *r, const struct config_place *place,
                        char **command);

#endif
