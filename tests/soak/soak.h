/* soak.h: what the parts of the soak share: options, and where host and server are.
 *
 * Thread:  options and places are written before the threads start; what changes is atomic.
 *
 *      main          starts host and server, kills and crashes them, looks at the host's process
 *      soak_load     starts runs, so that engines are always going
 *      soak_swaps    orders one swap after the other, and keeps the book of verdicts
 *      soak_server   times commits of its own; ends the recorder's backend in mid-swap
 */
#ifndef SOAK_SOAK_H
#define SOAK_SOAK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { POOL_MAX = 16 };

struct soak_options {
    uint64_t swaps;     /* to order; 0: as many as there is time for       */
    uint64_t seconds;   /* … 0: as long as it takes                        */
    uint64_t quiet;     /* swaps after those, with no load                 */
    uint64_t rate;      /* lines a second of all engines; 0: full speed    */
    uint64_t engines;   /* at the same time                                */
    uint64_t lines;     /* of a run, about                                 */
    uint64_t undecided; /* percent of wallets that are new or not: see source.h */
    uint64_t kills;     /* of the host                                     */
    uint64_t crashes;   /* of the server                                   */
    uint64_t commit_ms; /* that each commit of the server takes longer     */
    uint64_t seed;      /* what engines print and what the soak chooses    */
    uint64_t abrupt;    /* percent of swaps without time to drain          */
    uint64_t terminate; /* percent of swaps in which a backend is ended    */
    const char *pool;   /* files of the builds, with colons between */
    const char *expect; /* a kind of damage that the judge has to find, or NULL */
    const char *keep;   /* folder that gets log and journal at the end, or NULL */
    bool no_tripwire;   /* drop the keys that would refuse a row twice     */
};

/* Exits with a message when they are wrong, or with the help that was asked for. */
void soak_options_read(int argc, char **argv, struct soak_options *o);

struct soak {
    struct soak_options options;
    const char *socket;        /* of the host                          */
    const char *plugin_folder; /* where it takes builds from           */
    const char *conninfo;      /* of the server                        */
    const char *answers;  /* file that gets the ids of runs whose start was answered, or NULL */
    char *pool[POOL_MAX]; /* names of builds in the plugin folder */
    unsigned n_pool;
    bool leaves_room; /* no more runs are started than there are engines */

    atomic_uint lives;          /* of the host; counts up before a kill */
    atomic_bool host_is_down;   /* killed, and not answering again yet  */
    atomic_bool server_is_down; /* crashed, and not accepting again yet */
    atomic_bool load;           /* runs are to be started               */
    atomic_bool hold_swaps;     /* none is to be ordered just now       */
    atomic_bool swap_is_going;  /* one is                               */
    atomic_bool stop;           /* no more swaps, nothing               */
    atomic_ulong most;          /* swaps to order by now; 0: no end     */
    atomic_ulong ordered;       /* swaps, so far                        */
    atomic_ulong live;          /* … of them with that verdict          */
};

/* A small generator for each thread. */
struct chance {
    uint64_t state;
};
struct chance chance_of(uint64_t seed, unsigned thread);
unsigned chance_below(struct chance *c, unsigned limit);
bool chance_percent(struct chance *c, uint64_t percent);

/* Milliseconds of a steady clock; and a pause. */
double soak_now_ms(void);
void soak_pause_ms(double ms);

#endif
