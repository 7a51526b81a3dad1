/*
 * What the files of hold share; nobody else includes it.  From below:
 * hold_wait.c, hold_word.c, hold_shared.c, hold.c.
 */
#ifndef HOUSE_HOLD_INSIDE_H
#define HOUSE_HOLD_INSIDE_H

#include "base/json.h"
#include "base/limits.h"
#include "house/hold.h"

#define HOLD_HASH_BYTES 16
#define HOLD_GRACE_MS 500 /* the holder still sees a decision of the last moment */

struct hold_offer {
    uint8_t legs[HOLD_HASH_BYTES]; /* account and legs, hashed */
    int64_t stake_minor, until_ms;
    bool taken;
};

struct holds {
    struct holds_options options;
    struct hold_offer offers[LIMIT_OFFERS]; /* a ring: the oldest gives way */
    uint64_t n_offers;
    struct buf scratch;
    /* shared */
    uv_timer_t timer;
    uint32_t calls; /* of the store, in flight */
    bool polling;   /* one of them looks for what is decided */
};

struct hold_word {
    enum hold_decision decision;
    struct str stake; /* as written; p NULL: none */
    int64_t offer_minor;
    struct str reason;
};

/* A trader's word on one. */
struct hold_said {
    int64_t id, account, stake_minor;
    const struct currency *currency;
    struct hold_word word;
};

/* ---- hold_wait.c: those that wait here ---- */

/* By deadline; NULL begins and ends. */
struct held_bet *hold_next(const struct holds *holds, const struct held_bet *held);
struct held_bet *hold_find(const struct holds *holds, int64_t id);
unsigned hold_count_of(const struct holds *holds, int64_t account);
/* Out of the park, and on_decision runs. */
void hold_decide(struct held_bet *held, enum hold_decision decision, int64_t offer_minor);
/* The same of one that is out of the park. */
void hold_end(struct held_bet *held, enum hold_decision decision, int64_t offer_minor);

/* ---- hold_word.c: what is said ---- */

const char *hold_decision_name(enum hold_decision decision);
/* Whose bet, on what: without stake and odds. */
void hold_hash_legs(struct holds *holds, int64_t account, const struct slip *slip,
                    uint8_t hash[HOLD_HASH_BYTES]);
/* As the desk is shown it. */
void hold_write(struct jw *w, const struct holds *holds, const struct held_bet *held,
                struct arena *arena);
bool hold_read_word(struct http_request *request, struct hold_word *word,
                    struct str *error) MUST_USE;
/* What is offered for this bet: less than it asks for. */
bool hold_read_offer(struct hold_word *word, const struct currency *currency,
                     int64_t stake_minor, struct str *error) MUST_USE;
/* The audit's line: which bet of whom, and what was said. */
void hold_note(const struct holds *holds, const struct hold_said *said,
               const struct http_request *request);
void hold_answer(struct holds *holds, struct http_request *request, const struct hold_said *said);
void hold_answer_gone(struct http_request *request);

/* ---- hold_shared.c ---- */

void hold_shared_start(struct holds *holds);
void hold_shared_stop(struct holds *holds); /* frees it, later */
void hold_shared_put(struct holds *holds, struct held_bet *held);
/* It waits no more, and nobody decided. */
void hold_shared_end(struct holds *holds, int64_t id);
void hold_shared_return(struct holds *holds, uint64_t offer);
void hold_shared_get(struct holds *holds, struct http_request *request);
void hold_shared_post(struct holds *holds, struct http_request *request,
                      const struct hold_said *said);

#endif
