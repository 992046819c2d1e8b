/* reaction.h: what the recorder does about an SQLSTATE.
 *
 * Thread: any; no state.  Knows: nothing else.
 */
#ifndef RECORDER_REACTION_H
#define RECORDER_REACTION_H

#include <walltrack/plugin.h>

enum reaction {
    REACT_AGAIN,    /* end the instance; the next one goes on from the cursor    */
    REACT_RETRY,    /* the same rows once more, a little later                   */
    REACT_DATA,     /* the rows are at fault: halve, and quarantine a single one */
    REACT_CONFIG,   /* an operator has to change something                       */
    REACT_INTERNAL, /* a bug                                                     */
    REACTION_COUNT
};

extern const char *const reaction_names[REACTION_COUNT];

/* NULL: an error without a code, which is one of the connection.  Meant for a connection that is
 * still good; on a bad one everything is REACT_AGAIN. */
enum reaction reaction_to(const char *sqlstate);

/* What an instance that ends for that reason reports. */
wt_status reaction_status(enum reaction reaction);

#endif
