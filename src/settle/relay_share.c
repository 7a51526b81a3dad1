/* Which classes a process takes and releases: see relay_share.h. */
#include "settle/relay_share.h"

struct relay_share relay_share_of(const struct outbox_keep *view)
{
    struct relay_share share = { 0 };
    int64_t members = view->members > 0 ? view->members : 1;
    unsigned fair = (unsigned)((ACCOUNT_CLASSES + members - 1) / members), mine = 0;

    for (unsigned class = 0; class < ACCOUNT_CLASSES; class++) {
        uint32_t bit = 1u << class;

        if (view->classes[class].mine && mine >= fair)
            share.release |= bit;
        mine += view->classes[class].mine;
    }
    CHECK(fair >= 1 && fair <= ACCOUNT_CLASSES);
    CHECK(mine <= ACCOUNT_CLASSES);
    for (unsigned class = 0; class < ACCOUNT_CLASSES && mine < fair; class++)
        if (view->classes[class].free && !view->classes[class].mine) {
            share.take |= 1u << class;
            mine++;
        }
    CHECK((share.take & share.release) == 0);
    return share;
}
