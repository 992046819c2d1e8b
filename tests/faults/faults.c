/* faults: does to hosts under load what can happen to them, and prints what came of it.
 *
 *     faults [--short | --long] [--only LOOP,LOOP…] [--jobs N] [--seed N] [--percent N]
 *            [--fault NAME] [--keep FOLDER] [--recorder FILE] [--expect lost | twice]
 *
 * Each loop is a process with a server and hosts of its own.  A row of the table is one kind of
 * fault: how often, what the judge found lost, recorded twice or wrong otherwise, and how long it
 * took from the end of the fault to the first event that was recorded after it.  The exit status is
 * 0 when all rows are clean. */
#include "faults.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/process.h"
#include "support/scratch.h"

static const struct fault_loop loops[] = {
    {"kills", loop_kills, "the host is killed at random moments"},
    {"server", loop_server, "the server is stopped, its backend ended"},
    {"commits", loop_commits, "the connection is cut inside COMMIT"},
    {"cuts", loop_cuts, "… and elsewhere, or hindered"},
    {"disk", loop_disk, "a full disk, of the journal and of the server"},
#ifdef FAULT_POINTS
    {"points", loop_points, "the host ends itself at named places"},
#endif
    {"calls", loop_calls, "one call of the host fails: a write, a sync, an allocation"},
    {"cursor", loop_cursor, "database or state are older, or another's"},
};
enum { LOOPS = sizeof loops / sizeof *loops, PATH_SIZE = 128 };

struct job {
    const struct fault_loop *loop;
    struct fault_rows *rows; /* shared with its process */
    struct fault_plan plan;
    char log[PATH_SIZE];
    pid_t pid; /* 0: not started, -1: over */
    bool wanted;
    int status;
    long begin_ms, took_ms;
};

const struct fault_plan *fault_plan;

struct fault_row *fault_row_new(struct fault_rows *rows, const char *name)
{
    static struct fault_row spare;
    struct fault_row *row = rows->used < ROWS_MAX ? &rows->row[rows->used++] : &spare;
    *row = (struct fault_row){.lost = -1, .doubled = -1};
    (void)snprintf(row->name, sizeof row->name, "%s", name);
    return row;
}

bool fault_is_wanted(const char *name)
{
    return fault_plan->only == NULL || strstr(name, fault_plan->only) != NULL;
}

unsigned fault_count(const struct fault_plan *plan, unsigned in_short, unsigned in_long)
{
    double count = (plan->is_short ? in_short : in_long) * plan->scale;
    return count < 1 ? 1 : (unsigned)count;
}

/* ---- options ---- */

struct settings {
    struct fault_plan plan;
    const char *only, *expect;
    unsigned long jobs;
};

static _Noreturn void print_help(int status)
{
    FILE *out = status == 0 ? stdout : stderr;
    (void)fprintf(out, "faults [OPTION…]: what becomes of a host under load when things break\n"
                       "    --short          a little of each, for a test (default)\n"
                       "    --long           as much as is meant\n"
                       "    --percent N      of those counts (100)\n"
                       "    --only A,B       only these loops\n"
                       "    --fault NAME     only faults with that in their name\n"
                       "    --jobs N         loops at the same time (3)\n"
                       "    --seed N         what is printed and chosen; 0: any\n"
                       "    --recorder FILE  records instead of the usual build\n"
                       "    --expect WORD    lost or twice: to find that is success\n"
                       "    --keep FOLDER    gets log and journal of what was found wrong\n"
                       "loops:\n");
    for (size_t i = 0; i < LOOPS; i++)
        (void)fprintf(out, "    %-16s %s\n", loops[i].name, loops[i].what);
    exit(status);
}

static unsigned long number(const char *text)
{
    char *end = NULL;
    unsigned long value = strtoul(text, &end, 10);
    if (end == text || *end != '\0')
        print_help(2);
    return value;
}

static void take_option(struct settings *s, const char *name, const char *value)
{
    if (strcmp(name, "--only") == 0)
        s->only = value;
    else if (strcmp(name, "--fault") == 0)
        s->plan.only = value;
    else if (strcmp(name, "--keep") == 0)
        s->plan.keep = value;
    else if (strcmp(name, "--recorder") == 0)
        s->plan.recorder = value;
    else if (strcmp(name, "--expect") == 0)
        s->expect = value;
    else if (strcmp(name, "--jobs") == 0)
        s->jobs = number(value);
    else if (strcmp(name, "--seed") == 0)
        s->plan.seed = number(value);
    else if (strcmp(name, "--percent") == 0)
        s->plan.scale = (double)number(value) / 100;
    else
        print_help(2);
}

static void read_options(int argc, char **argv, struct settings *s)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0)
            print_help(0);
        if (strcmp(argv[i], "--short") == 0 || strcmp(argv[i], "--long") == 0) {
            s->plan.is_short = strcmp(argv[i], "--short") == 0;
            continue;
        }
        if (i + 1 == argc)
            print_help(2);
        take_option(s, argv[i], argv[i + 1]);
        i++;
    }
    uint32_t any = 0;
    if (s->plan.seed == 0 && getrandom(&any, sizeof any, 0) == sizeof any)
        s->plan.seed = 1000000 + any;
    if (s->jobs == 0)
        s->jobs = 1;
}

static bool is_named(const char *list, const char *name)
{
    size_t size = strlen(name);
    for (const char *at = list; at != NULL && (at = strstr(at, name)) != NULL; at += size)
        if ((at == list || at[-1] == ',') && (at[size] == '\0' || at[size] == ','))
            return true;
    return list == NULL;
}

/* ---- loops, each in a process ---- */

static _Noreturn void work(struct job *j)
{
    int log = open(j->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    (void)dup2(log, STDOUT_FILENO);
    (void)dup2(log, STDERR_FILENO);
    scratch_forget();
    fault_plan = &j->plan;
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    j->loop->run(&j->plan, j->rows);
    exit(0);
}

static void start(struct job *j)
{
    (void)fflush(NULL);
    j->begin_ms = process_now_ms();
    j->pid = fork();
    if (j->pid == 0)
        work(j);
}

static unsigned start_some(struct job *jobs, unsigned going, unsigned long most)
{
    for (size_t i = 0; i < LOOPS && going < most; i++)
        if (jobs[i].wanted && jobs[i].pid == 0) {
            start(&jobs[i]);
            going++;
        }
    return going;
}

static void take_end(struct job *jobs, pid_t pid, int raw)
{
    for (size_t i = 0; i < LOOPS; i++)
        if (jobs[i].pid == pid) {
            jobs[i].pid = -1;
            jobs[i].took_ms = process_now_ms() - jobs[i].begin_ms;
            jobs[i].status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
        }
}

static void run_all(struct job *jobs, unsigned long most)
{
    int raw = 0;
    unsigned going = start_some(jobs, 0, most);
    while (going > 0) {
        pid_t pid = wait(&raw);
        if (pid < 0 && errno != EINTR)
            break;
        take_end(jobs, pid, raw);
        going = start_some(jobs, going - (pid > 0), most);
    }
}

/* ---- the table ---- */

static bool is_clean(const struct fault_row *r)
{
    return r->stuck + r->blamed == 0 &&
           (r->is_part || (r->judged && r->lost == 0 && r->doubled == 0 && r->wrong == 0));
}

static void print_row(const struct fault_row *r)
{
    printf("%s%-*s %6lu ", r->is_part ? "    " : "", r->is_part ? 40 : 44, r->name, r->count);
    if (r->is_part)
        printf("%6s %6s %6s ", "", "", "");
    else if (!r->judged)
        printf("%6s %6s %6s ", "?", "?", "?");
    else
        printf("%6ld %6ld %6ld ", r->lost, r->doubled, r->wrong);
    if (r->timed > 0)
        printf("%8.0f %8.0f", r->sum_ms / (double)r->timed, r->worst_ms);
    else
        printf("%8s %8s", "-", "-");
    printf("%s%s\n", is_clean(r) ? "" : "   ", is_clean(r) ? "" : r->note);
}

static bool print_job(const struct job *j)
{
    bool clean = j->status == 0;
    for (unsigned i = 0; i < j->rows->used; i++) {
        print_row(&j->rows->row[i]);
        clean &= is_clean(&j->rows->row[i]);
    }
    if (j->status != 0)
        printf("%-44s ended with status %d\n", j->loop->name, j->status);
    char *text = clean ? NULL : scratch_read(j->log);
    if (text != NULL) {
        size_t size = strlen(text), most = 6000;
        (void)fprintf(stderr, "---- %s ----\n%s\n", j->loop->name,
                      text + (size > most ? size - most : 0));
    }
    free(text);
    return clean;
}

static bool print_table(const struct job *jobs)
{
    bool clean = true;
    printf("%-44s %6s %6s %6s %6s %8s %8s\n", "fault", "count", "lost", "twice", "wrong", "mean ms",
           "worst ms");
    for (size_t i = 0; i < LOOPS; i++)
        if (jobs[i].wanted)
            clean &= print_job(&jobs[i]);
    return clean;
}

/* Whether damage of that kind was found. */
static bool is_found(const struct job *jobs, const char *word)
{
    long found = 0;
    for (size_t i = 0; i < LOOPS; i++)
        for (unsigned k = 0; k < jobs[i].rows->used; k++) {
            const struct fault_row *r = &jobs[i].rows->row[k];
            long count = strcmp(word, "lost") == 0 ? r->lost : r->doubled;
            found += r->judged && count > 0 ? count : 0;
        }
    return found > 0;
}

static int verdict(const struct settings *s, const struct job *jobs, bool clean)
{
    if (s->expect == NULL)
        return clean ? 0 : 1;
    bool found = is_found(jobs, s->expect);
    printf("%s: %s\n", s->expect, found ? "found, as expected" : "NOT FOUND");
    return found ? 0 : 1;
}

int main(int argc, char **argv)
{
    static struct job jobs[LOOPS];
    struct settings s = {.plan = {.is_short = true, .scale = 1}, .jobs = 3};
    char folder[] = "/tmp/walltrack-faults-XXXXXX";
    read_options(argc, argv, &s);
    if (mkdtemp(folder) == NULL)
        return 2;
    struct fault_rows *rows =
        mmap(NULL, sizeof *rows * LOOPS, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (rows == MAP_FAILED)
        return 2;
    long begin_ms = process_now_ms();
    for (size_t i = 0; i < LOOPS; i++) {
        jobs[i] = (struct job){.loop = &loops[i], .rows = &rows[i], .plan = s.plan};
        jobs[i].wanted = is_named(s.only, loops[i].name);
        jobs[i].plan.seed += i * 1000; /* by which engines of one are told from another's */
        (void)snprintf(jobs[i].log, sizeof jobs[i].log, "%s/%s", folder, loops[i].name);
    }
    run_all(jobs, s.jobs);
    bool clean = print_table(jobs);
    printf("%s after %ld s (seed %llu)\n", clean ? "clean" : "NOT CLEAN",
           (process_now_ms() - begin_ms) / 1000, (unsigned long long)s.plan.seed);
    for (size_t i = 0; i < LOOPS; i++)
        (void)remove(jobs[i].log);
    (void)rmdir(folder);
    return verdict(&s, jobs, clean);
}
