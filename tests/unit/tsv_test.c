/* analytics/tsv: ClickHouse's answers, strictly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "analytics/tsv.h"

static struct arena arena;

static void rows_and_escapes(void **state)
{
    struct value *cells;
    uint32_t rows;

    (void)state;
    assert_true(tsv_read(STR("1\tsr:sport:1\t-9223372036854775808\n"
                             "9223372036854775807\ta\\tb\\\\\\'\\n\t0\n\\N\t\t5\n"),
                         "isi", &arena, &cells, &rows));
    assert_int_equal(rows, 3);
    assert_int_equal(cells[0].i, 1);
    assert_true(str_eq(cells[1].s, STR("sr:sport:1")));
    assert_true(cells[2].i == INT64_MIN);
    assert_true(cells[3].i == INT64_MAX);
    assert_true(str_eq(cells[4].s, STR("a\tb\\'\n")));
    assert_true(cells[6].null);
    assert_int_equal(cells[7].s.n, 0);
    assert_true(tsv_read(STR(""), "isi", &arena, &cells, &rows));
    assert_int_equal(rows, 0);
}

static void anything_else_is_refused(void **state)
{
    static const char *const bad[] = {
        "1\ta",                     /* cut off */
        "1\n", "1\ta\tb\n", "\n",   /* cells */
        "x\ta\n", "\ta\n", "-\ta\n", "1.5\ta\n", "+1\ta\n",
        "9223372036854775808\ta\n", "-9223372036854775809\ta\n",
        "1\ta\nCode: 241, e.displayText() = DB::Exception\n",
    };
    struct value *cells;
    uint32_t rows;

    (void)state;
    for (size_t i = 0; i < LENGTH(bad); i++)
        if (tsv_read(str_of(bad[i]), "is", &arena, &cells, &rows))
            fail_msg("taken: %s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_escapes),
        cmocka_unit_test(anything_else_is_refused),
    };
    int failed;

    arena_init(&arena, 1 << 20);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_fini(&arena);
    return failed;
}
