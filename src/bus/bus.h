/*
 * The bus: how roles meet.  Reading this list of messages is reading the
 * architecture.  In one process (local.c) a publish is a call of every
 * subscriber, in order of subscription, on the loop's thread; what a message
 * points to is valid during the call.
 */
#ifndef BUS_BUS_H
#define BUS_BUS_H

#include "model/bet_json.h"
#include "model/book.h"
#include "model/facts.h"

struct bus;

/* feed -> odds: one entry of the durable log, in log order. */
struct bus_feed {
    int64_t position, at_ms;
    const struct message *message;
};

/* odds -> web: what changed in the book. */
struct bus_prices {
    int64_t position;
    const struct book_change *change;
};

/* odds -> settle: facts of one log entry, with the market's stop. */
struct bus_results {
    int64_t position;
    const struct fact *facts; /* one per market */
    uint32_t n;
};

/*
 * bets, settle -> web, desk: what was committed about one account's money,
 * after the commit, in the order of the account's seq.  Of two transactions
 * on two connections the later one's answer may be read first: who shows a
 * balance keeps that of the highest seq.  What another process commits is
 * not told here.
 */
struct bus_money {
    int event;                  /* tbl/events.h; 0: only the legs' results are
                                   news, seq is that of the last event */
    int64_t account, seq, at_ms;
    struct str currency;
    int64_t balance_minor, debt_minor, staked_minor; /* after it */
    int64_t amount_minor;       /* stake, deposit, withdrawal, paid for a cash-out;
                                   by settlement: what was paid, < 0 taken back */
    const struct bet_view *bet; /* as it stands now; NULL: not about a bet */
};

struct bus_subscriber {
    void (*on_feed)(void *ctx, const struct bus_feed *message);
    void (*on_prices)(void *ctx, const struct bus_prices *message);
    void (*on_results)(void *ctx, const struct bus_results *message);
    void (*on_money)(void *ctx, const struct bus_money *message);
    void *ctx; /* callbacks that are NULL are not called */
};

struct bus *bus_local_new(void);
void bus_free(struct bus *bus);
void bus_subscribe(struct bus *bus, const struct bus_subscriber *subscriber);
void bus_publish_feed(struct bus *bus, const struct bus_feed *message);
void bus_publish_prices(struct bus *bus, const struct bus_prices *message);
void bus_publish_results(struct bus *bus, const struct bus_results *message);
/* False: nobody listens, and a message need not be made. */
bool bus_wants_money(const struct bus *bus) MUST_USE;
void bus_publish_money(struct bus *bus, const struct bus_money *message);

#endif
