/* walltrackctl: the operator's hand on walltrackd. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <curl/curl.h>

#include "ctl/arguments.h"
#include "ctl/commands.h"
#include "ctl/shown.h"

/* Columns of the terminal that `out` is, 0 when it is none. */
static size_t terminal_width(FILE *out)
{
    struct winsize size;
    if (!isatty(fileno(out)))
        return 0;
    if (ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

/* The words may be a plugin's: they must not steer the terminal. */
static int fail(enum status status, const struct error *err)
{
    char text[sizeof err->msg + 32];
    snprintf(text, sizeof text, "walltrackctl: %s", err->msg);
    for (char *rest = text; rest != NULL;)
        shown_paragraph(stderr, strsep(&rest, "\n"), terminal_width(stderr), 0);
    if (status == STATUS_USAGE)
        fputs("`walltrackctl help` shows how it is used\n", stderr);
    return (int)status;
}

static int run(const struct arguments *a)
{
    const char *no_colour = getenv("NO_COLOR");
    struct error err = {0};
    struct session s = {
        .arguments = a,
        .client = client_new(a->socket),
        .out = stdout,
        .json = a->json,
        .width = terminal_width(stdout),
        .notes_width = terminal_width(stderr),
    };
    s.colours = s.width > 0 && (no_colour == NULL || no_colour[0] == '\0');
    s.terminal = s.notes_width > 0 && s.width > 0;
    if (s.client == NULL) {
        fputs("walltrackctl: out of memory\n", stderr);
        return STATUS_AWAY;
    }
    enum status status = a->command->run(&s, &err);
    client_free(s.client);
    if (fflush(stdout) != 0 && err.code == 0) {
        fputs("walltrackctl: the output could not be written\n", stderr);
        return STATUS_AWAY;
    }
    return status != STATUS_OK && err.code != 0 ? fail(status, &err) : (int)status;
}

int main(int argc, char *argv[])
{
    struct arguments arguments;
    struct error err = {0};
    setlocale(LC_TIME, "C");
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) /* widths of characters, whatever the locale is */
        setlocale(LC_CTYPE, "");
    if (arguments_read(argc, argv, &arguments, &err) != 0)
        return fail(STATUS_USAGE, &err);
    if (arguments.version) {
        puts("walltrackctl " WALLTRACK_VERSION);
        return STATUS_OK;
    }
    if (arguments.help || arguments.command == NULL) {
        FILE *out = arguments.help ? stdout : stderr;
        if (arguments.command != NULL)
            command_help(arguments.command, out);
        else
            commands_help(arguments.group, out);
        return arguments.help ? STATUS_OK : STATUS_USAGE;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int status = run(&arguments);
    curl_global_cleanup();
    return status;
}
