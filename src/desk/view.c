/* What operators see of the book: events, markets, proposals. */
#include "desk/inside.h"

#include <stdlib.h>

#include "api/answer.h"
#include "api/request.h"
#include "base/limits.h"
#include "desk/write.h"

#define STATUS_NOT_STARTED 0
#define STATUS_ENDED 3
#define PAGE_ROWS 50

bool desk_page(struct http_request *request, int64_t *after, int64_t *limit)
{
    struct str after_text = http_query(request, "after"), text = http_query(request, "limit");

    *after = INT64_MAX;
    *limit = PAGE_ROWS;
    if (after_text.p != NULL && decimal_parse(after_text, 0, INT64_MAX / 16, after) != DECIMAL_OK) {
        answer_refusal(request, REFUSE_MALFORMED, STR("after must be an id"), STR_NONE);
        return false;
    }
    if (text.p != NULL && (decimal_parse(text, 0, LIMIT_PAGE_ROWS, limit) != DECIMAL_OK ||
                           *limit == 0)) {
        answer_refusal(request, REFUSE_MALFORMED, STR("limit must be 1 to 200"), STR_NONE);
        return false;
    }
    return true;
}

static void answer_buf(struct http_request *request, struct buf *out)
{
    CHECK(!out->overflow);
    answer_json(request, 200, buf_view(out));
    buf_fini(out);
}

/* ---- me --------------------------------------------------------------------- */

void desk_get_me(struct desk_calls *desk UNUSED, struct http_request *request)
{
    struct buf out;
    struct jw w;

    buf_init(&out, LIMIT_RESPONSE_BYTES);
    w = jw_to(&out);
    jw_object(&w);
    jw_key(&w, "name");
    jw_str(&w, request_operator(request)->name);
    jw_key(&w, "roles");
    jw_array(&w);
#define ROLE(name, text, includes, doc)              \
    if (operator_may(request_operator(request), ROLE_##name)) \
        jw_str(&w, STR(text));
#include "tbl/roles.h"
#undef ROLE
    jw_array_end(&w);
    jw_object_end(&w);
    answer_buf(request, &out);
}

/* ---- events ------------------------------------------------------------------ */

static const char *state_of(const struct event *event)
{
    if (event->status == STATUS_NOT_STARTED)
        return "upcoming";
    return event->status >= STATUS_ENDED ? "ended" : "live";
}

static void put_head(struct jw *w, const struct event *event)
{
    jw_put_str(w, "id", event->id);
    jw_put_str(w, "sport", event->sport);
    jw_put_str(w, "sport_name", event->sport_name);
    jw_put_str(w, "tournament", event->tournament_name);
    jw_put_str(w, "home", event->home);
    jw_put_str(w, "away", event->away);
    jw_key(w, "start");
    if (event->start_ms == 0)
        jw_null(w);
    else
        jw_time(w, event->start_ms);
    jw_put_str(w, "state", str_of(state_of(event)));
    jw_key(w, "score");
    jw_object(w);
    jw_put_str(w, "home", event->home_score);
    jw_put_str(w, "away", event->away_score);
    jw_object_end(w);
    jw_put_str(w, "clock", event->match_time);
    jw_key(w, "version");
    jw_int(w, event->version);
}

/* Where the desk has suspended it: ["sport","market"]. */
static void put_suspension(struct jw *w, struct desk_suspension at)
{
    const struct { bool is; const char *name; } levels[] = {
        { at.all, "all" },       { at.sport, "sport" },   { at.event, "event" },
        { at.market, "market" }, { at.result, "result" }, { at.voided, "void" },
    };

    jw_key(w, "suspended");
    jw_array(w);
    for (unsigned i = 0; i < LENGTH(levels); i++)
        if (levels[i].is)
            jw_str(w, str_of(levels[i].name));
    jw_array_end(w);
}

static void put_summary(struct jw *w, const struct book *book, const struct event *event)
{
    int64_t active = 0, suspended = 0;

    for (const struct market *market = event->markets; market != NULL; market = market->next) {
        active += book_status(book, market) == MARKET_ACTIVE;
        suspended += book_is_desk_suspended(book, market);
    }
    jw_object(w);
    put_head(w, event);
    jw_key(w, "markets");
    jw_int(w, event->n_markets);
    jw_key(w, "active");
    jw_int(w, active);
    jw_key(w, "desk_suspended");
    jw_int(w, suspended);
    jw_object_end(w);
}

/* Live before upcoming before ended, then by kick-off, then by id. */
static int event_order(const void *a, const void *b)
{
    static const int ranks[] = { 1, 0, 0, 2 };
    const struct event *x = *(const struct event *const *)a;
    const struct event *y = *(const struct event *const *)b;
    int rank_x = ranks[x->status < 0 ? 0 : x->status > 3 ? 3 : x->status];
    int rank_y = ranks[y->status < 0 ? 0 : y->status > 3 ? 3 : y->status];

    if (rank_x != rank_y)
        return rank_x - rank_y;
    if (x->start_ms != y->start_ms)
        return x->start_ms < y->start_ms ? -1 : 1;
    return str_cmp(x->id, y->id);
}

struct view_filter { struct str sport, state; };

static bool passes(const struct view_filter *filter, const struct event *event)
{
    return (filter->sport.n == 0 || str_eq(filter->sport, event->sport)) &&
           (filter->state.n == 0 || str_eq(filter->state, str_of(state_of(event))));
}

static const struct event **select_events(const struct book *book, const struct view_filter *filter,
                                          struct arena *arena, size_t *n)
{
    const struct event **events, *event;
    size_t at = 0, room = 0;

    while (book_next_event(book, &at) != NULL)
        room++;
    events = ARENA_ARRAY(arena, const struct event *, room + 1);
    *n = 0;
    for (at = 0; (event = book_next_event(book, &at)) != NULL;)
        if (passes(filter, event))
            events[(*n)++] = event;
    if (*n > 1)
        qsort(events, *n, sizeof(*events), event_order);
    return events;
}

static void write_events(struct jw *w, const struct book *book, const struct event **events,
                         size_t n, struct str after, int64_t limit)
{
    size_t at = 0, end;

    while (after.n > 0 && at < n && !str_eq(events[at]->id, after))
        at++;
    if (after.n > 0 && at < n)
        at++;
    end = at + (size_t)limit < n ? at + (size_t)limit : n;
    jw_object(w);
    jw_key(w, "events");
    jw_array(w);
    for (size_t i = at; i < end; i++)
        put_summary(w, book, events[i]);
    jw_array_end(w);
    jw_key(w, "next");
    if (end < n)
        jw_str(w, events[end - 1]->id);
    else
        jw_null(w);
    jw_object_end(w);
}

void desk_get_events(struct desk_calls *desk, struct http_request *request)
{
    struct view_filter filter = { http_query(request, "sport"), http_query(request, "state") };
    struct str after = http_query(request, "after"), text = http_query(request, "limit");
    const struct event **events;
    int64_t limit = PAGE_ROWS;
    struct buf out;
    struct jw w;
    size_t n;

    if (text.p != NULL && (decimal_parse(text, 0, LIMIT_PAGE_ROWS, &limit) != DECIMAL_OK ||
                           limit == 0)) {
        answer_refusal(request, REFUSE_MALFORMED, STR("limit must be 1 to 200"), STR_NONE);
        return;
    }
    if (filter.state.n > 0 && !str_eq(filter.state, STR("live")) &&
        !str_eq(filter.state, STR("upcoming")) && !str_eq(filter.state, STR("ended"))) {
        answer_refusal(request, REFUSE_MALFORMED, STR("state must be live, upcoming or ended"),
                       STR_NONE);
        return;
    }
    events = select_events(desk->options.book, &filter, &request->arena, &n);
    buf_init(&out, LIMIT_RESPONSE_BYTES);
    w = jw_to(&out);
    write_events(&w, desk->options.book, events, n, after, limit);
    answer_buf(request, &out);
}

/* ---- one event ----------------------------------------------------------------- */

static const char *status_text(enum market_status status)
{
    switch (status) {
    case MARKET_ACTIVE: return "active";
    case MARKET_INACTIVE: return "inactive";
    case MARKET_SUSPENDED: return "suspended";
    case MARKET_HANDED_OVER: return "handed_over";
    case MARKET_SETTLED: return "settled";
    case MARKET_CANCELLED: return "cancelled";
    }
    return "suspended";
}

static void put_odds(struct jw *w, const char *name, int64_t odds_e4)
{
    jw_key(w, name);
    if (odds_e4 == 0)
        jw_null(w);
    else
        jw_odds(w, odds_e4);
}

static void put_exposed(struct jw *w, const struct desk_calls *desk, struct market_id market,
                        struct str outcome)
{
    int64_t stakes_minor, liability_minor;

    desk->options.exposed(desk->options.ctx, market, outcome, &stakes_minor, &liability_minor);
    jw_key(w, "stakes");
    jw_money(w, stakes_minor, desk->options.house->currency->exponent);
    jw_key(w, "liability");
    jw_money(w, liability_minor, desk->options.house->currency->exponent);
}

static void put_outcome(struct jw *w, const struct desk_calls *desk, const struct market *market,
                        const struct outcome *outcome, struct arena *arena)
{
    const struct book *book = desk->options.book;

    jw_object(w);
    jw_put_str(w, "outcome", outcome->id);
    jw_put_str(w, "name", book_outcome_name(book, market, outcome->id, arena));
    put_odds(w, "fed", outcome->fed_e4);
    put_odds(w, "odds", outcome->odds_e4);
    put_odds(w, "price", book_price_e4(book, market, outcome->id));
    jw_key(w, "active");
    jw_bool(w, outcome->active);
    put_exposed(w, desk, market->id, outcome->id);
    jw_object_end(w);
}

/* The sum of inverse odds over the active outcomes, x 10,000. */
static int64_t overround_e4(const struct market *market, bool sold)
{
    int64_t sum_e12 = 0;

    for (uint32_t i = 0; i < market->n_outcomes; i++)
        if (market->outcomes[i].active)
            sum_e12 += 10000 * INT64_C(1000000000000) /
                       (sold ? market->outcomes[i].odds_e4 : market->outcomes[i].fed_e4);
    return (sum_e12 + 50000000) / 100000000;
}

static void put_prices(struct jw *w, const struct book *book, const struct market *market)
{
    int64_t margin_e4 = book_margin_e4(book, market);

    jw_key(w, "overround");
    jw_object(w);
    put_odds(w, "fed", overround_e4(market, false));
    put_odds(w, "sold", overround_e4(market, true));
    jw_object_end(w);
    jw_key(w, "margin");
    desk_put_decimal(w, margin_e4);
}

static void put_limits(struct jw *w, struct desk_limits limits, const struct house *house)
{
    jw_key(w, "limits");
    jw_object(w);
    desk_put_amount(w, "stake_max", limits.stake_max_minor, house);
    desk_put_amount(w, "liability_max", limits.liability_max_minor, house);
    desk_put_amount(w, "hold_above", limits.hold_above_minor, house);
    jw_object_end(w);
}

static void put_market(struct jw *w, const struct desk_calls *desk, const struct market *market,
                       struct arena *arena)
{
    const struct book *book = desk->options.book;

    jw_object(w);
    jw_key(w, "market");
    jw_id(w, market->id.market);
    jw_put_str(w, "specifiers", market->id.specifiers);
    jw_put_str(w, "name", book_market_name(book, market, arena));
    jw_put_str(w, "status", str_of(status_text(book_status(book, market))));
    jw_put_str(w, "feed_status", str_of(status_text((enum market_status)market->status)));
    jw_key(w, "producer");
    jw_int(w, market->producer);
    jw_key(w, "producer_up");
    jw_bool(w, book_producer_is_up(book, market->producer));
    put_suspension(w, book_suspension(book, market));
    put_prices(w, book, market);
    put_limits(w, book_limits_of(book, market), desk->options.house);
    jw_key(w, "version");
    jw_int(w, market->version);
    jw_key(w, "outcomes");
    jw_array(w);
    for (uint32_t i = 0; i < market->n_outcomes; i++)
        put_outcome(w, desk, market, &market->outcomes[i], arena);
    jw_array_end(w);
    jw_object_end(w);
}

void desk_get_event(struct desk_calls *desk, struct http_request *request)
{
    const struct event *event = book_event(desk->options.book, request->param);
    struct buf out;
    struct jw w;

    if (event == NULL) {
        answer_refusal(request, REFUSE_NOT_FOUND, STR("no such event"), STR_NONE);
        return;
    }
    buf_init(&out, LIMIT_RESPONSE_BYTES);
    w = jw_to(&out);
    jw_object(&w);
    put_head(&w, event);
    jw_key(&w, "markets");
    jw_array(&w);
    for (const struct market *market = event->markets; market != NULL; market = market->next)
        put_market(&w, desk, market, &request->arena);
    jw_array_end(&w);
    jw_object_end(&w);
    answer_buf(request, &out);
}

/* ---- proposals ------------------------------------------------------------------- */

static void put_proposal(struct jw *w, const struct desk_proposal *proposal)
{
    jw_object(w);
    jw_key(w, "id");
    jw_id(w, proposal->id);
    jw_key(w, "at");
    jw_time(w, proposal->at_ms);
    jw_put_str(w, "operator", proposal->operator);
    jw_put_str(w, "reason", proposal->reason);
    jw_put_str(w, "what", str_of(desk_what_name(proposal->what)));
    jw_put_str(w, "event", proposal->market.event);
    jw_key(w, "market");
    jw_id(w, proposal->market.market);
    jw_put_str(w, "specifiers", proposal->market.specifiers);
    desk_put_decision(w, proposal->what, proposal->start_ms, proposal->end_ms,
                      proposal->outcomes, proposal->n_outcomes);
    jw_object_end(w);
}

void desk_get_proposals(struct desk_calls *desk, struct http_request *request)
{
    struct buf out;
    struct jw w;

    buf_init(&out, LIMIT_RESPONSE_BYTES);
    w = jw_to(&out);
    jw_object(&w);
    jw_key(&w, "proposals");
    jw_array(&w);
    for (const struct desk_proposal *proposal = book_proposals(desk->options.book);
         proposal != NULL; proposal = proposal->next)
        put_proposal(&w, proposal);
    jw_array_end(&w);
    jw_object_end(&w);
    answer_buf(request, &out);
}
