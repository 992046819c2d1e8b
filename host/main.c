/* walltrackd: runs wallet discovery and keeps its history. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "daemon.h"
#include "json_memory.h"
#include "plugin/probe.h"
#include "run/keeper.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static void print_help(FILE *out)
{
    fputs("usage: walltrackd --config FILE [--check]\n"
          "\n"
          "Starts discovery runs on a schedule, by hand and by API, keeps every event in a local\n"
          "journal and feeds it to plugins such as the recorder.  Talk to it with walltrackctl.\n"
          "\n"
          "  --config FILE   the configuration, JSON\n"
          "  --check         check the configuration and exit\n"
          "  --help-config   print every key of the configuration: type, range, default, meaning\n"
          "  --version       print the version\n"
          "  --help          print this\n"
          "\n"
          "Signals: SIGTERM and SIGINT stop it (running engines end, their runs are recorded as\n"
          "cancelled), a second one at once; SIGHUP reads the configuration again.\n"
          "Exit status: 0 stopped as asked, 1 could not start, 2 wrong usage or configuration.\n",
          out);
}

struct options {
    const char *config;
    bool check;
};

/* Fills *o and returns -1, or returns the exit status when there is nothing left to do. */
static int read_options(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {
        {"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, 'k'},
        {"help-config", no_argument, NULL, 'C'},  {"version", no_argument, NULL, 'V'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "c:h", known, NULL)) != -1) {
        switch (c) {
        case 'c':
            o->config = optarg;
            break;
        case 'k':
            o->check = true;
            break;
        case 'C':
            config_print_keys(stdout);
            return EXIT_OK;
        case 'V':
            puts("walltrackd " WALLTRACK_VERSION);
            return EXIT_OK;
        case 'h':
            print_help(stdout);
            return EXIT_OK;
        default:
            fputs("try walltrackd --help\n", stderr);
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "walltrackd: unexpected argument '%s'; try walltrackd --help\n",
                argv[optind]);
        return EXIT_USAGE;
    }
    if (o->config == NULL) {
        fputs("walltrackd: --config FILE is required; try walltrackd --help\n", stderr);
        return EXIT_USAGE;
    }
    return -1;
}

int main(int argc, char **argv)
{
    json_memory_guard();
    /* Processes that the host starts; there is nothing of the host's to clean up in them. */
    if (argc > 1 && strcmp(argv[1], KEEPER_OPTION) == 0)
        _exit(keeper_main(argc, argv));
    if (argc > 1 && strcmp(argv[1], PROBE_OPTION) == 0)
        _exit(probe_child_main(argc, argv));

    struct options options = {0};
    struct config *config;
    struct error err;
    int status = read_options(argc, argv, &options);
    if (status >= 0)
        return status;
    if (config_load(options.config, &config, &err) != 0) {
        fprintf(stderr, "walltrackd: %s\n", err.msg);
        return EXIT_USAGE;
    }
    if (options.check) {
        printf("%s is a valid configuration\n", options.config);
        config_free(config);
        return EXIT_OK;
    }
    if (daemon_run(config, &err) != 0) {
        fprintf(stderr, "walltrackd: cannot start: %s\n", err.msg);
        return EXIT_FAILED;
    }
    return EXIT_OK;
}
