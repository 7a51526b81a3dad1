/* --role: see roles.h. */
#include "roles.h"

#include "base/check.h"

static const struct str names_of[] = {
    { "feed", 4 }, { "odds", 4 }, { "bets", 4 }, { "settle", 6 }, { "web", 3 },
};
#define FEED 1u
#define ALL ((1u << LENGTH(names_of)) - 1)

/* The role's bit, 0 = none of that name. */
static unsigned bit_of(struct str name)
{
    for (unsigned i = 0; i < LENGTH(names_of); i++)
        if (str_eq(name, names_of[i]))
            return 1u << i;
    return 0;
}

static bool bits_of(struct str names, unsigned *bits)
{
    *bits = 0;
    while (names.n > 0) {
        const char *comma = memchr(names.p, ',', names.n);
        size_t n = comma == NULL ? names.n : (size_t)(comma - names.p);
        unsigned bit = bit_of((struct str){ names.p, n });

        if (bit == 0)
            return false;
        *bits |= bit;
        n += comma != NULL;
        names = (struct str){ names.p + n, names.n - n };
    }
    return true;
}

bool roles_parse(struct roles *roles, struct str names, struct str store, struct str *error)
{
    static const struct str sqlite = { "sqlite:", 7 };
    bool alone = store.n >= sqlite.n && memcmp(store.p, sqlite.p, sqlite.n) == 0;
    unsigned bits;

    if (!bits_of(names, &bits) || (bits != ALL && bits != FEED && bits != (ALL & ~FEED))) {
        *error = STR("role must be feed,odds,bets,settle,web or feed or odds,bets,settle,web");
        return false;
    }
    if (bits != ALL && alone) {
        *error = STR("role: on SQLite one process plays all roles; several need PostgreSQL");
        return false;
    }
    *roles = (struct roles){ .feed = (bits & FEED) != 0, .book = bits != FEED,
                              .shared = !alone };
    return true;
}
