/* The house's currency and rates: read strictly, and rounding never helps. */
#include "base/limits.h"
#include "model/house.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct house *house, int64_t minor)
{
    for (size_t i = 0; i < house->n_rates; i++) {
        const struct currency *currency = house->rates[i].currency;
        int64_t most = house_to(house, currency, minor);

        CHECK(house->rates[i].rate_e9 > 0 && house_knows(house, currency));
        CHECK(most >= 0 && most <= LIMIT_MINOR);
        CHECK(house_from(house, currency, most) <= minor);
        if (minor < LIMIT_MINOR && most < LIMIT_MINOR) /* where neither is cut off */
            CHECK(house_from(house, currency, most + 1) > minor);
    }
    CHECK(house_from(house, house->currency, minor) == minor);
    CHECK(house_to(house, house->currency, minor) == minor);
}

/* The currency's line, then the rates. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };
    const char *end = size == 0 ? NULL : memchr(text.p, '\n', text.n);
    size_t n = end == NULL ? size : (size_t)(end - text.p);
    struct str currency = { text.p, n };
    struct str rates = end == NULL ? STR_NONE : (struct str){ end + 1, size - n - 1 };
    struct str error = STR_NONE;
    struct house house;
    struct arena arena;

    arena_init(&arena, 64 * 1024 + size * 4);
    if (house_read(&house, currency, rates, &arena, &error)) {
        check(&house, 0);
        check(&house, 12345);
        check(&house, LIMIT_MINOR);
    } else {
        CHECK(error.n > 0);
    }
    arena_fini(&arena);
    return 0;
}
