/*
 * The bus: the messages between roles.  This list of messages is the
 * architecture.  A role publishes and subscribes, and does not know which of two
 * back ends the bus has:
 *
 *   local    a publish is a call of every subscriber
 *   Kafka    topic/bus_kafka.h: what other processes wrote to the topics is
 *            delivered to the subscribers here
 *
 * Subscribers are called in order of subscription, on the loop's thread; what a
 * message points to is valid during the call.
 */
#ifndef BUS_BUS_H
#define BUS_BUS_H

#include "model/bet_json.h"
#include "model/book.h"
#include "model/event_kind.h"
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
 * balance keeps that of the highest seq.  On Kafka this comes by the topics,
 * whichever process committed it.
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

/* An account as a transaction left it. */
struct bus_account {
    int64_t account, seq, at_ms;
    struct str currency;
    int64_t balance_minor, debt_minor, staked_minor;
};

/*
 * The one maker of bus_money, of what was committed here and of what comes by
 * the topics.  `bet` stays the caller's: NULL exactly for what the wallet alone
 * moved.  False: no transaction leaves an account so: the record, or the
 * account's row, was not written by this program.
 */
bool bus_money_make(int event, const struct bus_account *after, int64_t amount_minor,
                    const struct bet_view *bet, struct bus_money *money) MUST_USE;

struct bus_subscriber {
    void (*on_feed)(void *ctx, const struct bus_feed *message);
    void (*on_prices)(void *ctx, const struct bus_prices *message);
    void (*on_results)(void *ctx, const struct bus_results *message);
    /* The slots (model/slot.h, a bit each) whose results come to this process
     * from now on; on the local bus all do, and nobody says so. */
    void (*on_slots)(void *ctx, uint64_t slots);
    void (*on_money)(void *ctx, const struct bus_money *message);
    void *ctx; /* callbacks that are NULL are not called */
};

struct bus *bus_local_new(void);
void bus_free(struct bus *bus);
void bus_subscribe(struct bus *bus, const struct bus_subscriber *subscriber);
void bus_publish_feed(struct bus *bus, const struct bus_feed *message);
void bus_publish_prices(struct bus *bus, const struct bus_prices *message);
void bus_publish_results(struct bus *bus, const struct bus_results *message);
/* False: nobody subscribes to it here, or it comes back by the topics; a message
 * need not be made. */
bool bus_wants_money(const struct bus *bus) MUST_USE;
void bus_publish_money(struct bus *bus, const struct bus_money *message);

/* Facts that on_results gave are stored: they need not be delivered again. */
void bus_results_stored(struct bus *bus, const struct fact *facts, uint32_t n);
/* Suspends what its owner has been silent about by now: before bets are judged. */
void bus_check_silence(struct bus *bus);
/* What the book says is complete: it has been read to the topic's end. */
bool bus_has_book(const struct bus *bus) MUST_USE;
/* Sets the gauges. */
void bus_metrics(struct bus *bus);

/* The end.  False: on_done does not come, there is nothing to wait for.
 * leave: other processes take over what was read here.
 * close: writers are stopped; what they sent has had its time. */
bool bus_leave(struct bus *bus, void (*on_done)(void *ctx), void *ctx) MUST_USE;
bool bus_close(struct bus *bus, void (*on_done)(void *ctx), void *ctx) MUST_USE;

/* ---- for back ends ---------------------------------------------------------- */

struct bus_backend {
    bool money_returns; /* what is committed here comes by the topics */
    void (*results_stored)(void *ctx, const struct fact *facts, uint32_t n);
    void (*check_silence)(void *ctx);
    bool (*has_book)(const void *ctx);
    void (*metrics)(void *ctx);
    bool (*leave)(void *ctx, void (*on_done)(void *ctx), void *done_ctx);
    bool (*close)(void *ctx, void (*on_done)(void *ctx), void *done_ctx);
    void (*free)(void *ctx);
};
struct bus *bus_new(const struct bus_backend *backend, void *ctx) MUST_USE;
/* Its context; NULL: the bus has another back end. */
void *bus_backend_of(const struct bus *bus, const struct bus_backend *backend);
/* To the subscribers, whoever committed it. */
void bus_deliver_money(struct bus *bus, const struct bus_money *message);
void bus_deliver_slots(struct bus *bus, uint64_t slots);

#endif
