#include "config/keys.h"

#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "params.h"

#define IN(field) offsetof(struct config, field)
#define SCHEDULE(field) offsetof(struct config_schedule, field)
#define PLUGIN(field) offsetof(struct config_plugin, field)
#define DAY (24 * 60 * 60)

/* Parameters have their defaults and ranges from their own table. */
#define PARAM_KEY(SYMBOL, name, type, low, high, value, unit, text)                                \
    {"schedules[].params." #name,                                                                  \
     CONFIG_PARAM,                                                                                 \
     WT_PARAM_##SYMBOL,                                                                            \
     0,                                                                                            \
     NULL,                                                                                         \
     "its usual default",                                                                          \
     SCHEDULE(params),                                                                             \
     text,                                                                                         \
     NULL},

const struct config_key config_keys[] = {
    {"state_dir", CONFIG_PATH, 1, 3900, NULL,
     "/var/lib/walltrack as a service, else under $XDG_STATE_HOME", IN(state_dir),
     "folder of the journal, the host's identity and its plugin builds", NULL},
    {"host_name", CONFIG_TEXT, 1, 253, NULL, "the machine's name", IN(host_name),
     "recorded with each run", NULL},
    {"plugin_dir", CONFIG_PATH, 1, 3900, NULL, "where walltrackd was installed", IN(plugin_dir),
     "folder of the plugins' files", NULL},
    {"max_concurrent_runs", CONFIG_NUMBER, 1, 64, "4", NULL, IN(max_concurrent_runs),
     "runs at the same time, by hand or by schedule", NULL},

    {"admin", CONFIG_OBJECT, 0, 0, "{}", NULL, 0, "the HTTP API", NULL},
    {"admin.socket", CONFIG_PATH, 1, 107, NULL,
     "/run/walltrack/admin.sock as a service, else under $XDG_RUNTIME_DIR", IN(admin.socket),
     "unix socket that it listens on", NULL},
    {"admin.mode", CONFIG_MODE, 0, 0777, "\"0660\"", NULL, IN(admin.mode),
     "permissions of the socket, octal text", NULL},
    {"admin.group", CONFIG_TEXT, 1, 64, NULL, "none", IN(admin.group), "group of the socket", NULL},

    {"engine", CONFIG_OBJECT, 0, 0, "{}", NULL, 0, "the program that does discovery", NULL},
    {"engine.command", CONFIG_COMMAND, 1, 256, NULL, NULL, IN(engine.command),
     "program and arguments", NULL},
    {"engine.timeout_seconds", CONFIG_NUMBER, 1, 7 * DAY, "3600", NULL, IN(engine.timeout_seconds),
     "a run that takes longer is ended", NULL},
    {"engine.kill_grace_seconds", CONFIG_NUMBER, 0, 300, "10", NULL, IN(engine.kill_grace_seconds),
     "between SIGTERM and SIGKILL", NULL},
    {"engine.environment", CONFIG_ENVIRONMENT, 0, 256, "{}", NULL, IN(engine.environment),
     "variables that the engine gets besides the basics", NULL},
    {"engine.max_discoveries", CONFIG_NUMBER, 1, 10000000, "1000000", NULL,
     IN(engine.max_discoveries), "wallets of one run; bounds its memory", NULL},
    {"engine.memory_bytes", CONFIG_NUMBER, 0, 1LL << 50, "0", NULL, IN(engine.memory_bytes),
     "address space of each process of an engine; 0: no limit", NULL},
    {"engine.cpu_seconds", CONFIG_NUMBER, 0, 366 * DAY, "0", NULL, IN(engine.cpu_seconds),
     "processor time of each process of an engine; 0: no limit", NULL},
    {"engine.file_bytes", CONFIG_NUMBER, 0, 1LL << 50, "0", NULL, IN(engine.file_bytes),
     "largest file that an engine may write; 0: no limit", NULL},
    {"engine.open_files", CONFIG_NUMBER, 0, 1048576, "1024", NULL, IN(engine.open_files),
     "descriptors of each process of an engine; 0: as many as the host", NULL},

    {"schedules", CONFIG_LIST, 0, 64, "[]", NULL, 0, "when runs start by themselves", NULL},
    {"schedules[].name", CONFIG_NAME, 1, 64, NULL, NULL, SCHEDULE(name), "unique", NULL},
    {"schedules[].every", CONFIG_DURATION, 1, 366 * DAY, NULL, NULL, SCHEDULE(every_seconds),
     "interval, counted from 1970-01-01 UTC", NULL},
    {"schedules[].enabled", CONFIG_BOOL, 0, 0, "true", NULL, SCHEDULE(enabled),
     "false: its due times are recorded as paused", NULL},
    {"schedules[].overlap", CONFIG_CHOICE, 0, 0, "\"skip\"", NULL, SCHEDULE(overlap),
     "when the run before is still going", "skip|allow"},
    {"schedules[].catch_up", CONFIG_CHOICE, 0, 0, "\"latest\"", NULL, SCHEDULE(catch_up),
     "which of the due times are made up for that passed while the host was down", "none|latest"},
    {"schedules[].params", CONFIG_OBJECT, 0, 0, "{}", NULL, 0, "parameters of its runs", NULL},
    WT_PARAMS(PARAM_KEY){"schedules[].profile_immediately", CONFIG_BOOL, 0, 0, "true", NULL,
                         SCHEDULE(profile_immediately), "passed on to the engine", NULL},

    {"plugins", CONFIG_LIST, 0, 16, "[]", NULL, 0, "who records the runs", NULL},
    {"plugins[].name", CONFIG_NAME, 1, 64, NULL, NULL, PLUGIN(name), "unique", NULL},
    {"plugins[].path", CONFIG_FILE_NAME, 1, 255, NULL, NULL, PLUGIN(path),
     "file name inside plugin_dir", NULL},
    {"plugins[].config", CONFIG_JSON, 0, 0, "{}", NULL, PLUGIN(config),
     "handed to the plugin as it is", NULL},
    {"plugins[].swap", CONFIG_OBJECT, 0, 0, "{}", NULL, 0, "deadlines of its replacement", NULL},
    {"plugins[].swap.verify_seconds", CONFIG_NUMBER, 1, 600, "2", NULL, PLUGIN(verify_seconds),
     "for a build's file to be read, checked and stored", NULL},
    {"plugins[].swap.probe_seconds", CONFIG_NUMBER, 1, 600, "5", NULL, PLUGIN(probe_seconds),
     "for a build to be tried in a process of its own", NULL},
    {"plugins[].swap.drain_ms", CONFIG_NUMBER, 0, 60000, "200", NULL, PLUGIN(drain_ms),
     "for the old build to store what is on its way; then it is aborted", NULL},
    {"plugins[].swap.open_seconds", CONFIG_NUMBER, 1, 600, "10", NULL, PLUGIN(open_seconds),
     "for a build to connect and check", NULL},
    {"plugins[].swap.claim_seconds", CONFIG_NUMBER, 1, 3600, "60", NULL, PLUGIN(claim_seconds),
     "for a build to take over, migrations included", NULL},
    {"plugins[].swap.ack_seconds", CONFIG_NUMBER, 1, 3600, "60", NULL, PLUGIN(ack_seconds),
     "a build that stores nothing for so long, though events wait, has failed", NULL},
    {"plugins[].swap.probation_seconds", CONFIG_NUMBER, 0, 3600, "60", NULL,
     PLUGIN(probation_seconds),
     "a build that breaks within is rolled back; 10,000 stored events end it early", NULL},

    {"journal", CONFIG_OBJECT, 0, 0, "{}", NULL, 0, "the events on local disk", NULL},
    {"journal.retain_seconds", CONFIG_NUMBER, 0, 31 * DAY, "3600", NULL, IN(journal.retain_seconds),
     "recorded events are kept this long ...", NULL},
    {"journal.retain_bytes", CONFIG_NUMBER, 0, INT64_C(1) << 40, "268435456", NULL,
     IN(journal.retain_bytes), "... or until they are more than this", NULL},
    {"journal.max_bytes", CONFIG_NUMBER, 65536, INT64_C(1) << 44, "4294967296", NULL,
     IN(journal.max_bytes), "then engines wait and new runs are refused", NULL},

    {"watchdog", CONFIG_OBJECT, 0, 0, "{}", NULL, 0, "when the event loop stands still", NULL},
    {"watchdog.trace_ms", CONFIG_NUMBER, 10, 3600000, "1000", NULL, IN(watchdog.trace_ms),
     "then the log says what holds it, with a stack", NULL},
    {"watchdog.abort_ms", CONFIG_NUMBER, 0, 3600000, "10000", NULL, IN(watchdog.abort_ms),
     "then the host ends, to be started again; 0: never", NULL},

    {"log", CONFIG_OBJECT, 0, 0, "{}", NULL, 0, "the log on standard error", NULL},
    {"log.level", CONFIG_CHOICE, 0, 0, "\"info\"", NULL, IN(log.level), "what is written",
     "error|warning|info|debug"},
    {"log.format", CONFIG_CHOICE, 0, 0, "\"auto\"", NULL, IN(log.format),
     "auto: text on a terminal, else JSON", "auto|text|json"},
};

const size_t config_keys_count = sizeof config_keys / sizeof *config_keys;

const char *config_key_under(const struct config_key *row, const char *parent)
{
    size_t size = strlen(parent);
    const char *last = row->pattern;
    if (size > 0) {
        if (strncmp(last, parent, size) != 0 || last[size] != '.')
            return NULL;
        last += size + 1;
    }
    return strpbrk(last, ".[") == NULL ? last : NULL;
}

const struct config_key *config_key_find(const char *parent, const char *key)
{
    for (size_t i = 0; i < config_keys_count; i++) {
        const char *last = config_key_under(&config_keys[i], parent);
        if (last != NULL && strcmp(last, key) == 0)
            return &config_keys[i];
    }
    return NULL;
}

/* ---- help ---- */

static const char *range_text(const struct config_key *row, char *out, size_t size)
{
    static const char *const kinds[] = {
        [CONFIG_OBJECT] = "object",
        [CONFIG_LIST] = "list",
        [CONFIG_NUMBER] = "number",
        [CONFIG_BOOL] = "true or false",
        [CONFIG_CHOICE] = "one of",
        [CONFIG_TEXT] = "text",
        [CONFIG_NAME] = "name",
        [CONFIG_FILE_NAME] = "file name",
        [CONFIG_PATH] = "path",
        [CONFIG_DURATION] = "duration, 1s..366d",
        [CONFIG_MODE] = "octal text",
        [CONFIG_JSON] = "object",
        [CONFIG_COMMAND] = "list of text",
        [CONFIG_ENVIRONMENT] = "object of text",
        [CONFIG_PARAM] = "number",
    };
    char low[PARAM_TEXT_SIZE], high[PARAM_TEXT_SIZE];
    const char *kind = kinds[row->type];
    if (row->type == CONFIG_NUMBER)
        snprintf(out, size, "%s, %lld..%lld", kind, (long long)row->min, (long long)row->max);
    else if (row->type == CONFIG_CHOICE)
        snprintf(out, size, "%s %s", kind, row->choices);
    else if (row->type == CONFIG_PARAM)
        snprintf(out, size, "%s, %s..%s", kind,
                 params_text((int)row->min, params_table[row->min].min, low),
                 params_text((int)row->min, params_table[row->min].max, high));
    else
        snprintf(out, size, "%s", kind);
    return out;
}

static const char *default_text(const struct config_key *row, char out[PARAM_TEXT_SIZE])
{
    if (row->type == CONFIG_PARAM)
        return params_text((int)row->min, params_table[row->min].def, out);
    return row->def != NULL ? row->def : row->surroundings != NULL ? row->surroundings : "required";
}

void config_print_keys(FILE *out)
{
    char range[96], def[PARAM_TEXT_SIZE];
    for (size_t i = 0; i < config_keys_count; i++) {
        const struct config_key *row = &config_keys[i];
        fprintf(out, "%-40s %s\n%-40s %s; default: %s\n", row->pattern, row->meaning, "",
                range_text(row, range, sizeof range), default_text(row, def));
    }
}
