/*
 * Facts: what producers and the desk said about a market's result, and what
 * of it is in force (RULES.md 1, 2, 5).
 *
 * In force: a fact older than a later rollback of its kind (for a cancel: of
 * the same window; the desk's takes all its windows back) is dropped; then
 * the desk outranks the feed; then a covering cancel beats a settlement; then
 * the highest certainty; then the latest timestamp, ties by log position.
 */
#ifndef MODEL_FACTS_H
#define MODEL_FACTS_H

#include "model/message.h"

enum fact_kind {
    FACT_SETTLEMENT = 1,
    FACT_CANCEL,
    FACT_ROLLBACK_SETTLEMENT,
    FACT_ROLLBACK_CANCEL,
};

enum fact_rank { FACT_RANK_FEED = 0, FACT_RANK_DESK = 1 };

struct fact_outcome {
    struct str id;
    int8_t result;          /* 1, 0, -1 */
    int64_t void_e12, dead_heat_e12;
};

struct fact {
    enum fact_kind kind;
    enum fact_rank rank;
    struct market_id id;
    int64_t key;            /* market_key(id) */
    int32_t producer;
    int64_t timestamp_ms;   /* the producer's clock */
    int64_t position;       /* in the feed log */
    int8_t certainty;
    int64_t start_ms, end_ms; /* cancel window */
    int64_t stopped_ms;     /* producer's time the market had stopped; 0 = unknown */
    struct fact_outcome *outcomes; /* settlement */
    uint32_t n_outcomes;
    int64_t record;         /* its offset on the bus; for who brought it only */
};

/* The facts of a result message, one per market, into arena.  *n = 0 when
 * the message is none. */
struct fact *facts_from_message(const struct message *message, int64_t position,
                                struct arena *arena, uint32_t *n);

/* A settlement's outcomes as stored text: "1=1,0,1;2=0,…" style, exact and
 * reversible; canonical, so that equal facts have equal text. */
struct str fact_outcomes_encode(const struct fact *fact, struct arena *arena);
bool fact_outcomes_decode(struct str text, struct arena *arena, struct fact *fact) MUST_USE;

/* The facts of ONE market resolved: make once, ask for many legs. */
struct ruling {
    const struct fact *settlement; /* in force, or NULL */
    const struct fact **cancels;   /* in force */
    uint32_t n_cancels;
};
struct ruling facts_rule(const struct fact *facts, uint32_t n, struct arena *arena);

enum leg_state { LEG_OPEN = 0, LEG_WON, LEG_LOST, LEG_VOID, LEG_HALF_WON, LEG_HALF_LOST };
const char *leg_state_name(enum leg_state state);

/* f = v + (1 - v) * r * d * odds, the ingredients. */
struct leg_result {
    enum leg_state state;
    int8_t result;
    int64_t void_e12, dead_heat_e12;
};
#define LEG_RESULT_OPEN \
    ((struct leg_result){ .state = LEG_OPEN, .result = -1, .dead_heat_e12 = FACTOR_ONE_E12 })
/* From its ingredients; a state that is derived, never invented. */
struct leg_result leg_result_make(int8_t result, int64_t void_e12, int64_t dead_heat_e12);
/* Its state is what its ingredients make. */
void leg_result_check(const struct leg_result *leg);

/* A cancel covers that moment, and no settlement outranks it. */
bool ruling_is_void(const struct ruling *ruling, int64_t accepted_ms);

/* What the ruling means for a leg on `outcome` whose price was accepted at
 * `accepted_ms`. */
struct leg_result ruling_leg(const struct ruling *ruling, struct str outcome,
                             int64_t accepted_ms);

#endif
