/* --role: see played.h. */
#include "serve/played.h"

#include "base/check.h"
#include "base/text.h"

static const struct str names_of[] = {
    { "feed", 4 }, { "odds", 4 }, { "bets", 4 }, { "settle", 6 }, { "web", 3 },
};

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
        unsigned bit = bit_of(text_until(&names, ','));

        if (bit == 0)
            return false;
        *bits |= bit;
    }
    return true;
}

/* NULL: these go together. */
static const char *fault(unsigned bits, bool alone, bool bus)
{
    if (bus && alone)
        return "bus: on SQLite one process plays all roles; Kafka needs PostgreSQL";
    if (bits != PLAYED_ALL && alone)
        return "role: on SQLite one process plays all roles; several need PostgreSQL";
    if (!bus && bits != PLAYED_ALL && bits != PLAYED_FEED && bits != (PLAYED_ALL & ~PLAYED_FEED))
        return "role must be feed,odds,bets,settle,web or feed or odds,bets,settle,web; with"
               " --bus kafka://… any of them";
    return NULL;
}

bool played_parse(struct played *played, struct str names, struct str store, struct str bus,
                  struct str *error)
{
    bool alone = text_begins(store, STR("sqlite:"));
    bool kafka = text_begins(bus, STR("kafka://"));
    unsigned bits;

    if (!bits_of(names, &bits) || bits == 0) {
        *error = STR("role must be of feed, odds, bets, settle and web");
        return false;
    }
    if (!kafka && !str_eq(bus, STR("local"))) {
        *error = STR("bus must be local or kafka://HOST:PORT[,HOST:PORT…][/PREFIX]");
        return false;
    }
    if (fault(bits, alone, kafka) != NULL) {
        *error = str_of(fault(bits, alone, kafka));
        return false;
    }
    *played = (struct played){
        .feed = (bits & PLAYED_FEED) != 0, .odds = (bits & PLAYED_ODDS) != 0,
        .bets = (bits & PLAYED_BETS) != 0, .settle = (bits & PLAYED_SETTLE) != 0,
        .web = (bits & PLAYED_WEB) != 0, .roles = bits,
        .bus = kafka, .book = !kafka && bits != PLAYED_FEED, .shared = !alone,
    };
    return true;
}

bool played_is_public(const struct played *played)
{
    return played->bets || played->web;
}
