/*
 * Market identity: canonical specifiers (RULES.md 22) and the stable key.
 */
#include "model/market.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/map.h"

/* The shortest part is "k=" with its bar. */
#define PARTS_MAX (LIMIT_SPECIFIERS_BYTES / 3 + 1)
#define MARKET_DIGITS_MAX 10

struct specifier {
    struct str text, key;
};

/* Control bytes could counterfeit the separator of market_key(). */
static bool is_printable(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
            return false;
    return true;
}

static bool specifier_read(struct str text, struct specifier *part)
{
    const char *equals = text.n == 0 ? NULL : memchr(text.p, '=', text.n);

    if (equals == NULL || equals == text.p)
        return false;
    part->text = text;
    part->key = (struct str){ text.p, (size_t)(equals - text.p) };
    return true;
}

/* Keeps parts[0..n] sorted by key.  False: that key is there already. */
static bool specifier_insert(struct specifier *parts, size_t n, struct specifier part, bool *moved)
{
    size_t at = n;

    while (at > 0 && str_cmp(parts[at - 1].key, part.key) > 0) {
        parts[at] = parts[at - 1];
        at--;
    }
    if (at > 0 && str_eq(parts[at - 1].key, part.key))
        return false;
    CHECK(at <= n);
    parts[at] = part;
    *moved = *moved || at != n;
    return true;
}

static struct str specifiers_join(const struct specifier *parts, size_t n, size_t bytes,
                             struct arena *arena)
{
    char *text = arena_alloc(arena, bytes), *at = text;

    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            *at++ = '|';
        memcpy(at, parts[i].text.p, parts[i].text.n);
        at += parts[i].text.n;
    }
    CHECK(at == text + bytes);
    return (struct str){ text, bytes };
}

bool specifiers_canonical(struct str text, struct arena *arena, struct str *canonical)
{
    struct specifier parts[PARTS_MAX], part;
    size_t n = 0, from = 0;
    bool moved = false;

    if (text.n > LIMIT_SPECIFIERS_BYTES || !is_printable(text))
        return false;
    if (text.n == 0) {
        *canonical = STR_NONE;
        return true;
    }
    while (from <= text.n) {
        const char *bar = from == text.n ? NULL : memchr(text.p + from, '|', text.n - from);
        size_t end = bar == NULL ? text.n : (size_t)(bar - text.p);

        if (!specifier_read((struct str){ text.p + from, end - from }, &part))
            return false;
        CHECK(n < PARTS_MAX);
        if (!specifier_insert(parts, n++, part, &moved))
            return false;
        from = end + 1;
    }
    *canonical = moved ? specifiers_join(parts, n, text.n, arena) : text;
    CHECK(canonical->n == text.n && from == text.n + 1); /* reordered, nothing else */
    return true;
}

bool id_is_well(struct str id)
{
    return id.n >= 1 && id.n <= LIMIT_ID_BYTES && is_printable(id);
}

bool market_parse(struct str text, uint32_t *market)
{
    uint64_t n = 0;

    if (text.n == 0 || text.n > MARKET_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(text.p[i] - '0');
    }
    if (n > UINT32_MAX)
        return false;
    *market = (uint32_t)n;
    return true;
}

bool market_id_equal(struct market_id a, struct market_id b)
{
    return a.market == b.market && str_eq(a.event, b.event) && str_eq(a.specifiers, b.specifiers);
}

/* Any length: the caller may ask for an id that no feed ever named. */
int64_t market_key(struct market_id id)
{
    struct buf text;
    int64_t key;

    buf_init(&text, id.event.n + id.specifiers.n + 16);
    buf_str(&text, id.event);
    buf_char(&text, '\x1f');
    buf_int(&text, id.market);
    buf_char(&text, '\x1f');
    buf_str(&text, id.specifiers);
    CHECK(!text.overflow);
    key = (int64_t)hash_stable(buf_view(&text));
    buf_fini(&text);
    return key;
}
