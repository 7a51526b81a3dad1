/*
 * World Cup: the matches of 2022 as scripts, from openfootball's JSON (who,
 * when, goals with their minutes) and fjelstul's bookings (cards).  Reading
 * is strict: what is not understood, or does not add up to the scores that
 * are given, is an error that names its place.
 */
#ifndef FEED_WORLDCUP_H
#define FEED_WORLDCUP_H

#include "base/arena.h"
#include "feed/sim.h"

#define WORLDCUP_MATCHES_MAX 128
#define WORLDCUP_TEAMS_MAX 64

struct worldcup_match {
    struct str date;          /* "2022-12-18" */
    int64_t start_ms;         /* as in the file, taken as UTC */
    unsigned teams[2];        /* of worldcup.teams */
    int regular[2], extra[2]; /* goals after 90 minutes; after 120 */
    unsigned n_cards;
    struct script script;
};

struct worldcup {
    struct worldcup_match *matches; /* in the order of their starts */
    unsigned n;
    const char *teams[WORLDCUP_TEAMS_MAX];
    unsigned n_teams;
    double attack[WORLDCUP_TEAMS_MAX], defence[WORLDCUP_TEAMS_MAX];
};

/* Which matches; NULL = all. */
struct worldcup_choice {
    const char *match;        /* "Argentina-France" */
    const char *from, *until; /* days */
};

/* The dice say at which second of its minute a thing happened, and when
 * there were corners. */
bool worldcup_read(struct worldcup *cup, struct str json, uint64_t seed, struct arena *arena,
                   struct str *error) MUST_USE;
/* Cards, into the matches that were read. */
bool worldcup_read_bookings(struct worldcup *cup, struct str csv, struct arena *arena,
                            struct str *error) MUST_USE;
/* The chosen matches as the simulator takes them, the first kick-off five
 * minutes from now; nights are shortened.  0: no such match. */
unsigned worldcup_fixtures(const struct worldcup *cup, const struct worldcup_choice *choice,
                           struct arena *arena, struct sim_fixture **fixtures);

#endif
