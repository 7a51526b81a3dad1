/*
 * Sim, from the inside: what its three files share.
 */
#ifndef FEED_SIM_INSIDE_H
#define FEED_SIM_INSIDE_H

#include "feed/compose.h"
#include "feed/goals.h"
#include "feed/offer.h"
#include "feed/sim.h"

#define SECOND_MS INT64_C(1000)
#define MINUTE_MS (60 * SECOND_MS)
#define AGENDA_MAX 400
#define NAME_BYTES 96
#define NUMBER_BYTES 40

enum stage {
    STAGE_ANNOUNCED,   /* nobody knows of it yet */
    STAGE_PREMATCH,
    STAGE_PLAYING,     /* a period */
    STAGE_PAUSE,       /* after a period */
    STAGE_SHOOT_OUT,
    STAGE_ENDED,
};

enum act {
    ACT_ANNOUNCE, ACT_DELAY, ACT_KICK_OFF, ACT_PERIOD, ACT_PERIOD_END, ACT_INCIDENT, ACT_DANGER,
    ACT_RESUME, ACT_CONFIRM, ACT_TICK, ACT_SHOOT_OUT, ACT_SHOOT_OUT_END, ACT_FINAL,
};

struct appointment {
    int64_t at_ms;
    unsigned order;       /* of those at the same time */
    enum act act;
    unsigned what;        /* the incident, the period */
};

struct market_state {
    struct offer offer;
    bool told;            /* the receiver knows it */
    int status;           /* last told */
    int64_t odds_e4[OFFER_OUTCOMES_MAX]; /* last told */
    int certainty;        /* of the settlement that stands; 0 = none */
};

/* A settlement, cancel or rollback, as it was sent. */
struct kept {
    int64_t timestamp_ms;
    struct buf text;
};

struct match {
    unsigned number;
    char event[NUMBER_BYTES], home[NAME_BYTES], away[NAME_BYTES], tournament[NAME_BYTES];
    char category[NAME_BYTES], home_id[NUMBER_BYTES], away_id[NUMBER_BYTES];
    char tournament_id[NUMBER_BYTES];
    bool drawn;               /* else given */
    unsigned teams[2];        /* of drawn ones */
    uint64_t dice;
    double mean[2];           /* goals in a whole match */
    double drift[2];          /* opinions before it; times the mean */
    struct script script;

    struct appointment agenda[AGENDA_MAX];
    unsigned n_agenda, n_made;

    enum stage stage;
    unsigned period;          /* the one that is played, or was last */
    int64_t kickoff_ms;       /* the sim's time */
    int64_t began_ms;         /* of the period */
    int64_t tick_ms;          /* when the next tick is due */
    int64_t stopped_until_ms; /* 0 = betting is open */
    bool trading;             /* there are markets: until 90 minutes are over */
    int score[2];
    struct offer_facts facts; /* of regular time */
    int reds[2], yellows[2], corners[2];
    int period_scores[SCRIPT_PERIODS][2];
    unsigned last_side;       /* of the last goal */
    int64_t goal_ts;          /* timestamp of the stop at the last goal */
    bool resumed;             /* betting went on since */
    bool closed;              /* all is confirmed */

    struct market_state markets[OFFER_MAX];
    unsigned n_markets;
    struct kept *kept;
    unsigned n_kept;
    int64_t ts_ms;            /* of its last message: they never go back */
};

static inline bool match_is_live(const struct match *match)
{
    return match->stage >= STAGE_PLAYING;
}

enum timer_kind { TIMER_ALIVE, TIMER_REFRESH, TIMER_BACK, TIMER_RESTART, TIMER_RESTARTED };

struct timer {
    enum timer_kind kind;
    int64_t at_ms;
    int64_t since_ms;         /* of the run: what was missed began then */
    int producer;
};

struct sim {
    struct sim_options options;
    struct match **matches;   /* ended ones stay a while, for recoveries */
    unsigned n, room, n_ended;
    unsigned next_number;
    /* sim.c's: another match of drawn teams, to kick off then */
    void (*add)(struct sim *sim, int64_t kickoff_ms);
    struct timer timers[FAULTS_SILENCES_MAX + 4];
    unsigned n_timers;
    int64_t now_ms;           /* of the step under way */
    int64_t wall_ms;
    int64_t began_wall_ms;    /* the wall's time at the head start's end */
    bool muted;               /* the head start */
    struct buf message;
    struct faults faults;
};

/* ---- sim_match.c ---- */

/* Puts the match on its way: announced at announce_ms. */
void match_begin(struct match *match, int64_t announce_ms);
void match_free(struct match *match);
/* When its next step is due, INT64_MAX = never. */
int64_t match_due_ms(const struct match *match);
bool match_step(struct sim *sim, struct match *match) MUST_USE;

/* ---- sim_messages.c ---- */

/* All odds (listed or not), or those that changed; request_id 0 = none. */
bool say_odds(struct sim *sim, struct match *match, bool all, int64_t request_id) MUST_USE;
bool say_status(struct sim *sim, struct match *match) MUST_USE;
bool say_fixture(struct sim *sim, struct match *match) MUST_USE;
bool say_fixture_change(struct sim *sim, struct match *match, int change_type) MUST_USE;
bool say_hand_over(struct sim *sim, struct match *match) MUST_USE;
bool say_stop(struct sim *sim, struct match *match) MUST_USE;
/* Results of markets whose settlement is less certain: the decided ones, or
 * all of them. */
bool say_settlement(struct sim *sim, struct match *match, int certainty, bool all) MUST_USE;
/* Settled markets that are open again, and the bets since the goal. */
bool say_rollback(struct sim *sim, struct match *match) MUST_USE;
bool say_cancel(struct sim *sim, struct match *match) MUST_USE;
/* A match for a receiver that was away. */
bool say_again(struct sim *sim, struct match *match, int producer, int64_t after_ms,
               int64_t request_id) MUST_USE;
bool say_descriptions(struct sim *sim) MUST_USE;
bool say_alive(struct sim *sim, int producer, bool subscribed) MUST_USE;
bool say_snapshot_complete(struct sim *sim, int producer, int64_t request_id) MUST_USE;
/* The market of the next goal, when there is none. */
void open_next_goal(struct match *match);

#endif
