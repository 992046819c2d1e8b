/* keys.h: the table of all keys of the configuration file.
 *
 * The check, the defaults and the help are made from it; nothing else knows a key's name.
 * Thread: any; no state.
 */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include <stddef.h>
#include <stdint.h>

enum config_type {
    CONFIG_OBJECT,      /* of keys of the table                                   */
    CONFIG_LIST,        /* of such objects; min and max: how many                 */
    CONFIG_NUMBER,      /* int64_t, min..max                                      */
    CONFIG_BOOL,        /* bool                                                   */
    CONFIG_CHOICE,      /* int, the index in `choices`                            */
    CONFIG_TEXT,        /* char *, min..max bytes                                 */
    CONFIG_NAME,        /* char *, 1 to 64 of [a-z0-9._-], unique in its list     */
    CONFIG_FILE_NAME,   /* char *, [A-Za-z0-9._-]+, no dot in front               */
    CONFIG_PATH,        /* char *, made absolute; max bytes                       */
    CONFIG_DURATION,    /* int64_t seconds, written as 30s, 15m, 6h, 7d; min..max */
    CONFIG_MODE,        /* mode_t, written as octal text                          */
    CONFIG_JSON,        /* char *, an object of any keys as text                  */
    CONFIG_COMMAND,     /* char **, program and arguments                         */
    CONFIG_ENVIRONMENT, /* char **, "NAME=value"                                  */
    CONFIG_PARAM,       /* one of the discovery parameters, min: which            */
};

struct config_key {
    const char *pattern; /* "schedules[].every" */
    enum config_type type;
    int64_t min, max;
    const char *def;          /* JSON text; NULL: required, or made from the surroundings */
    const char *surroundings; /* how the default is made then; NULL: required */
    size_t offset;            /* in struct config, or in the list's element */
    const char *meaning;
    const char *choices; /* "skip|allow" */
};

extern const struct config_key config_keys[];
extern const size_t config_keys_count;

/* The row for `key` in the object with that pattern ("" the root, "admin", "schedules[]"), or
 * NULL. */
const struct config_key *config_key_find(const char *parent, const char *key);

/* The last part of a row's pattern when its parent is `parent`, else NULL. */
const char *config_key_under(const struct config_key *row, const char *parent);

#endif
