/* played: which go together in a process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve/played.h"

#define PG STR("postgres://u@h/d")
#define LOCAL STR("local")
#define KAFKA STR("kafka://127.0.0.1:9092/x")

static void all_in_one(void **state)
{
    struct played played;
    struct str error;

    (void)state;
    assert_true(played_parse(&played, STR("feed,odds,bets,settle,web"), STR("sqlite:x"), LOCAL,
                            &error));
    assert_true(played.feed && played.book);
    assert_true(played_parse(&played, STR("web,settle,feed,bets,odds"), PG, LOCAL, &error));
    assert_true(played.feed && played.book);
}

static void feed_apart(void **state)
{
    struct played played;
    struct str error;

    (void)state;
    assert_true(played_parse(&played, STR("feed"), PG, LOCAL, &error));
    assert_true(played.feed && !played.book);
    assert_true(played_parse(&played, STR("odds,bets,settle,web"), PG, LOCAL, &error));
    assert_true(!played.feed && played.book);
}

static void others_are_refused(void **state)
{
    static const char *const wrong[] = { "", "bets", "feed,odds", "feeds", "feed,,odds", "Feed" };
    struct played played;
    struct str error;

    (void)state;
    for (size_t i = 0; i < LENGTH(wrong); i++)
        assert_false(played_parse(&played, str_of(wrong[i]), PG, LOCAL, &error));
    assert_false(played_parse(&played, STR("feed"), STR("sqlite:x"), LOCAL, &error));
}

static void any_on_kafka(void **state)
{
    static const char *const some[] = {
        "feed", "odds", "bets,web", "settle", "feed,odds,bets,settle,web",
    };
    struct played played;
    struct str error;

    (void)state;
    for (size_t i = 0; i < LENGTH(some); i++) {
        assert_true(played_parse(&played, str_of(some[i]), PG, KAFKA, &error));
        assert_true(played.bus && !played.book && played.shared);
    }
    assert_true(played_parse(&played, STR("bets,settle"), PG, KAFKA, &error));
    assert_true(played.bets && played.settle && !played.feed && !played.odds && !played.web);
    assert_true(played_is_public(&played));
    assert_true(played_parse(&played, STR("odds,settle"), PG, KAFKA, &error));
    assert_false(played_is_public(&played));
    assert_false(played_parse(&played, STR("odds,settles"), PG, KAFKA, &error));
    assert_false(played_parse(&played, STR("feed,odds,bets,settle,web"), STR("sqlite:x"), KAFKA,
                             &error));
    assert_false(played_parse(&played, STR("feed"), PG, STR("rabbit://x"), &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_in_one),
        cmocka_unit_test(feed_apart),
        cmocka_unit_test(others_are_refused),
        cmocka_unit_test(any_on_kafka),
    };

    return cmocka_run_group_tests_name("roles", tests, NULL, NULL);
}
