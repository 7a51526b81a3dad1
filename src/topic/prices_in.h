/*
 * Reads the topic prices into a book: bets and web have the book that the odds
 * processes write.
 *
 *   topic prices --kafka_reader, from its beginning--> shard of the partition
 *        tick, each second ----> its owner lives           | what changed
 *        no tick for so long --> suspended (book.h)        '-> bus prices
 *
 * Until a partition has been read to where it ended when the reader began,
 * changes are not published; then one message says that all of it changed.  A
 * shard without a tick is suspended.
 *
 * The codec is model/book_image.h: it reads and writes the book's insides.
 */
#ifndef TOPIC_PRICES_IN_H
#define TOPIC_PRICES_IN_H

#include <uv.h>

#include "bus/bus.h"
#include "bus/kafka.h"

struct prices_in;

struct prices_in_options {
    uv_loop_t *loop;
    struct kafka *kafka;
    struct bus *bus;      /* gets what changed (bus_prices) */
    struct book *book;    /* book_sharded_new(), a shard for each partition */
    int64_t live_silence_ms;     /* of a partition, then its live markets are suspended */
    int64_t prematch_silence_ms; /* then all of them */
};

struct prices_in *prices_in_new(const struct prices_in_options *options) MUST_USE;
/* Every partition was read to its end, its image is whole and it had a tick.
 * Stays true: silence later on suspends markets, and the book is still there.
 * Never true when the topic has another number of partitions than the book has
 * shards. */
bool prices_in_is_ready(const struct prices_in *prices);
/* Suspends the partitions that are silent by now.  A timer does so as well; a
 * process that slept calls it before it accepts bets. */
void prices_in_check_silence(struct prices_in *prices);
/* Sets the gauges. */
void prices_in_metrics(const struct prices_in *prices);
/* Nothing more comes; its memory goes in the loop's next turn. */
void prices_in_close(struct prices_in *prices);

#endif
