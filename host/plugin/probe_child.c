/* What happens in the throw-away process.
 *
 * Happy path: the request is read, the library loaded, its entry called and its description
 * checked, an instance opened until it is prepared, closed until it is gone, the library unloaded.
 *
 * Failure modes: a refusal is the first thing that was wrong.  Whatever ends the process or keeps
 * it from going on needs no code here: the host knows the last step. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "journal/event.h"
#include "log.h"
#include "plugin/build.h"
#include "plugin/instance.h"
#include "plugin/probe_message.h"

enum { EXIT_ANSWERED = 0, EXIT_NO_ANSWER = 2 };

struct request {
    const char *name, *config, *host_name;
    json_int_t host, timeout_ms;
};

/* ---- to the host ---- */

/* The constructor of a build may have closed it. */
static void say(const struct probe_message *message)
{
    if (write(PROBE_REPORT_FD, message, sizeof *message) == (ssize_t)sizeof *message)
        return;
    fprintf(stderr, "cannot report: %s\n", strerror(errno));
    _exit(EXIT_NO_ANSWER);
}

static void reach(enum probe_step step)
{
    say(&(struct probe_message){.word = PROBE_REACHED, .step = step});
}

/* ---- the build's description ---- */

/* The journal holds events of all kinds, each in the version that the host writes. */
static int check_kind(const wt_plugin *api, int kind, struct error *err)
{
    const char *name = event_kind_name(kind);
    int known = -1;
    for (uint32_t i = 0; api->kinds != NULL && i < api->n_kinds; i++)
        if (api->kinds[i] >> 16 == (uint32_t)kind && (int)(api->kinds[i] & 0xffff) > known)
            known = (int)(api->kinds[i] & 0xffff);
    if (known >= EVENT_BODY_VERSION)
        return 0;
    if (known < 0)
        return error_set(err, EPROTO,
                         "the journal may hold %s events of version %d, the build does not know "
                         "%s events",
                         name, EVENT_BODY_VERSION, name);
    return error_set(err, EPROTO,
                     "the journal may hold %s events of version %d, the build knows version %d at "
                     "most",
                     name, EVENT_BODY_VERSION, known);
}

static int copy_text(const char *what, const char *text, char out[PROBE_TEXT_MAX + 1],
                     struct error *err)
{
    size_t size = strnlen(text, PROBE_TEXT_MAX + 1);
    if (size == 0 || size > PROBE_TEXT_MAX)
        return error_set(err, EPROTO, "its %s is not 1 to %d bytes long", what, PROBE_TEXT_MAX);
    bool good = g_utf8_validate(text, (gssize)size, NULL);
    for (const char *c = text; good && *c != '\0'; c = g_utf8_next_char(c))
        good = g_unichar_isprint(g_utf8_get_char(c));
    if (!good)
        return error_set(err, EPROTO, "its %s is not printable UTF-8", what);
    memcpy(out, text, size + 1);
    return 0;
}

static int describe(const wt_plugin *api, struct probe_report *report, struct error *err)
{
    *report = (struct probe_report){
        .abi_major = api->abi_major,
        .abi_minor = api->abi_minor,
        .schema_min = api->schema_min,
        .schema_max = api->schema_max,
        .answers_questions = api->query != NULL,
    };
    if (copy_text("name", api->name, report->name, err) != 0 ||
        copy_text("version", api->version, report->version, err) != 0)
        return -1;
    for (int kind = WT_RUN_START; kind <= WT_SLOT; kind++)
        if (check_kind(api, kind, err) != 0)
            return -1;
    return 0;
}

/* ---- loading ---- */

/* Who asked for the probe knows the path; the message begins with what is wrong. */
static void drop_path(const char *path, struct error *err)
{
    char *prefix = g_strdup_printf("plugin %s: ", path);
    if (g_str_has_prefix(err->msg, prefix))
        memmove(err->msg, err->msg + strlen(prefix), strlen(err->msg + strlen(prefix)) + 1);
    g_free(prefix);
}

/* The library first on its own, so that the constructor and the entry are two steps. */
static int load(const char *path, struct build **out, struct error *err)
{
    reach(PROBE_CONSTRUCTS);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        error_set(err, EPROTO, "%s", dlerror());
        return -1;
    }
    reach(PROBE_ENTERS);
    int status = build_load(path, out, err);
    if (status != 0)
        drop_path(path, err);
    dlclose(handle); /* the build has its own */
    return status;
}

/* ---- a life ---- */

struct life {
    bool prepared, failed, gone;
    int status; /* 0, or -1 with the first thing that was wrong in err */
    struct error *err;
};

static void refuse(struct life *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void refuse(struct life *l, const char *format, ...)
{
    va_list args;
    if (l->status != 0)
        return;
    va_start(args, format);
    char *reason = g_strdup_vprintf(format, args);
    va_end(args);
    l->status = error_set(l->err, EPROTO, "%s", reason);
    g_free(reason);
}

static void on_prepared(void *arg, const char *server)
{
    struct life *l = arg;
    (void)server;
    l->prepared = true;
}

static void on_failed(void *arg, wt_status status, const char *message)
{
    static const char *const names[] = {
        "WT_OK",           "WT_E_AGAIN",    "WT_E_CONFIG",      "WT_E_SCHEMA_OLD",
        "WT_E_SCHEMA_NEW", "WT_E_FENCED",   "WT_E_UNSAFE_DB",   "WT_E_POISON",
        "WT_E_CANCELLED",  "WT_E_INTERNAL", "WT_E_UNSUPPORTED", "WT_E_ARGUMENT",
    };
    struct life *l = arg;
    if (status < 0 || (size_t)status >= sizeof names / sizeof names[0])
        status = WT_E_INTERNAL;
    refuse(l, "open failed: %s (%s)", message, names[status]);
    if (status == WT_E_CONFIG && !l->failed)
        l->err->code = EINVAL;
    l->failed = true;
}

static void on_closed(void *arg, struct metric_set *figures, bool leaked)
{
    struct life *l = arg;
    (void)figures;
    if (leaked)
        refuse(l, "did not call closed() after close()");
}

static void on_gone(void *arg, const struct instance_figures *figures)
{
    struct life *l = arg;
    l->gone = true;
    if (figures->violations > 0)
        refuse(l, "broke the contract: %s", figures->rule);
    if (figures->leaks > 0)
        refuse(l, "left %s at closed()", figures->left);
}

/* Nothing is claimed, delivered or asked here: a plugin that speaks of it has broken a rule, which
 * is counted. */
static void on_number(void *arg, uint64_t number)
{
    (void)arg;
    (void)number;
}

static void on_resumed(void *arg)
{
    (void)arg;
}

static wt_status on_reply(void *arg, wt_query *q, const void *bytes, size_t size)
{
    (void)arg;
    (void)q;
    (void)bytes;
    (void)size;
    return WT_E_CANCELLED;
}

static void on_reply_end(void *arg, wt_query *q, wt_status status, const char *message)
{
    (void)arg;
    (void)q;
    (void)status;
    (void)message;
}

static const struct instance_events events = {
    .prepared = on_prepared,
    .claimed = on_number,
    .acked = on_number,
    .resumed = on_resumed,
    .failed = on_failed,
    .reply = on_reply,
    .reply_end = on_reply_end,
    .closed = on_closed,
    .gone = on_gone,
};

/* Closing waits for the turn's end, so that a failure told in the same turn counts. */
static void run_to_the_end(uv_loop_t *loop, struct instance *instance, struct life *l)
{
    bool closing = false;
    while (!l->gone) {
        uv_run(loop, UV_RUN_ONCE);
        if (closing || (!l->prepared && !l->failed))
            continue;
        closing = true;
        reach(PROBE_CLOSES);
        instance_close(instance, WT_CLOSE_ABORT);
    }
}

static int live(struct build *build, const struct request *request, struct error *err)
{
    uv_loop_t loop;
    struct resolver *resolver;
    struct instance *instance;
    struct life life = {.err = err};
    struct instance_spec spec = {
        .build = build,
        .name = request->name,
        .config = request->config,
        .host_name = request->host_name,
        .generation = 1,
        .open_ms = request->timeout_ms, /* the host's own begins earlier */
        .mode = WT_OPEN_PROBE,
    };
    if (uv_loop_init(&loop) != 0 || (resolver = resolver_new(&loop)) == NULL)
        return error_set(err, ENOMEM, "out of memory");
    reach(PROBE_OPENS);
    life.status = instance_open(&loop, resolver, &spec, &events, &life, &instance, err);
    if (life.status == 0)
        run_to_the_end(&loop, instance, &life);
    resolver_close(resolver);
    uv_run(&loop, UV_RUN_DEFAULT);
    return life.status;
}

/* As a subreaper we are the parent of whatever the build has started, however often it forked. */
static int check_processes(struct error *err)
{
    siginfo_t info;
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == -1 && errno == ECHILD)
        return 0;
    return error_set(err, EPROTO, "left a process that it had started");
}

static int try_build(const char *path, const struct request *request, struct probe_report *report,
                     struct error *err)
{
    struct build *build;
    if (build_pin_libraries(err) != 0 || load(path, &build, err) != 0 ||
        describe(build->api, report, err) != 0 || live(build, request, err) != 0)
        return -1;
    reach(PROBE_UNLOADS);
    build_release(build);
    build_keep(0);
    return check_processes(err);
}

/* ---- the process ---- */

/* Gone with the host, no core file, no more time than the host waits. */
static int confine(const struct request *request)
{
    struct rlimit no_core = {0, 0};
    rlim_t seconds = (rlim_t)request->timeout_ms / 1000 + 2;
    struct rlimit cpu = {seconds, seconds};
    setrlimit(RLIMIT_CORE, &no_core);
    setrlimit(RLIMIT_CPU, &cpu);
    signal(SIGPIPE, SIG_IGN); /* as in the host */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close_range(PROBE_REPORT_FD + 1, ~0U, 0);
    fcntl(PROBE_REPORT_FD, F_SETFD, FD_CLOEXEC);
    return getppid() == (pid_t)request->host ? 0 : -1; /* it died before we asked */
}

int probe_child_main(int argc, char **argv)
{
    struct probe_message answer = {.word = PROBE_PASSED};
    struct request request;
    struct error err;
    json_t *json = argc == 3 ? json_loadfd(STDIN_FILENO, 0, NULL) : NULL;
    if (json_unpack(json, "{s:I, s:I, s:s, s:s, s:s}", "host", &request.host, "timeout_ms",
                    &request.timeout_ms, "name", &request.name, "config", &request.config,
                    "host_name", &request.host_name) != 0) {
        fprintf(stderr, "%s is for walltrackd's own use\n", PROBE_OPTION);
        return EXIT_NO_ANSWER;
    }
    log_setup(LOG_ERROR, LOG_TEXT);
    if (confine(&request) != 0)
        return EXIT_NO_ANSWER;
    if (try_build(argv[2], &request, &answer.report, &err) != 0) {
        answer.word = PROBE_REFUSED;
        answer.code = err.code;
        g_strlcpy(answer.reason, err.msg, sizeof answer.reason);
    }
    say(&answer);
    json_decref(json);
    return EXIT_ANSWERED;
}
