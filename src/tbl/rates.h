/*
 * Classes of requests that share a rate limit.  A row of tbl/routes.h names
 * one.  deploy/edge/edge.yaml sets how many requests an address and a network
 * may send through the edge; the setting named here limits each process of the
 * server.
 *
 * RATE(NAME, "name", at the edge?, "the server's setting", "its requests")
 */
#ifndef RATE
#error "define RATE before including tbl/rates.h"
#endif
RATE(LOGIN, "login", 1, "login-rate", "Registrations and log-ins: each costs a password hash, and may be a guess.")
RATE(MONEY, "money", 1, "bet-rate", "Requests that move money or bind the customer: bets, cash-outs, deposits, limits, exclusions.")
RATE(READ, "read", 1, "", "Requests that only read: prices, pages, own bets and wallet.")
RATE(STREAM, "stream", 1, "", "Opening a stream; messages on a stream do not count.")
RATE(OPERATOR, "operator", 0, "", "Requests to the operator listener, which no edge serves.")
