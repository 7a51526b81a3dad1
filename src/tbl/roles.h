/*
 * Roles of the people and machines that use the operator listener.
 *
 * ROLE(NAME, "name", other roles that it includes, "what it may do")
 */
#ifndef ROLE
#error "define ROLE before including tbl/roles.h"
#endif
ROLE(FEED, "feed", 0, "Pushes feed messages.")
ROLE(READER, "reader", 0, "Reads everything at the desk, changes nothing.")
ROLE(TRADER, "trader", ROLE_READER, "Suspends, sets prices, proposes results and voids, decides on held bets.")
ROLE(SENIOR, "senior", ROLE_READER | ROLE_TRADER, "Sets limits and factors, confirms another operator's proposals.")
ROLE(FINANCE, "finance", 0, "Reads the reports.")
