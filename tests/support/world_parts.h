/* world_parts.h: what world.c and world_client.c share. */
#ifndef SUPPORT_WORLD_PARTS_H
#define SUPPORT_WORLD_PARTS_H

#include "support/scratch.h"
#include "support/world.h"

enum { WORLD_POLL_MS = 10 };

struct world_text {
    struct world_text *next;
    char *text;
};

struct world {
    struct postgres *pg; /* borrowed */
    char directory[SCRATCH_PATH_SIZE];
    json_t *config;
    const char *const *set; /* borrowed */
    pid_t pid;              /* -1: not running */
    char *log;              /* as last read */
    struct {
        char *text; /* of the last answer */
        size_t size;
        json_t *json;
        char *headers;
        size_t headers_size;
    } answer;
    struct world_text *texts; /* lent */
};

/* Keeps `text` (malloc'd) until world_free(), and returns it. */
const char *world_lend(struct world *w, char *text);

/* Forgets the last answer. */
void world_forget_answer(struct world *w);

#endif
