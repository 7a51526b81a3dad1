/*
 * The outbox as the relay reads it: PostgreSQL alone has one.
 */
#ifndef TESTS_UNIT_OUTBOX_SUITE_H
#define TESTS_UNIT_OUTBOX_SUITE_H

#include "tests/unit/store_suite.h"

static struct outbox_place outbox_place;

static void outbox_on_read(struct outbox_read *read, enum store_result result)
{
    (void)read;
    suite_done(result);
}

static struct outbox_read outbox_read(uint32_t classes)
{
    struct outbox_read read = { .place = outbox_place, .classes = classes,
                                .arena = &suite.arena, .on_done = outbox_on_read };

    suite.waiting++;
    store_outbox_read(suite.store, &read);
    suite_wait();
    assert_int_equal(suite.result, STORE_OK);
    outbox_place = read.place;
    return read;
}

/* Everything that is there now, in one array. */
static uint32_t outbox_all(uint32_t classes, struct outbox_event *events, uint32_t room)
{
    uint32_t n = 0;

    for (unsigned i = 0; i < 10; i++) {
        struct outbox_read read = outbox_read(classes);

        assert_true(n + read.n <= room);
        for (uint32_t k = 0; k < read.n; k++)
            events[n++] = read.events[k];
    }
    return n;
}

static void expect_event(const struct outbox_event *event, int kind, int64_t seq, int64_t net,
                         int64_t staked, int64_t amount)
{
    assert_int_equal(event->event, kind);
    assert_int_equal(event->seq, seq);
    assert_int_equal(event->net_minor, net);
    assert_int_equal(event->staked_minor, staked);
    assert_int_equal(event->amount_minor, amount);
    assert_true(event->xid > 0 && event->row > 0 && event->n > 0);
    assert_true(str_eq(event->currency, STR("EUR")));
}

static void expect_event_bet(const struct outbox_event *event, int64_t payout,
                             int64_t cashed_stake, int64_t cashed_paid)
{
    assert_true(event->has_bet);
    assert_int_equal(event->ref, suite_bet_id(1));
    assert_int_equal(event->stake_minor, 1000);
    assert_int_equal(event->payout_minor, payout);
    assert_int_equal(event->cashed_stake_minor, cashed_stake);
    assert_int_equal(event->cashed_paid_minor, cashed_paid);
    assert_true(str_eq(event->sport, STR("sr:sport:1")));
    assert_true(str_eq(event->country, STR("MT")));
}

/* Each event as it was after it, whatever came since. */
static void rule_27_events_carry_what_was_so(void **state)
{
    struct outbox_event events[8];
    struct money_cmd part, withdrawal;
    struct settle_item item = suite_item(1000, 1, 2, BET_SETTLED, 1500, 1500, -600);
    struct settle_write write = { .items = &item, .n = 1 };
    struct fact fact = suite_fact(1);

    (void)state;
    outbox_place = (struct outbox_place){ 0 };
    place_one();
    assert_int_equal(suite_results(&fact, 1, 1), STORE_OK);
    part = suite_cashout(1000, "c1", 1, 1, 400, 600);
    expect_money(&part, MONEY_DECIDED);
    assert_int_equal(suite_write(&write), STORE_OK);
    withdrawal = suite_cmd(MONEY_WITHDRAWAL, 1000, "w1", 90);
    expect_money(&withdrawal, MONEY_DECIDED);
    assert_int_equal(outbox_all(0xffff, events, 8), 5);
    expect_event(&events[0], 5, 1, 5000, 0, 5000);
    assert_false(events[0].has_bet);
    expect_event(&events[1], 1, 2, 4000, 1000, 1000);
    expect_event_bet(&events[1], 0, 0, 0);
    expect_event(&events[2], 8, 3, 4390, 600, 390);
    expect_event_bet(&events[2], 0, 400, 390);
    expect_event(&events[3], 2, 4, 5890, 0, 1500);
    expect_event_bet(&events[3], 1500, 400, 390);
    expect_event(&events[4], 6, 5, 5800, 0, 90);
}

static void rule_27_classes_share_the_accounts(void **state)
{
    struct outbox_event events[8];

    (void)state;
    outbox_place = (struct outbox_place){ 0 };
    suite_add_customer(1600); /* class 0 */
    suite_add_customer(1601);
    suite_deposit(1600, "d", 100);
    suite_deposit(1601, "d", 100);
    suite_deposit(1600, "e", 100);
    assert_int_equal(outbox_all(1u << 1, events, 8), 1);
    assert_int_equal(events[0].account, 1601);
    outbox_place = (struct outbox_place){ 0 };
    assert_int_equal(outbox_all(1u << 0, events, 8), 2);
    assert_int_equal(events[0].seq, 1);
    assert_int_equal(events[1].seq, 2);
    assert_int_equal(outbox_all(0xffff, events, 8), 0);
}

#define OUTBOX_ADD_1001 \
    "BEGIN; UPDATE accounts SET seq = 1 WHERE id = 1001;" \
    " INSERT INTO outbox (at_ms, accounts, seqs, kinds, refs, nets, stakes, amounts)" \
    " VALUES (1, '{1001}', '{1}', '{5}', '{1}', '{7}', '{0}', '{7}')"

/* A transaction that took its id and has not ended holds back what came after
 * it, though that is committed: it would be skipped for ever. */
static void rule_27_a_late_commit_is_not_skipped(void **state)
{
    struct outbox_event events[8];
    struct db *db = admin_open(suite.url);

    (void)state;
    outbox_place = (struct outbox_place){ 0 };
    suite_add_customer(1000);
    suite_add_customer(1001);
    admin_run(db, OUTBOX_ADD_1001);
    suite_deposit(1000, "d", 100);
    assert_int_equal(outbox_all(0xffff, events, 8), 0);
    admin_run(db, "COMMIT");
    assert_int_equal(outbox_all(0xffff, events, 8), 2);
    assert_int_equal(events[0].account, 1001);
    assert_int_equal(events[1].account, 1000);
    admin_run(db, "UPDATE accounts SET seq = 0 WHERE id = 1001"); /* for the audit */
    db_close(db);
}

/* Ids of what was rolled back are no reason to wait, or to read again. */
static void rule_27_a_rolled_back_id_is_passed_over(void **state)
{
    struct outbox_event events[8];
    struct db *db = admin_open(suite.url);

    (void)state;
    outbox_place = (struct outbox_place){ 0 };
    suite_add_customer(1000);
    suite_deposit(1000, "d", 100);
    admin_run(db, "BEGIN; INSERT INTO outbox (at_ms, accounts, seqs, kinds, refs)"
                  " VALUES (1, '{1001}', '{1}', '{5}', '{1}'); ROLLBACK");
    assert_int_equal(outbox_all(0xffff, events, 8), 1);
    assert_int_equal(outbox_place.horizon, outbox_place.last);
    assert_int_equal(outbox_place.after, events[0].row); /* no id that nobody has read */
    suite_deposit(1000, "e", 100);
    assert_int_equal(outbox_all(0xffff, events, 8), 1);
    db_close(db);
}

/* A server that fell, or a standby that took over, gives ids again that were
 * seen and never kept: what has them is new. */
static void rule_27_an_id_given_again_is_read(void **state)
{
    struct outbox_event events[8];
    struct db *db = admin_open(suite.url);

    (void)state;
    outbox_place = (struct outbox_place){ 0 };
    suite_add_customer(1000);
    suite_deposit(1000, "d", 100);
    admin_run(db, "SELECT nextval('outbox_id_seq') FROM generate_series(1, 5)");
    assert_int_equal(outbox_all(0xffff, events, 8), 1);
    assert_int_equal(outbox_place.horizon, events[0].row + 5);
    admin_run(db, "SELECT setval('outbox_id_seq', (SELECT max(id) FROM outbox))");
    suite_deposit(1000, "e", 100);
    assert_int_equal(outbox_all(0xffff, events, 8), 1);
    assert_int_equal(events[0].seq, 2);
    db_close(db);
}

/* What was seen through a connection that is gone holds for no other one. */
static void rule_27_a_horizon_ends_with_its_connection(void **state)
{
    struct outbox_event events[8];
    struct db *db = admin_open(suite.url);

    (void)state;
    outbox_place = (struct outbox_place){ 0 };
    suite_add_customer(1000);
    suite_add_customer(1001);
    suite_deposit(1000, "d", 100);
    admin_run(db, "SELECT nextval('outbox_id_seq') FROM generate_series(1, 5)");
    assert_int_equal(outbox_all(0xffff, events, 8), 1);
    admin_run(db, "SELECT setval('outbox_id_seq', (SELECT max(id) FROM outbox))");
    admin_run(db, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                  " WHERE application_name = 'overround relay 0'"
                  " AND datname = current_database()");
    wait_until_up(false);
    wait_until_up(true);
    admin_run(db, OUTBOX_ADD_1001);
    suite_deposit(1000, "e", 100);
    assert_int_equal(outbox_all(0xffff, events, 8), 0);
    admin_run(db, "COMMIT");
    assert_int_equal(outbox_all(0xffff, events, 8), 2);
    assert_int_equal(events[0].account, 1001);
    admin_run(db, "UPDATE accounts SET seq = 0 WHERE id = 1001"); /* for the audit */
    db_close(db);
}

/* ---- who tells what ------------------------------------------------------ */

static void outbox_on_keep(struct outbox_keep *keep, enum store_result result)
{
    (void)keep;
    suite_done(result);
}

static void outbox_keep(struct outbox_keep *keep)
{
    keep->on_done = outbox_on_keep;
    suite.waiting++;
    store_outbox_keep(suite.store, keep);
    suite_wait();
    assert_int_equal(suite.result, STORE_OK);
}

static void rule_27_a_class_has_one_teller(void **state)
{
    struct outbox_keep a = { .owner = STR("a"), .lease_ms = 60000, .take = 0x00ff };
    struct outbox_keep b = { .owner = STR("b"), .lease_ms = 60000, .take = 0xffff };

    (void)state;
    outbox_keep(&a);
    outbox_keep(&b);
    assert_int_equal(b.members, 2);
    for (int i = 0; i < ACCOUNT_CLASSES; i++)
        assert_int_equal(b.classes[i].mine, i >= 8);
    a.take = 0;
    a.release = 0x000f;
    a.keep = 0x00f0;
    a.told = 17;
    outbox_keep(&a);
    assert_true(a.classes[0].free && !a.classes[0].mine && a.classes[7].mine);
    outbox_keep(&b); /* asks for all again */
    assert_true(b.classes[0].mine && !b.classes[7].mine && b.classes[8].mine);
    assert_int_equal(b.classes[0].told, 17);
    assert_int_equal(b.classes[7].told, 17);
    assert_int_equal(b.classes[8].told, 0);
    a.leave = true;
    a.release = 0x00f0;
    a.keep = 0;
    outbox_keep(&a);
    assert_int_equal(a.members, 1);
}

static void rule_27_what_all_were_told_goes(void **state)
{
    struct outbox_keep keep = { .owner = STR("a"), .lease_ms = 60000, .take = 0xffff };
    struct db *db = admin_open(suite.url);

    (void)state;
    suite_add_customer(1000);
    suite_deposit(1000, "d", 100);
    suite_deposit(1000, "e", 100);
    outbox_keep(&keep);
    assert_int_equal(admin_int(db, "SELECT count(*) FROM outbox"), 2);
    keep.take = 0;
    keep.keep = 0xfffe;
    keep.told = admin_int(db, "SELECT min(id) FROM outbox");
    outbox_keep(&keep);
    assert_int_equal(admin_int(db, "SELECT count(*) FROM outbox"), 2);
    keep.keep = 0xffff;
    outbox_keep(&keep);
    assert_int_equal(admin_int(db, "SELECT count(*) FROM outbox"), 1);
    db_close(db);
}

/* Housekeeping deletes what is old, but not before it was told. */
static void rule_27_what_is_not_told_stays(void **state)
{
    struct outbox_keep keep = { .owner = STR("a"), .lease_ms = 60000, .take = 0xffff };
    struct db *db = admin_open(suite.url);

    (void)state;
    suite_add_customer(1000);
    suite_deposit(1000, "d", 100);
    outbox_keep(&keep);
    (void)suite_get(STATEMENT_OUTBOX_TRIM, SUITE_NOW + 1, 1000);
    assert_int_equal(admin_int(db, "SELECT count(*) FROM outbox"), 1);
    db_close(db);
}

/* Nor while some of the classes never had a teller. */
static void rule_27_what_nobody_tells_yet_stays(void **state)
{
    struct outbox_keep keep = { .owner = STR("a"), .lease_ms = 60000, .take = 0x00ff };
    struct db *db = admin_open(suite.url);

    (void)state;
    suite_add_customer(1000);
    suite_deposit(1000, "d", 100);
    outbox_keep(&keep);
    keep.take = 0;
    keep.keep = 0x00ff;
    keep.told = admin_int(db, "SELECT max(id) FROM outbox");
    outbox_keep(&keep);
    (void)suite_get(STATEMENT_OUTBOX_TRIM, SUITE_NOW + 1, 1000);
    assert_int_equal(admin_int(db, "SELECT count(*) FROM outbox"), 1);
    db_close(db);
}

#define OUTBOX_SUITE                                         \
    SUITE_TEST(rule_27_events_carry_what_was_so),            \
    SUITE_TEST(rule_27_classes_share_the_accounts),          \
    SUITE_TEST(rule_27_a_late_commit_is_not_skipped),        \
    SUITE_TEST(rule_27_a_rolled_back_id_is_passed_over),     \
    SUITE_TEST(rule_27_an_id_given_again_is_read),           \
    SUITE_TEST(rule_27_a_horizon_ends_with_its_connection),  \
    SUITE_TEST(rule_27_a_class_has_one_teller),              \
    SUITE_TEST(rule_27_what_all_were_told_goes),             \
    SUITE_TEST(rule_27_what_is_not_told_stays),              \
    SUITE_TEST(rule_27_what_nobody_tells_yet_stays)

#endif
