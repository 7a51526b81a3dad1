/*
 * Surrogate keys: the names by which a CDN finds what must leave its cache.
 * A snapshot carries them twice, for each CDN has a header of its own:
 * Surrogate-Key (Fastly; keys parted by spaces) and Cache-Tag (Cloudflare;
 * by commas, without regard to case).  `overround purge` sends the same keys.
 *
 *   event-sr:match:1   one event's snapshot
 *   events             every list: of events, of sports
 */
#ifndef NET_CACHE_TAG_H
#define NET_CACHE_TAG_H

#include "base/buf.h"

#define CACHE_TAG_LISTS "events"

/* The key of an event.  What is not a letter, a digit or one of ":._-" stands
 * as %XX, so that no id contains a space, a comma or another key. */
void cache_tag_event(struct buf *out, struct str event);

#endif
