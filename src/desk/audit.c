/*
 * Who did what: the desk's entries of the log, newest first, read back with
 * the parser that the book reads them with.  They are never trimmed.
 */
#include "desk/inside.h"

#include "api/answer.h"
#include "base/limits.h"
#include "base/log.h"
#include "desk/write.h"

struct audit_page {
    struct desk_calls *desk;
    struct http_request *request;
    int64_t limit;
    struct store_exec exec;
    struct arena arena; /* of the rows, and of one entry at a time */
};

static void put_scope(struct jw *w, const struct message *message)
{
    const struct message_desk *desk = message->desk;

    jw_key(w, "scope");
    if (desk->level == DESK_NOWHERE) {
        jw_null(w);
        return;
    }
    jw_object(w);
    if (desk->level == DESK_ALL) {
        jw_key(w, "all");
        jw_bool(w, true);
    } else if (desk->level == DESK_SPORT) {
        jw_put_str(w, "sport", desk->sport);
    } else {
        jw_put_str(w, "event", message->event);
    }
    if (desk->level == DESK_MARKET) {
        jw_key(w, "market");
        jw_id(w, message->markets[0].market);
        jw_put_str(w, "specifiers", message->markets[0].specifiers);
    }
    jw_object_end(w);
}

static void put_limits(struct jw *w, const struct message_desk *desk, const struct house *house)
{
    desk_put_amount(w, "stake_max", desk->stake_max_minor, house);
    desk_put_amount(w, "liability_max", desk->liability_max_minor, house);
    desk_put_amount(w, "hold_above", desk->hold_above_minor, house);
}

static void put_proposal(struct jw *w, const struct message *message)
{
    const struct message_desk *desk = message->desk;

    if (desk->what != DESK_NOTHING)
        jw_put_str(w, "what", str_of(desk_what_name(desk->what)));
    if (desk->proposal > 0) {
        jw_key(w, "proposal");
        jw_id(w, desk->proposal);
    }
    if (desk->proposer.n > 0)
        jw_put_str(w, "proposer", desk->proposer);
    desk_put_decision(w, desk->what, message->start_ms, message->end_ms, message->outcomes,
                      message->n_outcomes);
}

/* What belongs to the act alone. */
static void put_act(struct jw *w, const struct message *message, const struct house *house)
{
    const struct message_desk *desk = message->desk;

    switch (desk->act) {
    case DESK_MARGIN:
        jw_key(w, "margin");
        desk_put_decimal(w, desk->margin_e4);
        break;
    case DESK_PRICE:
        jw_put_str(w, "outcome", desk->outcome);
        jw_key(w, "odds");
        desk_put_decimal(w, desk->odds_e4 == 0 ? -1 : desk->odds_e4);
        break;
    case DESK_LIMITS:
        put_limits(w, desk, house);
        break;
    case DESK_FACTOR:
        jw_key(w, "customer");
        jw_id(w, desk->customer);
        jw_key(w, "factor");
        desk_put_decimal(w, desk->factor_e4);
        break;
    case DESK_PROPOSE:
    case DESK_CONFIRM:
    case DESK_REJECT:
        put_proposal(w, message);
        break;
    case DESK_NOTE:
        jw_put_str(w, "note", desk->note);
        break;
    case DESK_SUSPEND:
    case DESK_RESUME:
        break;
    }
}

static void put_entry(struct jw *w, const struct message *message, int64_t position,
                      int64_t at_ms, const struct house *house)
{
    jw_object(w);
    jw_key(w, "position");
    jw_id(w, position);
    jw_key(w, "at");
    jw_time(w, at_ms);
    jw_put_str(w, "operator", message->desk->operator);
    jw_put_str(w, "act", str_of(desk_act_name(message->desk->act)));
    jw_put_str(w, "reason", message->desk->reason);
    put_scope(w, message);
    put_act(w, message, house);
    jw_object_end(w);
}

static void put_row(struct jw *w, struct audit_page *audit, uint32_t row)
{
    const struct store_exec *exec = &audit->exec;
    int64_t position = EXEC_INT(exec, row, DESK_LIST_POS);
    struct message message;
    struct uof_error error;

    if (uof_parse(audit->desk->parser, EXEC_TEXT(exec, row, DESK_LIST_BODY), true,
                  &audit->arena, &message, &error) && message.type == MESSAGE_DESK)
        put_entry(w, &message, position, EXEC_INT(exec, row, DESK_LIST_AT_MS),
                  audit->desk->options.house);
    else
        log_error("desk", "an entry of the log cannot be read", "position=%lld",
                  (long long)position);
}

static void write_rows(struct jw *w, struct audit_page *audit)
{
    uint32_t rows = audit->exec.rows, shown = rows;

    if (rows > audit->limit)
        shown = (uint32_t)audit->limit;
    jw_object(w);
    jw_key(w, "entries");
    jw_array(w);
    for (uint32_t i = 0; i < shown; i++)
        put_row(w, audit, i);
    jw_array_end(w);
    jw_key(w, "next");
    if (rows > shown)
        jw_id(w, EXEC_INT(&audit->exec, shown - 1, DESK_LIST_POS));
    else
        jw_null(w);
    jw_object_end(w);
}

static void on_rows(struct store_exec *exec, enum store_result result)
{
    struct audit_page *audit = exec->ctx;
    struct http_request *request = audit->request;
    struct buf out;
    struct jw w;

    if (result == STORE_OK) {
        buf_init(&out, LIMIT_RESPONSE_BYTES);
        w = jw_to(&out);
        write_rows(&w, audit);
        arena_fini(&audit->arena);
        CHECK(!out.overflow);
        answer_json(request, 200, buf_view(&out));
        buf_fini(&out);
        return;
    }
    arena_fini(&audit->arena);
    answer_refusal(request, REFUSE_BUSY, STR("the store cannot be reached"), STR_NONE);
}

void desk_get_audit(struct desk_calls *desk, struct http_request *request)
{
    struct audit_page *audit;
    int64_t after, limit;

    if (!desk_page(request, &after, &limit))
        return;
    audit = ARENA_NEW(&request->arena, struct audit_page);
    audit->desk = desk;
    audit->request = request;
    audit->limit = limit;
    arena_init(&audit->arena, LIMIT_ROWS_BYTES);
    audit->exec = (struct store_exec){ .n = 1, .arena = &audit->arena, .on_done = on_rows,
                                       .ctx = audit };
    audit->exec.calls[0] = (struct statement_call){
        STATEMENT_DESK_LIST, { VALUE_INT(after), VALUE_INT(limit + 1) }
    };
    store_exec(audit->desk->options.store, &audit->exec);
}
