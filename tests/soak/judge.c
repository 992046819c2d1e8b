/* The judge of a soak: what engines printed, what the journal holds, what was recorded.
 *
 *     judge --journal FILE --database CONNINFO --seed N --lines N --undecided N
 *           [--schema NAME] [--running] [--acknowledged FILE] [--gone]
 *           [--excuse TEXT]
 *
 *     --journal FILE       the host's journal.db; it is only read, also while the host runs
 *     --database CONNINFO  what the recorder writes to
 *     --schema NAME        … and its schema (default walltrack)
 *     --seed N …           as the engines had them
 *     --running            what is not recorded yet is no loss, and runs may be going
 *     --acknowledged FILE  ids of runs whose start was answered to a client, one a line
 *     --gone               the journal's beginning may have been removed, and what it never had
 *                          time to give may be in recorder_gaps or, without its run, in quarantine
 *     --excuse TEXT        a run may have failed for a reason with that in it
 *
 * It knows nothing of the host's and the recorder's code.  What each engine must have printed it
 * makes again from seed, run and line number; it walks the journal in the order of the events,
 * beside the recorder's tables in the order of their ids, and compares every value.  It prints one
 * line of figures, names the first findings on standard error, and ends with status 0 only when
 * there is none; 1 when there is; 2 when it could not judge. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge_counts.h"
#include "judge_gone.h"
#include "judge_journal.h"
#include "judge_report.h"
#include "judge_runs.h"
#include "judge_table.h"
#include "source.h"

struct options {
    const char *journal, *database, *schema, *acknowledged, *excuse;
    struct source_plan plan;
    bool running, gone;
};

struct judge {
    const struct options *options;
    struct journal_file *journal;
    struct database *database;
    struct runs *runs;
    struct gone *gone;
    uint64_t cursor; /* what lies beyond it is not recorded yet */
    uint64_t events;
    /* What to do with what is expected: the first walk compares, the second recognises. */
    void (*expect)(struct database *, enum table_name, const struct expected *);
    struct expected expected;
    char profile[SOURCE_PROFILE_MAX];
    char number[32];
};

/* ---- options ---- */

static uint64_t number(const char *text)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || text[0] == '-')
        cannot_judge("%s: not a number", text);
    return value;
}

static void read_options(int argc, char **argv, struct options *o)
{
    const struct {
        const char *name;
        const char **text;
        uint64_t *number;
    } known[] = {{"--journal", &o->journal, NULL},
                 {"--database", &o->database, NULL},
                 {"--schema", &o->schema, NULL},
                 {"--seed", NULL, &o->plan.seed},
                 {"--lines", NULL, &o->plan.lines},
                 {"--undecided", NULL, &o->plan.undecided},
                 {"--acknowledged", &o->acknowledged, NULL},
                 {"--excuse", &o->excuse, NULL}};
    const size_t n = sizeof known / sizeof *known;
    for (int i = 1; i < argc; i++) {
        size_t k = 0;
        while (k < n && strcmp(argv[i], known[k].name) != 0)
            k++;
        bool running = strcmp(argv[i], "--running") == 0, gone = strcmp(argv[i], "--gone") == 0;
        o->running |= running;
        o->gone |= gone;
        if (running || gone)
            continue;
        if (k == n || i + 1 == argc)
            cannot_judge("%s: %s", argv[i], k == n ? "unknown option" : "lacks its value");
        i++;
        if (known[k].text != NULL)
            *known[k].text = argv[i];
        else
            *known[k].number = number(argv[i]);
    }
    if (o->journal == NULL || o->database == NULL)
        cannot_judge("--journal and --database must be given");
}

/* ---- what each event must have led to ---- */

static void name_event(struct judge *j, const struct fact *f, const char *kind, const char *of)
{
    (void)snprintf(j->expected.what, sizeof j->expected.what, "event %llu, %s %s",
                   (unsigned long long)f->seq, kind, of);
}

static void expect_wallet(struct judge *j, const struct fact *f, const struct source_line *l,
                          bool is_new)
{
    struct expected *e = &j->expected;
    name_event(j, f, "wallet", l->address);
    expect_word(e, l->address);
    expect_word(e, l->token);
    if (j->options->gone && l->is_new < 0) /* who knows which runs found it before */
        expect_any(e);
    else
        expect_bool(e, is_new);
    if (l->score_e4 < 0)
        expect_null(e);
    else
        expect_text(
            e, j->number,
            (size_t)sprintf(j->number, "%d.%04d", l->score_e4 / 10000, l->score_e4 % 10000));
    if (l->has_profile)
        expect_text(e, j->profile, source_profile(l, true, j->profile));
    else
        expect_null(e);
    j->expect(j->database, TABLE_WALLETS, e);
}

static const char *or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static void expect_token(struct judge *j, const struct fact *f, const struct source_line *l)
{
    struct expected *e = &j->expected;
    name_event(j, f, "token", l->token);
    expect_word(e, l->token);
    expect_word(e, or_null(l->symbol));
    expect_double(e, l->change_pct);
    expect_double(e, l->volume_usd);
    j->expect(j->database, TABLE_TOKENS, e);
}

static void expect_error(struct judge *j, const struct fact *f, const struct source_line *l)
{
    struct expected *e = &j->expected;
    name_event(j, f, "error", l->message);
    expect_word(e, l->message);
    expect_word(e, or_null(l->token));
    expect_word(e, or_null(l->code));
    expect_null(e); /* of no line in particular */
    j->expect(j->database, TABLE_ERRORS, e);
}

static void take_line(struct judge *j, const struct fact *f)
{
    bool is_new = false;
    const struct source_line *l = runs_take_line(j->runs, f, &is_new);
    if (l == NULL)
        return;
    expect_begin(&j->expected, f->id);
    expect_time(&j->expected, f->time_us);
    expect_id(&j->expected, f->run);
    if (l->kind == SOURCE_WALLET)
        expect_wallet(j, f, l, is_new);
    else if (l->kind == SOURCE_TOKEN)
        expect_token(j, f, l);
    else
        expect_error(j, f, l);
}

static void take_slot(struct judge *j, const struct fact *f)
{
    static const char *const outcomes[] = {"fired", "overlap",   "paused",
                                           "limit", "host_down", "refused"};
    static const unsigned char none[ID_BYTES];
    struct expected *e = &j->expected;
    expect_begin(e, f->id);
    name_event(j, f, "slot of", f->u.slot.schedule);
    expect_time(e, f->time_us);
    if (memcmp(f->run, none, ID_BYTES) == 0)
        expect_null(e);
    else
        expect_id(e, f->run);
    expect_word(e, f->u.slot.schedule);
    expect_time(e, f->u.slot.due_us);
    expect_word(e, f->u.slot.outcome < 6 ? outcomes[f->u.slot.outcome] : "unknown");
    expect_word(e, f->u.slot.reason);
    j->expect(j->database, TABLE_SLOTS, e);
}

/* How many of a run's wallets are new, or are not. */
static void expect_new(struct judge *j, uint64_t count)
{
    if (j->options->gone && j->options->plan.undecided > 0)
        expect_any(&j->expected);
    else
        expect_int4(&j->expected, count);
}

static void expect_run(struct judge *j, const struct run *run)
{
    struct expected *e = &j->expected;
    expect_begin(e, run->id);
    (void)snprintf(e->what, sizeof e->what, "run %s", run->name);
    expect_time(e, run->start_us);
    expect_word(e, run->schedule);
    expect_time(e, run->slot_us);
    expect_word(e, run_status(run));
    if (run->ended) {
        expect_time(e, run->end_us);
        expect_word(e, run->reason);
        expect_int4(e, run->tokens);
        expect_new(j, run->fresh);
        expect_new(j, run->known);
        expect_int4(e, run->profiled);
        expect_int8(e, run->errors + run->dropped);
        expect_int4(e, run->errors < 100 ? run->errors : 100);
    }
    j->expect(j->database, TABLE_RUNS, e);
}

/* ---- the walk ---- */

static void check_order(const struct fact *f, uint64_t last, const unsigned char last_id[ID_BYTES])
{
    if (f->seq != last + 1)
        report_many(LOST, f->seq - last - 1, "the journal goes on with event %llu after %llu",
                    (unsigned long long)f->seq, (unsigned long long)last);
    if (memcmp(f->id, last_id, ID_BYTES) <= 0)
        report_damage(REORDERED, "the id of event %llu is not above that of the one before",
                      (unsigned long long)f->seq);
}

static void take(struct judge *j, const struct fact *f)
{
    switch (f->kind) {
    case FACT_RUN_START:
        runs_take_start(j->runs, f);
        break;
    case FACT_RUN_END:
        runs_take_end(j->runs, f);
        break;
    case FACT_SLOT:
        take_slot(j, f);
        break;
    default:
        take_line(j, f);
        break;
    }
}

/* A row of it, whatever is in it: nobody knows what its engine has printed. */
static void take_stray(struct judge *j, const struct fact *f)
{
    static const enum table_name tables[] = {
        [FACT_TOKEN] = TABLE_TOKENS, [FACT_WALLET] = TABLE_WALLETS, [FACT_ERROR] = TABLE_ERRORS};
    if (f->kind == FACT_RUN_END)
        return;
    expect_begin(&j->expected, f->id);
    name_event(j, f, "one of a run that started before", "");
    j->expect(j->database, tables[f->kind], &j->expected);
}

/* The run's start is not in the journal any more; the event may have found no run to belong to. */
static bool is_stray(struct judge *j, const struct fact *f)
{
    return j->options->gone && f->kind != FACT_RUN_START && f->kind != FACT_SLOT &&
           !runs_has(j->runs, f->run);
}

static void take_any(struct judge *j, const struct fact *f)
{
    if (!is_stray(j, f))
        take(j, f);
    else if (!gone_is_quarantined(j->gone, f))
        take_stray(j, f);
}

/* All events up to the cursor, then the runs; `compares` is the walk that also reports. */
static void walk(struct judge *j, bool compares)
{
    struct fact f;
    uint64_t last = journal_file_first(j->journal) - 1;
    unsigned char last_id[ID_BYTES] = {0};
    if (!j->options->gone)
        last = 0;
    j->runs = runs_make(&j->options->plan, j->options->excuse);
    j->events = 0;
    journal_file_rewind(j->journal);
    while (journal_file_next(j->journal, &f) && f.seq <= j->cursor) {
        if (compares)
            check_order(&f, last, last_id);
        last = f.seq;
        memcpy(last_id, f.id, ID_BYTES);
        j->events++;
        take_any(j, &f);
    }
    for (size_t i = 0; i < runs_count(j->runs); i++)
        expect_run(j, runs_at(j->runs, i));
}

static void check_runs_ended(const struct judge *j)
{
    for (size_t i = 0; i < runs_count(j->runs); i++)
        if (!runs_at(j->runs, i)->ended)
            report_damage(RUN_WRONG, "run %s has not ended", runs_at(j->runs, i)->name);
}

/* The second walk meets the same damage in the journal again, which is not to be counted twice. */
static void judge_rows(struct judge *j)
{
    struct fact oldest;
    if (!journal_file_next(j->journal, &oldest))
        memset(oldest.id, 0xff, sizeof oldest.id); /* above all of them */
    j->expect = table_expect;
    tables_begin(j->database, j->options->gone ? oldest.id : NULL);
    walk(j, true);
    tables_end(j->database);
    if (!j->options->running)
        check_runs_ended(j);
    if (!tables_are_suspect(j->database))
        return;
    struct runs *first = j->runs;
    report_pause(true);
    j->expect = suspect_expect;
    suspects_begin(j->database);
    walk(j, false);
    runs_drop(j->runs);
    report_pause(false);
    j->runs = first;
    suspects_end(j->database);
}

/* ---- cursor and counts ---- */

static uint64_t count(struct judge *j, const char *sql)
{
    return number(database_value(j->database, sql));
}

static void judge_cursor(struct judge *j)
{
    char id[2 * ID_BYTES + 1];
    if (strcmp(database_value(j->database, "SELECT to_regclass('recorder_cursor') IS NOT NULL"),
               "t") != 0 ||
        count(j, "SELECT count(*) FROM recorder_cursor") != 1)
        cannot_judge("the database has no cursor, or more than one");
    for (int i = 0; i < ID_BYTES; i++)
        (void)sprintf(id + (size_t)i * 2, "%02x", journal_file_id(j->journal)[i]);
    if (strcmp(database_value(j->database,
                              "SELECT replace(journal_id::text, '-', '') FROM recorder_cursor"),
               id) != 0)
        cannot_judge("the cursor belongs to another journal");
    j->cursor = count(j, "SELECT seq FROM recorder_cursor");
    uint64_t head = journal_file_head(j->journal);
    if (j->cursor > head)
        report_damage(FOREIGN, "the cursor %llu is beyond the journal's head %llu",
                      (unsigned long long)j->cursor, (unsigned long long)head);
    else if (!j->options->running)
        report_many(LAGGING, head - j->cursor, "the cursor is %llu, the journal's head %llu",
                    (unsigned long long)j->cursor, (unsigned long long)head);
    uint64_t mark = journal_file_mark(j->journal);
    if (mark > j->cursor && !j->options->running) /* the database was looked at before */
        report_damage(LOST, "event %llu is marked as acknowledged, the cursor is %llu",
                      (unsigned long long)mark, (unsigned long long)j->cursor);
}

static void judge_tables(struct judge *j)
{
    j->gone = gone_read(j->database);
    if (j->options->gone)
        return;
    counts_check_slots(j->database);
    report_many(QUARANTINED, gone_in_quarantine(j->gone), "there are rows in recorder_quarantine");
    report_many(GAP, count(j, "SELECT count(*) FROM recorder_gaps"),
                "there are rows in recorder_gaps");
}

/* ---- what clients were told ---- */

static void judge_answer(struct judge *j, const char *id)
{
    char sql[160];
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM discovery_runs WHERE id = '%.36s'", id);
    if (count(j, sql) != 1)
        report_damage(LOST, "run %.36s, of whose start a client was told, is not recorded", id);
}

static void judge_answers(struct judge *j)
{
    char line[64];
    const char *path = j->options->acknowledged;
    FILE *f = path != NULL ? fopen(path, "re") : NULL;
    if (path != NULL && f == NULL)
        cannot_judge("%s: %s", path, strerror(errno));
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        judge_answer(j, line);
    if (f != NULL)
        (void)fclose(f);
}

int main(int argc, char **argv)
{
    struct options o = {.schema = "walltrack", .plan = {.seed = 1, .lines = 10000}};
    read_options(argc, argv, &o);
    struct judge *j = calloc(1, sizeof *j);
    if (j == NULL)
        cannot_judge("out of memory");
    j->options = &o;
    /* The database first: what is in it is in a journal that is read later. */
    j->database = database_open(o.database, o.schema);
    j->journal = journal_file_open(o.journal);
    judge_cursor(j);
    judge_tables(j);
    judge_answers(j);
    judge_rows(j);
    if (report_total() == 0) /* what is known already would only be counted once more */
        counts_check(j->database, j->gone, j->cursor);

    uint64_t completed = 0, cut = 0;
    runs_ends(j->runs, &completed, &cut);
    (void)printf("judge: ");
    report_print(stdout);
    (void)printf(" events=%llu cursor=%llu head=%llu runs=%zu completed=%llu cut=%llu\n",
                 (unsigned long long)j->events, (unsigned long long)j->cursor,
                 (unsigned long long)journal_file_head(j->journal), runs_count(j->runs),
                 (unsigned long long)completed, (unsigned long long)cut);
    runs_drop(j->runs);
    gone_drop(j->gone);
    journal_file_close(j->journal);
    database_close(j->database);
    free(j);
    return report_total() == 0 ? 0 : 1;
}
