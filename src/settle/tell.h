/* Tell: what settlement wrote, on the bus. */
#ifndef SETTLE_TELL_H
#define SETTLE_TELL_H

#include "bus/bus.h"
#include "settle/pay.h"

struct tell {
    struct bus *bus;     /* NULL: nobody */
    int64_t margin_e4;   /* of cash-outs */
    int64_t at_ms;
    struct pay_scratch *scratch;
};

/* After the item's commit.  `row` is the bet as it was read for it; costs
 * nothing when nobody listens. */
void tell_settled(const struct tell *tell, const struct bet_row *row,
                  const struct settle_item *item);

#endif
