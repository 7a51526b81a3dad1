/* The topic results: see results_in.h. */
#include "topic/results_in.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"
#include "topic/fact_record.h"
#include "model/slot.h"

#define WAITING_MAX 10000 /* facts that are not stored: then the topic waits */
#define ENTRIES_MAX 1000000 /* also of those that are, behind one that is not */
#define ARENA_BYTES (16 * 1024 * 1024)

/* A record whose fact is at the store. */
struct results_record { int64_t offset; bool stored; };

/* Records in order of offsets: [first, n) are not committed; a fact that the
 * store rejects stays first until a person has seen to it, and others go on. */
struct results_partition {
    struct results_record *entries;
    size_t first, n, room;
    size_t waiting; /* of them, not stored */
    bool mine, paused;
    bool kept;  /* lost, for Kafka is away: settled here until it is back */
};

struct results_in {
    struct results_in_options options;
    struct kafka_group *group;
    struct results_partition parts[SLOTS];
    struct arena arena; /* of one record */
};

static void announce_slots(struct results_in *in)
{
    uint64_t slots = 0;

    for (unsigned slot = 0; slot < SLOTS; slot++)
        if (in->parts[slot % in->options.count].mine ||
            in->parts[slot % in->options.count].kept)
            slots |= UINT64_C(1) << slot;
    in->options.on_slots(in->options.ctx, slots);
}

static void forget(struct results_partition *part)
{
    free(part->entries);
    *part = (struct results_partition){ .mine = false };
}

static void on_assigned(void *ctx, int32_t n)
{
    struct results_in *in = ctx;

    CHECK(n >= 0 && (unsigned)n < in->options.count);
    for (unsigned i = 0; i < SLOTS; i++)
        in->parts[i].kept = false; /* the group says again whose each is */
    forget(&in->parts[n]);
    in->parts[n].mine = true;
    announce_slots(in);
    kafka_group_begin(in->group, n);
    log_info("settle", "a partition comes", "partition=%d", (int)n);
}

/* What is lost may be another's by now, or nobody's while Kafka is away: what is
 * in the store must be settled, and two who do waste their time alone. */
static void on_revoked(void *ctx, int32_t n, bool lost)
{
    struct results_in *in = ctx;

    forget(&in->parts[n]);
    in->parts[n].kept = lost;
    announce_slots(in);
    log_info("settle", "a partition goes", "partition=%d lost=%d", (int)n, lost);
}

/* ---- what is stored --------------------------------------------------------- */

static void put(struct results_partition *part, int64_t offset, bool stored)
{
    if (part->first > 0 && part->n == part->room) {
        part->n -= part->first;
        memmove(part->entries, part->entries + part->first, part->n * sizeof(*part->entries));
        part->first = 0;
    }
    if (part->n == part->room) {
        part->room = part->room == 0 ? 64 : part->room * 2;
        part->entries = realloc(part->entries, part->room * sizeof(*part->entries));
        CHECK(part->entries != NULL);
    }
    part->entries[part->n++] = (struct results_record){ offset, stored };
    part->waiting += !stored;
}

static struct results_record *find(const struct results_partition *part, int64_t offset)
{
    size_t low = part->first, high = part->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (part->entries[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low < part->n && part->entries[low].offset == offset ? &part->entries[low] : NULL;
}

/* Reads on when half of it is free again. */
static void pause_or_go_on(struct results_in *in, int32_t n)
{
    struct results_partition *part = &in->parts[n];
    size_t entries = part->n - part->first;
    bool full = part->waiting > WAITING_MAX || entries > ENTRIES_MAX;
    bool free = part->waiting < WAITING_MAX / 2 && entries < ENTRIES_MAX / 2;

    if (part->paused ? !free : !full)
        return;
    part->paused = !part->paused;
    if (part->paused)
        log_warn("settle", "a partition waits for the store", "partition=%d facts=%zu entries=%zu",
                 (int)n, part->waiting, entries);
    kafka_group_pause(in->group, n, part->paused);
}

static void commit(struct results_in *in, int32_t n)
{
    struct results_partition *part = &in->parts[n];
    size_t first = part->first;

    while (part->first < part->n && part->entries[part->first].stored)
        part->first++;
    if (part->first > first)
        kafka_group_commit(in->group, n, part->entries[part->first - 1].offset + 1);
    pause_or_go_on(in, n);
}

void results_in_stored(struct results_in *in, const struct fact *facts, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        unsigned at = slot_of(facts[i].id.event) % in->options.count;
        struct results_record *entry = find(&in->parts[at], facts[i].record);

        if (entry == NULL)
            continue; /* the partition went, and perhaps came again */
        in->parts[at].waiting -= !entry->stored;
        entry->stored = true;
        commit(in, (int32_t)at);
    }
}

/* ---- what comes ------------------------------------------------------------- */

static bool read_fact(struct results_in *in, const struct kafka_message *message,
                      struct fact *fact)
{
    struct str error;

    if (!fact_record_read(message->value, &in->arena, fact, &error)) {
        log_error("settle", "a record of results cannot be read",
                  "partition=%d offset=%lld error='" STR_FMT "'", (int)message->partition,
                  (long long)message->offset, STR_ARG(error));
        return false;
    }
    if (slot_of(fact->id.event) % in->options.count == (unsigned)message->partition)
        return true;
    log_error("settle", "a result in another event's partition", "partition=%d offset=%lld",
              (int)message->partition, (long long)message->offset);
    return false;
}

static void on_message(void *ctx, const struct kafka_message *message)
{
    struct results_in *in = ctx;
    struct results_partition *part = &in->parts[message->partition];
    struct fact fact;
    bool well = read_fact(in, message, &fact);

    if (part->first == part->n || part->entries[part->n - 1].offset < message->offset)
        put(part, message->offset, !well);
    if (well) {
        fact.record = message->offset;
        in->options.on_results(in->options.ctx, &(struct bus_results){
            .position = fact.position, .facts = &fact, .n = 1 });
    }
    arena_reset(&in->arena);
    commit(in, message->partition);
}

struct results_in *results_in_new(const struct results_in_options *options)
{
    struct results_in *in = calloc(1, sizeof(*in));

    CHECK(in != NULL && options->count > 0 && options->count <= SLOTS);
    in->options = *options;
    arena_init(&in->arena, ARENA_BYTES);
    in->group = kafka_group_new(options->kafka, &(struct kafka_group_options){
        .topic = TOPIC_RESULTS, .name = "settle", .on_assigned = on_assigned,
        .on_revoked = on_revoked, .on_message = on_message, .ctx = in });
    return in;
}

void results_in_stop(struct results_in *in, void (*on_stopped)(void *ctx), void *ctx)
{
    kafka_group_close(in->group, on_stopped, ctx);
}

void results_in_free(struct results_in *in)
{
    if (in == NULL)
        return;
    for (unsigned i = 0; i < SLOTS; i++)
        forget(&in->parts[i]);
    arena_fini(&in->arena);
    free(in);
}
