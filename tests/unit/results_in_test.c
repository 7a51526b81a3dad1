/* topic/results_in: whose slots are settled here, and when an offset is committed.
 * The group and the engine are played here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "topic/fact_record.h"
#include "model/slot.h"
#include "topic/results_in.h"

#define PARTITIONS 4
#define EVENT STR("sr:match:7")

static struct {
    struct kafka_group_options group;
    uint64_t slots;
    int64_t committed;
    bool paused;
    struct fact taken[8];
    unsigned n;
} seen;

struct kafka_group *kafka_group_new(struct kafka *kafka, const struct kafka_group_options *options)
{
    (void)kafka;
    seen.group = *options;
    return NULL;
}

void kafka_group_begin(struct kafka_group *group, int32_t partition)
{
    (void)group;
    (void)partition;
}

void kafka_group_commit(struct kafka_group *group, int32_t partition, int64_t offset)
{
    (void)group;
    assert_int_equal(partition, slot_of(EVENT) % PARTITIONS);
    seen.committed = offset;
}

void kafka_group_pause(struct kafka_group *group, int32_t partition, bool pause)
{
    (void)group;
    (void)partition;
    seen.paused = pause;
}

void kafka_group_close(struct kafka_group *group, void (*on_closed)(void *ctx), void *ctx)
{
    (void)group;
    on_closed(ctx);
}

static void on_slots(void *ctx, uint64_t slots)
{
    (void)ctx;
    seen.slots = slots;
}

static void on_results(void *ctx, const struct bus_results *message)
{
    (void)ctx;
    assert_true(message->n == 1 && seen.n < LENGTH(seen.taken));
    seen.taken[seen.n] = message->facts[0];
    seen.taken[seen.n].id.event = EVENT;
    seen.n++;
}

static struct results_in *begin(void)
{
    memset(&seen, 0, sizeof(seen));
    return results_in_new(&(struct results_in_options){
        .count = PARTITIONS, .on_slots = on_slots, .on_results = on_results });
}

static void on_stopped(void *ctx)
{
    (void)ctx;
}

static void end(struct results_in *in)
{
    results_in_stop(in, on_stopped, NULL);
    results_in_free(in);
}

static uint64_t slots_of(unsigned partition)
{
    uint64_t slots = 0;

    for (unsigned slot = partition; slot < SLOTS; slot += PARTITIONS)
        slots |= UINT64_C(1) << slot;
    return slots;
}

static void give(struct str value, int64_t offset)
{
    seen.group.on_message(seen.group.ctx, &(struct kafka_message){
        .partition = (int32_t)(slot_of(EVENT) % PARTITIONS), .offset = offset, .value = value });
}

static void give_fact(int64_t offset)
{
    struct fact fact = { .kind = FACT_SETTLEMENT, .position = 100 + offset, .certainty = 2,
                         .id = { .event = EVENT, .market = 1 }, .end_ms = INT64_MAX };
    struct arena arena;
    struct buf out;

    arena_init(&arena, 1024 * 1024);
    buf_init(&out, 64 * 1024);
    fact_record_write(&fact, &arena, &out);
    give(buf_view(&out), offset);
    buf_fini(&out);
    arena_fini(&arena);
}

static void slots_follow_the_partitions(void **state)
{
    struct results_in *in = begin();

    (void)state;
    seen.group.on_assigned(in, 1);
    assert_true(seen.slots == slots_of(1));
    seen.group.on_assigned(in, 3);
    assert_true(seen.slots == (slots_of(1) | slots_of(3)));
    seen.group.on_revoked(in, 1, false);
    assert_true(seen.slots == slots_of(3));
    end(in);
}

/* Kafka is away: what the store has is settled all the same. */
static void what_is_lost_is_settled_until_the_group_is_back(void **state)
{
    struct results_in *in = begin();

    (void)state;
    seen.group.on_assigned(in, 1);
    seen.group.on_assigned(in, 3);
    seen.group.on_revoked(in, 1, true);
    seen.group.on_revoked(in, 3, true);
    assert_true(seen.slots == (slots_of(1) | slots_of(3)));
    seen.group.on_assigned(in, 2);
    assert_true(seen.slots == slots_of(2));
    end(in);
}

static void an_offset_is_committed_behind_what_is_stored(void **state)
{
    struct results_in *in = begin();

    (void)state;
    seen.group.on_assigned(in, (int32_t)(slot_of(EVENT) % PARTITIONS));
    give_fact(5);
    give_fact(6);
    give(STR("{\"v\":1"), 7); /* nobody can read it: passed over */
    give_fact(8);
    assert_int_equal(seen.n, 3);
    assert_int_equal(seen.committed, 0);
    results_in_stored(in, &seen.taken[1], 1);
    assert_int_equal(seen.committed, 0); /* 5 is not */
    results_in_stored(in, &seen.taken[0], 1);
    assert_int_equal(seen.committed, 8);
    results_in_stored(in, &seen.taken[2], 1);
    assert_int_equal(seen.committed, 9);
    end(in);
}

/* A person has to see to the first one; the others are settled meanwhile. */
static void one_that_the_store_rejects_holds_only_the_offset(void **state)
{
    struct results_in *in = begin();

    (void)state;
    seen.group.on_assigned(in, (int32_t)(slot_of(EVENT) % PARTITIONS));
    give_fact(1);
    for (int64_t offset = 2; offset < 12000; offset++) {
        seen.n = 0;
        give_fact(offset);
        results_in_stored(in, &seen.taken[0], 1);
        assert_false(seen.paused);
    }
    assert_int_equal(seen.committed, 0);
    end(in);
}

static void a_store_that_takes_nothing_is_waited_for(void **state)
{
    struct results_in *in = begin();
    int64_t offset = 0;

    (void)state;
    seen.group.on_assigned(in, (int32_t)(slot_of(EVENT) % PARTITIONS));
    for (; !seen.paused; seen.n = 0) {
        assert_true(offset < 20000);
        give_fact(++offset);
    }
    for (int64_t stored = 1; seen.paused; stored++) {
        struct fact fact = { .id.event = EVENT, .record = stored };

        assert_true(stored <= offset);
        results_in_stored(in, &fact, 1);
    }
    assert_true(seen.committed > 0);
    end(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_follow_the_partitions),
        cmocka_unit_test(what_is_lost_is_settled_until_the_group_is_back),
        cmocka_unit_test(an_offset_is_committed_behind_what_is_stored),
        cmocka_unit_test(one_that_the_store_rejects_holds_only_the_offset),
        cmocka_unit_test(a_store_that_takes_nothing_is_waited_for),
    };

    return cmocka_run_group_tests_name("intake", tests, NULL, NULL);
}
