/* process.h: the children of a test program.
 *
 * Promise: no child outlives the test program: the kernel signals it when we die, and every
 *          wait has a deadline.  Only processes started here are ever signalled.
 * Fails:   prints why and fails the running test.
 * Thread:  main thread only (a child is signalled when the thread that started it ends).
 */
#ifndef SUPPORT_PROCESS_H
#define SUPPORT_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

struct process_options {
    const char *log;        /* standard output and error are appended here; NULL: inherited   */
    const char *output;     /* standard output goes here instead, truncated; NULL: as log     */
    const char *directory;  /* to start in; NULL: ours                                        */
    int death_signal;       /* for the child when we die; 0: SIGKILL                          */
    bool as_postgres;       /* when we are root: as the user postgres, which servers insist on */
    const char *const *set; /* "NAME=value" to add to the environment, NULL at the end        */
};

/* Starts argv[0] (looked up in PATH when it has no slash). */
pid_t process_start(const char *const argv[], const struct process_options *options);

/* Waits at most `ms`; on true the child has been reaped and *status is its exit status, or
 * 128 + the signal that ended it. */
bool process_wait(pid_t pid, int ms, int *status);

/* Starts and waits at most a minute; the exit status as above. */
int process_run(const char *const argv[], const struct process_options *options);

/* Sends `signal`, waits at most `ms`, then kills.  Returns the exit status as above. */
int process_stop(pid_t pid, int signal, int ms);

/* "/usr/lib/postgresql/15/bin/name" of the newest installed server; borrowed for the call. */
const char *process_postgres_program(const char *name);

/* Makes `path` belong to the user that as_postgres runs as. */
void process_give_to_postgres(const char *path);

/* Milliseconds of a steady clock, for deadlines; and a pause of at most a few of them. */
long process_now_ms(void);
void process_pause_ms(long ms);

#endif
