/*
 * What is said about a held bet: the legs by which an offer finds the next one,
 * the bet as the desk is shown it, a trader's word and its answer.  It changes
 * nothing.
 */
#include <inttypes.h>
#include <sodium.h>

#include "api/answer.h"
#include "api/request.h"
#include "base/log.h"
#include "house/hold_inside.h"

#define REASON_BYTES 500

const char *hold_decision_name(enum hold_decision decision)
{
    static const char *const names[] = { "accept", "decline", "offer", "timeout", "drained" };

    CHECK((size_t)decision < LENGTH(names));
    return names[decision];
}

/* Whose bet, on what: without stake and odds. */
void hold_hash_legs(struct holds *holds, int64_t account, const struct slip *slip,
                    uint8_t hash[HOLD_HASH_BYTES])
{
    struct buf *text = &holds->scratch;
    struct slip bare = *slip;

    CHECK(account > 0);
    buf_reset(text);
    buf_int(text, account);
    bare.accept = ACCEPT_NONE;
    for (uint32_t i = 0; i < bare.n_legs; i++)
        bare.legs[i].odds_e4 = ODDS_ONE_E4;
    slip_encode(&bare, text);
    CHECK(crypto_generichash(hash, 16, (const unsigned char *)text->p, text->n, NULL, 0) == 0);
}

/* -------------------------------------------- as the desk is shown it ---- */

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

void hold_write(struct jw *w, const struct holds *holds, const struct held_bet *held,
                struct arena *arena)
{
    int exponent = held->currency->exponent;

    CHECK(held->until_ms >= held->since_ms);
    CHECK(held->slip->n_legs >= 1 && held->slip->n_legs <= LIMIT_LEGS);
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

/* ---- a trader's word -------------------------------------------------------- */

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
    const struct operator *operator = request_operator(request);
    const struct hold_word *word = &said->word;
    struct buf what;

    CHECK(said->id > 0 && said->currency != NULL);
    CHECK((word->decision == HOLD_OFFER) == (word->offer_minor > 0));
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

    CHECK(said->word.decision <= HOLD_OFFER);
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
