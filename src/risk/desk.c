/* Risk: what the desk asks for, as JSON. */
#include <inttypes.h>
#include <stdlib.h>

#include "api/answer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "model/desk.h"
#include "risk/inside.h"

#define PAGE_DEFAULT 50
#define EVENTS_MOST 500       /* in one answer: those with the most at stake */
#define ROWS_BYTES (1024 * 1024)

static int house_exponent(const struct risk *risk)
{
    return risk->options.house->currency->exponent;
}

/* ---- exposure ------------------------------------------------------------- */

static void put_sums(struct jw *w, const struct risk *risk, int64_t bets, int64_t stakes,
                     int64_t liability)
{
    int exponent = house_exponent(risk);

    jw_key(w, "bets");
    jw_int(w, bets);
    jw_key(w, "stakes");
    jw_money(w, stakes, exponent);
    jw_key(w, "liability");
    jw_money(w, liability, exponent);
}

static void put_worst(struct jw *w, const struct risk *risk, int64_t worst_minor)
{
    jw_key(w, "worst_case");
    jw_money(w, worst_minor, house_exponent(risk));
}

static void put_market_id(struct jw *w, struct market_id id, struct arena *arena)
{
    jw_key(w, "market");
    jw_str(w, arena_printf(arena, "%" PRIu32, id.market));
    jw_key(w, "specifiers");
    jw_str(w, id.specifiers);
}

static void put_outcome(struct jw *w, const struct risk *risk, const struct market *market,
                        const struct exposed_outcome *outcome, struct arena *arena)
{
    jw_object(w);
    jw_key(w, "outcome");
    jw_str(w, outcome->id);
    jw_key(w, "name");
    jw_str(w, market == NULL ? outcome->id
                             : book_outcome_name(risk->options.book, market, outcome->id, arena));
    put_sums(w, risk, outcome->bets, outcome->stakes_minor, outcome->liability_minor);
    jw_object_end(w);
}

static void put_market(struct jw *w, const struct risk *risk,
                       const struct exposed_market *exposed, struct arena *arena)
{
    const struct market *market = book_market(risk->options.book, exposed->id);
    int64_t liability = 0;

    for (uint32_t i = 0; i < exposed->n_outcomes; i++)
        liability += exposed->outcomes[i].liability_minor;
    jw_object(w);
    put_market_id(w, exposed->id, arena);
    jw_key(w, "name");
    jw_str(w, market == NULL ? arena_printf(arena, "%" PRIu32, exposed->id.market)
                             : book_market_name(risk->options.book, market, arena));
    put_sums(w, risk, exposed->bets, exposed->stakes_minor, liability);
    put_worst(w, risk, exposure_worst(exposed));
    jw_key(w, "outcomes");
    jw_array(w);
    for (uint32_t i = 0; i < exposed->n_outcomes; i++)
        put_outcome(w, risk, market, &exposed->outcomes[i], arena);
    jw_array_end(w);
    jw_object_end(w);
}

/* An event with its place in the answer. */
struct exposure_row {
    const struct exposed_event *exposed;
    struct str sport, sport_name;
    int64_t worst_minor;
};

static void put_event(struct jw *w, const struct risk *risk, const struct exposure_row *row,
                      bool markets, struct arena *arena)
{
    const struct event *event = book_event(risk->options.book, row->exposed->id);

    jw_object(w);
    jw_key(w, "event");
    jw_str(w, row->exposed->id);
    jw_key(w, "home");
    jw_str(w, event == NULL ? STR("") : event->home);
    jw_key(w, "away");
    jw_str(w, event == NULL ? STR("") : event->away);
    put_sums(w, risk, row->exposed->bets, row->exposed->stakes_minor,
             row->exposed->liability_minor);
    put_worst(w, risk, row->worst_minor);
    if (markets) {
        jw_key(w, "markets");
        jw_array(w);
        for (const struct exposed_market *market = row->exposed->markets; market != NULL;
             market = market->next)
            put_market(w, risk, market, arena);
        jw_array_end(w);
    }
    jw_object_end(w);
}

/* By sport, then by what may be lost, the most first. */
static int row_order(const void *a, const void *b)
{
    const struct exposure_row *one = a, *two = b;
    int order = str_cmp(one->sport, two->sport);

    if (order != 0)
        return order;
    if (one->worst_minor != two->worst_minor)
        return one->worst_minor > two->worst_minor ? -1 : 1;
    return str_cmp(one->exposed->id, two->exposed->id);
}

static struct exposure_row *rows_of(const struct risk *risk, struct str sport, struct str event,
                           struct arena *arena, size_t *n)
{
    size_t room = exposure_counts(risk->exposure).events, at = 0;
    struct exposure_row *rows = ARENA_ARRAY(arena, struct exposure_row, room + 1);
    const struct exposed_event *exposed;

    *n = 0;
    while ((exposed = exposure_next(risk->exposure, &at)) != NULL) {
        const struct event *known = book_event(risk->options.book, exposed->id);
        struct exposure_row row = { exposed, STR(""), STR(""), 0 };

        if (known != NULL && known->sport.n > 0) {
            row.sport = known->sport;
            row.sport_name = known->sport_name;
        }
        if ((event.p != NULL && !str_eq(event, exposed->id)) ||
            (sport.p != NULL && !str_eq(sport, row.sport)))
            continue;
        row.worst_minor = exposure_worst_of_event(exposed);
        rows[(*n)++] = row;
    }
    qsort(rows, *n, sizeof(*rows), row_order);
    return rows;
}

/* One sport: its sums over all events, and those with the most to lose. */
static size_t put_sport(struct jw *w, const struct risk *risk, const struct exposure_row *rows,
                        size_t n, bool markets, struct arena *arena)
{
    int64_t bets = 0, stakes = 0, liability = 0, worst = 0;
    size_t of = 0;

    for (; of < n && str_eq(rows[of].sport, rows[0].sport); of++) {
        bets += rows[of].exposed->bets;
        stakes += rows[of].exposed->stakes_minor;
        liability += rows[of].exposed->liability_minor;
        worst += rows[of].worst_minor;
    }
    jw_object(w);
    jw_key(w, "sport");
    jw_str(w, rows[0].sport);
    jw_key(w, "name");
    jw_str(w, rows[0].sport_name);
    put_sums(w, risk, bets, stakes, liability);
    put_worst(w, risk, worst);
    jw_key(w, "events");
    jw_array(w);
    for (size_t i = 0; i < of && i < EVENTS_MOST; i++)
        put_event(w, risk, &rows[i], markets, arena);
    jw_array_end(w);
    jw_object_end(w);
    return of;
}

void risk_get_exposure(struct risk *risk, struct http_request *request)
{
    struct str sport = http_query(request, "sport"), event = http_query(request, "event");
    struct exposure_counts counts = exposure_counts(risk->exposure);
    struct jw w = jw_to(&risk->scratch);
    size_t n, at = 0;
    struct exposure_row *rows = rows_of(risk, sport, event, &request->arena, &n);

    buf_reset(&risk->scratch);
    jw_object(&w);
    jw_key(&w, "currency");
    jw_str(&w, str_of(risk->options.house->currency->code));
    put_sums(&w, risk, counts.bets, counts.stakes_minor, counts.liability_minor);
    jw_key(&w, "unrated");
    jw_int(&w, risk->unrated);
    jw_key(&w, "sports");
    jw_array(&w);
    while (at < n)
        at += put_sport(&w, risk, rows + at, n - at, event.p != NULL, &request->arena);
    jw_array_end(&w);
    jw_object_end(&w);
    answer_json(request, 200, buf_view(&risk->scratch));
}

/* ---- large bets ------------------------------------------------------------ */

static void put_leg(struct jw *w, const struct risk *risk, const struct leg *leg,
                    struct arena *arena)
{
    const struct book *book = risk->options.book;
    const struct market *market = book_market(book, leg->market);

    jw_object(w);
    jw_key(w, "event");
    jw_str(w, leg->market.event);
    put_market_id(w, leg->market, arena);
    jw_key(w, "outcome");
    jw_str(w, leg->outcome);
    jw_key(w, "odds");
    jw_odds(w, leg->odds_e4);
    if (market != NULL) {
        jw_key(w, "home");
        jw_str(w, market->event->home);
        jw_key(w, "away");
        jw_str(w, market->event->away);
        jw_key(w, "market_name");
        jw_str(w, book_market_name(book, market, arena));
        jw_key(w, "outcome_name");
        jw_str(w, book_outcome_name(book, market, leg->outcome, arena));
    }
    jw_object_end(w);
}

/* null: not known. */
static void put_country(struct jw *w, const char *name, struct str country)
{
    jw_key(w, name);
    if (country.n == 0)
        jw_null(w);
    else
        jw_str(w, country);
}

static void put_large(struct jw *w, const struct risk *risk, const struct large_bet *large,
                      struct arena *arena)
{
    struct slip *slip = ARENA_NEW(arena, struct slip);

    CHECK(slip_decode(large->slip, arena, slip)); /* encoded here */
    jw_object(w);
    jw_key(w, "id");
    jw_id(w, large->id);
    jw_key(w, "customer");
    jw_id(w, large->account);
    jw_key(w, "placed_at");
    jw_time(w, large->at_ms);
    jw_key(w, "type");
    jw_str(w, str_of(bet_type_name(slip->type)));
    jw_key(w, "stake");
    jw_money(w, large->stake_minor, large->currency->exponent);
    jw_key(w, "currency");
    jw_str(w, str_of(large->currency->code));
    jw_key(w, "potential_payout");
    jw_money(w, large->potential_minor, large->currency->exponent);
    put_country(w, "country", str_of(large->country));
    jw_key(w, "house_stake");
    jw_money(w, large->house_minor, house_exponent(risk));
    jw_key(w, "legs");
    jw_array(w);
    for (uint32_t i = 0; i < slip->n_legs; i++)
        put_leg(w, risk, &slip->legs[i], arena);
    jw_array_end(w);
    jw_object_end(w);
}

static bool read_id(struct str text, int64_t *id)
{
    return decimal_parse(text, 0, INT64_MAX, id) == DECIMAL_OK && *id > 0;
}

/* False: what is wrong is answered. */
static bool read_page(struct http_request *request, int64_t *after, int64_t *limit)
{
    struct str first = http_query(request, "after"), most = http_query(request, "limit");

    *after = INT64_MAX;
    *limit = PAGE_DEFAULT;
    if (first.p != NULL && !read_id(first, after)) {
        answer_refusal(request, REFUSE_MALFORMED, STR("after: an id of this list is expected"),
                       STR_NONE);
        return false;
    }
    if (most.p != NULL && (!read_id(most, limit) || *limit > LIMIT_PAGE_ROWS)) {
        answer_refusal(request, REFUSE_MALFORMED, STR("limit must be 1 to 200"), STR_NONE);
        return false;
    }
    return true;
}

/* The ring is in the order of commits, which ids follow but for those of one
 * moment: the place of `after` is looked for, not compared. */
static uint64_t place_after(const struct risk *risk, int64_t after, uint64_t first)
{
    for (uint64_t at = risk->n_large; after != INT64_MAX && at > first; at--)
        if (risk->large[(at - 1) % LARGE_BETS].id == after)
            return at - 1;
    return after == INT64_MAX ? risk->n_large : first;
}

void risk_get_bets(struct risk *risk, struct http_request *request)
{
    struct jw w = jw_to(&risk->scratch);
    uint64_t first = risk->n_large > LARGE_BETS ? risk->n_large - LARGE_BETS : 0, at;
    int64_t after, limit;

    if (!read_page(request, &after, &limit))
        return;
    at = place_after(risk, after, first);
    buf_reset(&risk->scratch);
    jw_object(&w);
    jw_key(&w, "currency");
    jw_str(&w, str_of(risk->options.house->currency->code));
    jw_key(&w, "bets");
    jw_array(&w);
    for (; at > first && limit > 0; at--, limit--)
        put_large(&w, risk, &risk->large[(at - 1) % LARGE_BETS], &request->arena);
    jw_array_end(&w);
    jw_key(&w, "next");
    if (at > first)
        jw_id(&w, risk->large[at % LARGE_BETS].id);
    else
        jw_null(&w);
    jw_object_end(&w);
    answer_json(request, 200, buf_view(&risk->scratch));
}

/* ---- one customer ----------------------------------------------------------- */

struct customer_call {
    struct risk *risk;
    struct http_request *request;
    struct store_exec exec;
};

static void put_money(struct jw *w, const char *name, int64_t minor, int exponent)
{
    jw_key(w, name);
    jw_money(w, minor, exponent);
}

/* What the customer said at registration, and what the edge signed. */
static void put_countries(struct jw *w, const struct value *row)
{
    put_country(w, "country", CELL_TEXT(row, CUSTOMER_RISK_COUNTRY));
    put_country(w, "registered_from", CELL_TEXT(row, CUSTOMER_RISK_REGISTERED_IN));
    put_country(w, "last_login_from", CELL_TEXT(row, CUSTOMER_RISK_LAST_COUNTRY));
    jw_key(w, "last_login_from_at");
    if (CELL_INT(row, CUSTOMER_RISK_LAST_SEEN_MS) == 0)
        jw_null(w);
    else
        jw_time(w, CELL_INT(row, CUSTOMER_RISK_LAST_SEEN_MS));
    jw_key(w, "countries");
    jw_int(w, CELL_INT(row, CUSTOMER_RISK_COUNTRIES));
}

static void write_customer(struct jw *w, const struct value *row, int64_t id, int64_t factor_e4,
                           int exponent)
{
    jw_object(w);
    jw_key(w, "customer");
    jw_id(w, id);
    jw_key(w, "currency");
    jw_str(w, CELL_TEXT(row, CUSTOMER_RISK_CURRENCY));
    put_money(w, "balance", CELL_INT(row, CUSTOMER_RISK_BALANCE), exponent);
    put_money(w, "debt", CELL_INT(row, CUSTOMER_RISK_DEBT), exponent);
    put_money(w, "open_stakes", CELL_INT(row, CUSTOMER_RISK_STAKED), exponent);
    jw_key(w, "open_bets");
    jw_int(w, CELL_INT(row, CUSTOMER_RISK_OPEN_BETS));
    jw_key(w, "bets");
    jw_int(w, CELL_INT(row, CUSTOMER_RISK_BETS));
    put_money(w, "turnover", CELL_INT(row, CUSTOMER_RISK_STAKES), exponent);
    put_money(w, "ggr",
              CELL_INT(row, CUSTOMER_RISK_WON) - CELL_INT(row, CUSTOMER_RISK_STAKED), exponent);
    put_money(w, "factor", factor_e4, 4);
    jw_key(w, "may_bet");
    jw_bool(w, CELL_INT(row, CUSTOMER_RISK_STATUS) == 0 &&
               CELL_INT(row, CUSTOMER_RISK_EXCLUDED_UNTIL_MS) <= clock_wall_ms());
    jw_key(w, "registered_at");
    jw_time(w, CELL_INT(row, CUSTOMER_RISK_CREATED_MS));
    put_countries(w, row);
    jw_object_end(w);
}

static void on_customer(struct store_exec *exec, enum store_result result)
{
    struct customer_call *call = exec->ctx;
    struct http_request *request = call->request;
    struct risk *risk = call->risk;
    const struct value *row = exec->cells;
    const struct currency *currency;
    struct jw w = jw_to(&risk->scratch);
    int64_t id;

    if (result != STORE_OK) {
        answer_refusal(request, REFUSE_BUSY, STR("the store cannot be read now"), STR_NONE);
        return;
    }
    currency = exec->rows == 0 ? NULL : currency_find(CELL_TEXT(row, CUSTOMER_RISK_CURRENCY));
    if (currency == NULL || !read_id(request->param, &id)) {
        answer_refusal(request, REFUSE_NOT_FOUND, STR("There is no such customer."), STR_NONE);
        return;
    }
    buf_reset(&risk->scratch);
    write_customer(&w, row, id, book_stake_factor_e4(risk->options.book, id),
                   currency->exponent);
    answer_json(request, 200, buf_view(&risk->scratch));
}

void risk_get_customer(struct risk *risk, struct http_request *request)
{
    struct customer_call *call = ARENA_NEW(&request->arena, struct customer_call);
    int64_t id;

    if (!read_id(request->param, &id)) {
        answer_refusal(request, REFUSE_NOT_FOUND, STR("There is no such customer."), STR_NONE);
        return;
    }
    call->risk = risk;
    call->request = request;
    call->exec = (struct store_exec){
        .calls = { { STATEMENT_CUSTOMER_RISK, { VALUE_INT(id) } } },
        .n = 1, .arena = &request->arena, .on_done = on_customer, .ctx = call,
    };
    store_exec(call->risk->options.store, &call->exec);
}
