/*
 * overround grade: exact payouts of slips, one JSON object a line.
 *
 *   {"stake":"10.00","currency":"EUR","type":"system","system":[2,3],
 *    "legs":[{"odds":"1.95","result":"won","banker":true}, …]}
 *   -> {"lines":4,"odds":"3.80","payout":"38.02"}
 *
 * With a leg that is open, {"odds":"1.95","result":"open","odds_now":"1.50"},
 * the cash-out offer stands in the payout's place; "margin" is "0.05" if the
 * slip does not say.
 *   -> {"lines":1,"odds":"1.95","offer":"12.35"}
 *
 * A line that cannot be graded is answered with {"error":"…"}, and the rest
 * goes on.  No cap, and numbers of any size: a JSON number is put in quotes
 * before the line is parsed, so that none goes through a machine's integer
 * or floating point.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "cli/args.h"
#include "cli/cli.h"
#include "model/cashout.h"
#include "model/grade.h"

#define LINE_BYTES_MAX (1024 * 1024)
#define ARENA_BYTES_MAX (8 * LINE_BYTES_MAX)

/* One line's work; the memory is used again for the next. */
struct grader {
    struct buf line, quoted, out;
    struct arena arena;
    struct str error;
    struct slip slip;
    int64_t odds_now_e4[LIMIT_LEGS], margin_e4;
    bool open; /* a leg is: the offer is asked for */
    const struct currency *currency;
    mpz_t stake, odds, payout;
};

static bool fail(struct grader *g, struct str error)
{
    g->error = error;
    return false;
}

/* ---- lines ------------------------------------------------------------ */

enum line_result { LINE_OK, LINE_TOO_LONG, LINE_END };

/* The next line without its end, however long the bytes to be passed over. */
static enum line_result line_read(FILE *in, struct buf *line)
{
    int c;

    buf_reset(line);
    while ((c = getc_unlocked(in)) != EOF && c != '\n')
        buf_char(line, (char)c);
    if (c == EOF && line->n == 0 && !line->overflow)
        return LINE_END;
    return line->overflow ? LINE_TOO_LONG : LINE_OK;
}

static bool line_is_blank(struct str line)
{
    for (size_t i = 0; i < line.n; i++)
        if (strchr(" \t\r", line.p[i]) == NULL || line.p[i] == '\0')
            return false;
    return true;
}

static bool is_number_byte(char c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/* Copies JSON with its numbers in quotes. */
static void quote_numbers(struct str json, struct buf *out)
{
    bool in_string = false;

    buf_reset(out);
    for (size_t i = 0; i < json.n; i++) {
        char c = json.p[i];

        if (!in_string && (c == '-' || (c >= '0' && c <= '9'))) {
            buf_char(out, '"');
            while (i < json.n && is_number_byte(json.p[i]))
                buf_char(out, json.p[i++]);
            buf_char(out, '"');
            i--;
            continue;
        }
        buf_char(out, c);
        if (c == '"')
            in_string = !in_string;
        else if (in_string && c == '\\' && i + 1 < json.n)
            buf_char(out, json.p[++i]);
    }
}

/* ---- fields ----------------------------------------------------------- */

static const char *decimal_fault(enum decimal_result result)
{
    switch (result) {
    case DECIMAL_OK:
        return "is well";
    case DECIMAL_MALFORMED:
        return "is not a decimal number";
    case DECIMAL_TOO_PRECISE:
        return "has too many decimals";
    case DECIMAL_TOO_LARGE:
        return "is too large";
    }
    check_failed(__FILE__, __LINE__, "decimal_result is known");
}

/* A stake of any size, in minor units. */
static bool stake_take(struct grader *g, struct str text)
{
    const char *point = text.n == 0 ? NULL : memchr(text.p, '.', text.n);
    size_t whole = point == NULL ? text.n : (size_t)(point - text.p);
    size_t decimals = (size_t)g->currency->exponent;
    int64_t fraction = 0;
    mpz_t scale;
    char *digits;

    /* The part before the point has any length; "0" stands for it here. */
    if (whole == 0 || strspn(arena_cstr(&g->arena, text), "0123456789") != whole)
        return fail(g, STR("stake is not a decimal number"));
    if (point != NULL) {
        struct str rest = arena_printf(&g->arena, "0" STR_FMT, (int)(text.n - whole), point);
        enum decimal_result result = decimal_parse(rest, (int)decimals, INT64_MAX, &fraction);

        if (result != DECIMAL_OK)
            return fail(g, arena_printf(&g->arena, "stake %s: %s has %d", decimal_fault(result),
                                        g->currency->code, g->currency->exponent));
    }
    digits = arena_cstr(&g->arena, (struct str){ text.p, whole });
    CHECK(mpz_set_str(g->stake, digits, 10) == 0);
    mpz_init(scale);
    mpz_ui_pow_ui(scale, 10, decimals);
    mpz_mul(g->stake, g->stake, scale);
    mpz_add_ui(g->stake, g->stake, (unsigned long)fraction);
    mpz_clear(scale);
    return true;
}

static bool type_take(struct grader *g, struct str type)
{
    for (enum bet_type t = BET_SINGLE; t <= BET_SYSTEM; t++) {
        if (str_eq(type, str_of(bet_type_name(t)))) {
            g->slip.type = t;
            return true;
        }
    }
    if (type.n == 0 && g->slip.n_legs == 1 && g->slip.n_sizes == 0) {
        g->slip.type = BET_SINGLE;
        return true;
    }
    return fail(g, type.n == 0 ? STR("type is missing")
                               : STR("type must be single, multiple or system"));
}

static bool sizes_take(struct grader *g, const json_t *sizes)
{
    size_t n = json_array_size(sizes);

    g->slip.n_sizes = 0;
    if (n > LIMIT_LEGS)
        return fail(g, STR("system has more sizes than a slip has legs"));
    for (size_t i = 0; i < n; i++) {
        const char *text = json_string_value(json_array_get(sizes, i));
        int64_t size;

        if (text == NULL || decimal_parse(str_of(text), 0, LIMIT_LEGS, &size) != DECIMAL_OK)
            return fail(g, arena_printf(&g->arena, "system[%zu] must be a size from 1 to %d", i,
                                        LIMIT_LEGS));
        g->slip.sizes[g->slip.n_sizes++] = (uint32_t)size;
    }
    return true;
}

/* The words of the trade as result and void factor; dead heats come beside. */
static const struct {
    const char *name;
    int8_t result;
    int64_t void_e12;
} words[] = {
    { "won", 1, 0 },
    { "lost", 0, 0 },
    { "void", 0, FACTOR_ONE_E12 },
    { "half_won", 1, FACTOR_ONE_E12 / 2 },
    { "half_lost", 0, FACTOR_ONE_E12 / 2 },
};

/* An open leg is worth what its odds now say. */
static bool open_take(struct grader *g, struct str odds, size_t i, const char *where)
{
    enum decimal_result read = odds_parse(odds, &g->odds_now_e4[i]);

    if (odds.n == 0 || read != DECIMAL_OK)
        return fail(g, arena_printf(&g->arena, "%sodds_now of an open leg: from 1 to 100000000, "
                                               "four decimals", where));
    g->slip.legs[i].result = LEG_RESULT_OPEN;
    g->open = true;
    return true;
}

static bool result_take(struct str word, int64_t dead_heat_e12, struct leg_result *result)
{
    for (size_t i = 0; i < LENGTH(words); i++) {
        if (!str_eq(word, str_of(words[i].name)))
            continue;
        *result = leg_result_make(words[i].result, words[i].void_e12, dead_heat_e12);
        return true;
    }
    return false;
}

static bool leg_take(struct grader *g, json_t *json, size_t i)
{
    struct str odds = STR_NONE, result = STR_NONE, dead_heat = STR("1"), odds_now = STR("");
    const struct json_field fields[] = {
        { "odds", JSON_KIND_STRING, true, &odds },
        { "result", JSON_KIND_STRING, true, &result },
        { "dead_heat_factor", JSON_KIND_STRING, false, &dead_heat },
        { "odds_now", JSON_KIND_STRING, false, &odds_now },
        { "banker", JSON_KIND_BOOL, false, &g->slip.legs[i].banker },
    };
    struct leg *leg = &g->slip.legs[i];
    char where[32];
    int64_t dead_heat_e12;
    enum decimal_result read;

    *leg = (struct leg){ .odds_e4 = 0 };
    (void)snprintf(where, sizeof(where), "legs[%zu].", i);
    if (!json_fields(json, where, fields, LENGTH(fields), &g->arena, &g->error))
        return false;
    read = odds_parse(odds, &leg->odds_e4);
    if (read != DECIMAL_OK)
        return fail(g, arena_printf(&g->arena, "%sodds %s: from 1 to 100000000, four decimals",
                                    where, decimal_fault(read)));
    read = decimal_parse(dead_heat, 12, FACTOR_ONE_E12, &dead_heat_e12);
    if (read != DECIMAL_OK)
        return fail(g, arena_printf(&g->arena, "%sdead_heat_factor %s: from 0 to 1, 12 decimals",
                                    where, decimal_fault(read)));
    if (str_eq(result, STR("open")))
        return open_take(g, odds_now, i, where);
    if (!result_take(result, dead_heat_e12, &leg->result))
        return fail(g, arena_printf(&g->arena, "%sresult must be won, lost, void, half_won, "
                                               "half_lost or open", where));
    return true;
}

static bool legs_take(struct grader *g, const json_t *legs)
{
    size_t n = json_array_size(legs);

    if (n > LIMIT_LEGS)
        return fail(g, str_of(slip_fault_text(SLIP_TOO_MANY_LEGS)));
    for (size_t i = 0; i < n; i++)
        if (!leg_take(g, json_array_get(legs, i), i))
            return false;
    g->slip.n_legs = (uint32_t)n;
    return true;
}

/* "system": 2 is as good as [2]. */
static bool system_to_array(json_t *document)
{
    json_t *sizes = json_object_get(document, "system"), *array;

    if (!json_is_string(sizes))
        return true;
    array = json_array();
    return array != NULL && json_array_append(array, sizes) == 0 &&
           json_object_set_new(document, "system", array) == 0;
}

static bool document_take(struct grader *g, json_t *document)
{
    struct str stake = STR_NONE, currency = STR_NONE, type = STR_NONE, margin = STR("0.05");
    json_t *sizes = NULL, *legs = NULL;
    const struct json_field fields[] = {
        { "stake", JSON_KIND_STRING, true, &stake },
        { "currency", JSON_KIND_STRING, true, &currency },
        { "type", JSON_KIND_STRING, false, &type },
        { "system", JSON_KIND_ARRAY, false, &sizes },
        { "margin", JSON_KIND_STRING, false, &margin },
        { "legs", JSON_KIND_ARRAY, true, &legs },
    };
    enum slip_fault fault;

    g->open = false;
    CHECK(system_to_array(document)); /* out of memory */
    if (!json_fields(document, "", fields, LENGTH(fields), &g->arena, &g->error))
        return false;
    g->currency = currency_find(currency);
    if (g->currency == NULL)
        return fail(g, STR("currency is not one of ISO 4217's"));
    if (!stake_take(g, stake) || !sizes_take(g, sizes) || !legs_take(g, legs) ||
        !type_take(g, type))
        return false;
    if (decimal_parse(margin, 4, MARGIN_ONE_E4, &g->margin_e4) != DECIMAL_OK)
        return fail(g, STR("margin must be from 0 to 1, four decimals"));
    if (g->open && !mpz_fits_slong_p(g->stake))
        return fail(g, STR("stake is too large to be cashed out"));
    fault = slip_check(&g->slip);
    return fault == SLIP_OK || fail(g, str_of(slip_fault_text(fault)));
}

/* ---- answers ---------------------------------------------------------- */

/* scaled / 10^decimals as a decimal; zeros beyond `least` decimals are cut. */
static void decimal_put(struct buf *out, const mpz_t scaled, size_t decimals, size_t least)
{
    char *digits = mpz_get_str(NULL, 10, scaled);
    size_t n = strlen(digits), whole = n > decimals ? n - decimals : 0;
    size_t shown = decimals;

    CHECK(mpz_sgn(scaled) >= 0);
    while (shown > least && (n <= decimals - shown || digits[n - 1 - (decimals - shown)] == '0'))
        shown--;
    if (whole == 0)
        buf_char(out, '0');
    buf_put(out, digits, whole);
    if (shown > 0)
        buf_char(out, '.');
    for (size_t i = 0; i < shown; i++) {
        /* The i-th decimal stands n - decimals + i digits from the left. */
        size_t at = n + i;
        buf_char(out, at < decimals ? '0' : digits[at - decimals]);
    }
    free(digits);
}

static void answer(struct grader *g)
{
    struct buf *out = &g->out;

    buf_str(out, STR("{\"lines\":"));
    buf_int(out, slip_lines(&g->slip));
    buf_str(out, STR(",\"odds\":\""));
    grade_odds_e4(&g->slip, g->odds);
    decimal_put(out, g->odds, 4, 2);
    buf_str(out, g->open ? STR("\",\"offer\":\"") : STR("\",\"payout\":\""));
    if (g->open)
        mpz_set_si(g->payout, cashout_offer(&g->slip, g->odds_now_e4, mpz_get_si(g->stake),
                                            g->margin_e4));
    else
        grade_exact(&g->slip, g->stake, g->payout);
    decimal_put(out, g->payout, (size_t)g->currency->exponent, (size_t)g->currency->exponent);
    buf_str(out, STR("\"}\n"));
}

/* Whatever a stranger's bytes made of the message, the answer is JSON. */
static void answer_error(struct grader *g)
{
    struct jw w = jw_to(&g->out);
    char *text = arena_cstr(&g->arena, g->error);

    for (char *at = text; *at != '\0'; at++)
        if ((unsigned char)*at >= 0x80)
            *at = '?';
    jw_object(&w);
    jw_key(&w, "error");
    jw_str(&w, str_of(text));
    jw_object_end(&w);
    buf_char(&g->out, '\n');
}

static bool line_grade(struct grader *g)
{
    json_error_t fault;
    json_t *document;
    bool ok;

    quote_numbers(buf_view(&g->line), &g->quoted);
    CHECK(!g->quoted.overflow);
    document = json_loadb(g->quoted.p, g->quoted.n, JSON_REJECT_DUPLICATES, &fault);
    if (document == NULL)
        return fail(g, arena_printf(&g->arena, "not JSON: %s", fault.text));
    ok = json_is_object(document) ? document_take(g, document)
                                  : fail(g, STR("the line must be a JSON object"));
    if (ok)
        answer(g);
    json_decref(document);
    return ok;
}

/* False: stdout does not take it. */
static bool lines_grade(struct grader *g, FILE *in, FILE *out)
{
    enum line_result read;

    while ((read = line_read(in, &g->line)) != LINE_END) {
        if (read == LINE_OK && line_is_blank(buf_view(&g->line)))
            continue;
        arena_reset(&g->arena);
        buf_reset(&g->out);
        if (read == LINE_TOO_LONG) {
            g->error = STR("the line is longer than 1 MiB");
            answer_error(g);
        } else if (!line_grade(g)) {
            answer_error(g);
        }
        CHECK(!g->out.overflow);
        if (fwrite(g->out.p, 1, g->out.n, out) != g->out.n)
            return false;
    }
    return fflush(out) == 0;
}

static void grader_init(struct grader *g)
{
    buf_init(&g->line, LINE_BYTES_MAX);
    buf_init(&g->quoted, 4 * LINE_BYTES_MAX);
    buf_init(&g->out, 4 * LINE_BYTES_MAX);
    arena_init(&g->arena, ARENA_BYTES_MAX);
    mpz_inits(g->stake, g->odds, g->payout, NULL);
}

static void grader_fini(struct grader *g)
{
    mpz_clears(g->stake, g->odds, g->payout, NULL);
    arena_fini(&g->arena);
    buf_fini(&g->out);
    buf_fini(&g->quoted);
    buf_fini(&g->line);
}

int cli_grade(int argc, char **argv)
{
    const struct args args = {
        .command = "grade",
        .usage = "usage: overround grade < slips.jsonl   (one JSON slip a line)\n",
    };
    struct grader g = { .currency = NULL };
    int exit_code = args_read(&args, argc, argv);
    bool ok;

    if (exit_code != ARGS_WELL)
        return exit_code;
    grader_init(&g);
    ok = lines_grade(&g, stdin, stdout);
    if (ferror(stdin) || !ok)
        (void)fprintf(stderr, "overround grade: cannot %s\n", ok ? "read stdin" : "write stdout");
    ok = ok && !ferror(stdin);
    grader_fini(&g);
    return ok ? 0 : 1;
}
