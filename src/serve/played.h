/*
 * Which roles this process plays.  How they meet decides what goes together:
 *
 *   --bus local, SQLite        all
 *   --bus local, PostgreSQL    all; feed alone (several, one leads); all but feed
 *   --bus kafka, PostgreSQL    any of them, any number of processes
 */
#ifndef SERVE_PLAYED_H
#define SERVE_PLAYED_H

#include "base/check.h"
#include "base/str.h"

/* The roles, as bits. */
#define PLAYED_FEED 1u
#define PLAYED_ODDS 2u
#define PLAYED_BETS 4u
#define PLAYED_SETTLE 8u
#define PLAYED_WEB 16u
#define PLAYED_ALL 31u
#define PLAYED_PUBLIC (PLAYED_BETS | PLAYED_WEB) /* serve customers */

struct played {
    bool feed, odds, bets, settle, web;
    unsigned roles; /* the same, as bits */
    bool bus;    /* roles meet on Kafka; else whatever is played here is local */
    bool book;   /* local: all but feed, which share one book */
    bool shared; /* the store may have other processes: not SQLite */
};

/* From --role, --store and --bus; names in any order.  False: *error says what
 * goes together. */
bool played_parse(struct played *played, struct str names, struct str store, struct str bus,
                  struct str *error) MUST_USE;
/* Customers are served: there is a public listener. */
bool played_is_public(const struct played *played);

#endif
