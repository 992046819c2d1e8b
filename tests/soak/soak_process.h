/* soak_process.h: what the host's process holds, from /proc.
 *
 * Thread: any; no state.
 */
#ifndef SOAK_PROCESS_H
#define SOAK_PROCESS_H

#include <sys/types.h>

struct holdings {
    long resident_kib;
    long descriptors, mappings, threads;
    long libraries; /* mappings of code that can be executed */
};

/* All -1 when the process is gone. */
struct holdings process_holdings(pid_t pid);

#endif
