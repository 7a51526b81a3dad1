/* Events and markets as JSON (see web/event_json.h). */
#include "web/event_json.h"

#define ONE_X_TWO 1 /* the market's id in the Unified Odds Feed */

const char *event_json_state(const struct event *event)
{
    if (event->status == EVENT_NOT_STARTED)
        return "upcoming";
    return event->status >= EVENT_ENDED ? "ended" : "live";
}

static void put_start(struct jw *w, const struct event *event)
{
    jw_key(w, "start");
    if (event->start_ms == 0)
        jw_null(w);
    else
        jw_time(w, event->start_ms);
}

static void put_moving(struct jw *w, const struct event *event)
{
    jw_key(w, "state");
    jw_str(w, str_of(event_json_state(event)));
    jw_key(w, "status");
    jw_int(w, event->status);
    jw_key(w, "match_status");
    jw_int(w, event->match_status);
    jw_key(w, "score");
    jw_object(w);
    jw_key(w, "home");
    jw_str(w, event->home_score);
    jw_key(w, "away");
    jw_str(w, event->away_score);
    jw_object_end(w);
    jw_key(w, "clock");
    jw_str(w, event->match_time);
    jw_key(w, "version");
    jw_int(w, event->version);
}

void event_json_members(struct jw *w, const struct event *event)
{
    jw_key(w, "id");
    jw_str(w, event->id);
    jw_key(w, "sport");
    jw_str(w, event->sport);
    jw_key(w, "sport_name");
    jw_str(w, event->sport_name);
    jw_key(w, "tournament");
    jw_str(w, event->tournament_name);
    jw_key(w, "home");
    jw_str(w, event->home);
    jw_key(w, "away");
    jw_str(w, event->away);
    put_start(w, event);
    put_moving(w, event);
}

void event_json_moving(struct jw *w, const struct event *event)
{
    jw_key(w, "id");
    jw_str(w, event->id);
    put_moving(w, event);
}

static const char *status_text(enum market_status status)
{
    if (status == MARKET_ACTIVE)
        return "active";
    return status == MARKET_SETTLED || status == MARKET_CANCELLED ? "closed" : "suspended";
}

static void put_outcome(struct jw *w, const struct book *book, const struct market *market,
                        const struct outcome *outcome, bool names, struct arena *arena)
{
    jw_object(w);
    jw_key(w, "outcome");
    jw_str(w, outcome->id);
    if (names) {
        jw_key(w, "name");
        jw_str(w, book_outcome_name(book, market, outcome->id, arena));
    }
    jw_key(w, "odds");
    if (outcome->odds_e4 == 0)
        jw_null(w);
    else
        jw_odds(w, outcome->odds_e4);
    jw_key(w, "active");
    jw_bool(w, outcome->active);
    jw_object_end(w);
}

void event_json_market(struct jw *w, const struct book *book, const struct market *market,
                       bool names, struct arena *arena)
{
    jw_object(w);
    jw_key(w, "market");
    jw_id(w, market->id.market);
    jw_key(w, "specifiers");
    jw_str(w, market->id.specifiers);
    if (names) {
        jw_key(w, "name");
        jw_str(w, book_market_name(book, market, arena));
    }
    jw_key(w, "status");
    jw_str(w, str_of(status_text(book_status(book, market))));
    jw_key(w, "version");
    jw_int(w, market->version);
    jw_key(w, "outcomes");
    jw_array(w);
    for (uint32_t i = 0; i < market->n_outcomes; i++)
        put_outcome(w, book, market, &market->outcomes[i], names, arena);
    jw_array_end(w);
    jw_object_end(w);
}

void event_json_markets(struct jw *w, const struct book *book, const struct event *event,
                        struct arena *arena)
{
    jw_key(w, "markets");
    jw_array(w);
    for (const struct market *market = event->markets; market != NULL; market = market->next)
        event_json_market(w, book, market, true, arena);
    jw_array_end(w);
}

/* 1x2 if there is one, else the first. */
static const struct market *main_market(const struct event *event)
{
    for (const struct market *market = event->markets; market != NULL; market = market->next)
        if (market->id.market == ONE_X_TWO && market->id.specifiers.n == 0)
            return market;
    return event->markets;
}

void event_json_main(struct jw *w, const struct book *book, const struct event *event,
                     struct arena *arena)
{
    const struct market *market = main_market(event);

    jw_key(w, "markets");
    jw_int(w, event->n_markets);
    jw_key(w, "main");
    if (market == NULL)
        jw_null(w);
    else
        event_json_market(w, book, market, true, arena);
}
