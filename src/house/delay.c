/*
 * Live delay: who waits is in the park, and its legs are in lists by event, so
 * that a change of the book looks at the bets it may concern and at no others.
 *
 *   events: "sr:match:1" -> leg <-> leg <-> …      each knows its delay
 */
#include "house/delay.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/metrics.h"
#include "base/text.h"

#define EVENT_LIVE_FIRST 1 /* sport_event_status: live, and interrupted */
#define EVENT_LIVE_LAST 2

/* An event that bets in delay have legs on. */
struct watched {
    struct delay_leg *first;
    size_t n;
    char id[];
};

struct delays {
    struct park *park;
    const struct book *book;
    const struct delay_settings *settings;
    struct map events; /* id -> struct watched */
};

/* ---- settings ------------------------------------------------------------- */

static bool is_id(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] <= ' ' || text.p[i] > '~')
            return false;
    return text.n > 0 && text.n <= LIMIT_ID_BYTES;
}

static const char *read_one(struct str text, struct delay_settings *settings)
{
    bool has_market = text.n > 0 && memchr(text.p, '/', text.n) != NULL;
    struct str name = text_until(&text, '='), sport = text_until(&name, '/');
    int64_t market = 0, ms;

    if (!is_id(sport))
        return "a sport must stand before =, as in sr:sport:1=3000";
    if (has_market && !text_positive(name, UINT32_MAX, &market))
        return "a market's number must stand behind /";
    if (!text_number(text, DELAY_MS_MAX, &ms))
        return "0 to 60000 milliseconds must stand behind =";
    for (unsigned i = 0; i < settings->n; i++)
        if (str_eq(settings->list[i].sport, sport) && settings->list[i].market == market)
            return "it stands there twice";
    if (settings->n == DELAY_SETTINGS_MAX)
        return "too many";
    settings->list[settings->n].sport = sport;
    settings->list[settings->n].market = (uint32_t)market;
    settings->list[settings->n++].ms = ms;
    return NULL;
}

bool delay_read_settings(struct str text, int64_t default_ms, struct delay_settings *settings,
                         struct arena *arena, struct str *error)
{
    bool ends_with_comma = text.n > 0 && text.p[text.n - 1] == ',';

    *settings = (struct delay_settings){ .default_ms = default_ms };
    while (text.n > 0) {
        struct str one = text_until(&text, ',');
        const char *wrong = read_one(one, settings);

        if (wrong != NULL) {
            *error = arena_printf(arena, "live-delays: \"%.*s\": %s",
                                  one.n > 100 ? 100 : (int)one.n, one.n == 0 ? "" : one.p, wrong);
            return false;
        }
    }
    if (ends_with_comma)
        *error = STR("live-delays: nothing stands behind the last comma");
    return !ends_with_comma;
}

/* The nearest: of the market in its sport, of the sport, of all. */
static int64_t delay_of_market(const struct delay_settings *settings, const struct market *market)
{
    int64_t ms = settings->default_ms;

    for (unsigned i = 0; i < settings->n; i++) {
        if (!str_eq(settings->list[i].sport, market->event->sport))
            continue;
        if (settings->list[i].market == market->id.market)
            return settings->list[i].ms;
        if (settings->list[i].market == 0)
            ms = settings->list[i].ms;
    }
    return ms;
}

static bool is_live(const struct event *event)
{
    return event->status >= EVENT_LIVE_FIRST && event->status <= EVENT_LIVE_LAST;
}

/* The longest of its legs on live events; 0 = none. */
static int64_t delay_of_slip(const struct delays *delays, const struct slip *slip)
{
    int64_t longest_ms = 0;

    for (uint32_t i = 0; i < slip->n_legs; i++) {
        const struct market *market = book_market(delays->book, slip->legs[i].market);
        int64_t ms = market == NULL || !is_live(market->event)
                         ? 0 : delay_of_market(delays->settings, market);

        if (ms > longest_ms)
            longest_ms = ms;
    }
    return longest_ms;
}

/* ---- who waits ------------------------------------------------------------ */

/* Each event that is watched has legs, and each leg knows it. */
static bool is_whole(const struct watched *watched)
{
    const struct delay_leg *before = NULL;

    for (const struct delay_leg *leg = watched->first; leg != NULL; leg = leg->next) {
        if (leg->watched != watched || leg->previous != before || !leg->delay->parked.in)
            return false;
        before = leg;
    }
    return watched->first != NULL;
}

struct delays *delays_new(struct park *park, const struct book *book,
                          const struct delay_settings *settings)
{
    struct delays *delays = calloc(1, sizeof(*delays));

    CHECK(delays != NULL && park != NULL && book != NULL);
    CHECK(settings == NULL || settings->n <= DELAY_SETTINGS_MAX);
    delays->park = park;
    delays->book = book;
    delays->settings = settings;
    map_init(&delays->events, (size_t)LIMIT_PARKED * LIMIT_LEGS);
    return delays;
}

void delays_free(struct delays *delays)
{
    if (delays == NULL)
        return;
    CHECK(delays->events.n == 0);
    map_fini(&delays->events);
    free(delays);
}

static struct watched *watched_of(struct delays *delays, struct str event)
{
    struct watched *watched = map_get(&delays->events, event);

    if (watched != NULL)
        return watched;
    watched = calloc(1, sizeof(*watched) + event.n);
    CHECK(watched != NULL);
    watched->n = event.n;
    memcpy(watched->id, event.p, event.n);
    CHECK(map_put(&delays->events, (struct str){ watched->id, watched->n }, watched));
    return watched;
}

static void watch_leg(struct delays *delays, struct delay *delay, uint32_t i)
{
    struct watched *watched = watched_of(delays, delay->slip->legs[i].market.event);
    struct delay_leg *leg = &delay->legs[i];

    CHECK(watched->first == NULL || watched->first->previous == NULL);
    *leg = (struct delay_leg){ delay, watched, watched->first, NULL, i };
    if (watched->first != NULL)
        watched->first->previous = leg;
    watched->first = leg;
}

static void forget_leg(struct delays *delays, struct delay_leg *leg)
{
    struct watched *watched = leg->watched;

    CHECK(leg->previous != NULL || watched->first == leg);
    if (leg->next != NULL)
        leg->next->previous = leg->previous;
    if (leg->previous != NULL)
        leg->previous->next = leg->next;
    else
        watched->first = leg->next;
    if (watched->first != NULL)
        return;
    CHECK(map_del(&delays->events, (struct str){ watched->id, watched->n }) == watched);
    free(watched);
}

static void on_end(struct parked_request *parked, enum park_end end)
{
    struct delay *delay = parked->ctx;

    CHECK(&delay->parked == parked && delay->delays != NULL);
    for (uint32_t i = 0; i < delay->slip->n_legs; i++)
        forget_leg(delay->delays, &delay->legs[i]);
    if (delay->stopped != 0)
        metric_inc(METRIC_DELAY_STOPPED);
    delay->on_over(delay, end == PARK_DRAINED);
}

/* ---- the book ------------------------------------------------------------- */

/* As the ladder's rung "suspended" has it, of a selection that there is. */
static bool leg_is_stopped(const struct book *book, const struct leg *leg)
{
    const struct market *market = book_market(book, leg->market);
    const struct outcome *outcome = market == NULL ? NULL : book_outcome(market, leg->outcome);

    return outcome == NULL || book_status(book, market) != MARKET_ACTIVE || !outcome->active;
}

static void look_at(const struct delays *delays, struct delay *delay, uint32_t i)
{
    CHECK(i < delay->slip->n_legs);
    if (leg_is_stopped(delays->book, &delay->slip->legs[i]))
        delay->stopped |= UINT32_C(1) << i;
}

static void look_at_event(const struct delays *delays, const struct watched *watched)
{
    CHECK_DEAR(is_whole(watched));
    for (struct delay_leg *leg = watched->first; leg != NULL; leg = leg->next)
        look_at(delays, leg->delay, leg->i);
}

void delays_on_prices(void *ctx, const struct bus_prices *prices)
{
    struct delays *delays = ctx;
    const struct book_change *change = prices->change;
    const struct watched *watched;
    size_t at = 0;

    if (delays->events.n == 0)
        return;
    if (change->all) {
        while ((watched = map_next(&delays->events, &at)) != NULL)
            look_at_event(delays, watched);
    } else if (change->event != NULL) {
        watched = map_get(&delays->events, change->event->id);
        if (watched != NULL)
            look_at_event(delays, watched);
    }
}

bool delays_are_set(const struct delays *delays)
{
    const struct delay_settings *settings = delays->settings;

    return settings != NULL && (settings->default_ms > 0 || settings->n > 0);
}

enum delay_answer delays_start(struct delays *delays, struct delay *delay, int64_t now_us)
{
    int64_t ms = delays_are_set(delays) ? delay_of_slip(delays, delay->slip) : 0;

    CHECK(delay->on_over != NULL && !delay->parked.in);
    CHECK(ms >= 0 && ms <= DELAY_MS_MAX);
    delay->stopped = 0;
    if (ms == 0)
        return DELAY_NONE;
    for (uint32_t i = 0; i < delay->slip->n_legs; i++)
        look_at(delays, delay, i);
    if (delay->stopped != 0)
        return DELAY_NONE; /* it will not be accepted: no use in waiting */
    delay->delays = delays;
    delay->parked = (struct parked_request){ .on_end = on_end, .ctx = delay };
    if (!park_put(delays->park, &delay->parked, PARK_DELAYED, now_us, now_us + ms * 1000))
        return DELAY_FULL;
    for (uint32_t i = 0; i < delay->slip->n_legs; i++)
        watch_leg(delays, delay, i);
    metric_inc(METRIC_DELAYED);
    return DELAY_WAITS;
}
