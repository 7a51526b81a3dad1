/* Proposals of the desk: one operator proposes, another confirms or rejects. */
#include "model/book_inside.h"

bool book_desk_propose(const struct apply *apply)
{
    const struct message *message = apply->message;

    CHECK(message->n_markets == 1); /* a proposal is about a market */
    return book_propose(apply->book, &(struct desk_proposal){
        .id = apply->position, .at_ms = message->timestamp_ms, .what = message->desk->what,
        .operator = message->desk->operator, .reason = message->desk->reason,
        .market = { message->event, message->markets[0].market, message->markets[0].specifiers },
        .start_ms = message->start_ms, .end_ms = message->end_ms,
        .outcomes = message->outcomes, .n_outcomes = message->n_outcomes,
    }, 0);
}

bool book_desk_decide(const struct apply *apply)
{
    const struct message_desk *desk = apply->message->desk;
    const struct desk_proposal *proposal = book_own_proposal(apply->book, desk->proposal);

    if (proposal == NULL)
        return false;
    CHECK(proposal->id < apply->position && desk->act != DESK_PROPOSE);
    if (desk->act == DESK_CONFIRM &&
        (str_eq(proposal->operator, desk->operator) || proposal->what != desk->what ||
         !book_desk_set(apply)))
        return false;
    book_proposal_remove(proposal);
    return true;
}
