/* faults.h: loops of faults, and the table that they fill.
 *
 * Each loop is a process of its own, with a server and hosts of its own; its rows are in memory
 * that it shares with the program that prints them.
 */
#ifndef FAULTS_FAULTS_H
#define FAULTS_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

enum { ROWS_MAX = 48 };

struct fault_row {
    char name[56];
    unsigned long count;
    unsigned long stuck;       /* not recovered in time                           */
    unsigned long blamed;      /* something that must not be: the note says what */
    long lost, doubled, wrong; /* as judged; wrong: all other damage        */
    bool judged;
    bool is_part; /* of the row above: judged with it                       */
    double worst_ms, sum_ms;
    unsigned long timed;
    char note[200];
};

struct fault_plan {
    bool is_short;
    uint64_t seed;
    double scale;         /* of all counts          */
    const char *only;     /* part of a fault's name, or NULL: all */
    const char *recorder; /* the build to record with, or NULL: the usual */
    const char *keep;     /* folder for what was judged wrong, or NULL */
};

struct fault_rows {
    struct fault_row row[ROWS_MAX];
    unsigned used;
};

struct fault_loop {
    const char *name;
    void (*run)(const struct fault_plan *plan, struct fault_rows *rows);
    const char *what;
};

void loop_kills(const struct fault_plan *plan, struct fault_rows *rows);
void loop_server(const struct fault_plan *plan, struct fault_rows *rows);
void loop_commits(const struct fault_plan *plan, struct fault_rows *rows);
void loop_cuts(const struct fault_plan *plan, struct fault_rows *rows);
void loop_disk(const struct fault_plan *plan, struct fault_rows *rows);
void loop_calls(const struct fault_plan *plan, struct fault_rows *rows);
void loop_cursor(const struct fault_plan *plan, struct fault_rows *rows);
void loop_points(const struct fault_plan *plan, struct fault_rows *rows);

/* The plan that is in force in this process. */
extern const struct fault_plan *fault_plan;

struct fault_row *fault_row_new(struct fault_rows *rows, const char *name);

/* Whether the plan has faults of that name. */
bool fault_is_wanted(const char *name);

/* The long form's count or the short one's, as the plan scales it; at least 1. */
unsigned fault_count(const struct fault_plan *plan, unsigned in_short, unsigned in_long);

#endif
