#include "support/pgbouncer.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "support/failure.h"
#include "support/process.h"
#include "support/scratch.h"

enum { START_MS = 30000, STOP_MS = 10000, LOG_TAIL = 8192, POLL_MS = 10 };

static const char program[] = "/usr/sbin/pgbouncer";

struct pgbouncer {
    struct postgres *pg; /* borrowed */
    char directory[SCRATCH_PATH_SIZE];
    char log[SCRATCH_PATH_SIZE + 16];
    char conninfo[512];
    pid_t pid;
};

bool pgbouncer_exists(void)
{
    return access(program, X_OK) == 0;
}

/* With auth_type "any" the login is the one in the line of the database. */
static void write_settings(struct pgbouncer *b, int pool_size)
{
    char text[1024];
    (void)snprintf(text, sizeof text,
                   "[databases]\n"
                   "* = host=%s port=%d user=postgres\n"
                   "[pgbouncer]\n"
                   "unix_socket_dir = %s\n"
                   "listen_port = 6432\n"
                   "auth_type = any\n"
                   "pool_mode = transaction\n"
                   "default_pool_size = %d\n"
                   "max_client_conn = 100\n"
                   "ignore_startup_parameters = extra_float_digits\n",
                   postgres_directory(b->pg), postgres_port(b->pg), b->directory, pool_size);
    scratch_write(b->directory, "pgbouncer.ini", text);
}

static void await_start(struct pgbouncer *b)
{
    char conninfo[256];
    (void)snprintf(conninfo, sizeof conninfo, "host=%s port=6432 user=postgres dbname=postgres",
                   b->directory);
    long deadline = process_now_ms() + START_MS;
    while (PQping(conninfo) != PQPING_OK) {
        int status = 0;
        if (!process_wait(b->pid, POLL_MS, &status) && process_now_ms() < deadline)
            continue;
        scratch_print_tail(b->log, LOG_TAIL);
        cannot_go_on("PgBouncer does not start (status %d)", status);
    }
}

struct pgbouncer *pgbouncer_new(struct postgres *pg, int pool_size)
{
    struct pgbouncer *b = calloc(1, sizeof *b);
    if (b == NULL)
        cannot_go_on("out of memory");
    b->pg = pg;
    scratch_new(b->directory);
    process_give_to_postgres(b->directory);
    (void)snprintf(b->log, sizeof b->log, "%s/log", b->directory);
    write_settings(b, pool_size);
    const char *const argv[] = {program, "pgbouncer.ini", NULL};
    const struct process_options options = {
        .log = b->log, .directory = b->directory, .as_postgres = true};
    b->pid = process_start(argv, &options);
    await_start(b);
    return b;
}

void pgbouncer_free(struct pgbouncer *b)
{
    if (b == NULL)
        return;
    (void)process_stop(b->pid, SIGINT, STOP_MS);
    scratch_remove(b->directory);
    free(b);
}

const char *pgbouncer_conninfo(struct pgbouncer *b)
{
    const char *database = strstr(postgres_conninfo(b->pg), "dbname=");
    (void)snprintf(b->conninfo, sizeof b->conninfo, "host=%s port=6432 user=postgres %s",
                   b->directory, database);
    return b->conninfo;
}
