/* judge_table.h: a table of the recorder, walked beside what it should hold.
 *
 * Promise: rows come in the order of their id, all tables from one moment of the database; a row
 *          that is missing, is there twice, comes from nowhere or differs is reported.
 * Fails:   what the database refuses ends the program.
 * Thread:  main thread only.
 * Knows:   libpq, the columns.  Nothing of the recorder's code.
 *
 * Two walks: the first compares.  When it has found rows that nobody expected, or other content
 * than expected, a second one sees whether that is the content of some other event: then the row is
 * a duplicate, or stands in a wrong place, and is not merely foreign or altered.
 */
#ifndef SOAK_JUDGE_TABLE_H
#define SOAK_JUDGE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum table_name { TABLE_WALLETS, TABLE_TOKENS, TABLE_ERRORS, TABLE_SLOTS, TABLE_RUNS, TABLES };

enum { COLUMNS_MAX = 13, ID_BYTES = 16 };

/* As COPY BINARY gives it. */
enum { VALUE_NULL = -1, VALUE_ANY = -2 };
struct value {
    const void *bytes;
    int size; /* or one of the above */
};

/* A row as it should be.  Fill it with the calls below, column by column; texts are borrowed. */
struct expected {
    struct value value[COLUMNS_MAX];
    int columns;
    unsigned char numbers[8 * COLUMNS_MAX];
    size_t used;
    char what[160]; /* the event, for a finding */
};
void expect_begin(struct expected *e, const unsigned char id[ID_BYTES]);
void expect_id(struct expected *e, const unsigned char id[ID_BYTES]);
void expect_text(struct expected *e, const char *text, size_t size);
void expect_word(struct expected *e, const char *word); /* NULL: no value */
void expect_bool(struct expected *e, bool value);
void expect_int4(struct expected *e, uint64_t value);
void expect_int8(struct expected *e, uint64_t value);
void expect_double(struct expected *e, double value); /* NaN: no value */
void expect_time(struct expected *e, int64_t us);     /* since 1970; INT64_MIN: no value */
void expect_null(struct expected *e);
void expect_any(struct expected *e);

struct database;

/* Connects, and settles on a moment. */
struct database *database_open(const char *conninfo, const char *schema);
void database_close(struct database *d);

/* One row, one column, in that moment; borrowed until the next.  The schema is on the search
 * path. */
const char *database_value(struct database *d, const char *sql);
/* Any number of rows with `columns` columns, in binary; `row` gets each. */
void database_rows(struct database *d, const char *sql, int columns,
                   void (*row)(void *arg, const struct value *values), void *arg);

/* Starts a walk over all tables, at the first row that is not below this id (NULL: at all). */
void tables_begin(struct database *d, const unsigned char *first);
/* The next event of that table, ids rising. */
void table_expect(struct database *d, enum table_name table, const struct expected *e);
/* No more events. */
void tables_end(struct database *d);

/* Whether a second walk is needed; then expect all events again, between these two. */
bool tables_are_suspect(const struct database *d);
void suspects_begin(struct database *d);
void suspect_expect(struct database *d, enum table_name table, const struct expected *e);
void suspects_end(struct database *d);

#endif
