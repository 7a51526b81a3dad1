/*
 * Odds: owns the book.  Applies the feed log to it and publishes the changes:
 * prices for web and bets, results for settlement.
 */
#ifndef ODDS_ODDS_H
#define ODDS_ODDS_H

#include "bus/bus.h"

struct odds;

/* The facts of an entry that is applied, with the times at which their markets
 * had stopped before it; into arena.  *n = 0: it is none. */
struct fact *odds_facts(const struct book *book, const struct message *message, int64_t position,
                        struct arena *arena, uint32_t *n);

struct odds *odds_new(struct bus *bus);
void odds_free(struct odds *odds);

/* The bus's subscriber to the feed topic. */
void odds_on_feed(void *odds, const struct bus_feed *entry);

const struct book *odds_book(const struct odds *odds);
/* Sets the gauges of the book. */
void odds_metrics(const struct odds *odds);

#endif
