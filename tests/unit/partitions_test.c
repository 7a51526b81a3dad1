/*
 * odds/partitions: whatever Kafka, the store and the group do, who reads the
 * topic prices has the book of the log in the end, and every result is told.
 *
 * Kafka, its group and the store are doubles that fail as a seeded generator
 * says.  Two processes own the partitions in turn; what one had under way when
 * it lost one arrives behind what the next one tells.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "feed/uof.h"
#include "model/book_image.h"
#include "topic/fact_record.h"
#include "model/slot.h"
#include "odds/partitions.h"

#define PARTS 4
#define PODS 2
#define ENTRIES 1200
#define EVENTS 24
#define FLYING 20000
#define ASKED 64
#define TURN_MS 10
#define TURNS 400
#define MARKED_MS 5000

static uint32_t seed;

static uint32_t chance(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

/* ---- the log and the topic feed -------------------------------------------- */

static struct entry { char event[32], body[600]; int type; } entries[ENTRIES + 1];
static int64_t logged, told;
/* Of a mark, less than 0. */
static struct { int64_t pos[2 * ENTRIES]; int64_t n, committed; } feed[PARTS];

static void write_odds(struct entry *entry, const char *event, int64_t pos)
{
    entry->type = MESSAGE_ODDS_CHANGE;
    snprintf(entry->body, sizeof(entry->body),
             "<odds_change product=\"3\" event_id=\"%s\" timestamp=\"%d\"><odds>"
             "<market id=\"%d\" status=\"1\"><outcome id=\"1\" odds=\"%d.5\" active=\"1\"/>"
             "</market></odds></odds_change>", event, (int)(1000000 + pos),
             (int)(1 + pos % 3), (int)(2 + pos % 90));
}

static void write_settlement(struct entry *entry, const char *event, int64_t pos)
{
    entry->type = MESSAGE_BET_SETTLEMENT;
    snprintf(entry->body, sizeof(entry->body),
             "<bet_settlement product=\"3\" event_id=\"%s\" timestamp=\"%d\" certainty=\"2\">"
             "<outcomes><market id=\"%d\"><outcome id=\"1\" result=\"1\"/></market></outcomes>"
             "</bet_settlement>", event, (int)(1000000 + pos), (int)(1 + pos % 3));
}

static void write_turn(struct entry *entry, int64_t pos)
{
    entry->type = MESSAGE_PRODUCER;
    entry->event[0] = '\0';
    snprintf(entry->body, sizeof(entry->body),
             "<overround_producer product=\"3\" up=\"%d\" timestamp=\"%d\"/>",
             pos < ENTRIES / 2 ? (int)(pos % 2) : 1, (int)(1000000 + pos));
}

static void write_log(int64_t pos)
{
    struct entry *entry = &entries[pos];
    char event[32];

    snprintf(event, sizeof(event), "sr:match:%d", (int)chance(EVENTS));
    memcpy(entry->event, event, sizeof(event));
    if (pos % 50 == 1)
        write_turn(entry, pos);
    else if (pos % 7 == 0)
        write_settlement(entry, event, pos);
    else
        write_odds(entry, event, pos);
}

static unsigned part_of(const struct entry *entry)
{
    return slot_of(str_of(entry->event)) % PARTS;
}

static void tell(int64_t pos)
{
    for (unsigned i = 0; i < PARTS; i++)
        if (entries[pos].event[0] == '\0' || part_of(&entries[pos]) == i)
            feed[i].pos[feed[i].n++] = pos;
}

/* The leader's sign of life: all up to here was told. */
static void mark(void)
{
    for (unsigned i = 0; i < PARTS; i++)
        feed[i].pos[feed[i].n++] = -told;
}

/* ---- Kafka ------------------------------------------------------------------ */

struct kafka_group {
    struct kafka_group_options options;
    bool mine[PARTS], begun[PARTS], paused[PARTS];
    int64_t next[PARTS];
};

struct kafka {
    struct flying { struct kafka_record record; char *bytes; } flying[FLYING];
    unsigned n;
    bool full;
    struct kafka_group group;
    void (*on_left)(void *ctx);
    void *left_ctx;
};

static struct pod {
    struct kafka kafka;
    struct partitions *partitions;
    bool stopped;
} pods[PODS];

static struct book *mirror;
static bool settled[ENTRIES + 1];

bool kafka_send(struct kafka *kafka, const struct kafka_record *record)
{
    struct flying *flying = &kafka->flying[kafka->n];

    if (kafka->full || kafka->n == FLYING)
        return false;
    flying->bytes = malloc(record->key.n + record->value.n + 1);
    flying->record = *record;
    memcpy(flying->bytes, record->key.p, record->key.n);
    if (record->value.n > 0)
        memcpy(flying->bytes + record->key.n, record->value.p, record->value.n);
    flying->record.key.p = flying->bytes;
    flying->record.value.p = flying->bytes + record->key.n;
    kafka->n++;
    return true;
}

static void arrives(const struct kafka_record *record)
{
    struct book_record price = { record->key, record->value, record->tombstone,
                                 record->position };
    struct book_change change;
    struct arena arena;
    struct fact fact;
    struct str error;

    if (record->topic == TOPIC_PRICES) {
        assert_int_not_equal(BOOK_RECORD_MALFORMED,
                             book_image_apply(book_shard(mirror, (unsigned)record->partition),
                                              &price, &change, &error));
        return;
    }
    arena_init(&arena, LIMIT_BODY_BYTES);
    assert_int_equal(record->topic, TOPIC_RESULTS);
    assert_true(fact_record_read(record->value, &arena, &fact, &error));
    assert_int_equal(fact.position, record->position);
    assert_int_equal(slot_of(fact.id.event) % PARTS, record->partition);
    settled[fact.position] = true;
    arena_fini(&arena);
}

static void acknowledge(struct kafka *kafka, unsigned n, bool sent)
{
    for (; n > 0 && kafka->n > 0; n--) {
        struct flying first = kafka->flying[0];

        memmove(kafka->flying, kafka->flying + 1, --kafka->n * sizeof(first));
        if (sent || chance(2) == 0)
            arrives(&first.record);
        if (first.record.on_done != NULL)
            first.record.on_done(first.record.ctx, sent);
        free(first.bytes);
    }
}

struct kafka_group *kafka_group_new(struct kafka *kafka, const struct kafka_group_options *options)
{
    assert_string_equal(options->name, "odds");
    kafka->group.options = *options;
    return &kafka->group;
}

void kafka_group_begin(struct kafka_group *group, int32_t n)
{
    assert_true(group->mine[n]);
    group->begun[n] = true;
    group->next[n] = feed[n].committed;
}

void kafka_group_commit(struct kafka_group *group, int32_t n, int64_t offset)
{
    assert_true(group->mine[n]);
    assert_true(offset <= group->next[n]);
    feed[n].committed = offset > feed[n].committed ? offset : feed[n].committed;
}

void kafka_group_pause(struct kafka_group *group, int32_t n, bool pause)
{
    assert_true(group->mine[n]);
    group->paused[n] = pause;
}

void kafka_group_close(struct kafka_group *group, void (*on_closed)(void *ctx), void *ctx)
{
    struct kafka *kafka = &pods[group == &pods[1].kafka.group].kafka;

    for (int32_t i = 0; i < PARTS; i++)
        if (group->mine[i])
            group->options.on_revoked(group->options.ctx, i, false);
    memset(group->mine, 0, sizeof(group->mine));
    kafka->on_left = on_closed;
    kafka->left_ctx = ctx;
}

static void give(struct kafka_group *group, int32_t n)
{
    int64_t pos = feed[n].pos[group->next[n]];
    bool is_mark = pos < 0;

    pos = is_mark ? -pos : pos;
    group->options.on_message(group->options.ctx, &(struct kafka_message){
        .partition = n, .offset = group->next[n]++, .position = pos, .at_ms = MARKED_MS + pos,
        .key = is_mark ? STR_NONE : str_of(entries[pos].event),
        .value = is_mark ? STR_NONE : str_of(entries[pos].body) });
}

static void deliver(struct kafka_group *group, unsigned most)
{
    for (int32_t i = 0; i < PARTS; i++)
        for (unsigned k = 0; k < most && group->mine[i] && group->begun[i] && !group->paused[i] &&
                             group->next[i] < feed[i].n; k++)
            give(group, i);
}

static void assign(unsigned to, int32_t n)
{
    for (unsigned i = 0; i < PODS; i++) {
        struct kafka_group *group = &pods[i].kafka.group;

        if (group->mine[n]) {
            group->options.on_revoked(group->options.ctx, n, false);
            group->mine[n] = group->begun[n] = group->paused[n] = false;
        }
    }
    pods[to].kafka.group.mine[n] = true;
    pods[to].kafka.group.options.on_assigned(pods[to].kafka.group.options.ctx, n);
}

/* ---- the store -------------------------------------------------------------- */

static struct { int64_t epoch, position; } epochs[PARTS];
static struct store_exec *asked[ASKED];
static unsigned n_asked;
static bool store_fails;

void store_exec(struct store *store, struct store_exec *exec)
{
    (void)store;
    assert_true(n_asked < ASKED);
    asked[n_asked++] = exec;
}

static unsigned named(struct str name)
{
    assert_memory_equal(name.p, "odds:", 5);
    return (unsigned)(name.p[5] - '0');
}

static void answer_log(struct store_exec *exec)
{
    const struct value *params = exec->calls[0].params;

    exec->columns = 4;
    exec->cells = ARENA_ARRAY(exec->arena, struct value, 4 * (size_t)params[3].i);
    for (int64_t pos = params[0].i + 1; pos <= logged && exec->rows < params[3].i; pos++) {
        struct value *cells = &exec->cells[4 * exec->rows++];

        cells[0] = VALUE_INT(pos);
        cells[1] = VALUE_INT(entries[pos].type);
        cells[2] = VALUE_STR(str_of(entries[pos].event));
        cells[3] = VALUE_STR(str_of(entries[pos].body));
    }
}

static void answer(struct store_exec *exec)
{
    const struct value *params = exec->calls[0].params;
    unsigned n;

    switch (exec->calls[0].statement) {
    case STATEMENT_PARTITION_TAKE:
        n = named(params[0].s);
        exec->columns = 2;
        exec->rows = 1;
        exec->cells = ARENA_ARRAY(exec->arena, struct value, 2);
        exec->cells[0] = VALUE_INT(++epochs[n].epoch);
        exec->cells[1] = VALUE_INT(epochs[n].position);
        break;
    case STATEMENT_PARTITION_TOLD:
        n = named(params[0].s);
        if (params[1].i == epochs[n].epoch && params[2].i > epochs[n].position)
            epochs[n].position = params[2].i;
        break;
    default:
        assert_int_equal(exec->calls[0].statement, STATEMENT_PARTITION_LOG);
        answer_log(exec);
    }
}

static void answer_all(void)
{
    unsigned n = n_asked;
    struct store_exec *now[ASKED];

    memcpy(now, asked, sizeof(now));
    n_asked = 0;
    for (unsigned i = 0; i < n; i++) {
        if (!store_fails)
            answer(now[i]);
        now[i]->on_done(now[i], store_fails ? STORE_UNAVAILABLE : STORE_OK);
    }
}

/* ---- turns -------------------------------------------------------------------- */

static uv_loop_t loop;
static struct uof_parser *parser;

static bool parse(void *ctx, struct str body, struct arena *arena, struct message *message)
{
    struct uof_error error;

    (void)ctx;
    return uof_parse(parser, body, true, arena, message, &error);
}

static void wake(uv_timer_t *timer)
{
    (void)timer;
}

static void turn(bool trouble)
{
    for (unsigned i = 0; i < PODS; i++) {
        struct kafka *kafka = &pods[i].kafka;

        kafka->full = trouble && chance(4) == 0;
        deliver(&kafka->group, trouble ? chance(20) : 1000);
        if (trouble && chance(60) == 0)
            acknowledge(kafka, kafka->n, false);
        acknowledge(kafka, trouble ? chance(80) : FLYING, true);
    }
    store_fails = trouble && chance(10) == 0;
    if (!trouble || chance(3) > 0)
        answer_all();
    uv_run(&loop, UV_RUN_ONCE);
}

static void grow(unsigned by)
{
    for (; by > 0 && logged < ENTRIES; by--)
        write_log(++logged);
    while (told < logged && (logged == ENTRIES || chance(8) > 0))
        tell(++told);
    if (told > 0 && chance(4) == 0)
        mark();
}

/* ---- what must hold --------------------------------------------------------- */

static void expect_same(const struct book *is, const struct book *want)
{
    const struct event *event;
    unsigned markets = 0;
    size_t at = 0;

    while ((event = book_next_event(want, &at)) != NULL)
        for (const struct market *market = event->markets; market != NULL; market = market->next) {
            const struct market *other = book_market(is, market->id);

            assert_non_null(other);
            assert_int_equal(book_status(is, other), book_status(want, market));
            assert_int_equal(other->outcomes[0].odds_e4, market->outcomes[0].odds_e4);
            assert_int_equal(other->version, market->version);
            markets++;
        }
    assert_true(markets > EVENTS);
    assert_int_equal(book_counts(is).markets, book_counts(want).markets);
}

static void expect_all_told(void)
{
    struct book *want = book_new();
    struct book_change change;
    struct message message;
    struct arena arena;

    arena_init(&arena, LIMIT_FEED_BODY_BYTES);
    for (int64_t pos = 1; pos <= ENTRIES; pos++) {
        assert_true(parse(NULL, str_of(entries[pos].body), &arena, &message));
        assert_int_equal(book_apply(want, &message, pos, &change), BOOK_OK);
        arena_reset(&arena);
        if (entries[pos].type == MESSAGE_BET_SETTLEMENT)
            assert_true(settled[pos]);
    }
    expect_same(mirror, want);
    for (unsigned i = 0; i < PARTS; i++) {
        assert_int_equal(feed[i].committed, feed[i].n);
        assert_int_equal(book_position(book_shard(mirror, i)), ENTRIES);
        assert_int_equal(book_image_state(book_shard(mirror, i)).tick_ms, MARKED_MS + ENTRIES);
    }
    arena_fini(&arena);
    book_free(want);
}

static bool all_told(void)
{
    for (unsigned i = 0; i < PARTS; i++)
        if (feed[i].committed < feed[i].n)
            return false;
    return partitions_are_ready(pods[0].partitions) && partitions_are_ready(pods[1].partitions);
}

static void on_stopped(void *ctx)
{
    ((struct pod *)ctx)->stopped = true;
}

static void stop(struct pod *pod)
{
    partitions_stop(pod->partitions, on_stopped, pod);
    pod->kafka.on_left(pod->kafka.left_ctx);
    while (!pod->stopped)
        turn(false);
    acknowledge(&pod->kafka, FLYING, false);
    answer_all();
    partitions_free(pod->partitions);
}

static void start(uint32_t with)
{
    seed = with;
    logged = told = 0;
    n_asked = 0;
    memset(feed, 0, sizeof(feed));
    memset(epochs, 0, sizeof(epochs));
    memset(settled, 0, sizeof(settled));
    memset(pods, 0, sizeof(pods));
    mirror = book_sharded_new(PARTS);
    parser = uof_parser_new();
    for (unsigned i = 0; i < PODS; i++)
        pods[i].partitions = partitions_new(&(struct partitions_options){
            .loop = &loop, .kafka = &pods[i].kafka, .count = PARTS, .since_ms = 0,
            .save_ms = 100, .parse = parse });
    for (int32_t i = 0; i < PARTS; i++)
        assign(0, i);
}

static void play(uint32_t with)
{
    uv_timer_t pace;

    uv_loop_init(&loop);
    uv_timer_init(&loop, &pace);
    uv_timer_start(&pace, wake, TURN_MS, TURN_MS);
    start(with);
    for (unsigned i = 0; i < TURNS; i++) {
        grow(chance(7));
        if (chance(40) == 0)
            assign(chance(PODS), (int32_t)chance(PARTS));
        turn(true);
    }
    grow(ENTRIES);
    while (!all_told())
        turn(false);
    mark();
    while (!all_told())
        turn(false);
    expect_all_told();
    for (unsigned i = 0; i < PODS; i++)
        stop(&pods[i]);
    uv_close((uv_handle_t *)&pace, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    uof_parser_free(parser);
    book_free(mirror);
}

static void test_told_whatever_happens(void **state)
{
    (void)state;
    for (uint32_t with = 1; with <= 2; with++)
        play(with);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_told_whatever_happens) };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
