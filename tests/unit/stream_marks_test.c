/*
 * web/stream_marks: a clk that one process promised is good in another, which
 * heard the same entries in another interleaving of shards: what the client
 * has not had comes there behind the order it is given.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "web/stream_inside.h"

#define SHARDS 4
#define ENTRIES 400

/* A process: its book, and at which order each entry came. */
struct pod {
    uv_loop_t loop;
    struct book *book;
    struct stream *stream;
    int next[SHARDS];         /* entry of the shard that comes next */
    int64_t order[ENTRIES + 1]; /* by position; 0 = not heard */
};

static int shard_of[ENTRIES + 1];
static uint64_t random_state = 42;

static unsigned below(unsigned n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (unsigned)(random_state >> 33) % n;
}

static void pod_init(struct pod *pod)
{
    memset(pod, 0, sizeof(*pod));
    CHECK(uv_loop_init(&pod->loop) == 0);
    pod->book = book_sharded_new(SHARDS);
    pod->stream = stream_new(&(struct stream_options){ .loop = &pod->loop, .book = pod->book,
                                                       .tick_ms = 40 });
}

static void pod_fini(struct pod *pod)
{
    stream_drain(pod->stream, 0);
    uv_run(&pod->loop, UV_RUN_DEFAULT);
    stream_free(pod->stream);
    book_free(pod->book);
    CHECK(uv_loop_close(&pod->loop) == 0);
}

/* The shard's next entry.  False: it has no more. */
static bool hear(struct pod *pod, int shard)
{
    struct message message = { .type = MESSAGE_PRODUCER, .producer = 1, .up = true };
    struct book_change change;
    int position = pod->next[shard] + 1;

    while (position <= ENTRIES && shard_of[position] != shard)
        position++;
    if (position > ENTRIES)
        return false;
    pod->next[shard] = position;
    CHECK(book_apply(book_shard(pod->book, (unsigned)shard), &message, position, &change) ==
          BOOK_OK);
    pod->order[position] = book_order(pod->book);
    pod->stream->marked_ms = 0; /* as if time passed */
    stream_mark(pod->stream);
    return true;
}

static void hear_some(struct pod *pod)
{
    for (unsigned n = below(40); n > 0; n--)
        (void)hear(pod, (int)below(SHARDS));
}

/* Whoever has what `from` had at `order` goes on in `to`. */
static int64_t assert_resumes(struct pod *from, int64_t order, struct pod *to)
{
    int64_t clk = stream_clk(from->stream, order), since = stream_order(to->stream, clk);

    for (int position = 1; position <= ENTRIES; position++) {
        bool had = from->order[position] > 0 && from->order[position] <= order;

        if (position <= clk)
            assert_true(had);
        if (!had && to->order[position] > 0 && since >= 0)
            assert_true(to->order[position] > since);
    }
    return since;
}

static void test_a_clk_is_good_elsewhere(void **state UNUSED)
{
    unsigned resumed = 0;

    for (unsigned round = 0; round < 100; round++) {
        struct pod a, b;

        for (int i = 1; i <= ENTRIES; i++)
            shard_of[i] = (int)below(SHARDS);
        pod_init(&a);
        pod_init(&b);
        for (unsigned i = 0; i < 20; i++) {
            hear_some(&a);
            hear_some(&b);
            resumed += assert_resumes(&a, book_order(a.book), &b) > 0;
            resumed += assert_resumes(&b, (int64_t)below((unsigned)book_order(b.book) + 1),
                                      &a) > 0;
        }
        pod_fini(&a);
        pod_fini(&b);
    }
    assert_true(resumed > 100); /* it is not always an image */
}

/* What is shown as suspended because nobody is heard is so here alone. */
static void test_silence_promises_nothing(void **state UNUSED)
{
    struct pod a, b;
    int64_t clk;

    for (int i = 1; i <= ENTRIES; i++)
        shard_of[i] = i % SHARDS;
    pod_init(&a);
    pod_init(&b);
    for (unsigned i = 0; i < 40; i++) {
        (void)hear(&a, (int)(i % SHARDS));
        (void)hear(&b, (int)(i % SHARDS));
    }
    clk = stream_clk(a.stream, book_order(a.book));
    assert_true(clk > 0 && stream_order(b.stream, clk) > 0);
    assert_true(book_set_silence(book_shard(a.book, 1), BOOK_LIVE_SILENT, 0));
    stream_mark(a.stream); /* at once, however near the last one is */
    clk = stream_clk(a.stream, book_order(a.book));
    assert_int_equal(clk, 0);
    assert_int_equal(stream_order(b.stream, clk), -1);
    assert_true(book_set_silence(book_shard(a.book, 1), BOOK_ALIVE, 0));
    stream_mark(a.stream);
    assert_true(stream_clk(a.stream, book_order(a.book)) > 0);
    pod_fini(&a);
    pod_fini(&b);
}

static void test_a_book_without_shards(void **state UNUSED)
{
    struct pod pod;
    struct book_change change;
    struct message message = { .type = MESSAGE_PRODUCER, .producer = 1, .up = true };

    pod_init(&pod);
    book_free(pod.book);
    pod.book = book_new();
    pod.stream->options.book = pod.book;
    assert_int_equal(book_apply(pod.book, &message, 17, &change), BOOK_OK);
    assert_int_equal(stream_clk(pod.stream, 12), 12);
    assert_int_equal(stream_order(pod.stream, 12), 12);
    assert_int_equal(stream_order(pod.stream, 17), 17);
    assert_int_equal(stream_order(pod.stream, 18), -1);
    pod_fini(&pod);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_clk_is_good_elsewhere),
        cmocka_unit_test(test_silence_promises_nothing),
        cmocka_unit_test(test_a_book_without_shards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
