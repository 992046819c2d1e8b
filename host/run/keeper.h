/* keeper.h: the small process that stands between the host and an engine.
 *
 * Promise: no process that an engine started outlives the engine, and none outlives the host,
 *          whatever they do (fork twice, setsid, ignore signals) and however the host dies.
 *
 * The host starts itself again as `walltrackd --keep HOST_PID GRACE_MS LIMITS COMMAND…`, LIMITS
 * being four numbers with commas between: the engine's memory in bytes, its processor time in
 * seconds, its largest file in bytes, its descriptors; 0 for none.  That process
 * adopts every orphan below it (PR_SET_CHILD_SUBREAPER), asks the kernel for a signal should the
 * host die (PR_SET_PDEATHSIG), and starts the engine in a session of its own.  Then it only waits:
 *
 *      SIGTERM            ask the engine's group to end; SIGKILL all after GRACE_MS
 *      the host has died  SIGKILL all at once
 *      the engine ended   SIGKILL whatever it left behind, then end the way it did
 *
 * The keeper ends with the engine's exit status or by the engine's signal, so the host sees what
 * it would have seen without it.  Should the keeper itself be killed, the engine gets SIGKILL.
 */
#ifndef RUN_KEEPER_H
#define RUN_KEEPER_H

#define KEEPER_OPTION "--keep"

/* Exit status when the engine cannot be started at all; the reason is on standard error. */
enum { KEEPER_CANNOT_START = 127 };

/* argv as above, from argv[2] on.  Returns the exit status. */
int keeper_main(int argc, char **argv);

#endif
