/*
 * settle/relay: each event is told, in the order of its account, whatever the
 * store and Kafka do.  Both are stood in for here: an outbox that is an array,
 * and a topic that may be full or give records up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/log.h"
#include "topic/event_record.h"
#include "settle/relay.h"
#include "settle/relay_share.h"

#define ROWS_MAX 400
#define TOLD_MAX 4000
#define READ_ROWS 7

/* ---- the outbox ------------------------------------------------------------ */

static struct {
    uv_loop_t loop;
    uv_idle_t turn;
    uint32_t seed;
    /* the outbox: row i + 1 is a deposit of accounts[i] */
    int64_t accounts[ROWS_MAX], seqs[ROWS_MAX], last_seq[32];
    int64_t n, shown;        /* rows; of them committed and complete */
    int64_t rolled_back;     /* ids behind them that will never be rows */
    int64_t told_of[ACCOUNT_CLASSES];
    const char *owners[ACCOUNT_CLASSES];
    int64_t members;
    bool down;
    /* calls under way */
    struct outbox_read *reads[4];
    struct outbox_keep *keeps[4];
    /* the topic */
    struct kafka_record sent[64];
    unsigned n_sent, room;
    unsigned fail_every;     /* chance of a failure, one in so many; 0 = none */
    int64_t told[TOLD_MAX];  /* account << 32 | seq */
    unsigned n_told, repeats;
    int64_t heard[32];       /* the highest seq that was told, per account */
    bool stopped;
    unsigned looks;
} t;

static uint32_t chance(uint32_t below)
{
    t.seed = t.seed * 1664525u + 1013904223u;
    return (t.seed >> 17) % below;
}

static void add_row(int64_t account)
{
    assert_true(t.n < ROWS_MAX);
    t.accounts[t.n] = account;
    t.seqs[t.n] = ++t.last_seq[account - 1000];
    t.n++;
}

void store_outbox_read(struct store *store, struct outbox_read *read)
{
    (void)store;
    t.looks++;
    for (unsigned i = 0; i < LENGTH(t.reads); i++)
        if (t.reads[i] == NULL) {
            t.reads[i] = read;
            return;
        }
    fail_msg("too many reads");
}

void store_outbox_keep(struct store *store, struct outbox_keep *keep)
{
    (void)store;
    for (unsigned i = 0; i < LENGTH(t.keeps); i++)
        if (t.keeps[i] == NULL) {
            t.keeps[i] = keep;
            return;
        }
    fail_msg("too many keeps");
}

static void answer_read(struct outbox_read *read)
{
    read->n = 0;
    read->events = ARENA_ARRAY(read->arena, struct outbox_event, READ_ROWS);
    read->place.last = t.n + t.rolled_back;
    read->place.horizon = t.shown == t.n ? read->place.last : t.shown;
    for (int i = 0; i < READ_ROWS && read->place.after < t.shown; i++) {
        int64_t row = read->place.after++;

        if ((read->classes >> account_class(t.accounts[row]) & 1) == 0)
            continue;
        read->events[read->n++] = (struct outbox_event){
            .row = row + 1, .n = 1, .xid = row, .at_ms = 1790000000000,
            .account = t.accounts[row], .seq = t.seqs[row], .ref = t.seqs[row],
            .event = EVENT_DEPOSITED, .net_minor = 100, .amount_minor = 100,
            .currency = STR("EUR"),
        };
    }
    read->on_done(read, t.down ? STORE_UNAVAILABLE : STORE_OK);
}

static void keep_class(struct outbox_keep *keep, unsigned class)
{
    const char *owner = t.owners[class];
    bool mine = owner != NULL && str_eq(str_of(owner), keep->owner);
    uint32_t bit = 1u << class;

    if (mine && ((keep->keep | keep->release) & bit) != 0 && t.told_of[class] < keep->told)
        t.told_of[class] = keep->told;
    if ((keep->take & bit) != 0 && owner == NULL)
        t.owners[class] = str_eq(keep->owner, STR("a")) ? "a" : "b";
    if (mine && (keep->release & bit) != 0)
        t.owners[class] = NULL;
    owner = t.owners[class];
    keep->classes[class].told = t.told_of[class];
    keep->classes[class].free = owner == NULL;
    keep->classes[class].mine = owner != NULL && str_eq(str_of(owner), keep->owner);
}

static void answer_keep(struct outbox_keep *keep)
{
    if (!t.down)
        for (unsigned class = 0; class < ACCOUNT_CLASSES; class++)
            keep_class(keep, class);
    keep->members = t.members;
    keep->on_done(keep, t.down ? STORE_UNAVAILABLE : STORE_OK);
}

/* ---- the topic --------------------------------------------------------------- */

struct str topic_name(enum topic topic)
{
    return topic == TOPIC_BETS ? STR("bets") : STR("transfers");
}

static void hear(struct str value)
{
    static struct slip slip;
    struct event_record record;
    struct arena arena;
    int64_t *heard;

    arena_init(&arena, 1 << 20);
    assert_true(event_record_read(value, &arena, &slip, &record));
    arena_fini(&arena);
    heard = &t.heard[record.account - 1000];
    assert_true(record.seq <= *heard + 1); /* no gap, ever */
    t.repeats += record.seq <= *heard;
    if (record.seq > *heard)
        *heard = record.seq;
}

bool kafka_send(struct kafka *kafka, const struct kafka_record *record)
{
    (void)kafka;
    if (t.n_sent >= t.room)
        return false;
    hear(record->value);
    t.sent[t.n_sent++] = *record;
    return true;
}

/* When one has failed, so has everything behind it that was in flight. */
static void answer_sent(void)
{
    unsigned n = t.n_sent == 0 ? 0 : 1 + chance(t.n_sent);
    bool failed = n > 0 && t.fail_every > 0 && chance(t.fail_every) == 0;
    struct kafka_record done[64];

    if (failed)
        n = t.n_sent;
    memcpy(done, t.sent, n * sizeof(done[0]));
    t.n_sent -= n;
    memmove(t.sent, t.sent + n, t.n_sent * sizeof(t.sent[0]));
    for (unsigned i = 0; i < n; i++)
        done[i].on_done(done[i].ctx, !failed || i < n / 2);
}

/* ---- time ---------------------------------------------------------------------- */

static void on_turn(uv_idle_t *idle)
{
    (void)idle;
    answer_sent();
    for (unsigned i = 0; i < LENGTH(t.reads); i++)
        if (t.reads[i] != NULL && chance(3) == 0) {
            struct outbox_read *read = t.reads[i];

            t.reads[i] = NULL;
            answer_read(read);
        }
    for (unsigned i = 0; i < LENGTH(t.keeps); i++)
        if (t.keeps[i] != NULL && chance(3) == 0) {
            struct outbox_keep *keep = t.keeps[i];

            t.keeps[i] = NULL;
            answer_keep(keep);
        }
}

static bool all_told(void)
{
    for (unsigned i = 0; i < LENGTH(t.last_seq); i++)
        if (t.heard[i] != t.last_seq[i])
            return false;
    return true;
}

static void run_until_told(void)
{
    uint64_t until = uv_now(&t.loop) + 20000;

    while (!all_told() && uv_now(&t.loop) < until)
        (void)uv_run(&t.loop, UV_RUN_ONCE);
    assert_true(all_told());
}

/* Acknowledged, and written down for every class. */
static void run_until_kept(void)
{
    uint64_t until = uv_now(&t.loop) + 20000;

    for (unsigned class = 0; class < ACCOUNT_CLASSES && uv_now(&t.loop) < until;) {
        (void)uv_run(&t.loop, UV_RUN_ONCE);
        class += t.told_of[class] == t.n;
    }
    for (unsigned class = 0; class < ACCOUNT_CLASSES; class++)
        assert_int_equal(t.told_of[class], t.n);
}

static void run_ms(uint64_t ms)
{
    uint64_t until = uv_now(&t.loop) + ms;

    while (uv_now(&t.loop) < until)
        (void)uv_run(&t.loop, UV_RUN_ONCE);
}

static int set_up(void **state)
{
    (void)state;
    memset(&t, 0, sizeof(t));
    t.seed = 4711;
    t.room = LENGTH(t.sent);
    t.members = 1;
    log_set_level(LOG_ERROR);
    uv_loop_init(&t.loop);
    uv_idle_init(&t.loop, &t.turn);
    uv_idle_start(&t.turn, on_turn);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    uv_close((uv_handle_t *)&t.turn, NULL);
    (void)uv_run(&t.loop, UV_RUN_NOWAIT);
    assert_int_equal(uv_loop_close(&t.loop), 0); /* else a relay was not stopped */
    return 0;
}

static struct relay *start(const char *owner)
{
    return relay_new(&(struct relay_options){ .loop = &t.loop, .owner = owner,
                                              .lease_ms = 90 });
}

static void on_stopped(void *ctx)
{
    (void)ctx;
    t.stopped = true;
}

static void stop(struct relay *relay)
{
    t.stopped = false;
    relay_stop(relay, on_stopped, NULL);
    while (!t.stopped)
        (void)uv_run(&t.loop, UV_RUN_ONCE);
    while (t.n_sent > 0)
        answer_sent();
    relay_free(relay);
}

static void add_rows(int n)
{
    for (int i = 0; i < n; i++)
        add_row(1000 + chance(LENGTH(t.last_seq)));
    t.shown = t.n;
}

/* ---- tests ------------------------------------------------------------------------ */

static void rule_27_each_event_in_order(void **state)
{
    struct relay *relay = start("a");

    (void)state;
    add_rows(100);
    run_until_told();
    add_rows(50);
    run_until_told();
    assert_int_equal(t.repeats, 0);
    run_until_kept();
    stop(relay);
    for (unsigned class = 0; class < ACCOUNT_CLASSES; class++)
        assert_null(t.owners[class]);
}

/* A full queue delays; nothing is lost or comes twice. */
static void test_a_full_queue_is_waited_for(void **state)
{
    struct relay *relay = start("a");

    (void)state;
    t.room = 2;
    add_rows(60);
    run_until_told();
    assert_int_equal(t.repeats, 0);
    stop(relay);
}

static void test_what_failed_is_told_again(void **state)
{
    struct relay *relay = start("a");

    (void)state;
    t.fail_every = 4;
    for (int i = 0; i < 5; i++) {
        add_rows(30);
        run_until_told();
        run_until_kept();
    }
    assert_true(t.repeats > 0);
    stop(relay);
}

static void test_a_store_that_is_away_is_waited_for(void **state)
{
    struct relay *relay = start("a");

    (void)state;
    run_ms(50);
    t.down = true;
    add_rows(20);
    run_ms(50);
    assert_false(all_told());
    t.down = false;
    run_until_told();
    stop(relay);
}

static unsigned classes_of(const char *owner)
{
    unsigned n = 0;

    for (unsigned class = 0; class < ACCOUNT_CLASSES; class++)
        n += t.owners[class] != NULL && strcmp(t.owners[class], owner) == 0;
    return n;
}

/* A second one gets half; one that is gone leaves its part to the other. */
static void rule_27_classes_move_between_relays(void **state)
{
    struct relay *a = start("a"), *b;

    (void)state;
    add_rows(50);
    run_until_told();
    t.members = 2;
    b = start("b");
    add_rows(50);
    for (int i = 0; i < 200 && (classes_of("a") != 8 || classes_of("b") != 8); i++)
        run_ms(50);
    run_ms(300); /* and stays so */
    assert_int_equal(classes_of("a"), 8);
    assert_int_equal(classes_of("b"), 8);
    add_rows(100);
    run_until_told();
    stop(a);
    t.members = 1;
    add_rows(50);
    run_until_told();
    stop(b);
}

/* An outbox without news is looked at a few times a second. */
static void test_an_idle_relay_is_quiet(void **state)
{
    struct relay *relay = start("a");

    (void)state;
    add_rows(5);
    run_until_told();
    t.rolled_back = 3;
    run_ms(500);
    t.looks = 0;
    run_ms(1000);
    assert_in_range(t.looks, 1, 10);
    stop(relay);
}

static void test_shares_are_fair(void **state)
{
    struct outbox_keep view = { .members = 3 };
    struct relay_share share;

    (void)state;
    for (unsigned class = 0; class < ACCOUNT_CLASSES; class++)
        view.classes[class].free = true;
    share = relay_share_of(&view);
    assert_int_equal(__builtin_popcount(share.take), 6);
    assert_int_equal(share.release, 0);
    for (unsigned class = 0; class < ACCOUNT_CLASSES; class++) {
        view.classes[class].free = false;
        view.classes[class].mine = true;
    }
    share = relay_share_of(&view);
    assert_int_equal(__builtin_popcount(share.release), 10);
    assert_int_equal(share.take, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(rule_27_each_event_in_order),
        TEST(test_a_full_queue_is_waited_for),
        TEST(test_what_failed_is_told_again),
        TEST(test_a_store_that_is_away_is_waited_for),
        TEST(rule_27_classes_move_between_relays),
        TEST(test_an_idle_relay_is_quiet),
        cmocka_unit_test(test_shares_are_fair),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
