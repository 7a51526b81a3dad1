/* What deposits and withdrawals share: an amount, at most so much at once. */
#ifndef BETS_TRANSFER_H
#define BETS_TRANSFER_H

#include "bets/command.h"

bool transfer_read(struct money_command *c, const struct currency *currency, struct str *error);
/* By the setting deposit-max. */
void transfer_judge(struct money_command *c);
void transfer_write_done(const struct money_command *c, struct buf *out);
bool transfer_write_stored(struct money_command *c, const struct value *row, struct buf *out);

#endif
