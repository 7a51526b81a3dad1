/*
 * What the simulator says, read by the feed's parser, taken by the book, and
 * followed by a second bookkeeping that knows football but not the
 * simulator: which markets are open, what was settled, what the score is.
 */
#ifndef TESTS_SIM_TAPE_H
#define TESTS_SIM_TAPE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/map.h"
#include "feed/compose.h"
#include "feed/sim.h"
#include "feed/uof.h"
#include "model/book.h"

#define WALL 1750000000000
#define TAPE_EVENTS 600
#define TAPE_MARKETS 60
#define TAPE_GOALS 30

struct seen_market {
    uint32_t market;
    char specifiers[40];
    bool opened, active;
    unsigned settled[3];       /* by certainty, since the last rollback */
    unsigned cancelled, rolled_back;
};

struct seen_event {
    char id[40], home[96], away[96];
    struct seen_market markets[TAPE_MARKETS];
    unsigned n;
    bool stopped;              /* since a market was last open */
    int score[2];              /* now */
    int regular[2];            /* of 90 minutes */
    char goals[TAPE_GOALS];    /* H or A, of 90 minutes, those that stand */
    unsigned n_goals, disallowed;
    int match_status, event_status;
    unsigned handed_over;
};

static struct tape {
    struct buf all;              /* every message, if kept */
    bool keep, loose;            /* loose: faults may bring anything */
    struct uof_parser *parser;
    struct book *book;
    struct arena arena;
    int64_t position;
    struct seen_event events[TAPE_EVENTS];
    unsigned n_events;
    unsigned n, of_type[20], by_producer[4], stale;
    unsigned with_request, snapshots;
    int64_t last_ms;             /* timestamp of what came last */
    unsigned fail_after;         /* 0 = never */
} tape;

static struct seen_event *event_of(struct str id)
{
    struct seen_event *event;

    for (unsigned i = 0; i < tape.n_events; i++)
        if (str_eq(str_of(tape.events[i].id), id))
            return &tape.events[i];
    assert_true(tape.n_events < TAPE_EVENTS && id.n < 40);
    event = &tape.events[tape.n_events++];
    memset(event, 0, sizeof(*event));
    memcpy(event->id, id.p, id.n);
    return event;
}

static struct seen_market *market_of(struct seen_event *event, const struct message_market *as)
{
    struct seen_market *market;

    for (unsigned i = 0; i < event->n; i++)
        if (event->markets[i].market == as->market &&
            str_eq(str_of(event->markets[i].specifiers), as->specifiers))
            return &event->markets[i];
    assert_true(event->n < TAPE_MARKETS && as->specifiers.n < 40);
    market = &event->markets[event->n++];
    memset(market, 0, sizeof(*market));
    market->market = as->market;
    if (as->specifiers.n > 0)
        memcpy(market->specifiers, as->specifiers.p, as->specifiers.n);
    return market;
}

static int number_of(struct str text)
{
    int n = 0;

    for (size_t i = 0; i < text.n; i++)
        n = n * 10 + text.p[i] - '0';
    return n;
}

/* ---- what the score may do ------------------------------------------------- */

static void see_goal(struct seen_event *event, int side, int by, bool regular)
{
    assert_true(by == 1 || by == -1);
    assert_true(event->stopped || !regular); /* the stop comes before the score */
    event->score[side] += by;
    if (!regular)
        return;
    event->regular[side] += by;
    if (by > 0) {
        assert_true(event->n_goals < TAPE_GOALS);
        event->goals[event->n_goals++] = side == 0 ? 'H' : 'A';
    } else {
        assert_int_equal(event->goals[--event->n_goals], side == 0 ? 'H' : 'A');
        event->disallowed++;
    }
}

static void see_status(struct seen_event *event, const struct message *message)
{
    int now[2] = { number_of(message->home_score), number_of(message->away_score) };
    int status = message->match_status;
    bool regular = status == MATCH_FIRST_HALF || status == MATCH_SECOND_HALF;

    for (int side = 0; side < 2; side++)
        if (now[side] != event->score[side] && !tape.loose)
            see_goal(event, side, now[side] - event->score[side], regular);
    event->match_status = status;
    event->event_status = message->event_status;
}

/* ---- what is open ------------------------------------------------------------ */

static void see_odds(const struct message *message)
{
    struct seen_event *event = event_of(message->event);

    if (message->has_status)
        see_status(event, message);
    for (uint32_t i = 0; i < message->n_markets; i++) {
        struct seen_market *market = market_of(event, &message->markets[i]);

        if (message->markets[i].status == MARKET_HANDED_OVER) {
            event->handed_over++;
            continue;
        }
        if (!tape.loose)
            assert_true(market->settled[1] + market->settled[2] == 0);
        market->opened = true;
        market->active = message->markets[i].status == MARKET_ACTIVE;
        event->stopped &= !market->active;
    }
    for (uint32_t i = 0; i < message->n_outcomes; i++)
        assert_true(message->outcomes[i].odds_e4 == 0 ? !message->outcomes[i].active
                    : message->outcomes[i].odds_e4 >= 10100 &&
                      message->outcomes[i].odds_e4 <= 5000000);
}

/* ---- results, by a second reckoning ------------------------------------------- */

static double line_of(const char *specifiers)
{
    const char *at = strchr(specifiers, '=') + 1;
    double sign = *at == '-' ? -1 : 1, number = 0, unit = 1;
    bool fraction = false;

    for (at += *at == '-'; *at != '\0'; at++)
        if (*at == '.')
            fraction = true;
        else
            number = fraction ? number + (unit /= 10) * (*at - '0')
                              : number * 10 + (*at - '0');
    return sign * number;
}

/* What a unit on a line returns per side of evens: 1 won, .5, 0 refund … -1. */
static double line_result(double ahead)
{
    return ahead > 0.3 ? 1 : ahead > 0.2 ? 0.5 : ahead > -0.2 ? 0 : ahead > -0.3 ? -0.5 : -1;
}

static double yes(bool won)
{
    return won ? 1 : -1;
}

static double expected(const struct seen_event *event, const struct seen_market *market,
                       const char *outcome)
{
    int h = event->regular[0], a = event->regular[1];
    int id = (int)strtol(outcome, NULL, 10);
    unsigned number;

    switch (market->market) {
    case 1:
        return yes(id == (h > a ? 1 : h == a ? 2 : 3));
    case 10:
        return yes(id == 9 ? h >= a : id == 10 ? h != a : a >= h);
    case 11:
        return h == a ? 0 : yes((id == 4) == (h > a));
    case 16:
        return line_result((h - a + line_of(market->specifiers)) * (id == 1714 ? 1 : -1));
    case 18:
        return line_result((h + a - line_of(market->specifiers)) * (id == 12 ? 1 : -1));
    case 29:
        return yes((id == 74) == (h > 0 && a > 0));
    case 45:
        return yes(id == 324 ? h > 4 || a > 4
                             : h <= 4 && a <= 4 && id == 274 + 2 * (h + 5 * a));
    case 8:
        number = (unsigned)line_of(market->specifiers);
        if (number > event->n_goals)
            return yes(id == 7);
        return yes(id == (event->goals[number - 1] == 'H' ? 6 : 8));
    default:
        fail_msg("market %u", market->market);
        return 0;
    }
}

static double told(const struct message_outcome *outcome)
{
    double share = 1 - (double)outcome->void_e12 / 1e12;

    return outcome->result == 1 ? share : -share;
}

static void see_settlement(const struct message *message)
{
    struct seen_event *event = event_of(message->event);

    for (uint32_t i = 0; i < message->n_markets; i++) {
        const struct message_market *listed = &message->markets[i];
        struct seen_market *market = market_of(event, listed);

        assert_true(listed->n >= 2);
        if (!tape.loose)
            assert_true(market->opened);
        market->settled[message->certainty]++;
        for (uint32_t k = 0; k < listed->n && !tape.loose; k++) {
            const struct message_outcome *outcome = &message->outcomes[listed->first + k];
            char id[40] = "";

            memcpy(id, outcome->id.p, outcome->id.n);
            if (fabs(told(outcome) - expected(event, market, id)) > 1e-9)
                fail_msg("%s: market %u %s outcome %s at %d:%d", event->id, market->market,
                         market->specifiers, id, event->regular[0], event->regular[1]);
        }
    }
}

static void see_rollback(const struct message *message)
{
    struct seen_event *event = event_of(message->event);

    for (uint32_t i = 0; i < message->n_markets; i++) {
        struct seen_market *market = market_of(event, &message->markets[i]);

        if (!tape.loose)
            assert_true(market->settled[1] == 1 && market->settled[2] == 0);
        market->settled[1] = market->settled[2] = 0;
        market->rolled_back++;
    }
}

static void see_cancel(const struct message *message)
{
    struct seen_event *event = event_of(message->event);

    assert_true(message->start_ms > 0 && message->start_ms < message->end_ms);
    assert_true(message->end_ms < message->timestamp_ms + 1);
    for (uint32_t i = 0; i < message->n_markets; i++)
        market_of(event, &message->markets[i])->cancelled++;
}

static void see(const struct message *message)
{
    struct seen_event *event;

    switch (message->type) {
    case MESSAGE_ODDS_CHANGE:
        see_odds(message);
        break;
    case MESSAGE_BET_STOP:
        event = event_of(message->event);
        event->stopped = true;
        for (unsigned i = 0; i < event->n; i++)
            event->markets[i].active = false;
        break;
    case MESSAGE_BET_SETTLEMENT:
        see_settlement(message);
        break;
    case MESSAGE_ROLLBACK_SETTLEMENT:
        see_rollback(message);
        break;
    case MESSAGE_BET_CANCEL:
        see_cancel(message);
        break;
    case MESSAGE_FIXTURE:
        event = event_of(message->event);
        memcpy(event->home, message->fixture->home.name.p, message->fixture->home.name.n);
        memcpy(event->away, message->fixture->away.name.p, message->fixture->away.name.n);
        break;
    default:
        break;
    }
}

static bool on_message(void *ctx, struct str text)
{
    struct message message;
    struct uof_error error;
    struct book_change change;

    (void)ctx;
    if (tape.keep)
        buf_str(&tape.all, text);
    arena_reset(&tape.arena);
    if (!uof_parse(tape.parser, text, false, &tape.arena, &message, &error))
        fail_msg("%llu:%llu: %s\n%.*s", (unsigned long long)error.line,
                 (unsigned long long)error.column, error.text, STR_ARG(text));
    assert_int_equal(message.unknown, 0);
    tape.of_type[message.type]++;
    tape.by_producer[message.producer]++;
    tape.with_request += message.request_id > 0;
    if (message.timestamp_ms > 0)
        tape.last_ms = message.timestamp_ms;
    see(&message);
    assert_int_equal(book_apply(tape.book, &message, ++tape.position, &change), BOOK_OK);
    tape.stale += change.stale;
    return ++tape.n != tape.fail_after;
}

static int set_up(void **state)
{
    (void)state;
    memset(&tape, 0, sizeof(tape));
    buf_init(&tape.all, 512 * 1024 * 1024);
    arena_init(&tape.arena, 16 * 1024 * 1024);
    tape.parser = uof_parser_new();
    tape.book = book_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    book_check(tape.book);
    book_free(tape.book);
    uof_parser_free(tape.parser);
    arena_fini(&tape.arena);
    buf_fini(&tape.all);
    return 0;
}

/* Until it is over, or to that time of its own; ten times as fast as the
 * wall. */
static void play(struct sim *sim, int64_t until_ms)
{
    int64_t at_ms, last_ms = 0;

    while (sim_next(sim, &at_ms) && at_ms < until_ms) {
        assert_true(at_ms >= last_ms);
        last_ms = at_ms;
        assert_true(sim_step(sim, WALL + at_ms / 10));
    }
}

/* Everything that was opened is settled, once at each certainty. */
static void all_is_settled(void)
{
    for (unsigned i = 0; i < tape.n_events; i++)
        for (unsigned k = 0; k < tape.events[i].n; k++) {
            const struct seen_market *market = &tape.events[i].markets[k];

            if (market->settled[1] != 1 || market->settled[2] != 1)
                fail_msg("%s: market %u %s settled %u, %u times", tape.events[i].id,
                         market->market, market->specifiers, market->settled[1],
                         market->settled[2]);
            assert_false(market->active);
        }
}

#endif
