/*
 * Rules hash: see rules_hash.h.  The set is made by a generator with a fixed
 * seed; its order and every constant here are part of the hash.
 */
#include "model/rules_hash.h"

#include <sodium.h>
#include <stdio.h>

#include "model/cashout.h"
#include "model/grade.h"

#define SLIPS 2400
#define SYSTEM_LEGS 7
#define MULTIPLE_LEGS 12
#define FACTS 4
#define HASH_BYTES 8
#define ARENA_BYTES (1024 * 1024)

struct rules {
    crypto_generichash_state state;
    struct arena arena;
    uint64_t seed;
};

/* ---- the generator ------------------------------------------------------- */

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t next(struct rules *rules)
{
    uint64_t z = rules->seed += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static int64_t below(struct rules *rules, uint64_t n)
{
    CHECK(n > 0);
    return (int64_t)(next(rules) % n);
}

static bool one_in(struct rules *rules, uint64_t n)
{
    return below(rules, n) == 0;
}

/* Mostly what is offered, sometimes the ends of the scale. */
static int64_t some_odds(struct rules *rules)
{
    static const int64_t ends[] = { ODDS_ONE_E4, 10001, 13333, 19999, 30003, 10000000 };

    if (one_in(rules, 4))
        return ends[below(rules, LENGTH(ends))];
    return 10100 + below(rules, 90000);
}

static struct leg_result some_result(struct rules *rules)
{
    const int64_t one = FACTOR_ONE_E12;
    const int64_t parts[] = { one / 2, one / 3, one / 4, 2 * (one / 3), 1, one - 1 };
    int64_t kind = below(rules, 12), void_e12 = parts[below(rules, LENGTH(parts))];
    int64_t dead_heat_e12 = parts[below(rules, LENGTH(parts))], won = below(rules, 2);

    switch (kind) {
    case 0:
        return leg_result_make(0, 0, one);
    case 1:
        return leg_result_make(0, one, one);
    case 2:
        return leg_result_make(1, one / 2, one); /* half won */
    case 3:
        return leg_result_make(0, one / 2, one); /* half lost */
    case 4:
        return leg_result_make(1, 0, dead_heat_e12);
    case 5:
        return leg_result_make((int8_t)won, void_e12, dead_heat_e12);
    case 6:
        return LEG_RESULT_OPEN;
    default:
        return leg_result_make(1, 0, one);
    }
}

/* ---- results by facts ------------------------------------------------------ */

/* A statement for each draw: C leaves the order within one open. */
static struct fact some_fact(struct rules *rules, struct fact_outcome *outcomes)
{
    struct fact fact = { .id = { STR("sr:match:1"), 18, STR("total=2.5") }, .producer = 1,
                         .outcomes = outcomes, .n_outcomes = 2 };

    outcomes[0] = (struct fact_outcome){ .id = STR("1"), .dead_heat_e12 = FACTOR_ONE_E12 };
    outcomes[0].result = (int8_t)(below(rules, 3) - 1);
    outcomes[1] = (struct fact_outcome){ .id = STR("2") };
    outcomes[1].result = (int8_t)below(rules, 2);
    outcomes[1].void_e12 = FACTOR_ONE_E12 / 2 * below(rules, 3);
    outcomes[1].dead_heat_e12 = FACTOR_ONE_E12 / (1 + below(rules, 3));
    fact.kind = (enum fact_kind)(1 + below(rules, 10) % 4);
    fact.rank = one_in(rules, 6) ? FACT_RANK_DESK : FACT_RANK_FEED;
    fact.key = market_key(fact.id);
    fact.timestamp_ms = 1000 + below(rules, 20);
    fact.position = 1 + below(rules, 50);
    fact.certainty = (int8_t)(1 + below(rules, 2));
    fact.start_ms = one_in(rules, 2) ? 0 : 900 + below(rules, 200);
    fact.end_ms = one_in(rules, 2) ? 0 : 900 + below(rules, 200);
    return fact;
}

/* What some facts of one market make of a leg. */
static struct leg_result ruled_result(struct rules *rules)
{
    struct fact facts[FACTS];
    struct fact_outcome outcomes[FACTS][2];
    uint32_t n = (uint32_t)(1 + below(rules, FACTS));
    struct str outcome = one_in(rules, 2) ? STR("1") : STR("2");
    int64_t accepted_ms = 950 + below(rules, 100);
    struct ruling ruling;

    for (uint32_t i = 0; i < n; i++)
        facts[i] = some_fact(rules, outcomes[i]);
    CHECK(n >= 1 && n <= FACTS);
    ruling = facts_rule(facts, n, &rules->arena);
    return ruling_leg(&ruling, outcome, accepted_ms);
}

/* ---- slips ----------------------------------------------------------------- */

static uint32_t some_sizes(struct rules *rules, struct slip *slip, uint32_t choices)
{
    for (uint32_t size = 1; size <= choices; size++)
        if (one_in(rules, 2) || (size == choices && slip->n_sizes == 0))
            slip->sizes[slip->n_sizes++] = size;
    return slip->n_sizes;
}

static void some_slip(struct rules *rules, struct slip *slip)
{
    uint32_t bankers = 0;

    *slip = (struct slip){ .type = (enum bet_type)(BET_SINGLE + below(rules, 3)) };
    slip->n_legs = slip->type == BET_SINGLE ? 1
                 : (uint32_t)(2 + below(rules, slip->type == BET_SYSTEM ? SYSTEM_LEGS - 1
                                                                        : MULTIPLE_LEGS - 1));
    for (uint32_t i = 0; i < slip->n_legs; i++) {
        struct leg *leg = &slip->legs[i];

        leg->odds_e4 = some_odds(rules);
        leg->banker = slip->type == BET_SYSTEM && i > 0 && one_in(rules, 5);
        leg->result = one_in(rules, 3) ? ruled_result(rules) : some_result(rules);
        bankers += leg->banker;
    }
    if (slip->type == BET_SYSTEM)
        CHECK(some_sizes(rules, slip, slip->n_legs - bankers) > 0);
    slip_expect(slip); /* a set of slips that cannot be placed would prove nothing */
}

/* ---- their results ----------------------------------------------------------- */

static void add(struct rules *rules, int64_t n)
{
    uint8_t bytes[8];

    for (unsigned i = 0; i < sizeof(bytes); i++) /* the same on every machine */
        bytes[i] = (uint8_t)((uint64_t)n >> (8 * i));
    CHECK(crypto_generichash_update(&rules->state, bytes, sizeof(bytes)) == 0);
}

static void add_offer(struct rules *rules, const struct slip *slip, int64_t stake_minor)
{
    int64_t now_e4[LIMIT_LEGS];

    for (uint32_t i = 0; i < LIMIT_LEGS; i++)
        now_e4[i] = some_odds(rules);
    add(rules, cashout_offer(slip, now_e4, stake_minor, below(rules, 2000)));
}

static void add_legs(struct rules *rules, const struct slip *slip)
{
    for (uint32_t i = 0; i < slip->n_legs; i++) {
        const struct leg_result *result = &slip->legs[i].result;

        add(rules, result->state);
        add(rules, result->result);
        add(rules, result->void_e12);
        add(rules, result->dead_heat_e12);
    }
}

static void add_slip(struct rules *rules, const char *currency)
{
    struct slip slip;
    int64_t potential_minor = -1;
    int64_t stake_minor = money_from_e2(1 + below(rules, 1000000),
                                        currency_find(str_of(currency)));
    int64_t cap_minor = one_in(rules, 3) ? 1 + below(rules, 4) * stake_minor : 0;
    struct grade grade;

    arena_reset(&rules->arena);
    some_slip(rules, &slip);
    CHECK(stake_minor > 0 && cap_minor >= 0);
    grade = grade_slip(&slip, stake_minor, cap_minor);
    add(rules, grade.fixed);
    add(rules, grade.payout_minor);
    add(rules, slip_lines(&slip));
    add(rules, grade_potential(&slip, stake_minor, &potential_minor));
    add(rules, potential_minor);
    add_legs(rules, &slip);
    add_offer(rules, &slip, stake_minor);
}

static void compute(char text[RULES_HASH_BYTES])
{
    static const char *const currencies[] = { "EUR", "JPY", "KWD" };
    struct rules rules = { .seed = 1 };
    uint8_t hash[crypto_generichash_BYTES];
    int n = snprintf(text, RULES_HASH_BYTES, "%d-", RULES_VERSION);

    CHECK(sodium_init() >= 0);
    CHECK(crypto_generichash_init(&rules.state, NULL, 0, sizeof(hash)) == 0);
    arena_init(&rules.arena, ARENA_BYTES);
    for (unsigned i = 0; i < SLIPS; i++)
        add_slip(&rules, currencies[i % LENGTH(currencies)]);
    CHECK(crypto_generichash_final(&rules.state, hash, sizeof(hash)) == 0);
    arena_fini(&rules.arena);
    CHECK(n > 0 && n + 2 * HASH_BYTES < RULES_HASH_BYTES);
    (void)sodium_bin2hex(text + n, (size_t)(RULES_HASH_BYTES - n), hash, HASH_BYTES);
}

const char *rules_hash(void)
{
    static char text[RULES_HASH_BYTES];

    if (text[0] == '\0')
        compute(text);
    return text;
}
