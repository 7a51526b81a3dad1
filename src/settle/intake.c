/* The topic results: see intake.h. */
#include "settle/intake.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/log.h"
#include "model/fact_record.h"
#include "model/slot.h"

#define WAITING_MAX 10000 /* facts that are not stored: then the topic waits */
#define ENTRIES_MAX 1000000 /* also of those that are, behind one that is not */
#define ARENA_BYTES (16 * 1024 * 1024)

/* A record whose fact is at the store. */
struct entry { int64_t offset; bool stored; };

/* Records in order of offsets: [first, n) are not committed; a fact that the
 * store rejects stays first until a person has seen to it, and others go on. */
struct part {
    struct entry *entries;
    size_t first, n, room;
    size_t waiting; /* of them, not stored */
    bool mine, paused;
    bool kept;  /* lost, for Kafka is away: settled here until it is back */
};

struct intake {
    struct intake_options options;
    struct kafka_group *group;
    struct part parts[SLOTS];
    struct arena arena; /* of one record */
};

static void tell_slots(struct intake *intake)
{
    uint64_t slots = 0;

    for (unsigned slot = 0; slot < SLOTS; slot++)
        if (intake->parts[slot % intake->options.count].mine ||
            intake->parts[slot % intake->options.count].kept)
            slots |= UINT64_C(1) << slot;
    settle_set_slots(intake->options.settle, slots);
}

static void forget(struct part *part)
{
    free(part->entries);
    *part = (struct part){ .mine = false };
}

static void on_assigned(void *ctx, int32_t n)
{
    struct intake *intake = ctx;

    CHECK(n >= 0 && (unsigned)n < intake->options.count);
    for (unsigned i = 0; i < SLOTS; i++)
        intake->parts[i].kept = false; /* the group says again whose each is */
    forget(&intake->parts[n]);
    intake->parts[n].mine = true;
    tell_slots(intake);
    kafka_group_begin(intake->group, n);
    log_info("settle", "a partition comes", "partition=%d", (int)n);
}

/* What is lost may be another's by now, or nobody's while Kafka is away: what is
 * in the store must be settled, and two who do waste their time alone. */
static void on_revoked(void *ctx, int32_t n, bool lost)
{
    struct intake *intake = ctx;

    forget(&intake->parts[n]);
    intake->parts[n].kept = lost;
    tell_slots(intake);
    log_info("settle", "a partition goes", "partition=%d lost=%d", (int)n, lost);
}

/* ---- what is stored --------------------------------------------------------- */

static void put(struct part *part, int64_t offset, bool stored)
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
    part->entries[part->n++] = (struct entry){ offset, stored };
    part->waiting += !stored;
}

static struct entry *find(const struct part *part, int64_t offset)
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
static void pause_or_go_on(struct intake *intake, int32_t n)
{
    struct part *part = &intake->parts[n];
    size_t entries = part->n - part->first;
    bool full = part->waiting > WAITING_MAX || entries > ENTRIES_MAX;
    bool free = part->waiting < WAITING_MAX / 2 && entries < ENTRIES_MAX / 2;

    if (part->paused ? !free : !full)
        return;
    part->paused = !part->paused;
    if (part->paused)
        log_warn("settle", "a partition waits for the store", "partition=%d facts=%zu entries=%zu",
                 (int)n, part->waiting, entries);
    kafka_group_pause(intake->group, n, part->paused);
}

static void commit(struct intake *intake, int32_t n)
{
    struct part *part = &intake->parts[n];
    size_t first = part->first;

    while (part->first < part->n && part->entries[part->first].stored)
        part->first++;
    if (part->first > first)
        kafka_group_commit(intake->group, n, part->entries[part->first - 1].offset + 1);
    pause_or_go_on(intake, n);
}

void intake_stored(void *ctx, const struct fact *facts, uint32_t n)
{
    struct intake *intake = ctx;

    for (uint32_t i = 0; i < n; i++) {
        unsigned at = slot_of(facts[i].id.event) % intake->options.count;
        struct entry *entry = find(&intake->parts[at], facts[i].record);

        if (entry == NULL)
            continue; /* the partition went, and perhaps came again */
        intake->parts[at].waiting -= !entry->stored;
        entry->stored = true;
        commit(intake, (int32_t)at);
    }
}

/* ---- what comes ------------------------------------------------------------- */

static bool read_fact(struct intake *intake, const struct kafka_message *message,
                      struct fact *fact)
{
    struct str error;

    if (!fact_record_read(message->value, &intake->arena, fact, &error)) {
        log_error("settle", "a record of results cannot be read",
                  "partition=%d offset=%lld error='" STR_FMT "'", (int)message->partition,
                  (long long)message->offset, STR_ARG(error));
        return false;
    }
    if (slot_of(fact->id.event) % intake->options.count == (unsigned)message->partition)
        return true;
    log_error("settle", "a result in another event's partition", "partition=%d offset=%lld",
              (int)message->partition, (long long)message->offset);
    return false;
}

static void on_message(void *ctx, const struct kafka_message *message)
{
    struct intake *intake = ctx;
    struct part *part = &intake->parts[message->partition];
    struct fact fact;
    bool well = read_fact(intake, message, &fact);

    if (part->first == part->n || part->entries[part->n - 1].offset < message->offset)
        put(part, message->offset, !well);
    if (well) {
        fact.record = message->offset;
        settle_on_results(intake->options.settle, &(struct bus_results){
            .position = fact.position, .facts = &fact, .n = 1 });
    }
    arena_reset(&intake->arena);
    commit(intake, message->partition);
}

struct intake *intake_new(const struct intake_options *options)
{
    struct intake *intake = calloc(1, sizeof(*intake));

    CHECK(intake != NULL && options->count > 0 && options->count <= SLOTS);
    intake->options = *options;
    arena_init(&intake->arena, ARENA_BYTES);
    intake->group = kafka_group_new(options->kafka, &(struct kafka_group_options){
        .topic = TOPIC_RESULTS, .name = "settle", .on_assigned = on_assigned,
        .on_revoked = on_revoked, .on_message = on_message, .ctx = intake });
    return intake;
}

void intake_stop(struct intake *intake, void (*on_stopped)(void *ctx), void *ctx)
{
    kafka_group_close(intake->group, on_stopped, ctx);
}

void intake_free(struct intake *intake)
{
    if (intake == NULL)
        return;
    for (unsigned i = 0; i < SLOTS; i++)
        forget(&intake->parts[i]);
    arena_fini(&intake->arena);
    free(intake);
}
