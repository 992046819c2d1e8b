#include "soak_load.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "soak_client.h"
#include "support/failure.h"

enum { REQUEST_MS = 10000, FULL_MS = 20, IDLE_MS = 20, BEHIND_MS = 100, LAG_MOST = 20000 };

struct load {
    struct soak *soak;
    pthread_t thread;
    unsigned long started, held;
    FILE *answers; /* or NULL */
};

/* Before the next request: it is to be known of, whatever becomes of the host then. */
static void note_answer(struct load *l, struct client *c)
{
    const char *id = json_string_value(json_object_get(client_json(c), "run_id"));
    l->started++;
    if (l->answers != NULL && (fprintf(l->answers, "%s\n", id) < 0 || fflush(l->answers) != 0))
        cannot_go_on("the answers cannot be noted");
}

/* The journal keeps all for the judge, so it cannot hold the engines back by itself. */
static bool is_behind(struct client *c)
{
    if (client_ask(c, "GET", "/api/plugins/recorder", NULL, REQUEST_MS) != 200)
        return false;
    return json_integer_value(json_object_get(client_json(c), "lag")) > LAG_MOST;
}

/* Where schedules are to start runs too, there has to be a place for them. */
static bool is_enough(struct client *c, const struct soak *s)
{
    return s->leaves_room &&
           client_metric(c, "walltrack_runs_running") >= (double)s->options.engines;
}

/* The host says when as many runs are going as it allows. */
static void *work(void *arg)
{
    struct load *l = arg;
    struct client *c = client_new(l->soak->socket);
    while (!l->soak->stop) {
        if (!l->soak->load) {
            soak_pause_ms(IDLE_MS);
            continue;
        }
        if (is_behind(c)) {
            l->held++;
            soak_pause_ms(BEHIND_MS);
            continue;
        }
        if (is_enough(c, l->soak)) {
            soak_pause_ms(FULL_MS);
            continue;
        }
        int status = client_ask(c, "POST", "/api/discovery/run", "{}", REQUEST_MS);
        if (status == 200)
            note_answer(l, c);
        else
            soak_pause_ms(FULL_MS);
    }
    client_free(c);
    return NULL;
}

struct load *load_start(struct soak *s)
{
    struct load *l = calloc(1, sizeof *l);
    if (l == NULL)
        cannot_go_on("out of memory");
    l->soak = s;
    l->answers = s->answers != NULL ? fopen(s->answers, "ae") : NULL;
    if (s->answers != NULL && l->answers == NULL)
        cannot_go_on("%s cannot be written", s->answers);
    if (pthread_create(&l->thread, NULL, work, l) != 0)
        cannot_go_on("no thread");
    return l;
}

unsigned long load_join(struct load *l, double *held_seconds)
{
    pthread_join(l->thread, NULL);
    unsigned long started = l->started;
    if (l->answers != NULL)
        (void)fclose(l->answers);
    *held_seconds = (double)l->held * BEHIND_MS / 1000;
    free(l);
    return started;
}
