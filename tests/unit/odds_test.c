/*
 * odds/odds.c over bus/local.c: log entries go in on the feed topic, and what
 * comes out on the other two is written down as text, in order:
 *
 *   a:p5+1     subscriber a, prices of entry 5, one market changed
 *   a:p5*      everything changed
 *   a:r5=18@0  results of entry 5, market 18, which had stopped at 0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/metrics.h"
#include "odds/odds.h"

#define EVENT STR("sr:match:42")
#define LIVE 1

struct listener {
    struct fixture *fixture;
    const char *name;
};

struct fixture {
    struct bus *bus;
    struct odds *odds;
    struct listener a, b;
    struct buf heard;
    int64_t position;
};

static void on_prices(void *ctx, const struct bus_prices *prices)
{
    const struct listener *listener = ctx;
    struct fixture *f = listener->fixture;
    const struct book_change *change = prices->change;

    buf_printf(&f->heard, "%s:p%lld", listener->name, (long long)prices->position);
    if (change->all)
        buf_printf(&f->heard, "*");
    if (change->n_markets > 0)
        buf_printf(&f->heard, "+%u", change->n_markets);
    for (uint32_t i = 0; i < change->n_markets; i++)
        assert_ptr_equal(change->markets[i]->event, change->event);
    buf_printf(&f->heard, " ");
    assert_true(book_position(odds_book(f->odds)) <= prices->position);
}

static void on_results(void *ctx, const struct bus_results *results)
{
    const struct listener *listener = ctx;
    struct fixture *f = listener->fixture;

    buf_printf(&f->heard, "%s:r%lld", listener->name, (long long)results->position);
    for (uint32_t i = 0; i < results->n; i++) {
        const struct fact *fact = &results->facts[i];

        assert_int_equal(fact->position, results->position);
        assert_int_equal(fact->key, market_key(fact->id));
        buf_printf(&f->heard, "=%u@%lld", fact->id.market, (long long)fact->stopped_ms);
    }
    buf_printf(&f->heard, " ");
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    CHECK(f != NULL);
    buf_init(&f->heard, 64 * 1024);
    f->bus = bus_local_new();
    f->odds = odds_new(f->bus);
    f->a = (struct listener){ f, "a" };
    f->b = (struct listener){ f, "b" };
    bus_subscribe(f->bus, &(struct bus_subscriber){ .on_feed = odds_on_feed, .ctx = f->odds });
    bus_subscribe(f->bus, &(struct bus_subscriber){
        .on_prices = on_prices, .on_results = on_results, .ctx = &f->a });
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    odds_free(f->odds);
    bus_free(f->bus);
    buf_fini(&f->heard);
    free(f);
    return 0;
}

static void feed(struct fixture *f, const struct message *message)
{
    bus_publish_feed(f->bus, &(struct bus_feed){
        .position = ++f->position, .at_ms = 1000, .message = message });
    book_check(odds_book(f->odds));
}

static void assert_heard(struct fixture *f, const char *text)
{
    struct str heard = buf_view(&f->heard);

    if (!str_eq(heard, str_of(text)))
        fail_msg("heard \"" STR_FMT "\", not \"%s\"", STR_ARG(heard), text);
    buf_reset(&f->heard);
}

/* A message about market 18 and, with n = 2, market 1, one outcome each. */
static void about(struct fixture *f, enum message_type type, int64_t ts, uint32_t n)
{
    struct message_outcome outcomes[] = {
        { .id = STR("12"), .odds_e4 = 19000, .active = true, .result = 1,
          .dead_heat_e12 = FACTOR_ONE_E12 },
        { .id = STR("1"), .odds_e4 = 21000 + ts, .active = true, .result = 0,
          .dead_heat_e12 = FACTOR_ONE_E12 },
    };
    struct message_market markets[] = {
        { .market = 18, .specifiers = STR("total=2.5"), .status = 1, .first = 0, .n = 1 },
        { .market = 1, .specifiers = STR(""), .status = 1, .first = 1, .n = 1 },
    };

    feed(f, &(struct message){
        .type = type, .producer = LIVE, .timestamp_ms = ts, .event = EVENT,
        .event_status = -1, .match_status = -1, .certainty = 1, .end_ms = INT64_MAX,
        .groups = STR("all"), .stop_status = MARKET_SUSPENDED, .markets = markets,
        .n_markets = n, .outcomes = outcomes, .n_outcomes = n,
    });
}

static void two_markets_on_sale(struct fixture *f)
{
    feed(f, &(struct message){ .type = MESSAGE_PRODUCER, .producer = LIVE, .up = true });
    about(f, MESSAGE_ODDS_CHANGE, 100, 2);
    assert_heard(f, "a:p1* a:p2+2 ");
}

static void prices_come_in_log_order(void **state)
{
    struct fixture *f = *state;
    struct market_id id = { EVENT, 18, STR("total=2.5") };

    two_markets_on_sale(f);
    assert_int_equal(book_outcome(book_market(odds_book(f->odds), id), STR("12"))->odds_e4,
                     19000);
    about(f, MESSAGE_ODDS_CHANGE, 100, 2); /* the same again */
    about(f, MESSAGE_ODDS_CHANGE, 101, 2); /* market 1 moves */
    about(f, MESSAGE_BET_STOP, 102, 0);
    assert_heard(f, "a:p3 a:p4+1 a:p5+2 ");
    assert_int_equal(book_position(odds_book(f->odds)), 5);
    feed(f, &(struct message){ .type = MESSAGE_RESTART });
    assert_heard(f, "a:p6* ");
}

static void results_come_after_the_prices_they_close(void **state)
{
    struct fixture *f = *state;

    two_markets_on_sale(f);
    about(f, MESSAGE_BET_SETTLEMENT, 200, 2); /* both were selling until now */
    about(f, MESSAGE_BET_CANCEL, 210, 1);     /* sorted by market, as facts are */
    assert_heard(f, "a:p3+2 a:r3=1@200=18@200 a:p4 a:r4=18@200 ");
}

static void rule_07_facts_carry_the_time_of_the_stop(void **state)
{
    struct fixture *f = *state;

    two_markets_on_sale(f);
    about(f, MESSAGE_BET_STOP, 150, 0);
    about(f, MESSAGE_BET_SETTLEMENT, 200, 1);
    about(f, MESSAGE_BET_SETTLEMENT, 210, 2); /* confirmed, and the other */
    assert_heard(f, "a:p3+2 a:p4+1 a:r4=18@150 a:p5+1 a:r5=1@150=18@150 ");
    about(f, MESSAGE_ROLLBACK_SETTLEMENT, 220, 1);
    assert_heard(f, "a:p6+1 a:r6=18@150 ");
    about(f, MESSAGE_ODDS_CHANGE, 230, 1); /* on sale again */
    about(f, MESSAGE_BET_CANCEL, 240, 1);
    assert_heard(f, "a:p7+1 a:p8 a:r8=18@0 ");
    about(f, MESSAGE_BET_SETTLEMENT, 250, 1);
    assert_heard(f, "a:p9+1 a:r9=18@250 ");
}

static void facts_about_unknown_markets_are_published_too(void **state)
{
    struct fixture *f = *state;

    about(f, MESSAGE_BET_SETTLEMENT, 200, 2);
    about(f, MESSAGE_BET_CANCEL, 201, 1);
    assert_heard(f, "a:p1 a:r1=1@0=18@0 a:p2 a:r2=18@0 ");
    assert_int_equal(book_counts(odds_book(f->odds)).events, 0);
}

static void rule_19_stale_odds_are_counted(void **state)
{
    struct fixture *f = *state;
    int64_t before = metric_value(METRIC_FEED_STALE, STR_NONE);

    two_markets_on_sale(f);
    about(f, MESSAGE_BET_STOP, 150, 0);
    about(f, MESSAGE_ODDS_CHANGE, 140, 2);
    assert_heard(f, "a:p3+2 a:p4 ");
    assert_int_equal(metric_value(METRIC_FEED_STALE, STR_NONE), before + 2);
}

/* What the book refuses still passes: the log's position moves for all. */
static void a_refused_entry_is_passed_over(void **state)
{
    struct fixture *f = *state;

    for (int32_t id = 1; id <= LIMIT_PRODUCERS + 1; id++)
        feed(f, &(struct message){ .type = MESSAGE_PRODUCER, .producer = id, .up = true });
    assert_int_equal(book_position(odds_book(f->odds)), LIMIT_PRODUCERS);
    buf_reset(&f->heard);
    about(f, MESSAGE_ODDS_CHANGE, 100, 1);
    assert_heard(f, "a:p102+1 ");
}

static void the_gauges_tell_of_the_book(void **state)
{
    struct fixture *f = *state;

    two_markets_on_sale(f);
    about(f, MESSAGE_BET_SETTLEMENT, 200, 1);
    odds_metrics(f->odds);
    assert_int_equal(metric_value(METRIC_BOOK_EVENTS, STR_NONE), 1);
    assert_int_equal(metric_value(METRIC_BOOK_MARKETS, STR_NONE), 2);
    assert_int_equal(metric_value(METRIC_BOOK_ACTIVE, STR_NONE), 1);
    assert_int_equal(metric_value(METRIC_FEED_POSITION, STR_NONE), 3);
}

/* ---- the bus ------------------------------------------------------------ */

static void subscribers_are_called_in_order_for_what_they_asked(void **state)
{
    struct fixture *f = *state;

    bus_subscribe(f->bus, &(struct bus_subscriber){ .on_results = on_results, .ctx = &f->b });
    feed(f, &(struct message){ .type = MESSAGE_ALIVE, .producer = LIVE, .timestamp_ms = 1 });
    about(f, MESSAGE_BET_SETTLEMENT, 200, 1);
    assert_heard(f, "a:p1 a:p2 a:r2=18@0 b:r2=18@0 ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(prices_come_in_log_order),
        TEST(results_come_after_the_prices_they_close),
        TEST(rule_07_facts_carry_the_time_of_the_stop),
        TEST(facts_about_unknown_markets_are_published_too),
        TEST(rule_19_stale_odds_are_counted),
        TEST(a_refused_entry_is_passed_over),
        TEST(the_gauges_tell_of_the_book),
        TEST(subscribers_are_called_in_order_for_what_they_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
