/* judge_journal.h: the judge's own reader of a host's journal file.
 *
 * Promise: every event that the file holds, in order, from one moment; the file is only read,
 *          whether its host runs or not.
 * Fails:   what is not such a file, or an event that cannot be read, ends the program.
 * Thread:  main thread only.
 * Knows:   SQLite and the format of the file.  Nothing of the host's code.
 */
#ifndef SOAK_JUDGE_JOURNAL_H
#define SOAK_JUDGE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fact_kind {
    FACT_RUN_START = 1,
    FACT_TOKEN = 2,
    FACT_WALLET = 3,
    FACT_ERROR = 4,
    FACT_RUN_END = 5,
    FACT_SLOT = 6
};

#define FACT_NO_TIME INT64_MIN

/* One event.  Texts are borrowed until the next; an absent one is NULL. */
struct fact {
    uint64_t seq;
    enum fact_kind kind;
    int64_t time_us;
    unsigned char id[16], run[16];
    const void *body; /* as it stands in the file */
    size_t body_size;
    union {
        struct {
            const char *schedule;
            int64_t slot_us;
        } start;
        struct {
            const char *token, *symbol;
            double change_pct, volume_usd;
        } token;
        struct {
            int is_new, score_e4;
            const char *address, *token, *profile;
        } wallet;
        struct {
            uint32_t line;
            const char *message, *token, *code;
        } error;
        struct {
            unsigned status;
            uint64_t errors_dropped;
            const char *reason;
        } end;
        struct {
            unsigned outcome;
            int64_t due_us;
            const char *schedule, *reason;
        } slot;
    } u;
};

struct journal_file;

struct journal_file *journal_file_open(const char *path);
void journal_file_close(struct journal_file *j);

const unsigned char *journal_file_id(const struct journal_file *j); /* 16 bytes */
uint64_t journal_file_first(const struct journal_file *j);          /* head + 1 when it has none */
uint64_t journal_file_head(const struct journal_file *j);
/* The highest event that any consumer has acknowledged. */
uint64_t journal_file_mark(const struct journal_file *j);

/* From the first event again; and the next one, false after the last. */
void journal_file_rewind(struct journal_file *j);
bool journal_file_next(struct journal_file *j, struct fact *out);

#endif
