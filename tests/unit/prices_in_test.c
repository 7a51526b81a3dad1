/* topic/prices_in: a book from the topic prices: ready when it is whole, told when
 * the past is read, silent when nobody is heard.  Kafka is played here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "topic/prices_in.h"
#include "model/book_image.h"
#include "model/slot.h"

#define PARTITIONS 2
#define LIVE_MS 300
#define ALL_MS 3000
#define EVENT STR("sr:match:7")

/* ---- Kafka ---------------------------------------------------------------- */

static struct {
    struct kafka_reader_options reader;
    unsigned partitions;
    bool closed;
} kafka;

struct kafka_reader *kafka_reader_new(struct kafka *unused,
                                      const struct kafka_reader_options *options)
{
    (void)unused;
    kafka.reader = *options;
    kafka.closed = false;
    return NULL;
}

void kafka_reader_close(struct kafka_reader *reader)
{
    (void)reader;
    kafka.closed = true;
}

unsigned kafka_partitions(const struct kafka *unused)
{
    (void)unused;
    return kafka.partitions;
}

/* ---- the owner, the mirror ------------------------------------------------- */

struct bench {
    uv_loop_t loop;
    struct bus *bus;
    struct book *owner, *book;
    struct prices_in *mirror;
    unsigned told, told_all;
    int32_t status;    /* of the event; 1 = live */
    int32_t partition; /* of what is emitted */
    int64_t offset, position;
};

static void on_prices(void *ctx, const struct bus_prices *prices)
{
    struct bench *bench = ctx;

    bench->told++;
    bench->told_all += prices->change->all;
}

static void bench_init(struct bench *bench, unsigned partitions)
{
    memset(bench, 0, sizeof(*bench));
    bench->status = 1;
    kafka.partitions = partitions;
    assert_int_equal(uv_loop_init(&bench->loop), 0);
    bench->bus = bus_local_new();
    bus_subscribe(bench->bus, &(struct bus_subscriber){ .on_prices = on_prices, .ctx = bench });
    bench->owner = book_sharded_new(PARTITIONS);
    bench->book = book_sharded_new(PARTITIONS);
    bench->mirror = prices_in_new(&(struct prices_in_options){
        .loop = &bench->loop, .bus = bench->bus, .book = bench->book,
        .live_silence_ms = LIVE_MS, .prematch_silence_ms = ALL_MS,
    });
}

static void bench_fini(struct bench *bench)
{
    prices_in_close(bench->mirror);
    assert_true(kafka.closed);
    uv_run(&bench->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&bench->loop), 0);
    bus_free(bench->bus);
    book_free(bench->book);
    book_free(bench->owner);
}

static void emit(void *ctx, const struct book_record *record)
{
    struct bench *bench = ctx;

    kafka.reader.on_message(kafka.reader.ctx, &(struct kafka_message){
        .partition = bench->partition, .offset = bench->offset++, .at_ms = clock_wall_ms(),
        .position = record->epoch, .key = record->key, .value = record->value,
        .tombstone = record->tombstone,
    });
}

static struct book *owned(struct bench *bench, unsigned partition)
{
    bench->partition = (int32_t)partition;
    return book_shard(bench->owner, partition);
}

static void image(struct bench *bench, int64_t epoch)
{
    for (unsigned p = 0; p < PARTITIONS; p++)
        book_image_all(owned(bench, p), epoch, emit, bench);
}

static void ends(void)
{
    for (int32_t p = 0; p < PARTITIONS; p++)
        kafka.reader.on_end(kafka.reader.ctx, p);
}

static void tick(struct bench *bench, unsigned partition, int64_t epoch, int64_t at_ms)
{
    book_image_tick(owned(bench, partition), epoch, at_ms, emit, bench);
}

static void tick_both(struct bench *bench, int64_t epoch)
{
    tick(bench, 0, epoch, clock_wall_ms());
    tick(bench, 1, epoch, clock_wall_ms());
}

static void run_for(struct bench *bench, uint64_t ms)
{
    uint64_t until = uv_now(&bench->loop) + ms;

    while (uv_now(&bench->loop) < until)
        uv_run(&bench->loop, UV_RUN_ONCE);
}

/* The same entry in each shard, and its records if they are wanted. */
static void apply(struct bench *bench, const struct message *message, unsigned partition,
                  int64_t epoch)
{
    struct book *shard = owned(bench, partition);
    struct book_change change;

    assert_int_equal(book_apply(shard, message, bench->position, &change), BOOK_OK);
    if (epoch > 0)
        book_image_change(shard, &change, epoch, emit, bench);
}

static void producer_up(struct bench *bench)
{
    struct message up = { .type = MESSAGE_PRODUCER, .producer = 3, .up = true };

    bench->position++;
    for (unsigned p = 0; p < PARTITIONS; p++)
        apply(bench, &up, p, 0);
}

static void priced(struct bench *bench, int64_t odds_e4, int64_t epoch)
{
    struct message_outcome outcome = { .id = STR("1"), .odds_e4 = odds_e4, .active = true };
    struct message_market market = { .market = 1, .status = MARKET_ACTIVE, .n = 1 };
    struct message odds = {
        .type = MESSAGE_ODDS_CHANGE, .producer = 3, .event = EVENT,
        .timestamp_ms = 1700000000000 + bench->position, .has_status = true,
        .event_status = bench->status, .match_status = -1,
        .markets = &market, .outcomes = &outcome, .n_markets = 1, .n_outcomes = 1,
    };

    bench->position++;
    apply(bench, &odds, slot_of(EVENT) % PARTITIONS, epoch);
}

static void scheduled(struct bench *bench, int64_t start_ms)
{
    struct message_fixture fixture = { .event = EVENT, .start_ms = start_ms };
    struct message message = { .type = MESSAGE_FIXTURE, .event = EVENT, .fixture = &fixture };

    bench->position++;
    apply(bench, &message, slot_of(EVENT) % PARTITIONS, 0);
}

static const struct market *mirrored(const struct bench *bench)
{
    return book_market(bench->book, (struct market_id){ .event = EVENT, .market = 1 });
}

static enum market_status shown(const struct bench *bench)
{
    assert_non_null(mirrored(bench));
    return book_status(bench->book, mirrored(bench));
}

static void becomes_ready(struct bench *bench)
{
    producer_up(bench);
    priced(bench, 20000, 0);
    image(bench, 1);
    ends();
    tick_both(bench, 1);
    run_for(bench, 150);
    assert_true(prices_in_is_ready(bench->mirror));
    tick_both(bench, 1); /* its budget begins anew */
}

/* ---- tests ----------------------------------------------------------------- */

static void it_is_ready_when_it_is_whole_and_heard(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench, PARTITIONS);
    producer_up(&bench);
    priced(&bench, 20000, 0);
    tick_both(&bench, 1); /* of the past */
    image(&bench, 1);
    run_for(&bench, 150);
    assert_int_equal(bench.told, 0); /* the past is told to nobody */
    assert_false(prices_in_is_ready(bench.mirror));
    ends();
    run_for(&bench, 150);
    assert_int_equal(bench.told, bench.told_all);
    assert_false(prices_in_is_ready(bench.mirror));
    assert_int_equal(shown(&bench), MARKET_SUSPENDED); /* nobody was heard */
    tick(&bench, 0, 1, clock_wall_ms() + 1);
    run_for(&bench, 150);
    assert_false(prices_in_is_ready(bench.mirror));
    tick(&bench, 1, 1, clock_wall_ms() + 1);
    run_for(&bench, 150);
    assert_true(prices_in_is_ready(bench.mirror));
    tick_both(&bench, 1);
    assert_int_equal(shown(&bench), MARKET_ACTIVE);
    bench_fini(&bench);
}

static void a_change_is_told(void **state)
{
    struct bench bench;
    unsigned told;

    (void)state;
    bench_init(&bench, PARTITIONS);
    becomes_ready(&bench);
    told = bench.told;
    priced(&bench, 25000, 1);
    assert_true(bench.told > told);
    assert_int_equal(mirrored(&bench)->outcomes[0].odds_e4, 25000);
    bench_fini(&bench);
}

static void a_replaced_owner_is_not_heard(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench, PARTITIONS);
    becomes_ready(&bench);
    image(&bench, 2);
    tick_both(&bench, 2);
    run_for(&bench, 100);
    priced(&bench, 90000, 1); /* the former one, that does not know */
    assert_int_equal(mirrored(&bench)->outcomes[0].odds_e4, 20000);
    for (unsigned i = 0; i < 12; i++) { /* nor do its ticks keep the markets up */
        tick_both(&bench, 1);
        run_for(&bench, 50);
    }
    assert_int_equal(shown(&bench), MARKET_SUSPENDED);
    bench_fini(&bench);
}

static void who_is_silent_sells_nothing_until_heard(void **state)
{
    struct bench bench;
    unsigned told;

    (void)state;
    bench_init(&bench, PARTITIONS);
    becomes_ready(&bench);
    assert_int_equal(shown(&bench), MARKET_ACTIVE);
    told = bench.told_all;
    run_for(&bench, LIVE_MS + 250);
    assert_int_equal(shown(&bench), MARKET_SUSPENDED); /* its event is live */
    assert_true(bench.told_all > told);
    assert_true(prices_in_is_ready(bench.mirror)); /* the wallet goes on */
    tick_both(&bench, 1);
    assert_int_equal(shown(&bench), MARKET_ACTIVE);
    bench_fini(&bench);
}

/* Whether it has started is what is not heard. */
static void what_was_to_start_is_live(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench, PARTITIONS);
    bench.status = 0;
    scheduled(&bench, clock_wall_ms() + ALL_MS / 2);
    becomes_ready(&bench);
    assert_int_equal(shown(&bench), MARKET_ACTIVE);
    run_for(&bench, LIVE_MS + 150);
    assert_int_equal(shown(&bench), MARKET_SUSPENDED);
    tick_both(&bench, 1);
    assert_int_equal(shown(&bench), MARKET_ACTIVE);
    bench_fini(&bench);
}

static void what_starts_later_is_not(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench, PARTITIONS);
    bench.status = 0;
    scheduled(&bench, clock_wall_ms() + 3600000);
    becomes_ready(&bench);
    run_for(&bench, LIVE_MS + 150);
    assert_int_equal(shown(&bench), MARKET_ACTIVE);
    run_for(&bench, ALL_MS - LIVE_MS + 150);
    assert_int_equal(shown(&bench), MARKET_SUSPENDED);
    bench_fini(&bench);
}

/* The loop has not turned since, and its timers do not know. */
static void who_slept_looks_before_it_sells(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench, PARTITIONS);
    becomes_ready(&bench);
    uv_sleep(LIVE_MS + 50);
    prices_in_check_silence(bench.mirror);
    assert_int_equal(shown(&bench), MARKET_SUSPENDED);
    bench_fini(&bench);
}

/* What an outage has kept back says nothing about who lives now. */
static void a_tick_of_long_ago_is_not_heard(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench, PARTITIONS);
    becomes_ready(&bench);
    run_for(&bench, LIVE_MS + 250);
    tick(&bench, slot_of(EVENT) % PARTITIONS, 1, clock_wall_ms() - 20000);
    assert_int_equal(shown(&bench), MARKET_SUSPENDED);
    bench_fini(&bench);
}

static void another_number_of_partitions_is_never_ready(void **state)
{
    struct bench bench;

    (void)state;
    bench_init(&bench, PARTITIONS * 2);
    producer_up(&bench);
    priced(&bench, 20000, 0);
    image(&bench, 1);
    ends();
    tick_both(&bench, 1);
    run_for(&bench, 250); /* all that the book has room for is whole */
    assert_false(prices_in_is_ready(bench.mirror));
    kafka.reader.on_message(kafka.reader.ctx, &(struct kafka_message){ .partition = 3 });
    kafka.reader.on_end(kafka.reader.ctx, 3);
    bench_fini(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_ready_when_it_is_whole_and_heard),
        cmocka_unit_test(a_change_is_told),
        cmocka_unit_test(a_replaced_owner_is_not_heard),
        cmocka_unit_test(who_is_silent_sells_nothing_until_heard),
        cmocka_unit_test(what_was_to_start_is_live),
        cmocka_unit_test(what_starts_later_is_not),
        cmocka_unit_test(who_slept_looks_before_it_sells),
        cmocka_unit_test(a_tick_of_long_ago_is_not_heard),
        cmocka_unit_test(another_number_of_partitions_is_never_ready),
    };

    return cmocka_run_group_tests_name("mirror", tests, NULL, NULL);
}
