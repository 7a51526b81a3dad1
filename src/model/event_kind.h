/*
 * What may happen to a customer's money: the kinds of events in the outbox and
 * on the topics bets and transfers (tbl/events.h, docs/EVENTS.md).  Pure.
 */
#ifndef MODEL_EVENT_KIND_H
#define MODEL_EVENT_KIND_H

#include "base/str.h"
#include "model/bet.h"

enum event_kind {
#define EVENT(number, name, text, ref) EVENT_##name = number,
#include "tbl/events.h"
#undef EVENT
};
const char *event_name(int event); /* NULL: there is none of that number */
int event_find(struct str name);   /* 0: there is none of that name */

/* The bet's state after it. */
enum bet_state event_state(int event);
/* It ended the bet, or opened it again: what the bet was charged in limits comes
 * back, or counts once more. */
bool event_turns(int event);

#endif
