/* roles: which go together in a process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "roles.h"

#define PG STR("postgres://u@h/d")

static void all_in_one(void **state)
{
    struct roles roles;
    struct str error;

    (void)state;
    assert_true(roles_parse(&roles, STR("feed,odds,bets,settle,web"), STR("sqlite:x"), &error));
    assert_true(roles.feed && roles.book);
    assert_true(roles_parse(&roles, STR("web,settle,feed,bets,odds"), PG, &error));
    assert_true(roles.feed && roles.book);
}

static void feed_apart(void **state)
{
    struct roles roles;
    struct str error;

    (void)state;
    assert_true(roles_parse(&roles, STR("feed"), PG, &error));
    assert_true(roles.feed && !roles.book);
    assert_true(roles_parse(&roles, STR("odds,bets,settle,web"), PG, &error));
    assert_true(!roles.feed && roles.book);
}

static void others_are_refused(void **state)
{
    static const char *const wrong[] = { "", "bets", "feed,odds", "feeds", "feed,,odds", "Feed" };
    struct roles roles;
    struct str error;

    (void)state;
    for (size_t i = 0; i < LENGTH(wrong); i++)
        assert_false(roles_parse(&roles, str_of(wrong[i]), PG, &error));
    assert_false(roles_parse(&roles, STR("feed"), STR("sqlite:x"), &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_in_one),
        cmocka_unit_test(feed_apart),
        cmocka_unit_test(others_are_refused),
    };

    return cmocka_run_group_tests_name("roles", tests, NULL, NULL);
}
