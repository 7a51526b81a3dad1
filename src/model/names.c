/*
 * Templates of names.  Numbers stay text: a handicap is negated by its sign,
 * so that "0.25" never meets floating point.
 */
#include "model/names.h"

#include "base/buf.h"

#define NAME_FILLED_MAX 4096
#define DIGITS_MAX 15

static bool specifier_find(struct str specifiers, struct str key, struct str *value)
{
    size_t from = 0;

    while (from < specifiers.n) {
        const char *start = specifiers.p + from;
        const char *bar = memchr(start, '|', specifiers.n - from);
        size_t n = bar == NULL ? specifiers.n - from : (size_t)(bar - start);

        if (n > key.n && start[key.n] == '=' && memcmp(start, key.p, key.n) == 0) {
            *value = (struct str){ start + key.n + 1, n - key.n - 1 };
            return true;
        }
        from += n + 1;
    }
    return false;
}

static struct str str_behind(struct str s, size_t n)
{
    CHECK(n <= s.n);
    return (struct str){ s.p + n, s.n - n };
}

static bool whole_number(struct str text, int64_t *value)
{
    bool negative = text.n > 0 && text.p[0] == '-';
    struct str digits = negative ? str_behind(text, 1) : text;
    int64_t n = 0;

    if (digits.n == 0 || digits.n > DIGITS_MAX)
        return false;
    for (size_t i = 0; i < digits.n; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9')
            return false;
        n = n * 10 + (digits.p[i] - '0');
    }
    CHECK(n >= 0);
    *value = negative ? -n : n;
    return true;
}

static bool is_decimal(struct str text)
{
    bool digit = false, point = false;

    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] >= '0' && text.p[i] <= '9')
            digit = true;
        else if (text.p[i] == '.' && !point)
            point = true;
        else
            return false;
    return digit;
}

static bool is_zero(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '0' && text.p[i] != '.')
            return false;
    return true;
}

/* Scores such as "0:1" bear no sign and stay what they are. */
static void put_signed(struct buf *out, struct str value, bool negate)
{
    bool negative = value.n > 0 && value.p[0] == '-';
    bool has_sign = negative || (value.n > 0 && value.p[0] == '+');
    struct str amount = has_sign ? str_behind(value, 1) : value;

    if (!is_decimal(amount)) {
        buf_str(out, value);
        return;
    }
    if (!is_zero(amount))
        buf_char(out, negative != negate ? '-' : '+');
    buf_str(out, amount);
}

static bool put_ordinal(struct buf *out, struct str value)
{
    static const char *const endings[] = { "th", "st", "nd", "rd" };
    int64_t n;

    if (!whole_number(value, &n) || n < 0)
        return false;
    buf_int(out, n);
    if (n % 10 > 3 || (n % 100 >= 11 && n % 100 <= 13))
        buf_str(out, STR("th"));
    else
        buf_str(out, str_of(endings[n % 10]));
    return true;
}

/* "(minute-1)" or a plain key, as text; a computed number lies in `number`. */
static bool expression(struct str text, const struct name_context *context,
                       struct buf *number, struct str *value)
{
    int64_t a, b;
    size_t at;

    if (text.n == 0 || text.p[0] != '(')
        return specifier_find(context->specifiers, text, value);
    if (text.p[text.n - 1] != ')')
        return false;
    text = (struct str){ text.p + 1, text.n - 2 };
    for (at = 0; at < text.n && text.p[at] != '+' && text.p[at] != '-'; at++)
        ;
    if (at == text.n || !whole_number(str_behind(text, at + 1), &b) || b < 0)
        return false;
    if (!specifier_find(context->specifiers, (struct str){ text.p, at }, value) ||
        !whole_number(*value, &a))
        return false;
    buf_reset(number);
    buf_int(number, text.p[at] == '+' ? a + b : a - b);
    *value = buf_view(number);
    return true;
}

static bool put_role(struct buf *out, struct str role, const struct name_context *context)
{
    struct str name = STR_NONE;

    if (str_eq(role, STR("competitor1")))
        name = context->home;
    else if (str_eq(role, STR("competitor2")))
        name = context->away;
    else if (str_eq(role, STR("event")) && context->home.n > 0 && context->away.n > 0) {
        buf_str(out, context->home);
        buf_str(out, STR(" - "));
        name = context->away;
    } else if (str_eq(role, STR("event")))
        name = context->tournament;
    buf_str(out, name);
    return name.n > 0;
}

struct str name_of_id(struct str id, const struct name_context *context)
{
    if (id.n > 0 && str_eq(id, context->home_id) && context->home.n > 0)
        return context->home;
    if (id.n > 0 && str_eq(id, context->away_id) && context->away.n > 0)
        return context->away;
    return id;
}

/* What stands between the braces. */
static bool put_field(struct buf *out, struct str field, const struct name_context *context,
                      struct buf *number)
{
    char mark = field.n > 0 ? field.p[0] : '\0';
    bool marked = mark != '\0' && strchr("!+-%$", mark) != NULL;
    struct str value;

    if (mark == '$')
        return put_role(out, str_behind(field, 1), context);
    if (!expression(marked ? str_behind(field, 1) : field, context, number, &value))
        return false;
    if (mark == '!')
        return put_ordinal(out, value);
    if (mark == '+' || mark == '-')
        put_signed(out, value, mark == '-');
    else
        buf_str(out, mark == '%' ? name_of_id(value, context) : value);
    return true;
}

static bool fill(struct str template, const struct name_context *context, struct buf *out,
                 struct buf *number)
{
    while (template.n > 0) {
        const char *open = memchr(template.p, '{', template.n);
        size_t plain = open == NULL ? template.n : (size_t)(open - template.p);
        const char *close;

        buf_str(out, (struct str){ template.p, plain });
        template = str_behind(template, plain);
        if (template.n == 0)
            break;
        close = memchr(template.p, '}', template.n);
        if (close == NULL)
            return false;
        CHECK(close > template.p); /* it stands behind the open brace */
        plain = (size_t)(close - template.p);
        if (!put_field(out, (struct str){ template.p + 1, plain - 1 }, context, number))
            return false;
        template = str_behind(template, plain + 1);
    }
    return !out->overflow;
}

bool name_fill(struct str template, const struct name_context *context, struct arena *arena,
               struct str *name)
{
    struct buf out, number;
    bool filled;

    buf_init(&out, NAME_FILLED_MAX);
    buf_init(&number, 32);
    filled = fill(template, context, &out, &number) && out.n > 0;
    CHECK(!filled || (!out.overflow && out.n <= NAME_FILLED_MAX));
    CHECK(!number.overflow); /* two numbers of 15 digits, added */
    if (filled)
        *name = arena_str(arena, buf_view(&out));
    buf_fini(&number);
    buf_fini(&out);
    return filled;
}
