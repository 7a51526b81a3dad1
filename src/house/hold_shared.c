/*
 * Held bets of several processes: the table holds (hold.h).
 *
 *   put    an offer that fits is taken -> accepted; else a row, which stays
 *          if the account has not too many
 *   post   any process: decision, once, while it waits
 *   poll   who keeps the request open, while it holds any: what is decided?
 *   end    the row goes; an offer's stays until it is too old
 */
#include "house/hold_inside.h"

#include <stdlib.h>

#include "api/answer.h"
#include "base/clock.h"

#define POLL_MS 100
#define TIDY_MS 60000
#define MAGIC_ROUND 0x726f756e /* "roun" */
#define MAGIC_QUESTION 0x71756573 /* "ques" */

/* A round with the store about one held bet, which may be over when it ends. */
struct hold_round {
    uint32_t magic;
    struct holds *holds;
    struct arena arena;
    struct store_exec exec;
    int64_t id;
};

static struct hold_round *round_new(struct holds *holds, int64_t id)
{
    struct hold_round *round = calloc(1, sizeof(*round));

    CHECK(round != NULL);
    CHECK(holds->options.shared);
    round->magic = MAGIC_ROUND;
    round->holds = holds;
    round->id = id;
    arena_init(&round->arena, LIMIT_ROWS_BYTES);
    holds->calls++;
    return round;
}

static void round_end(struct hold_round *round)
{
    CHECK(round->holds->calls > 0);
    round->holds->calls--;
    round->magic = 0;
    arena_fini(&round->arena);
    free(round);
}

static void round_run(struct hold_round *round, uint32_t n,
                      void (*on_done)(struct store_exec *exec, enum store_result result))
{
    round->exec.n = n;
    round->exec.arena = &round->arena;
    round->exec.on_done = on_done;
    round->exec.ctx = round;
    store_exec(round->holds->options.store, &round->exec);
}

/* What the store gives back is one of ours that has not ended. */
static struct hold_round *round_of(struct store_exec *exec)
{
    struct hold_round *round = exec->ctx;

    CHECK(round->magic == MAGIC_ROUND && exec == &round->exec);
    return round;
}

static void on_nothing(struct store_exec *exec, enum store_result result)
{
    (void)result; /* what stays is too old some day */
    round_end(round_of(exec));
}

void hold_shared_end(struct holds *holds, int64_t id)
{
    struct hold_round *round = round_new(holds, id);

    round->exec.calls[0] = (struct statement_call){ STATEMENT_HOLD_END, { VALUE_INT(id) } };
    round->exec.calls[1] = (struct statement_call){ STATEMENT_HOLD_KEEP_OFFER, { VALUE_INT(id) } };
    round_run(round, 2, on_nothing);
}

void hold_shared_return(struct holds *holds, uint64_t offer)
{
    struct hold_round *round = round_new(holds, (int64_t)offer);

    CHECK(round->id > 0);
    round->exec.calls[0] = (struct statement_call){ STATEMENT_HOLD_RETURN,
                                                   { VALUE_INT(round->id) } };
    round_run(round, 1, on_nothing);
}

/* ---- put ---------------------------------------------------------------------- */

/* After the row is there: of those that come to several processes at once, the
 * last one to look sees all. */
static void on_counted(struct store_exec *exec, enum store_result result)
{
    struct hold_round *round = round_of(exec);
    struct holds *holds = round->holds;
    struct held_bet *held = hold_find(holds, round->id);
    bool fits = result == STORE_OK && exec->rows == 1 &&
                EXEC_INT(exec, 0, HOLDS_OF_ACCOUNT_N) <= LIMIT_HELD_ACCOUNT;

    if (held != NULL && !fits) {
        hold_shared_end(holds, round->id);
        hold_decide(held, HOLD_DRAINED, 0);
    }
    round_end(round);
}

static void on_added(struct store_exec *exec, enum store_result result)
{
    struct hold_round *round = round_of(exec);
    struct holds *holds = round->holds;
    struct held_bet *held = hold_find(holds, round->id);

    if (held != NULL && result == STORE_OK) {
        round->exec = (struct store_exec){ .calls = { { STATEMENT_HOLDS_OF_ACCOUNT,
            { VALUE_INT(held->account), VALUE_INT(clock_wall_ms()) } } } };
        round_run(round, 1, on_counted);
        return;
    }
    if (held == NULL)
        hold_shared_end(holds, round->id); /* it was over before the row was there */
    else
        hold_decide(held, HOLD_DRAINED, 0); /* no trader would see it */
    round_end(round);
}

static void add(struct hold_round *round, const struct held_bet *held)
{
    struct holds *holds = round->holds;
    uint8_t legs[HOLD_HASH_BYTES];
    struct jw w = jw_to(&holds->scratch);
    int64_t now_ms = clock_wall_ms();

    CHECK(held->id == round->id && held->holds == holds);
    hold_hash_legs(holds, held->account, held->slip, legs);
    buf_reset(&holds->scratch);
    arena_reset(&round->arena);
    hold_write(&w, holds, held, &round->arena);
    round->exec = (struct store_exec){ .calls = {
        { STATEMENT_HOLD_TIDY, { VALUE_INT(now_ms - holds->options.offer_ms - TIDY_MS) } },
        { STATEMENT_HOLD_ADD,
          { VALUE_INT(held->id), VALUE_INT(holds->options.node), VALUE_INT(held->account),
            VALUE_STR(arena_str(&round->arena, (struct str){ (const char *)legs, sizeof(legs) })),
            VALUE_INT(held->stake_minor), VALUE_STR(str_of(held->currency->code)),
            VALUE_STR(arena_str(&round->arena, buf_view(&holds->scratch))),
            VALUE_INT(held->until_ms) } },
    } };
    round_run(round, 2, on_added);
}

static void on_offer(struct store_exec *exec, enum store_result result)
{
    struct hold_round *round = round_of(exec);
    struct holds *holds = round->holds;
    struct held_bet *held = hold_find(holds, round->id);
    int64_t offer = result == STORE_OK && exec->rows == 1
        ? EXEC_INT(exec, 0, HOLD_TAKE_OFFER_ID) : 0;

    if (held != NULL && offer == 0 && result == STORE_OK) {
        add(round, held);
        return;
    }
    if (held == NULL && offer != 0)
        hold_shared_return(holds, (uint64_t)offer);
    if (held != NULL) {
        held->offer = (uint64_t)offer;
        hold_decide(held, offer != 0 ? HOLD_ACCEPT : HOLD_DRAINED, 0);
    }
    round_end(round);
}

void hold_shared_put(struct holds *holds, struct held_bet *held)
{
    struct hold_round *round = round_new(holds, held->id);
    uint8_t legs[HOLD_HASH_BYTES];

    hold_hash_legs(holds, held->account, held->slip, legs);
    round->exec.calls[0] = (struct statement_call){ STATEMENT_HOLD_TAKE_OFFER,
        { VALUE_INT(held->account),
          VALUE_STR(arena_str(&round->arena, (struct str){ (const char *)legs, sizeof(legs) })),
          VALUE_INT(held->stake_minor), VALUE_INT(held->since_ms), VALUE_INT(held->id) } };
    round_run(round, 1, on_offer);
}

/* ---- poll --------------------------------------------------------------------- */

/* As stored: from 1, for 0 waits. */
static bool read_decision(int64_t stored, enum hold_decision *decision)
{
    if (stored < HOLD_ACCEPT + 1 || stored > HOLD_OFFER + 1)
        return false;
    *decision = (enum hold_decision)(stored - 1);
    return true;
}

/* As whoever wrote it has checked: an offer is a part of the stake. */
static bool fits(const struct held_bet *held, enum hold_decision decision, int64_t offer)
{
    return decision == HOLD_OFFER ? offer > 0 && offer < held->stake_minor : offer == 0;
}

static void on_decided(struct store_exec *exec, enum store_result result)
{
    struct hold_round *round = round_of(exec);
    struct holds *holds = round->holds;

    CHECK(holds->polling);
    holds->polling = false;
    for (uint32_t i = 0; result == STORE_OK && i < exec->rows; i++) {
        struct held_bet *held = hold_find(holds, EXEC_INT(exec, i, HOLDS_DECIDED_ID));
        enum hold_decision decision;
        int64_t offer = EXEC_INT(exec, i, HOLDS_DECIDED_OFFER);

        hold_shared_end(holds, EXEC_INT(exec, i, HOLDS_DECIDED_ID));
        if (held != NULL && read_decision(EXEC_INT(exec, i, HOLDS_DECIDED_DECISION), &decision) &&
            fits(held, decision, offer))
            hold_decide(held, decision, offer);
    }
    round_end(round);
}

static void poll(struct holds *holds)
{
    struct hold_round *round;

    if (holds->polling || park_count(holds->options.park, PARK_HELD) == 0)
        return;
    holds->polling = true;
    round = round_new(holds, 0);
    round->exec.calls[0] = (struct statement_call){ STATEMENT_HOLDS_DECIDED,
                                                   { VALUE_INT(holds->options.node) } };
    round_run(round, 1, on_decided);
}

static void on_timer(uv_timer_t *timer)
{
    poll(timer->data);
}

/* ---- the desk ----------------------------------------------------------------- */

struct hold_question {
    uint32_t magic;
    struct holds *holds;
    struct http_request *request;
    struct hold_said said;
    struct store_exec exec;
};

static struct hold_question *question_new(struct holds *holds, struct http_request *request)
{
    struct hold_question *question = ARENA_NEW(&request->arena, struct hold_question);

    question->magic = MAGIC_QUESTION;
    question->holds = holds;
    question->request = request;
    holds->calls++;
    return question;
}

static struct hold_question *question_of(struct store_exec *exec)
{
    struct hold_question *question = exec->ctx;

    CHECK(question->magic == MAGIC_QUESTION && exec == &question->exec);
    CHECK(question->holds->calls > 0);
    return question;
}

static void question_exec(struct hold_question *question, struct statement_call call,
                          void (*on_done)(struct store_exec *exec, enum store_result result))
{
    question->exec = (struct store_exec){ .calls = { call }, .n = 1, .on_done = on_done,
                                          .arena = &question->request->arena, .ctx = question };
    store_exec(question->holds->options.store, &question->exec);
}

/* False: it is answered. */
static bool question_is_well(struct hold_question *question, enum store_result result)
{
    if (result == STORE_OK)
        return true;
    question->holds->calls--;
    answer_refusal(question->request, REFUSE_BUSY, STR("The store does not answer."), STR_NONE);
    return false;
}

static void on_list(struct store_exec *exec, enum store_result result)
{
    struct hold_question *question = question_of(exec);
    struct holds *holds = question->holds;
    struct jw w = jw_to(&holds->scratch);

    if (!question_is_well(question, result))
        return;
    buf_reset(&holds->scratch);
    jw_object(&w);
    jw_key(&w, "currency");
    jw_str(&w, str_of(holds->options.house->currency->code));
    jw_key(&w, "holds");
    jw_array(&w);
    for (uint32_t i = 0; i < exec->rows; i++)
        jw_raw(&w, EXEC_TEXT(exec, i, HOLDS_LIST_BODY));
    jw_array_end(&w);
    jw_object_end(&w);
    holds->calls--;
    answer_json(question->request, 200, buf_view(&holds->scratch));
}

void hold_shared_get(struct holds *holds, struct http_request *request)
{
    question_exec(question_new(holds, request), (struct statement_call){ STATEMENT_HOLDS_LIST,
                  { VALUE_INT(clock_wall_ms()), VALUE_INT(LIMIT_HELD) } }, on_list);
}

static void on_said(struct store_exec *exec, enum store_result result)
{
    struct hold_question *question = question_of(exec);
    struct holds *holds = question->holds;

    if (!question_is_well(question, result))
        return;
    holds->calls--;
    if (exec->rows == 0) { /* somebody else was first */
        hold_answer_gone(question->request);
        return;
    }
    hold_note(holds, &question->said, question->request);
    hold_answer(holds, question->request, &question->said);
    poll(holds); /* it may be ours */
}

static void on_row(struct store_exec *exec, enum store_result result)
{
    struct hold_question *question = question_of(exec);
    struct hold_said *said = &question->said;
    struct str error = STR_NONE;
    int64_t now_ms = clock_wall_ms();

    if (!question_is_well(question, result))
        return;
    if (exec->rows == 0 || (said->currency =
            currency_find(CELL_TEXT(exec->cells, HOLD_GET_CURRENCY))) == NULL) {
        question->holds->calls--;
        hold_answer_gone(question->request);
        return;
    }
    said->account = CELL_INT(exec->cells, HOLD_GET_ACCOUNT);
    said->stake_minor = CELL_INT(exec->cells, HOLD_GET_STAKE);
    if (!hold_read_offer(&said->word, said->currency, said->stake_minor, &error)) {
        question->holds->calls--;
        answer_refusal(question->request, REFUSE_MALFORMED, error, STR_NONE);
        return;
    }
    CHECK(said->word.decision <= HOLD_OFFER);
    question_exec(question, (struct statement_call){ STATEMENT_HOLD_DECIDE,
                  { VALUE_INT(said->id), VALUE_INT(said->word.decision + 1),
          VALUE_INT(said->word.offer_minor),
          VALUE_INT(now_ms + question->holds->options.offer_ms), VALUE_INT(now_ms) } }, on_said);
}

void hold_shared_post(struct holds *holds, struct http_request *request,
                      const struct hold_said *said)
{
    struct hold_question *question = question_new(holds, request);

    question->said = *said;
    question_exec(question, (struct statement_call){ STATEMENT_HOLD_GET,
                  { VALUE_INT(said->id), VALUE_INT(clock_wall_ms()) } }, on_row);
}

/* ---- the whole ---------------------------------------------------------------- */

void hold_shared_start(struct holds *holds)
{
    CHECK(holds->options.loop != NULL);
    CHECK(holds->options.store != NULL && holds->options.node >= 0);
    CHECK(uv_timer_init(holds->options.loop, &holds->timer) == 0);
    holds->timer.data = holds;
    CHECK(uv_timer_start(&holds->timer, on_timer, POLL_MS, POLL_MS) == 0);
    uv_unref((uv_handle_t *)&holds->timer);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void hold_shared_stop(struct holds *holds)
{
    CHECK(holds->calls == 0 && !holds->polling);
    uv_close((uv_handle_t *)&holds->timer, on_closed);
}
