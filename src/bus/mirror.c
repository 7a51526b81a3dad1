/* The book of other processes: see mirror.h. */
#include "bus/mirror.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "model/book_image.h"
#include "model/slot.h"

#define LOOK_MS 100

struct shard {
    struct book *book;
    int64_t tick_ms;      /* of the last one, by its owner's clock */
    uint64_t heard_ms;    /* by now_ms(); 0 = never */
    bool ended;           /* the past is read */
};

struct mirror {
    struct mirror_options options;
    struct kafka_reader *reader;
    uv_timer_t timer;
    struct shard shards[SLOTS];
    unsigned n;
    uint64_t started_ms;
    bool ready, mismatched;
};

static void tell(struct mirror *mirror, const struct shard *shard,
                 const struct book_change *change)
{
    bus_publish_prices(mirror->options.bus, &(struct bus_prices){
        .position = book_position(shard->book), .change = change,
    });
}

static void tell_all(struct mirror *mirror, const struct shard *shard)
{
    struct book_change change = { .all = true };

    tell(mirror, shard, &change);
}

/* ---- silence --------------------------------------------------------------- */

/* The loop's clock, but of this moment: a process that slept in the middle of
 * a turn does not know it by the loop's. */
static uint64_t now_ms(void)
{
    return (uint64_t)clock_mono_us() / 1000;
}

static enum book_silence silence_of(const struct mirror *mirror, const struct shard *shard,
                                    uint64_t at_ms)
{
    uint64_t silent_ms = at_ms - shard->heard_ms;

    if (shard->heard_ms == 0 || silent_ms >= (uint64_t)mirror->options.prematch_silence_ms)
        return BOOK_ALL_SILENT;
    if (silent_ms >= (uint64_t)mirror->options.live_silence_ms)
        return BOOK_LIVE_SILENT;
    return BOOK_HEARD;
}

/* What was to start before all is suspended counts as live. */
static void judge(struct mirror *mirror, struct shard *shard, uint64_t at_ms)
{
    static const char *const names[] = { "heard", "live", "all" };
    enum book_silence silence = silence_of(mirror, shard, at_ms);
    int64_t live_by_ms = shard->tick_ms + mirror->options.prematch_silence_ms;

    if (!book_set_silence(shard->book, silence, live_by_ms))
        return;
    log_warn("mirror", silence == BOOK_HEARD ? "a partition is heard" : "a partition is silent",
             "partition=%d suspended=%s", (int)(shard - mirror->shards), names[silence]);
    if (shard->ended)
        tell_all(mirror, shard);
}

/* ---- readiness ------------------------------------------------------------- */

/* Where nobody is heard for long all is suspended: that can be told as well. */
static bool is_whole(const struct mirror *mirror, const struct shard *shard)
{
    uint64_t waited_ms = now_ms() - mirror->started_ms;

    return shard->ended && book_image_state(shard->book).whole &&
           (shard->heard_ms > 0 || waited_ms >= (uint64_t)mirror->options.prematch_silence_ms);
}

static void look_ready(struct mirror *mirror)
{
    struct book_counts counts;

    for (unsigned i = 0; i < mirror->n; i++)
        if (!is_whole(mirror, &mirror->shards[i]))
            return;
    counts = book_counts(mirror->options.book);
    mirror->ready = true;
    log_info("mirror", "the book is here", "markets=%llu ms=%llu",
             (unsigned long long)counts.markets,
             (unsigned long long)(now_ms() - mirror->started_ms));
}

static void look_mismatched(struct mirror *mirror)
{
    unsigned n = kafka_partitions(mirror->options.kafka);

    if (mirror->mismatched || n == 0 || n == mirror->n)
        return;
    mirror->mismatched = true;
    log_error("mirror", "the topics have another number of partitions than --partitions",
              "topics=%u settings=%u", n, mirror->n);
}

void mirror_look(struct mirror *mirror)
{
    uint64_t at_ms = now_ms();

    for (unsigned i = 0; i < mirror->n; i++)
        judge(mirror, &mirror->shards[i], at_ms);
}

static void on_look(uv_timer_t *timer)
{
    struct mirror *mirror = timer->data;

    mirror_look(mirror);
    look_mismatched(mirror);
    if (!mirror->ready)
        look_ready(mirror);
}

/* ---- records --------------------------------------------------------------- */

/*
 * A tick of the owner in force: the feed's leader and the owner lived then.  Who
 * is behind the topics, or has a clock that is far off, has heard that much less.
 */
static void hear(struct mirror *mirror, struct shard *shard)
{
    int64_t tick_ms = book_image_state(shard->book).tick_ms;
    int64_t age_ms = clock_wall_ms() - tick_ms;
    uint64_t at_ms = now_ms();

    if (tick_ms == shard->tick_ms)
        return;
    shard->tick_ms = tick_ms;
    if (age_ms < 0)
        age_ms = 0;
    if (age_ms >= mirror->options.prematch_silence_ms || (uint64_t)age_ms >= at_ms)
        return;
    shard->heard_ms = at_ms - (uint64_t)age_ms;
    judge(mirror, shard, at_ms);
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
    struct mirror *mirror = ctx;
    struct book_record record = { message->key, message->value, message->tombstone,
                                  message->position };
    enum book_record_result result;
    struct book_change change = { 0 };
    struct shard *shard;
    struct str error;

    if (message->partition < 0 || (unsigned)message->partition >= mirror->n)
        return; /* look_mismatched() says so */
    shard = &mirror->shards[message->partition];
    result = book_image_apply(shard->book, &record, &change, &error);
    count(result);
    if (result == BOOK_RECORD_MALFORMED)
        log_error("mirror", "a record of the book cannot be read",
                  "partition=%d offset=%lld error='" STR_FMT "'", (int)message->partition,
                  (long long)message->offset, STR_ARG(error));
    if (!shard->ended)
        return;
    if (result == BOOK_RECORD_APPLIED || change.event != NULL)
        tell(mirror, shard, &change);
    if (result == BOOK_RECORD_APPLIED)
        metric_observe(METRIC_MIRROR_SECONDS, (clock_wall_ms() - message->at_ms) * 1000);
    hear(mirror, shard);
}

static void on_end(void *ctx, int32_t partition)
{
    struct mirror *mirror = ctx;

    if (partition < 0 || (unsigned)partition >= mirror->n)
        return;
    mirror->shards[partition].ended = true;
    mirror->shards[partition].tick_ms = book_image_state(mirror->shards[partition].book).tick_ms;
    tell_all(mirror, &mirror->shards[partition]);
}

struct mirror *mirror_new(const struct mirror_options *options)
{
    struct mirror *mirror = calloc(1, sizeof(*mirror));

    CHECK(mirror != NULL);
    mirror->options = *options;
    mirror->n = book_shards(options->book);
    CHECK(mirror->n > 0 && mirror->n <= SLOTS);
    mirror->started_ms = now_ms();
    for (unsigned i = 0; i < mirror->n; i++) {
        mirror->shards[i].book = book_shard(options->book, i);
        (void)book_set_silence(mirror->shards[i].book, BOOK_ALL_SILENT, 0);
    }
    CHECK(uv_timer_init(options->loop, &mirror->timer) == 0);
    mirror->timer.data = mirror;
    uv_timer_start(&mirror->timer, on_look, LOOK_MS, LOOK_MS);
    mirror->reader = kafka_reader_new(options->kafka, &(struct kafka_reader_options){
        .topic = TOPIC_PRICES, .on_message = on_message, .on_end = on_end, .ctx = mirror,
    });
    return mirror;
}

bool mirror_is_ready(const struct mirror *mirror)
{
    return mirror->ready;
}

bool mirror_is_mismatched(const struct mirror *mirror)
{
    return mirror->mismatched;
}

void mirror_metrics(const struct mirror *mirror)
{
    uint64_t at_ms = now_ms();
    int64_t silent = 0;

    for (unsigned i = 0; i < mirror->n; i++)
        silent += silence_of(mirror, &mirror->shards[i], at_ms) != BOOK_HEARD;
    metric_set(METRIC_MIRROR_READY, STR_NONE, mirror->ready);
    metric_set(METRIC_MIRROR_SILENT, STR_NONE, silent);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void mirror_close(struct mirror *mirror)
{
    kafka_reader_close(mirror->reader);
    uv_close((uv_handle_t *)&mirror->timer, on_closed);
}
