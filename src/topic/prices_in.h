/*
 * Mirror: the book of other processes, here.
 *
 *   topic prices --kafka_reader, from its beginning--> shard of the partition
 *        tick, each second ----> heard                     | what changed
 *        no tick for so long --> suspended (book.h)        '-> bus prices
 *
 * Until a partition has been read to where it ended when the reader began, what
 * changes is told to nobody; then all of it at once.  A shard of which nothing
 * was heard yet is silent.
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
/* Every partition was read to its end, its image is whole and its owner was
 * heard: once and for all, for silence suspends and takes nothing back. */
bool prices_in_is_ready(const struct prices_in *prices);
/* The topics have another number of partitions than the book has shards: it
 * can never be ready. */
bool prices_in_is_mismatched(const struct prices_in *prices);
/* Judges who is silent as of now.  It does so by itself, but a process that slept
 * sells nothing before it has looked. */
void prices_in_check_silence(struct prices_in *prices);
/* Sets the gauges. */
void prices_in_metrics(const struct prices_in *prices);
/* Nothing more comes; its memory goes in the loop's next turn. */
void prices_in_close(struct prices_in *prices);

#endif
