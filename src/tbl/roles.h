/*
 * Roles of the people and machines on the operator listener.
 *
 * ROLE(NAME, "name", roles it has besides its own, "what it may do")
 */
#ifndef ROLE
#error "define ROLE before including tbl/roles.h"
#endif
ROLE(FEED, "feed", 0, "Pushes feed messages.")
ROLE(READER, "reader", 0, "Sees all of the desk, changes nothing.")
ROLE(TRADER, "trader", ROLE_READER, "Suspends, prices, proposes results and voids, decides on holds.")
ROLE(SENIOR, "senior", ROLE_READER | ROLE_TRADER, "Sets limits and factors, confirms what another operator proposed.")
ROLE(FINANCE, "finance", 0, "Reads the reports.")
