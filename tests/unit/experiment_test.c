/* model/experiment: strict settings, and draws that stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/experiment.h"

static struct arena arena;

static bool reads(const char *text, struct experiments *experiments, struct str *error)
{
    *error = STR_NONE;
    return experiments_read(experiments, str_of(text), &arena, error);
}

static void settings_are_read_strictly(void **state)
{
    static const struct {
        const char *text, *names; /* what the error names; NULL: it is well */
    } rows[] = {
        { "", NULL },
        { "slip=control:50/quick:50", NULL },
        { "slip=control:1/quick:999999,board-2=a:1/b:2/c_1:3", NULL },
        { "slip", "two arms" },
        { "slip=", "two arms" },
        { "slip=control:50", "two arms" },
        { "slip=control:50/", "two arms" },
        { "slip=control:50/quick", "weight" },
        { "slip=control:50/quick:0", "weight" },
        { "slip=control:50/quick:1000001", "weight" },
        { "slip=control:50/quick:-1", "weight" },
        { "slip=control:50/control:50", "twice" },
        { "slip=a:1/b:1,slip=a:1/b:1", "twice" },
        { "Slip=a:1/b:1", "name" },
        { "=a:1/b:1", "name" },
        { "x=a:1/B:1", "name" },
        { "x=a:1/b:1,", "comma" },
        { "x=a:1/b:1,,y=a:1/b:1", "name" },
        { "x=a:1/b:1/c:1/d:1/e:1/f:1/g:1/h:1/i:1", "8 arms" },
        { "a=a:1/b:1,b=a:1/b:1,c=a:1/b:1,d=a:1/b:1,e=a:1/b:1", "4 experiments" },
        { "abcdefghijklmnopqrstuvwxyz0123456=a:1/b:1", "name" },
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct experiments experiments;
        struct str error;
        bool well = reads(rows[i].text, &experiments, &error);

        if (well != (rows[i].names == NULL))
            fail_msg("\"%s\": " STR_FMT, rows[i].text, STR_ARG(error));
        if (!well && memmem(error.p, error.n, rows[i].names, strlen(rows[i].names)) == NULL)
            fail_msg("\"%s\" says " STR_FMT, rows[i].text, STR_ARG(error));
    }
}

/* Shares as the weights say, each experiment for itself. */
static void weights_are_shares(void **state)
{
    enum { N = 40000 };
    struct experiments experiments;
    struct str error;
    int got[3] = { 0 }, both = 0;

    (void)state;
    assert_true(reads("a=x:60/y:30/z:10,b=x:60/y:40", &experiments, &error));
    for (int64_t i = 0; i < N; i++) {
        int64_t account = 383337946977144832 + i * 4194304;
        const struct experiment *a = &experiments.list[0], *b = &experiments.list[1];
        const struct experiment_arm *arm = experiment_arm_of(a, account);

        got[arm - a->arms]++;
        both += arm == &a->arms[0] && experiment_arm_of(b, account) == &b->arms[0];
    }
    /* Five standard deviations and more. */
    assert_in_range(got[0], N * 0.6 - 500, N * 0.6 + 500);
    assert_in_range(got[1], N * 0.3 - 500, N * 0.3 + 500);
    assert_in_range(got[2], N * 0.1 - 300, N * 0.1 + 300);
    assert_in_range(both, N * 0.36 - 500, N * 0.36 + 500);
}

/* Written down: another draw would move every customer of a running test. */
static void draws_are_for_ever(void **state)
{
    static const struct { int64_t account; const char *arm; } rows[] = {
        { 1000, "quick" }, { 1001, "quick" }, { 1002, "quick" }, { 1003, "quick" },
        { 383337946977144832, "control" }, { INT64_MAX, "control" },
    };
    struct experiments experiments;
    struct str error;

    (void)state;
    assert_true(reads("slip=control:50/quick:50", &experiments, &error));
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct str arm = experiment_arm_of(&experiments.list[0], rows[i].account)->name;

        if (!str_eq(arm, str_of(rows[i].arm)))
            fail_msg("%lld is in " STR_FMT, (long long)rows[i].account, STR_ARG(arm));
    }
}

static void written_as_json(void **state)
{
    struct experiments experiments;
    struct str error;
    struct buf out;
    struct jw w;

    (void)state;
    assert_true(reads("slip=only:1000000/rare:1", &experiments, &error));
    buf_init(&out, 1000);
    w = jw_to(&out);
    experiments_write(&experiments, 1000, &w);
    assert_true(str_eq(buf_view(&out), STR("{\"slip\":\"only\"}")));
    buf_reset(&out);
    assert_true(reads("", &experiments, &error));
    w = jw_to(&out);
    experiments_write(&experiments, 1000, &w);
    assert_true(str_eq(buf_view(&out), STR("{}")));
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_read_strictly),
        cmocka_unit_test(weights_are_shares),
        cmocka_unit_test(draws_are_for_ever),
        cmocka_unit_test(written_as_json),
    };
    int failed;

    arena_init(&arena, 1 << 20);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_fini(&arena);
    return failed;
}
