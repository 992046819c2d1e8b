/* proxy.h: a network between recorder and server that breaks when and where it is told to.
 *
 * It listens on a unix socket, passes on what it gets message by message, and knows where in the
 * PostgreSQL protocol it is: above all, which message makes the server commit.
 *
 * Fails:   ends the program when it cannot be made; a server that is away is a connection dropped.
 * Thread:  the calls from one thread; every connection is served by a thread of the proxy's own.
 */
#ifndef FAULTS_PROXY_H
#define FAULTS_PROXY_H

#include <stdbool.h>

struct proxy;

enum cut_kind {
    CUT_NONE,
    CUT_COMMIT_UNSENT,   /* the message that commits never reaches the server         */
    CUT_COMMIT_UNHEARD,  /* it does, and nobody is there any more to hear the answer  */
    CUT_COMMIT_ANSWERED, /* the server has answered, the answer goes nowhere          */
    CUT_COMMIT_LATE,     /* it reaches the server `n` ms after the recorder was cut off */
    CUT_BYTES_UP,        /* after `n` more bytes to the server                        */
    CUT_BYTES_DOWN,      /* after `n` more bytes from the server                      */
    CUT_MESSAGES,        /* after `n` more messages to the server                     */
    CUT_KINDS
};

/* Listens in a folder of its own below `directory`; the server's socket is in `server`. */
struct proxy *proxy_new(const char *directory, const char *server);
void proxy_free(struct proxy *p); /* cuts all; NULL is fine */

const char *proxy_folder(const struct proxy *p); /* the "host" to connect to */

/* The next connection that comes to that point is cut there. */
void proxy_order(struct proxy *p, enum cut_kind kind, unsigned long n);
/* Until it is; false, and the order is taken back, when it has not come to that in time. */
bool proxy_await(struct proxy *p, long ms);

/* For so long nothing passes, and nothing is closed: a cable that is pulled out and put back. */
void proxy_silence(struct proxy *p, long ms);
/* For so long only about half a megabyte a second passes. */
void proxy_trickle(struct proxy *p, long ms);

#endif
