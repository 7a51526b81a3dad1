/*
 * One feed message, parsed: what feed/uof.c makes of the XML and what the
 * book and settlement act on.  All strings point into the message's arena
 * (or the caller's bytes) and die with it.
 */
#ifndef MODEL_MESSAGE_H
#define MODEL_MESSAGE_H

#include "model/market.h"

enum message_type {
    MESSAGE_ODDS_CHANGE = 1,
    MESSAGE_BET_STOP,
    MESSAGE_BET_SETTLEMENT,
    MESSAGE_BET_CANCEL,
    MESSAGE_ROLLBACK_SETTLEMENT,
    MESSAGE_ROLLBACK_CANCEL,
    MESSAGE_FIXTURE_CHANGE,
    MESSAGE_ALIVE,
    MESSAGE_SNAPSHOT_COMPLETE,
    MESSAGE_FIXTURE,             /* fixtures_fixture document */
    MESSAGE_MARKET_DESCRIPTIONS, /* market_descriptions document */
    /* Written into the log by ourselves, never accepted from outside: */
    MESSAGE_PRODUCER,            /* <overround_producer product= up= /> */
    MESSAGE_RESTART,             /* <overround_restart/> */
    MESSAGE_DESK,                /* <overround_desk act= operator= … /> */
};

/* The largest void or dead-heat factor's scale: 10^12. */
#define FACTOR_ONE_E12 1000000000000

struct message_outcome {
    struct str id;
    int64_t odds_e4;       /* odds_change; 0 = none given */
    bool active;           /* odds_change; missing = active */
    int8_t result;         /* settlement: 1, 0, -1 = undecided */
    int64_t void_e12;      /* settlement: void factor x 10^12 */
    int64_t dead_heat_e12; /* settlement: dead heat x 10^12, 1 when absent */
};

struct message_market {
    uint32_t market;
    struct str specifiers; /* canonical */
    int8_t status;         /* odds_change: enum market_status */
    bool favourite;
    int32_t void_reason;
    uint32_t first, n;     /* its outcomes, in message.outcomes */
};

struct message_competitor { struct str id, name, abbreviation; };

struct message_fixture {
    struct str event, sport, sport_name, tournament, tournament_name, category_name;
    struct str status;     /* "not_started", "live", "closed", … */
    int64_t start_ms;      /* 0 = unknown */
    struct message_competitor home, away;
};

struct message_description {      /* one market's names */
    uint32_t market;
    struct str name;              /* "{!setnr} set - total": a template */
    struct str groups;            /* "all|score" */
    uint32_t first, n;            /* its outcomes' names, in .names */
};
struct message_name { struct str id, name; };

/* An entry of the trading desk: who did what, where (desk_entry.h). */
enum desk_act {
    DESK_SUSPEND = 1, DESK_RESUME, DESK_MARGIN, DESK_PRICE, DESK_LIMITS, DESK_FACTOR,
    DESK_PROPOSE, DESK_CONFIRM, DESK_REJECT,
    DESK_NOTE,                    /* for the record alone */
};
enum desk_level { DESK_NOWHERE = 0, DESK_ALL, DESK_SPORT, DESK_EVENT, DESK_MARKET };
enum desk_what { DESK_NOTHING = 0, DESK_RESULT, DESK_VOID, DESK_UNDO_RESULT, DESK_UNDO_VOID };

struct message_desk {
    enum desk_act act;
    enum desk_level level;        /* of an event: message.event; of a market: and
                                     message.markets[0] */
    enum desk_what what;          /* proposed or confirmed */
    struct str operator, reason, sport;
    struct str note;              /* DESK_NOTE: what was done elsewhere */
    struct str ticket;            /* by which who sent it knows it again; may be empty */
    struct str outcome;           /* DESK_PRICE */
    int64_t odds_e4;              /* DESK_PRICE; 0 = the feed's again */
    int64_t margin_e4;            /* DESK_MARGIN: 600 = 6 %; -1 = the feed's own */
    int64_t stake_max_minor, liability_max_minor, hold_above_minor; /* -1 = not set */
    int64_t customer, factor_e4;  /* DESK_FACTOR */
    int64_t proposal;             /* DESK_CONFIRM, DESK_REJECT: its log position */
    struct str proposer;          /* DESK_CONFIRM */
};

struct message {
    enum message_type type;
    int32_t producer;       /* `product` */
    int64_t timestamp_ms;   /* the producer's clock */
    int64_t request_id;     /* 0 = none */
    struct str event;       /* event_id; empty for alive, … */
    bool subscribed;        /* alive */
    bool up;                /* MESSAGE_PRODUCER */
    int8_t certainty;       /* settlement: 1 or 2 */
    int64_t start_ms, end_ms; /* cancel window: start 0 = from ever,
                                 end INT64_MAX = for ever; start_ms of a
                                 fixture_change: the new kick-off, 0 = none */
    struct str groups;      /* bet_stop */
    int8_t stop_status;     /* bet_stop market_status, by default -1 */

    /* sport_event_status of odds_change; has_status false = absent */
    bool has_status;
    int32_t event_status;   /* 0 not started, 1 live, 3 ended, 4 closed, …; -1 not given */
    int32_t match_status;   /* period code; -1 not given */
    struct str home_score, away_score; /* as given */
    struct str match_time;  /* clock, "71:00"; empty = none */

    struct message_market *markets;
    struct message_outcome *outcomes;
    uint32_t n_markets, n_outcomes;

    struct message_desk *desk;               /* MESSAGE_DESK */
    struct message_fixture *fixture;         /* MESSAGE_FIXTURE */
    struct message_description *descriptions; /* MESSAGE_MARKET_DESCRIPTIONS */
    struct message_name *names;
    uint32_t n_descriptions, n_names;

    uint32_t unknown;       /* elements and attributes passed over */
};

#endif
