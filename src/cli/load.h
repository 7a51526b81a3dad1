/*
 * The load generator's own state, shared by its parts:
 *
 *   load.c          options, phases in order, the report
 *   load_prepare.c  customers, deposits, selections; the state file
 *   load_feed.c     matches of its own, when the server has none
 *   load_run.c      the measured part: bets or deposits at their times
 *   load_check.c    the books afterwards
 *   load_reconnect.c  --reconnect instead: streams that are lost come to another address
 *   load_common.c   requests, members of answers, the sentence of a failure
 *   load_pool.c     connections; load_stats.c: latencies
 */
#ifndef CLI_LOAD_H
#define CLI_LOAD_H

#include <stdio.h>

#include "base/arena.h"
#include "cli/load_pool.h"
#include "cli/load_stats.h"

#define LOAD_ARENA_BYTES ((size_t)1024 * 1024 * 1024)
#define LOAD_SELECTIONS 2000
#define LOAD_EVENTS 200
#define LOAD_FIRST_MATCH 900000000 /* ids of the generator's own */
#define LOAD_CODES 32
#define LOAD_BET_SAMPLE 200
#define LOAD_UNKNOWN_BALANCE (-1)

struct load_options {
    const char *url, *operator_url, *operator_token;
    const char *state, *journal;
    const char *reconnect, *host, *back_off; /* --reconnect alone */
    const char *stake, *deposit;   /* as sent: "0.10" */
    int64_t stake_minor, deposit_minor;
    int64_t customers, connections, seconds, matches, streams;
    int64_t rate;                  /* a second; 0: as fast as answers come */
    bool deposits;                 /* --mode deposits */
    bool prepare_only, json, retry, check;
};

struct load_customer {
    const char *id, *token, *email;
    struct str head;         /* of its requests, up to the key */
    int64_t balance_minor;   /* when the run began, or unknown */
    uint32_t accepted, unknown; /* of the run */
    uint32_t attempt;        /* its requests so far: part of the key */
    uint32_t selection;      /* of the request in flight */
    int64_t intended_us;     /* when that one was due */
    int64_t retry_us;        /* when it is sent again */
    bool in_flight;
};

struct load_code { char code[32]; uint64_t n; };
struct load_bet { uint32_t customer; char id[64]; };

struct load {
    struct load_options options;
    uv_loop_t loop;
    struct arena arena;
    struct load_pool *pool;
    char salt[20];                 /* of this run's keys and emails */
    char error[512];               /* why it failed */
    bool failed;
    bool stopped;                  /* by a signal: no checks */

    struct load_customer *customers;
    uint32_t n_customers;
    const char *events[LOAD_EVENTS];
    uint32_t n_events;
    struct str selections[LOAD_SELECTIONS]; /* whole bodies */
    bool is_over[LOAD_SELECTIONS]; /* "market_closed" */
    uint32_t n_selections;
    struct load_feed *feed;

    /* the run's results */
    struct load_stats latency;
    uint64_t sent, accepted, pending, errors, unanswered, unsent, retried;
    struct load_code codes[LOAD_CODES];
    unsigned n_codes;
    int64_t elapsed_us, cpu_us;
    uint64_t *bet_ids;             /* hashes of all, to see a copy */
    size_t n_bet_ids, room_bet_ids;
    struct load_bet sample[LOAD_BET_SAMPLE];
    unsigned n_sample;
    FILE *journal;
    /* the check's */
    uint64_t checked_wallets, checked_bets, differences;
};

/* Ends the program's work with this sentence; the first one stays. */
void load_fail(struct load *load, const char *format, ...) PRINTF_LIKE(2, 3);

/* Request bytes; token, key and body may be NULL or STR_NONE. */
void load_request(const struct load *load, struct buf *out, const char *method,
                  const char *path, const char *token, const char *key, struct str body);
/* "name":"value" anywhere in a JSON text, unescaped ids and amounts only. */
struct str load_member(struct str json, const char *name);
/* "10.00" in minor units of EUR; false: it is not an amount. */
bool load_amount(struct str text, int64_t *minor) MUST_USE;

/*
 * A sweep: one request for each item, as many at once as there are
 * connections, sent again while the server is busy or away.
 */
enum load_taken { LOAD_DONE, LOAD_AGAIN };
struct load_sweep {
    const char *what; /* "register customers" */
    void (*write)(struct load *load, uint32_t item, struct buf *request);
    /* status is never 0, 429 or 503 here; it may call load_fail() */
    enum load_taken (*take)(struct load *load, uint32_t item, int status, struct str body);
};
/* items: those to do, or NULL for 0 .. n-1. */
void load_sweep_run(struct load *load, const struct load_sweep *sweep,
                    const uint32_t *items, uint32_t n);

void load_prepare(struct load *load);
void load_find_selections(struct load *load);
void load_run(struct load *load);
void load_check(struct load *load);

/* Instead of all phases; the exit code.  Prints its own report. */
int load_reconnect(const struct load_options *options);

/* The event is one of its own: this run's or an earlier one's. */
bool load_feed_owns(const char *event);
/* Pushes matches and keeps their producer alive until closed. */
struct load_feed *load_feed_open(struct load *load) MUST_USE;
void load_feed_wait(struct load *load, struct load_feed *feed); /* all are in */
void load_feed_close(struct load_feed *feed);
void load_feed_free(struct load_feed *feed);

#endif
