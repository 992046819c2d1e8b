/* ctl_host.h: walltrackctl's commands against a host of canned answers, on a real socket.
 *
 * given() says what is answered to what; run() runs a command line; then_* check what it printed.
 * When several answers are given to one request, each is given once, in order, the last for ever.
 */
#ifndef CTL_HOST_H
#define CTL_HOST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <curl/curl.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "ctl/arguments.h"
#include "ctl/commands.h"

/* ---- a host that answers one thing ------------------------------------------------------ */

static char folder[] = "/tmp/walltrack-ctl-XXXXXX";
static char path[64];
static int listener;
static pthread_t thread;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

enum { CANNED_MAX = 8, INTERRUPTS = -1 };

static struct {
    const char *request; /* what its first line begins with */
    int status;          /* INTERRUPTS: no answer but Ctrl-C */
    const char *body;
    bool raw; /* the body is all that is sent, head and all */
    bool used;
} canned[CANNED_MAX];
static char last_request[8192];

/* Of the last command. */
static char output[65536], notes[8192]; /* the latter on the standard error */
static struct error problem;
static size_t width; /* of the terminal; 0: it is none */

/* A request's head, and as much of its body as Content-Length says. */
static void read_request(int fd, char *out, size_t room)
{
    size_t used = 0;
    for (;;) {
        ssize_t n = read(fd, out + used, room - used - 1);
        if (n <= 0)
            return;
        used += (size_t)n;
        out[used] = '\0';
        const char *end = strstr(out, "\r\n\r\n");
        const char *length = strcasestr(out, "Content-Length: ");
        size_t body = length != NULL ? strtoul(length + 16, NULL, 10) : 0;
        if (end != NULL && (size_t)(end - out) + 4 + body <= used)
            return;
    }
}

/* The row that answers, or CANNED_MAX. */
static size_t choose(const char *request)
{
    size_t chosen = CANNED_MAX;
    for (size_t i = 0; i < CANNED_MAX; i++) {
        bool fits = canned[i].request != NULL &&
                    strncmp(request, canned[i].request, strlen(canned[i].request)) == 0;
        if (fits && (chosen == CANNED_MAX || canned[chosen].used))
            chosen = i;
    }
    return chosen;
}

/* As if the user pressed Ctrl-C, and no answer ever. */
static void interrupt(int fd)
{
    char nothing;
    kill(getpid(), SIGINT);
    while (read(fd, &nothing, 1) > 0)
        continue;
}

static void answer(int fd)
{
    char request[8192] = "", head[256];
    read_request(fd, request, sizeof request);
    int status = 404;
    bool raw = false;
    const char *body = "{\"detail\":\"Run not found\"}";
    pthread_mutex_lock(&lock);
    size_t chosen = choose(request);
    if (chosen < CANNED_MAX) {
        canned[chosen].used = true;
        status = canned[chosen].status;
        body = canned[chosen].body;
        raw = canned[chosen].raw;
    }
    memcpy(last_request, request, sizeof last_request);
    pthread_mutex_unlock(&lock);
    if (status == INTERRUPTS) {
        interrupt(fd);
        return;
    }
    int n = raw ? 0
                : snprintf(head, sizeof head,
                           "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                           status, strlen(body));
    assert_int_equal(write(fd, head, (size_t)n), n);
    assert_int_equal(write(fd, body, strlen(body)), strlen(body));
}

static void *serve(void *arg)
{
    (void)arg;
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        answer(fd);
        close(fd);
    }
}

static int host_start(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/s", folder);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 8), 0);
    sigset_t interrupts; /* are for the commands only */
    sigemptyset(&interrupts);
    sigaddset(&interrupts, SIGINT);
    pthread_sigmask(SIG_BLOCK, &interrupts, NULL);
    int failed = pthread_create(&thread, NULL, serve, NULL);
    pthread_sigmask(SIG_UNBLOCK, &interrupts, NULL);
    return failed;
}

static int host_stop(void **state)
{
    (void)state;
    shutdown(listener, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(listener);
    unlink(path);
    return rmdir(folder);
}

static int forget(void **state)
{
    (void)state;
    memset(canned, 0, sizeof canned);
    width = 0;
    setenv("TZ", "UTC", 1); /* a command may have chosen another zone */
    tzset();
    return 0;
}

static void given(size_t i, const char *request, int status, const char *body)
{
    pthread_mutex_lock(&lock);
    canned[i].request = request;
    canned[i].status = status;
    canned[i].body = body;
    canned[i].raw = false;
    canned[i].used = false;
    pthread_mutex_unlock(&lock);
}

/* All that is sent, beginning with the status line. */
static inline void given_raw(size_t i, const char *request, const char *answer)
{
    given(i, request, 200, answer);
    pthread_mutex_lock(&lock);
    canned[i].raw = true;
    pthread_mutex_unlock(&lock);
}

/* ---- running a command ----------------------------------------------------------------- */

/* The standard error goes to memory, and back. */
static int listen_to_notes(void)
{
    int kept = dup(STDERR_FILENO);
    int memory = memfd_create("notes", MFD_CLOEXEC);
    assert_true(kept >= 0 && memory >= 0);
    assert_int_equal(dup2(memory, STDERR_FILENO), STDERR_FILENO);
    close(memory);
    return kept;
}

static void stop_listening(int kept)
{
    ssize_t n = pread(STDERR_FILENO, notes, sizeof notes - 1, 0);
    notes[n > 0 ? n : 0] = '\0';
    assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
    close(kept);
}

static enum status run(const char *line)
{
    static char text[512];
    char *argv[32] = {(char *)"walltrackctl"};
    int argc = 1;
    struct arguments arguments;
    snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
        argv[argc++] = word;
    problem = (struct error){0};
    output[0] = notes[0] = '\0';
    if (arguments_read(argc, argv, &arguments, &problem) != 0)
        return STATUS_USAGE;
    struct session s = {
        .arguments = &arguments,
        .client = client_new(arguments.socket != NULL ? arguments.socket : path),
        .out = fmemopen(output, sizeof output, "w"),
        .json = arguments.json,
        .width = width,
    };
    int kept = listen_to_notes();
    enum status status = arguments.command->run(&s, &problem);
    stop_listening(kept);
    client_free(s.client);
    fclose(s.out);
    return status;
}

static void then_has(const char *all, const char *text, const char *file, int line)
{
    if (strstr(all, text) == NULL) {
        print_error("no '%s' in: %s\n", text, all);
        _fail(file, line);
    }
}
#define then_output_has_not(text) assert_null(strstr(output, text))
#define then_output_has(text) then_has(output, text, __FILE__, __LINE__)
#define then_problem_has(text) then_has(problem.msg, text, __FILE__, __LINE__)
#define then_notes_have(text) then_has(notes, text, __FILE__, __LINE__)
#define then_request_has(text) then_has(last_request, text, __FILE__, __LINE__)

#endif
