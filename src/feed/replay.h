/*
 * Replay: a season as football-data.co.uk writes it, one match a row, as
 * feed messages: fixture, prematch odds, stop at kick-off, scores, results.
 *
 *   1x2       B365H B365D B365A         else BbAvH …       else AvgH …
 *   totals    B365>2.5 B365<2.5         else BbAv>2.5 …    else Avg>2.5 …
 *   handicap  AHh B365AHH B365AHA       else BbAHh BbAvAHH …  else AHh AvgAHH …
 *
 * Bookmakers' columns where the file has them, else the market's average,
 * never its maximum.  An empty cell = not offered.  All in integers.
 */
#ifndef FEED_REPLAY_H
#define FEED_REPLAY_H

#include "base/arena.h"
#include "feed/compose.h"

struct replay_match {
    struct str event;             /* sr:match:<n>, from the file's name and the row */
    struct compose_team home, away;
    int64_t kickoff_ms;           /* as in the file, taken as UTC */
    bool played;                  /* the row has a result */
    bool has_half;
    int goals[2], half[2];        /* home, away */
    int64_t result_odds_e4[3];    /* 1x2; [0] = 0: not offered */
    int64_t total_odds_e4[2];     /* over, under 2.5 */
    int64_t handicap_odds_e4[2];  /* home, away */
    int handicap_quarters;        /* goals x 4 given to the home side */
    unsigned line;                /* in the file */
};

struct replay {
    struct replay_match *matches; /* as in the file */
    unsigned n;
    unsigned skipped;             /* rows without a date or teams */
    unsigned skipped_line;        /* the first of them */
    struct str tournament, tournament_name, category_name;
};

/* file: the name that the matches' ids are made from, without folders.
 * False: *error says what the file lacks. */
bool replay_read(struct replay *replay, struct str file, struct str text,
                 struct arena *arena, struct str *error) MUST_USE;

/* One message each. */
void replay_fixture(struct buf *out, const struct replay *replay,
                    const struct replay_match *match, int64_t start_ms, int64_t now_ms);
/* False: nothing is offered. */
bool replay_odds(struct buf *out, const struct replay_match *match, int64_t now_ms) MUST_USE;
void replay_stop(struct buf *out, const struct replay_match *match, int64_t now_ms);
enum replay_moment { REPLAY_KICK_OFF, REPLAY_HALF_TIME, REPLAY_ENDED };
void replay_score(struct buf *out, const struct replay_match *match,
                  enum replay_moment moment, int64_t now_ms);
/* False: nothing was offered, or the row has no result. */
bool replay_settlement(struct buf *out, const struct replay_match *match,
                       int64_t now_ms) MUST_USE;

#endif
