/* soak_client.h: requests to the host, from any thread; one client a thread.
 *
 * Fails:   no answer is status 0: the host may just have been killed.
 */
#ifndef SOAK_CLIENT_H
#define SOAK_CLIENT_H

#include <jansson.h>

struct client;

struct client *client_new(const char *socket);
void client_free(struct client *c);

/* `body` may be NULL.  Waits at most `ms`. */
int client_ask(struct client *c, const char *method, const char *path, const char *body, long ms);

/* Of the last answer, borrowed until the next request; NULL when it is no JSON. */
const json_t *client_json(const struct client *c);
const char *client_text(const struct client *c);

/* A figure of GET /metrics (all labels summed), -1 when there is none. */
double client_metric(struct client *c, const char *name);

#endif
