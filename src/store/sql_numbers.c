/*
 * Names of numbers in statements: see sql_numbers.h.
 */
#include "store/sql_numbers.h"

#include <stdlib.h>

#include "model/event_kind.h"
#include "model/ledger.h"
#include "model/own_limit.h"
#include "store/money.h"

static const struct number {
    const char *name;
    int number;
} numbers[] = {
#define REFUSAL(id, NAME, code, status, is_verdict, title, sentence, members) \
    { "REFUSE_" #NAME, id },
#include "tbl/refusals.h"
#undef REFUSAL
#define EVENT(number, NAME, name, ref) { "EVENT_" #NAME, number },
#include "tbl/events.h"
#undef EVENT
#define MONEY_KIND(number, NAME, credits, house, transfer, event, of_bet) \
    { "MONEY_" #NAME, number },
#include "tbl/money_kinds.h"
#undef MONEY_KIND
#define NUMBER(name) { #name, name }
    NUMBER(REFUSE_NOTHING),
    NUMBER(MONEY_DECIDED), NUMBER(MONEY_KNOWN), NUMBER(MONEY_SKIPPED),
    NUMBER(MONEY_UNAUTHORIZED), NUMBER(MONEY_MOVED),
    NUMBER(HOUSE_CASH), NUMBER(HOUSE_BETS),
    NUMBER(TRANSFER_DEPOSIT), NUMBER(TRANSFER_WITHDRAWAL), NUMBER(TRANSFER_STAKE),
    NUMBER(TRANSFER_PAYOUT), NUMBER(TRANSFER_REVERSAL), NUMBER(TRANSFER_CASHOUT),
    NUMBER(BET_ACCEPTED), NUMBER(BET_SETTLED), NUMBER(BET_CASHED_OUT),
    NUMBER(OWN_LIMIT_KIND_DEPOSIT), NUMBER(OWN_LIMIT_KIND_STAKE), NUMBER(OWN_LIMIT_KIND_LOSS),
    NUMBER(OWN_LIMIT_PERIOD_DAY), NUMBER(OWN_LIMIT_PERIOD_WEEK),
#undef NUMBER
};

/* What each kind of command is: a CASE over the column `op`. */
static const struct fragment {
    const char *name, *sql;
} fragments[] = {
    { "CREDITS_OF_OP", "CASE op"
#define MONEY_KIND(number, NAME, credits, house, transfer, event, of_bet) \
    " WHEN {MONEY_" #NAME "} THEN " #credits
#include "tbl/money_kinds.h"
#undef MONEY_KIND
      " END = 1" },
    { "BET_OF_OP", "CASE op"
#define MONEY_KIND(number, NAME, credits, house, transfer, event, of_bet) \
    " WHEN {MONEY_" #NAME "} THEN " #of_bet
#include "tbl/money_kinds.h"
#undef MONEY_KIND
      " END" },
    { "HOUSE_OF_OP", "CASE op"
#define MONEY_KIND(number, NAME, credits, house, transfer, event, of_bet) \
    " WHEN {MONEY_" #NAME "} THEN {HOUSE_" #house "}"
#include "tbl/money_kinds.h"
#undef MONEY_KIND
      " END" },
    { "TRANSFER_OF_OP", "CASE op"
#define MONEY_KIND(number, NAME, credits, house, transfer, event, of_bet) \
    " WHEN {MONEY_" #NAME "} THEN {TRANSFER_" #transfer "}"
#include "tbl/money_kinds.h"
#undef MONEY_KIND
      " END" },
    { "EVENT_OF_OP", "CASE op"
#define MONEY_KIND(number, NAME, credits, house, transfer, event, of_bet) \
    " WHEN {MONEY_" #NAME "} THEN {EVENT_" #event "}"
#include "tbl/money_kinds.h"
#undef MONEY_KIND
      " END" },
};

static void put(struct buf *out, const char *sql);

static void put_name(struct buf *out, struct str name)
{
    for (size_t i = 0; i < LENGTH(numbers); i++)
        if (str_eq(name, str_of(numbers[i].name))) {
            buf_int(out, numbers[i].number);
            return;
        }
    for (size_t i = 0; i < LENGTH(fragments); i++)
        if (str_eq(name, str_of(fragments[i].name))) {
            put(out, fragments[i].sql);
            return;
        }
    CHECK(false && "what a statement names is in a table");
}

/* Braces around anything but a name are the statement's own: '{}' of an array. */
static size_t name_length(const char *text)
{
    size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");

    return text[n] == '}' ? n : 0;
}

static void put(struct buf *out, const char *sql)
{
    while (*sql != '\0') {
        size_t plain = strcspn(sql, "{"), n;

        buf_str(out, (struct str){ sql, plain });
        sql += plain;
        if (*sql == '\0')
            break;
        n = name_length(sql + 1);
        if (n == 0)
            buf_char(out, *sql++);
        else
            put_name(out, (struct str){ sql + 1, n });
        sql += n == 0 ? 0 : n + 2;
    }
}

void sql_put_text(struct buf *out, const char *sql)
{
    put(out, sql);
    buf_char(out, '\0');
    CHECK(!out->overflow);
}

const char *sql_text(const char *sql)
{
    struct buf text;
    char *kept;

    if (strchr(sql, '{') == NULL)
        return sql;
    buf_init(&text, SQL_TEXT_BYTES);
    sql_put_text(&text, sql);
    kept = strdup(buf_view(&text).p);
    CHECK(kept != NULL);
    buf_fini(&text);
    return kept;
}
