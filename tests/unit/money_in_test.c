/*
 * topic/money_in and model/xid_snapshot: each event once, whatever is repeated,
 * and none of those that were counted already.  The topics are stood in for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/log.h"
#include "topic/money_in.h"
#include "topic/event_record.h"

static struct {
    struct kafka_reader_options readers[2];
    unsigned n_readers;
    struct bus *bus;
    struct buf text;
    struct slip slip;
    /* what was heard */
    int64_t seqs[64];
    unsigned n;
    struct bus_money last;
    struct bet_view bet;
} t;

struct kafka_reader *kafka_reader_new(struct kafka *kafka,
                                      const struct kafka_reader_options *options)
{
    (void)kafka;
    t.readers[t.n_readers] = *options;
    return (struct kafka_reader *)&t.readers[t.n_readers++];
}

void kafka_reader_close(struct kafka_reader *reader)
{
    (void)reader;
    t.n_readers--;
}

static void on_money(void *ctx, const struct bus_money *message)
{
    (void)ctx;
    t.seqs[t.n++] = message->seq;
    t.last = *message;
    if (message->bet != NULL)
        t.bet = *message->bet;
}

static int set_up(void **state)
{
    (void)state;
    memset(&t, 0, sizeof(t));
    log_set_level(LOG_ERROR);
    buf_init(&t.text, 1 << 20);
    t.bus = bus_local_new();
    bus_subscribe(t.bus, &(struct bus_subscriber){ .on_money = on_money });
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(t.n_readers, 0);
    bus_free(t.bus);
    buf_fini(&t.text);
    return 0;
}

static struct money_in *open_topic(const struct xid_snapshot *snapshot)
{
    return money_in_new(&(struct money_in_options){ .bus = t.bus, .margin_e4 = 500,
                                                          .since_ms = 1, .snapshot = snapshot });
}

static void give(enum topic topic, int64_t account, int64_t position, struct str value)
{
    char key[24];
    int n = snprintf(key, sizeof(key), "%lld", (long long)account);
    struct kafka_message message = { .partition = (int32_t)(account % 3), .position = position,
                                     .key = { key, (size_t)n }, .value = value };

    for (unsigned i = 0; i < t.n_readers; i++)
        if (t.readers[i].topic == topic)
            t.readers[i].on_message(t.readers[i].ctx, &message);
}

static struct event_record record_of(int event, int64_t account, int64_t seq, int64_t xid)
{
    bool bet = event != EVENT_DEPOSITED && event != EVENT_WITHDRAWN;

    t.slip = (struct slip){ .type = BET_SINGLE, .n_legs = 1 };
    t.slip.legs[0] = (struct leg){ .market = { STR("sr:match:1"), 1, STR("") },
                                   .outcome = STR("1"), .odds_e4 = 20000,
                                   .result = LEG_RESULT_OPEN };
    return (struct event_record){
        .event = event, .account = account, .seq = seq, .at_ms = 1790000000000, .xid = xid,
        .currency = STR("EUR"), .balance_minor = 900, .staked_minor = 100, .amount_minor = 100,
        .has_bet = bet, .bet = { .id = bet ? 77 : 0, .stake_minor = 100, .potential_minor = 200,
                                 .state = event_state(event), .sport = STR("sr:sport:1"),
                                 .slip = &t.slip },
    };
}

/* As a relay does: to bets, and to transfers. */
static void tell(int event, int64_t account, int64_t seq, int64_t xid, int64_t position)
{
    struct event_record record = record_of(event, account, seq, xid);

    if (record.has_bet) {
        buf_reset(&t.text);
        event_record_write_bet(&record, &t.text);
        give(TOPIC_BETS, account, position, buf_view(&t.text));
    }
    buf_reset(&t.text);
    event_record_write_transfer(&record, &t.text);
    give(TOPIC_TRANSFERS, account, position, buf_view(&t.text));
}

static void test_each_event_is_told_once(void **state)
{
    struct money_in *topic = open_topic(NULL);

    (void)state;
    assert_int_equal(t.n_readers, 2);
    tell(EVENT_DEPOSITED, 1000, 1, 10, 1);
    tell(EVENT_BET_ACCEPTED, 1000, 2, 11, 2);
    tell(EVENT_BET_SETTLED, 1000, 3, 12, 3);
    assert_int_equal(t.n, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(t.seqs[i], i + 1);
    /* a relay begins again; another class of accounts is behind it */
    tell(EVENT_DEPOSITED, 1000, 1, 10, 1);
    tell(EVENT_BET_ACCEPTED, 1000, 2, 11, 2);
    assert_int_equal(t.n, 3);
    tell(EVENT_DEPOSITED, 1003, 1, 10, 1);
    tell(EVENT_BET_SETTLED, 1000, 3, 12, 3);
    tell(EVENT_BET_REOPENED, 1000, 4, 13, 4);
    assert_int_equal(t.n, 5);
    assert_int_equal(t.seqs[4], 4);
    money_in_free(topic);
}

static void test_a_bet_is_as_it_was_told(void **state)
{
    struct money_in *topic = open_topic(NULL);

    (void)state;
    tell(EVENT_BET_ACCEPTED, 1000, 2, 11, 2);
    assert_int_equal(t.n, 1);
    assert_int_equal(t.last.event, EVENT_BET_ACCEPTED);
    assert_int_equal(t.last.balance_minor, 900);
    assert_int_equal(t.last.staked_minor, 100);
    assert_int_equal(t.last.amount_minor, 100);
    assert_int_equal(t.bet.id, 77);
    assert_int_equal(t.bet.state, BET_ACCEPTED);
    assert_true(t.bet.offered);
    assert_int_equal(t.bet.margin_e4, 500);
    assert_int_equal(t.bet.potential_minor, 200);
    money_in_free(topic);
}

static void test_who_counts_limits_hears_of_turns(void **state)
{
    struct money_in *topic = money_in_new(&(struct money_in_options){
        .bus = t.bus, .since_ms = 1, .turns = true });

    (void)state;
    assert_int_equal(t.n_readers, 1);
    assert_int_equal(t.readers[0].topic, TOPIC_BETS);
    tell(EVENT_DEPOSITED, 1000, 1, 10, 1);
    tell(EVENT_BET_ACCEPTED, 1000, 2, 11, 2);
    tell(EVENT_BET_SETTLED, 1000, 3, 12, 3);
    tell(EVENT_BET_RESETTLED, 1000, 4, 13, 4);
    tell(EVENT_BET_REOPENED, 1000, 5, 14, 5);
    tell(EVENT_BET_CASHED_OUT, 1000, 6, 15, 6);
    assert_int_equal(t.n, 3);
    assert_int_equal(t.seqs[0], 3);
    assert_int_equal(t.seqs[1], 5);
    assert_int_equal(t.seqs[2], 6);
    tell(EVENT_BET_ACCEPTED, 1000, 2, 11, 2); /* a relay begins again */
    tell(EVENT_BET_SETTLED, 1000, 3, 12, 3);
    assert_int_equal(t.n, 3);
    money_in_free(topic);
}

/* What the snapshot shows was counted; what it does not comes, whatever its
 * number is. */
static void test_what_was_counted_is_not_told(void **state)
{
    struct xid_snapshot snapshot;
    struct money_in *topic;

    (void)state;
    assert_true(xid_snapshot_read(STR("10:15:11,13"), &snapshot));
    topic = open_topic(&snapshot);
    for (int64_t xid = 8; xid < 18; xid++)
        tell(EVENT_BET_ACCEPTED, 1000, xid, xid, xid);
    assert_int_equal(t.n, 5);
    assert_int_equal(t.seqs[0], 11);
    assert_int_equal(t.seqs[1], 13);
    assert_int_equal(t.seqs[2], 15);
    assert_int_equal(t.seqs[4], 17);
    money_in_free(topic);
}

static void test_what_cannot_be_read_is_passed_over(void **state)
{
    struct money_in *topic = open_topic(NULL);

    (void)state;
    give(TOPIC_BETS, 1000, 1, STR("nonsense"));
    give(TOPIC_TRANSFERS, 1000, 1, STR(""));
    give(TOPIC_BETS, 1000, 2, STR("{\"v\":2}"));
    assert_int_equal(t.n, 0);
    tell(EVENT_BET_ACCEPTED, 1000, 2, 11, 3);
    assert_int_equal(t.n, 1);
    money_in_free(topic);
}

static void test_snapshots_are_read(void **state)
{
    static const char *const broken[] = { "", "1", "1:", "2:1:", "1:9:x", "1:9:3,3",
                                          "5:9:4", "5:9:9", "-1:9:" };
    struct xid_snapshot snapshot;

    (void)state;
    assert_true(xid_snapshot_read(STR("10:10:"), &snapshot));
    assert_true(xid_snapshot_has(&snapshot, 9));
    assert_false(xid_snapshot_has(&snapshot, 10));
    assert_true(xid_snapshot_read(STR("10:20:10,14,19"), &snapshot));
    for (int64_t xid = 5; xid < 25; xid++)
        assert_int_equal(xid_snapshot_has(&snapshot, xid),
                         xid < 20 && xid != 10 && xid != 14 && xid != 19);
    for (size_t i = 0; i < LENGTH(broken); i++)
        assert_false(xid_snapshot_read(str_of(broken[i]), &snapshot));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_each_event_is_told_once),
        TEST(test_a_bet_is_as_it_was_told),
        TEST(test_who_counts_limits_hears_of_turns),
        TEST(test_what_was_counted_is_not_told),
        TEST(test_what_cannot_be_read_is_passed_over),
        cmocka_unit_test(test_snapshots_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
