/* Held bets: see hold.h. */
#include "house/hold_inside.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "net/answer.h"

#define REASON_BYTES 500

const char *hold_decision_name(enum hold_decision decision)
{
    static const char *const names[] = { "accept", "decline", "offer", "timeout", "drained" };

    CHECK((size_t)decision < LENGTH(names));
    return names[decision];
}

struct holds *holds_new(const struct holds_options *options)
{
    struct holds *holds = calloc(1, sizeof(*holds));

    CHECK(holds != NULL && options->park != NULL);
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

static void decide(struct held *held, enum hold_decision decision, int64_t offer_minor)
{
    metric_add(METRIC_HOLDS, str_of(hold_decision_name(decision)), 1);
    held->on_decision(held, decision, offer_minor);
}

void hold_decide(struct held *held, enum hold_decision decision, int64_t offer_minor)
{
    park_take(held->holds->options.park, &held->parked);
    decide(held, decision, offer_minor);
}

static void on_end(struct parked *parked, enum park_end end)
{
    struct held *held = parked->ctx;

    if (held->holds->options.shared)
        hold_shared_end(held->holds, held->id);
    decide(held, end == PARK_DUE ? HOLD_TIMEOUT : HOLD_DRAINED, 0);
}

static struct held *next_held(const struct holds *holds, const struct held *held)
{
    struct parked *parked =
        park_next(holds->options.park, PARK_HELD, held == NULL ? NULL : &held->parked);

    return parked == NULL ? NULL : parked->ctx;
}

static unsigned held_of(const struct holds *holds, int64_t account)
{
    unsigned n = 0;

    for (const struct held *held = next_held(holds, NULL); held != NULL;
         held = next_held(holds, held))
        n += held->account == account;
    return n;
}

bool holds_put(struct holds *holds, struct held *held, int64_t now_us, int64_t now_ms)
{
    struct park *park = holds->options.park;

    CHECK(held->on_decision != NULL && held->account > 0);
    if (park_count(park, PARK_HELD) >= LIMIT_HELD ||
        held_of(holds, held->account) >= LIMIT_HELD_ACCOUNT)
        return false;
    held->holds = holds;
    held->parked = (struct parked){ .on_end = on_end, .ctx = held };
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

/* Whose bet, on what: without stake and odds. */
void hold_hash_legs(struct holds *holds, int64_t account, const struct slip *slip,
                    uint8_t hash[HOLD_HASH_BYTES])
{
    struct buf *text = &holds->scratch;
    struct slip bare = *slip;

    buf_reset(text);
    buf_int(text, account);
    bare.accept = ACCEPT_NONE;
    for (uint32_t i = 0; i < bare.n_legs; i++)
        bare.legs[i].odds_e4 = ODDS_ONE_E4;
    slip_encode(&bare, text);
    CHECK(crypto_generichash(hash, 16, (const unsigned char *)text->p, text->n, NULL, 0) == 0);
}

/* Numbered from 1. */
static struct hold_offer *offer_of(struct holds *holds, uint64_t number)
{
    return &holds->offers[(number - 1) % LIMIT_OFFERS];
}

static void remember(struct holds *holds, const struct held *held, int64_t stake_minor)
{
    struct hold_offer *offer = offer_of(holds, ++holds->n_offers);

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
    CHECK(number >= 1 && number <= holds->n_offers);
    if (holds->n_offers - number < LIMIT_OFFERS) /* else another has its place */
        offer_of(holds, number)->taken = false;
}

/* ---- the desk ----------------------------------------------------------- */

static void put_leg(struct jw *w, const struct holds *holds, const struct leg *leg,
                    struct arena *arena)
{
    const struct market *market = book_market(holds->options.book, leg->market);

    jw_object(w);
    jw_key(w, "event");
    jw_str(w, leg->market.event);
    if (market != NULL && market->event->home.n > 0) {
        jw_key(w, "home");
        jw_str(w, market->event->home);
        jw_key(w, "away");
        jw_str(w, market->event->away);
    }
    jw_key(w, "market");
    jw_str(w, arena_printf(arena, "%" PRIu32, leg->market.market));
    jw_key(w, "specifiers");
    jw_str(w, leg->market.specifiers);
    jw_key(w, "outcome");
    jw_str(w, leg->outcome);
    if (market != NULL) {
        jw_key(w, "market_name");
        jw_str(w, book_market_name(holds->options.book, market, arena));
        jw_key(w, "outcome_name");
        jw_str(w, book_outcome_name(holds->options.book, market, leg->outcome, arena));
    }
    jw_key(w, "odds");
    jw_odds(w, leg->odds_e4);
    jw_object_end(w);
}

void hold_write(struct jw *w, const struct holds *holds, const struct held *held,
                struct arena *arena)
{
    int exponent = held->currency->exponent;

    jw_object(w);
    jw_key(w, "id");
    jw_id(w, held->id);
    jw_key(w, "customer");
    jw_id(w, held->account);
    jw_key(w, "stake");
    jw_money(w, held->stake_minor, exponent);
    jw_key(w, "currency");
    jw_str(w, str_of(held->currency->code));
    jw_key(w, "house_stake");
    jw_money(w, held->house_minor, holds->options.house->currency->exponent);
    jw_key(w, "potential_payout");
    jw_money(w, held->potential_minor, exponent);
    jw_key(w, "type");
    jw_str(w, str_of(bet_type_name(held->slip->type)));
    jw_key(w, "held_at");
    jw_time(w, held->since_ms);
    jw_key(w, "until");
    jw_time(w, held->until_ms);
    jw_key(w, "legs");
    jw_array(w);
    for (uint32_t i = 0; i < held->slip->n_legs; i++)
        put_leg(w, holds, &held->slip->legs[i], arena);
    jw_array_end(w);
    jw_object_end(w);
}

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
    for (const struct held *held = next_held(holds, NULL); held != NULL;
         held = next_held(holds, held))
        hold_write(&w, holds, held, &request->arena);
    jw_array_end(&w);
    jw_object_end(&w);
    answer_json(request, 200, buf_view(&holds->scratch));
}

struct held *hold_find(const struct holds *holds, int64_t id)
{
    for (struct held *held = next_held(holds, NULL); held != NULL; held = next_held(holds, held))
        if (held->id == id)
            return held;
    return NULL;
}

static bool check_word(const struct hold_word *word, struct str *error)
{
    if (word->decision == HOLD_TIMEOUT)
        *error = STR("decision: must be accept, decline or offer");
    else if ((word->decision == HOLD_OFFER) != (word->stake.p != NULL))
        *error = STR("stake: goes with the decision \"offer\", and only with it");
    else if (word->reason.n > REASON_BYTES)
        *error = STR("reason: at most 500 bytes");
    else
        return true;
    return false;
}

bool hold_read_word(struct http_request *request, struct hold_word *word, struct str *error)
{
    struct str decision = STR_NONE, stake = STR_NONE, reason = STR_NONE;
    const struct json_field fields[] = {
        { "decision", JSON_KIND_STRING, true, &decision },
        { "stake", JSON_KIND_STRING, false, &stake },
        { "reason", JSON_KIND_STRING, false, &reason },
    };
    json_t *document = json_read(request->body, fields, LENGTH(fields), &request->arena, error);

    if (document == NULL)
        return false;
    *word = (struct hold_word){ .decision = HOLD_TIMEOUT,
                           .reason = arena_str(&request->arena, reason) };
    for (int i = HOLD_ACCEPT; i <= HOLD_OFFER; i++)
        if (str_eq(decision, str_of(hold_decision_name((enum hold_decision)i))))
            word->decision = (enum hold_decision)i;
    if (stake.p != NULL)
        word->stake = str_of(arena_cstr(&request->arena, stake));
    json_decref(document);
    return check_word(word, error);
}

bool hold_read_offer(struct hold_word *word, const struct currency *currency,
                     int64_t stake_minor, struct str *error)
{
    if (word->decision != HOLD_OFFER ||
        (money_parse(word->stake, currency, &word->offer_minor) == DECIMAL_OK &&
         word->offer_minor > 0 && word->offer_minor < stake_minor))
        return true;
    *error = STR("stake: an amount in the bet's currency, above 0 and below its stake");
    return false;
}

void hold_note(const struct holds *holds, const struct hold_said *said,
               const struct http_request *request)
{
    const struct operator *operator = request->operator;
    const struct hold_word *word = &said->word;
    struct buf what;

    buf_init(&what, 1024);
    buf_printf(&what, "hold %" PRId64 " of customer %" PRId64 ", stake ", said->id,
               said->account);
    buf_money(&what, said->stake_minor, said->currency->exponent);
    buf_printf(&what, " %s: %s", said->currency->code, hold_decision_name(word->decision));
    if (word->decision == HOLD_OFFER) {
        buf_char(&what, ' ');
        buf_money(&what, word->offer_minor, said->currency->exponent);
    }
    log_request(request->id, LOG_INFO, "hold", "decided", "operator=" STR_FMT " what=" STR_FMT,
             STR_ARG(operator == NULL ? STR("-") : operator->name), STR_ARG(buf_view(&what)));
    if (holds->options.note != NULL && operator != NULL)
        holds->options.note(holds->options.ctx, operator, buf_view(&what), word->reason);
    buf_fini(&what);
}

void hold_answer(struct holds *holds, struct http_request *request, const struct hold_said *said)
{
    struct jw w = jw_to(&holds->scratch);

    buf_reset(&holds->scratch);
    jw_object(&w);
    jw_key(&w, "id");
    jw_id(&w, said->id);
    jw_key(&w, "decision");
    jw_str(&w, str_of(hold_decision_name(said->word.decision)));
    jw_object_end(&w);
    answer_json(request, 200, buf_view(&holds->scratch));
}

void hold_answer_gone(struct http_request *request)
{
    answer_refusal(request, REFUSE_NOT_FOUND, STR("No such bet waits any more."), STR_NONE);
}

/* Here: the table is not asked. */
static void say_here(struct holds *holds, struct http_request *request, struct hold_said *said)
{
    struct held *held = hold_find(holds, said->id);
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
    decide(held, said->word.decision, said->word.offer_minor);
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
