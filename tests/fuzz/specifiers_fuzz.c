/*
 * Any bytes as specifiers, as a decimal number and as a time: the small
 * parsers that the feed, slips and queries share.  Whatever comes: no crash;
 * a canonical form is one, and its own; what is read, written and read again
 * is the same.
 */
#include <stdint.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "model/market.h"
#include "model/money.h"

#define ARENA_BYTES (1024 * 1024)
#define TEXT_BYTES 256
#define DECIMALS_MAX 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Keys ascend, so none is there twice. */
static void check_sorted(struct str text)
{
    struct str before = STR_NONE;

    while (text.n > 0) {
        const char *bar = memchr(text.p, '|', text.n);
        size_t part = bar == NULL ? text.n : (size_t)(bar - text.p);
        const char *equals = memchr(text.p, '=', part);
        struct str key;

        CHECK(equals != NULL && equals > text.p);
        key = (struct str){ text.p, (size_t)(equals - text.p) };
        CHECK(before.n == 0 || str_cmp(before, key) < 0);
        before = key;
        part += bar == NULL ? 0 : 1;
        text = (struct str){ text.p + part, text.n - part };
    }
}

static void read_specifiers(struct str text, struct arena *arena)
{
    struct market_id id = { STR("sr:match:1"), 18, STR_NONE }, same = id;
    struct str once, twice;

    if (!specifiers_canonical(text, arena, &once))
        return;
    CHECK(once.n == text.n && once.n <= LIMIT_SPECIFIERS_BYTES);
    check_sorted(once);
    CHECK(specifiers_canonical(once, arena, &twice));
    CHECK(twice.p == once.p && twice.n == once.n);
    id.specifiers = once;
    same.specifiers = twice.n == 0 ? twice : arena_str(arena, twice);
    CHECK(market_id_equal(id, same) && market_key(id) == market_key(same));
}

static void read_decimal(struct str text, int decimals, int64_t max)
{
    int64_t scaled = -1, floored = -1, back = -1;
    enum decimal_result result = decimal_parse(text, decimals, max, &scaled);
    enum decimal_result cut = decimal_parse_floor(text, decimals, max, &floored);
    struct buf out;

    CHECK((result == DECIMAL_MALFORMED) == (cut == DECIMAL_MALFORMED));
    CHECK(cut != DECIMAL_TOO_PRECISE);
    CHECK(cut != DECIMAL_OK || (floored >= 0 && floored <= max));
    if (result != DECIMAL_OK)
        return;
    CHECK(cut == DECIMAL_OK && scaled == floored);
    buf_init(&out, TEXT_BYTES);
    buf_money(&out, scaled, decimals);
    CHECK(decimal_parse(buf_view(&out), decimals, max, &back) == DECIMAL_OK);
    CHECK(back == scaled);
    buf_fini(&out);
}

static void read_odds(struct str text)
{
    int64_t odds_e4, back;
    struct buf out;

    if (odds_parse(text, &odds_e4) != DECIMAL_OK)
        return;
    CHECK(odds_e4 >= ODDS_ONE_E4 && odds_e4 <= ODDS_MAX_E4);
    buf_init(&out, TEXT_BYTES);
    buf_odds(&out, odds_e4);
    CHECK(odds_parse(buf_view(&out), &back) == DECIMAL_OK && back == odds_e4);
    buf_fini(&out);
}

static void read_time(struct str text)
{
    int64_t ms, back;
    int year, month, day;
    struct buf out;

    if (clock_parse_date(text, &year, &month, &day))
        CHECK(clock_parse(text, &ms));
    if (!clock_parse(text, &ms))
        return;
    buf_init(&out, TEXT_BYTES);
    clock_format(&out, ms);
    CHECK(clock_parse(buf_view(&out), &back) && back == ms);
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = { (const char *)data, size };
    struct arena arena;

    arena_init(&arena, ARENA_BYTES);
    read_specifiers(text, &arena);
    for (int decimals = 0; decimals <= DECIMALS_MAX; decimals++)
        read_decimal(text, decimals, LIMIT_MINOR);
    read_decimal(text, 0, INT64_MAX);
    read_decimal(text, 12, INT64_MAX);
    read_odds(text);
    read_time(text);
    arena_fini(&arena);
    return 0;
}
