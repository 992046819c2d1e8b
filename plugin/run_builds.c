#include "run_builds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sql.h"

/* Its index, or count.  Events of a run mostly follow each other. */
static size_t find(struct run_builds *b, const wt_uuid *run)
{
    if (b->last < b->count && memcmp(&b->runs[b->last], run, sizeof *run) == 0)
        return b->last;
    for (size_t i = 0; i < b->count; i++)
        if (memcmp(&b->runs[i], run, sizeof *run) == 0)
            return b->last = i;
    return b->count;
}

/* False when it is there already. */
static bool add(struct run_builds *b, const wt_uuid *run)
{
    if (find(b, run) < b->count)
        return false;
    if (b->count == RUN_BUILDS_MOST)
        b->count = 0;
    b->last = b->count;
    b->runs[b->count++] = *run;
    return true;
}

static void drop(struct run_builds *b, const wt_uuid *run)
{
    size_t i = find(b, run);
    if (i < b->count)
        b->runs[i] = b->runs[--b->count];
}

/* A slot is no part of the run that it fired, and what goes to the quarantine is of none. */
static bool counts(const struct range *r, size_t entry)
{
    return r->raw == NULL && r->batch->entries[entry].kind != WT_SLOT;
}

/* Appends the runs that do not have the build, separated by commas; returns how many. */
static size_t list_runs(const struct run_builds *b, const struct range *r, FILE *out)
{
    struct run_builds seen = *b;
    size_t n = 0;
    for (size_t i = r->from; i < r->to; i++) {
        const struct entry *e = &r->batch->entries[i];
        char run[37];
        if (!counts(r, i) || !add(&seen, &e->run_id) || e->kind == WT_RUN_START)
            continue;
        wt_uuid_text(&e->run_id, run);
        fprintf(out, "%s%s", n++ > 0 ? "," : "", run);
    }
    return n;
}

bool run_builds_statement(const struct run_builds *b, const struct range *r, const char *schema,
                          const char *build, char **statement)
{
    char *runs = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&runs, &size);
    if (out == NULL)
        return false;
    fputs("'{", out);
    size_t n = list_runs(b, r, out);
    fputs("}'", out);
    bool ok = fclose(out) == 0;
    const char *literals[] = {runs, build};
    *statement = ok && n > 0 ? sql_fill(sql_find("note_build")->text, schema, literals) : NULL;
    free(runs);
    return ok && (n == 0 || *statement != NULL);
}

void run_builds_recorded(struct run_builds *b, const struct range *r)
{
    for (size_t i = r->from; i < r->to; i++) {
        const struct entry *e = &r->batch->entries[i];
        if (!counts(r, i))
            continue;
        add(b, &e->run_id);
        if (e->kind == WT_RUN_END)
            drop(b, &e->run_id);
    }
}
