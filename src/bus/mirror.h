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
#ifndef BUS_MIRROR_H
#define BUS_MIRROR_H

#include <uv.h>

#include "bus/bus.h"
#include "bus/kafka.h"

struct mirror;

struct mirror_options {
    uv_loop_t *loop;
    struct kafka *kafka;
    struct bus *bus;      /* gets what changed (bus_prices) */
    struct book *book;    /* book_sharded_new(), a shard for each partition */
    int64_t live_silence_ms;     /* of a partition, then its live markets are suspended */
    int64_t prematch_silence_ms; /* then all of them */
};

struct mirror *mirror_new(const struct mirror_options *options) MUST_USE;
/* Every partition was read to its end, its image is whole and its owner was
 * heard: once and for all, for silence suspends and takes nothing back. */
bool mirror_is_ready(const struct mirror *mirror);
/* The topics have another number of partitions than the book has shards: it
 * can never be ready. */
bool mirror_is_mismatched(const struct mirror *mirror);
/* Judges who is silent as of now.  It does so by itself, but a process that slept
 * sells nothing before it has looked. */
void mirror_look(struct mirror *mirror);
/* Sets the gauges. */
void mirror_metrics(const struct mirror *mirror);
/* Nothing more comes; its memory goes in the loop's next turn. */
void mirror_close(struct mirror *mirror);

#endif
