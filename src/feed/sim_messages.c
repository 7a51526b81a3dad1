/*
 * Sim: what a match says of itself, as messages.
 */
#include "feed/sim_inside.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"

#define HALF_S (45 * 60)
#define EXTRA_S (15 * 60)
#define KEPT_BYTES_MAX (256 * 1024)

#define STATUS_ACTIVE 1
#define STATUS_SUSPENDED (-1)
#define STATUS_INACTIVE 0
#define STATUS_HANDED_OVER (-2)

/* ---- on the way --------------------------------------------------------- */

static int64_t run_ms(const struct sim *sim)
{
    return llround((double)(sim->now_ms - sim->options.head_start_ms) / sim->options.speed);
}

static bool emit(struct sim *sim, int producer, enum faults_kind kind)
{
    bool ok;

    CHECK(!sim->message.overflow);
    ok = sim->muted || faults_pass(&sim->faults, run_ms(sim), producer, kind,
                                   buf_view(&sim->message));
    buf_reset(&sim->message);
    return ok;
}

static bool emit_message(struct sim *sim, int producer)
{
    return emit(sim, producer, FAULTS_OTHER);
}

/* The message as it is, for a receiver that asks for it again. */
static bool emit_kept(struct sim *sim, struct match *match)
{
    struct kept *larger = realloc(match->kept, (match->n_kept + 1) * sizeof(*larger));

    CHECK(larger != NULL);
    match->kept = larger;
    match->kept[match->n_kept].timestamp_ms = match->ts_ms;
    buf_init(&match->kept[match->n_kept].text, KEPT_BYTES_MAX);
    buf_str(&match->kept[match->n_kept++].text, buf_view(&sim->message));
    return emit_message(sim, PRODUCER_LIVE);
}

static int producer_of(const struct match *match)
{
    return match_is_live(match) ? PRODUCER_LIVE : PRODUCER_PREMATCH;
}

/* A match's timestamps only rise: what it says later counts more. */
static struct compose_head head(const struct sim *sim, struct match *match, int producer)
{
    match->ts_ms = sim->wall_ms > match->ts_ms ? sim->wall_ms : match->ts_ms + 1;
    return (struct compose_head){ producer, str_of(match->event), match->ts_ms, 0 };
}

/* ---- the state ---------------------------------------------------------- */

static int match_status(const struct match *match)
{
    static const int playing[] = { MATCH_FIRST_HALF, MATCH_SECOND_HALF, MATCH_FIRST_EXTRA,
                                   MATCH_SECOND_EXTRA };
    static const int after[] = { MATCH_HALF_TIME, MATCH_AWAITING_EXTRA, MATCH_EXTRA_HALF_TIME,
                                 MATCH_AWAITING_PENALTIES };

    switch (match->stage) {
    case STAGE_ANNOUNCED:
    case STAGE_PREMATCH:
        return MATCH_NOT_STARTED;
    case STAGE_PLAYING:
        return playing[match->period];
    case STAGE_PAUSE:
        return after[match->period];
    case STAGE_SHOOT_OUT:
        return MATCH_PENALTIES;
    case STAGE_ENDED:
        break;
    }
    return match->script.shoot_out ? MATCH_AFTER_PENALTIES
           : match->script.periods > 2 ? MATCH_AFTER_EXTRA : MATCH_ENDED;
}

/* The scoreboard stops at 45:00, 90:00, 105:00 and 120:00. */
static void put_clock(const struct sim *sim, const struct match *match,
                      struct compose_score *score)
{
    static const int starts_s[] = { 0, HALF_S, 2 * HALF_S, 2 * HALF_S + EXTRA_S };
    int length_s = match->period < 2 ? HALF_S : EXTRA_S;
    int into_s = (int)((sim->now_ms - match->began_ms) / 1000);

    if (match->stage != STAGE_PLAYING || into_s > length_s) {
        score->stoppage_s = match->stage == STAGE_PLAYING ? into_s - length_s : 0;
        into_s = length_s;
    }
    score->clock_s = starts_s[match->period] + into_s;
}

static void statistics_of(const struct match *match, struct compose_statistics *statistics)
{
    static const int periods[] = { MATCH_FIRST_HALF, MATCH_SECOND_HALF, MATCH_FIRST_EXTRA,
                                   MATCH_SECOND_EXTRA };

    *statistics = (struct compose_statistics){ .n_periods = match->period + 1 };
    for (int side = 0; side < 2; side++) {
        statistics->yellow[side] = match->yellows[side];
        statistics->red[side] = match->reds[side];
        statistics->corners[side] = match->corners[side];
        statistics->penalties[side] = match->script.shoot_out_score[side];
        for (unsigned i = 0; i <= match->period; i++) {
            statistics->periods[i].match_status = periods[i];
            statistics->periods[i].score[side] = match->period_scores[i][side];
        }
    }
    statistics->shoot_out = match->script.shoot_out && match->stage == STAGE_ENDED;
}

static struct compose_score score_of(const struct sim *sim, const struct match *match,
                                     struct compose_statistics *statistics)
{
    struct compose_score score = {
        .match_status = match_status(match),
        .home = match->score[0], .away = match->score[1], .clock_s = -1,
    };

    if (!match_is_live(match))
        return score;
    score.event_status = match->closed ? EVENT_CLOSED
                         : match->stage == STAGE_ENDED ? EVENT_ENDED : EVENT_LIVE;
    put_clock(sim, match, &score);
    statistics_of(match, statistics);
    score.statistics = statistics;
    return score;
}

bool say_status(struct sim *sim, struct match *match)
{
    struct compose_statistics statistics;
    struct compose_score score = score_of(sim, match, &statistics);
    struct compose_head from = head(sim, match, producer_of(match));

    compose_odds(&sim->message, &from, &score);
    compose_odds_end(&sim->message);
    return emit_message(sim, producer_of(match));
}

static int64_t kickoff_wall_ms(const struct sim *sim, const struct match *match)
{
    double ahead_ms = (double)(match->kickoff_ms - sim->now_ms) / sim->options.speed;

    return sim->wall_ms + (int64_t)ahead_ms;
}

bool say_fixture(struct sim *sim, struct match *match)
{
    struct compose_fixture fixture = {
        .event = str_of(match->event),
        .tournament = str_of(match->tournament_id),
        .tournament_name = str_of(match->tournament),
        .category_name = str_of(match->category),
        .home = { str_of(match->home_id), str_of(match->home) },
        .away = { str_of(match->away_id), str_of(match->away) },
        .start_ms = kickoff_wall_ms(sim, match),
        .live = match_is_live(match),
    };

    compose_fixture(&sim->message, &fixture, sim->wall_ms);
    return emit_message(sim, producer_of(match));
}

bool say_fixture_change(struct sim *sim, struct match *match, int change_type)
{
    struct compose_head from = head(sim, match, producer_of(match));

    compose_fixture_change(&sim->message, &from, change_type, kickoff_wall_ms(sim, match));
    return emit_message(sim, producer_of(match));
}

/* ---- odds ---------------------------------------------------------------- */

static void specifiers_of(const struct offer *offer, char *room, size_t n)
{
    struct buf text;

    buf_init(&text, n);
    offer_specifiers(offer, &text);
    CHECK(!text.overflow && text.n < n);
    if (text.n > 0)
        memcpy(room, text.p, text.n);
    room[text.n] = '\0';
    buf_fini(&text);
}

void open_next_goal(struct match *match)
{
    struct offer offer = { OFFER_NEXT_GOAL, (int)match->facts.n_goals + 1 };

    for (unsigned i = 0; i < match->n_markets; i++)
        if (match->markets[i].offer.kind == OFFER_NEXT_GOAL &&
            match->markets[i].offer.line == offer.line)
            return;
    CHECK(match->n_markets < OFFER_MAX);
    match->markets[match->n_markets++] = (struct market_state){ .offer = offer };
}

static double played_s(const struct sim *sim, const struct match *match)
{
    double into_s = (double)(sim->now_ms - match->began_ms) / 1000;
    double before_s = match->period == 0 ? 0 : match->script.length_s[0];

    if (!match_is_live(match))
        return 0;
    return match->stage == STAGE_PLAYING ? before_s + into_s
                                         : match->script.length_s[0];
}

static void model_of(const struct sim *sim, const struct match *match, struct goals *goals)
{
    struct goals_state state = { .played_s = played_s(sim, match) };

    for (int side = 0; side < 2; side++) {
        state.mean[side] = match->mean[side] * exp(match->drift[side]);
        state.score[side] = match->score[side];
        state.reds[side] = match->reds[side];
    }
    goals_model(&state, goals);
}

/* A goal further on than the next one: left over from one that was
 * disallowed. */
static bool is_unreached(const struct match *match, const struct market_state *market)
{
    return market->offer.kind == OFFER_NEXT_GOAL &&
           (unsigned)market->offer.line > match->facts.n_goals + 1;
}

/* The odds of now; their status: with fewer than two outcomes to bet on
 * there is no market. */
static int price(const struct sim *sim, const struct match *match,
                 const struct market_state *market, const struct goals *goals,
                 int64_t odds_e4[OFFER_OUTCOMES_MAX])
{
    double chances[OFFER_OUTCOMES_MAX];
    unsigned offered = 0;

    memset(odds_e4, 0, OFFER_OUTCOMES_MAX * sizeof(*odds_e4));
    if (is_unreached(match, market))
        return STATUS_INACTIVE;
    offer_chances(&market->offer, goals, &match->facts, chances);
    for (unsigned i = 0; i < offer_outcomes(&market->offer); i++) {
        odds_e4[i] = goals_odds_e4(chances[i], sim->options.margin);
        offered += odds_e4[i] > 0;
    }
    if (offered < 2)
        return STATUS_INACTIVE;
    return match->stopped_until_ms > 0 ? STATUS_SUSPENDED : STATUS_ACTIVE;
}

static void put_market(struct sim *sim, struct market_state *market, int status,
                       const int64_t odds_e4[OFFER_OUTCOMES_MAX])
{
    char specifiers[NUMBER_BYTES];

    specifiers_of(&market->offer, specifiers, sizeof(specifiers));
    compose_market(&sim->message, offer_market(&market->offer), str_of(specifiers), status);
    for (unsigned i = 0; i < offer_outcomes(&market->offer); i++)
        compose_price(&sim->message, offer_outcome(&market->offer, i), odds_e4[i]);
    compose_market_end(&sim->message);
    market->told = true;
    market->status = status;
    memcpy(market->odds_e4, odds_e4, sizeof(market->odds_e4));
}

static void put_odds(struct sim *sim, struct match *match, bool all)
{
    int64_t odds_e4[OFFER_OUTCOMES_MAX];
    struct goals goals;

    model_of(sim, match, &goals);
    for (unsigned i = 0; i < match->n_markets; i++) {
        struct market_state *market = &match->markets[i];
        int status;

        /* decided and never listed: two goals, and no betting between them */
        if (market->certainty > 0 || offer_is_decided(&market->offer, &match->facts))
            continue;
        status = price(sim, match, market, &goals, odds_e4);
        if (all || status != market->status ||
            memcmp(odds_e4, market->odds_e4, sizeof(odds_e4)) != 0)
            put_market(sim, market, status, odds_e4);
    }
}

bool say_odds(struct sim *sim, struct match *match, bool all, int64_t request_id)
{
    struct compose_statistics statistics;
    struct compose_score score = score_of(sim, match, &statistics);
    struct compose_head from = head(sim, match, producer_of(match));

    from.request_id = request_id;
    compose_odds(&sim->message, &from, &score);
    if (match->trading && (all || match->stopped_until_ms == 0))
        put_odds(sim, match, all);
    compose_odds_end(&sim->message);
    return emit_message(sim, producer_of(match));
}

bool say_hand_over(struct sim *sim, struct match *match)
{
    struct compose_head from = head(sim, match, PRODUCER_PREMATCH);
    char specifiers[NUMBER_BYTES];

    compose_odds(&sim->message, &from, NULL);
    for (unsigned i = 0; i < match->n_markets; i++) {
        specifiers_of(&match->markets[i].offer, specifiers, sizeof(specifiers));
        compose_market(&sim->message, offer_market(&match->markets[i].offer),
                       str_of(specifiers), STATUS_HANDED_OVER);
        compose_market_end(&sim->message);
    }
    compose_odds_end(&sim->message);
    return emit_message(sim, PRODUCER_PREMATCH);
}

bool say_stop(struct sim *sim, struct match *match)
{
    struct compose_head from = head(sim, match, PRODUCER_LIVE);

    compose_bet_stop(&sim->message, &from);
    return emit_message(sim, PRODUCER_LIVE);
}

/* ---- results -------------------------------------------------------------- */

static void put_results(struct sim *sim, const struct match *match,
                        const struct market_state *market)
{
    static const struct { int result, void_tenths; } worth[] = {
        { 0, 0 }, { 0, 5 }, { 0, 10 }, { 1, 5 }, { 1, 0 },
    };
    char specifiers[NUMBER_BYTES];

    specifiers_of(&market->offer, specifiers, sizeof(specifiers));
    compose_result_market(&sim->message, offer_market(&market->offer), str_of(specifiers));
    for (unsigned i = 0; i < offer_outcomes(&market->offer); i++) {
        int result = offer_result(&market->offer, i, &match->facts) - OFFER_LOST;

        compose_result(&sim->message, offer_outcome(&market->offer, i), worth[result].result,
                       worth[result].void_tenths);
    }
    compose_market_end(&sim->message);
}

/* Markets that were never listed have no bets. */
static bool is_due(const struct match *match, const struct market_state *market, int certainty,
                   bool all)
{
    return market->told && market->certainty < certainty &&
           (all || offer_is_decided(&market->offer, &match->facts));
}

bool say_settlement(struct sim *sim, struct match *match, int certainty, bool all)
{
    struct compose_head from;
    bool any = false;

    for (unsigned i = 0; i < match->n_markets; i++)
        any |= is_due(match, &match->markets[i], certainty, all);
    if (!any)
        return true;
    from = head(sim, match, PRODUCER_LIVE);
    compose_settlement(&sim->message, &from, certainty);
    for (unsigned i = 0; i < match->n_markets; i++) {
        struct market_state *market = &match->markets[i];

        if (!is_due(match, market, certainty, all))
            continue;
        put_results(sim, match, market);
        market->certainty = certainty;
    }
    compose_settlement_end(&sim->message);
    return emit_kept(sim, match);
}

static void put_bare(struct sim *sim, const struct market_state *market)
{
    char specifiers[NUMBER_BYTES];

    specifiers_of(&market->offer, specifiers, sizeof(specifiers));
    compose_bare_market(&sim->message, offer_market(&market->offer), str_of(specifiers));
}

bool say_rollback(struct sim *sim, struct match *match)
{
    struct compose_head from = head(sim, match, PRODUCER_LIVE);
    bool any = false;

    compose_rollback(&sim->message, &from);
    for (unsigned i = 0; i < match->n_markets; i++) {
        struct market_state *market = &match->markets[i];

        if (market->certainty == 0 || offer_is_decided(&market->offer, &match->facts))
            continue;
        any = true;
        put_bare(sim, market);
        market->certainty = 0;
        market->status = STATUS_SUSPENDED;
    }
    compose_rollback_end(&sim->message);
    if (any)
        return emit_kept(sim, match);
    buf_reset(&sim->message);
    return true;
}

bool say_cancel(struct sim *sim, struct match *match)
{
    struct compose_head from = head(sim, match, PRODUCER_LIVE);

    compose_cancel(&sim->message, &from, match->goal_ts, match->ts_ms);
    for (unsigned i = 0; i < match->n_markets; i++)
        if (match->markets[i].told && match->markets[i].certainty == 0)
            put_bare(sim, &match->markets[i]);
    compose_cancel_end(&sim->message);
    return emit_kept(sim, match);
}

/* ---- again ----------------------------------------------------------------- */

/* As it was, with the request's id behind the timestamp. */
static void put_again(struct sim *sim, struct str text, int64_t request_id)
{
    static const char mark[] = " timestamp=\"";
    const char *at = memmem(text.p, text.n, mark, sizeof(mark) - 1);
    size_t n;

    CHECK(at != NULL);
    at = memchr(at + sizeof(mark) - 1, '"', text.n - (size_t)(at - text.p) - sizeof(mark) + 1);
    CHECK(at != NULL);
    n = (size_t)(at - text.p) + 1;
    buf_str(&sim->message, (struct str){ text.p, n });
    if (request_id > 0)
        buf_printf(&sim->message, " request_id=\"%lld\"", (long long)request_id);
    buf_str(&sim->message, (struct str){ text.p + n, text.n - n });
}

/* Results come first: of a market that was settled, rolled back and is open
 * again, the odds are the last word. */
bool say_again(struct sim *sim, struct match *match, int producer, int64_t after_ms,
               int64_t request_id)
{
    if (producer == producer_of(match) && !match->closed && !say_fixture(sim, match))
        return false;
    for (unsigned i = 0; producer == PRODUCER_LIVE && i < match->n_kept; i++) {
        if (match->kept[i].timestamp_ms < after_ms)
            continue;
        put_again(sim, buf_view(&match->kept[i].text), request_id);
        if (!emit_message(sim, producer))
            return false;
    }
    if (producer != producer_of(match) || (match->closed && match->ts_ms < after_ms))
        return true;
    return say_odds(sim, match, true, request_id);
}

bool say_descriptions(struct sim *sim)
{
    compose_descriptions(&sim->message);
    return emit_message(sim, PRODUCER_PREMATCH);
}

bool say_alive(struct sim *sim, int producer, bool subscribed)
{
    compose_alive(&sim->message, producer, sim->wall_ms, subscribed);
    return emit(sim, producer, FAULTS_ALIVE);
}

bool say_snapshot_complete(struct sim *sim, int producer, int64_t request_id)
{
    compose_snapshot_complete(&sim->message, producer, sim->wall_ms, request_id);
    return emit(sim, producer, FAULTS_SNAPSHOT);
}
