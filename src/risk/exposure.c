/* Exposure: see exposure.h. */
#include "risk/exposure.h"

#include <stdlib.h>

struct exposure {
    struct map events, markets; /* by id; by event, market, specifiers */
    struct exposure_counts counts;
};

/* Follows its struct in memory: the key of its market. */
struct named_market {
    struct exposed_market market; /* first */
    size_t name_bytes;
    char name[];
};

#define NAME_BYTES (LIMIT_ID_BYTES + LIMIT_SPECIFIERS_BYTES + 32)

struct exposure *exposure_new(void)
{
    struct exposure *exposure = calloc(1, sizeof(*exposure));

    CHECK(exposure != NULL);
    map_init(&exposure->events, LIMIT_EVENTS * (size_t)2);
    map_init(&exposure->markets, LIMIT_MARKETS * (size_t)2);
    return exposure;
}

static void market_free(struct exposed_market *market)
{
    for (uint32_t i = 0; i < market->n_outcomes; i++)
        free((char *)(uintptr_t)market->outcomes[i].id.p);
    free(market->outcomes);
    free(market);
}

void exposure_free(struct exposure *exposure)
{
    struct exposed_market *market;
    struct exposed_event *event;
    size_t at = 0;

    if (exposure == NULL)
        return;
    while ((market = map_next(&exposure->markets, &at)) != NULL)
        market_free(market);
    at = 0;
    while ((event = map_next(&exposure->events, &at)) != NULL)
        free(event);
    map_fini(&exposure->markets);
    map_fini(&exposure->events);
    free(exposure);
}

/* ---- finding and making -------------------------------------------------- */

/* "event\0specifiers\0" and the number's bytes. */
static struct str name_of(struct market_id id, char name[NAME_BYTES])
{
    size_t n = 0;

    CHECK(id.event.n + id.specifiers.n + 6 <= NAME_BYTES);
    memcpy(name, id.event.p, id.event.n);
    n = id.event.n;
    name[n++] = '\0';
    if (id.specifiers.n > 0)
        memcpy(name + n, id.specifiers.p, id.specifiers.n);
    n += id.specifiers.n;
    name[n++] = '\0';
    memcpy(name + n, &id.market, sizeof(id.market));
    return (struct str){ name, n + sizeof(id.market) };
}

static struct exposed_event *event_of(struct exposure *exposure, struct str id)
{
    struct exposed_event *event = map_get(&exposure->events, id);
    char *copy;

    if (event != NULL)
        return event;
    event = calloc(1, sizeof(*event) + id.n);
    CHECK(event != NULL);
    copy = (char *)(event + 1);
    memcpy(copy, id.p, id.n);
    event->id = (struct str){ copy, id.n };
    if (!map_put(&exposure->events, event->id, event)) {
        free(event);
        return NULL;
    }
    exposure->counts.events++;
    return event;
}

static void link_market(struct exposed_event *event, struct exposed_market *market)
{
    market->event = event;
    market->next = event->markets;
    if (market->next != NULL)
        market->next->previous = market;
    event->markets = market;
}

static struct exposed_market *market_of(struct exposure *exposure, struct market_id id)
{
    char name[NAME_BYTES];
    struct str key = name_of(id, name);
    struct exposed_market *market = map_get(&exposure->markets, key);
    struct named_market *named;
    struct exposed_event *event;

    if (market != NULL)
        return market;
    event = event_of(exposure, id.event);
    if (event == NULL)
        return NULL;
    named = calloc(1, sizeof(*named) + key.n);
    CHECK(named != NULL);
    named->name_bytes = key.n;
    memcpy(named->name, key.p, key.n);
    market = &named->market;
    market->id = (struct market_id){ event->id, id.market,
                                     { named->name + id.event.n + 1, id.specifiers.n } };
    if (!map_put(&exposure->markets, (struct str){ named->name, key.n }, market)) {
        free(named);
        return NULL;
    }
    exposure->counts.markets++;
    link_market(event, market);
    return market;
}

static struct exposed_outcome *outcome_of(struct exposed_market *market, struct str id)
{
    char *copy;

    for (uint32_t i = 0; i < market->n_outcomes; i++)
        if (str_eq(market->outcomes[i].id, id))
            return &market->outcomes[i];
    if (market->n_outcomes == market->room) {
        market->room = market->room == 0 ? 2 : market->room * 2;
        market->outcomes = realloc(market->outcomes, market->room * sizeof(*market->outcomes));
        CHECK(market->outcomes != NULL);
    }
    copy = malloc(id.n + 1);
    CHECK(copy != NULL);
    memcpy(copy, id.p, id.n);
    market->outcomes[market->n_outcomes] = (struct exposed_outcome){ .id = { copy, id.n } };
    return &market->outcomes[market->n_outcomes++];
}

/* ---- counting ------------------------------------------------------------ */

static void forget(struct exposure *exposure, struct exposed_market *market)
{
    struct named_market *named = (struct named_market *)market;
    struct exposed_event *event = market->event;

    CHECK(map_del(&exposure->markets, (struct str){ named->name, named->name_bytes }) == market);
    *(market->previous == NULL ? &event->markets : &market->previous->next) = market->next;
    if (market->next != NULL)
        market->next->previous = market->previous;
    market_free(market);
    exposure->counts.markets--;
    if (event->markets != NULL)
        return;
    CHECK(map_del(&exposure->events, event->id) == event);
    free(event);
    exposure->counts.events--;
}

static bool is_empty(const struct exposed_market *market)
{
    for (uint32_t i = 0; i < market->n_outcomes; i++)
        if (market->outcomes[i].bets != 0)
            return false;
    return true;
}

static void count_leg(struct exposure *exposure, const struct exposed_bet *bet,
                      const struct leg *leg, int sign)
{
    struct exposed_market *market = market_of(exposure, leg->market);
    int64_t stake = sign * bet->stake_minor, liability = sign * bet->liability_minor;
    int64_t offset = bet->slip->type == BET_SYSTEM ? 0 : stake;
    struct exposed_outcome *outcome;

    if (market == NULL)
        return; /* more than the book can hold */
    outcome = outcome_of(market, leg->outcome);
    outcome->bets += sign;
    outcome->stakes_minor += stake;
    outcome->liability_minor += liability;
    outcome->offset_minor += offset;
    market->bets += sign;
    market->stakes_minor += stake;
    market->offset_minor += offset;
    market->event->bets += sign;
    market->event->stakes_minor += stake;
    market->event->liability_minor += liability;
    /* The end of a bet may be told before its beginning: below 0 it waits. */
    if (market->bets == 0 && is_empty(market))
        forget(exposure, market);
}

void exposure_count(struct exposure *exposure, const struct exposed_bet *bet, int sign)
{
    CHECK(sign == 1 || sign == -1);
    for (uint32_t i = 0; i < bet->slip->n_legs; i++)
        count_leg(exposure, bet, &bet->slip->legs[i], sign);
    exposure->counts.bets += sign;
    exposure->counts.stakes_minor += sign * bet->stake_minor;
    exposure->counts.liability_minor += sign * bet->liability_minor;
}

/* ---- reading ------------------------------------------------------------- */

const struct exposed_event *exposure_event(const struct exposure *exposure, struct str id)
{
    return map_get(&exposure->events, id);
}

const struct exposed_event *exposure_next(const struct exposure *exposure, size_t *at)
{
    return map_next(&exposure->events, at);
}

int64_t exposure_worst(const struct exposed_market *market)
{
    int64_t worst = -market->offset_minor; /* none of these outcomes */

    for (uint32_t i = 0; i < market->n_outcomes; i++) {
        const struct exposed_outcome *outcome = &market->outcomes[i];
        int64_t loss = outcome->liability_minor -
                       (market->offset_minor - outcome->offset_minor);

        if (i == 0 || loss > worst)
            worst = loss;
    }
    return worst;
}

int64_t exposure_worst_of_event(const struct exposed_event *event)
{
    int64_t worst = 0;

    for (const struct exposed_market *market = event->markets; market != NULL;
         market = market->next) {
        int64_t its = exposure_worst(market);

        worst += its > 0 ? its : 0;
    }
    return worst;
}

struct exposure_counts exposure_counts(const struct exposure *exposure)
{
    return exposure->counts;
}
