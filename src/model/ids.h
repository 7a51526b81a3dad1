/* Ids of bets and customers, each given once in the cluster (model/bet.h). */
#ifndef MODEL_IDS_H
#define MODEL_IDS_H

#include <stdint.h>

/* Of one process; zero but for its node is a fresh one. */
struct ids {
    uint32_t node;  /* 0 .. 1023 */
    int64_t last_ms; /* never goes back, whatever the clock does */
    uint32_t n;     /* given in that millisecond, beside the first */
};

/* Above all that it has given before. */
int64_t ids_next(struct ids *ids, int64_t now_ms);

#endif
