/* model/refusal: the table, row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/check.h"
#include "model/refusal.h"

/* The contract's order: permanent before transient. */
static void the_ladder_keeps_its_order(void **state)
{
    static const struct {
        int status;
        const char *code;
    } rungs[] = {
        { 400, "malformed" },
        { 400, "key_missing" },
        { 401, "unauthorized" },
        { 403, "excluded" },
        { 451, "country_refused" },
        { 403, "country_unsigned" },
        { 422, "key_reused" },
        { 422, "stake_too_small" },
        { 422, "stake_too_large" },
        { 422, "unknown_selection" },
        { 422, "related_legs" },
        { 422, "limit_reached" },
        { 409, "market_closed" },
        { 409, "market_suspended" },
        { 409, "odds_changed" },
        { 422, "payout_too_large" },
        { 422, "insufficient_funds" },
        { 429, "too_many_requests" },
        { 503, "busy" },
    };
    unsigned n;
    const struct refusal_info *table = refusal_table(&n);

    (void)state;
    assert_true(n >= LENGTH(rungs));
    for (size_t i = 0; i < LENGTH(rungs); i++) {
        assert_string_equal(table[i].code, rungs[i].code);
        assert_int_equal(table[i].status, rungs[i].status);
    }
}

static void every_member_has_its_row(void **state)
{
    unsigned n;
    const struct refusal_info *table = refusal_table(&n);

    (void)state;
    for (unsigned i = 0; i < n; i++) {
        assert_ptr_equal(refusal_info(table[i].refusal), &table[i]);
        assert_true(table[i].title[0] != '\0');
        assert_true(table[i].status >= 400 && table[i].status < 600);
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
        cmocka_unit_test(every_member_has_its_row),
        cmocka_unit_test(rule_11_401_429_and_503_are_never_verdicts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
