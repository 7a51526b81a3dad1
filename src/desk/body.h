/*
 * Bodies of the desk's requests into entries of the log.  Strict: what is
 * wrong names its field.
 */
#ifndef DESK_BODY_H
#define DESK_BODY_H

#include "base/json.h"
#include "model/desk_entry.h"
#include "model/book.h"
#include "model/house.h"

/* An entry in the making. */
struct order {
    struct message message; /* .desk, .markets point into this */
    struct message_desk desk;
    struct message_market market;
};

/* What every reader gets. */
struct body {
    struct str text;
    struct arena *arena;       /* the request's */
    const struct book *book;
    const struct house *house;
    struct str error;          /* out: a sentence that names the field */
};

void order_init(struct order *order, enum desk_act act, struct str operator);
/* Where the order's market would be, in the book or not. */
struct market_id order_market_id(const struct order *order);

/* False: body->error says why. */
bool body_read_scope(struct body *body, struct order *order) MUST_USE; /* suspend, resume */
bool body_read_margin(struct body *body, struct order *order) MUST_USE;
bool body_read_price(struct body *body, struct order *order) MUST_USE;
bool body_read_limits(struct body *body, struct order *order) MUST_USE;
bool body_read_factor(struct body *body, struct order *order) MUST_USE;
bool body_read_result(struct body *body, struct order *order) MUST_USE;
bool body_read_void(struct body *body, struct order *order) MUST_USE;
bool body_read_withdrawal(struct body *body, struct order *order) MUST_USE;
bool body_read_reason(struct body *body, struct order *order) MUST_USE; /* confirm, reject */

#endif
