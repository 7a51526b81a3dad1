/* model/refusal: the table, row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/check.h"
#include "model/refusal.h"

/* Of these each comes before the next, whatever stands between them. */
static void the_ladder_keeps_its_order(void **state)
{
    static const enum refusal rungs[] = {
        REFUSE_MALFORMED, REFUSE_KEY_MISSING, REFUSE_UNAUTHORIZED, REFUSE_EXCLUDED,
        REFUSE_COUNTRY_REFUSED, REFUSE_COUNTRY_UNSIGNED, REFUSE_KEY_REUSED,
        REFUSE_STAKE_TOO_SMALL, REFUSE_STAKE_TOO_LARGE, REFUSE_UNKNOWN_SELECTION,
        REFUSE_RELATED_LEGS, REFUSE_LIMIT_REACHED, REFUSE_MARKET_CLOSED,
        REFUSE_MARKET_SUSPENDED, REFUSE_ODDS_CHANGED, REFUSE_PAYOUT_TOO_LARGE,
        REFUSE_INSUFFICIENT_FUNDS, REFUSE_TOO_MANY_REQUESTS, REFUSE_BUSY, REFUSE_DECLINED,
        REFUSE_NOTHING,
    };
    enum refusal_rank last = RANK_NONE;

    (void)state;
    for (size_t i = 0; i < LENGTH(rungs); i++) {
        assert_true(refusal_rank(rungs[i]) > last);
        last = refusal_rank(rungs[i]);
    }
}

/* Verdicts are in stores: an id that means something else rewrites the past. */
static void the_ids_of_verdicts_stay(void **state)
{
    static const struct {
        int id;
        const char *code;
    } stored[] = {
        { 4, "excluded" },           { 6, "stake_too_small" },
        { 7, "stake_too_large" },    { 8, "unknown_selection" },
        { 9, "related_legs" },       { 10, "limit_reached" },
        { 11, "market_closed" },     { 12, "market_suspended" },
        { 13, "odds_changed" },      { 14, "payout_too_large" },
        { 15, "insufficient_funds" }, { 28, "cashout_moved" },
        { 29, "cashout_unavailable" }, { 30, "bet_closed" },
        { 32, "declined" },          { 34, "country_refused" },
        { 35, "country_unsigned" },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(stored); i++) {
        assert_true(refusal_is_verdict(stored[i].id));
        assert_string_equal(refusal_info((enum refusal)stored[i].id)->code, stored[i].code);
    }
    assert_true(refusal_is_verdict(REFUSE_NOTHING));
    assert_false(refusal_is_verdict(REFUSE_BUSY));
    assert_false(refusal_is_verdict(-1));
    assert_false(refusal_is_verdict(36)); /* never given */
    assert_false(refusal_is_verdict(INT64_MAX));
}

/* "maximum kind? period?": words of small letters, each once. */
static void the_members_are_names(void **state)
{
    unsigned n;
    const struct refusal_info *table = refusal_table(&n);

    (void)state;
    for (unsigned i = 0; i < n; i++) {
        const char *at = table[i].members;

        while (*at != '\0') {
            size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz_");

            assert_true(length > 0);
            at += length;
            at += *at == '?';
            if (*at == ' ')
                at++;
            else
                assert_int_equal(*at, '\0');
        }
    }
}

static void every_refusal_has_its_row(void **state)
{
    unsigned n;
    const struct refusal_info *table = refusal_table(&n);

    (void)state;
    for (unsigned i = 0; i < n; i++) {
        assert_ptr_equal(refusal_info(table[i].refusal), &table[i]);
        assert_int_equal(refusal_rank(table[i].refusal), i + 1);
        assert_true(refusal_sentence(table[i].refusal).n > 0);
        for (unsigned k = 0; k < i; k++) {
            assert_int_not_equal(table[k].refusal, table[i].refusal);
            assert_string_not_equal(table[k].code, table[i].code);
        }
    }
    assert_non_null(refusal_info(REFUSE_NOTHING));
    assert_int_equal(refusal_info(REFUSE_NOTHING)->refusal, REFUSE_NOTHING);
}

static void rule_11_401_429_and_503_are_never_verdicts(void **state)
{
    unsigned n;
    const struct refusal_info *table = refusal_table(&n);

    (void)state;
    for (unsigned i = 0; i < n; i++)
        if (table[i].status == 401 || table[i].status == 429 || table[i].status == 503)
            assert_false(table[i].is_verdict);
    assert_true(refusal_info(REFUSE_ODDS_CHANGED)->is_verdict);
    assert_true(refusal_info(REFUSE_INSUFFICIENT_FUNDS)->is_verdict);
    assert_false(refusal_info(REFUSE_MALFORMED)->is_verdict);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ladder_keeps_its_order),
        cmocka_unit_test(the_ids_of_verdicts_stay),
        cmocka_unit_test(the_members_are_names),
        cmocka_unit_test(every_refusal_has_its_row),
        cmocka_unit_test(rule_11_401_429_and_503_are_never_verdicts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
