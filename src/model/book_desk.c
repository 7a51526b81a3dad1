/* What an entry of the desk does to the book: see desk.h. */
#include "model/book_inside.h"

/* What the log's entry was checked for before (desk_entry_fault()). */
static void entry_check(const struct message *message)
{
    const struct message_desk *desk = message->desk;

    CHECK(message->type == MESSAGE_DESK && desk != NULL);
    CHECK(desk->act >= DESK_SUSPEND && desk->act <= DESK_NOTE);
    CHECK(desk->level != DESK_MARKET || message->n_markets == 1);
}

static bool set_factor(struct book *book, const struct message_desk *desk)
{
    const struct desk_factor *factor = book_factor_set(book, desk->customer, desk->factor_e4, 0);

    if (factor == NULL)
        return false;
    book_desk_touched(book, NULL, factor);
    return true;
}

/* False: it had no effect. */
static bool apply_entry(const struct apply *apply)
{
    switch (apply->message->desk->act) {
    case DESK_SUSPEND:
    case DESK_RESUME:
    case DESK_MARGIN:
    case DESK_PRICE:
    case DESK_LIMITS:
        return book_desk_set(apply);
    case DESK_FACTOR:
        return set_factor(apply->book, apply->message->desk);
    case DESK_PROPOSE:
        return book_desk_propose(apply);
    case DESK_CONFIRM:
    case DESK_REJECT:
        return book_desk_decide(apply);
    case DESK_NOTE:
        return true;
    }
    return false;
}

void book_desk_apply(const struct apply *apply)
{
    entry_check(apply->message);
    book_desk_raise_ts(apply->book, apply->message->timestamp_ms);
    if (apply_entry(apply))
        return;
    apply->change->refused = true;
    book_desk_refuse(apply->book, apply->position);
}
