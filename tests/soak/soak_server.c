#include "soak_server.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#include "support/failure.h"

enum { COMMIT_EVERY_MS = 10, AGAIN_MS = 50, MOMENTS = 40 };

struct server_threads {
    struct soak *soak;
    pthread_t committing, ending;
    sem_t wanted;
    struct figures commit_ms;
    unsigned long ended;
};

/* Runs it, on a connection that is made when there is none and dropped when it breaks. */
static bool run(struct server_threads *t, PGconn **c, const char *sql, bool *yielded)
{
    if (*c == NULL)
        *c = PQconnectdb(t->soak->conninfo);
    PGresult *r = PQstatus(*c) == CONNECTION_OK ? PQexec(*c, sql) : NULL;
    ExecStatusType status = PQresultStatus(r);
    bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (yielded != NULL)
        *yielded = good && PQntuples(r) == 1 && strcmp(PQgetvalue(r, 0, 0), "t") == 0;
    PQclear(r);
    if (!good && PQstatus(*c) != CONNECTION_OK) {
        PQfinish(*c);
        *c = NULL;
    }
    return good;
}

static void *commit(void *arg)
{
    struct server_threads *t = arg;
    PGconn *c = NULL;
    while (!t->soak->stop &&
           !run(t, &c, "CREATE TABLE IF NOT EXISTS probe AS SELECT 0::bigint AS n", NULL))
        soak_pause_ms(AGAIN_MS);
    while (!t->soak->stop) {
        double begin = soak_now_ms();
        if (run(t, &c, "UPDATE probe SET n = n + 1", NULL))
            figures_add(&t->commit_ms, soak_now_ms() - begin);
        else
            soak_pause_ms(AGAIN_MS);
        soak_pause_ms(COMMIT_EVERY_MS);
    }
    PQfinish(c);
    return NULL;
}

static void *end(void *arg)
{
    struct server_threads *t = arg;
    struct chance chance = chance_of(t->soak->options.seed, 3);
    PGconn *c = NULL;
    for (;;) {
        sem_wait(&t->wanted);
        if (t->soak->stop)
            break;
        soak_pause_ms((double)chance_below(&chance, MOMENTS * 10) / 10);
        bool ended = false;
        (void)run(t, &c,
                  "SELECT pg_terminate_backend(backend_pid) FROM walltrack.recorder_cursor"
                  " WHERE backend_pid IN (SELECT pid FROM pg_stat_activity)",
                  &ended);
        t->ended += ended;
    }
    PQfinish(c);
    return NULL;
}

void server_end_backend(struct server_threads *t)
{
    sem_post(&t->wanted);
}

struct server_threads *server_threads_start(struct soak *s)
{
    struct server_threads *t = calloc(1, sizeof *t);
    if (t == NULL)
        cannot_go_on("out of memory");
    t->soak = s;
    if (sem_init(&t->wanted, 0, 0) != 0 || pthread_create(&t->committing, NULL, commit, t) != 0 ||
        pthread_create(&t->ending, NULL, end, t) != 0)
        cannot_go_on("no thread");
    return t;
}

unsigned long server_threads_join(struct server_threads *t, struct figures *commit_ms)
{
    sem_post(&t->wanted);
    pthread_join(t->committing, NULL);
    pthread_join(t->ending, NULL);
    sem_destroy(&t->wanted);
    *commit_ms = t->commit_ms;
    unsigned long ended = t->ended;
    free(t);
    return ended;
}
