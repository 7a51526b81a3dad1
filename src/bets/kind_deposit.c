/* A deposit of play money, as a kind of command. */
#include "bets/transfer.h"
#include "model/event_kind.h"

static int publish(const struct money_command *c, struct bet_view *view)
{
    CHECK(c->kind->op == MONEY_DEPOSIT && view->id == 0);
    return EVENT_DEPOSITED;
}

static const struct money_kind kind = {
    .name = "deposit", .op = MONEY_DEPOSIT, .bytes = sizeof(struct money_command),
    .metric = METRIC_WALLET, .done = "done", .status = 201, .brings_money = true,
    .read = transfer_read, .enter = command_enter_lane, .judge = transfer_judge,
    .publish = publish, .write_done = transfer_write_done, .write_stored = transfer_write_stored,
};

void bets_post_deposit(struct bets *bets, struct http_request *request)
{
    command_start(bets, request, &kind);
}
