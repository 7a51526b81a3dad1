/*
 * Slip read: see slip_read.h.  Settlement decodes a million slips after one
 * whistle; this takes a small part of what the JSON reader takes.
 */
#include "settle/slip_read.h"

#include "base/text.h"

/* Up to the closing quote, which is taken too; no escapes, nothing that
 * JSON would refuse, and ASCII only. */
static bool take_text(struct str *text, size_t most, struct str *value)
{
    size_t n = 0;

    while (n < text->n && text->p[n] != '"') {
        unsigned char c = (unsigned char)text->p[n];

        if (c == '\\' || c < 0x20 || c >= 0x80 || ++n > most)
            return false;
    }
    if (n == text->n)
        return false;
    CHECK(n < text->n && n <= most);
    *value = (struct str){ text->p, n };
    text->p += n + 1;
    text->n -= n + 1;
    return true;
}

/* Digits without a leading zero, at most 13 of them. */
static bool take_number(struct str *text, int64_t *value)
{
    size_t n = 0;

    *value = 0;
    while (n < text->n && text->p[n] >= '0' && text->p[n] <= '9') {
        if (++n > 13)
            return false;
        *value = *value * 10 + (text->p[n - 1] - '0');
    }
    if (n == 0 || (n > 1 && text->p[0] == '0'))
        return false;
    CHECK(n <= text->n && *value >= 0);
    text->p += n;
    text->n -= n;
    return true;
}

static bool take_type(struct str *text, struct slip *slip)
{
    slip->type = text_skip(text, STR("{\"type\":\"single\",")) ? BET_SINGLE
               : text_skip(text, STR("{\"type\":\"multiple\",")) ? BET_MULTIPLE
               : text_skip(text, STR("{\"type\":\"system\",")) ? BET_SYSTEM : 0;
    return slip->type != 0;
}

static bool take_sizes(struct str *text, struct slip *slip)
{
    if (!text_skip(text, STR("\"sizes\":[")))
        return true;
    do {
        int64_t size;

        if (slip->n_sizes == LIMIT_LEGS || !take_number(text, &size) || size < 1 ||
            size > LIMIT_LEGS)
            return false;
        slip->sizes[slip->n_sizes++] = (uint32_t)size;
    } while (text_skip(text, STR(",")));
    return text_skip(text, STR("],"));
}

static bool take_accept(struct str *text, struct slip *slip)
{
    if (text_skip(text, STR("\"accept\":\"any\",")))
        slip->accept = ACCEPT_ANY;
    else if (text_skip(text, STR("\"accept\":\"higher\",")))
        slip->accept = ACCEPT_HIGHER;
    else
        return text_skip(text, STR("\"accept\":\"none\","));
    return true;
}

static bool take_leg(struct str *text, struct leg *leg)
{
    int64_t market;

    *leg = (struct leg){ .result = LEG_RESULT_OPEN };
    if (!text_skip(text, STR("{\"event\":\"")) ||
        !take_text(text, LIMIT_ID_BYTES, &leg->market.event) ||
        !text_skip(text, STR(",\"market\":")) || !take_number(text, &market) ||
        !text_skip(text, STR(",\"specifiers\":\"")) ||
        !take_text(text, LIMIT_SPECIFIERS_BYTES, &leg->market.specifiers) ||
        !text_skip(text, STR(",\"outcome\":\"")) ||
        !take_text(text, LIMIT_ID_BYTES, &leg->outcome) ||
        !text_skip(text, STR(",\"odds_e4\":")) || !take_number(text, &leg->odds_e4) ||
        !text_skip(text, STR(",\"banker\":")))
        return false;
    leg->banker = text_skip(text, STR("true"));
    if (!leg->banker && !text_skip(text, STR("false")))
        return false;
    leg->market.market = (uint32_t)market;
    return text_skip(text, STR("}")) && market <= UINT32_MAX && leg->market.event.n > 0 &&
           leg->outcome.n > 0 && leg->odds_e4 >= ODDS_ONE_E4 && leg->odds_e4 <= ODDS_MAX_E4;
}

static bool take_legs(struct str *text, struct slip *slip)
{
    if (!text_skip(text, STR("\"legs\":[")))
        return false;
    do {
        if (slip->n_legs == LIMIT_LEGS || !take_leg(text, &slip->legs[slip->n_legs]))
            return false;
        slip->n_legs++;
    } while (text_skip(text, STR(",")));
    return text_skip(text, STR("]}"));
}

/* That the JSON reader takes the same out of it. */
static bool reads_alike(struct str text, struct arena *arena, const struct slip *slip)
{
    struct slip other = { 0 };
    bool same = slip_decode(text, arena, &other) && other.type == slip->type &&
                other.accept == slip->accept && other.n_sizes == slip->n_sizes &&
                other.n_legs == slip->n_legs;

    for (uint32_t i = 0; same && i < slip->n_sizes; i++)
        same = other.sizes[i] == slip->sizes[i];
    for (uint32_t i = 0; same && i < slip->n_legs; i++) {
        const struct leg *a = &other.legs[i], *b = &slip->legs[i];

        same = market_id_equal(a->market, b->market) && str_eq(a->outcome, b->outcome) &&
               a->odds_e4 == b->odds_e4 && a->banker == b->banker;
    }
    return same;
}

bool slip_read_stored(struct str text, struct arena *arena, struct slip *slip)
{
    struct str rest = text;

    slip->n_sizes = slip->n_legs = 0;
    slip->accept = ACCEPT_NONE;
    if (take_type(&rest, slip) && take_sizes(&rest, slip) && take_accept(&rest, slip) &&
        take_legs(&rest, slip) && rest.n == 0 && slip_check(slip) == SLIP_OK) {
        CHECK_DEAR(reads_alike(text, arena, slip));
        return true;
    }
    return slip_decode(text, arena, slip);
}
