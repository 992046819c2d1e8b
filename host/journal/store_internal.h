/* store_internal.h: what the files store*.c share, and nobody else sees. */
#ifndef JOURNAL_STORE_INTERNAL_H
#define JOURNAL_STORE_INTERNAL_H

#include <sqlite3.h>

#include "journal/store.h"

enum {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_ADD_EVENT,
    SQL_SET_HEAD,
    SQL_OPEN_RUN,
    SQL_CLOSE_RUN,
    SQL_PUT_SLOT,
    SQL_PUT_SETTING,
    SQL_DROP_SETTING,
    SQL_PUT_MARK,
    SQL_AT,
    SQL_WALK,
    SQL_TRIM,
    SQL_READ,
    SQL_COUNT
};

struct store {
    sqlite3 *db;
    sqlite3_stmt *sql[SQL_COUNT];
    char *path;
    wt_uuid id;
    uint64_t head;     /* last event                                      */
    uint64_t oldest;   /* first event kept, or head + 1                   */
    uint64_t begin;    /* all bodies ever, end to end: where oldest lies  */
    uint64_t end;      /* … and where the last one ends                   */
    int64_t oldest_us; /* time of the oldest event                        */
};

/* Sets err from what SQLite last said; returns -1. */
int store_error(const struct store *s, const char *doing, struct error *err);

/* Runs a statement that gives no rows, and resets it. */
int store_run(struct store *s, int which, const char *doing, struct error *err);

/* Prepares statements first to last. */
int store_prepare(struct store *s, int first, int last, struct error *err);

#endif
