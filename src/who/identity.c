/*
 * Whose token it is, for connections that outlive a request (the stream).
 *
 * The token is verified here and its epoch compared with the store's, unless
 * that was done a moment ago; a log-out in this process holds at once.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "bets/inside.h"

#define EPOCH_LIVES_US (20 * INT64_C(1000000))
#define ARENA_BYTES ((size_t)64 * 1024)

/* A question to the store in flight. */
struct inquiry {
    struct bets *bets;
    struct arena arena;
    struct store_exec exec;
    struct bets_identity identity;
    bets_on_identity *then;
    void *ctx;
};

static void inquiry_end(struct inquiry *inquiry, enum bets_session_state state)
{
    inquiry->bets->working--;
    inquiry->then(inquiry->ctx, state, &inquiry->identity);
    arena_fini(&inquiry->arena);
    free(inquiry);
}

static void on_account(struct store_exec *exec, enum store_result result)
{
    struct inquiry *inquiry = exec->ctx;
    int64_t epoch;

    if (result != STORE_OK) {
        inquiry_end(inquiry, BETS_SESSION_BUSY);
        return;
    }
    if (exec->rows == 0) {
        inquiry_end(inquiry, BETS_SESSION_OVER);
        return;
    }
    epoch = EXEC_CELL(exec, 0, 5).i;
    session_learn_epoch(inquiry->bets, inquiry->identity.account, epoch, clock_mono_us());
    inquiry_end(inquiry, epoch == inquiry->identity.epoch ? BETS_SESSION_GOOD
                                                          : BETS_SESSION_OVER);
}

static void inquire(struct bets *bets, const struct bets_identity *identity,
                    bets_on_identity *then, void *ctx)
{
    struct inquiry *inquiry = calloc(1, sizeof(*inquiry));

    CHECK(inquiry != NULL);
    *inquiry = (struct inquiry){ .bets = bets, .identity = *identity, .then = then, .ctx = ctx };
    arena_init(&inquiry->arena, ARENA_BYTES);
    inquiry->exec = (struct store_exec){
        .calls = { { STATEMENT_ACCOUNT_GET, { VALUE_INT(identity->account) } } },
        .n = 1, .arena = &inquiry->arena, .on_done = on_account, .ctx = inquiry,
    };
    bets->working++;
    store_exec(bets->options.store, &inquiry->exec);
}

void bets_confirm(struct bets *bets, const struct bets_identity *identity,
                  bets_on_identity *then, void *ctx)
{
    struct bets_identity copy = *identity;
    int64_t epoch, at_us;

    if (copy.expires_ms <= clock_wall_ms()) {
        then(ctx, BETS_SESSION_OVER, &copy);
        return;
    }
    if (!session_known_epoch(bets, copy.account, &epoch, &at_us) ||
        (epoch <= copy.epoch && clock_mono_us() - at_us > EPOCH_LIVES_US)) {
        if (store_is_up(bets->options.store))
            inquire(bets, &copy, then, ctx);
        else
            then(ctx, BETS_SESSION_BUSY, &copy);
        return;
    }
    then(ctx, epoch == copy.epoch ? BETS_SESSION_GOOD : BETS_SESSION_OVER, &copy);
}

void bets_identify(struct bets *bets, struct str token, bets_on_identity *then, void *ctx)
{
    struct bets_identity identity = { 0, 0, 0 };
    struct token verified;

    if (token.n == 0 || token.n > TOKEN_BYTES_MAX ||
        !token_verify(bets->keys, token, clock_wall_ms(), &verified)) {
        then(ctx, BETS_SESSION_OVER, &identity);
        return;
    }
    identity = (struct bets_identity){ verified.customer, verified.epoch, verified.expires_ms };
    bets_confirm(bets, &identity, then, ctx);
}
