/*
 * Producers of the Unified Odds Feed, under the names that their owner gives
 * them: operators see these.  The setting `producers` has their addresses for
 * recovery.
 *
 * PRODUCER(id, "name")
 */
#ifndef PRODUCER
#error "define PRODUCER before including tbl/producers.h"
#endif
PRODUCER(1, "Live Odds")
PRODUCER(3, "Betradar Ctrl")
PRODUCER(4, "BetPal")
PRODUCER(5, "Premium Cricket")
PRODUCER(6, "Virtual football")
PRODUCER(7, "Numbers Betting")
PRODUCER(8, "Virtual Basketball League")
PRODUCER(9, "Virtual Tennis Open")
PRODUCER(10, "Virtual Dog Racing")
PRODUCER(11, "Virtual Horse Classics")
PRODUCER(12, "Virtual Tennis In-Play")
PRODUCER(14, "Competition Odds")
PRODUCER(15, "Virtual Baseball In-Play")
PRODUCER(16, "Performance betting")
PRODUCER(17, "Virtual Cricket In-Play")
