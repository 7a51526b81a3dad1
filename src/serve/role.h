/*
 * The parts of a process as rows: one for each part of every role.
 *
 *   start   forward:    make all, subscribe all, open all, start all
 *   stop    backward:   drain all, until all are idle; stop one after the other,
 *                       each when the one behind it has ended; free all
 *
 * A start that fails half-way stops and frees what was made, the same way.
 * The table is roles.c; this walks it, on Kafka as on the local bus.
 */
#ifndef SERVE_ROLE_H
#define SERVE_ROLE_H

#include "base/check.h"
#include "base/str.h"
#include "bus/bus.h"

#define ROLE_NEEDS 6

struct db_halves;
struct serve;
struct settings;

/* The bus on which a part is made. */
enum role_bus { ON_LOCAL = 1, ON_KAFKA = 2, ON_EITHER = 3 };

/*
 * Who hears a message of the bus first, if several do; each is one row's.
 *
 * Prices: the stream notes a change before anybody acts on it, so that a bet
 * that is refused for it finds it on its way to the customer; then the bets
 * that wait for it; who only counts is last.  Money: the stream as well, then
 * risk, which tells placement what a bet may cost.  The others are alone.
 */
enum role_order {
    HEARS_NOTHING,
    HEARS_FIRST_STREAM,
    HEARS_THEN_BETS,
    HEARS_THEN_RISK,
    HEARS_THEN_ODDS,
    HEARS_THEN_WEB,
    HEARS_THEN_SETTLE,
    HEARS_END
};

typedef void (*role_ended)(void *serve);

struct role {
    const char *name;
    size_t part;          /* where its pointer is in struct parts; NULL: not made */

    /* Made if the bus is one of these, one of these roles is played, and ... */
    enum role_bus bus;
    unsigned played;      /* PLAYED_... of serve/played.h */
    bool (*is_wanted)(const struct settings *settings); /* NULL: always */

    /* Parts, by bits: of each mask one was made before; `uses` are made before
     * if they are made at all. */
    uint64_t needs[ROLE_NEEDS], uses;

    bool divided;         /* made when the number of partitions is known */
    bool (*make)(struct serve *serve, struct str *error);
    enum role_order order;
    struct bus_subscriber (*subscriber)(struct serve *serve);
    /* What is there before the loop's first turn; `db` may block. */
    bool (*open)(struct serve *serve, const struct db_halves *db, struct str *error);
    void (*start)(struct serve *serve);

    const char *(*not_ready)(const struct serve *serve); /* NULL: it is; made or not */
    void (*metrics)(struct serve *serve);

    /* Takes nothing new.  True: that is all; else `ended` will be called. */
    bool (*drain)(struct serve *serve, role_ended ended);
    bool (*is_idle)(struct serve *serve);
    bool (*stop)(struct serve *serve, role_ended ended); /* as drain */
    void (*free)(struct serve *serve);
};

/* This process has that part: by its settings, made or not. */
bool role_is_played(const struct role *role, const struct settings *settings) MUST_USE;

/* False: *error says why, and what was made waits for roles_stop(). */
bool roles_make(struct serve *serve, struct str *error) MUST_USE;
bool roles_open(struct serve *serve, struct str *error) MUST_USE;
void roles_start(struct serve *serve);
/* The number of partitions is known; from the loop. */
bool roles_make_divided(struct serve *serve, struct str *error) MUST_USE;

/* NULL: ready; else the first reason why not. */
const char *roles_not_ready(const struct serve *serve);
void roles_metrics(struct serve *serve);

void roles_drain(struct serve *serve);
bool roles_are_idle(struct serve *serve) MUST_USE; /* drained, and nothing in hand */
/* Once idle, and then once: `ended` when all have. */
void roles_stop(struct serve *serve, role_ended ended);
void roles_free(struct serve *serve); /* stopped, and the loop has ended */

#endif
