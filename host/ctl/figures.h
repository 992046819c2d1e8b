/* figures.h: the statistics of the API as people read them, and how they changed.
 *
 * Thread: one.
 */
#ifndef CTL_FIGURES_H
#define CTL_FIGURES_H

#include <jansson.h>

#include "ctl/shown.h"
#include "ctl/table.h"

enum figure_kind { FIGURE_COUNT, FIGURE_DECIMAL, FIGURE_RATE, FIGURE_DURATION };

enum figure_better { BETTER_MORE, BETTER_LESS, BETTER_NEITHER };

struct figure {
    const char *name;
    const char *key;    /* of the API's figures                                    */
    const char *change; /* of their change against those before; NULL: it has none */
    enum figure_kind kind;
    enum figure_better better;
};

/* Those that are compared with what was before, the runs first. */
enum { FIGURES_COMPARED = 5 };
extern const struct figure figures_compared[FIGURES_COMPARED];

/* "" when the figures have none: an average over nothing, a rate of no finished runs. */
const char *figure_shown(const struct figure *f, const json_t *figures, char out[SHOWN_SIZE]);

/* "+12.5%", a rate's as "+1.5 points"; `brief` is "+13%" and "+1.5".  "" when there is none. */
const char *figure_shown_change(const struct figure *f, const json_t *change, bool brief,
                                char out[SHOWN_SIZE]);
enum colour figure_colour(const struct figure *f, const json_t *change);

#endif
