/*
 * Which roles this process plays.  How they meet decides what goes together:
 *
 *   --bus local, SQLite        all
 *   --bus local, PostgreSQL    all; feed alone (several, one leads); all but feed
 *   --bus kafka, PostgreSQL    any of them, any number of processes
 */
#ifndef ROLES_H
#define ROLES_H

#include "base/check.h"
#include "base/str.h"

struct roles {
    bool feed, odds, bets, settle, web;
    bool bus;    /* roles meet on Kafka; else whatever is played here is local */
    bool book;   /* local: all but feed, which share one book */
    bool shared; /* the store may have other processes: not SQLite */
};

/* From --role, --store and --bus; names in any order.  False: *error says what
 * goes together. */
bool roles_parse(struct roles *roles, struct str names, struct str store, struct str bus,
                 struct str *error) MUST_USE;
/* Customers are served: there is a public listener. */
bool roles_are_public(const struct roles *roles);

#endif
