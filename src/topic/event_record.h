/*
 * Events of the outbox as records of the topics bets and transfers, and back:
 * what happened to a customer's money, as it stood after it.  JSON, one object
 * without nesting, so that a database takes it as a row; docs/EVENTS.md has
 * the fields.  Fields may be added; `v` changes when one changes its meaning.
 *
 *   bets        every event of a bet         BET_ACCEPTED … BET_PARTLY_CASHED_OUT
 *   transfers   every movement of money      a bet that is lost moves nothing
 *
 * An event's id is "<account>-<seq>", for ever: consumers recognise a repeated
 * event by it.  Pure.
 */
#ifndef TOPIC_EVENT_RECORD_H
#define TOPIC_EVENT_RECORD_H

#include "base/arena.h"
#include "model/bet_json.h"
#include "model/event_kind.h"
#include "model/experiment.h"
#include "model/ledger.h"

struct event_record {
    int event;
    int64_t account, seq, at_ms;
    int64_t xid;            /* of its transaction, as pg_current_snapshot() knows it */
    struct str currency;
    int64_t balance_minor, debt_minor, staked_minor; /* after it */
    int64_t amount_minor;   /* as bus_money's */
    bool has_bet;           /* bet.slip is the caller's */
    bool past_posted;
    const struct experiments *experiments; /* to be written with a bet; NULL: none */
    struct bet_view bet;    /* of a record of transfers: only id and sport */
};

/* What it moved; false: nothing. */
bool event_transfer(const struct event_record *record, enum transfer_kind *kind) MUST_USE;

void event_record_write_bet(const struct event_record *record, struct buf *out);
void event_record_write_transfer(const struct event_record *record, struct buf *out);

/*
 * Either kind.  Strings are in `arena`; the slip of a bet's record goes into
 * *slip, which record->bet.slip then points to.  False: it is none, or of a
 * version that is not known here.
 */
bool event_record_read(struct str text, struct arena *arena, struct slip *slip,
                       struct event_record *record) MUST_USE;
/* Only these two, which come first, without reading the rest. */
bool event_record_peek(struct str text, int64_t *xid, int *event) MUST_USE;

#endif
