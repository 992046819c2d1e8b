#include "support/postgres.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "support/failure.h"
#include "support/process.h"
#include "support/scratch.h"

enum { START_MS = 60000, STOP_MS = 30000, LOG_TAIL = 8192, POLL_MS = 10 };

struct postgres {
    char directory[SCRATCH_PATH_SIZE];
    char data[SCRATCH_PATH_SIZE + 16];
    char log[SCRATCH_PATH_SIZE + 16];
    char database[32]; /* the current one */
    char conninfo[512];
    char *text; /* of the last query */
    unsigned databases;
    int port;
    bool tcp;
    pid_t pid; /* -1: stopped */
};

void postgres_print_log(const struct postgres *pg)
{
    scratch_print_tail(pg->log, LOG_TAIL);
}

/* ---- making it ---- */

static void run_initdb(struct postgres *pg)
{
    const char *const argv[] = {process_postgres_program("initdb"),
                                "--pgdata",
                                pg->data,
                                "--username=postgres",
                                "--auth=trust",
                                "--encoding=UTF8",
                                "--locale=C",
                                "--no-sync",
                                "--no-instructions",
                                NULL};
    const struct process_options options = {.log = pg->log, .directory = "/", .as_postgres = true};
    if (process_run(argv, &options) == 0)
        return;
    postgres_print_log(pg);
    cannot_go_on("initdb failed");
}

/* A port that was free a moment ago. */
static int free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        cannot_go_on("no free port: %s", strerror(errno));
    close(fd);
    return ntohs(address.sin_port);
}

static void write_settings(struct postgres *pg, const struct postgres_options *o)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/postgresql.conf", pg->data);
    FILE *f = fopen(path, "ae");
    if (f == NULL)
        cannot_go_on("%s: %s", path, strerror(errno));
    (void)fprintf(f, "listen_addresses = '%s'\nport = %d\nunix_socket_directories = '%s'\n",
                  o->tcp ? "127.0.0.1" : "", pg->port, pg->directory);
    (void)fprintf(f, "fsync = %s\nshared_buffers = 16MB\nmax_connections = 40\n",
                  o->no_fsync ? "off" : "on");
    (void)fprintf(f, "log_destination = stderr\nlog_line_prefix = '%%m [%%p] '\ntimezone = UTC\n");
    for (size_t i = 0; o->settings != NULL && o->settings[i] != NULL; i++)
        (void)fprintf(f, "%s\n", o->settings[i]);
    (void)fclose(f);
}

struct postgres *postgres_new(const struct postgres_options *options)
{
    const struct postgres_options usual = {0};
    if (options == NULL)
        options = &usual;
    struct postgres *pg = calloc(1, sizeof *pg);
    if (pg == NULL)
        cannot_go_on("out of memory");
    pg->pid = -1;
    scratch_new(pg->directory);
    process_give_to_postgres(pg->directory);
    (void)snprintf(pg->data, sizeof pg->data, "%s/data", pg->directory);
    (void)snprintf(pg->log, sizeof pg->log, "%s/log", pg->directory);
    (void)snprintf(pg->database, sizeof pg->database, "postgres");
    pg->tcp = options->tcp;
    pg->port = options->tcp ? free_port() : 5432;
    run_initdb(pg);
    write_settings(pg, options);
    postgres_start(pg);
    return pg;
}

void postgres_free(struct postgres *pg)
{
    if (pg == NULL)
        return;
    if (pg->pid > 0)
        postgres_stop(pg, POSTGRES_IMMEDIATE);
    scratch_remove(pg->directory);
    free(pg->text);
    free(pg);
}

/* ---- starting and stopping ---- */

static bool is_accepting(struct postgres *pg)
{
    char conninfo[256];
    (void)snprintf(conninfo, sizeof conninfo,
                   "host=%s port=%d user=postgres dbname=postgres connect_timeout=10",
                   pg->directory, pg->port);
    return PQping(conninfo) == PQPING_OK;
}

void postgres_start(struct postgres *pg)
{
    const char *const argv[] = {process_postgres_program("postgres"), "-D", pg->data, NULL};
    const struct process_options options = {
        .log = pg->log, .directory = "/", .death_signal = SIGQUIT, .as_postgres = true};
    pg->pid = process_start(argv, &options);
    long deadline = process_now_ms() + START_MS;
    while (!is_accepting(pg)) {
        int status = 0;
        bool ended = process_wait(pg->pid, POLL_MS, &status);
        if (!ended && process_now_ms() < deadline)
            continue;
        if (ended)
            pg->pid = -1;
        postgres_print_log(pg);
        cannot_go_on("PostgreSQL does not start (status %d)", status);
    }
}

void postgres_stop(struct postgres *pg, enum postgres_stop_mode mode)
{
    (void)process_stop(pg->pid, mode == POSTGRES_FAST ? SIGINT : SIGQUIT, STOP_MS);
    pg->pid = -1;
}

void postgres_restart(struct postgres *pg, enum postgres_stop_mode mode)
{
    postgres_stop(pg, mode);
    postgres_start(pg);
}

bool postgres_is_running(const struct postgres *pg)
{
    return pg->pid > 0;
}

int postgres_port(const struct postgres *pg)
{
    return pg->port;
}

pid_t postgres_pid(const struct postgres *pg)
{
    return pg->pid;
}

const char *postgres_directory(const struct postgres *pg)
{
    return pg->directory;
}

/* ---- databases ---- */

static const char *conninfo_for(struct postgres *pg, const char *host)
{
    (void)snprintf(pg->conninfo, sizeof pg->conninfo, "host=%s port=%d user=postgres dbname=%s",
                   host, pg->port, pg->database);
    return pg->conninfo;
}

const char *postgres_conninfo(struct postgres *pg)
{
    return conninfo_for(pg, pg->directory);
}

const char *postgres_tcp_conninfo(struct postgres *pg)
{
    if (!pg->tcp)
        cannot_go_on("this server was made without tcp");
    return conninfo_for(pg, "127.0.0.1");
}

const char *postgres_fresh_database(struct postgres *pg)
{
    char drop[96];
    char create[96];
    (void)snprintf(drop, sizeof drop, "DROP DATABASE IF EXISTS %s WITH (FORCE)", pg->database);
    bool had_one = pg->databases > 0;
    (void)snprintf(pg->database, sizeof pg->database, "postgres");
    if (had_one)
        (void)postgres_query(pg, drop);
    (void)snprintf(create, sizeof create, "CREATE DATABASE t_%u", ++pg->databases);
    (void)postgres_query(pg, create);
    (void)snprintf(pg->database, sizeof pg->database, "t_%u", pg->databases);
    return pg->database;
}

/* ---- queries ---- */

static char *rows_as_text(const PGresult *r)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (f == NULL)
        return NULL;
    for (int row = 0; row < PQntuples(r); row++) {
        (void)fputs(row > 0 ? "\n" : "", f);
        for (int field = 0; field < PQnfields(r); field++)
            (void)fprintf(f, "%s%s", field > 0 ? "|" : "", PQgetvalue(r, row, field));
    }
    if (PQresultStatus(r) == PGRES_COMMAND_OK)
        (void)fputs(PQcmdStatus((PGresult *)r), f);
    (void)fclose(f);
    return text;
}

/* Sets pg->text to the result or to the message; true when all went well. */
static bool run_sql(struct postgres *pg, const char *sql)
{
    free(pg->text);
    pg->text = NULL;
    PGconn *c = PQconnectdb(postgres_conninfo(pg));
    PGresult *r = PQstatus(c) == CONNECTION_OK ? PQexec(c, sql) : NULL;
    ExecStatusType status = PQresultStatus(r); /* of NULL: fatal error */
    bool good = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
    pg->text = good ? rows_as_text(r) : strdup(PQerrorMessage(c));
    PQclear(r);
    PQfinish(c);
    if (pg->text == NULL)
        cannot_go_on("out of memory");
    return good;
}

const char *postgres_try(struct postgres *pg, const char *sql)
{
    (void)run_sql(pg, sql);
    return pg->text;
}

const char *postgres_query(struct postgres *pg, const char *sql)
{
    if (!run_sql(pg, sql)) {
        postgres_print_log(pg);
        cannot_go_on("%s\n%s", sql, pg->text);
    }
    return pg->text;
}

static void wrong_answer(const struct postgres *pg, const char *sql, const char *expected,
                         const char *file, int line)
{
    postgres_print_log(pg);
    failure_at(file, line, "%s\n  expected: %s\n  got:      %s", sql, expected, pg->text);
}

void then_query_at(struct postgres *pg, const char *sql, const char *expected, const char *file,
                   int line)
{
    if (!run_sql(pg, sql) || strcmp(pg->text, expected) != 0)
        wrong_answer(pg, sql, expected, file, line);
}

void postgres_await_at(struct postgres *pg, const char *sql, const char *expected, int ms,
                       const char *file, int line)
{
    long deadline = process_now_ms() + ms;
    while (!run_sql(pg, sql) || strcmp(pg->text, expected) != 0) {
        if (process_now_ms() >= deadline)
            wrong_answer(pg, sql, expected, file, line);
        process_pause_ms(POLL_MS);
    }
}

/* ---- for a group of tests ---- */

int postgres_group_setup(void **state)
{
    *state = postgres_new(NULL);
    return 0;
}

int postgres_group_teardown(void **state)
{
    postgres_free(*state);
    return 0;
}
