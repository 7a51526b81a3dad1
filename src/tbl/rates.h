/*
 * Classes of requests that are limited together.  A row of tbl/routes.h names
 * one.  How many an address and a network may send is the operator's word for
 * the edge (deploy/edge/edge.yaml); what the server limits by itself in each
 * process is the setting named here.
 *
 * RATE(NAME, "name", at the edge?, "the server's setting", "what is in it")
 */
#ifndef RATE
#error "define RATE before including tbl/rates.h"
#endif
RATE(LOGIN, "login", 1, "login-rate", "Registrations and log-ins: each costs a hash, and may be somebody's guess.")
RATE(MONEY, "money", 1, "bet-rate", "What moves money or binds its owner: bets, cash-outs, deposits, limits, exclusions.")
RATE(READ, "read", 1, "", "What is read: prices, pages, own bets and wallet.")
RATE(STREAM, "stream", 1, "", "Streams that are opened, not what comes over them.")
RATE(OPERATOR, "operator", 0, "", "The operator listener, which no edge reaches.")
