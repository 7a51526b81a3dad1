/*
 * A sport as the origin's stream sent it: a row for each of its events, which is
 * sent in full when it changes.  Pure; the caller passes the time.
 */
#ifndef FANOUT_ROWS_H
#define FANOUT_ROWS_H

#include "base/json.h"
#include "base/map.h"

struct rows;

struct rows *rows_new(struct str sport) MUST_USE;
void rows_free(struct rows *rows);
/* Nothing that a list shows is in it. */
bool rows_are_empty(const struct rows *rows);

/* The row of an event, an object of "events", which may by now be of another
 * sport; one that is new is taken where it is of this.  True: something is new. */
bool rows_take(struct rows *rows, json_t *event, int64_t order) MUST_USE;
/* The version of an event's row, or -1. */
int64_t rows_version(const struct rows *rows, struct str id);
/* The event is not there any more. */
bool rows_forget(struct rows *rows, struct str id, int64_t order, uint64_t now_ms) MUST_USE;
/* Between these rows are taken as the image of the sport; the end is true when rows
 * that were shown have left. */
void rows_image_begin(struct rows *rows);
/* Their versions are not to be compared with those of the next image. */
void rows_doubt(struct rows *rows);
bool rows_image_end(struct rows *rows, int64_t order, uint64_t now_ms) MUST_USE;

void rows_put_image(const struct rows *rows, struct jw *w);
/* What changed after `since`.  False: nothing did. */
bool rows_put_since(const struct rows *rows, int64_t since, struct jw *w);
/* Drops one that has been gone for kept_ms; the order that whoever has less than it
 * needs the image, or 0. */
int64_t rows_sweep(struct rows *rows, uint64_t now_ms, uint64_t kept_ms);

#endif
