/*
 * The desk's entry of the log:
 *
 *   <overround_desk act="propose" operator="tom" reason="…" timestamp="…"
 *       level="market" event_id="sr:match:1" what="result">
 *     <market id="18" specifiers="total=2.5">
 *       <outcome id="12" result="1"/> …
 *     </market>
 *   </overround_desk>
 *
 * Ours alone, so nothing unknown is passed over.
 */
#include "base/limits.h"
#include "feed/uof.h"
#include "feed/uof_inside.h"

#define DESK(field) offsetof(struct desk_read, desk.field)
#define TEXT(name, need, offset, max) { name, VALUE_TEXT, need, offset, 0, max }
#define NUMBER(name, field, least, most) \
    { name, VALUE_I64, OPTIONAL, DESK(field), least, most }

const struct attribute uof_desk_attributes[] = {
    TEXT("act", NEEDED, AT(desk_read, act), 16),
    TEXT("operator", NEEDED, DESK(operator), LIMIT_ID_BYTES),
    { "timestamp", VALUE_I64, NEEDED, AT(desk_read, timestamp_ms), 1, TIME_MS_MAX },
    TEXT("reason", OPTIONAL, DESK(reason), LIMIT_REASON_BYTES),
    TEXT("level", OPTIONAL, AT(desk_read, level), 16),
    TEXT("sport", OPTIONAL, DESK(sport), LIMIT_ID_BYTES),
    TEXT("event_id", OPTIONAL, AT(desk_read, event), LIMIT_ID_BYTES),
    TEXT("note", OPTIONAL, DESK(note), DESK_NOTE_BYTES),
    TEXT("outcome", OPTIONAL, DESK(outcome), LIMIT_ID_BYTES),
    TEXT("ticket", OPTIONAL, DESK(ticket), DESK_TICKET_BYTES),
    { "odds", VALUE_ODDS, OPTIONAL, DESK(odds_e4), 0, 0 },
    NUMBER("margin_e4", margin_e4, 0, DESK_MARGIN_MAX_E4),
    NUMBER("stake_max_minor", stake_max_minor, 0, LIMIT_MINOR),
    NUMBER("liability_max_minor", liability_max_minor, 0, LIMIT_MINOR),
    NUMBER("hold_above_minor", hold_above_minor, 0, LIMIT_MINOR),
    NUMBER("customer", customer, 1, INT64_MAX),
    NUMBER("factor_e4", factor_e4, 0, DESK_FACTOR_MAX_E4),
    TEXT("what", OPTIONAL, AT(desk_read, what), 16),
    NUMBER("proposal", proposal, 1, INT64_MAX),
    TEXT("proposer", OPTIONAL, DESK(proposer), LIMIT_ID_BYTES),
    { "start_time", VALUE_I64, OPTIONAL, AT(desk_read, start_ms), 0, TIME_MS_MAX },
    { "end_time", VALUE_I64, OPTIONAL, AT(desk_read, end_ms), 0, TIME_MS_MAX },
};
_Static_assert(LENGTH(uof_desk_attributes) == UOF_DESK_ATTRIBUTES, "the header says how many");

void uof_desk_begin(struct desk_read *read)
{
    *read = (struct desk_read){
        .desk = desk_entry_make(DESK_NOTE, STR_NONE, STR_NONE), .end_ms = INT64_MAX,
    };
}

/* None, or 16 hex digits. */
static bool is_ticket(struct str ticket)
{
    for (size_t i = 0; i < ticket.n; i++)
        if (strchr("0123456789abcdef", ticket.p[i]) == NULL)
            return false;
    return ticket.n == 0 || ticket.n == DESK_TICKET_BYTES;
}

const char *uof_desk_ready(const struct desk_read *read, struct message_desk *desk,
                           struct message *message)
{
    *desk = read->desk;
    if (!desk_act_parse(read->act, &desk->act))
        return "attribute act is none of its names";
    if (!desk_level_parse(read->level, &desk->level))
        return "attribute level is none of its names";
    if (!desk_what_parse(read->what, &desk->what))
        return "attribute what is none of its names";
    if (!is_ticket(desk->ticket))
        return "attribute ticket is not 16 hex digits";
    message->desk = desk;
    message->event = read->event;
    message->timestamp_ms = read->timestamp_ms;
    message->start_ms = read->start_ms;
    message->end_ms = read->end_ms;
    return NULL;
}

/* ---- composing ------------------------------------------------------------ */

static void put_text(struct buf *out, const char *name, struct str text)
{
    if (text.n == 0)
        return;
    buf_printf(out, " %s=\"", name);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (c == '&' || c == '<' || c == '"' || (c >= 0 && c < ' '))
            buf_printf(out, "&#%d;", c); /* a line's end must stay one */
        else
            buf_char(out, c);
    }
    buf_char(out, '"');
}

static void put_number(struct buf *out, const char *name, int64_t n)
{
    buf_printf(out, " %s=\"%lld\"", name, (long long)n);
}

static void put_set(struct buf *out, const char *name, int64_t n, int64_t unset)
{
    if (n != unset)
        put_number(out, name, n);
}

static void put_factor(struct buf *out, const char *name, int64_t e12)
{
    buf_printf(out, " %s=\"%lld.%012lld\"", name, (long long)(e12 / FACTOR_ONE_E12),
               (long long)(e12 % FACTOR_ONE_E12));
}

static void put_market(struct buf *out, const struct message *message)
{
    const struct message_market *market = &message->markets[0];

    buf_str(out, STR("<market"));
    put_number(out, "id", market->market);
    put_text(out, "specifiers", market->specifiers);
    buf_str(out, STR(">"));
    for (uint32_t i = 0; i < market->n; i++) {
        const struct message_outcome *outcome = &message->outcomes[market->first + i];

        buf_str(out, STR("<outcome"));
        put_text(out, "id", outcome->id);
        put_number(out, "result", outcome->result);
        put_factor(out, "void_factor", outcome->void_e12);
        put_factor(out, "dead_heat_factor", outcome->dead_heat_e12);
        buf_str(out, STR("/>"));
    }
    buf_str(out, STR("</market>"));
}

static void put_odds(struct buf *out, int64_t odds_e4)
{
    if (odds_e4 != 0)
        buf_printf(out, " odds=\"%lld.%04lld\"", (long long)(odds_e4 / 10000),
                   (long long)(odds_e4 % 10000));
}

void uof_desk_compose(struct buf *out, const struct message *message)
{
    const struct message_desk *desk = message->desk;

    buf_str(out, STR("<overround_desk"));
    put_text(out, "act", str_of(desk_act_name(desk->act)));
    put_text(out, "operator", desk->operator);
    put_number(out, "timestamp", message->timestamp_ms);
    put_text(out, "reason", desk->reason);
    put_text(out, "level", str_of(desk_level_name(desk->level)));
    put_text(out, "sport", desk->sport);
    put_text(out, "event_id", message->event);
    put_text(out, "note", desk->note);
    put_text(out, "outcome", desk->outcome);
    put_text(out, "ticket", desk->ticket);
    put_odds(out, desk->odds_e4);
    put_set(out, "margin_e4", desk->margin_e4, -1);
    put_set(out, "stake_max_minor", desk->stake_max_minor, -1);
    put_set(out, "liability_max_minor", desk->liability_max_minor, -1);
    put_set(out, "hold_above_minor", desk->hold_above_minor, -1);
    put_set(out, "customer", desk->customer, 0);
    if (desk->act == DESK_FACTOR)
        put_number(out, "factor_e4", desk->factor_e4);
    put_text(out, "what", str_of(desk_what_name(desk->what)));
    put_set(out, "proposal", desk->proposal, 0);
    put_text(out, "proposer", desk->proposer);
    put_set(out, "start_time", message->start_ms, 0);
    put_set(out, "end_time", message->end_ms, INT64_MAX);
    buf_str(out, STR(">"));
    if (desk->level == DESK_MARKET)
        put_market(out, message);
    buf_str(out, STR("</overround_desk>"));
}
