/*
 * Who leads, and whose appends are refused (RULES.md 23): part of
 * store_suite.h, which includes this.
 */
#ifndef TESTS_UNIT_STORE_LEASE_H
#define TESTS_UNIT_STORE_LEASE_H

static struct store_exec suite_lease(enum statement statement, const struct value *params,
                                     unsigned n)
{
    struct store_exec exec = { .n = 1, .calls = { { .statement = statement } } };

    for (unsigned i = 0; i < n; i++)
        exec.calls[0].params[i] = params[i];
    assert_int_equal(suite_exec(&exec), STORE_OK);
    return exec;
}

/* What was seen (epoch, until_ms) decides who takes it. */
static int64_t suite_take(const char *owner, int64_t until_ms, int64_t epoch, int64_t seen_ms)
{
    struct value params[] = { VALUE_STR(STR("feed")), VALUE_STR(str_of(owner)),
                              VALUE_INT(until_ms), VALUE_INT(epoch), VALUE_INT(seen_ms) };
    struct store_exec exec = suite_lease(STATEMENT_LEASE_TAKE, params, 5);

    return exec.rows == 1 ? EXEC_CELL(&exec, 0, 0).i : -1;
}

static void rule_23_the_lease_is_taken_by_one(void **state)
{
    struct value renew[] = { VALUE_STR(STR("feed")), VALUE_INT(1), VALUE_INT(200) };
    struct store_exec exec;

    (void)state;
    assert_int_equal(suite_take("a", 100, 0, 0), 1);
    assert_int_equal(suite_take("b", 100, 0, 0), -1); /* saw what was before */
    assert_int_equal(suite_lease(STATEMENT_LEASE_RENEW, renew, 3).rows, 1);
    assert_int_equal(suite_take("b", 300, 1, 100), -1); /* renewed meanwhile */
    assert_int_equal(suite_take("b", 300, 1, 200), 2);
    assert_int_equal(suite_lease(STATEMENT_LEASE_RENEW, renew, 3).rows, 0);
    (void)suite_lease(STATEMENT_LEASE_RELEASE, renew, 2); /* of an epoch that is over */
    exec = suite_lease(STATEMENT_LEASE_GET, renew, 1);
    assert_true(str_eq(EXEC_CELL(&exec, 0, 0).s, STR("b")));
    assert_int_equal(EXEC_CELL(&exec, 0, 1).i, 2);
    assert_int_equal(EXEC_CELL(&exec, 0, 2).i, 300);
}

static void rule_23_an_append_under_an_old_epoch_is_refused(void **state)
{
    struct feed_row rows[] = {
        { 1, SUITE_NOW, 8, 3, STR(""), STR("<alive/>"), 0 },
        { 2, SUITE_NOW, 8, 3, STR(""), STR("<alive/>"), 0 },
    };
    bool fenced;

    (void)state;
    assert_int_equal(suite_take("a", 100, 0, 0), 1);
    assert_int_equal(suite_append(rows, 1, 1, &fenced), STORE_OK);
    assert_false(fenced);
    assert_int_equal(suite_take("b", 200, 1, 100), 2);
    assert_int_equal(suite_append(&rows[1], 1, 1, &fenced), STORE_OK);
    assert_true(fenced);
    assert_int_equal(suite_get(STATEMENT_FEED_READ, 0, 10).rows, 1);
    assert_int_equal(suite_append(&rows[1], 1, 2, &fenced), STORE_OK);
    assert_false(fenced);
    assert_int_equal(suite_get(STATEMENT_FEED_READ, 0, 10).rows, 2);
}

/* The row goes with the append, or stays with a refused one. */
static void a_command_leaves_the_inbox_when_it_is_in_the_log(void **state)
{
    struct value add[] = { VALUE_STR(STR("<a/>")), VALUE_INT(SUITE_NOW), VALUE_INT(2) };
    struct feed_row row = { 1, SUITE_NOW, 14, 0, STR(""), STR("<a/>"), 0 };
    struct store_exec exec;
    bool fenced;

    (void)state;
    assert_int_equal(suite_take("a", 100, 0, 0), 1);
    assert_int_equal(suite_lease(STATEMENT_INBOX_ADD, add, 3).rows, 1);
    assert_int_equal(suite_lease(STATEMENT_INBOX_ADD, add, 3).rows, 1);
    assert_int_equal(suite_lease(STATEMENT_INBOX_ADD, add, 3).rows, 0); /* full */
    exec = suite_get(STATEMENT_INBOX_READ, 10, 0);
    assert_int_equal(exec.rows, 2);
    assert_true(str_eq(EXEC_CELL(&exec, 0, 1).s, STR("<a/>")));
    row.inbox = EXEC_CELL(&exec, 0, 0).i;
    assert_true(row.inbox > 0 && row.inbox < EXEC_CELL(&exec, 1, 0).i);
    assert_int_equal(suite_append(&row, 1, 7, &fenced), STORE_OK);
    assert_true(fenced);
    assert_int_equal(suite_get(STATEMENT_INBOX_READ, 10, 0).rows, 2);
    assert_int_equal(suite_append(&row, 1, 1, &fenced), STORE_OK);
    assert_false(fenced);
    exec = suite_get(STATEMENT_INBOX_READ, 10, 0);
    assert_int_equal(exec.rows, 1);
    assert_true(EXEC_CELL(&exec, 0, 0).i > row.inbox);
    row.inbox = EXEC_CELL(&exec, 0, 0).i; /* at a place that is taken: all or nothing */
    assert_int_equal(suite_append(&row, 1, 1, &fenced), STORE_REJECTED);
    assert_int_equal(suite_get(STATEMENT_INBOX_READ, 10, 0).rows, 1);
    (void)suite_get(STATEMENT_INBOX_DROP, row.inbox, 0);
    assert_int_equal(suite_get(STATEMENT_INBOX_READ, 10, 0).rows, 0);
}

#endif
