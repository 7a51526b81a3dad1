/*
 * What the desk has in force for a market, and what its outcomes are sold at
 * (RULES.md 1b).  Asks only: book_write.c sets the sold price.
 *
 *   settings (by scope) <-- event_entry.desk, .desk_sport
 *                       <-- market_entry.desk
 *
 * A setting stays until its event is forgotten, so the pointers hold; a
 * market asks at most four of them.
 */
#include "model/book_inside.h"
#include "model/desk_entry.h"
#include "model/money.h"

#define ONE_E12 INT64_C(1000000000000)
#define TENTH_E12 (ONE_E12 / 10)

/* ---- what is in force ----------------------------------------------------- */

/* From the nearest to the farthest; NULL where nothing is set. */
struct nearest { const struct desk_setting *at[4]; };

static struct nearest nearest_of(const struct market *market)
{
    const struct event_entry *event = event_entry(market->event);

    CHECK_DEAR(event->book->desk.all == NULL || event->book->desk.all->level == DESK_ALL);
    CHECK_DEAR(event->desk == NULL || event->desk->level == DESK_EVENT);
    CHECK_DEAR(event->desk_sport == NULL || event->desk_sport->level == DESK_SPORT);
    return (struct nearest){ {
        market_entry(market)->desk, event->desk, event->desk_sport,
        event->book->desk.all,
    } };
}

bool book_is_desk_suspended(const struct book *book UNUSED, const struct market *market)
{
    const struct nearest nearest = nearest_of(market);
    const struct desk_setting *own = nearest.at[0];

    for (unsigned i = 0; i < LENGTH(nearest.at); i++)
        if (nearest.at[i] != NULL && nearest.at[i]->suspended)
            return true;
    return own != NULL && (own->result || own->voided);
}

struct desk_suspension book_suspension(const struct book *book UNUSED, const struct market *market)
{
    const struct nearest nearest = nearest_of(market);
    const struct desk_setting *own = nearest.at[0], *event = nearest.at[1];
    const struct desk_setting *sport = nearest.at[2], *all = nearest.at[3];

    return (struct desk_suspension){
        .all = all != NULL && all->suspended,
        .sport = sport != NULL && sport->suspended,
        .event = event != NULL && event->suspended,
        .market = own != NULL && own->suspended,
        .result = own != NULL && own->result,
        .voided = own != NULL && own->voided,
    };
}

int64_t book_margin_e4(const struct book *book UNUSED, const struct market *market)
{
    const struct nearest nearest = nearest_of(market);

    for (unsigned i = 0; i < LENGTH(nearest.at); i++)
        if (nearest.at[i] != NULL && nearest.at[i]->margin_e4 >= 0) {
            CHECK(nearest.at[i]->margin_e4 <= DESK_MARGIN_MAX_E4);
            return nearest.at[i]->margin_e4;
        }
    return -1;
}

static void take_unset(int64_t *value, int64_t from)
{
    if (*value < 0)
        *value = from;
}

struct desk_limits book_limits_of(const struct book *book UNUSED, const struct market *market)
{
    const struct nearest nearest = nearest_of(market);
    struct desk_limits limits = DESK_LIMITS_NONE;

    for (unsigned i = 0; i < LENGTH(nearest.at); i++) {
        const struct desk_setting *setting = nearest.at[i];

        if (setting == NULL)
            continue;
        if (setting->limits_at > limits.since)
            limits.since = setting->limits_at;
        take_unset(&limits.stake_max_minor, setting->limits.stake_max_minor);
        take_unset(&limits.liability_max_minor, setting->limits.liability_max_minor);
        take_unset(&limits.hold_above_minor, setting->limits.hold_above_minor);
    }
    return limits;
}

const struct desk_price *book_price_find(const struct desk_setting *setting, struct str outcome)
{
    const struct desk_price *price = setting == NULL ? NULL : setting->prices;

    while (price != NULL && !str_eq(price->outcome, outcome))
        price = price->next;
    return price;
}

int64_t book_price_e4(const struct book *book UNUSED, const struct market *market,
                      struct str outcome)
{
    const struct desk_price *price = book_price_find(market_entry(market)->desk, outcome);

    CHECK(price == NULL || price->odds_e4 > 0);
    return price == NULL ? 0 : price->odds_e4;
}

/* ---- the sold price (RULES.md 1b) ------------------------------------------ */

static int64_t ladder_floor(int64_t odds_e4)
{
    int64_t step;

    CHECK(odds_e4 >= 0 && odds_e4 <= ODDS_MAX_E4);
    step = odds_e4 < 10 * ODDS_ONE_E4 ? 100 : odds_e4 < 100 * ODDS_ONE_E4 ? 1000 : 10000;

    return odds_e4 - odds_e4 % step;
}

int64_t desk_sold_e4(int64_t fed_e4, int64_t sum_e12, int64_t margin_e4)
{
    int64_t winners = (sum_e12 + TENTH_E12) / ONE_E12;
    int64_t least = fed_e4 < DESK_ODDS_MIN_E4 ? fed_e4 : DESK_ODDS_MIN_E4, sold_e4;
    __int128 target_e12, sold;

    CHECK(fed_e4 >= ODDS_ONE_E4 && fed_e4 <= ODDS_MAX_E4 && sum_e12 >= 0 && margin_e4 >= 0);
    if (winners < 1)
        return fed_e4; /* S < 0.9: not all of the market is priced */
    target_e12 = (__int128)winners * (ONE_E12 + margin_e4 * (ONE_E12 / 10000));
    sold = (__int128)fed_e4 * sum_e12 / target_e12;
    sold_e4 = sold > ODDS_MAX_E4 ? ODDS_MAX_E4 : ladder_floor((int64_t)sold);
    CHECK(sold_e4 >= 0 && sold_e4 <= ODDS_MAX_E4);
    return sold_e4 < least ? least : sold_e4;
}

/* Each rounded up, so that fair odds stay what they are.  At most 10^15: a
 * market has 1000 outcomes. */
static int64_t inverse_sum_e12(const struct market *market)
{
    int64_t sum_e12 = 0;

    CHECK(market->n_outcomes <= LIMIT_OUTCOMES);
    for (uint32_t i = 0; i < market->n_outcomes; i++)
        if (market->outcomes[i].active)
            sum_e12 += (ODDS_ONE_E4 * ONE_E12 + market->outcomes[i].fed_e4 - 1) /
                       market->outcomes[i].fed_e4;
    return sum_e12;
}

struct pricing book_pricing(const struct market *market)
{
    struct pricing pricing = { market_entry(market)->desk, book_margin_e4(NULL, market), 0 };

    if (pricing.margin_e4 >= 0)
        pricing.sum_e12 = inverse_sum_e12(market);
    return pricing;
}

int64_t book_sold_e4(const struct pricing *pricing, const struct outcome *outcome)
{
    const struct desk_price *price = book_price_find(pricing->own, outcome->id);

    CHECK(outcome->fed_e4 >= 0);
    if (outcome->fed_e4 == 0)
        return 0; /* an outcome that was never priced is not sold */
    if (price != NULL)
        return price->odds_e4;
    if (pricing->margin_e4 < 0)
        return outcome->fed_e4;
    return desk_sold_e4(outcome->fed_e4, pricing->sum_e12, pricing->margin_e4);
}
