#include "journal/thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>

int thread_start(uv_thread_t *thread, const char *name, void (*body)(void *arg), void *arg,
                 struct error *err)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    sigset_t all, before;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigdelset(&all, faults[i]); /* a blocked fault ends the process without a word */
    pthread_sigmask(SIG_SETMASK, &all, &before); /* inherited by the new thread */
    int code = uv_thread_create(thread, body, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code != 0)
        return error_set(err, -code, "start a thread: %s", uv_strerror(code));
    pthread_setname_np(*thread, name);
    return 0;
}
