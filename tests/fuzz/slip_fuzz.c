/*
 * Any bytes as the body of a bet.  Whatever comes: no crash, an error names
 * something, and what is read is well formed and survives being stored.
 */
#include <stdint.h>

#include "bets/slip_json.h"

#define ARENA_BYTES (8 * 1024 * 1024)
#define ENCODED_BYTES (1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void stored_and_back(const struct slip *slip, struct arena *arena)
{
    struct slip *back = ARENA_NEW(arena, struct slip);
    struct buf first, second;

    buf_init(&first, ENCODED_BYTES);
    buf_init(&second, ENCODED_BYTES);
    slip_encode(slip, &first);
    CHECK(!first.overflow);
    CHECK(slip_decode(buf_view(&first), arena, back));
    CHECK(slip_check(back) == SLIP_OK);
    slip_encode(back, &second);
    CHECK(str_eq(buf_view(&first), buf_view(&second)));
    buf_fini(&first);
    buf_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct currency *currency = currency_find(STR("EUR"));
    struct str body = { (const char *)data, size }, error = STR_NONE;
    struct arena arena;
    struct slip *slip;
    int64_t amount = 0;

    if (size > LIMIT_BODY_BYTES)
        return 0;
    arena_init(&arena, ARENA_BYTES);
    slip = ARENA_NEW(&arena, struct slip);
    if (slip_read(body, currency, &arena, slip, &amount, &error)) {
        CHECK(slip_check(slip) == SLIP_OK);
        CHECK(amount >= 0 && amount <= LIMIT_MINOR);
        stored_and_back(slip, &arena);
    } else {
        CHECK(error.n > 0);
    }
    error = STR_NONE;
    if (amount_read(body, currency, &arena, &amount, &error))
        CHECK(amount > 0 && amount <= LIMIT_MINOR);
    else
        CHECK(error.n > 0);
    arena_fini(&arena);
    return 0;
}
