/* What operators do: see desk.h. */
#include "desk/inside.h"

#include <stdlib.h>

#include "api/answer.h"
#include "api/request.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "desk/body.h"

#define ENTRY_BYTES LIMIT_FEED_BODY_BYTES
#define NOTE_ARENA_BYTES (64 * 1024)
#define WAIT_MS 5
#define WAIT_LOOKS 600 /* three seconds: then it is answered as durable, which it is */

struct desk_calls *desk_new(const struct desk_options *options)
{
    struct desk_calls *desk = calloc(1, sizeof(*desk));

    CHECK(desk != NULL);
    desk->options = *options;
    desk->parser = uof_parser_new();
    return desk;
}

void desk_free(struct desk_calls *desk)
{
    if (desk == NULL)
        return;
    uof_parser_free(desk->parser);
    free(desk);
}

/* ---- into the log ---------------------------------------------------------- */

/* A request whose entry is on its way; in the request's arena. */
struct call {
    struct desk_calls *desk;
    struct http_request *request;
    struct order order;
    struct store_exec exec; /* whether the store knows the market */
};

static void answer_position(struct http_request *request, int status, const char *name,
                            int64_t position)
{
    char text[64];
    int n = snprintf(text, sizeof(text), "{\"%s\":\"%lld\"}", name, (long long)position);

    CHECK(n > 0 && (size_t)n < sizeof(text));
    answer_json(request, status, (struct str){ text, (size_t)n });
}

static void log_entry(const struct call *call, int64_t position)
{
    const struct message_desk *desk = &call->order.desk;
    struct str act = str_of(desk_act_name(desk->act));

    metric_add(METRIC_DESK_ENTRIES, act, 1);
    log_request(call->request->id, LOG_INFO, "desk", "an operator acted",
                "operator=" STR_FMT " act=" STR_FMT " what=%s level=%s event=" STR_FMT
                " position=%lld", STR_ARG(desk->operator), STR_ARG(act),
                desk_what_name(desk->what), desk_level_name(desk->level),
                STR_ARG(call->order.message.event), (long long)position);
}

static void answer_entry(struct call *call, int64_t position)
{
    enum desk_act act = call->order.desk.act;

    log_entry(call, position);
    if (!book_desk_refused(call->desk->options.book, position))
        answer_position(call->request, act == DESK_PROPOSE ? 202 : 200,
                        act == DESK_PROPOSE ? "proposal" : "position", position);
    else if (act == DESK_CONFIRM || act == DESK_REJECT)
        answer_refusal(call->request, REFUSE_ALREADY_DECIDED, STR_NONE, STR_NONE);
    else
        answer_refusal(call->request, REFUSE_BUSY, STR("the book has no room for more of these"),
                       STR_NONE);
}

/* ---- until the entry is in this process's book ----------------------------- */

/* An entry that is durable, and on its way through the one who owns the book;
 * or, with `act`, a proposal that another process has taken. */
struct desk_wait {
    uv_timer_t timer;
    struct call *call;
    enum desk_act act;
    int64_t position;
    unsigned looks;
};

/* An event's is in its shard; all others are in every shard. */
static bool is_in_book(const struct call *call, int64_t position)
{
    const struct book *book = call->desk->options.book;
    struct str event = call->order.message.event;

    if (event.n > 0)
        book = book_shard_of(book, event);
    return book_position(book) >= position;
}

static void on_wait_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void wait_for(struct call *call, enum desk_act act, int64_t position, uv_timer_cb then)
{
    struct desk_wait *wait = calloc(1, sizeof(*wait));

    CHECK(wait != NULL);
    wait->call = call;
    wait->act = act;
    wait->position = position;
    CHECK(uv_timer_init(call->desk->options.loop, &wait->timer) == 0);
    wait->timer.data = wait;
    uv_timer_start(&wait->timer, then, WAIT_MS, WAIT_MS);
}

static void on_wait(uv_timer_t *timer)
{
    struct desk_wait *wait = timer->data;

    if (!is_in_book(wait->call, wait->position) && ++wait->looks < WAIT_LOOKS)
        return;
    answer_entry(wait->call, wait->position);
    uv_close((uv_handle_t *)timer, on_wait_closed);
}

static void on_entry_done(void *ctx, bool durable, int64_t position)
{
    struct call *call = ctx;

    if (!durable)
        answer_refusal(call->request, REFUSE_BUSY,
                       STR("it is not known whether this was done, and it may still be: look before"
                           " you try again"),
                       STR_NONE);
    else if (is_in_book(call, position))
        answer_entry(call, position);
    else
        wait_for(call, call->order.desk.act, position, on_wait);
}

/* Later than every entry before, whatever the clock says. */
static int64_t entry_time(const struct book *book)
{
    int64_t now_ms = clock_wall_ms(), last_ms = book_desk_ts(book);

    return now_ms > last_ms ? now_ms : last_ms + 1;
}

static void submit(struct call *call)
{
    struct feed_item item = { .own = true, .on_done = on_entry_done, .ctx = call };
    enum feed_result result;
    struct uof_error error;
    struct buf xml;

    call->order.message.timestamp_ms = entry_time(call->desk->options.book);
    buf_init(&xml, ENTRY_BYTES);
    uof_desk_compose(&xml, &call->order.message);
    CHECK(!xml.overflow);
    item.body = buf_view(&xml);
    result = feed_submit(call->desk->options.feed, &item, &error);
    buf_fini(&xml);
    if (result == FEED_BUSY)
        answer_refusal(call->request, REFUSE_BUSY,
                       STR("starting, or too many messages wait: nothing was done"), STR_NONE);
    else if (result == FEED_MALFORMED)
        answer_refusal(call->request, REFUSE_MALFORMED, str_of(error.text), STR_NONE);
}

/* ---- notes ----------------------------------------------------------------- */

/* A copy without control characters, and not too long. */
static struct str plain_text(struct str text, size_t limit, struct arena *arena)
{
    size_t n = text.n < limit ? text.n : limit;
    char *copy = arena_alloc(arena, n + 1);

    while (n < text.n && n > 0 && ((unsigned char)text.p[n] & 0xc0) == 0x80)
        n--; /* no character is cut in two */
    for (size_t i = 0; i < n; i++)
        copy[i] = (unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f ? ' ' : text.p[i];
    return (struct str){ copy, n };
}

static void note_lost(struct str operator, struct str what)
{
    log_error("desk", "a note could not be written into the log",
              "operator=" STR_FMT " note='" STR_FMT "'", STR_ARG(operator), STR_ARG(what));
}

struct order_note {
    struct order order;
    struct arena arena;
};

static void on_note_done(void *ctx, bool durable, int64_t position UNUSED)
{
    struct order_note *note = ctx;

    if (durable)
        metric_add(METRIC_DESK_ENTRIES, STR("note"), 1);
    else
        note_lost(note->order.desk.operator, note->order.desk.note);
    arena_fini(&note->arena);
    free(note);
}

void desk_note(void *ctx, const struct operator *operator, struct str what, struct str reason)
{
    struct desk_calls *desk = ctx;
    struct order_note *note = calloc(1, sizeof(*note));
    struct feed_item item = { .own = true, .on_done = on_note_done, .ctx = note };
    struct uof_error error;
    struct buf xml;

    CHECK(note != NULL);
    arena_init(&note->arena, NOTE_ARENA_BYTES);
    order_init(&note->order, DESK_NOTE, arena_str(&note->arena, operator->name));
    note->order.desk.note = plain_text(what, DESK_NOTE_BYTES, &note->arena);
    note->order.desk.reason = plain_text(reason, LIMIT_REASON_BYTES, &note->arena);
    note->order.message.timestamp_ms = entry_time(desk->options.book);
    buf_init(&xml, ENTRY_BYTES);
    uof_desk_compose(&xml, &note->order.message);
    item.body = buf_view(&xml);
    if (feed_submit(desk->options.feed, &item, &error) != FEED_TAKEN)
        on_note_done(note, false, 0);
    buf_fini(&xml);
}

/* ---- orders ---------------------------------------------------------------- */

static struct call *call_new(struct desk_calls *desk, struct http_request *request,
                             enum desk_act act)
{
    struct call *call = ARENA_NEW(&request->arena, struct call);

    call->desk = desk;
    call->request = request;
    order_init(&call->order, act, request_operator(request)->name);
    return call;
}

/* False: answered. */
static bool read_body(struct call *call, bool (*read)(struct body *, struct order *))
{
    struct body body = {
        call->request->body, &call->request->arena, call->desk->options.book,
        call->desk->options.house, STR_NONE,
    };

    if (read(&body, &call->order))
        return true;
    answer_refusal(call->request, REFUSE_MALFORMED, body.error, STR_NONE);
    return false;
}

static bool is_known(const struct call *call)
{
    const struct book *book = call->desk->options.book;

    switch (call->order.desk.level) {
    case DESK_EVENT:
        return book_event(book, call->order.message.event) != NULL;
    case DESK_MARKET:
        return book_market(book, order_market_id(&call->order)) != NULL;
    default:
        return true;
    }
}

static void answer_unknown(struct http_request *request)
{
    answer_refusal(request, REFUSE_NOT_FOUND, STR("no such event or market"), STR_NONE);
}

static void post(struct desk_calls *desk, struct http_request *request, enum desk_act act,
                 bool (*read)(struct body *, struct order *))
{
    struct call *call = call_new(desk, request, act);

    if (!read_body(call, read))
        return;
    if (is_known(call))
        submit(call);
    else
        answer_unknown(request);
}

void desk_post_suspend(struct desk_calls *desk, struct http_request *request)
{
    post(desk, request, DESK_SUSPEND, body_read_scope);
}

void desk_post_resume(struct desk_calls *desk, struct http_request *request)
{
    post(desk, request, DESK_RESUME, body_read_scope);
}

void desk_post_margin(struct desk_calls *desk, struct http_request *request)
{
    post(desk, request, DESK_MARGIN, body_read_margin);
}

/* The outcome must be one of the market's. */
static bool read_price(struct body *body, struct order *order)
{
    const struct market *market;

    if (!body_read_price(body, order))
        return false;
    market = book_market(body->book, order_market_id(order));
    if (market == NULL || book_outcome(market, order->desk.outcome) != NULL)
        return true;
    body->error = STR("outcome is none of the market's");
    return false;
}

void desk_post_price(struct desk_calls *desk, struct http_request *request)
{
    post(desk, request, DESK_PRICE, read_price);
}

void desk_post_limits(struct desk_calls *desk, struct http_request *request)
{
    post(desk, request, DESK_LIMITS, body_read_limits);
}

void desk_post_factor(struct desk_calls *desk, struct http_request *request)
{
    post(desk, request, DESK_FACTOR, body_read_factor);
}

/* ---- proposals ------------------------------------------------------------- */

static void on_asked(struct store_exec *exec, enum store_result result)
{
    struct call *call = exec->ctx;

    if (result != STORE_OK)
        answer_refusal(call->request, REFUSE_BUSY, STR("the store cannot be reached"), STR_NONE);
    else if (exec->rows > 0 && EXEC_INT(exec, 0, MARKET_HAS_BETS_HAS) != 0)
        submit(call);
    else
        answer_unknown(call->request);
}

/* A market with bets may be decided after the book has forgotten it. */
static void ask_store(struct call *call)
{
    call->exec = (struct store_exec){ .n = 1, .arena = &call->request->arena,
                                      .on_done = on_asked, .ctx = call };
    call->exec.calls[0] = (struct statement_call){
        STATEMENT_MARKET_HAS_BETS, { VALUE_INT(market_key(order_market_id(&call->order))) }
    };
    store_exec(call->desk->options.store, &call->exec);
}

static void propose(struct desk_calls *desk, struct http_request *request,
                    bool (*read)(struct body *, struct order *))
{
    struct call *call = call_new(desk, request, DESK_PROPOSE);

    if (!read_body(call, read))
        return;
    if (is_known(call))
        submit(call);
    else
        ask_store(call);
}

void desk_post_result(struct desk_calls *desk, struct http_request *request)
{
    propose(desk, request, body_read_result);
}

void desk_post_void(struct desk_calls *desk, struct http_request *request)
{
    propose(desk, request, body_read_void);
}

void desk_post_withdrawal(struct desk_calls *desk, struct http_request *request)
{
    propose(desk, request, body_read_withdrawal);
}

/* The proposal of the path, an id: a place in the log; 0: it is none. */
static int64_t asked_id(const struct http_request *request)
{
    int64_t id;

    return decimal_parse(request->param, 0, INT64_MAX / 16, &id) == DECIMAL_OK ? id : 0;
}

static bool is_own(const struct desk_proposal *proposal, struct http_request *request)
{
    if (!str_eq(proposal->operator, request_operator(request)->name))
        return false;
    metric_add(METRIC_DESK_REFUSED, STR("self_confirm"), 1);
    log_warn("desk", "refused: a proposal needs another operator",
             "operator=" STR_FMT " proposal=%lld", STR_ARG(request_operator(request)->name),
             (long long)proposal->id);
    answer_refusal(request, REFUSE_FORBIDDEN, STR("another operator must confirm it"), STR_NONE);
    return true;
}

/* The confirmation carries all that the proposal said: copied, for it may go
 * before the entry is composed. */
static void take_proposal(struct call *call, const struct desk_proposal *proposal)
{
    struct arena *arena = &call->request->arena;
    struct order *order = &call->order;
    struct message *message = &order->message;

    order->desk.level = DESK_MARKET;
    order->desk.what = proposal->what;
    order->desk.proposer = arena_str(arena, proposal->operator);
    message->event = arena_str(arena, proposal->market.event);
    message->start_ms = proposal->start_ms;
    message->end_ms = proposal->end_ms;
    message->n_markets = 1;
    order->market.market = proposal->market.market;
    order->market.specifiers = arena_str(arena, proposal->market.specifiers);
    order->market.n = message->n_outcomes = proposal->n_outcomes;
    message->outcomes = ARENA_ARRAY(arena, struct message_outcome, proposal->n_outcomes + 1);
    for (uint32_t i = 0; i < proposal->n_outcomes; i++) {
        message->outcomes[i] = proposal->outcomes[i];
        message->outcomes[i].id = arena_str(arena, proposal->outcomes[i].id);
    }
}

/* For the one who has the event's part of the book: others know no proposal. */
static void name_event(struct call *call, const struct desk_proposal *proposal)
{
    call->order.desk.level = DESK_EVENT;
    call->order.message.event = arena_str(&call->request->arena, proposal->market.event);
}

static void decide_now(struct call *call, enum desk_act act)
{
    struct http_request *request = call->request;
    const struct desk_proposal *proposal = book_proposal(call->desk->options.book,
                                                         asked_id(request));

    if (proposal == NULL) {
        answer_refusal(request, REFUSE_NOT_FOUND, STR("no such proposal waits"), STR_NONE);
        return;
    }
    if (act == DESK_CONFIRM && is_own(proposal, request))
        return;
    call->order.desk.proposal = proposal->id;
    if (act == DESK_CONFIRM)
        take_proposal(call, proposal);
    else
        name_event(call, proposal);
    submit(call);
}

/* Made at another process, it may be on its way to this one's book. */
static bool may_come(const struct book *book, int64_t id)
{
    return book_shards(book) > 0 && id > book_position(book) && book_proposal(book, id) == NULL;
}

static void on_proposal(uv_timer_t *timer)
{
    struct desk_wait *wait = timer->data;

    if (may_come(wait->call->desk->options.book, wait->position) &&
        ++wait->looks < WAIT_LOOKS)
        return;
    decide_now(wait->call, wait->act);
    uv_close((uv_handle_t *)timer, on_wait_closed);
}

static void decide(struct desk_calls *desk, struct http_request *request, enum desk_act act)
{
    struct call *call = call_new(desk, request, act);

    if (!read_body(call, body_read_reason))
        return;
    if (may_come(desk->options.book, asked_id(request)))
        wait_for(call, act, asked_id(request), on_proposal);
    else
        decide_now(call, act);
}

void desk_post_confirm(struct desk_calls *desk, struct http_request *request)
{
    decide(desk, request, DESK_CONFIRM);
}

void desk_post_reject(struct desk_calls *desk, struct http_request *request)
{
    decide(desk, request, DESK_REJECT);
}
