/* Which countries a house takes bets from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "model/country.h"

static bool read_rules(struct country_rules *rules, const char *allowed, const char *refused)
{
    static struct arena arena;
    struct str error = STR_NONE;
    bool well;

    arena_init(&arena, 4096);
    well = country_rules_read(rules, str_of(allowed), str_of(refused), &arena, &error);
    assert_int_equal(well, error.n == 0);
    arena_fini(&arena);
    return well;
}

static void the_list_is_iso_3166(void **state)
{
    (void)state;
    assert_true(country_is_code(STR("AD")));
    assert_true(country_is_code(STR("MT")));
    assert_true(country_is_code(STR("ZW")));
    assert_false(country_is_code(STR("XX")));
    assert_false(country_is_code(STR("UK")));
    assert_false(country_is_code(STR("mt")));
    assert_false(country_is_code(STR("D ")));
    assert_false(country_is_code(STR("")));
    assert_false(country_is_code(STR("MLT")));
}

static void refused_beats_allowed(void **state)
{
    static const struct {
        const char *allowed, *refused, *code;
        bool is_allowed;
    } cases[] = {
        { "", "", "MT", true },       { "", "", "XX", true },
        { "", "US,FR", "US", false }, { "", "US,FR", "FR", false },
        { "", "US, FR", "FR", false }, { "", "US,FR", "MT", true },
        { "MT,DE", "", "MT", true },  { "MT,DE", "", "FR", false },
        { "MT,DE", "", "XX", false }, { "MT,XX", "", "XX", true },
        { "", "XX", "XX", false },    { "MT", "MT", "MT", false },
        { "ZW", "", "ZW", true },     { "AD,ZW", "", "AE", false },
        { "", "AD", "AD", false },    { "", "", "m1", false },
        { "", "", "", false },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct country_rules rules;

        assert_true(read_rules(&rules, cases[i].allowed, cases[i].refused));
        assert_int_equal(country_is_allowed(&rules, str_of(cases[i].code)),
                         cases[i].is_allowed);
    }
}

static void a_list_of_anything_else_is_wrong(void **state)
{
    static const char *const lists[] = { "UK", "MT,", "MT,,DE", "mt", "MT;DE", "MTDE", "*", " " };
    struct country_rules rules;

    (void)state;
    for (size_t i = 0; i < LENGTH(lists); i++) {
        assert_false(read_rules(&rules, lists[i], ""));
        assert_false(read_rules(&rules, "", lists[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_is_iso_3166),
        cmocka_unit_test(refused_beats_allowed),
        cmocka_unit_test(a_list_of_anything_else_is_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
