/*
 * Any bytes where the store keeps a slip, a bet's results or a fact's
 * outcomes.  Whatever comes: no crash, and what is read is written again as
 * text that reads as the same, once and for all (decode . encode . decode).
 *
 * The first byte chooses which of the three the rest is.
 */
#include <stdint.h>

#include "base/check.h"
#include "model/bet.h"
#include "model/grade.h"

#define ARENA_BYTES (64 * 1024 * 1024)
#define ENCODED_BYTES (16 * 1024 * 1024)
#define INPUT_BYTES_MAX (64 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool legs_equal(const struct leg *a, const struct leg *b)
{
    return market_id_equal(a->market, b->market) && str_eq(a->outcome, b->outcome)
        && a->odds_e4 == b->odds_e4 && a->banker == b->banker;
}

static void check_equal(const struct slip *a, const struct slip *b)
{
    CHECK(a->type == b->type && a->accept == b->accept);
    CHECK(a->n_sizes == b->n_sizes && a->n_legs == b->n_legs);
    for (uint32_t i = 0; i < a->n_sizes; i++)
        CHECK(a->sizes[i] == b->sizes[i]);
    for (uint32_t i = 0; i < a->n_legs; i++)
        CHECK(legs_equal(&a->legs[i], &b->legs[i]));
}

static void read_slip(struct str text, struct arena *arena)
{
    struct slip *slip = ARENA_NEW(arena, struct slip);
    struct slip *back = ARENA_NEW(arena, struct slip);
    struct buf first, second;

    if (!slip_decode(text, arena, slip))
        return;
    CHECK(slip_check(slip) == SLIP_OK);
    buf_init(&first, ENCODED_BYTES);
    buf_init(&second, ENCODED_BYTES);
    slip_encode(slip, &first);
    CHECK(!first.overflow);
    CHECK(slip_decode(buf_view(&first), arena, back));
    check_equal(slip, back);
    slip_encode(back, &second);
    CHECK(str_eq(buf_view(&first), buf_view(&second)));
    buf_fini(&first);
    buf_fini(&second);
}

/* A result never changes by being stored, nor is one invented. */
static void check_results(const struct slip *a, const struct slip *b)
{
    for (uint32_t i = 0; i < a->n_legs; i++) {
        const struct leg_result *x = &a->legs[i].result, *y = &b->legs[i].result;

        CHECK(x->state == y->state && x->result == y->result);
        CHECK(x->void_e12 == y->void_e12 && x->dead_heat_e12 == y->dead_heat_e12);
        CHECK(x->void_e12 >= 0 && x->void_e12 <= FACTOR_ONE_E12);
        CHECK(x->dead_heat_e12 >= 0 && x->dead_heat_e12 <= FACTOR_ONE_E12);
        CHECK(leg_state_name(x->state) != NULL);
    }
}

static void read_results(struct str text, uint32_t n_legs)
{
    static struct slip slip, back;
    struct buf first, second;

    slip.n_legs = back.n_legs = n_legs;
    for (uint32_t i = 0; i < n_legs; i++)
        slip.legs[i].odds_e4 = ODDS_ONE_E4 + i;
    if (!results_decode(text, &slip))
        return;
    buf_init(&first, ENCODED_BYTES);
    buf_init(&second, ENCODED_BYTES);
    results_encode(&slip, &first);
    CHECK(results_decode(buf_view(&first), &back));
    check_results(&slip, &back);
    results_encode(&back, &second);
    CHECK(str_eq(buf_view(&first), buf_view(&second)));
    for (uint32_t i = 0; i < n_legs; i++) {
        buf_reset(&second);
        leg_factor_text(&slip.legs[i], &second);
        CHECK((second.n == 0) == (slip.legs[i].result.state == LEG_OPEN));
    }
    buf_fini(&first);
    buf_fini(&second);
}

static void read_outcomes(struct str text, struct arena *arena)
{
    struct fact fact = { .kind = FACT_SETTLEMENT }, back = { .kind = FACT_SETTLEMENT };
    struct str first;

    if (!fact_outcomes_decode(text, arena, &fact))
        return;
    first = fact_outcomes_encode(&fact, arena);
    CHECK(fact_outcomes_decode(first, arena, &back));
    CHECK(fact.n_outcomes == back.n_outcomes);
    for (uint32_t i = 0; i < fact.n_outcomes; i++) {
        const struct fact_outcome *x = &fact.outcomes[i], *y = &back.outcomes[i];

        CHECK(str_eq(x->id, y->id) && x->result == y->result);
        CHECK(x->void_e12 == y->void_e12 && x->dead_heat_e12 == y->dead_heat_e12);
        CHECK(x->result >= -1 && x->result <= 1);
    }
    CHECK(str_eq(first, fact_outcomes_encode(&back, arena)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct str text;

    if (size == 0 || size > INPUT_BYTES_MAX)
        return 0;
    text = (struct str){ (const char *)data + 1, size - 1 };
    arena_init(&arena, ARENA_BYTES);
    switch (data[0] % 4) {
    case 0: /* '0', '4', … : which also choose the number of legs below */
        read_slip(text, &arena);
        break;
    case 1:
        read_outcomes(text, &arena);
        break;
    default:
        read_results(text, 1 + data[0] / 4 % LIMIT_LEGS);
        break;
    }
    arena_fini(&arena);
    return 0;
}
