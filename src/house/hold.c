/* Held bets: see hold.h. */
#include "house/hold_inside.h"

#include <stdlib.h>

#include "api/answer.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"

struct holds *holds_new(const struct holds_options *options)
{
    struct holds *holds = calloc(1, sizeof(*holds));

    CHECK(holds != NULL && options->park != NULL);
    CHECK(options->hold_ms >= 0 && options->offer_ms >= 0);
    holds->options = *options;
    buf_init(&holds->scratch, LIMIT_RESPONSE_BYTES);
    if (options->shared)
        hold_shared_start(holds);
    return holds;
}

void holds_free(struct holds *holds)
{
    if (holds == NULL)
        return;
    CHECK(holds_are_idle(holds));
    CHECK(hold_next(holds, NULL) == NULL);
    buf_fini(&holds->scratch);
    if (holds->options.shared)
        hold_shared_stop(holds); /* which frees it */
    else
        free(holds);
}

bool holds_are_idle(const struct holds *holds)
{
    return holds->calls == 0;
}

/* ---- waiting ------------------------------------------------------------ */

static void on_end(struct parked_request *parked, enum park_end end)
{
    struct held_bet *held = parked->ctx;

    CHECK(&held->parked == parked && held->holds != NULL);
    if (held->holds->options.shared)
        hold_shared_end(held->holds, held->id);
    hold_end(held, end == PARK_DUE ? HOLD_TIMEOUT : HOLD_DRAINED, 0);
}

bool holds_put(struct holds *holds, struct held_bet *held, int64_t now_us, int64_t now_ms)
{
    struct park *park = holds->options.park;

    CHECK(held->on_decision != NULL);
    CHECK(held->account > 0 && held->id > 0);
    CHECK(held->stake_minor > 0 && held->currency != NULL);
    CHECK(!held->parked.in);
    if (park_count(park, PARK_HELD) >= LIMIT_HELD ||
        hold_count_of(holds, held->account) >= LIMIT_HELD_ACCOUNT)
        return false;
    held->holds = holds;
    held->parked = (struct parked_request){ .on_end = on_end, .ctx = held };
    held->since_ms = now_ms;
    held->until_ms = now_ms + holds->options.hold_ms;
    if (!park_put(park, &held->parked, PARK_HELD, now_us,
                  now_us + (holds->options.hold_ms +
                            (holds->options.shared ? HOLD_GRACE_MS : 0)) * 1000))
        return false;
    if (holds->options.shared)
        hold_shared_put(holds, held);
    return true;
}

/* ---- offers ------------------------------------------------------------- */

/* Numbered from 1. */
static struct hold_offer *offer_of(struct holds *holds, uint64_t number)
{
    CHECK(number >= 1 && number <= holds->n_offers);
    return &holds->offers[(number - 1) % LIMIT_OFFERS];
}

static void remember(struct holds *holds, const struct held_bet *held, int64_t stake_minor)
{
    struct hold_offer *offer = offer_of(holds, ++holds->n_offers);

    CHECK(stake_minor > 0 && stake_minor < held->stake_minor);
    hold_hash_legs(holds, held->account, held->slip, offer->legs);
    offer->stake_minor = stake_minor;
    offer->until_ms = clock_wall_ms() + holds->options.offer_ms;
    offer->taken = false;
}

uint64_t holds_take_offer(struct holds *holds, int64_t account, const struct slip *slip,
                          int64_t stake_minor, int64_t now_ms)
{
    uint64_t n = holds->n_offers < LIMIT_OFFERS ? holds->n_offers : LIMIT_OFFERS;
    uint8_t legs[16];

    if (n == 0)
        return 0;
    hold_hash_legs(holds, account, slip, legs);
    for (uint64_t number = holds->n_offers; number > holds->n_offers - n; number--) {
        struct hold_offer *offer = offer_of(holds, number);

        if (!offer->taken && offer->until_ms > now_ms && stake_minor <= offer->stake_minor &&
            memcmp(offer->legs, legs, sizeof(legs)) == 0) {
            offer->taken = true;
            return number;
        }
    }
    return 0;
}

void holds_return_offer(struct holds *holds, uint64_t number)
{
    if (holds->options.shared) {
        hold_shared_return(holds, number);
        return;
    }
    CHECK(number <= holds->n_offers);
    if (holds->n_offers - number < LIMIT_OFFERS) /* else another has its place */
        offer_of(holds, number)->taken = false;
}

/* ---- the desk ----------------------------------------------------------- */

void holds_get(struct holds *holds, struct http_request *request)
{
    struct jw w = jw_to(&holds->scratch);

    if (holds->options.shared) {
        hold_shared_get(holds, request);
        return;
    }
    buf_reset(&holds->scratch);
    jw_object(&w);
    jw_key(&w, "currency");
    jw_str(&w, str_of(holds->options.house->currency->code));
    jw_key(&w, "holds");
    jw_array(&w);
    for (const struct held_bet *held = hold_next(holds, NULL); held != NULL;
         held = hold_next(holds, held))
        hold_write(&w, holds, held, &request->arena);
    jw_array_end(&w);
    jw_object_end(&w);
    answer_json(request, 200, buf_view(&holds->scratch));
}

/* Here: the table is not asked. */
static void say_here(struct holds *holds, struct http_request *request, struct hold_said *said)
{
    struct held_bet *held = hold_find(holds, said->id);
    struct str error = STR_NONE;

    if (held != NULL && !hold_read_offer(&said->word, held->currency, held->stake_minor, &error)) {
        answer_refusal(request, REFUSE_MALFORMED, error, STR_NONE);
        return;
    }
    if (held == NULL) {
        hold_answer_gone(request);
        return;
    }
    said->account = held->account;
    said->stake_minor = held->stake_minor;
    said->currency = held->currency;
    hold_note(holds, said, request);
    if (said->word.decision == HOLD_OFFER)
        remember(holds, held, said->word.offer_minor);
    park_take(holds->options.park, &held->parked);
    hold_answer(holds, request, said);
    hold_end(held, said->word.decision, said->word.offer_minor);
}

void holds_post(struct holds *holds, struct http_request *request)
{
    struct hold_said said = { 0 };
    struct str error = STR_NONE;

    if (decimal_parse(request->param, 0, INT64_MAX, &said.id) != DECIMAL_OK)
        said.id = -1; /* nobody's */
    if (!hold_read_word(request, &said.word, &error))
        answer_refusal(request, REFUSE_MALFORMED, error, STR_NONE);
    else if (holds->options.shared)
        hold_shared_post(holds, request, &said);
    else
        say_here(holds, request, &said);
}
