/*
 * house/delay: who is delayed, for how long, and what stops a bet meanwhile.
 *
 * The book is fed with XML over the bus, as the binary does, so that every way
 * in which a market stops is one here; no time passes but where it is said.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/limits.h"
#include "house/delay.h"
#include "feed/uof.h"
#include "odds/odds.h"

#define LONG_MS 60000
#define ODDS(event, status, inside) \
    "<odds_change product='1' event_id='" event "' timestamp='%d'>" \
    "<sport_event_status status='" status "'/><odds>" inside "</odds></odds_change>"
#define MARKET(id, status, active) \
    "<market id='" id "' status='" status "'><outcome id='1' odds='2.00' active='" active "'/>" \
    "<outcome id='2' odds='2.00' active='1'/></market>"
#define LIVE(event) ODDS(event, "1", MARKET("1", "1", "1") MARKET("18", "1", "1"))
#define FIXTURE \
    "<fixtures_fixture><fixture id='sr:match:1' start_time='2030-01-01T00:00:00Z'>" \
    "<tournament id='t'><sport id='sr:sport:1' name='Soccer'/></tournament>" \
    "</fixture></fixtures_fixture>"
#define DESK(act, more) \
    "<overround_desk act='" act "' operator='eve' timestamp='%d' " more "/>"
#define UP "<overround_producer product='1' up='1' timestamp='%d'/>"
#define DOWN "<overround_producer product='1' up='0' timestamp='%d'/>"

struct fixture {
    uv_loop_t loop;
    struct bus *bus;
    struct odds *odds;
    struct uof_parser *parser;
    struct park *park;
    struct delay_settings settings;
    struct delays *delays;
    struct arena arena;
    int64_t position;
    int over, drained;
};

static void tell(struct fixture *f, const char *format)
{
    struct message message = { .type = 0 };
    struct uof_error error;
    struct bus_feed entry = { ++f->position, f->position, &message };
    struct str body;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    body = arena_printf(&f->arena, format, (int)f->position);
#pragma GCC diagnostic pop
    if (!uof_parse(f->parser, body, true, &f->arena, &message, &error))
        fail_msg("%s: %s", format, error.text);
    bus_publish_feed(f->bus, &entry);
}

static void fixture_init(struct fixture *f, const char *settings, int64_t default_ms, size_t limit)
{
    struct str error = STR_NONE;

    memset(f, 0, sizeof(*f));
    assert_int_equal(uv_loop_init(&f->loop), 0);
    arena_init(&f->arena, 64 << 20);
    f->bus = bus_local_new();
    f->odds = odds_new(f->bus);
    f->parser = uof_parser_new();
    f->park = park_new(&f->loop, limit);
    assert_true(delay_read_settings(str_of(settings), default_ms, &f->settings, &f->arena,
                                    &error));
    f->delays = delays_new(f->park, odds_book(f->odds), &f->settings);
    bus_subscribe(f->bus, &(struct bus_subscriber){ .on_feed = odds_on_feed, .ctx = f->odds });
    bus_subscribe(f->bus, &(struct bus_subscriber){ .on_prices = delays_on_prices,
                                                    .ctx = f->delays });
    tell(f, UP);
    tell(f, LIVE("sr:match:1"));
    tell(f, LIVE("sr:match:2"));
    tell(f, ODDS("sr:match:3", "0", MARKET("1", "1", "1")));
}

/* All who wait are told to go. */
static void fixture_fini(struct fixture *f)
{
    park_drain(f->park);
    delays_free(f->delays);
    park_free(f->park);
    uof_parser_free(f->parser);
    odds_free(f->odds);
    bus_free(f->bus);
    arena_fini(&f->arena);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
}

static void on_over(struct delay *delay, bool drained)
{
    struct fixture *f = delay->ctx;

    f->over++;
    f->drained += drained;
}

/* A slip on outcome 1 of a market of each of the events 1 .. n. */
static struct delay *make(struct fixture *f, uint32_t market, uint32_t n)
{
    static const char *const events[] = { "sr:match:1", "sr:match:2", "sr:match:3" };
    struct slip *slip = ARENA_NEW(&f->arena, struct slip);
    struct delay *delay = ARENA_NEW(&f->arena, struct delay);

    slip->n_legs = n;
    for (uint32_t i = 0; i < n; i++) {
        slip->legs[i].market = (struct market_id){ .event = str_of(events[i]), .market = market,
                                                   .specifiers = STR("") };
        slip->legs[i].outcome = STR("1");
    }
    delay->slip = slip;
    delay->on_over = on_over;
    delay->ctx = f;
    return delay;
}

static enum delay_answer start(struct fixture *f, struct delay *delay)
{
    return delays_start(f->delays, delay, clock_mono_us());
}

static void what_stops_a_bet(void **state)
{
    static const struct {
        const char *what[3];
        uint32_t stopped; /* of legs on market 1 of events 1 and 2 */
    } rows[] = {
        { { "<bet_stop product='1' event_id='sr:match:1' timestamp='%d' groups='all'/>" }, 1 },
        { { "<bet_stop product='1' event_id='sr:match:2' timestamp='%d' groups='all'/>",
            LIVE("sr:match:2") }, 2 },
        { { DOWN, UP, LIVE("sr:match:1") }, 3 },
        { { "<overround_restart timestamp='%d'/>", UP, LIVE("sr:match:2") }, 3 },
        { { ODDS("sr:match:1", "1", MARKET("1", "-1", "1")), LIVE("sr:match:1") }, 1 },
        { { ODDS("sr:match:1", "1", MARKET("1", "0", "1")), LIVE("sr:match:1") }, 1 },
        { { ODDS("sr:match:1", "1", MARKET("1", "-2", "1")), LIVE("sr:match:1") }, 1 },
        { { ODDS("sr:match:1", "1", MARKET("1", "1", "0")), LIVE("sr:match:1") }, 1 },
        { { "<bet_settlement product='1' event_id='sr:match:2' timestamp='%d' certainty='1'>"
            "<outcomes><market id='1'><outcome id='1' result='1'/></market></outcomes>"
            "</bet_settlement>" }, 2 },
        { { DESK("suspend", "level='all'"), DESK("resume", "level='all'") }, 3 },
        { { DESK("suspend", "level='event' event_id='sr:match:2'"),
            DESK("resume", "level='event' event_id='sr:match:2'") }, 2 },
        /* and what does not */
        { { LIVE("sr:match:1"), LIVE("sr:match:2") }, 0 },
        { { ODDS("sr:match:1", "1", MARKET("18", "-1", "1")) }, 0 },
        { { ODDS("sr:match:3", "1", MARKET("1", "-1", "1")) }, 0 },
        { { "<overround_producer product='3' up='0' timestamp='%d'/>" }, 0 },
        { { "<alive product='1' timestamp='%d' subscribed='1'/>" }, 0 },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct fixture f;
        struct delay *delay;

        fixture_init(&f, "", LONG_MS, 10);
        delay = make(&f, 1, 2);
        assert_int_equal(start(&f, delay), DELAY_WAITS);
        for (size_t j = 0; j < LENGTH(rows[i].what) && rows[i].what[j] != NULL; j++)
            tell(&f, rows[i].what[j]);
        if (delay->stopped != rows[i].stopped)
            fail_msg("row %zu: stopped %u", i, delay->stopped);
        assert_int_equal(f.over, 0);
        fixture_fini(&f);
        assert_int_equal(f.drained, 1);
    }
}

static void who_is_delayed(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f, "", LONG_MS, 10);
    {
        struct delay *soon = make(&f, 1, 1);

        ((struct slip *)(uintptr_t)soon->slip)->legs[0].market.event = STR("sr:match:3");
        assert_int_equal(start(&f, soon), DELAY_NONE);
        assert_int_equal(soon->stopped, 0);
    }
    assert_int_equal(start(&f, make(&f, 1, 3)), DELAY_WAITS); /* one live leg is enough */
    tell(&f, ODDS("sr:match:1", "1", MARKET("1", "-1", "1")));
    {
        struct delay *stopped = make(&f, 1, 2);

        assert_int_equal(start(&f, stopped), DELAY_NONE);
        assert_int_equal(stopped->stopped, 1);
    }
    fixture_fini(&f);
}

static void no_setting_is_no_delay(void **state)
{
    struct fixture f;
    struct delay *delay;

    (void)state;
    fixture_init(&f, "", 0, 10);
    assert_false(delays_are_set(f.delays));
    delay = make(&f, 1, 1);
    assert_int_equal(start(&f, delay), DELAY_NONE);
    fixture_fini(&f);
    assert_int_equal(f.over, 0);
}

static void the_nearest_setting_holds(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f, "sr:sport:1=0,sr:sport:1/18=60000,sr:sport:2=0", LONG_MS, 10);
    assert_int_equal(start(&f, make(&f, 1, 1)), DELAY_WAITS); /* its sport is not known yet */
    tell(&f, FIXTURE);
    assert_int_equal(start(&f, make(&f, 1, 1)), DELAY_NONE);
    assert_int_equal(start(&f, make(&f, 18, 1)), DELAY_WAITS);
    assert_int_equal(start(&f, make(&f, 1, 2)), DELAY_WAITS); /* the longest of its legs */
    fixture_fini(&f);
    assert_int_equal(f.drained, 3);
}

static void it_ends_by_itself(void **state)
{
    struct fixture f;
    struct delay *delays[3];

    (void)state;
    fixture_init(&f, "", 1, 10);
    for (int i = 0; i < 3; i++) {
        delays[i] = make(&f, 1, 2);
        assert_int_equal(start(&f, delays[i]), DELAY_WAITS);
    }
    tell(&f, ODDS("sr:match:2", "1", MARKET("1", "-1", "1")));
    while (f.over < 3)
        uv_run(&f.loop, UV_RUN_ONCE);
    for (int i = 0; i < 3; i++)
        assert_int_equal(delays[i]->stopped, 2);
    tell(&f, DOWN); /* concerns nobody any more */
    assert_int_equal(delays[0]->stopped, 2);
    fixture_fini(&f);
    assert_int_equal(f.drained, 0);
}

static void who_went_is_told_nothing(void **state)
{
    struct fixture f;
    struct delay *middle, *first, *last;

    (void)state;
    fixture_init(&f, "sr:sport:1/18=20,sr:sport:1/1=5", LONG_MS, 10);
    tell(&f, FIXTURE);
    tell(&f, ODDS("sr:match:1", "1", MARKET("7", "1", "1")));
    middle = make(&f, 18, 1);
    first = make(&f, 1, 1);
    last = make(&f, 7, 1);
    assert_int_equal(start(&f, middle), DELAY_WAITS);
    assert_int_equal(start(&f, first), DELAY_WAITS);
    assert_int_equal(start(&f, last), DELAY_WAITS);
    while (f.over < 2)
        uv_run(&f.loop, UV_RUN_ONCE);
    tell(&f, DOWN);
    assert_int_equal(first->stopped, 0);
    assert_int_equal(middle->stopped, 0);
    assert_int_equal(last->stopped, 1);
    fixture_fini(&f);
}

static void the_room_is_bounded(void **state)
{
    struct fixture f;

    (void)state;
    fixture_init(&f, "", LONG_MS, 2);
    assert_int_equal(start(&f, make(&f, 1, 2)), DELAY_WAITS);
    assert_int_equal(start(&f, make(&f, 18, 2)), DELAY_WAITS);
    assert_int_equal(start(&f, make(&f, 1, 2)), DELAY_FULL);
    tell(&f, DOWN);
    fixture_fini(&f);
    assert_int_equal(f.drained, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stops_a_bet),
        cmocka_unit_test(who_is_delayed),
        cmocka_unit_test(no_setting_is_no_delay),
        cmocka_unit_test(the_nearest_setting_holds),
        cmocka_unit_test(it_ends_by_itself),
        cmocka_unit_test(who_went_is_told_nothing),
        cmocka_unit_test(the_room_is_bounded),
    };

    return cmocka_run_group_tests_name("delay", tests, NULL, NULL);
}
