/* Opens the file: looks whether it is ours before anything is written to it, makes the tables
 * if it is new, and reads where it stands, by key and without a scan. */
#include "journal/store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ids.h"

#define APPLICATION_ID 0x57544a4c /* "WTJL" */
#define FORMAT 1
#define STRING_(x) #x
#define STRING(x) STRING_(x)

/* In WAL mode with FULL every commit is on disk when it returns.  Deleted bodies need not be
 * overwritten.  The log is cut back after a burst. */
static const char settings_sql[] = "PRAGMA journal_mode = WAL;"
                                   "PRAGMA synchronous = FULL;"
                                   "PRAGMA secure_delete = OFF;"
                                   "PRAGMA temp_store = MEMORY;"
                                   "PRAGMA cache_size = -4096;"
                                   "PRAGMA journal_size_limit = 67108864;";

static const char schema_sql[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE journal (one INTEGER PRIMARY KEY CHECK (one = 1), id BLOB NOT NULL,"
    "  head INTEGER NOT NULL, end INTEGER NOT NULL) STRICT;"
    "CREATE TABLE event (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind INTEGER NOT NULL,"
    "  version INTEGER NOT NULL, time_us INTEGER NOT NULL, id BLOB NOT NULL,"
    "  run_id BLOB NOT NULL, body BLOB NOT NULL) STRICT;"
    "CREATE TABLE open_run (run_id BLOB PRIMARY KEY, seq INTEGER NOT NULL,"
    "  started_us INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE slot (schedule TEXT PRIMARY KEY, due_us INTEGER NOT NULL)"
    "  STRICT, WITHOUT ROWID;"
    "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE consumer (name TEXT PRIMARY KEY, mark INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "INSERT INTO journal VALUES (1, ?1, 0, 0);"
    "PRAGMA application_id = " STRING(APPLICATION_ID) ";"
                                                      "PRAGMA user_version = " STRING(
                                                          FORMAT) ";"
                                                                  "COMMIT;";

static const char *const statements[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_ADD_EVENT] = "INSERT INTO event VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [SQL_SET_HEAD] = "UPDATE journal SET head = ?1, end = ?2",
    [SQL_OPEN_RUN] = "INSERT OR REPLACE INTO open_run VALUES (?1, ?2, ?3)",
    [SQL_CLOSE_RUN] = "DELETE FROM open_run WHERE run_id = ?1",
    [SQL_PUT_SLOT] = ("INSERT INTO slot VALUES (?1, ?2)"
                      " ON CONFLICT DO UPDATE SET due_us = max(due_us, excluded.due_us)"),
    [SQL_PUT_SETTING] = "INSERT OR REPLACE INTO setting VALUES (?1, ?2)",
    [SQL_DROP_SETTING] = "DELETE FROM setting WHERE name = ?1",
    [SQL_PUT_MARK] = "INSERT OR REPLACE INTO consumer VALUES (?1, ?2)",
    [SQL_AT] = "SELECT at FROM event WHERE seq = ?1",
    [SQL_WALK] = "SELECT seq, at, time_us FROM event WHERE seq >= ?1 ORDER BY seq LIMIT ?2",
    [SQL_TRIM] = "DELETE FROM event WHERE seq < ?1",
    [SQL_READ] = ("SELECT seq, kind, version, time_us, id, run_id, body FROM event"
                  " WHERE seq >= ?1 AND seq <= ?2 ORDER BY seq"),
};

int store_error(const struct store *s, const char *doing, struct error *err)
{
    if (s->db == NULL)
        return error_set(err, ENOMEM, "%s: out of memory", s->path);
    static const struct {
        int sqlite, code;
    } codes[] = {{SQLITE_FULL, ENOSPC},     {SQLITE_NOMEM, ENOMEM}, {SQLITE_READONLY, EROFS},
                 {SQLITE_CANTOPEN, EACCES}, {SQLITE_BUSY, EBUSY},   {SQLITE_NOTADB, EINVAL}};
    int code = EIO;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (sqlite3_errcode(s->db) == codes[i].sqlite)
            code = codes[i].code;
    int cause = sqlite3_errcode(s->db) == SQLITE_IOERR || sqlite3_errcode(s->db) == SQLITE_FULL ||
                        sqlite3_errcode(s->db) == SQLITE_CANTOPEN
                    ? sqlite3_system_errno(s->db)
                    : 0;
    if (cause == 0)
        return error_set(err, code, "%s: %s: %s", s->path, doing, sqlite3_errmsg(s->db));
    return error_set(err, cause, "%s: %s: %s (%s)", s->path, doing, sqlite3_errmsg(s->db),
                     strerror(cause));
}

int store_run(struct store *s, int which, const char *doing, struct error *err)
{
    int status = sqlite3_step(s->sql[which]) == SQLITE_DONE ? 0 : store_error(s, doing, err);
    sqlite3_reset(s->sql[which]);
    return status;
}

int store_prepare(struct store *s, int first, int last, struct error *err)
{
    for (int i = first; i <= last; i++)
        if (sqlite3_prepare_v3(s->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT, &s->sql[i],
                               NULL) != SQLITE_OK)
            return store_error(s, "open", err);
    return 0;
}

/* SQLite would follow a symbolic link, and make a file that others can read. */
static int make_file(const char *path, struct error *err)
{
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
    if (fd < 0)
        return error_set(err, errno, "%s: %s", path, strerror(errno));
    struct stat st;
    int status = 0;
    if (fstat(fd, &st) != 0)
        status = error_set(err, errno, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        status = error_set(err, EINVAL, "%s: not a regular file", path);
    close(fd);
    return status;
}

static int connect_file(const char *path, int flags, struct store **out, struct error *err)
{
    struct store *s = calloc(1, sizeof *s);
    if (s == NULL || (s->path = strdup(path)) == NULL) {
        free(s);
        error_set(err, ENOMEM, "out of memory");
        return -1;
    }
    if (sqlite3_open_v2(path, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
        store_error(s, "open", err);
        store_close(s);
        return -1;
    }
    sqlite3_busy_timeout(s->db, 5000); /* somebody looks at it with the sqlite3 shell */
    *out = s;
    return 0;
}

static int execute(struct store *s, const char *sql, struct error *err)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0
                                                                   : store_error(s, "open", err);
}

/* The one number that a query gives. */
static int number(struct store *s, const char *sql, int64_t *out, struct error *err)
{
    sqlite3_stmt *stmt;
    *out = 0;
    if (sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        return store_error(s, "open", err);
    int status = 0;
    if (sqlite3_step(stmt) == SQLITE_ROW)
        *out = sqlite3_column_int64(stmt, 0);
    else
        status = store_error(s, "open", err);
    sqlite3_finalize(stmt);
    return status;
}

/* Is the file a journal, and is it new? */
static int identify(struct store *s, bool *is_new, struct error *err)
{
    int64_t application = 0, format = 0, tables = 0;
    if (number(s, "PRAGMA application_id", &application, err) != 0 ||
        number(s, "PRAGMA user_version", &format, err) != 0 ||
        number(s, "SELECT count(*) FROM sqlite_schema", &tables, err) != 0)
        return -1;
    *is_new = application == 0 && format == 0 && tables == 0;
    if (*is_new)
        return 0;
    if (application != APPLICATION_ID)
        return error_set(err, EINVAL, "%s: a database, but not a journal", s->path);
    if (format != FORMAT)
        return error_set(err, EINVAL,
                         "%s: written in format %" PRId64 " by a newer version; this one reads %d",
                         s->path, format, FORMAT);
    return 0;
}

/* Runs the statements of the schema one by one; the only parameter is the journal's id. */
static int create(struct store *s, struct error *err)
{
    wt_uuid id = id_random();
    const char *rest = schema_sql;
    while (*rest != '\0') {
        sqlite3_stmt *stmt;
        if (sqlite3_prepare_v2(s->db, rest, -1, &stmt, &rest) != SQLITE_OK)
            return store_error(s, "create", err);
        if (sqlite3_bind_parameter_count(stmt) == 1)
            sqlite3_bind_blob(stmt, 1, id.bytes, sizeof id.bytes, SQLITE_TRANSIENT);
        int code = sqlite3_step(stmt);
        sqlite3_finalize(stmt);
        if (code != SQLITE_DONE)
            return store_error(s, "create", err);
    }
    return 0;
}

static int load_position(struct store *s, struct error *err)
{
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(s->db,
                           "SELECT j.id, j.head, j.end, e.seq, e.at, e.time_us,"
                           "  (SELECT max(seq) FROM event)"
                           " FROM journal j LEFT JOIN event e"
                           "  ON e.seq = (SELECT min(seq) FROM event)",
                           -1, &stmt, NULL) != SQLITE_OK)
        return store_error(s, "open", err);
    int status = 0;
    if (sqlite3_step(stmt) != SQLITE_ROW || sqlite3_column_bytes(stmt, 0) != sizeof s->id.bytes) {
        status = error_set(err, EIO, "%s: damaged: it has lost its identity", s->path);
    } else {
        memcpy(s->id.bytes, sqlite3_column_blob(stmt, 0), sizeof s->id.bytes);
        s->head = (uint64_t)sqlite3_column_int64(stmt, 1);
        s->end = (uint64_t)sqlite3_column_int64(stmt, 2);
        bool none = sqlite3_column_type(stmt, 3) == SQLITE_NULL;
        s->oldest = none ? s->head + 1 : (uint64_t)sqlite3_column_int64(stmt, 3);
        s->begin = none ? s->end : (uint64_t)sqlite3_column_int64(stmt, 4);
        s->oldest_us = sqlite3_column_int64(stmt, 5);
        uint64_t last = none ? s->head : (uint64_t)sqlite3_column_int64(stmt, 6);
        if (last != s->head || s->oldest > s->head + 1 || s->begin > s->end)
            status = error_set(err, EIO,
                               "%s: damaged: the last event is %" PRIu64 " and should be %" PRIu64,
                               s->path, last, s->head);
    }
    sqlite3_finalize(stmt);
    return status;
}

/* SQLite syncs the directories of its logs itself, but not that of a new database. */
static int sync_folder(const char *path, struct error *err)
{
    char *folder = strdup(path);
    if (folder == NULL)
        return error_set(err, ENOMEM, "out of memory");
    char *slash = strrchr(folder, '/');
    if (slash != NULL)
        *slash = '\0';
    int status = 0;
    int fd = open(slash != NULL ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        status = error_set(err, errno, "%s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    free(folder);
    return status;
}

int store_open(const char *path, struct store **out, struct error *err)
{
    struct store *s = NULL;
    bool is_new = false;
    if (make_file(path, err) != 0 || connect_file(path, SQLITE_OPEN_READWRITE, &s, err) != 0)
        return -1;
    if (identify(s, &is_new, err) != 0)
        goto fail;
    /* Before the first page is written, or it has no effect.  Large pages take a third off the
     * cost of an event. */
    if (is_new &&
        execute(s, "PRAGMA page_size = 16384; PRAGMA auto_vacuum = INCREMENTAL", err) != 0)
        goto fail;
    if (execute(s, settings_sql, err) != 0)
        goto fail;
    if (is_new && (create(s, err) != 0 || sync_folder(path, err) != 0))
        goto fail;
    if (store_prepare(s, SQL_BEGIN, SQL_TRIM, err) != 0 || load_position(s, err) != 0)
        goto fail;
    *out = s;
    return 0;
fail:
    store_close(s);
    return -1;
}

int store_open_reader(const char *path, struct store **out, struct error *err)
{
    struct store *s = NULL;
    if (connect_file(path, SQLITE_OPEN_READWRITE, &s, err) != 0)
        return -1;
    if (execute(s, "PRAGMA query_only = ON", err) != 0 ||
        store_prepare(s, SQL_READ, SQL_READ, err) != 0) {
        store_close(s);
        return -1;
    }
    *out = s;
    return 0;
}

void store_close(struct store *s)
{
    if (s == NULL)
        return;
    for (int i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(s->sql[i]);
    sqlite3_close(s->db);
    free(s->path);
    free(s);
}

void store_figures(const struct store *s, struct store_figures *out)
{
    *out = (struct store_figures){s->oldest, s->head, s->end - s->begin};
}

const wt_uuid *store_journal_id(const struct store *s)
{
    return &s->id;
}

static void note_from_row(sqlite3_stmt *stmt, struct store_note *note)
{
    *note = (struct store_note){
        .name = (const char *)sqlite3_column_text(stmt, 0),
        .text = (const char *)sqlite3_column_text(stmt, 1),
        .number = sqlite3_column_int64(stmt, 2),
    };
    if (sqlite3_column_bytes(stmt, 3) == sizeof note->run.bytes)
        memcpy(note->run.bytes, sqlite3_column_blob(stmt, 3), sizeof note->run.bytes);
}

int store_notes(struct store *s, enum store_notes which,
                bool (*visit)(void *arg, const struct store_note *), void *arg, struct error *err)
{
    static const char *const queries[] = {
        [NOTES_SETTINGS] = "SELECT name, value, 0, NULL FROM setting",
        [NOTES_SLOTS] = "SELECT schedule, NULL, due_us, NULL FROM slot",
        [NOTES_MARKS] = "SELECT name, NULL, mark, NULL FROM consumer",
        [NOTES_OPEN_RUNS] = "SELECT NULL, NULL, started_us, run_id FROM open_run ORDER BY seq",
    };
    sqlite3_stmt *stmt;
    if (sqlite3_prepare_v2(s->db, queries[which], -1, &stmt, NULL) != SQLITE_OK)
        return store_error(s, "open", err);
    int code, status = 0;
    while (status == 0 && (code = sqlite3_step(stmt)) != SQLITE_DONE) {
        struct store_note note;
        if (code != SQLITE_ROW) {
            status = store_error(s, "open", err);
            break;
        }
        note_from_row(stmt, &note);
        if (!visit(arg, &note))
            status = error_set(err, ENOMEM, "out of memory");
    }
    sqlite3_finalize(stmt);
    return status;
}
