/*
 * Compose: Unified Odds Feed messages as XML, for the two sources that we
 * play ourselves (replay, sim).  What feed/uof.c reads, this writes.  Every
 * call puts one whole message, or one part of it, at the end of `out`.
 */
#ifndef FEED_COMPOSE_H
#define FEED_COMPOSE_H

#include "base/buf.h"

#define PRODUCER_LIVE 1
#define PRODUCER_PREMATCH 3

/* Markets that we play, and their outcomes. */
#define MARKET_1X2 1
#define MARKET_HANDICAP 16
#define MARKET_TOTAL 18
#define OUTCOME_HOME "1"
#define OUTCOME_DRAW "2"
#define OUTCOME_AWAY "3"
#define OUTCOME_OVER "12"
#define OUTCOME_UNDER "13"
#define OUTCOME_HANDICAP_HOME "1714"
#define OUTCOME_HANDICAP_AWAY "1715"

/* enum-like numbers of sport_event_status. */
#define EVENT_NOT_STARTED 0
#define EVENT_LIVE 1
#define EVENT_ENDED 3
#define EVENT_CLOSED 4
#define MATCH_NOT_STARTED 0
#define MATCH_FIRST_HALF 6
#define MATCH_SECOND_HALF 7
#define MATCH_HALF_TIME 31
#define MATCH_AWAITING_EXTRA 32
#define MATCH_EXTRA_HALF_TIME 33
#define MATCH_AWAITING_PENALTIES 34
#define MATCH_FIRST_EXTRA 41
#define MATCH_SECOND_EXTRA 42
#define MATCH_PENALTIES 50
#define MATCH_ENDED 100
#define MATCH_AFTER_EXTRA 110
#define MATCH_AFTER_PENALTIES 120

/* Whose message it is. */
struct compose_head {
    int producer;
    struct str event;
    int64_t timestamp_ms;
    int64_t request_id;   /* of the recovery it answers; 0 = none */
};

struct compose_team {
    struct str id, name;
};

struct compose_fixture {
    struct str event, tournament, tournament_name, category_name;
    struct compose_team home, away;
    int64_t start_ms;
    bool live;
};

#define COMPOSE_PERIODS_MAX 4

/* Beside the score; pairs are home, away. */
struct compose_statistics {
    int yellow[2], red[2], corners[2];
    unsigned n_periods;
    struct { int match_status, score[2]; } periods[COMPOSE_PERIODS_MAX];
    bool shoot_out;
    int penalties[2];     /* of the shoot-out */
};

/* The state of a match; clock_s < 0 = no clock. */
struct compose_score {
    int event_status, match_status, home, away;
    int clock_s;
    int stoppage_s;       /* while the clock stands; 0 = none */
    const struct compose_statistics *statistics; /* NULL = none */
};

void compose_descriptions(struct buf *out); /* of all markets that we play */
void compose_fixture(struct buf *out, const struct compose_fixture *fixture,
                     int64_t generated_ms);
void compose_alive(struct buf *out, int producer, int64_t timestamp_ms, bool subscribed);
void compose_bet_stop(struct buf *out, const struct compose_head *head);
void compose_snapshot_complete(struct buf *out, int producer, int64_t timestamp_ms,
                               int64_t request_id);
/* change_type: 1 new, 2 its time. */
void compose_fixture_change(struct buf *out, const struct compose_head *head, int change_type,
                            int64_t start_ms);

/* odds_change: begin, any number of markets, end.  score NULL = none. */
void compose_odds(struct buf *out, const struct compose_head *head,
                  const struct compose_score *score);
void compose_odds_end(struct buf *out);
/* In either of the two; status is for odds only. */
void compose_market(struct buf *out, unsigned market, struct str specifiers, int status);
/* odds_e4 0: the outcome is not offered. */
void compose_price(struct buf *out, const char *outcome, int64_t odds_e4);
void compose_market_end(struct buf *out);

/* bet_settlement: begin, markets with results, end. */
void compose_settlement(struct buf *out, const struct compose_head *head, int certainty);
void compose_result_market(struct buf *out, unsigned market, struct str specifiers);
/* void_tenths: 0, 5 or 10, the void factor x 10. */
void compose_result(struct buf *out, const char *outcome, int result, int void_tenths);
void compose_settlement_end(struct buf *out);

/* Begin, markets, end.  A cancel's window is [start_ms, end_ms). */
void compose_cancel(struct buf *out, const struct compose_head *head, int64_t start_ms,
                    int64_t end_ms);
void compose_cancel_end(struct buf *out);
void compose_rollback(struct buf *out, const struct compose_head *head);
void compose_rollback_end(struct buf *out);
/* <market …/> without outcomes, in either of the two. */
void compose_bare_market(struct buf *out, unsigned market, struct str specifiers);

#endif
