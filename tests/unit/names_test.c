/* model/names: templates of market and outcome names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/names.h"

#define HCP "hcp=-0.25|inningnr=2|mapnr=21|minute=10|player=sr:player:7|server=sr:competitor:2"

static const struct { const char *template, *specifiers, *name; } names[] = {
    { "1x2", "", "1x2" },
    { "over {total}", "total=2.5", "over 2.5" },
    { "{total}{total}", "total=2.5", "2.52.5" },
    /* signs */
    { "{$competitor1} ({+hcp})", HCP, "Ajax (-0.25)" },
    { "{$competitor2} ({-hcp})", HCP, "Spurs (+0.25)" },
    { "{+hcp}/{-hcp}", "hcp=1.5", "+1.5/-1.5" },
    { "{+hcp}/{-hcp}", "hcp=+1", "+1/-1" },
    { "{+hcp}/{-hcp}", "hcp=0.0", "0.0/0.0" },
    { "{hcp}/{+hcp}/{-hcp}", "hcp=0:1", "0:1/0:1/0:1" },
    /* ordinals */
    { "{!inningnr} inning", HCP, "2nd inning" },
    { "{!mapnr} map", HCP, "21st map" },
    { "{!n}", "n=1", "1st" },
    { "{!n}", "n=3", "3rd" },
    { "{!n}", "n=4", "4th" },
    { "{!n}", "n=11", "11th" },
    { "{!n}", "n=12", "12th" },
    { "{!n}", "n=13", "13th" },
    { "{!n}", "n=0", "0th" },
    { "{!n}", "n=102", "102nd" },
    { "{!n}", "n=111", "111th" },
    /* arithmetic */
    { "00:00 - {(minute-1)}:59", HCP, "00:00 - 9:59" },
    { "{!(inningnr+1)} inning", HCP, "3rd inning" },
    { "{(minute-11)}", HCP, "-1" },
    /* who */
    { "{%player} to score", HCP, "sr:player:7 to score" },
    { "{%server} to serve", HCP, "Spurs to serve" },
    { "{$event} winner", "", "Ajax - Spurs winner" },
    { "{$competitor1} & {$competitor2}", "", "Ajax & Spurs" },
    /* what cannot be filled */
    { "over {total}", "", NULL },
    { "over {total}", "subtotal=1|totals=2", NULL },
    { "over {total", "total=2.5", NULL },
    { "{!n}", "n=x", NULL },
    { "{!n}", "n=-1", NULL },
    { "{(n+1)}", "n=1.5", NULL },
    { "{(n+)}", "n=1", NULL },
    { "{(n)}", "n=1", NULL },
    { "{(n+1}", "n=1", NULL },
    { "{(n+9999999999999999)}", "n=1", NULL },
    { "{}", "n=1", NULL },
    { "{!}", "n=1", NULL },
    { "{$}", "n=1", NULL },
    { "{$umpire}", "", NULL },
    { "", "", NULL },
};

static void templates_are_filled_in(void **state)
{
    const struct name_context match = {
        .home = STR("Ajax"), .away = STR("Spurs"),
        .home_id = STR("sr:competitor:1"), .away_id = STR("sr:competitor:2"),
    };
    struct arena arena;

    (void)state;
    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < LENGTH(names); i++) {
        struct name_context context = match;
        struct str name;
        bool filled;

        context.specifiers = str_of(names[i].specifiers);
        filled = name_fill(str_of(names[i].template), &context, &arena, &name);
        if (filled != (names[i].name != NULL))
            fail_msg("%s with %s", names[i].template, names[i].specifiers);
        if (filled && !str_eq(name, str_of(names[i].name)))
            fail_msg("%s: \"" STR_FMT "\"", names[i].template, STR_ARG(name));
    }
    arena_fini(&arena);
}

static void without_a_fixture_nobody_is_invented(void **state)
{
    const struct name_context unknown = { .specifiers = STR("competitor=sr:competitor:1") };
    const struct name_context season = { .tournament = STR("Premier League") };
    struct arena arena;
    struct str name;

    (void)state;
    arena_init(&arena, 1 << 20);
    assert_false(name_fill(STR("{$competitor1}"), &unknown, &arena, &name));
    assert_false(name_fill(STR("{$event}"), &unknown, &arena, &name));
    assert_true(name_fill(STR("{%competitor}"), &unknown, &arena, &name));
    assert_true(str_eq(name, STR("sr:competitor:1")));
    assert_true(name_fill(STR("{$event}"), &season, &arena, &name));
    assert_true(str_eq(name, STR("Premier League")));
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_are_filled_in),
        cmocka_unit_test(without_a_fixture_nobody_is_invented),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
