/*
 * Which roles this process plays: all; or, on PostgreSQL, `feed` alone (any
 * number of them, of which one leads) or all but feed (one).
 */
#ifndef ROLES_H
#define ROLES_H

#include "base/check.h"
#include "base/str.h"

struct roles {
    bool feed; /* may write the feed log */
    bool book; /* odds, bets, settle, web */
    bool shared; /* the store may have other processes: not SQLite */
};

/* From --role and --store; names in any order.  False: *error says what goes
 * together. */
bool roles_parse(struct roles *roles, struct str names, struct str store,
                 struct str *error) MUST_USE;

#endif
