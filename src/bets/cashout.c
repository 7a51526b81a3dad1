/*
 * Cash-out: see cashout.h.
 *
 *   POST /v1/bets/{id}/cashout {minimum, stake?}
 *     -> the bet is read -> judged when the batch is formed -> store_money,
 *        conditional on the bet's version -> MOVED: read and judged again
 *
 * A part leaves whole minor units in the bet, at least the smallest stake,
 * and takes out as much at least.  The whole is final: nothing that is heard
 * later changes a bet that was cashed out (RULES.md 16).
 */
#include "bets/cashout.h"

#include "base/json.h"
#include "model/cashout.h"
#include "model/grade.h"

/* sport_event_status as the feed numbers it. */
enum { EVENT_ENDED = 3, EVENT_CLOSED = 4 };

bool cashout_read_row(const struct value *cells, struct arena *arena, struct bet_row *row,
                      struct slip *slip)
{
    *row = (struct bet_row){
        .account = CELL_INT(cells, BET_GET_ACCOUNT),
        .id = CELL_INT(cells, BET_GET_ID),
        .version = CELL_INT(cells, BET_GET_VERSION),
        .state = (enum bet_state)CELL_INT(cells, BET_GET_STATE),
        .stake_minor = CELL_INT(cells, BET_GET_STAKE),
        .potential_minor = CELL_INT(cells, BET_GET_POTENTIAL),
        .cap_minor = CELL_INT(cells, BET_GET_CAP),
        .payout_minor = CELL_INT(cells, BET_GET_PAYOUT),
        .currency = CELL_TEXT(cells, BET_GET_CURRENCY),
        .sport = CELL_TEXT(cells, BET_GET_SPORT),
        .placed_ms = CELL_INT(cells, BET_GET_PLACED_MS),
        .settled_ms = CELL_INT(cells, BET_GET_SETTLED_MS),
        .rule = CELL_INT(cells, BET_GET_RULE),
        .flags = CELL_INT(cells, BET_GET_FLAGS),
        .cashed_stake_minor = CELL_INT(cells, BET_GET_CASHED_STAKE),
        .cashed_paid_minor = CELL_INT(cells, BET_GET_CASHED_PAID),
        .country = CELL_TEXT(cells, BET_GET_COUNTRY),
        .slip = CELL_TEXT(cells, BET_GET_SLIP),
        .results = CELL_TEXT(cells, BET_GET_RESULTS),
    };
    return slip_decode(row->slip, arena, slip) && results_decode(row->results, slip);
}

/* 0: it cannot be priced now. */
static int64_t odds_now_e4(const struct book *book, const struct leg *leg)
{
    const struct market *market = book_market(book, leg->market);
    const struct outcome *outcome = market == NULL ? NULL : book_outcome(market, leg->outcome);

    if (outcome == NULL || book_status(book, market) != MARKET_ACTIVE || !outcome->active)
        return 0;
    if (market->event->status == EVENT_ENDED || market->event->status == EVENT_CLOSED)
        return 0;
    return outcome->odds_e4 >= ODDS_ONE_E4 ? outcome->odds_e4 : 0;
}

/*
 * What stake_minor of the bet is worth now.  -1: there is no offer while an
 * open leg is suspended (*leg is the first), its producer down, or its
 * outcome inactive.  0: the payout is fixed, or it is worth nothing.
 */
static int64_t offer_now(const struct book *book, const struct slip *slip,
                         int64_t stake_minor, int64_t margin_e4, uint32_t *leg)
{
    int64_t odds_e4[LIMIT_LEGS] = { 0 };

    CHECK(margin_e4 >= 0);
    CHECK(slip->n_legs >= 1 && slip->n_legs <= LIMIT_LEGS);
    if (grade_slip(slip, stake_minor, 0).fixed)
        return 0;
    for (uint32_t i = 0; i < slip->n_legs; i++) {
        if (slip->legs[i].result.state != LEG_OPEN)
            continue;
        odds_e4[i] = odds_now_e4(book, &slip->legs[i]);
        *leg = i;
        if (odds_e4[i] == 0)
            return -1;
    }
    return cashout_offer(slip, odds_e4, stake_minor, margin_e4);
}

void cashout_put_offer(struct bet_view *view, const struct book *book, int64_t margin_e4)
{
    uint32_t leg;
    int64_t offer;

    CHECK(view->state == BET_ACCEPTED);
    offer = offer_now(book, view->slip, view->stake_minor - view->cashed_stake_minor,
                      margin_e4, &leg);
    CHECK(offer >= 0 || leg < view->slip->n_legs);
    view->offered = true;
    view->offer_minor = offer > 0 ? offer : 0;
    view->margin_e4 = margin_e4;
}

static void put_money(struct buf *members, const char *name, int64_t minor, int exponent)
{
    struct jw w = jw_to(members);

    if (members->n > 0)
        buf_char(members, ',');
    jw_key(&w, name);
    jw_money(&w, minor, exponent);
}

/* The part that is asked for; 0: *refusal says why it cannot be. */
static int64_t part_of(const struct cashout *cashout, const struct cashout_rules *rules,
                       enum refusal *refusal, struct buf *members)
{
    int64_t stake = cashout->row.stake_minor, asked = cashout->asked_minor;

    CHECK(asked >= 0);
    if (asked == 0 || asked == stake)
        return stake;
    if (asked > stake) {
        put_money(members, "maximum", stake, rules->exponent);
        *refusal = REFUSE_STAKE_TOO_LARGE;
        return 0;
    }
    if (asked < rules->stake_min_minor || stake - asked < rules->stake_min_minor) {
        put_money(members, "minimum", rules->stake_min_minor, rules->exponent);
        *refusal = REFUSE_STAKE_TOO_SMALL;
        return 0;
    }
    return asked;
}

static enum refusal price(const struct cashout *cashout, const struct cashout_rules *rules,
                          const struct book *book, int64_t part, int64_t *offer,
                          struct buf *members)
{
    uint32_t leg = 0;
    struct jw w = jw_to(members);

    *offer = offer_now(book, &cashout->slip, part, rules->margin_e4, &leg);
    if (*offer < 0) {
        jw_key(&w, "leg");
        jw_int(&w, leg);
        return REFUSE_MARKET_SUSPENDED;
    }
    if (*offer == 0)
        return REFUSE_CASHOUT_UNAVAILABLE;
    if (*offer < cashout->minimum_minor) {
        put_money(members, "offer", *offer, rules->exponent);
        return REFUSE_CASHOUT_MOVED;
    }
    return REFUSE_NOTHING;
}

enum refusal cashout_judge(struct cashout *cashout, const struct cashout_rules *rules,
                           const struct book *book, struct money_cmd *money,
                           struct buf *members)
{
    const struct bet_row *row = &cashout->row;
    enum refusal refusal = REFUSE_NOTHING;
    int64_t part, offer;
    struct jw w = jw_to(members);

    money->bet = row->id;
    money->version = row->version;
    money->amount_minor = money->cashed_minor = money->potential_minor = 0;
    money->full = false;
    if (row->state != BET_ACCEPTED) {
        jw_key(&w, "state");
        jw_str(&w, str_of(bet_state_name(row->state)));
        return REFUSE_BET_CLOSED;
    }
    if ((part = part_of(cashout, rules, &refusal, members)) == 0)
        return refusal;
    if ((refusal = price(cashout, rules, book, part, &offer, members)) != REFUSE_NOTHING)
        return refusal;

    /* Never with a row of ours. */
    if (offer > row->potential_minor ||
        !grade_potential(&cashout->slip, row->stake_minor - part,
                         &cashout->left_potential_minor))
        return REFUSE_CASHOUT_UNAVAILABLE;

    /* From here on it must succeed. */
    cashout->left_minor = row->stake_minor - part;
    CHECK(part > 0 && cashout->left_minor >= 0);
    CHECK(offer > 0 && offer >= cashout->minimum_minor);
    CHECK(cashout->left_potential_minor >= 0);
    money->amount_minor = offer;
    money->cashed_minor = part;
    money->potential_minor = cashout->left_potential_minor;
    money->full = cashout->left_minor == 0;
    put_money(members, "paid", offer, rules->exponent);
    put_money(members, "remaining_stake", cashout->left_minor, rules->exponent);
    return REFUSE_NOTHING;
}

struct bet_view cashout_view(const struct cashout *cashout, const struct money_cmd *money)
{
    const struct bet_row *row = &cashout->row;

    CHECK(money->bet == row->id && money->cashed_minor > 0);
    CHECK(money->full == (cashout->left_minor == 0));
    return (struct bet_view){
        .id = row->id,
        .placed_ms = row->placed_ms,
        .stake_minor = row->stake_minor + row->cashed_stake_minor,
        .potential_minor = cashout->left_potential_minor,
        .cashed_stake_minor = row->cashed_stake_minor + money->cashed_minor,
        .cashed_paid_minor = row->cashed_paid_minor + money->amount_minor,
        .state = money->full ? BET_CASHED_OUT : BET_ACCEPTED,
        .settled_ms = money->full ? money->at_ms : row->settled_ms,
        .currency = cashout->currency,
        .sport = row->sport,
        .country = row->country,
        .slip = &cashout->slip,
    };
}
