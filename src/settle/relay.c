/*
 * Relay: see relay.h.  Batches are read, sent and acknowledged in order; up to
 * BATCHES at once, so that neither the store nor Kafka waits for the other.
 *
 *   free -> reading -> sending -> in flight -> (the oldest first) acknowledged, free
 *
 * When a record fails, or this process gets another class, everything in
 * flight comes to its end; then it reads again from what is acknowledged.
 */
#include "settle/relay.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "model/grade.h"
#include "settle/relay_share.h"
#include "topic/money_out.h"

#define BATCHES 4
#define BATCH_ARENA_BYTES (128 * 1024 * 1024)
#define SCRATCH_BYTES (1024 * 1024)
#define IDLE_FIRST_MS 10
#define IDLE_MAX_MS 200
#define PENDING_MS 2     /* somebody's transaction is about to end */
#define BLOCKED_MS 100   /* Kafka takes nothing */
#define AGAIN_MS 250     /* after a failure */
#define STOP_MS 2000     /* for what is in flight */

struct outbox_batch {
    struct relay *relay;
    struct outbox_read read;
    struct arena arena;
    uint32_t next;   /* event to be sent */
    struct money_progress progress; /* of that event */
    bool sent;       /* all of it */
    uint32_t left;   /* records that are not acknowledged */
    bool failed;     /* one of them never will be */
    int64_t oldest_ms; /* of its events; 0 = none of ours */
};

#define RELAY_MAGIC 0x72656c79u /* "rely" */

struct relay {
    uint32_t magic;
    struct relay_options options;
    char *owner;
    uv_timer_t reader, keeper, stopper;
    struct outbox_batch batches[BATCHES]; /* a ring */
    unsigned first, n;
    struct outbox_place place;
    int64_t acknowledged;              /* all rows up to here */
    int64_t acknowledged_of[ACCOUNT_CLASSES];   /* and those of the class up to here */
    uint32_t classes;                  /* that are published here */
    uint32_t gained;                   /* that will be, once all is acknowledged */
    int64_t gained_acknowledged[ACCOUNT_CLASSES];
    struct outbox_keep keep;
    bool reading, keeping, failed, blocked;
    bool resting;                      /* reads again when the timer says so */
    bool stopping, left, ended;
    unsigned closing;
    uint64_t idle_ms;
    int64_t waits_since_ms;            /* rows that cannot be read yet; 0 = none */
    struct arena scratch;
    struct slip slip;
    struct money_out *out;
    void (*on_stopped)(void *ctx);
    void *ctx;
};

static void advance(struct relay *relay);
static void stop_when_acknowledged(struct relay *relay);

/* Between two calls from outside. */
static void relay_check(const struct relay *relay)
{
    CHECK(relay->magic == RELAY_MAGIC);
    CHECK(relay->n <= BATCHES && relay->first < BATCHES);
    CHECK(!relay->reading || relay->n > 0);
    CHECK((relay->classes & relay->gained) == 0); /* published here, or about to be */
    CHECK((relay->classes | relay->gained) < 1u << ACCOUNT_CLASSES);
    CHECK(relay->acknowledged >= 0 && relay->acknowledged <= relay->place.after);
    CHECK(relay->idle_ms >= IDLE_FIRST_MS && relay->idle_ms <= IDLE_MAX_MS);
    CHECK(!relay->left || relay->stopping);
    CHECK(!relay->ended || relay->left);
}

/* ---- one event ------------------------------------------------------------ */

static void complete_bet(struct relay *relay, const struct outbox_event *event,
                         struct event_record *record)
{
    struct bet_view *bet = &record->bet;
    bool fresh = event->event == EVENT_BET_ACCEPTED;

    arena_reset(&relay->scratch);
    if (!slip_decode(event->slip, &relay->scratch, &relay->slip) ||
        !results_decode(fresh ? STR("") : event->results, &relay->slip) ||
        !grade_potential(&relay->slip, event->stake_minor - event->cashed_stake_minor,
                         &bet->potential_minor)) {
        log_error("relay", "a stored bet cannot be read", "bet=%" PRId64, event->ref);
        return;
    }
    bet->slip = &relay->slip;
    bet->country = event->country;
    bet->placed_ms = event->placed_ms;
    bet->stake_minor = event->stake_minor;
    bet->payout_minor = event->payout_minor;
    bet->cashed_stake_minor = event->cashed_stake_minor;
    bet->cashed_paid_minor = event->cashed_paid_minor;
    bet->state = event_state(event->event);
    bet->settled_ms = bet->state == BET_ACCEPTED ? 0 : event->at_ms;
    record->past_posted = (event->flags & BET_FLAG_PAST_POSTED) != 0 && !fresh;
    record->has_bet = true;
}

static struct event_record record_of(struct relay *relay, const struct outbox_event *event)
{
    bool wallet = event->event == EVENT_DEPOSITED || event->event == EVENT_WITHDRAWN;
    struct event_record record = {
        .event = event->event,
        .account = event->account,
        .seq = event->seq,
        .at_ms = event->at_ms,
        .xid = event->xid,
        .currency = event->currency,
        .balance_minor = event->net_minor > 0 ? event->net_minor : 0,
        .debt_minor = event->net_minor < 0 ? -event->net_minor : 0,
        .staked_minor = event->staked_minor,
        .amount_minor = event->amount_minor,
        .experiments = relay->options.experiments,
        .bet = { .id = wallet ? 0 : event->ref, .sport = event->sport },
    };

    if (!wallet && event->has_bet)
        complete_bet(relay, event, &record);
    return record;
}

/* ---- sending --------------------------------------------------------------- */

static void on_sent(void *ctx, bool sent)
{
    struct outbox_batch *batch = ctx;
    struct relay *relay = batch->relay;

    CHECK(batch->left > 0);
    CHECK(relay->magic == RELAY_MAGIC);
    batch->left--;
    batch->failed = batch->failed || !sent;
    if (!sent && !relay->failed) {
        relay->failed = true;
        metric_inc(METRIC_RELAY_AGAIN);
        log_warn("relay", "events could not be told", "told=%" PRId64, relay->acknowledged);
    }
    if ((batch->left == 0 || relay->blocked) && !relay->ended)
        advance(relay);
}

/* False: Kafka takes no more now. */
static bool send_event(struct outbox_batch *batch, const struct outbox_event *event)
{
    struct relay *relay = batch->relay;
    struct event_record record = record_of(relay, event);
    uint32_t before = batch->progress.sent;
    bool whole = money_out_send(relay->out, &(struct money_event){
        .record = &record, .row = event->row, .n = event->n,
        .traceparent = event->traceparent, .arena = &batch->arena,
        .on_done = on_sent, .ctx = batch }, &batch->progress);

    batch->left += batch->progress.sent - before;
    return whole;
}

/* Of another class, or published by the process that had the class before. */
static bool is_published(const struct relay *relay, const struct outbox_event *event)
{
    unsigned class = account_class(event->account);

    return (relay->classes >> class & 1) == 0 || event->row <= relay->acknowledged_of[class];
}

static void send_batch(struct outbox_batch *batch)
{
    struct relay *relay = batch->relay;

    for (; batch->next < batch->read.n; batch->next++) {
        const struct outbox_event *event = &batch->read.events[batch->next];

        if (is_published(relay, event) && !batch->progress.half)
            continue;
        if (batch->oldest_ms == 0)
            batch->oldest_ms = event->at_ms;
        if (!send_event(batch, event)) {
            relay->blocked = true;
            return;
        }
    }
    batch->sent = true;
}

static struct outbox_batch *batch_at(struct relay *relay, unsigned i)
{
    return &relay->batches[(relay->first + i) % BATCHES];
}

/* In order; what is behind one that Kafka does not take waits. */
static void send_batches(struct relay *relay)
{
    unsigned readable = relay->n - (relay->reading ? 1 : 0);

    relay->blocked = false;
    for (unsigned i = 0; i < readable && !relay->blocked; i++)
        if (!batch_at(relay, i)->sent)
            send_batch(batch_at(relay, i));
}

/* ---- acknowledged ----------------------------------------------------------- */

static void retire(struct relay *relay, const struct outbox_batch *batch)
{
    CHECK(batch->next == batch->read.n && batch->left == 0);
    CHECK(batch->read.place.after > relay->acknowledged); /* in order of rows */
    relay->acknowledged = batch->read.place.after;
    if (batch->oldest_ms > 0)
        metric_observe(METRIC_RELAY_SECONDS, (clock_wall_ms() - batch->oldest_ms) * 1000);
}

static void retire_batches(struct relay *relay)
{
    while (relay->n > (relay->reading ? 1u : 0u)) {
        struct outbox_batch *batch = batch_at(relay, 0);

        if (!batch->sent || batch->left > 0 || batch->failed)
            return;
        retire(relay, batch);
        relay->first = (relay->first + 1) % BATCHES;
        relay->n--;
    }
}

static uint32_t in_flight(const struct relay *relay)
{
    uint32_t n = 0;

    for (unsigned i = 0; i < BATCHES; i++)
        n += relay->batches[i].left;
    return n;
}

static void read_from(struct relay *relay, int64_t row)
{
    CHECK(!relay->reading && row >= 0);
    relay->acknowledged = row;
    relay->place.after = row;
    relay->n = 0;
}

/* The classes that were gained are published from now on; those of before go back
 * to the same place, and pass over what is acknowledged. */
static void regroup(struct relay *relay)
{
    int64_t from = INT64_MAX;

    CHECK(relay->n == 0 && relay->gained != 0);
    CHECK(in_flight(relay) == 0);
    for (unsigned class = 0; class < ACCOUNT_CLASSES; class++) {
        if ((relay->gained >> class & 1) != 0)
            relay->acknowledged_of[class] = relay->gained_acknowledged[class];
        else if ((relay->classes >> class & 1) != 0 &&
                 relay->acknowledged_of[class] < relay->acknowledged)
            relay->acknowledged_of[class] = relay->acknowledged;
    }
    relay->classes |= relay->gained;
    relay->gained = 0;
    for (unsigned class = 0; class < ACCOUNT_CLASSES; class++)
        if ((relay->classes >> class & 1) != 0 && relay->acknowledged_of[class] < from)
            from = relay->acknowledged_of[class];
    CHECK((relay->classes == 0) == (from == INT64_MAX));
    if (relay->classes != 0)
        read_from(relay, from);
}

/* ---- reading ------------------------------------------------------------------ */

static void on_read(struct outbox_read *read, enum store_result result);

static void on_reader(uv_timer_t *timer)
{
    struct relay *relay = timer->data;

    relay_check(relay);
    relay->resting = false;
    advance(relay);
}

static void wake_in(struct relay *relay, uint64_t ms)
{
    if (!relay->stopping)
        uv_timer_start(&relay->reader, on_reader, ms, 0);
}

static void pause_reading(struct relay *relay, uint64_t ms)
{
    relay->resting = true;
    wake_in(relay, ms);
}

static bool may_read(const struct relay *relay)
{
    return !relay->reading && !relay->failed && !relay->blocked && !relay->resting &&
           !relay->stopping && relay->gained == 0 && relay->classes != 0 && relay->n < BATCHES;
}

static void read_next(struct relay *relay)
{
    struct outbox_batch *batch = batch_at(relay, relay->n);

    CHECK(batch->left == 0 && batch->relay == relay);
    arena_reset(&batch->arena);
    batch->next = 0;
    batch->progress = (struct money_progress){ 0 };
    batch->sent = batch->failed = false;
    batch->oldest_ms = 0;
    batch->read = (struct outbox_read){ .place = relay->place, .classes = relay->classes,
                                        .traces = relay->options.tracer != NULL,
                                        .arena = &batch->arena, .on_done = on_read,
                                        .ctx = batch };
    relay->reading = true;
    relay->n++;
    store_outbox_read(relay->options.store, &batch->read);
}

/* Nothing to publish: the next look is further and further away, unless something
 * is about to be there. */
static void idle(struct relay *relay)
{
    const struct outbox_place *place = &relay->place;
    bool waits = place->last > place->after && place->last > place->horizon;

    if (!waits)
        relay->waits_since_ms = 0;
    else if (relay->waits_since_ms == 0)
        relay->waits_since_ms = clock_wall_ms();
    if (waits && clock_wall_ms() - relay->waits_since_ms < 100) {
        pause_reading(relay, PENDING_MS);
        return;
    }
    pause_reading(relay, relay->idle_ms);
    relay->idle_ms = relay->idle_ms * 2 > IDLE_MAX_MS ? IDLE_MAX_MS : relay->idle_ms * 2;
}

static void on_read(struct outbox_read *read, enum store_result result)
{
    struct outbox_batch *batch = read->ctx;
    struct relay *relay = batch->relay;
    bool news = read->place.after > relay->place.after;

    relay_check(relay);
    CHECK(relay->reading && batch == batch_at(relay, relay->n - 1)); /* the newest */
    CHECK(result != STORE_OK || read->place.after >= relay->place.after);
    for (uint32_t i = 1; CHECKS_DEAR && i < read->n; i++)
        CHECK(read->events[i - 1].row <= read->events[i].row);
    relay->reading = false;
    if (result != STORE_OK || !news) {
        relay->n--; /* it was the last one */
        if (result == STORE_OK)
            relay->place = read->place;
        if (result == STORE_OK)
            idle(relay);
        else
            pause_reading(relay, AGAIN_MS);
        advance(relay);
        return;
    }
    relay->place = read->place;
    relay->idle_ms = IDLE_FIRST_MS;
    relay->waits_since_ms = 0;
    advance(relay);
}

/* Everything in flight has ended: what is acknowledged ends where it failed. */
static void read_again(struct relay *relay)
{
    relay->failed = relay->blocked = false;
    read_from(relay, relay->acknowledged);
    pause_reading(relay, AGAIN_MS);
}

/* Whatever can be done now. */
static void advance(struct relay *relay)
{
    if (!relay->failed)
        send_batches(relay);
    retire_batches(relay);
    if (relay->failed && !relay->reading && in_flight(relay) == 0)
        read_again(relay);
    if (relay->gained != 0 && relay->n == 0 && !relay->failed)
        regroup(relay);
    if (relay->blocked)
        wake_in(relay, BLOCKED_MS);
    else if (may_read(relay))
        read_next(relay);
    stop_when_acknowledged(relay);
}

/* ---- classes ------------------------------------------------------------------- */

static unsigned count(uint32_t classes)
{
    return (unsigned)__builtin_popcount(classes);
}

static void take_classes(struct relay *relay, const struct outbox_keep *keep)
{
    uint32_t mine = 0;

    for (unsigned class = 0; class < ACCOUNT_CLASSES; class++)
        mine |= keep->classes[class].mine ? 1u << class : 0;
    relay->classes &= mine;
    relay->gained &= mine;
    for (unsigned class = 0; class < ACCOUNT_CLASSES; class++) {
        uint32_t bit = 1u << class;

        if ((mine & bit) == 0 || ((relay->classes | relay->gained) & bit) != 0)
            continue;
        relay->gained |= bit;
        relay->gained_acknowledged[class] = keep->classes[class].told;
    }
    CHECK((relay->classes | relay->gained) == mine);
}

static void on_kept(struct outbox_keep *keep, enum store_result result);

static void keep_now(struct relay *relay)
{
    struct relay_share share = relay_share_of(&relay->keep);
    struct outbox_keep *keep = &relay->keep;

    if (relay->keeping)
        return;
    if (relay->left)
        share = (struct relay_share){ .release = relay->classes };
    share.release &= relay->classes;
    relay->classes &= ~share.release;
    keep->owner = str_of(relay->owner);
    keep->lease_ms = relay->options.lease_ms;
    keep->told = relay->acknowledged;
    keep->keep = relay->classes;
    keep->release = share.release;
    keep->take = relay->left ? 0 : share.take | relay->gained;
    keep->leave = relay->left;
    keep->on_done = on_kept;
    keep->ctx = relay;
    relay->keeping = true;
    store_outbox_keep(relay->options.store, keep);
}

static void on_keeper(uv_timer_t *timer)
{
    keep_now(timer->data);
}

static void on_all_closed(uv_handle_t *handle)
{
    struct relay *relay = handle->data;

    CHECK(relay->closing > 0 && relay->ended);
    if (--relay->closing == 0 && relay->on_stopped != NULL)
        relay->on_stopped(relay->ctx);
}

static void end(struct relay *relay)
{
    uv_timer_t *timers[] = { &relay->reader, &relay->keeper, &relay->stopper };

    CHECK(!relay->ended);
    relay->ended = true;
    relay->closing = LENGTH(timers);
    for (size_t i = 0; i < LENGTH(timers); i++)
        uv_close((uv_handle_t *)timers[i], on_all_closed);
}

static void on_kept(struct outbox_keep *keep, enum store_result result)
{
    struct relay *relay = keep->ctx;
    bool first = count(relay->classes | relay->gained) == 0;

    relay_check(relay);
    CHECK(relay->keeping && keep == &relay->keep);
    relay->keeping = false;
    if (keep->leave) {
        end(relay);
        return;
    }
    if (relay->left) {
        keep_now(relay);
        return;
    }
    if (result != STORE_OK)
        return; /* the lease may run out, and another one take it */
    take_classes(relay, keep);
    if (first && relay_share_of(keep).take != 0 && !relay->stopping)
        keep_now(relay); /* at start, at once */
    advance(relay);
}

/* ---- life ------------------------------------------------------------------------ */

struct relay *relay_new(const struct relay_options *options)
{
    struct relay *relay = calloc(1, sizeof(*relay));
    uv_timer_t *timers[3];

    CHECK(relay != NULL && options->lease_ms > 0);
    relay->magic = RELAY_MAGIC;
    relay->options = *options;
    relay->owner = strdup(options->owner);
    CHECK(relay->owner != NULL);
    relay->idle_ms = IDLE_FIRST_MS;
    arena_init(&relay->scratch, SCRATCH_BYTES);
    relay->out = money_out_new(options->kafka, options->tracer);
    for (unsigned i = 0; i < BATCHES; i++) {
        relay->batches[i].relay = relay;
        arena_init(&relay->batches[i].arena, BATCH_ARENA_BYTES);
    }
    timers[0] = &relay->reader;
    timers[1] = &relay->keeper;
    timers[2] = &relay->stopper;
    for (size_t i = 0; i < LENGTH(timers); i++) {
        uv_timer_init(options->loop, timers[i]);
        timers[i]->data = relay;
    }
    uv_timer_start(&relay->keeper, on_keeper, 0, (uint64_t)(options->lease_ms / 3));
    return relay;
}

static int64_t lag_ms(const struct relay *relay)
{
    int64_t since_ms = relay->waits_since_ms;

    for (unsigned i = relay->n; i-- > 0;) {
        const struct outbox_batch *batch = &relay->batches[(relay->first + i) % BATCHES];

        if (batch->oldest_ms > 0)
            since_ms = batch->oldest_ms;
    }
    return since_ms == 0 ? 0 : clock_wall_ms() - since_ms;
}

void relay_metrics(const struct relay *relay)
{
    metric_set(METRIC_RELAY_LAG, STR_NONE, lag_ms(relay));
    metric_set(METRIC_RELAY_CLASSES, STR_NONE, count(relay->classes));
}

static void begin_leaving(struct relay *relay)
{
    if (relay->left)
        return;
    relay->left = true;
    uv_timer_stop(&relay->keeper);
    uv_timer_stop(&relay->stopper);
    uv_timer_stop(&relay->reader);
    if (!relay->reading)
        keep_now(relay);
}

static void stop_when_acknowledged(struct relay *relay)
{
    if (!relay->stopping || relay->reading)
        return;
    if (!relay->left && in_flight(relay) == 0)
        begin_leaving(relay);
    else if (relay->left && !relay->keeping && !relay->ended)
        keep_now(relay);
}

static void on_stopper(uv_timer_t *timer)
{
    begin_leaving(timer->data);
}

void relay_stop(struct relay *relay, void (*on_stopped)(void *ctx), void *ctx)
{
    relay_check(relay);
    CHECK(!relay->stopping);
    relay->stopping = true;
    relay->on_stopped = on_stopped;
    relay->ctx = ctx;
    uv_timer_stop(&relay->reader);
    uv_timer_start(&relay->stopper, on_stopper, STOP_MS, 0);
    advance(relay);
}

void relay_free(struct relay *relay)
{
    if (relay == NULL)
        return;
    CHECK(relay->magic == RELAY_MAGIC);
    relay->magic = 0;
    for (unsigned i = 0; i < BATCHES; i++)
        arena_fini(&relay->batches[i].arena);
    arena_fini(&relay->scratch);
    money_out_free(relay->out);
    free(relay->owner);
    free(relay);
}
