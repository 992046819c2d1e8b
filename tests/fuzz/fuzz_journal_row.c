/* links: journal PkgConfig::sqlite3 */
/* A journal whose one row holds anything that SQLite takes there: reading refuses it, or gives an
 * event that encodes to the same body. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "journal/event.h"
#include "journal/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(what)                                                                                 \
    do {                                                                                           \
        if (!(what))                                                                               \
            abort();                                                                               \
    } while (0)

static char folder[] = "/tmp/walltrack-fuzz-XXXXXX";
static char path[64];
static struct store *store, *reader;
static sqlite3 *db;
static sqlite3_stmt *put;

static void clean_up(void)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    sqlite3_finalize(put);
    sqlite3_close(db);
    store_close(reader);
    store_close(store);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char name[80];
        (void)snprintf(name, sizeof name, "%s%s", path, ends[i]);
        (void)unlink(name);
    }
    (void)rmdir(folder);
}

static void set_up(void)
{
    struct error err;
    MUST(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof path, "%s/journal.db", folder);
    MUST(store_open(path, &store, &err) == 0);
    MUST(store_open_reader(path, &reader, &err) == 0);
    MUST(sqlite3_open(path, &db) == SQLITE_OK);
    MUST(sqlite3_exec(db, "PRAGMA synchronous = OFF", NULL, NULL, NULL) == SQLITE_OK);
    MUST(sqlite3_prepare_v2(db, "REPLACE INTO event VALUES (1, 0, ?1, ?2, ?3, ?4, ?5, ?6)", -1,
                            &put, NULL) == SQLITE_OK);
    MUST(atexit(clean_up) == 0);
}

/* kind, version, sizes of the two ids (16 when the bit is clear), time, and what is left: the body
 */
static size_t put_row(const uint8_t *data, size_t size)
{
    static const unsigned char id[24] = {1};
    enum { HEAD = 12 };
    uint64_t time;
    memcpy(&time, data + 3, sizeof time);
    MUST(sqlite3_bind_int(put, 1, data[0]) == SQLITE_OK);
    MUST(sqlite3_bind_int64(put, 2, data[1] == 255 ? INT64_MAX : data[1]) == SQLITE_OK);
    MUST(sqlite3_bind_int64(put, 3, (int64_t)time) == SQLITE_OK);
    MUST(sqlite3_bind_blob(put, 4, id, data[2] & 1 ? data[2] % 24 : 16, SQLITE_STATIC) ==
         SQLITE_OK);
    MUST(sqlite3_bind_blob(put, 5, id, data[2] & 2 ? data[2] % 24 : 16, SQLITE_STATIC) ==
         SQLITE_OK);
    MUST(sqlite3_bind_blob(put, 6, data + HEAD, (int)(size - HEAD), SQLITE_STATIC) == SQLITE_OK);
    MUST(sqlite3_step(put) == SQLITE_DONE && sqlite3_reset(put) == SQLITE_OK);
    return size - HEAD;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char again[EVENT_BODY_MAX];
    struct journal_block *block = NULL;
    struct error err = {0};
    if (size < 13)
        return 0;
    if (db == NULL)
        set_up();
    size_t body = put_row(data, size);
    if (store_read(reader, 1, 1, &block, &err) != 0) {
        MUST(block == NULL && err.msg[0] != '\0');
        return 0;
    }
    MUST(block != NULL && block->count == 1 && block->events[0].head.seq == 1);
    MUST(event_encode(&block->events[0], again, sizeof again) == body);
    MUST(memcmp(again, data + size - body, body) == 0);
    journal_block_free(block);
    return 0;
}
