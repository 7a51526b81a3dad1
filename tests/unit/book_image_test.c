/*
 * model/book_image, book_mirror: who reads the records has the owner's book.
 * Random logs; after each entry the mirror answers everything as the owner
 * does, and so does one that reads only what compaction leaves, also across
 * owners; a replaced owner's records change nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "model/book_inside.h"
#include "model/desk_entry.h"

#define T0 INT64_C(1700000000000)
#define EVENTS 5
#define MARKETS 6
#define LOG_MAX 60000
#define SPECIFIERS_OF(i) str_of((i) % 2 == 0 ? "" : (i) % 3 == 0 ? "total=1.5" : "hcp=-1|variant=x")

/* ---- a topic -------------------------------------------------------------- */

struct kept { char *key, *value; size_t key_n, value_n; bool tombstone; int64_t epoch; };

struct topic { struct kept *all; size_t n, room; };

static char *copy(struct str s)
{
    char *p = malloc(s.n + 1);

    CHECK(p != NULL);
    if (s.n > 0)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    return p;
}

static void keep(void *ctx, const struct book_record *record)
{
    struct topic *topic = ctx;

    if (topic->n == topic->room) {
        topic->room = topic->room == 0 ? 1024 : topic->room * 2;
        topic->all = realloc(topic->all, topic->room * sizeof(*topic->all));
        CHECK(topic->all != NULL);
    }
    topic->all[topic->n++] = (struct kept){
        copy(record->key), copy(record->value), record->key.n, record->value.n,
        record->tombstone, record->epoch,
    };
}

static void topic_free(struct topic *topic)
{
    for (size_t i = 0; i < topic->n; i++) {
        free(topic->all[i].key);
        free(topic->all[i].value);
    }
    free(topic->all);
}

static struct book_record record_of(const struct kept *kept)
{
    return (struct book_record){ { kept->key, kept->key_n }, { kept->value, kept->value_n },
                                 kept->tombstone, kept->epoch };
}

static enum book_record_result give(struct book *shard, const struct kept *kept)
{
    struct book_record record = record_of(kept);
    struct book_change change;
    struct str error = STR_NONE;
    enum book_record_result result = book_image_apply(shard, &record, &change, &error);

    if (result == BOOK_RECORD_MALFORMED)
        print_message("%s: " STR_FMT "\n%s\n", kept->key, STR_ARG(error), kept->value);
    assert_int_not_equal(result, BOOK_RECORD_MALFORMED);
    return result;
}

static bool is_last_of_key(const struct topic *topic, size_t i)
{
    for (size_t j = i + 1; j < topic->n; j++)
        if (topic->all[j].key_n == topic->all[i].key_n &&
            memcmp(topic->all[j].key, topic->all[i].key, topic->all[i].key_n) == 0)
            return false;
    return true;
}

/* What compaction leaves of everything before `dirty`. */
static void read_compacted(const struct topic *topic, struct book *shard, size_t dirty)
{
    for (size_t i = 0; i < topic->n; i++)
        if (i >= dirty || is_last_of_key(topic, i))
            (void)give(shard, &topic->all[i]);
}

/* ---- the same book --------------------------------------------------------- */

static void assert_str(struct str a, struct str b)
{
    if (!str_eq(a, b))
        print_message("'" STR_FMT "' is not '" STR_FMT "'\n", STR_ARG(a), STR_ARG(b));
    assert_true(str_eq(a, b));
}

static void same_market(const struct book *a, const struct market *x, const struct book *b,
                        const struct market *y, struct arena *arena)
{
    struct desk_suspension s = book_suspension(a, x), t = book_suspension(b, y);
    struct desk_limits l = book_limits_of(a, x), m = book_limits_of(b, y);

    assert_int_equal(x->id.market, y->id.market);
    assert_str(x->id.specifiers, y->id.specifiers);
    assert_int_equal(book_status(a, x), book_status(b, y));
    assert_int_equal(x->status, y->status);
    assert_int_equal(x->producer, y->producer);
    assert_int_equal(x->listed, y->listed);
    assert_int_equal(x->favourite, y->favourite);
    assert_int_equal(x->version, y->version);
    assert_int_equal(book_margin_e4(a, x), book_margin_e4(b, y));
    assert_memory_equal(&s, &t, sizeof(s));
    assert_memory_equal(&l, &m, sizeof(l));
    assert_str(book_market_name(a, x, arena), book_market_name(b, y, arena));
    assert_int_equal(x->n_outcomes, y->n_outcomes);
    for (uint32_t i = 0; i < x->n_outcomes; i++) {
        assert_str(x->outcomes[i].id, y->outcomes[i].id);
        assert_int_equal(x->outcomes[i].odds_e4, y->outcomes[i].odds_e4);
        assert_int_equal(x->outcomes[i].fed_e4, y->outcomes[i].fed_e4);
        assert_int_equal(x->outcomes[i].active, y->outcomes[i].active);
        assert_int_equal(book_price_e4(a, x, x->outcomes[i].id),
                         book_price_e4(b, y, y->outcomes[i].id));
    }
}

static void same_event(const struct book *a, const struct event *x, const struct book *b,
                       const struct event *y, struct arena *arena)
{
    const struct market *m = x->markets, *n = y->markets;

    assert_int_equal(x->version, y->version);
    assert_int_equal(x->status, y->status);
    assert_int_equal(x->match_status, y->match_status);
    assert_int_equal(x->start_ms, y->start_ms);
    assert_int_equal(x->fixture, y->fixture);
    assert_str(x->sport, y->sport);
    assert_str(x->home, y->home);
    assert_str(x->home_score, y->home_score);
    assert_str(x->match_time, y->match_time);
    assert_int_equal(x->n_markets, y->n_markets);
    for (; m != NULL; m = m->next, n = n->next)
        same_market(a, m, b, n, arena);
}

static void same_proposals(const struct book *a, const struct book *b)
{
    const struct desk_proposal *x = book_proposals(a), *y = book_proposals(b);

    for (; x != NULL && y != NULL; x = x->next, y = y->next) {
        assert_int_equal(x->id, y->id);
        assert_int_equal(x->what, y->what);
        assert_str(x->operator, y->operator);
        assert_str(x->market.event, y->market.event);
        assert_int_equal(x->end_ms, y->end_ms);
        assert_int_equal(x->n_outcomes, y->n_outcomes);
    }
    assert_ptr_equal(x, NULL);
    assert_ptr_equal(y, NULL);
}

static void same_book(const struct book *a, const struct book *b)
{
    struct arena arena;
    size_t at = 0;
    const struct event *x;

    arena_init(&arena, 1 << 20);
    book_check(b);
    assert_int_equal(book_counts(a).events, book_counts(b).events);
    assert_int_equal(book_counts(a).markets, book_counts(b).markets);
    while ((x = book_next_event(a, &at)) != NULL) {
        const struct event *y = book_event(b, x->id);

        assert_non_null(y);
        same_event(a, x, b, y, &arena);
    }
    for (int64_t account = 1; account < 4; account++)
        assert_int_equal(book_stake_factor_e4(a, account), book_stake_factor_e4(b, account));
    for (int32_t producer = 1; producer < 4; producer++)
        assert_int_equal(book_producer_is_up(a, producer), book_producer_is_up(b, producer));
    assert_int_equal(book_desk_ts(a), book_desk_ts(b));
    same_proposals(a, b);
    arena_fini(&arena);
}

/* ---- random entries ----------------------------------------------------------- */

struct random { uint64_t state; };

static uint32_t below(struct random *random, uint32_t n)
{
    random->state = random->state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(random->state >> 33) % n;
}

struct entry {
    struct message message;
    struct message_market market;
    struct message_outcome outcomes[4];
    struct message_desk desk;
    struct message_fixture fixture;
    struct message_description description;
    struct message_name names[2];
    char event[32], number[4];
};

static const char *const outcome_ids[] = { "1", "2", "3", "over 2" };

static void make_market(struct random *random, struct entry *entry)
{
    uint32_t kind = below(random, MARKETS);

    entry->market = (struct message_market){
        .market = 1 + kind, .specifiers = SPECIFIERS_OF(kind),
        .status = (int8_t)(1 - (int8_t)below(random, 3) * (below(random, 3) == 0)),
        .favourite = below(random, 2), .n = below(random, 4),
    };
    if (below(random, 20) == 0)
        entry->market.status = (int8_t)-(int8_t)below(random, 5);
    for (uint32_t i = 0; i < entry->market.n; i++)
        entry->outcomes[i] = (struct message_outcome){
            .id = str_of(outcome_ids[(i + below(random, 2)) % 4]), .active = below(random, 8) > 0,
            .odds_e4 = below(random, 9) == 0 ? 0 : 10100 + 100 * below(random, 400),
            .result = (int8_t)below(random, 2), .void_e12 = 0,
            .dead_heat_e12 = FACTOR_ONE_E12,
        };
    entry->message.markets = &entry->market;
    entry->message.outcomes = entry->outcomes;
    entry->message.n_markets = 1;
    entry->message.n_outcomes = entry->market.n;
}

static void make_odds(struct random *random, struct entry *entry)
{
    entry->message.type = MESSAGE_ODDS_CHANGE;
    make_market(random, entry);
    entry->message.has_status = below(random, 3) == 0;
    entry->message.event_status = entry->message.has_status ? (int32_t)below(random, 4) : -1;
    entry->message.match_status = entry->message.has_status ? (int32_t)below(random, 9) : -1;
    if (entry->message.has_status) {
        entry->number[0] = (char)('0' + below(random, 9));
        entry->message.home_score = str_of(entry->number);
        entry->message.away_score = STR("0");
        entry->message.match_time = str_of("12:00");
    }
}

static void make_fixture(struct random *random, struct entry *entry)
{
    entry->message.type = MESSAGE_FIXTURE;
    entry->fixture = (struct message_fixture){
        .event = entry->message.event,
        .sport = str_of(below(random, 2) ? "sr:sport:1" : "sr:sport:2"),
        .sport_name = STR("Soccer"), .status = STR("not_started"),
        .start_ms = T0 + below(random, 1000),
        .home = { .id = STR("sr:competitor:1"), .name = str_of(below(random, 2) ? "A" : "B\"|") },
        .away = { .id = STR("sr:competitor:2"), .name = STR("C") },
    };
    entry->message.fixture = &entry->fixture;
}

static void make_description(struct random *random, struct entry *entry)
{
    entry->message = (struct message){ .type = MESSAGE_MARKET_DESCRIPTIONS,
                                       .timestamp_ms = entry->message.timestamp_ms };
    entry->names[0] = (struct message_name){
        STR("1"), str_of(below(random, 2) ? "one" : "{$competitor1}"),
    };
    entry->names[1] = (struct message_name){ STR("2"), STR("two") };
    entry->description = (struct message_description){
        .market = 1 + below(random, MARKETS),
        .name = str_of(below(random, 2) ? "Total" : "Who wins"),
        .groups = STR("all"), .n = 2,
    };
    entry->message.descriptions = &entry->description;
    entry->message.names = entry->names;
    entry->message.n_descriptions = 1;
    entry->message.n_names = 2;
}

static void make_scope(struct random *random, struct entry *entry)
{
    struct message_desk *desk = &entry->desk;

    desk->level = (enum desk_level)(1 + below(random, 4));
    if (desk->level == DESK_SPORT)
        desk->sport = str_of(below(random, 2) ? "sr:sport:1" : "sr:sport:2");
    if (desk->level < DESK_EVENT)
        entry->message.event = STR_NONE;
    if (desk->level == DESK_MARKET)
        make_market(random, entry);
    entry->message.n_outcomes = 0;
}

static void make_proposal(struct random *random, struct entry *entry, const struct book *owner)
{
    const struct desk_proposal *waits = book_proposals(owner);
    struct message_desk *desk = &entry->desk;

    desk->level = DESK_MARKET;
    make_market(random, entry);
    if (waits == NULL || below(random, 2) == 0) {
        desk->act = DESK_PROPOSE;
        desk->what = (enum desk_what)(1 + below(random, 4));
        entry->message.end_ms = INT64_MAX;
        return;
    }
    desk->act = below(random, 3) == 0 ? DESK_REJECT : DESK_CONFIRM;
    desk->proposal = waits->id;
    desk->what = waits->what;
    desk->operator = STR("bob");
    desk->proposer = STR("ann");
    snprintf(entry->event, sizeof(entry->event), STR_FMT, STR_ARG(waits->market.event));
    entry->market.market = waits->market.market;
    entry->market.specifiers = SPECIFIERS_OF(waits->market.market - 1); /* it may go meanwhile */
    entry->message.end_ms = waits->end_ms;
}

static void make_desk(struct random *random, struct entry *entry, const struct book *owner)
{
    enum desk_act act = (enum desk_act)(1 + below(random, 7));

    entry->message.type = MESSAGE_DESK;
    entry->desk = desk_entry_make(act, STR("ann"), STR("because"));
    entry->message.desk = &entry->desk;
    if (act == DESK_PROPOSE) {
        make_proposal(random, entry, owner);
        return;
    }
    if (act == DESK_FACTOR) {
        entry->message.event = STR_NONE;
        entry->desk.customer = 1 + below(random, 3);
        entry->desk.factor_e4 = 1000 * below(random, 20);
        return;
    }
    make_scope(random, entry);
    if (act == DESK_PRICE) {
        entry->desk.level = DESK_MARKET;
        snprintf(entry->event, sizeof(entry->event), "sr:match:%u", below(random, EVENTS));
        entry->message.event = str_of(entry->event);
        make_market(random, entry);
        entry->message.n_outcomes = 0;
        entry->desk.outcome = str_of(outcome_ids[below(random, 4)]);
        entry->desk.odds_e4 = below(random, 3) == 0 ? 0 : 20000 + below(random, 100) * 100;
    }
    entry->desk.margin_e4 = below(random, 3) == 0 ? -1 : 100 * (int64_t)below(random, 10);
    entry->desk.stake_max_minor = (int64_t)below(random, 500) - 1;
}

static void make(struct random *random, struct entry *entry, const struct book *owner, int64_t now)
{
    uint32_t what = below(random, 100);

    memset(entry, 0, sizeof(*entry));
    snprintf(entry->event, sizeof(entry->event), "sr:match:%u", below(random, EVENTS));
    entry->message = (struct message){
        .event = str_of(entry->event), .producer = 1 + (int32_t)below(random, 2),
        .timestamp_ms = now, .event_status = -1, .match_status = -1, .stop_status = -1,
    };
    if (what < 50) {
        make_odds(random, entry);
    } else if (what < 57) {
        entry->message.type = MESSAGE_BET_STOP;
        entry->message.groups = STR("all");
    } else if (what < 63) {
        entry->message.type = what < 61 ? MESSAGE_BET_SETTLEMENT : MESSAGE_ROLLBACK_SETTLEMENT;
        entry->message.certainty = 2;
        make_market(random, entry);
    } else if (what < 70) {
        entry->message.type = MESSAGE_PRODUCER;
        entry->message.event = STR_NONE;
        entry->message.up = what > 64;
    } else if (what < 72) {
        entry->message = (struct message){ .type = MESSAGE_RESTART, .timestamp_ms = now };
    } else if (what < 78) {
        make_fixture(random, entry);
    } else if (what < 80) {
        make_description(random, entry);
    } else if (what < 82) {
        entry->message.type = MESSAGE_FIXTURE_CHANGE;
        entry->message.start_ms = T0 + below(random, 100);
    } else {
        make_desk(random, entry, owner);
    }
}

/* ---- the tests ------------------------------------------------------------------- */

struct world {
    struct random random;
    struct book *owner, *second, *mirror; /* second: who takes over */
    struct topic topic;
    int64_t position, now, epoch;
};

static void world_init(struct world *world, uint64_t seed)
{
    *world = (struct world){ .random = { seed * 7919 + 1 }, .now = T0, .epoch = 1 };
    world->owner = book_sharded_new(1);
    world->second = book_sharded_new(1);
    world->mirror = book_sharded_new(1);
    book_image_all(book_shard(world->owner, 0), world->epoch, keep, &world->topic);
}

static void world_fini(struct world *world)
{
    topic_free(&world->topic);
    book_free(world->owner);
    book_free(world->second);
    book_free(world->mirror);
}

static void catch_up(struct world *world, size_t from)
{
    for (size_t i = from; i < world->topic.n; i++)
        (void)give(book_shard(world->mirror, 0), &world->topic.all[i]);
}

static void step(struct world *world)
{
    struct entry entry;
    struct book_change change, ignored;
    size_t from = world->topic.n;

    world->now += below(&world->random, 200) == 0 ? 12 * 3600000 : 1000;
    make(&world->random, &entry, world->owner, world->now);
    world->position += 1 + below(&world->random, 3);
    assert_int_equal(book_apply(book_shard(world->owner, 0), &entry.message, world->position,
                                &change), BOOK_OK);
    assert_int_equal(book_apply(book_shard(world->second, 0), &entry.message, world->position,
                                &ignored), BOOK_OK);
    book_image_change(book_shard(world->owner, 0), &change, world->epoch, keep, &world->topic);
    catch_up(world, from);
}

static void take_over(struct world *world)
{
    struct book *was = world->owner;
    size_t from = world->topic.n;

    world->owner = world->second;
    world->second = was;
    world->epoch++;
    book_image_all(book_shard(world->owner, 0), world->epoch, keep, &world->topic);
    catch_up(world, from);
}

static void assert_rebuilt(struct world *world)
{
    struct book *fresh = book_sharded_new(1);

    read_compacted(&world->topic, book_shard(fresh, 0),
                   world->topic.n - world->topic.n / (1 + below(&world->random, 9)));
    assert_true(book_image_state(book_shard(fresh, 0)).whole);
    same_book(world->owner, fresh);
    assert_int_equal(book_position(fresh), book_position(world->mirror));
    book_free(fresh);
}

static void test_mirror_is_the_owner(void **state UNUSED)
{
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct world world;

        world_init(&world, seed);
        catch_up(&world, 0);
        for (unsigned i = 0; i < 400; i++) {
            step(&world);
            same_book(world.owner, world.mirror);
        }
        assert_int_equal(book_position(world.mirror), world.position);
        world_fini(&world);
    }
}

static void test_compacted_topic_is_enough(void **state UNUSED)
{
    for (uint64_t seed = 100; seed < 140; seed++) {
        struct world world;

        world_init(&world, seed);
        catch_up(&world, 0);
        for (unsigned i = 0; i < 300; i++) {
            step(&world);
            if (i % 60 == 59)
                assert_rebuilt(&world);
        }
        world_fini(&world);
    }
}

static void test_takeover(void **state UNUSED)
{
    for (uint64_t seed = 200; seed < 230; seed++) {
        struct world world;

        world_init(&world, seed);
        catch_up(&world, 0);
        for (unsigned i = 0; i < 240; i++) {
            step(&world);
            if (i % 80 == 40)
                take_over(&world);
            same_book(world.owner, world.mirror);
        }
        assert_rebuilt(&world);
        world_fini(&world);
    }
}

/* An image that says what is known already shows nobody anything new. */
static void test_takeover_is_silent(void **state UNUSED)
{
    struct world world;
    struct book_change change;
    struct str error;
    size_t from;

    world_init(&world, 7);
    catch_up(&world, 0);
    for (unsigned i = 0; i < 200; i++)
        step(&world);
    from = world.topic.n;
    book_image_all(book_shard(world.second, 0), 2, keep, &world.topic);
    assert_true(world.topic.n > from + 10);
    for (size_t i = from; i < world.topic.n; i++) {
        struct book_record record = record_of(&world.topic.all[i]);

        (void)!book_image_apply(book_shard(world.mirror, 0), &record, &change, &error);
        assert_int_equal(change.n_markets, 0);
        assert_false(change.all);
    }
    same_book(world.owner, world.mirror);
    world_fini(&world);
}

static void test_replaced_owner_is_not_heard(void **state UNUSED)
{
    struct world world;
    struct topic zombie = { .n = 0 };
    struct entry entry;
    struct book_change change;

    world_init(&world, 11);
    catch_up(&world, 0);
    for (unsigned i = 0; i < 150; i++)
        step(&world);
    take_over(&world);
    for (unsigned i = 0; i < 50; i++) {
        make(&world.random, &entry, world.second, world.now);
        (void)!book_apply(book_shard(world.second, 0), &entry.message, world.position + 1 + i,
                         &change);
        book_image_change(book_shard(world.second, 0), &change, 1, keep, &zombie);
    }
    for (size_t i = 0; i < zombie.n; i++)
        assert_int_equal(give(book_shard(world.mirror, 0), &zombie.all[i]), BOOK_RECORD_OLD_EPOCH);
    same_book(world.owner, world.mirror);
    topic_free(&zombie);
    world_fini(&world);
}

/* Compaction may have kept it and not what it hides. */
static void test_a_replaced_owner_may_hide_settings(void **state UNUSED)
{
    static const struct { const char *key, *value; int64_t epoch; bool whole; } rows[] = {
        { "i", "{\"v\":1,\"e\":2,\"p\":5,\"image\":\"end\"}", 2, true },
        { "m|x|1|", "{\"v\":1,\"e\":1,\"p\":4}", 1, true },
        { "s|a", "{\"v\":1,\"e\":1,\"p\":4}", 1, false },
        { "i", "{\"v\":1,\"e\":2,\"p\":6,\"image\":\"end\"}", 2, true },
        { "f|7", "", 1, false },
    };
    struct book *book = book_sharded_new(1);
    struct book_change change;
    struct str error;

    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct book_record record = { str_of(rows[i].key), str_of(rows[i].value),
                                      rows[i].value[0] == 0, rows[i].epoch };

        assert_int_not_equal(book_image_apply(book_shard(book, 0), &record, &change, &error),
                             BOOK_RECORD_MALFORMED);
        assert_int_equal(book_image_state(book_shard(book, 0)).whole, rows[i].whole);
    }
    book_free(book);
}

/* It may have been a suspension. */
static void test_a_market_that_cannot_be_read_is_not_sold(void **state UNUSED)
{
    static const char well[] =
        "{\"v\":1,\"e\":1,\"p\":5,\"event\":\"x\",\"market\":1,\"specifiers\":\"\",\"rank\":0,"
        "\"version\":5,\"producer\":1,\"status\":1,\"listed\":true,\"favourite\":false,"
        "\"outcomes\":[]}";
    struct market_id id = { STR("x"), 1, STR_NONE };
    struct book *book = book_sharded_new(1), *shard = book_shard(book, 0);
    struct book_record record = { STR("m|x|1|"), str_of(well), false, 1 };
    struct book_change change;
    struct str error;

    assert_int_equal(book_image_apply(shard, &record, &change, &error), BOOK_RECORD_APPLIED);
    assert_true(book_market(shard, id)->listed);
    record.value = STR("{\"v\":1,\"e\":1,\"p\":6,\"event\":\"x\",\"status\":17}");
    assert_int_equal(book_image_apply(shard, &record, &change, &error), BOOK_RECORD_MALFORMED);
    assert_false(book_market(shard, id)->listed);
    assert_int_equal(change.n_markets, 1);
    assert_ptr_equal(change.markets[0], book_market(shard, id));
    book_check(book);
    record.value = str_of(well);
    assert_int_equal(book_image_apply(shard, &record, &change, &error), BOOK_RECORD_APPLIED);
    assert_true(book_market(shard, id)->listed);
    book_free(book);
}

static void test_malformed_records_change_nothing(void **state UNUSED)
{
    static const char *const bad[] = {
        "", "[]", "{", "{\"v\":2}", "{\"v\":1}", "{\"v\":1,\"e\":1,\"p\":-1}",
        "{\"v\":1,\"e\":1,\"p\":5,\"event\":\"x\",\"market\":-1}",
        "{\"v\":1,\"e\":1,\"p\":5,\"event\":\"x\",\"market\":1,\"specifiers\":\"\",\"rank\":0,"
        "\"version\":5,\"producer\":1,\"status\":1,\"listed\":true,\"favourite\":false,"
        "\"outcomes\":[{\"id\":\"1\",\"fed_e4\":9999,\"active\":true}]}",
    };
    struct book *book = book_sharded_new(1);

    for (size_t i = 0; i < LENGTH(bad); i++) {
        struct book_record record = { STR("m|x|1|"), str_of(bad[i]), false, 1 };
        struct book_change change;
        struct str error = STR_NONE;

        assert_int_equal(book_image_apply(book_shard(book, 0), &record, &change, &error),
                         BOOK_RECORD_MALFORMED);
        assert_true(error.n > 0);
        assert_int_equal(book_counts(book).events, 0);
        book_check(book);
    }
    book_free(book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mirror_is_the_owner),
        cmocka_unit_test(test_compacted_topic_is_enough),
        cmocka_unit_test(test_takeover),
        cmocka_unit_test(test_takeover_is_silent),
        cmocka_unit_test(test_replaced_owner_is_not_heard),
        cmocka_unit_test(test_a_replaced_owner_may_hide_settings),
        cmocka_unit_test(test_a_market_that_cannot_be_read_is_not_sold),
        cmocka_unit_test(test_malformed_records_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
