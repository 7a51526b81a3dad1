/*
 * Wallet: what the ledger says about one customer.  Always read from the
 * store (rule 30).  Deposits and withdrawals are kinds of command.
 */
#include "base/text.h"
#include "bets/inside.h"
#include "who/reader.h"
#include "model/ledger.h"

static void write_wallet(struct read_request *reader)
{
    const struct value *row = &EXEC_CELL(&reader->exec, 0, 0);
    int exponent = reader->session.currency->exponent;
    struct buf *out = reader_out(reader);
    struct jw w = jw_to(out);

    jw_object(&w);
    CHECK(reader->exec.rows == 1);
    jw_key(&w, "balance");
    jw_money(&w, CELL_INT(row, ACCOUNT_GET_BALANCE), exponent);
    jw_key(&w, "debt");
    jw_money(&w, CELL_INT(row, ACCOUNT_GET_DEBT), exponent);
    jw_key(&w, "currency");
    jw_str(&w, CELL_TEXT(row, ACCOUNT_GET_CURRENCY));
    jw_key(&w, "staked");
    jw_money(&w, CELL_INT(row, ACCOUNT_GET_STAKED), exponent);
    jw_object_end(&w);
    reader_json(reader, 200, buf_view(out));
}

void bets_get_wallet(struct bets *bets, struct http_request *request)
{
    /* The fresh read of the account is the answer itself. */
    reader_start(bets->who, request, true, NULL, write_wallet);
}

/* ---- transfers ---------------------------------------------------------- */

struct transfer_page {
    int64_t below, limit;
};

/* A transfer's id is "<account>-<seq>". */
static bool read_transfer_id(struct str text, int64_t account, int64_t *seq)
{
    struct str before;
    int64_t whose;

    return text_cut(&text, '-', &before) && reader_id(before, &whose) && whose == account
        && reader_id(text, seq);
}

static void write_transfer_id(struct jw *w, int64_t account, int64_t seq)
{
    CHECK(account > 0 && seq > 0);
    jw_raw(w, STR("\""));
    buf_int(w->out, account);
    buf_char(w->out, '-');
    buf_int(w->out, seq);
    buf_char(w->out, '"');
}

static void write_transfer(struct jw *w, const struct value *row, const struct session *session)
{
    bool credit = CELL_INT(row, TRANSFERS_LIST_CREDIT) == session->account;

    CHECK(credit || CELL_INT(row, TRANSFERS_LIST_DEBIT) == session->account);
    jw_object(w);
    jw_key(w, "id");
    write_transfer_id(w, session->account, CELL_INT(row, TRANSFERS_LIST_SEQ));
    jw_key(w, "kind");
    jw_str(w, str_of(transfer_kind_name((enum transfer_kind)CELL_INT(row, TRANSFERS_LIST_KIND))));
    jw_key(w, "amount");
    jw_money(w, credit ? CELL_INT(row, TRANSFERS_LIST_AMOUNT)
                       : -CELL_INT(row, TRANSFERS_LIST_AMOUNT), session->currency->exponent);
    jw_key(w, "bet");
    if (CELL_INT(row, TRANSFERS_LIST_BET) == 0)
        jw_null(w);
    else
        jw_id(w, CELL_INT(row, TRANSFERS_LIST_BET));
    jw_key(w, "at");
    jw_time(w, CELL_INT(row, TRANSFERS_LIST_AT_MS));
    jw_key(w, "balance_after");
    jw_money(w, CELL_INT(row, TRANSFERS_LIST_BALANCE_AFTER), session->currency->exponent);
    jw_object_end(w);
}

static void write_transfers(struct read_request *reader)
{
    const struct transfer_page *page = reader->own;
    const struct store_exec *exec = &reader->exec;
    uint32_t n = exec->rows > page->limit ? (uint32_t)page->limit : exec->rows;
    struct buf *out = reader_out(reader);
    struct jw w = jw_to(out);

    jw_object(&w);
    CHECK(page->limit >= 1 && page->limit <= LIMIT_PAGE_ROWS);
    CHECK(exec->rows <= page->limit + 1);
    jw_key(&w, "transfers");
    jw_array(&w);
    for (uint32_t i = 0; i < n; i++)
        write_transfer(&w, &EXEC_CELL(exec, i, 0), &reader->session);
    jw_array_end(&w);
    jw_key(&w, "next");
    if (exec->rows > n)
        write_transfer_id(&w, reader->session.account, EXEC_INT(exec, n - 1, TRANSFERS_LIST_SEQ));
    else
        jw_null(&w);
    jw_object_end(&w);
    reader_json(reader, 200, buf_view(out));
}

static void list_transfers(struct read_request *reader)
{
    struct transfer_page *page = ARENA_NEW(&reader->request->arena, struct transfer_page);
    struct str after, error;

    page->below = INT64_MAX;
    if (!reader_page(reader->request, &after, &page->limit, &error)) {
        reader_refuse(reader, REFUSE_MALFORMED, error);
        return;
    }
    if (after.p != NULL
        && !read_transfer_id(after, reader->session.account, &page->below)) {
        reader_refuse(reader, REFUSE_MALFORMED, STR("after must be the id of a transfer"));
        return;
    }
    reader->own = page;
    CHECK(page->below > 0);
    reader_exec(reader,
                (struct statement_call){ STATEMENT_TRANSFERS_LIST,
                                         { VALUE_INT(reader->session.account),
                                           VALUE_INT(page->below),
                                           VALUE_INT(page->limit + 1) } },
                write_transfers);
}

void bets_get_transfers(struct bets *bets, struct http_request *request)
{
    reader_start(bets->who, request, false, NULL, list_transfers);
}
