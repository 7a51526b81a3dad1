/* base/text: cutting, trimming, numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/text.h"

static void expect_str(struct str text, const char *expected)
{
    assert_int_equal(text.n, strlen(expected));
    assert_memory_equal(text.p == NULL ? "" : text.p, expected, text.n);
}

static void a_text_is_cut_at_a_character(void **state)
{
    struct str rest = STR("a=b=c"), front = STR("kept");

    (void)state;
    assert_true(text_cut(&rest, '=', &front));
    expect_str(front, "a");
    expect_str(rest, "b=c");
    assert_false(text_cut(&rest, ';', &front));
    expect_str(front, "a");
    expect_str(rest, "b=c");
    rest = STR("=");
    assert_true(text_cut(&rest, '=', &front));
    expect_str(front, "");
    expect_str(rest, "");
    assert_false(text_cut(&rest, '=', &front));
    rest = STR_NONE;
    assert_false(text_cut(&rest, '=', &front));
}

static void a_list_is_taken_until_it_is_empty(void **state)
{
    static const char *const parts[] = { "one", "", "three" };
    struct str rest = STR("one,,three");
    size_t n = 0;

    (void)state;
    while (rest.n > 0)
        expect_str(text_until(&rest, ','), parts[n++]);
    assert_int_equal(n, 3);
    assert_null(rest.p);
    expect_str(text_until(&rest, ','), "");
    rest = STR("last,");
    expect_str(text_until(&rest, ','), "last");
    assert_int_equal(rest.n, 0);
    assert_non_null(rest.p); /* there was a comma */
}

static void a_front_is_skipped_whole_or_not_at_all(void **state)
{
    struct str rest = STR("null]");

    (void)state;
    assert_false(text_skip(&rest, STR("nul!")));
    assert_false(text_skip(&rest, STR("null]]")));
    expect_str(rest, "null]");
    assert_true(text_skip(&rest, STR("null")));
    expect_str(rest, "]");
    assert_true(text_begins(rest, STR("")));
    assert_true(text_begins(STR_NONE, STR_NONE));
    assert_false(text_begins(STR_NONE, STR("]")));
}

static void blanks_are_those_that_are_named(void **state)
{
    (void)state;
    expect_str(text_trim(STR(" \t a b\t "), " \t"), "a b");
    expect_str(text_trim(STR(" \t"), " \t"), "");
    expect_str(text_trim(STR("\ta"), " "), "\ta");
}

static void a_nul_is_no_blank(void **state)
{
    (void)state;
    assert_int_equal(text_trim((struct str){ "\0a\0", 3 }, " ").n, 3);
}

static void numbers_are_digits_up_to_their_limit(void **state)
{
    static const struct {
        const char *text;
        int64_t max, number; /* -1: none */
    } rows[] = {
        { "1", 1, 1 },       { "2", 1, -1 },          { "01", 0, -1 },
        { "0", 9, 0 },       { "9", 9, 9 },           { "10", 9, -1 },
        { "007", 9, 7 },     { "", 9, -1 },           { "-1", 9, -1 },
        { "+1", 9, -1 },     { "1 ", 99, -1 },        { " 1", 99, -1 },
        { "1.0", 99, -1 },   { "99", 99, 99 },        { "100", 99, -1 },
        { "12", 12, 12 },    { "13", 12, -1 },        { "0x1", 99, -1 },
        { "9223372036854775807", INT64_MAX, INT64_MAX },
        { "9223372036854775808", INT64_MAX, -1 },
        { "99999999999999999999", INT64_MAX, -1 },
        { "00000000000000000000000001", INT64_MAX, 1 },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        int64_t number = -1;
        bool well = text_number(str_of(rows[i].text), rows[i].max, &number);

        assert_int_equal(well, rows[i].number >= 0);
        if (well)
            assert_int_equal(number, rows[i].number);
        assert_int_equal(text_positive(str_of(rows[i].text), rows[i].max, &number),
                         rows[i].number > 0);
    }
}

static void a_number_is_taken_off_the_front(void **state)
{
    struct str rest = STR("12:x");
    int64_t number = -1;

    (void)state;
    assert_true(text_take_number(&rest, 99, &number));
    assert_int_equal(number, 12);
    expect_str(rest, ":x");
    assert_false(text_take_number(&rest, 99, &number));
    expect_str(rest, ":x");
    assert_int_equal(number, 12);
    rest = STR("123");
    assert_false(text_take_number(&rest, 99, &number));
    expect_str(rest, "123");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_cut_at_a_character),
        cmocka_unit_test(a_list_is_taken_until_it_is_empty),
        cmocka_unit_test(a_front_is_skipped_whole_or_not_at_all),
        cmocka_unit_test(blanks_are_those_that_are_named),
        cmocka_unit_test(a_nul_is_no_blank),
        cmocka_unit_test(numbers_are_digits_up_to_their_limit),
        cmocka_unit_test(a_number_is_taken_off_the_front),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
