/* A withdrawal, as a kind of command: from any country, excluded or not. */
#include "bets/transfer.h"
#include "model/event_kind.h"

static int publish(const struct money_command *c, struct bet_view *view)
{
    CHECK(c->kind->op == MONEY_WITHDRAWAL && view->id == 0);
    return EVENT_WITHDRAWN;
}

static const struct money_kind kind = {
    .name = "withdrawal", .op = MONEY_WITHDRAWAL, .bytes = sizeof(struct money_command),
    .metric = METRIC_WALLET, .done = "done", .status = 201,
    .read = transfer_read, .enter = command_enter_lane, .judge = transfer_judge,
    .publish = publish, .write_done = transfer_write_done, .write_stored = transfer_write_stored,
};

void bets_post_withdrawal(struct bets *bets, struct http_request *request)
{
    command_start(bets, request, &kind);
}
