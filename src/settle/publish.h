/* What settlement wrote, published on the bus. */
#ifndef SETTLE_PUBLISH_H
#define SETTLE_PUBLISH_H

#include "bus/bus.h"
#include "settle/pay.h"

struct settle_publisher {
    struct bus *bus;     /* NULL: nobody */
    int64_t margin_e4;   /* of cash-outs */
    int64_t at_ms;
    struct pay_scratch *scratch;
};

/* After the item's commit.  `row` is the bet as it was read for it; costs
 * nothing when nobody listens. */
void settle_publish(const struct settle_publisher *publisher, const struct bet_row *row,
                    const struct settle_item *item);

#endif
