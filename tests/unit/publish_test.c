/*
 * feed/publish, topic/feed_out: the topic gets the log, in order, whatever
 * Kafka, the store and the lease do.
 *
 * Kafka and the store are doubles that fail as a seeded generator says.  What
 * counts is what a receiver has that passes over positions it has had: every
 * entry of its partition, once, in order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "feed/publish.h"
#include "model/slot.h"

#define PARTITIONS 4
#define ENTRIES 6000
#define AT_RANDOM 3000
#define LEADERS 2
#define ASKED 16
#define FLYING 20000

/* ---- doubles ------------------------------------------------------------- */

struct kafka {
    struct flying { struct kafka_record record; int64_t pos; } flying[FLYING];
    unsigned n;
    bool full;
};

static struct {
    int64_t last[PARTITIONS];      /* what a receiver had last */
    int64_t had[PARTITIONS][ENTRIES + 1]; /* how often */
    unsigned records, again;       /* in all; passed over */
} topic;

static struct {
    int64_t n, published;
    struct store_exec *asked[ASKED];
    int64_t then[ASKED]; /* entries there were when it was asked */
    unsigned n_asked;
    bool fails;
} store;

static bool sure;       /* nobody else can lead */
static unsigned marks;  /* sent */

static uint32_t seed;

static uint32_t chance(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

/* Every third entry is nobody's event. */
static struct str event_of(int64_t pos, char text[32])
{
    snprintf(text, 32, "sr:match:%d", (int)(pos * 7 % 50));
    return pos % 3 == 0 ? STR_NONE : str_of(text);
}

static bool is_of(int64_t pos, int32_t partition)
{
    char text[32];
    struct str event = event_of(pos, text);

    return event.n == 0 || slot_of(event) % PARTITIONS == (unsigned)partition;
}

unsigned kafka_partitions(const struct kafka *kafka)
{
    (void)kafka;
    return PARTITIONS;
}

static void expect_entry(const struct kafka_record *record)
{
    char text[32], body[32];

    assert_int_equal(record->topic, TOPIC_FEED);
    assert_true(str_eq(record->key, event_of(record->position, text)));
    snprintf(body, sizeof(body), "%d", (int)record->position);
    assert_true(str_eq(record->value, str_of(body)));
    assert_int_equal(record->at_ms, 1000 + record->position);
}

static void expect_mark(const struct kafka_record *record)
{
    assert_int_equal(record->topic, TOPIC_FEED);
    assert_int_equal(record->key.n, 0);
    assert_true(record->position > 0 && sure);
    marks++;
}

bool kafka_send(struct kafka *kafka, const struct kafka_record *record)
{
    if (kafka->full || kafka->n == FLYING)
        return false;
    if (record->value.n > 0)
        expect_entry(record);
    else
        expect_mark(record);
    kafka->flying[kafka->n].pos = record->position;
    kafka->flying[kafka->n++].record = *record;
    return true;
}

/* A receiver: what comes again is passed over, a gap is a fault; so is a mark
 * ahead of what it vouches for. */
static void receive(const struct flying *flying)
{
    int32_t partition = flying->record.partition;
    int64_t pos = flying->pos;
    bool mark = flying->record.on_done == NULL;

    topic.records++;
    assert_true(mark || is_of(pos, partition));
    if (pos <= topic.last[partition]) {
        topic.again += !mark;
        return;
    }
    for (int64_t p = topic.last[partition] + 1; p < pos + mark; p++)
        assert_false(is_of(p, partition));
    topic.last[partition] = pos;
    topic.had[partition][pos] += !mark;
}

/* The first n in flight are acknowledged. */
static void acknowledge(struct kafka *kafka, unsigned n)
{
    struct flying done[64];

    n = n > kafka->n ? kafka->n : n;
    n = n > LENGTH(done) ? LENGTH(done) : n;
    memcpy(done, kafka->flying, n * sizeof(done[0]));
    kafka->n -= n;
    memmove(kafka->flying, kafka->flying + n, kafka->n * sizeof(done[0]));
    for (unsigned i = 0; i < n; i++) {
        receive(&done[i]);
        if (done[i].record.on_done != NULL)
            done[i].record.on_done(done[i].record.ctx, true);
    }
}

/* Some are there, and nobody knows; all have failed. */
static void break_down(struct kafka *kafka)
{
    static struct flying done[FLYING];
    unsigned n = kafka->n, there[PARTITIONS];

    memcpy(done, kafka->flying, n * sizeof(done[0]));
    kafka->n = 0;
    for (int i = 0; i < PARTITIONS; i++)
        there[i] = chance(20);
    for (unsigned i = 0; i < n; i++) {
        int32_t partition = done[i].record.partition;

        if (there[partition] > 0) {
            there[partition]--;
            receive(&done[i]);
        }
        if (done[i].record.on_done != NULL)
            done[i].record.on_done(done[i].record.ctx, false);
    }
}

void store_exec(struct store *unused, struct store_exec *exec)
{
    (void)unused;
    assert_true(store.n_asked < ASKED);
    store.then[store.n_asked] = store.n;
    store.asked[store.n_asked++] = exec;
}

static void answer_read(struct store_exec *exec, int64_t n)
{
    int64_t after = exec->calls[0].params[0].i, limit = exec->calls[0].params[1].i;

    exec->columns = 6;
    exec->cells = ARENA_ARRAY(exec->arena, struct value, (size_t)limit * 6);
    for (int64_t pos = after + 1; pos <= n && exec->rows < limit; pos++) {
        struct value *row = &exec->cells[exec->rows++ * 6];
        char text[32];

        row[0].i = pos;
        row[1].i = 1000 + pos;
        row[4].s = arena_str(exec->arena, event_of(pos, text));
        row[5].s = arena_str(exec->arena, arena_printf(exec->arena, "%lld", (long long)pos));
    }
}

static void answer(void)
{
    struct store_exec *exec = store.asked[0];
    int64_t then = store.then[0];

    store.n_asked--;
    memmove(store.then, store.then + 1, store.n_asked * sizeof(then));
    memmove(store.asked, store.asked + 1, store.n_asked * sizeof(exec));
    exec->rows = 0;
    if (store.fails && chance(100) == 0) {
        exec->on_done(exec, STORE_UNAVAILABLE);
        return;
    }
    switch (exec->calls[0].statement) {
    case STATEMENT_FEED_READ:
        answer_read(exec, then);
        break;
    case STATEMENT_FEED_PUBLISHED:
        exec->columns = exec->rows = 1;
        exec->cells = ARENA_NEW(exec->arena, struct value);
        exec->cells[0].i = store.published;
        break;
    default:
        assert_int_equal(exec->calls[0].statement, STATEMENT_FEED_PUBLISHED_SET);
        if (store.published < exec->calls[0].params[0].i)
            store.published = exec->calls[0].params[0].i;
    }
    exec->on_done(exec, STORE_OK);
}

static bool is_sure(void *ctx)
{
    (void)ctx;
    return sure;
}

/* ---- the bench ----------------------------------------------------------- */

struct bench {
    uv_loop_t loop;
    struct kafka *kafka[LEADERS];
    struct publish *publish[LEADERS];
    int leader;
};

static void bench_init(struct bench *bench, uint32_t with)
{
    memset(&topic, 0, sizeof(topic));
    memset(&store, 0, sizeof(store));
    log_set_level(LOG_ERROR);
    marks = 0;
    sure = true;
    seed = with;
    assert_int_equal(uv_loop_init(&bench->loop), 0);
    for (int i = 0; i < LEADERS; i++) {
        bench->kafka[i] = calloc(1, sizeof(struct kafka));
        bench->publish[i] = publish_new(&(struct publish_options){
            .loop = &bench->loop, .kafka = bench->kafka[i], .tick_ms = 1,
            .is_sure = is_sure });
    }
    bench->leader = 0;
}

static void turn(struct bench *bench)
{
    uv_run(&bench->loop, UV_RUN_NOWAIT);
    if (store.n_asked > 0)
        answer();
}

/* Entry after entry becomes durable; everybody hears of it. */
static void append(struct bench *bench)
{
    char event[32], body[32];
    int64_t pos = ++store.n;

    snprintf(body, sizeof(body), "%lld", (long long)pos);
    for (int i = 0; i < LEADERS; i++)
        publish_entry(bench->publish[i], pos, 1000 + pos, event_of(pos, event), str_of(body));
}

/* As the gauge has it: of the one that leads. */
static int64_t acknowledged(const struct publish *publish)
{
    publish_metrics(publish);
    return metric_value(METRIC_FEED_TOLD, STR_NONE);
}

static void run_until_told(struct bench *bench, int64_t pos)
{
    uint64_t until = uv_hrtime() + 20 * (uint64_t)1000000000;

    while (acknowledged(bench->publish[bench->leader]) < pos) {
        assert_true(uv_hrtime() < until);
        turn(bench);
        for (int i = 0; i < LEADERS; i++)
            acknowledge(bench->kafka[i], 50);
    }
}

static void assert_all_had(void)
{
    for (int i = 0; i < PARTITIONS; i++)
        for (int64_t pos = 1; pos <= store.n; pos++)
            assert_int_equal(topic.had[i][pos], is_of(pos, i));
}

static void bench_fini(struct bench *bench)
{
    for (int i = 0; i < LEADERS; i++) {
        publish_stop(bench->publish[i]);
        while (bench->kafka[i]->n > 0)
            acknowledge(bench->kafka[i], 50);
    }
    store.fails = false;
    while (store.n_asked > 0)
        answer();
    uv_run(&bench->loop, UV_RUN_DEFAULT);
    for (int i = 0; i < LEADERS; i++) {
        publish_free(bench->publish[i]);
        free(bench->kafka[i]);
    }
    assert_int_equal(uv_loop_close(&bench->loop), 0);
}

/* ---- what holds ---------------------------------------------------------- */

static void a_leader_tells_what_it_finds_and_what_comes(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench, 1);
    for (int i = 0; i < 600; i++)
        append(&bench);
    assert_int_equal(bench.kafka[0]->n, 0); /* nobody leads */
    publish_lead(bench.publish[0]);
    run_until_told(&bench, 600);
    append(&bench);
    assert_true(bench.kafka[0]->n > 0); /* at once, from memory */
    run_until_told(&bench, 601);
    assert_all_had();
    assert_int_equal(topic.again, 0);
    bench_fini(&bench);
    assert_int_equal(store.published, 601); /* told to the next leader */
}

static void what_comes_while_the_table_is_read_is_told_behind_it(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench, 1);
    for (int i = 0; i < 500; i++)
        append(&bench);
    publish_lead(bench.publish[0]);
    for (int i = 0; i < 200; i++) {
        turn(&bench);
        append(&bench);
    }
    run_until_told(&bench, 700);
    assert_all_had();
    assert_int_equal(topic.again, 0);
    bench_fini(&bench);
}

static void what_is_too_much_to_keep_is_read_again(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench, 1);
    append(&bench);
    publish_lead(bench.publish[0]);
    while (store.n_asked == 0 || store.asked[0]->calls[0].statement != STATEMENT_FEED_READ) {
        if (store.n_asked > 0)
            answer();
        uv_run(&bench.loop, UV_RUN_ONCE);
    }
    for (int i = 0; i < LIMIT_FEED_QUEUE + 500; i++)
        append(&bench);
    run_until_told(&bench, store.n);
    append(&bench);
    run_until_told(&bench, store.n);
    assert_all_had();
    bench_fini(&bench);
}

static void a_full_queue_is_waited_for(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench, 1);
    publish_lead(bench.publish[0]);
    append(&bench);
    run_until_told(&bench, 1);
    bench.kafka[0]->full = true;
    for (int i = 0; i < 400; i++)
        append(&bench);
    for (int i = 0; i < 20; i++)
        turn(&bench);
    bench.kafka[0]->full = false;
    run_until_told(&bench, 401);
    assert_all_had();
    bench_fini(&bench);
}

static void what_was_not_acknowledged_is_not_told(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench, 1);
    append(&bench);
    append(&bench);
    publish_lead(bench.publish[0]);
    for (int i = 0; i < 1000 && bench.kafka[0]->n < 2; i++)
        turn(&bench);
    assert_int_equal(acknowledged(bench.publish[0]), 0);
    break_down(bench.kafka[0]);
    assert_int_equal(acknowledged(bench.publish[0]), 0);
    run_until_told(&bench, 2);
    assert_all_had();
    bench_fini(&bench);
}

static void who_follows_tells_nothing(void **state)
{
    struct bench bench;
    unsigned records;

    (void)state;
    bench_init(&bench, 1);
    publish_lead(bench.publish[0]);
    append(&bench);
    run_until_told(&bench, 1);
    publish_follow(bench.publish[0]);
    records = topic.records;
    append(&bench);
    for (int i = 0; i < 100; i++)
        turn(&bench);
    assert_int_equal(bench.kafka[0]->n, 0);
    assert_int_equal(topic.records, records);
    bench_fini(&bench);
}

static void a_mark_names_what_is_acknowledged_while_it_is_sure(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench, 1);
    publish_lead(bench.publish[0]);
    append(&bench);
    run_until_told(&bench, 1);
    append(&bench); /* under way: no mark says that it was told */
    while (marks < PARTITIONS)
        uv_run(&bench.loop, UV_RUN_ONCE);
    for (unsigned i = 0; i < bench.kafka[0]->n; i++)
        if (bench.kafka[0]->flying[i].record.value.n == 0)
            assert_int_equal(bench.kafka[0]->flying[i].pos, 1);
    run_until_told(&bench, 2);
    while (marks < 3 * PARTITIONS)
        uv_run(&bench.loop, UV_RUN_ONCE);
    sure = false; /* expect_mark() takes none */
    for (int i = 0; i < 100; i++)
        uv_run(&bench.loop, UV_RUN_ONCE);
    bench_fini(&bench);
}

/* Anything may fail at any time; a former leader does not know it yet. */
static void run_at_random(uint32_t with, unsigned *told_again)
{
    struct bench bench;

    bench_init(&bench, with);
    store.fails = true;
    publish_lead(bench.publish[0]);
    while (store.n < AT_RANDOM) {
        struct kafka *some = bench.kafka[chance(LEADERS)];

        if (chance(3) != 0)
            append(&bench);
        if (chance(4) != 0)
            turn(&bench);
        if (chance(20) == 0)
            uv_sleep(1); /* for the timers */
        if (chance(2) == 0)
            acknowledge(some, 1 + chance(30));
        if (chance(60) == 0)
            break_down(some);
        if (chance(40) == 0)
            some->full = !some->full;
        if (chance(50) == 0)
            sure = !sure;
        if (chance(150) == 0) {
            bench.leader = !bench.leader;
            publish_lead(bench.publish[bench.leader]);
        }
        if (chance(30) == 0)
            publish_follow(bench.publish[!bench.leader]);
    }
    bench.kafka[0]->full = bench.kafka[1]->full = store.fails = false;
    publish_follow(bench.publish[!bench.leader]);
    run_until_told(&bench, store.n);
    assert_all_had();
    *told_again += topic.again;
    bench_fini(&bench);
}

static void nothing_is_lost_or_out_of_order_whatever_fails(void **state)
{
    unsigned told_again = 0;

    (void)state;
    for (uint32_t with = 1; with <= 20; with++)
        run_at_random(with, &told_again);
    assert_true(told_again > 1000); /* failures there were */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_leader_tells_what_it_finds_and_what_comes),
        cmocka_unit_test(what_comes_while_the_table_is_read_is_told_behind_it),
        cmocka_unit_test(what_is_too_much_to_keep_is_read_again),
        cmocka_unit_test(a_full_queue_is_waited_for),
        cmocka_unit_test(what_was_not_acknowledged_is_not_told),
        cmocka_unit_test(who_follows_tells_nothing),
        cmocka_unit_test(a_mark_names_what_is_acknowledged_while_it_is_sure),
        cmocka_unit_test(nothing_is_lost_or_out_of_order_whatever_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
