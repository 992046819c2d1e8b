/* walltrack/plugin.h: the contract between walltrackd and a plugin, major version 1.
 *
 * A plugin is a shared object that exports one symbol, walltrack_plugin_v1.  The host
 * loads it, opens an *instance* of it, and feeds the instance the numbered events of its
 * journal, in order.  The plugin makes them durable somewhere and acknowledges them.
 *
 *      open ──▶ prepared ──▶ claim ──▶ claimed ──▶ hooks, ack … ──▶ close ──▶ closed ──▶ destroy
 *                                        (cursor)
 *
 * RULES THAT HOLD FOR EVERY STRUCT AND EVERY CALL
 *
 *   growth    Every struct begins with struct_size, set by the side that allocates it.
 *             Fields are only ever appended.  Read field f only if WT_HAS(p, f); an
 *             absent field counts as zero.
 *   thread    [loop]  on the host's loop thread, one call at a time, never re-entered: the
 *                     host does not call a plugin from inside the plugin's call to the
 *                     host; what such a call causes happens in a later turn.
 *             [any]   on any thread.
 *             A plugin makes no threads of its own; blocking work goes through offload().
 *   time      A [loop] call returns within 1 ms.  The host names who takes longer than 5.
 *             Times of day are microseconds since 1970-01-01 UTC.
 *   pointers  Arguments live until the call returns; copy what you keep.  Strings end in
 *             NUL and are valid UTF-8; NULL means absent, which is not the same as "".
 *   memory    Each side frees what it allocated.  Nothing allocated is handed across.
 *   identity  A wt_host is one instance of one build.  What is called through it after
 *             closed() is ignored and counted as a violation.
 *   failure   A plugin never reconnects.  On any doubt it calls fail(); the host closes
 *             the instance and opens a fresh one, which starts from the cursor.  Outage,
 *             crash, swap and roll back are one code path.
 *
 * Delivery is at least once, in order.  Storing exactly once is the plugin's duty: keep
 * the number of the last stored event (the cursor) in the same transaction as the data.
 */
#ifndef WALLTRACK_PLUGIN_H
#define WALLTRACK_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#include <walltrack/params.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WT_MAGIC 0x4c415731u /* "1WAL" */
#define WT_ABI_MAJOR 1
#define WT_ABI_MINOR 0

/* Does the other side's struct reach as far as field f? */
#define WT_HAS(p, f) ((p)->struct_size >= offsetof(__typeof__(*(p)), f) + sizeof((p)->f))

/* Why something ended.  Never renumbered; an unknown value counts as WT_E_INTERNAL. */
typedef int32_t wt_status;
enum {
    WT_OK = 0,
    WT_E_AGAIN = 1,        /* passing (connection lost, outage): reopened with back-off      */
    WT_E_CONFIG = 2,       /* an operator must change something first                        */
    WT_E_SCHEMA_OLD = 3,   /* the database needs a migration that this build knows           */
    WT_E_SCHEMA_NEW = 4,   /* the database was written by a newer build                      */
    WT_E_FENCED = 5,       /* somebody else claimed the stream: this instance must stop      */
    WT_E_UNSAFE_DB = 6,    /* the server's settings would make an ack a lie                  */
    WT_E_POISON = 7,       /* an event that can never be stored, and no place to put it      */
    WT_E_CANCELLED = 8,    /* asked to stop                                                  */
    WT_E_INTERNAL = 9,     /* a bug                                                          */
    WT_E_UNSUPPORTED = 10, /* the build does not know this query                            */
    WT_E_ARGUMENT = 11     /* the query's arguments are wrong; the message says which        */
};

/* ---- events ------------------------------------------------------------------------- */

/* The kind of an event and the hook that it arrives at. */
enum {
    WT_RUN_START = 1, /* on_run_start  */
    WT_TOKEN = 2,     /* on_token      */
    WT_WALLET = 3,    /* on_wallet     */
    WT_RUN_ERROR = 4, /* on_run_error  */
    WT_RUN_END = 5,   /* on_run_end    */
    WT_SLOT = 6       /* on_slot       */
};

/* What a plugin says that it understands: a kind and the highest version of its body. */
#define WT_KIND(kind, version) (((uint32_t)(kind) << 16) | (uint32_t)(version))

#define WT_NO_TIME INT64_MIN /* an absent time of day */
#define WT_NO_SCORE (-1)     /* an absent score       */

typedef struct wt_uuid {
    uint8_t bytes[16]; /* RFC 9562, in network order */
} wt_uuid;

/* One numbered fact.  The same number always carries the same bytes. */
typedef struct wt_event {
    uint32_t struct_size;
    uint16_t kind;         /* WT_RUN_START …                                                */
    uint16_t body_version; /* of the journal's own bytes below                              */
    uint64_t seq;          /* 1, 2, 3 … without a hole; given once, never reused            */
    int64_t time_us;       /* when the host accepted it                                     */
    wt_uuid id;            /* of this fact (UUIDv7, made once); a run's start has the run's */
    wt_uuid run_id;        /* all zero for a slot that started no run                       */
    const void *body;      /* the journal's own bytes, for a plugin that keeps them raw     */
    uint32_t body_size;
} wt_event;

enum { WT_TRIGGER_MANUAL = 0, WT_TRIGGER_SCHEDULED = 1, WT_TRIGGER_API = 2 };
enum { WT_RUN_RUNNING = 0, WT_RUN_COMPLETED = 1, WT_RUN_FAILED = 2, WT_RUN_CANCELLED = 3 };

/* The words for the numbers above, in the API and in the database. */
#define WT_TRIGGER_NAMES                                                                           \
    {                                                                                              \
        "manual", "scheduled", "api"                                                               \
    }
#define WT_RUN_STATUS_NAMES                                                                        \
    {                                                                                              \
        "running", "completed", "failed", "cancelled"                                              \
    }

typedef struct wt_run_start {
    uint32_t struct_size;
    uint8_t trigger; /* WT_TRIGGER_… */
    uint8_t profile_immediately;
    uint16_t reserved;
    const char *triggered_by; /* at most 100 characters, or NULL              */
    const char *schedule;     /* the schedule's name, or NULL                 */
    int64_t slot_at_us;       /* the due time that it serves, or WT_NO_TIME   */
    const char *host_name;
    wt_params params;
} wt_run_start;

typedef struct wt_token {
    uint32_t struct_size;
    uint32_t reserved;
    const char *token;       /* 1 to 44 printable characters       */
    const char *symbol;      /* or NULL                            */
    double price_change_pct; /* NaN when the engine did not say    */
    double volume_usd;       /* NaN when the engine did not say    */
} wt_token;

typedef struct wt_wallet {
    uint32_t struct_size;
    int8_t is_new; /* 1 yes, 0 no, -1 the engine did not say     */
    uint8_t reserved[3];
    int32_t score_e4;      /* 0 to 10000 (1.0000), or WT_NO_SCORE        */
    uint32_t profile_size; /* bytes of profile, without its NUL          */
    const char *address;   /* 1 to 44 printable characters               */
    const char *source_token;
    const char *profile; /* a JSON object as text, or NULL             */
} wt_wallet;

typedef struct wt_run_error {
    uint32_t struct_size;
    uint32_t line;       /* the engine's output line at fault, 1 …; 0: none in particular */
    const char *message; /* at most 2,000 bytes                                          */
    const char *token;   /* or NULL                                                       */
    const char *code;    /* short and stable, or NULL                                     */
} wt_run_error;

typedef struct wt_run_end {
    uint32_t struct_size;
    uint8_t status; /* WT_RUN_COMPLETED, _FAILED or _CANCELLED */
    uint8_t reserved[3];
    int64_t duration_us;     /* by a steady clock; -1 when the host died meanwhile     */
    uint64_t errors_dropped; /* errors past the limit, counted and not sent one by one */
    const char *reason;      /* why it failed or was cancelled, or NULL                */
} wt_run_end;

enum {
    WT_SLOT_FIRED = 0,     /* it started the run in run_id                  */
    WT_SLOT_OVERLAP = 1,   /* the run of the slot before was still going    */
    WT_SLOT_PAUSED = 2,    /* the schedule was not enabled                  */
    WT_SLOT_LIMIT = 3,     /* as many runs as allowed were going            */
    WT_SLOT_HOST_DOWN = 4, /* due while the host was not running            */
    WT_SLOT_REFUSED = 5    /* the host could not take it (journal full …)   */
};
#define WT_SLOT_OUTCOME_NAMES                                                                      \
    {                                                                                              \
        "fired", "overlap", "paused", "limit", "host_down", "refused"                              \
    }

typedef struct wt_slot {
    uint32_t struct_size;
    uint8_t outcome; /* WT_SLOT_… */
    uint8_t reserved[3];
    int64_t due_us;       /* the slot itself                     */
    const char *schedule; /* the schedule's name                 */
    const char *reason;   /* in words, or NULL                   */
} wt_slot;

/* What a hook answers.  After WT_ENOUGH nothing of the event may have been kept: the same
 * event comes again, and nothing else before it, once the plugin has called resume(). */
typedef int32_t wt_answer;
enum { WT_TAKEN = 0, WT_ENOUGH = 1 };

/* ---- the host's side ---------------------------------------------------------------- */

typedef struct wt_host wt_host;   /* one instance, as the host sees it */
typedef struct wt_watch wt_watch; /* a watched descriptor              */
typedef struct wt_timer wt_timer;
typedef struct wt_query wt_query;

enum { WT_IO_READ = 1, WT_IO_WRITE = 2, WT_IO_ERROR = 4 };

typedef void (*wt_callback)(void *user);
typedef void (*wt_io_callback)(void *user, uint32_t events);
/* addresses: all of the name, numeric, separated by commas, the best first; or NULL with the reason
 * in error. */
typedef void (*wt_resolved)(void *user, const char *addresses, const char *error);

enum { WT_LOG_ERROR = 0, WT_LOG_WARNING = 1, WT_LOG_INFO = 2, WT_LOG_DEBUG = 3 };

/* What open() found: for the operator.  Nothing has been written yet. */
typedef struct wt_prepared {
    uint32_t struct_size;
    uint32_t schema_found;   /* 0: no schema yet, claim() makes it     */
    uint32_t server_version; /* 150018 is 15.18; 0: no server          */
    int32_t backend_pid;     /* of the connection that will write      */
    const char *server;      /* where it is connected, without secrets */
} wt_prepared;

/* A cursor for claimed() by a plugin that keeps none of its own: go on after the last
 * event that it acknowledged, as noted by the host. */
#define WT_CURSOR_OF_HOST UINT64_MAX

typedef struct wt_host_api {
    uint32_t struct_size;
    uint16_t abi_major, abi_minor;

    /* Reports on life, all [loop].
     *   prepared  open() is done; nothing claimed, nothing written.
     *   claimed   The stream is ours and every event up to cursor is durable.  The first
     *             hook will get cursor + 1.
     *   ack       Cumulative: every event up to seq is durable.  Repeats are allowed; a
     *             number above the last delivered one is a violation.
     *   resume    There is room again after WT_ENOUGH.
     *   fail      This instance is finished: the host will call close(WT_CLOSE_ABORT).
     *   closed    Nothing of this instance is left: no watch, timer, offload or query.  The
     *             last call; destroy() follows in a later turn. */
    void (*prepared)(wt_host *, const wt_prepared *);
    void (*claimed)(wt_host *, uint64_t cursor);
    void (*ack)(wt_host *, uint64_t seq);
    void (*resume)(wt_host *);
    void (*fail)(wt_host *, wt_status, const char *message);
    void (*closed)(wt_host *);

    /* Services, all [loop].  What they return belongs to the host's ledger of this
     * instance.  A callback never runs inside the call that armed it, and never after the
     * matching un-call has returned.
     *   watch     Level-triggered; WT_IO_ERROR is always reported and means "look for
     *             yourself".  NULL when the descriptor cannot be watched.
     *   rewatch   Changes the events of interest; 0 is a pause.
     *   unwatch   Call it BEFORE anything that may close the descriptor.  NULL is fine.
     *   timer     Once, after that many milliseconds.  It is gone when its callback runs.
     *   offload   `work` runs on a worker thread, then `done` on the loop.  Both must stay
     *             valid till then: closed() is refused while one is outstanding.
     *   resolve   Looks a host name up without blocking the loop.  0 when started. */
    wt_watch *(*watch)(wt_host *, int fd, uint32_t events, wt_io_callback, void *user);
    void (*rewatch)(wt_host *, wt_watch *, uint32_t events);
    void (*unwatch)(wt_host *, wt_watch *);
    wt_timer *(*timer)(wt_host *, uint64_t ms, wt_callback, void *user);
    void (*untimer)(wt_host *, wt_timer *);
    int (*offload)(wt_host *, wt_callback work, wt_callback done, void *user);
    int (*resolve)(wt_host *, const char *name, wt_resolved, void *user);

    uint64_t (*now_ns)(void);                               /* [any] steady clock            */
    void (*log)(wt_host *, int level, const char *message); /* [any] one line, copied        */

    /* Answers to query(), [loop].
     *   reply      Appends bytes (copied).  WT_OK: go on.  WT_E_AGAIN: taken, but send no
     *              more until query_resume().  WT_E_CANCELLED: nobody listens any more.
     *   reply_end  Exactly once for every query, also after a cancel. */
    wt_status (*reply)(wt_host *, wt_query *, const void *bytes, size_t size);
    void (*reply_end)(wt_host *, wt_query *, wt_status, const char *message);

    /* Interfaces beyond this one, by "org.name/version"; NULL if absent. */
    const void *(*get_extension)(wt_host *, const char *id);
} wt_host_api;

/* ---- the plugin's side -------------------------------------------------------------- */

enum {
    WT_OPEN_LIVE = 0,
    WT_OPEN_PROBE = 1 /* in a throw-away process: check yourself, then prepared(); no claim */
};

typedef struct wt_open_args {
    uint32_t struct_size;
    uint32_t mode;         /* WT_OPEN_…                                                   */
    const char *config;    /* plugins[].config of the configuration file, JSON text       */
    const char *name;      /* plugins[].name                                              */
    const char *build;     /* this build, for records: name, version and content hash     */
    const char *host_name; /* of this host                                                */
    uint64_t token;        /* 63 random bits of this instance: the fence's value          */
    uint64_t generation;   /* counts the instances of this plugin in this host, from 1    */
    uint64_t deadline_ns;  /* by now_ns(): the host aborts an open() that takes longer    */
} wt_open_args;

/* Where the journal stands.  Events before `oldest` are gone from it. */
typedef struct wt_claim_args {
    uint32_t struct_size;
    uint32_t reserved;
    wt_uuid journal_id; /* a cursor of another journal means nothing here            */
    uint64_t oldest;    /* first event that can still be delivered; head + 1 if none */
    uint64_t head;      /* last event that exists; 0 if none yet                     */
} wt_claim_args;

enum {
    WT_CLOSE_DRAIN = 0, /* let what is in flight finish, take nothing new; ABORT may
                           follow.  What was taken and not stored comes again            */
    WT_CLOSE_ABORT = 1  /* drop everything now; legal at any time after open()           */
};

/* One figure.  name is snake_case and stable; label may be NULL.  Both are copied. */
typedef struct wt_metric {
    const char *name;
    const char *help;
    const char *label; /* such as "kind" */
    const char *value; /* such as "wallet"  */
} wt_metric;

/* `bounds` are inclusive upper bounds, rising; counts[n] holds what lies above the last.
 * Counts are per bucket, not cumulative. */
typedef struct wt_histogram {
    const double *bounds;
    const uint64_t *counts; /* n + 1 of them */
    uint32_t n;
    double sum;
} wt_histogram;

/* Counters and histograms count since open(); the host sums over instances. */
typedef struct wt_stats_sink {
    uint32_t struct_size;
    uint32_t reserved;
    void *user; /* first argument of all below */
    void (*counter)(void *user, const wt_metric *, uint64_t value);
    void (*gauge)(void *user, const wt_metric *, double value);
    void (*histogram)(void *user, const wt_metric *, const wt_histogram *);
    void (*text)(void *user, const wt_metric *, const char *value); /* a state, a version */
} wt_stats_sink;

typedef struct wt_query_args {
    uint32_t struct_size;
    uint32_t reserved;
    const char *name;     /* of the question                       */
    const char *args;     /* a JSON object as text                 */
    uint64_t deadline_ns; /* by now_ns(); the host cancels then    */
} wt_query_args;

/* Static and constant in the plugin.  All calls are [loop].  Required are open, claim,
 * close and destroy; a hook that is NULL takes its events and forgets them. */
typedef struct wt_plugin {
    uint32_t magic; /* WT_MAGIC */
    uint32_t struct_size;
    uint16_t abi_major, abi_minor;
    uint16_t min_host_minor; /* oldest host that will do */
    uint16_t reserved;
    uint32_t schema_min, schema_max; /* database schemas that this build can write to; 0: none */
    const uint32_t *kinds;           /* WT_KIND(…) of all that it understands */
    uint32_t n_kinds;
    uint32_t reserved2;
    const char *name, *version;

    /* Starts to connect and check; returns at once and writes nothing, anywhere.  On
     * success *self is the instance and prepared() or fail() follows.  On failure nothing
     * is left behind and no other call follows. */
    wt_status (*open)(const wt_host_api *, wt_host *, const wt_open_args *, void **self);

    /* Takes the stream over: fence the holder before, migrate, read the cursor under its
     * lock; then claimed() or fail(). */
    void (*claim)(void *self, const wt_claim_args *);

    /* One event at a time, in the order of seq. */
    wt_answer (*on_run_start)(void *self, const wt_event *, const wt_run_start *);
    wt_answer (*on_token)(void *self, const wt_event *, const wt_token *);
    wt_answer (*on_wallet)(void *self, const wt_event *, const wt_wallet *);
    wt_answer (*on_run_error)(void *self, const wt_event *, const wt_run_error *);
    wt_answer (*on_run_end)(void *self, const wt_event *, const wt_run_end *);
    wt_answer (*on_slot)(void *self, const wt_event *, const wt_slot *);

    void (*flush)(void *self); /* a hint: store what you hold; may be NULL               */
    void (*close)(void *self, uint32_t mode); /* harmless twice; closed() follows        */
    void (*destroy)(void *self); /* frees memory only; the code may be unmapped after it */

    /* Reports figures: no I/O, no waiting, in any state.  May be NULL. */
    void (*stats)(void *self, const wt_stats_sink *);

    /* Answers a question: read-only, on a connection of its own.  May be NULL. */
    void (*query)(void *self, wt_query *, const wt_query_args *);
    void (*query_resume)(void *self, wt_query *);
    void (*query_cancel)(void *self, wt_query *); /* reply_end() still has to come */

    const void *(*get_extension)(const char *id);
} wt_plugin;

/* The one exported symbol. */
#define WT_ENTRY_SYMBOL "walltrack_plugin_v1"
typedef const wt_plugin *(*wt_entry)(void);
__attribute__((visibility("default"))) const wt_plugin *walltrack_plugin_v1(void);

/* ---- for convenience ------------------------------------------------------------------ */

/* Writes the 36 characters of an id and a NUL. */
static inline void wt_uuid_text(const wt_uuid *id, char out[37])
{
    static const char hex[] = "0123456789abcdef";
    char *p = out;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        *p++ = hex[id->bytes[i] >> 4];
        *p++ = hex[id->bytes[i] & 15];
    }
    *p = '\0';
}

/* The frozen part: these may never change within major version 1. */
#ifdef __cplusplus
#define WT_FROZEN_ static_assert
#else
#define WT_FROZEN_ _Static_assert
#endif
#if UINTPTR_MAX == UINT64_MAX
WT_FROZEN_(offsetof(wt_event, seq) == 8 && sizeof(wt_event) == 72, "wt_event");
WT_FROZEN_(offsetof(wt_plugin, name) == 40 && offsetof(wt_plugin, open) == 56, "wt_plugin");
WT_FROZEN_(offsetof(wt_host_api, prepared) == 8, "wt_host_api");
#endif
#undef WT_FROZEN_

#ifdef __cplusplus
}
#endif
#endif
