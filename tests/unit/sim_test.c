/*
 * Sim: every message is read by the feed's parser and taken by the book; the
 * results are what the scores were; the same seed plays the same matches.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/map.h"
#include "feed/compose.h"
#include "feed/goals.h"
#include "feed/sim.h"
#include "feed/uof.h"
#include "model/book.h"

#define WALL 1750000000000

static struct tape {
    struct buf all;              /* every message */
    struct uof_parser *parser;
    struct book *book;
    struct arena arena;
    int64_t position;
    unsigned n, stops, fixtures, early, final, live, handed_over;
    unsigned fail_after;         /* 0 = never */
} tape;

static void count(const struct message *message)
{
    switch (message->type) {
    case MESSAGE_FIXTURE:
        tape.fixtures++;
        break;
    case MESSAGE_BET_STOP:
        tape.stops++;
        break;
    case MESSAGE_BET_SETTLEMENT:
        tape.early += message->certainty == 1;
        tape.final += message->certainty == 2;
        break;
    case MESSAGE_ODDS_CHANGE:
        tape.live += message->producer == PRODUCER_LIVE;
        tape.handed_over += message->n_markets > 0 &&
                            message->markets[0].status == MARKET_HANDED_OVER;
        for (uint32_t i = 0; i < message->n_outcomes; i++)
            assert_in_range(message->outcomes[i].odds_e4, 10100, 5000000);
        break;
    default:
        break;
    }
}

static int goals_of(struct str score)
{
    return score.n == 1 ? score.p[0] - '0' : 10 + score.p[score.n - 1] - '0';
}

/* The final results against the score that the book holds. */
static void check_results(const struct message *message)
{
    struct event *event = book_event(tape.book, message->event);
    int home = goals_of(event->home_score), away = goals_of(event->away_score);
    int won = home > away ? 0 : home == away ? 1 : 2;

    assert_int_equal(event->status, EVENT_ENDED);
    assert_int_equal(message->n_markets, 1 + GOALS_LINES);
    for (int i = 0; i < 3; i++)
        assert_int_equal(message->outcomes[i].result, i == won);
    for (uint32_t i = 0; i < GOALS_LINES; i++)
        assert_int_equal(message->outcomes[message->markets[1 + i].first].result,
                         home + away > (int)i);
}

static void take(const struct message *message)
{
    struct book_change change;

    if (message->type == MESSAGE_BET_SETTLEMENT && message->certainty == 2)
        check_results(message);
    assert_int_equal(book_apply(tape.book, message, ++tape.position, &change), BOOK_OK);
    assert_int_equal(change.stale, 0);
}

static bool on_message(void *ctx, struct str text)
{
    struct message message;
    struct uof_error error;

    (void)ctx;
    buf_str(&tape.all, text);
    arena_reset(&tape.arena);
    if (!uof_parse(tape.parser, text, false, &tape.arena, &message, &error))
        fail_msg("%llu:%llu: %s\n%.*s", (unsigned long long)error.line,
                 (unsigned long long)error.column, error.text, STR_ARG(text));
    assert_int_equal(message.unknown, 0);
    count(&message);
    take(&message);
    return ++tape.n != tape.fail_after;
}

static int set_up(void **state)
{
    (void)state;
    memset(&tape, 0, sizeof(tape));
    buf_init(&tape.all, 256 * 1024 * 1024);
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

static struct sim *open_sim(unsigned matches, uint64_t seed, bool once)
{
    return sim_new(&(struct sim_options){
        .matches = matches, .seed = seed, .base_id = 7000, .speed = 10, .once = once,
        .emit = on_message,
    });
}

/* Until it is over, or to that time of its own. */
static void play(struct sim *sim, int64_t until_ms)
{
    int64_t at_ms, last_ms = 0;

    while (sim_next(sim, &at_ms) && at_ms < until_ms) {
        assert_true(at_ms >= last_ms);
        last_ms = at_ms;
        assert_true(sim_step(sim, WALL + at_ms / 10));
    }
}

static void matches_are_played_to_their_end(void **state)
{
    struct sim *sim = open_sim(8, 42, true);
    int64_t at_ms;

    (void)state;
    play(sim, INT64_MAX);
    assert_false(sim_next(sim, &at_ms));
    assert_int_equal(tape.fixtures, 8);
    assert_int_equal(tape.handed_over, 8);
    assert_int_equal(tape.final, 8);
    assert_true(tape.stops > 8); /* goals, and full time */
    assert_true(tape.early > 0);
    assert_true(tape.live > 8 * 500);
    sim_free(sim);
}

static void the_same_seed_plays_the_same(void **state)
{
    struct sim *sim = open_sim(3, 7, false);
    size_t n;
    uint64_t hash;

    (void)state;
    play(sim, 3 * 3600 * 1000);
    sim_free(sim);
    n = tape.all.n;
    hash = hash_stable(buf_view(&tape.all));
    tear_down(NULL);
    set_up(NULL);
    sim = open_sim(3, 7, false);
    play(sim, 3 * 3600 * 1000);
    sim_free(sim);
    assert_int_equal(tape.all.n, n);
    assert_true(hash_stable(buf_view(&tape.all)) == hash);
    tear_down(NULL);
    set_up(NULL);
    sim = open_sim(3, 8, false);
    play(sim, 3 * 3600 * 1000);
    sim_free(sim);
    assert_true(hash_stable(buf_view(&tape.all)) != hash);
}

static unsigned live_matches(void)
{
    unsigned n = 0;
    const struct event *event;

    for (size_t at = 0; (event = book_next_event(tape.book, &at)) != NULL;)
        n += event->status == EVENT_LIVE;
    return n;
}

static void there_is_always_a_live_match(void **state)
{
    struct sim *sim = open_sim(6, 3, false);

    (void)state;
    for (int64_t minute = 5; minute < 12 * 60; minute += 5) {
        play(sim, minute * 60000);
        assert_true(live_matches() > 0);
    }
    assert_true(tape.final > 20); /* ended matches are followed by others */
    sim_free(sim);
}

static void a_snapshot_tells_everything_again(void **state)
{
    struct sim *sim = open_sim(4, 5, false);
    unsigned fixtures;

    (void)state;
    play(sim, 90 * 60000);
    fixtures = tape.fixtures;
    /* A server that knows nothing. */
    book_free(tape.book);
    tape.book = book_new();
    assert_true(sim_snapshot(sim, WALL + 90 * 6000, true));
    assert_true(tape.fixtures - fixtures >= 4);
    assert_true(book_counts(tape.book).events >= 4);
    assert_true(live_matches() > 0);
    sim_free(sim);
}

static void a_refusal_ends_the_step(void **state)
{
    struct sim *sim = open_sim(1, 5, true);

    (void)state;
    tape.fail_after = 1;
    assert_false(sim_step(sim, WALL));
    sim_free(sim);
}

/* ---- the model --------------------------------------------------------- */

static void chances_add_up(void **state)
{
    const double means[][2] = { { 1.4, 1.1 }, { 0.01, 0.01 }, { 3, 0.2 } };
    const int scores[][2] = { { 0, 0 }, { 1, 0 }, { 2, 3 } };

    (void)state;
    for (size_t i = 0; i < LENGTH(means); i++)
        for (size_t j = 0; j < LENGTH(scores); j++) {
            struct goals_chances c = goals_chances(scores[j], means[i]);

            assert_true(fabs(c.home + c.draw + c.away - 1) < 1e-9);
            for (int line = 0; line < GOALS_LINES; line++)
                assert_true(c.over[line] >= -1e-12 && c.over[line] <= 1 + 1e-9);
            if (scores[j][0] + scores[j][1] > 2)
                assert_true(c.over[2] > 1 - 1e-9);
        }
}

static void chances_follow_score_and_time(void **state)
{
    struct goals_chances level = goals_chances((int[]){ 0, 0 }, (double[]){ 1.2, 1.2 });
    struct goals_chances ahead = goals_chances((int[]){ 1, 0 }, (double[]){ 1.2, 1.2 });
    struct goals_chances late = goals_chances((int[]){ 1, 0 }, (double[]){ 0.1, 0.1 });

    (void)state;
    assert_true(fabs(level.home - level.away) < 1e-9);
    assert_true(ahead.home > level.home);
    assert_true(late.home > ahead.home);
    assert_true(late.over[1] < ahead.over[1]);
    /* P(total = 0) of a Poisson with mean 2.4 */
    assert_true(fabs(level.over[0] - (1 - exp(-2.4))) < 1e-6);
}

static void odds_hold_the_margin(void **state)
{
    (void)state;
    assert_int_equal(goals_odds_e4(0.5, 0.06), 18800); /* 1.8867…, floored */
    assert_int_equal(goals_odds_e4(0.999, 0.06), 10100);
    assert_int_equal(goals_odds_e4(1, 0), 10100);
    assert_int_equal(goals_odds_e4(0, 0.06), 5000000);
    assert_int_equal(goals_odds_e4(1e-9, 0.06), 5000000);
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(matches_are_played_to_their_end),
        T(the_same_seed_plays_the_same),
        T(there_is_always_a_live_match),
        T(a_snapshot_tells_everything_again),
        T(a_refusal_ends_the_step),
        cmocka_unit_test(chances_add_up),
        cmocka_unit_test(chances_follow_score_and_time),
        cmocka_unit_test(odds_hold_the_margin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
