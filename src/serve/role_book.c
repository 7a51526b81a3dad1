/*
 * The book: written here, by odds on the local bus, or read from Kafka; and
 * what of it is this process's own to write there.
 */
#include "serve/inside.h"

#include "base/log.h"
#include "feed/uof.h"
#include "odds/odds.h"
#include "odds/partitions.h"
#include "topic/bus_kafka.h"

const struct book *serve_book(const struct serve *serve)
{
    return serve->parts.odds != NULL ? odds_book(serve->parts.odds) : serve->parts.shards;
}

/* ---- on the local bus ----------------------------------------------------- */

bool serve_make_odds(struct serve *serve, struct str *error)
{
    (void)error;
    serve->parts.odds = odds_new(serve->parts.bus);
    return true;
}

struct bus_subscriber serve_subscribe_odds(struct serve *serve)
{
    return (struct bus_subscriber){ .on_feed = odds_on_feed, .ctx = serve->parts.odds };
}

/* ---- read from Kafka ------------------------------------------------------ */

bool serve_make_shards(struct serve *serve, struct str *error)
{
    (void)error;
    serve->parts.shards = book_sharded_new((unsigned)serve->settings.config.partitions);
    return true;
}

void serve_shards_metrics(struct serve *serve)
{
    partitions_metrics(serve->parts.shards);
}

bool serve_book_is_whole(const struct serve *serve)
{
    return bus_has_book(serve->parts.bus);
}

const char *serve_book_not_ready(const struct serve *serve)
{
    return serve_book_is_whole(serve) ? NULL : "the book is not whole";
}

/* ---- partitions that are this process's own ---------------------------------- */

static bool parse_entry(void *ctx, struct str body, struct arena *arena, struct message *message)
{
    struct uof_error error;

    if (uof_parse(ctx, body, true, arena, message, &error))
        return true;
    log_error("odds", "an entry of the log cannot be read", "error='%s'", error.text);
    return false;
}

bool serve_make_parser(struct serve *serve, struct str *error)
{
    (void)error;
    serve->parts.parser = uof_parser_new();
    return true;
}

bool serve_make_partitions(struct serve *serve, struct str *error)
{
    (void)error;
    serve->parts.partitions = partitions_new(&(struct partitions_options){
        .loop = &serve->loop, .store = serve->parts.store,
        .kafka = bus_kafka_client(serve->parts.bus),
        .count = (unsigned)serve->settings.config.partitions,
        .since_ms = serve->start.book_from_ms,
        .parse = parse_entry, .ctx = serve->parts.parser,
    });
    return true;
}

/* The log, the wallet and settlement go on without Kafka; who has had the book
 * sells nothing of it then. */
const char *serve_partitions_not_ready(const struct serve *serve)
{
    if (!kafka_is_up(bus_kafka_client(serve->parts.bus)))
        return "Kafka cannot be reached";
    if (serve->parts.partitions == NULL || !partitions_are_ready(serve->parts.partitions))
        return "a partition is being taken over";
    return NULL;
}

/* Of who reads all partitions, they are said there. */
void serve_partitions_metrics(struct serve *serve)
{
    if (serve->parts.shards == NULL)
        partitions_metrics(partitions_book(serve->parts.partitions));
}
