#include "reaction.h"

#include <string.h>

const char *const reaction_names[REACTION_COUNT] = {"again", "retry", "data", "config", "internal"};

/* The first prefix that fits counts. */
static const struct {
    const char *prefix;
    enum reaction reaction;
} table[] = {
    {"08P01", REACT_DATA},     /* good connection: a row of another shape than the table's */
    {"21", REACT_DATA},        /* cardinality                                              */
    {"22", REACT_DATA},        /* a value that the type refuses                            */
    {"23505", REACT_INTERNAL}, /* the cursor should have made it impossible             */
    {"23", REACT_DATA},        /* not null, foreign key, check                             */
    {"25006", REACT_AGAIN},    /* read-only: a demoted server                              */
    {"28", REACT_CONFIG},      /* not allowed in                                           */
    {"3D", REACT_CONFIG},      /* no such database                                         */
    {"3F", REACT_CONFIG},      /* no such schema                                           */
    {"40001", REACT_RETRY},    /* serialisation                                            */
    {"40P01", REACT_RETRY},    /* deadlock                                                 */
    {"42", REACT_CONFIG},      /* tables that changed under us, rights                     */
    {"53", REACT_AGAIN},       /* disk, memory, connections                                */
    {"54", REACT_DATA},        /* too long, too deep                                       */
    {"55P03", REACT_RETRY},    /* lock not available                                       */
    {"57014", REACT_RETRY},    /* cancelled, statement time-out                            */
    {"0A", REACT_CONFIG},      /* not supported here                                       */
    {"0LP", REACT_CONFIG},     /* rights                                                   */
    {"P0", REACT_DATA},        /* a trigger of the operator's refused the row              */
    {"XX", REACT_INTERNAL},    /* the server's own                                         */
};

enum reaction reaction_to(const char *sqlstate)
{
    for (size_t i = 0; sqlstate != NULL && i < sizeof table / sizeof table[0]; i++)
        if (strncmp(sqlstate, table[i].prefix, strlen(table[i].prefix)) == 0)
            return table[i].reaction;
    return REACT_AGAIN;
}

wt_status reaction_status(enum reaction reaction)
{
    static const wt_status status[REACTION_COUNT] = {
        [REACT_AGAIN] = WT_E_AGAIN,   [REACT_RETRY] = WT_E_AGAIN,       [REACT_DATA] = WT_E_POISON,
        [REACT_CONFIG] = WT_E_CONFIG, [REACT_INTERNAL] = WT_E_INTERNAL,
    };
    return status[reaction];
}
