/* Parts of the desk's answers that several of them have. */
#ifndef DESK_WRITE_H
#define DESK_WRITE_H

#include "base/json.h"
#include "model/desk_entry.h"
#include "model/house.h"

/* A value x 10,000 as "0.06"; below 0: null. */
void desk_put_decimal(struct jw *w, int64_t value_e4);
/* "stake_max": "10.00", in the house's currency; below 0: null. */
void desk_put_amount(struct jw *w, const char *name, int64_t minor, const struct house *house);
/* A result's "outcomes", or a void's "from" and "to". */
void desk_put_decision(struct jw *w, enum desk_what what, int64_t start_ms, int64_t end_ms,
                       const struct message_outcome *outcomes, uint32_t n);

#endif
