/* soak_report.h: what a soak has to say at its end. */
#ifndef SOAK_REPORT_H
#define SOAK_REPORT_H

#include "soak.h"
#include "soak_figures.h"
#include "soak_process.h"
#include "soak_swaps.h"

struct outcome_of_soak {
    struct book book;
    struct figures commit_ms;
    double seconds;
    double held_seconds; /* that no run was started for, since too much was waiting */
    unsigned long runs, backends_ended, kills, crashes;
    double engine_pauses; /* as the host counts them, all its lives */
    double loop_ms;       /* its longest turn; -1: it does not say  */
    bool grown;           /* the next are known                     */
    struct holdings calm, end;
    unsigned long calm_swaps, end_swaps;
    long quiet_kib;    /* more than before the quiet swaps, after a first few of them */
    char verdict[512]; /* the judge's line */
    int judged;        /* its status       */
};

/* Prints all of it; whether nothing is wrong. */
bool report_soak(const struct soak_options *o, struct outcome_of_soak *r);

#endif
