/*
 * Bets as customers see them.  One writer for the answer to a placement and
 * for histories, so that a field means the same everywhere.
 */
#include "model/bet_json.h"

#include <stdlib.h>

#include "model/grade.h"

/* Odds of any size: a combination's may pass 64 bits. */
static void write_odds_mpz(struct jw *w, mpz_t odds_e4)
{
    mpz_t whole;
    char *text;

    if (mpz_fits_slong_p(odds_e4)) {
        jw_odds(w, mpz_get_si(odds_e4));
        return;
    }
    mpz_init(whole);
    unsigned long part = mpz_fdiv_q_ui(whole, odds_e4, ODDS_ONE_E4);
    CHECK(part < ODDS_ONE_E4 && mpz_sgn(whole) > 0);
    text = mpz_get_str(NULL, 10, whole);
    CHECK(text != NULL);
    jw_raw(w, STR("\""));
    buf_str(w->out, str_of(text));
    buf_printf(w->out, ".%04lu\"", part);
    free(text);
    mpz_clear(whole);
}

static void write_odds(struct jw *w, const struct slip *slip)
{
    mpz_t odds_e4;

    if (slip->type == BET_SINGLE) {
        jw_odds(w, slip->legs[0].odds_e4);
        return;
    }
    mpz_init(odds_e4);
    grade_odds_e4(slip, odds_e4);
    write_odds_mpz(w, odds_e4);
    mpz_clear(odds_e4);
}

/* What the ledger says of a bet. */
static void bet_check(const struct bet_view *bet)
{
    CHECK(bet->id > 0 && bet->currency != NULL);
    CHECK(bet->state >= BET_ACCEPTED && bet->state <= BET_CASHED_OUT);
    CHECK(bet->stake_minor > 0 && bet->potential_minor >= 0);
    CHECK(bet->cashed_stake_minor >= 0 && bet->cashed_stake_minor <= bet->stake_minor);
    CHECK(bet->cashed_paid_minor >= 0 && bet->payout_minor >= 0);
    CHECK(!bet->offered || (bet->offer_minor >= 0 && bet->margin_e4 >= 0));
}

static void write_leg(struct jw *w, const struct leg *leg)
{
    leg_check(leg);
    jw_object(w);
    jw_key(w, "event");
    jw_str(w, leg->market.event);
    jw_key(w, "market");
    jw_id(w, leg->market.market);
    jw_key(w, "specifiers");
    jw_str(w, leg->market.specifiers);
    jw_key(w, "outcome");
    jw_str(w, leg->outcome);
    jw_key(w, "odds");
    jw_odds(w, leg->odds_e4);
    jw_key(w, "banker");
    jw_bool(w, leg->banker);
    jw_key(w, "state");
    jw_str(w, str_of(leg_state_name(leg->result.state)));
    jw_key(w, "factor");
    if (leg->result.state == LEG_OPEN) {
        jw_null(w);
    } else {
        jw_raw(w, STR("\""));
        leg_factor_text(leg, w->out);
        buf_char(w->out, '"');
    }
    jw_object_end(w);
}

static void write_terms(struct jw *w, const struct bet_view *bet, enum bet_state state)
{
    const struct slip *slip = bet->slip;

    CHECK(slip->n_legs >= 1 && slip->n_legs <= LIMIT_LEGS && bet->currency != NULL);
    jw_key(w, "id");
    jw_id(w, bet->id);
    jw_key(w, "state");
    jw_str(w, str_of(bet_state_name(state)));
    jw_key(w, "type");
    jw_str(w, str_of(bet_type_name(slip->type)));
    if (slip->type == BET_SYSTEM) {
        jw_key(w, "system");
        jw_array(w);
        for (uint32_t i = 0; i < slip->n_sizes; i++)
            jw_int(w, slip->sizes[i]);
        jw_array_end(w);
    }
    jw_key(w, "stake");
    jw_money(w, bet->stake_minor, bet->currency->exponent);
    jw_key(w, "currency");
    jw_str(w, str_of(bet->currency->code));
    jw_key(w, "odds");
    write_odds(w, slip);
    jw_key(w, "potential_payout");
    jw_money(w, bet->potential_minor, bet->currency->exponent);
    jw_key(w, "placed_at");
    jw_time(w, bet->placed_ms);
}

static void write_legs(struct jw *w, const struct slip *slip)
{
    jw_key(w, "legs");
    jw_array(w);
    for (uint32_t i = 0; i < slip->n_legs; i++)
        write_leg(w, &slip->legs[i]);
    jw_array_end(w);
}

void bet_write_accepted(struct buf *out, const struct bet_view *bet)
{
    struct jw w = jw_to(out);

    jw_object(&w);
    write_terms(&w, bet, BET_ACCEPTED);
    write_legs(&w, bet->slip);
    jw_object_end(&w);
}

static void write_offer(struct jw *w, const struct bet_view *bet)
{
    jw_key(w, "cashout");
    if (bet->state != BET_ACCEPTED || !bet->offered) {
        jw_null(w);
        return;
    }
    jw_object(w);
    jw_key(w, "offer");
    if (bet->offer_minor > 0)
        jw_money(w, bet->offer_minor, bet->currency->exponent);
    else
        jw_null(w);
    jw_key(w, "margin");
    jw_odds(w, bet->margin_e4); /* "0.05" */
    jw_object_end(w);
}

void bet_write(struct jw *w, const struct bet_view *bet)
{
    if (CHECKS_DEAR)
        bet_check(bet);
    jw_object(w);
    write_terms(w, bet, bet->state);
    jw_key(w, "remaining_stake");
    jw_money(w, bet->stake_minor - bet->cashed_stake_minor, bet->currency->exponent);
    jw_key(w, "cashed_out");
    jw_money(w, bet->cashed_paid_minor, bet->currency->exponent);
    write_offer(w, bet);
    jw_key(w, "payout");
    jw_money(w, bet->payout_minor, bet->currency->exponent);
    jw_key(w, "settled_at");
    if (bet->settled_ms > 0)
        jw_time(w, bet->settled_ms);
    else
        jw_null(w);
    write_legs(w, bet->slip);
    jw_object_end(w);
}
