/* The topic prices, read into a book: see prices_in.h. */
#include "topic/prices_in.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "model/book_image.h"
#include "model/slot.h"

#define TICK_MS 100

struct shard_in {
    struct book *book;
    int64_t tick_ms;      /* of the last one, by its owner's clock */
    uint64_t alive_ms;    /* its owner lived then, by now_ms(); 0 = never */
    bool ended;           /* the past is read */
};

struct prices_in {
    struct prices_in_options options;
    struct kafka_reader *reader;
    uv_timer_t timer;
    struct shard_in shards[SLOTS];
    unsigned n;
    uint64_t started_ms;
    bool ready, mismatched;
};

static void publish(struct prices_in *prices, const struct shard_in *shard,
                 const struct book_change *change)
{
    bus_publish_prices(prices->options.bus, &(struct bus_prices){
        .position = book_position(shard->book), .change = change,
    });
}

static void publish_all(struct prices_in *prices, const struct shard_in *shard)
{
    struct book_change change = { .all = true };

    publish(prices, shard, &change);
}

/* ---- silence --------------------------------------------------------------- */

/* The loop's clock, but of this moment: a process that slept in the middle of
 * a turn does not know it by the loop's. */
static uint64_t now_ms(void)
{
    return (uint64_t)clock_mono_us() / 1000;
}

static enum book_silence silence_of(const struct prices_in *prices, const struct shard_in *shard,
                                    uint64_t at_ms)
{
    uint64_t silent_ms = at_ms - shard->alive_ms;

    if (shard->alive_ms == 0 || silent_ms >= (uint64_t)prices->options.prematch_silence_ms)
        return BOOK_ALL_SILENT;
    if (silent_ms >= (uint64_t)prices->options.live_silence_ms)
        return BOOK_LIVE_SILENT;
    return BOOK_ALIVE;
}

/* What was to start before all is suspended counts as live. */
static void check_silence(struct prices_in *prices, struct shard_in *shard, uint64_t at_ms)
{
    static const char *const names[] = { "heard", "live", "all" };
    enum book_silence silence = silence_of(prices, shard, at_ms);
    int64_t live_by_ms = shard->tick_ms + prices->options.prematch_silence_ms;

    if (!book_set_silence(shard->book, silence, live_by_ms))
        return;
    log_warn("mirror", silence == BOOK_ALIVE ? "a partition is heard" : "a partition is silent",
             "partition=%d suspended=%s", (int)(shard - prices->shards), names[silence]);
    if (shard->ended)
        publish_all(prices, shard);
}

/* ---- readiness ------------------------------------------------------------- */

/* A partition without an owner for so long is suspended: that is a state, too. */
static bool is_whole(const struct prices_in *prices, const struct shard_in *shard)
{
    uint64_t waited_ms = now_ms() - prices->started_ms;

    return shard->ended && book_image_state(shard->book).whole &&
           (shard->alive_ms > 0 || waited_ms >= (uint64_t)prices->options.prematch_silence_ms);
}

static void check_ready(struct prices_in *prices)
{
    struct book_counts counts;

    for (unsigned i = 0; i < prices->n; i++)
        if (!is_whole(prices, &prices->shards[i]))
            return;
    counts = book_counts(prices->options.book);
    prices->ready = true;
    log_info("mirror", "the book is here", "markets=%llu ms=%llu",
             (unsigned long long)counts.markets,
             (unsigned long long)(now_ms() - prices->started_ms));
}

static void check_partitions(struct prices_in *prices)
{
    unsigned n = kafka_partitions(prices->options.kafka);

    if (prices->mismatched || n == 0 || n == prices->n)
        return;
    prices->mismatched = true;
    log_error("mirror", "the topics have another number of partitions than --partitions",
              "topics=%u settings=%u", n, prices->n);
}

void prices_in_check_silence(struct prices_in *prices)
{
    uint64_t at_ms = now_ms();

    for (unsigned i = 0; i < prices->n; i++)
        check_silence(prices, &prices->shards[i], at_ms);
}

static void on_timer(uv_timer_t *timer)
{
    struct prices_in *prices = timer->data;

    prices_in_check_silence(prices);
    check_partitions(prices);
    if (!prices->ready && !prices->mismatched)
        check_ready(prices);
}

/* ---- records --------------------------------------------------------------- */

/*
 * A tick of the owner in force: the feed's leader and the owner lived at its
 * time.  A reader that lags behind the topic, or whose clock is far off, counts
 * the partition as silent for that much longer.
 */
static void take_tick(struct prices_in *prices, struct shard_in *shard)
{
    int64_t tick_ms = book_image_state(shard->book).tick_ms;
    int64_t age_ms = clock_wall_ms() - tick_ms;
    uint64_t at_ms = now_ms();

    if (tick_ms == shard->tick_ms)
        return;
    shard->tick_ms = tick_ms;
    if (age_ms < 0)
        age_ms = 0;
    if (age_ms >= prices->options.prematch_silence_ms || (uint64_t)age_ms >= at_ms)
        return;
    shard->alive_ms = at_ms - (uint64_t)age_ms;
    check_silence(prices, shard, at_ms);
}

static void count(enum book_record_result result)
{
    static const char *const names[] = {
        [BOOK_RECORD_APPLIED] = "applied", [BOOK_RECORD_NOTHING] = "nothing",
        [BOOK_RECORD_OLD_EPOCH] = "old_epoch", [BOOK_RECORD_MALFORMED] = "malformed",
    };

    metric_add(METRIC_MIRROR_RECORDS, str_of(names[result]), 1);
}

static void on_message(void *ctx, const struct kafka_message *message)
{
    struct prices_in *prices = ctx;
    struct book_record record = { message->key, message->value, message->tombstone,
                                  message->position };
    enum book_record_result result;
    struct book_change change = { 0 };
    struct shard_in *shard;
    struct str error;

    if (message->partition < 0 || (unsigned)message->partition >= prices->n)
        return; /* check_partitions() says so */
    shard = &prices->shards[message->partition];
    result = book_image_apply(shard->book, &record, &change, &error);
    count(result);
    if (result == BOOK_RECORD_MALFORMED)
        log_error("mirror", "a record of the book cannot be read",
                  "partition=%d offset=%lld error='" STR_FMT "'", (int)message->partition,
                  (long long)message->offset, STR_ARG(error));
    if (!shard->ended)
        return;
    if (result == BOOK_RECORD_APPLIED || change.event != NULL)
        publish(prices, shard, &change);
    if (result == BOOK_RECORD_APPLIED)
        metric_observe(METRIC_MIRROR_SECONDS, (clock_wall_ms() - message->at_ms) * 1000);
    take_tick(prices, shard);
}

static void on_end(void *ctx, int32_t partition)
{
    struct prices_in *prices = ctx;

    if (partition < 0 || (unsigned)partition >= prices->n)
        return;
    prices->shards[partition].ended = true;
    prices->shards[partition].tick_ms = book_image_state(prices->shards[partition].book).tick_ms;
    publish_all(prices, &prices->shards[partition]);
}

struct prices_in *prices_in_new(const struct prices_in_options *options)
{
    struct prices_in *prices = calloc(1, sizeof(*prices));

    CHECK(prices != NULL);
    prices->options = *options;
    prices->n = book_shards(options->book);
    CHECK(prices->n > 0 && prices->n <= SLOTS);
    prices->started_ms = now_ms();
    for (unsigned i = 0; i < prices->n; i++) {
        prices->shards[i].book = book_shard(options->book, i);
        (void)book_set_silence(prices->shards[i].book, BOOK_ALL_SILENT, 0);
    }
    CHECK(uv_timer_init(options->loop, &prices->timer) == 0);
    prices->timer.data = prices;
    uv_timer_start(&prices->timer, on_timer, TICK_MS, TICK_MS);
    prices->reader = kafka_reader_new(options->kafka, &(struct kafka_reader_options){
        .topic = TOPIC_PRICES, .on_message = on_message, .on_end = on_end, .ctx = prices,
    });
    return prices;
}

bool prices_in_is_ready(const struct prices_in *prices)
{
    return prices->ready;
}

void prices_in_metrics(const struct prices_in *prices)
{
    uint64_t at_ms = now_ms();
    int64_t silent = 0;

    for (unsigned i = 0; i < prices->n; i++)
        silent += silence_of(prices, &prices->shards[i], at_ms) != BOOK_ALIVE;
    metric_set(METRIC_MIRROR_READY, STR_NONE, prices->ready);
    metric_set(METRIC_MIRROR_SILENT, STR_NONE, silent);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void prices_in_close(struct prices_in *prices)
{
    kafka_reader_close(prices->reader);
    uv_close((uv_handle_t *)&prices->timer, on_closed);
}
