/* Money from the topics: see money_in.h. */
#include "topic/money_in.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "model/slot.h"
#include "topic/event_record.h"

#define SCRATCH_BYTES (8 * 1024 * 1024)
#define PARTITIONS 4096

/* How far a partition has been read.  Positions ascend within a class of
 * accounts; a relay that begins again, or wakes up, repeats lower ones. */
struct positions {
    int64_t position[ACCOUNT_CLASSES];
};

struct source {
    struct money_in *in;
    struct kafka_reader *reader;
    struct positions *positions; /* by partition */
    int32_t partitions;
    bool wallet;         /* of its records only deposits and withdrawals are news */
};

struct money_in {
    struct money_in_options options;
    struct xid_snapshot *snapshot; /* NULL: none */
    struct source bets, transfers;
    struct arena arena;
    struct slip slip;
};

static void count(const char *result)
{
    metric_add(METRIC_MONEY_HEARD, str_of(result), 1);
}

/* ---- what is no news -------------------------------------------------------- */

static struct positions *positions_of(struct source *source, int32_t partition)
{
    size_t size = sizeof(*source->positions), had = (size_t)source->partitions;

    CHECK(partition >= 0 && partition < PARTITIONS);
    if (partition >= source->partitions) {
        source->partitions = partition + 1;
        source->positions = realloc(source->positions, (size_t)source->partitions * size);
        CHECK(source->positions != NULL);
        memset(source->positions + had, 0, ((size_t)source->partitions - had) * size);
    }
    return &source->positions[partition];
}

static bool is_repeat(struct source *source, const struct kafka_message *message)
{
    int64_t account, *position;

    if (message->position == 0 ||
        decimal_parse(message->key, 0, INT64_MAX, &account) != DECIMAL_OK)
        return false; /* not a relay's; its content decides */
    position = &positions_of(source, message->partition)->position[account_class(account)];
    if (message->position <= *position)
        return true;
    *position = message->position;
    return false;
}

static bool is_known(const struct money_in *in, int64_t xid)
{
    return in->snapshot != NULL && xid_snapshot_has(in->snapshot, xid);
}

static bool is_wallet(int event)
{
    return event == EVENT_DEPOSITED || event == EVENT_WITHDRAWN;
}

/* ---- what is ------------------------------------------------------------------ */

/* False: it cannot be. */
static bool publish(struct money_in *in, struct event_record *record)
{
    struct bet_view *bet = &record->bet;
    struct bus_account after = {
        record->account, record->seq, record->at_ms, record->currency,
        record->balance_minor, record->debt_minor, record->staked_minor,
    };
    struct bus_money money;

    bet->offered = bet->state == BET_ACCEPTED; /* no offer, until it is asked for */
    bet->margin_e4 = in->options.margin_e4;
    if (!bus_money_make(record->event, &after, record->amount_minor,
                        record->has_bet ? bet : NULL, &money))
        return false;
    bus_deliver_money(in->options.bus, &money);
    metric_observe(METRIC_MONEY_SECONDS, (clock_wall_ms() - record->at_ms) * 1000);
    count("told");
    return true;
}

static void read_record(struct source *source, struct str text)
{
    struct money_in *in = source->in;
    struct event_record record;

    arena_reset(&in->arena);
    if (!event_record_read(text, &in->arena, &in->slip, &record) ||
        record.has_bet == source->wallet || !publish(in, &record)) {
        count("malformed");
        log_warn("money", "a record cannot be read", "text='" STR_FMT "'",
                 STR_ARG(((struct str){ text.p, text.n < 200 ? text.n : 200 })));
    }
}

static void on_message(void *ctx, const struct kafka_message *message)
{
    struct source *source = ctx;
    int64_t xid = 0;
    int event = 0;
    bool peeked = event_record_peek(message->value, &xid, &event);

    if (source->wallet && peeked && !is_wallet(event))
        return; /* it comes with its bet */
    if (is_repeat(source, message))
        count("repeated");
    else if (peeked && is_known(source->in, xid))
        count("known");
    else if (peeked && source->in->options.turns && !event_turns(event))
        count("passed");
    else
        read_record(source, message->value);
}

/* ---- life ----------------------------------------------------------------------- */

static void open_source(struct money_in *in, struct source *source, enum topic name)
{
    source->in = in;
    source->wallet = name == TOPIC_TRANSFERS;
    source->reader = kafka_reader_new(in->options.kafka, &(struct kafka_reader_options){
        .topic = name, .since_ms = in->options.since_ms,
        .gather_ms = in->options.gather_ms, .on_message = on_message, .ctx = source });
}

struct money_in *money_in_new(const struct money_in_options *options)
{
    struct money_in *in = calloc(1, sizeof(*in));

    CHECK(in != NULL && options->since_ms > 0);
    in->options = *options;
    if (options->snapshot != NULL) {
        in->snapshot = malloc(sizeof(*in->snapshot));
        CHECK(in->snapshot != NULL);
        *in->snapshot = *options->snapshot;
    }
    arena_init(&in->arena, SCRATCH_BYTES);
    open_source(in, &in->bets, TOPIC_BETS);
    if (!options->turns)
        open_source(in, &in->transfers, TOPIC_TRANSFERS);
    return in;
}

void money_in_free(struct money_in *in)
{
    if (in == NULL)
        return;
    kafka_reader_close(in->bets.reader);
    if (in->transfers.reader != NULL)
        kafka_reader_close(in->transfers.reader);
    free(in->bets.positions);
    free(in->transfers.positions);
    free(in->snapshot);
    arena_fini(&in->arena);
    free(in);
}
