/*
 * History: a customer's bets, newest first, and one of them.
 */
#include "base/log.h"
#include "bets/cashout.h"
#include "bets/inside.h"
#include "who/reader.h"

#include <inttypes.h>


struct bet_page {
    const struct bets *bets;
    int64_t below, limit;
    enum bet_state from, to;
    struct slip slip; /* of the row being written */
};

static struct bet_page *listing_of(const struct read_request *reader)
{
    struct bet_page *listing = reader->own;

    CHECK(listing != NULL && listing->bets->who == reader->who);
    return listing;
}

/* False: the row does not read, which only we can have caused. */
static bool write_row(struct read_request *reader, struct jw *w, const struct value *row)
{
    struct bet_page *listing = listing_of(reader);
    const struct bets_options *options = &listing->bets->options;
    struct slip *slip = &listing->slip;
    struct bet_row bet;
    bool reads = cashout_read_row(row, &reader->request->arena, &bet, slip);
    struct bet_view view = {
        .id = bet.id,
        .stake_minor = bet.stake_minor + bet.cashed_stake_minor,
        .potential_minor = bet.potential_minor,
        .placed_ms = bet.placed_ms,
        .state = bet.state,
        .payout_minor = bet.payout_minor,
        .settled_ms = bet.settled_ms,
        .cashed_stake_minor = bet.cashed_stake_minor,
        .cashed_paid_minor = bet.cashed_paid_minor,
        .sport = bet.sport,
        .currency = currency_find(bet.currency),
        .slip = slip,
    };

    if (!reads || view.currency == NULL) {
        log_request(reader->request->id, LOG_ERROR, "bets", "a stored bet cannot be read",
                    "bet=%" PRId64, bet.id);
        return false;
    }
    CHECK(bet.account == reader->session.account);
    if (view.state == BET_ACCEPTED)
        cashout_put_offer(&view, options->book, bets_margin_e4(listing->bets));
    bet_write(w, &view);
    return true;
}

static void write_list(struct read_request *reader)
{
    struct bet_page *listing = listing_of(reader);
    const struct store_exec *exec = &reader->exec;
    uint32_t n = exec->rows > listing->limit ? (uint32_t)listing->limit : exec->rows;
    struct buf *out = reader_out(reader);
    struct jw w = jw_to(out);

    jw_object(&w);
    CHECK(listing->limit >= 1 && listing->limit <= LIMIT_PAGE_ROWS);
    CHECK(exec->rows <= listing->limit + 1);
    jw_key(&w, "bets");
    jw_array(&w);
    for (uint32_t i = 0; i < n; i++)
        (void)write_row(reader, &w, &EXEC_CELL(exec, i, 0));
    jw_array_end(&w);
    jw_key(&w, "next");
    if (exec->rows > n)
        jw_id(&w, EXEC_INT(exec, n - 1, BETS_LIST_ID));
    else
        jw_null(&w);
    jw_object_end(&w);
    reader_json(reader, 200, buf_view(out));
}

static bool read_state(struct str state, struct bet_page *listing)
{
    listing->from = BET_ACCEPTED;
    listing->to = BET_CASHED_OUT;
    if (state.p == NULL)
        return true;
    if (str_eq(state, STR("open")))
        listing->to = BET_ACCEPTED;
    else if (str_eq(state, STR("settled")))
        listing->from = BET_SETTLED;
    else
        return false;
    return true;
}

static void list_bets(struct read_request *reader)
{
    struct bet_page *listing = listing_of(reader);
    struct str after, error;

    listing->below = INT64_MAX;
    if (!reader_page(reader->request, &after, &listing->limit, &error)) {
        reader_refuse(reader, REFUSE_MALFORMED, error);
        return;
    }
    if (after.p != NULL && !reader_id(after, &listing->below)) {
        reader_refuse(reader, REFUSE_MALFORMED, STR("after must be the id of a bet"));
        return;
    }
    if (!read_state(http_query(reader->request, "state"), listing)) {
        reader_refuse(reader, REFUSE_MALFORMED, STR("state must be open or settled"));
        return;
    }
    CHECK(listing->from <= listing->to && listing->below > 0);
    reader_exec(reader,
                (struct statement_call){ STATEMENT_BETS_LIST,
                                         { VALUE_INT(reader->session.account),
                                           VALUE_INT(listing->below),
                                           VALUE_INT(listing->from), VALUE_INT(listing->to),
                                           VALUE_INT(listing->limit + 1) } },
                write_list);
}

static void start(const struct bets *bets, struct http_request *request,
                  void (*then)(struct read_request *reader))
{
    struct bet_page *listing = ARENA_NEW(&request->arena, struct bet_page);

    CHECK(bets != NULL && bets->who != NULL);
    listing->bets = bets;
    reader_start(bets->who, request, false, listing, then);
}

void bets_list(struct bets *bets, struct http_request *request)
{
    start(bets, request, list_bets);
}

static void write_one(struct read_request *reader)
{
    struct buf *out = reader_out(reader);
    struct jw w = jw_to(out);

    if (reader->exec.rows == 0) {
        reader_refuse(reader, REFUSE_NOT_FOUND, STR_NONE);
        return;
    }
    if (write_row(reader, &w, &EXEC_CELL(&reader->exec, 0, 0)))
        reader_json(reader, 200, buf_view(out));
    else
        reader_refuse(reader, REFUSE_BUSY, STR("The bet cannot be read."));
}

static void get_bet(struct read_request *reader)
{
    int64_t id;

    if (!reader_id(reader->request->param, &id)) {
        reader_refuse(reader, REFUSE_NOT_FOUND, STR_NONE);
        return;
    }
    reader_exec(reader,
                (struct statement_call){ STATEMENT_BET_GET,
                                         { VALUE_INT(reader->session.account),
                                           VALUE_INT(id) } },
                write_one);
}

void bets_get_one(struct bets *bets, struct http_request *request)
{
    start(bets, request, get_bet);
}
