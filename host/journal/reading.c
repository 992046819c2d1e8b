#include "journal/journal_internal.h"

#include <assert.h>
#include <stdlib.h>

struct journal_reader {
    struct read_request request; /* first: found again by its address */
    struct journal *journal;
    journal_read_done done;
    void *arg;
    bool outstanding;
};

struct journal_reader *journal_reader_new(struct journal *j)
{
    struct journal_reader *r = calloc(1, sizeof *r);
    if (r != NULL)
        r->journal = j;
    return r;
}

void journal_reader_read(struct journal_reader *r, uint64_t first, journal_read_done done,
                         void *arg)
{
    struct journal *j = r->journal;
    assert(!r->outstanding && j->state <= JOURNAL_FINISHING);
    r->outstanding = true;
    r->done = done;
    r->arg = arg;
    r->request.first = first;
    r->request.head = j->report.figures.head;
    j->reads++;
    read_thread_submit(j->reading, &r->request);
}

void journal_reader_free(struct journal_reader *r)
{
    assert(r == NULL || !r->outstanding);
    free(r);
}

void reading_settle(struct journal *j)
{
    struct read_request *request;
    while ((request = read_thread_collect(j->reading)) != NULL) {
        struct journal_reader *r = (struct journal_reader *)(void *)request;
        struct error err = request->err;
        bool failed = request->status != 0;
        r->outstanding = false;
        j->reads--;
        r->done(r->arg, request->block, failed ? &err : NULL); /* may free r, or read again */
    }
}
