/*
 * Whose token it is, for connections that outlive a request (the stream).
 *
 * The token is verified here and its epoch compared with the store's, unless
 * that was done a moment ago; a log-out in this process holds at once.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "who/inside.h"

#define EPOCH_LIVES_US (20 * INT64_C(1000000))
#define MAGIC 0x696e7175 /* "inqu" */
#define ARENA_BYTES ((size_t)64 * 1024)

/* A question to the store in flight. */
struct inquiry {
    uint32_t magic;
    struct who *who;
    struct arena arena;
    struct store_exec exec;
    struct who_identity identity;
    who_on_identity *then;
    void *ctx;
};

static void inquiry_end(struct inquiry *inquiry, enum who_session state)
{
    who_end(inquiry->who);
    inquiry->magic = 0;
    inquiry->then(inquiry->ctx, state, &inquiry->identity);
    arena_fini(&inquiry->arena);
    free(inquiry);
}

static void on_account(struct store_exec *exec, enum store_result result)
{
    struct inquiry *inquiry = exec->ctx;
    int64_t epoch;

    CHECK(inquiry->magic == MAGIC && exec == &inquiry->exec);
    if (result != STORE_OK) {
        inquiry_end(inquiry, WHO_SESSION_BUSY);
        return;
    }
    if (exec->rows == 0) {
        inquiry_end(inquiry, WHO_SESSION_OVER);
        return;
    }
    epoch = EXEC_INT(exec, 0, ACCOUNT_GET_EPOCH);
    session_learn_epoch(inquiry->who, inquiry->identity.account, epoch, clock_mono_us());
    inquiry_end(inquiry, epoch == inquiry->identity.epoch ? WHO_SESSION_GOOD
                                                          : WHO_SESSION_OVER);
}

static void inquire(struct who *who, const struct who_identity *identity,
                    who_on_identity *then, void *ctx)
{
    struct inquiry *inquiry = calloc(1, sizeof(*inquiry));

    CHECK(inquiry != NULL && then != NULL);
    CHECK(identity->account > 0);
    *inquiry = (struct inquiry){ .magic = MAGIC, .who = who, .identity = *identity,
                                 .then = then, .ctx = ctx };
    arena_init(&inquiry->arena, ARENA_BYTES);
    inquiry->exec = (struct store_exec){
        .calls = { { STATEMENT_ACCOUNT_GET, { VALUE_INT(identity->account) } } },
        .n = 1, .arena = &inquiry->arena, .on_done = on_account, .ctx = inquiry,
    };
    who_begin(who);
    store_exec(who->options.store, &inquiry->exec);
}

void who_confirm(struct who *who, const struct who_identity *identity,
                  who_on_identity *then, void *ctx)
{
    struct who_identity copy = *identity;
    int64_t epoch, at_us;

    if (copy.expires_ms <= clock_wall_ms()) {
        then(ctx, WHO_SESSION_OVER, &copy);
        return;
    }
    if (!session_known_epoch(who, copy.account, &epoch, &at_us) ||
        (epoch <= copy.epoch && clock_mono_us() - at_us > EPOCH_LIVES_US)) {
        if (store_is_up(who->options.store))
            inquire(who, &copy, then, ctx);
        else
            then(ctx, WHO_SESSION_BUSY, &copy);
        return;
    }
    then(ctx, epoch == copy.epoch ? WHO_SESSION_GOOD : WHO_SESSION_OVER, &copy);
}

void who_identify(struct who *who, struct str token, who_on_identity *then, void *ctx)
{
    struct who_identity identity = { 0, 0, 0 };
    struct token verified;

    if (token.n == 0 || token.n > TOKEN_BYTES_MAX ||
        !token_verify(who->keys, token, clock_wall_ms(), &verified)) {
        then(ctx, WHO_SESSION_OVER, &identity);
        return;
    }
    identity = (struct who_identity){ verified.customer, verified.epoch, verified.expires_ms };
    who_confirm(who, &identity, then, ctx);
}
